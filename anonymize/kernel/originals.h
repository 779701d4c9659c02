/* Originals: values that must not be seen again, kept as keyed hashes, and the search for them in a text. */

#ifndef ANONYMIZE_ORIGINALS_H
#define ANONYMIZE_ORIGINALS_H

#include "bytes.h"

enum { HASH_KEY_BYTES = 32, LEAST_CHARACTERS = 6, LONGEST_ORIGINAL = 4096, MOST_SOURCES = 4094 };

typedef struct {
    uint64_t part[4];
} HashKey;

typedef struct Originals Originals;

/* Told of each original that is found: text[at, at + length). 0 ends the search: there is no memory. */
typedef int (*Found)(void *context, size_t at, size_t length, unsigned source, uint64_t hash);

void hash_key(HashKey *made, const uint8_t bytes[HASH_KEY_BYTES]);

uint64_t value_hash(const HashKey *key, const uint8_t *value, size_t length);

/* NULL without memory. */
Originals *originals_new(const uint8_t key[HASH_KEY_BYTES]);
void originals_free(Originals *originals);

const HashKey *originals_key(const Originals *originals);

/* How a value counts when it is looked for: `*length` bytes from `value`; 0 if it is not looked for at all. */
const uint8_t *originals_part(const uint8_t *value, size_t *length);

/* Add a value of a column; of an original of several columns, the lowest number is kept. 0 without memory. */
int originals_add(Originals *originals, const uint8_t *value, size_t length, unsigned source);

/* What was added can be found from here on. 0 without memory. */
int originals_settle(Originals *originals);

size_t originals_count(const Originals *originals);
size_t originals_bytes(const Originals *originals);

/* A bit for each three bytes, the first one in the highest eight bits: whether an original has them at one of its first
   three places. What is decoded from base64, wherever it begins, has them at a place that is whole. */
const uint8_t *originals_threes(const Originals *originals);

/* Every place and length of an original in `text`; 0 without memory. */
int originals_find(const Originals *originals, const uint8_t *text, size_t length, Found found, void *context);

#endif
