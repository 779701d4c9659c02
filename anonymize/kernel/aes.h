/* AES-128 (FIPS 197), one block at a time: by the processor's own instructions where it has them, else by a table. */

#ifndef ANONYMIZE_AES_H
#define ANONYMIZE_AES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define AES_INSTRUCTIONS 1
#include <immintrin.h>
#define AES_TARGET __attribute__((target("aes,ssse3,sse4.1")))
#else
#define AES_INSTRUCTIONS 0
#endif

enum { AES_ROUNDS = 10, AES_KEY_BYTES = 16 };

/* Sixteen bytes as a big-endian number: the first eight are `high`. */
typedef struct {
    uint64_t high, low;
} Block;

typedef struct {
    uint8_t keys[AES_ROUNDS + 1][16];
    bool instructions;     /* whether this processor has them; may be set to false, and nothing but time changes */
    uint8_t box[256];      /* SubBytes */
    uint32_t columns[256]; /* what a byte of the first row adds to its column, after SubBytes and MixColumns */
} Aes;

void aes_prepare(Aes *aes, const uint8_t key[AES_KEY_BYTES]);

Block aes_encrypt_by_table(const Aes *aes, Block block);

#if AES_INSTRUCTIONS
AES_TARGET static inline Block aes_encrypt_by_instructions(const Aes *aes, Block block) {
    const __m128i backwards = _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i *keys = (const __m128i *)(const void *)aes->keys;
    __m128i state = _mm_set_epi64x((long long)block.high, (long long)block.low);
    state = _mm_xor_si128(_mm_shuffle_epi8(state, backwards), _mm_loadu_si128(keys));
    for (int round = 1; round < AES_ROUNDS; round++) state = _mm_aesenc_si128(state, _mm_loadu_si128(keys + round));
    state = _mm_shuffle_epi8(_mm_aesenclast_si128(state, _mm_loadu_si128(keys + AES_ROUNDS)), backwards);
    return (Block){(uint64_t)_mm_extract_epi64(state, 1), (uint64_t)_mm_cvtsi128_si64(state)};
}
#endif

#endif
