/* The values of a column that are common, counted from below (Misra and Gries 1982); the rest is held for a while. */
#ifndef MIGCI_COMMON_H
#define MIGCI_COMMON_H

#include "grams.h"

typedef struct {
    uint32_t offset, length, hash;
    uint64_t count;
} Held;

typedef struct {
    unsigned room, used;
    size_t text_used;
    Held *held;      /* in the order in which they came */
    uint16_t *slots; /* twice `room`; zero, or the place in `held` and one */
    uint8_t *text;
} Common;

/* `room` is a power of two. Returns whether there is memory for it. */
int common_new(Common *common, unsigned room);
void common_free(Common *common);

typedef void Take(void *context, const uint8_t *value, size_t length);

/* Count a value of at most LONGEST_COMMON bytes. Those that are not common any more are given to `take`. */
void common_count(Common *common, const uint8_t *value, size_t length, Take *take, void *context);

/* Give to `take` those still held that do not make up more than the `part`-th part of `rows`. */
void common_rest(const Common *common, uint64_t part, uint64_t rows, Take *take, void *context);

#endif
