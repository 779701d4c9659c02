/* JSON documents: leaves are replaced by the rules of their paths, and every other byte stays. See anonymize/ops.py. */

#ifndef ANONYMIZE_JSON_H
#define ANONYMIZE_JSON_H

#include "bytes.h"

enum { JSON_DEEPEST = 512, JSON_KEEPS = -1, JSON_REFUSES = -2 };

/* A member's name, decoded, and the state that it leads to. */
typedef struct {
    const uint8_t *text;
    size_t length;
    uint32_t state;
} JsonName;

/* One of the states of anonymize/json_paths.py. */
typedef struct {
    int rule; /* what `leaf` is called with for a leaf here, or JSON_KEEPS, or JSON_REFUSES */
    uint32_t otherwise;
    const JsonName *names;
    size_t name_count;
    uint64_t may; /* which names there may be; see json_prepare */
} JsonState;

/* Appends what takes the place of a leaf (a string decoded, a number as it is written) to `out`. It may be called for
 * an empty string. */
typedef Fit JsonLeaf(void *context, int rule, const uint8_t *leaf, size_t length, Bytes *out, const char **why);

/* Fills in what is found out of a state's names. */
void json_prepare(JsonState *states, size_t count);

/* The document, with its leaves replaced, is appended to `out`; it begins in states[0]. Decoded strings are held in
 * `scratch`, which `leaf` does not touch. */
Fit json(const JsonState *states, const uint8_t *document, size_t length, JsonLeaf *leaf, void *context, Bytes *out,
         Bytes *scratch, const char **why);

#endif
