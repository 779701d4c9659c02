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

/* Bits for four bytes, as a number in memory has them: all that originals have at their places 0, 1 and 2 are set.
   What is decoded from base64 in whole groups has such four bytes at one of its places, wherever it begins. */
typedef struct {
    const uint8_t *bits;
    uint32_t factor;
} Fours;

enum { FOUR_BITS = 21 };

static inline uint32_t four_bit(uint32_t factor, uint32_t four) { return (four * factor) >> (32 - FOUR_BITS); }

/* Four bytes, of which the first one is the highest of `four`, as a number in memory. */
static inline uint32_t in_memory(uint32_t four) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap32(four);
#else
    return four;
#endif
}

static inline unsigned has_four(Fours fours, uint32_t four) {
    uint32_t bit = four_bit(fours.factor, four);
    return fours.bits[bit >> 3] >> (bit & 7) & 1;
}

Fours originals_fours(const Originals *originals);

/* Every place and length of an original in `text`; 0 without memory. */
int originals_find(const Originals *originals, const uint8_t *text, size_t length, Found found, void *context);

#endif
