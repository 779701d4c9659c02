/* SipHash-1-3, as J.-P. Aumasson and D. J. Bernstein describe it (2012), with one round a word and three at the end.

   The loops over many are written plainly; the compiler makes them as wide as each kind of processor allows. */

#include "grams.h"

#define TURNED(word, by) ((word) << (by) | (word) >> (64 - (by)))
#define ROUND                                                                                                          \
    do {                                                                                                               \
        v0 += v1, v1 = TURNED(v1, 13) ^ v0, v0 = TURNED(v0, 32);                                                       \
        v2 += v3, v3 = TURNED(v3, 16) ^ v2;                                                                            \
        v0 += v3, v3 = TURNED(v3, 21) ^ v0;                                                                            \
        v2 += v1, v1 = TURNED(v1, 17) ^ v2, v2 = TURNED(v2, 32);                                                       \
    } while (0)
#define BEGIN(key)                                                                                                     \
    uint64_t v0 = (key).first ^ UINT64_C(0x736f6d6570736575), v1 = (key).second ^ UINT64_C(0x646f72616e646f6d),       \
             v2 = (key).first ^ UINT64_C(0x6c7967656e657261), v3 = (key).second ^ UINT64_C(0x7465646279746573)
#define TAKE(word)                                                                                                     \
    do {                                                                                                               \
        v3 ^= (word);                                                                                                  \
        ROUND;                                                                                                         \
        v0 ^= (word);                                                                                                  \
    } while (0)
#define END(result)                                                                                                    \
    do {                                                                                                               \
        v2 ^= 0xff;                                                                                                    \
        ROUND;                                                                                                         \
        ROUND;                                                                                                         \
        ROUND;                                                                                                         \
        (result) = v0 ^ v1 ^ v2 ^ v3;                                                                                  \
    } while (0)

Key key_of(const uint8_t bytes[16]) {
    Key key = {gram_at(bytes), gram_at(bytes + 8)};
    return key;
}

uint64_t siphash(Key key, const uint8_t *message, size_t length) {
    BEGIN(key);
    size_t at = 0;
    for (; at + 8 <= length; at += 8) TAKE(gram_at(message + at));
    uint64_t last = 0, hash;
    memcpy(&last, message + at, length - at);
    last |= (uint64_t)length << 56;
    TAKE(last);
    END(hash);
    return hash;
}

#define HASH_ALL                                                                                                       \
    for (size_t at = 0; at < count; at++) {                                                                            \
        BEGIN(key);                                                                                                    \
        TAKE(grams[at]);                                                                                               \
        TAKE((uint64_t)GRAM << 56);                                                                                    \
        END(hashes[at]);                                                                                               \
    }

typedef void Hash(Key, const uint64_t *restrict, uint64_t *restrict, size_t);

static void any_machine(Key key, const uint64_t *restrict grams, uint64_t *restrict hashes, size_t count) { HASH_ALL }

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2"))) static void
four_at_once(Key key, const uint64_t *restrict grams, uint64_t *restrict hashes, size_t count) { HASH_ALL }

__attribute__((target("avx512f,prefer-vector-width=512"))) static void
eight_at_once(Key key, const uint64_t *restrict grams, uint64_t *restrict hashes, size_t count) { HASH_ALL }

static Hash *widest(void) {
    if (__builtin_cpu_supports("avx512f")) return eight_at_once;
    return __builtin_cpu_supports("avx2") ? four_at_once : any_machine;
}
#else
static Hash *widest(void) { return any_machine; }
#endif

void hash_grams(Key key, const uint64_t *grams, uint64_t *hashes, size_t count) { widest()(key, grams, hashes, count); }

void hash_short(Key key, const uint64_t *values, uint64_t *hashes, size_t count) {
    for (size_t at = 0; at < count; at++) {
        BEGIN(key);
        TAKE(values[at]);
        END(hashes[at]);
    }
}

#define X16 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
const uint8_t in_word[256] = {
    ['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['_'] = 1,
    ['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    [0x80] = X16, X16, X16, X16, X16, X16, X16, X16,
};
