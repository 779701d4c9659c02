/* Pieces of eight bytes, their keyed hashes, and where these stand in a table; ../_pure.py says why. */
#ifndef MIGCI_GRAMS_H
#define MIGCI_GRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the kernel is for little-endian machines; elsewhere its twin in Python is used"
#endif

enum {
    GRAM = 8,
    SHORTEST = 4,
    SHORTEST_NUMBER = 6,
    WINDOW = 8,
    SLOTS = 16,
    NUMBERS = 255,
    FINGERPRINT_BITS = 24,
    FILTER_BITS = 20,
};

#define FINGERPRINT_MASK ((UINT64_C(1) << FINGERPRINT_BITS) - 1)

typedef struct {
    uint64_t first, second;
} Key;

Key key_of(const uint8_t bytes[16]);

uint64_t siphash(Key key, const uint8_t *message, size_t length);

/* The hashes of `count` grams. */
void hash_grams(Key key, const uint64_t *grams, uint64_t *hashes, size_t count);

/* The hashes of `count` short values, each as `packed` made it. */
void hash_shorts(Key key, const uint64_t *values, uint64_t *hashes, size_t count);

static inline uint64_t gram_at(const uint8_t *text) {
    uint64_t gram;
    memcpy(&gram, text, sizeof gram);
    return gram;
}

/* A value of less than eight bytes, and its length, in one number: as SipHash takes it in. */
static inline uint64_t packed(const uint8_t *text, size_t length) {
    uint64_t value = 0;
    memcpy(&value, text, length);
    return value | (uint64_t)length << 56;
}

/* The same where eight bytes can be read. */
static inline uint64_t packed_of(uint64_t gram, unsigned length) {
    return (gram & ((UINT64_C(1) << 8 * length) - 1)) | (uint64_t)length << 56;
}

static inline uint64_t place_of(uint64_t hash, unsigned bits) {
    uint64_t place = hash >> (64 - FINGERPRINT_BITS - bits);
    return place & FINGERPRINT_MASK ? place : place | 1;
}

/* The bucket of a table that a place is in, and where in it: its fingerprint, which is never zero. */
typedef struct {
    uint64_t bucket;
    uint32_t fingerprint;
} Home;

static inline Home home_of(uint64_t place, unsigned bits, uint64_t buckets) {
    unsigned __int128 scaled = (unsigned __int128)(place << (64 - FINGERPRINT_BITS - bits)) * buckets;
    uint32_t fingerprint = (uint32_t)((uint64_t)scaled >> (64 - FINGERPRINT_BITS));
    Home home = {(uint64_t)(scaled >> 64), fingerprint ? fingerprint : 1};
    return home;
}

/* A slot of a small cache: no secret, and no need to be even. */
static inline uint64_t mixed(uint64_t word) { return word * UINT64_C(0x9E3779B97F4A7C15); }

/* Four entries: what every processor can compare at once. */
typedef uint32_t Entries __attribute__((vector_size(16)));

/* Whether one of a bucket's entries has the fingerprint. */
static inline int has_fingerprint(const uint32_t *bucket, uint32_t fingerprint) {
    Entries wanted = {fingerprint, fingerprint, fingerprint, fingerprint}, found = {0, 0, 0, 0};
    for (int at = 0; at < SLOTS; at += 4) {
        Entries entries;
        memcpy(&entries, bucket + at, sizeof entries);
        found |= (Entries)(entries >> 8 == wanted);
    }
    uint64_t halves[2];
    memcpy(halves, &found, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/* One for every byte that is a letter, a digit, `_` or beyond ASCII. */
extern const uint8_t in_word[256];

#endif
