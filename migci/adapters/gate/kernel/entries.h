/* What a table is made of: entries in the bucket that their place names, and what finds no room there.

   An entry has the column number with which it was entered first. */
#ifndef MIGCI_ENTRIES_H
#define MIGCI_ENTRIES_H

#include "grams.h"

typedef enum { FINE, NOT_EVEN_ESSENTIAL, NO_MEMORY, OTHER_FIELDS, OPEN_ROW } Outcome;

/* The entries that found no room in their bucket: place, essential, column number. */
typedef struct {
    uint64_t *entries;
    size_t slots, used;
} Spill;

typedef struct {
    unsigned bits;
    uint64_t capacity, count;
    int whole; /* all that was entered is there, rather than what is essential alone */
    uint32_t *table;
    uint16_t *essential; /* a bit for each entry of a bucket */
    Spill spill;
    Outcome outcome;
} Store;

/* Returns whether there is memory for it. */
int store_new(Store *store, unsigned bits, uint64_t capacity);
void store_free(Store *store);

/* What goes wrong is in `outcome`, and nothing more may be entered then. */
void store_enter(Store *store, uint64_t hash, unsigned number, int essential);

/* Ask for the memory that an entry will need. */
static inline void store_expect(const Store *store, uint64_t hash, int essential) {
    uint64_t bucket = place_of(hash, store->bits) >> FINGERPRINT_BITS;
    const void *entries = store->table + bucket * SLOTS, *noted = store->essential + bucket;
    __builtin_prefetch(entries, 0, 1);
    __builtin_prefetch(essential ? noted : entries, 0, 1);
}

static inline uint64_t spilled(uint64_t place, int essential, unsigned number) {
    return place << 9 | (uint64_t)(essential != 0) << 8 | number;
}

/* `emit` is given so many buckets, and returns whether to go on; so does this. */
typedef int Emit(void *context, const uint32_t *entries, size_t buckets);
Outcome store_write(const Store *store, uint64_t buckets, Emit *emit, void *context, uint64_t *written);

#endif
