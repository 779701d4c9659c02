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

#define HASH_ALL(...)                                                                                                  \
    for (size_t at = 0; at < count; at++) {                                                                            \
        BEGIN(key);                                                                                                    \
        TAKE(words[at]);                                                                                               \
        __VA_ARGS__;                                                                                                   \
        END(hashes[at]);                                                                                               \
    }
#define HASH(name, target, ...)                                                                                        \
    target static void name(Key key, const uint64_t *restrict words, uint64_t *restrict hashes, size_t count) {        \
        HASH_ALL(__VA_ARGS__)                                                                                          \
    }
#define HASHES(suffix, target)                                                                                         \
    HASH(grams_##suffix, target, TAKE((uint64_t)GRAM << 56))                                                           \
    HASH(shorts_##suffix, target, (void)0)

HASHES(everywhere, )
#if defined(__x86_64__) && defined(__GNUC__)
HASHES(avx2, __attribute__((target("avx2"))))
HASHES(avx512, __attribute__((target("avx512f,prefer-vector-width=512"))))
#define WIDEST(kind, ...)                                                                                              \
    do {                                                                                                               \
        if (__builtin_cpu_supports("avx512f"))                                                                         \
            kind##_avx512(__VA_ARGS__);                                                                                \
        else if (__builtin_cpu_supports("avx2"))                                                                       \
            kind##_avx2(__VA_ARGS__);                                                                                  \
        else                                                                                                           \
            kind##_everywhere(__VA_ARGS__);                                                                            \
    } while (0)
#else
#define WIDEST(kind, ...) kind##_everywhere(__VA_ARGS__)
#endif

void hash_grams(Key key, const uint64_t *grams, uint64_t *hashes, size_t count) {
    WIDEST(grams, key, grams, hashes, count);
}

void hash_shorts(Key key, const uint64_t *values, uint64_t *hashes, size_t count) {
    WIDEST(shorts, key, values, hashes, count);
}

#define X16 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
const uint8_t in_word[256] = {
    ['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['_'] = 1,
    ['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    [0x80] = X16, X16, X16, X16, X16, X16, X16, X16,
};
