/* Short loops over bytes, sixteen at a time: the last sixteen overlap with those before, so none is taken alone. */

#ifndef ANONYMIZE_SIXTEEN_H
#define ANONYMIZE_SIXTEEN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
typedef __m128i Sixteen;

static inline Sixteen sixteen_at(const uint8_t *at) { return _mm_loadu_si128((const __m128i *)at); }
static inline Sixteen sixteen_of(uint8_t byte) { return _mm_set1_epi8((char)byte); }
static inline Sixteen are(Sixteen bytes, uint8_t byte) { return _mm_cmpeq_epi8(bytes, sixteen_of(byte)); }
static inline Sixteen are_below(Sixteen bytes, uint8_t limit) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, sixteen_of((uint8_t)(limit - 1))), bytes);
}
static inline Sixteen both(Sixteen one, Sixteen other) { return _mm_or_si128(one, other); }
static inline Sixteen less(Sixteen bytes, uint8_t byte) { return _mm_sub_epi8(bytes, sixteen_of(byte)); }
static inline Sixteen masked(Sixteen bytes, uint8_t byte) { return _mm_and_si128(bytes, sixteen_of(byte)); }
static inline unsigned bits_of(Sixteen bytes) { return (unsigned)_mm_movemask_epi8(bytes); }
static inline void put_sixteen(uint8_t *to, Sixteen bytes) { _mm_storeu_si128((__m128i *)to, bytes); }
#define HAVE_SIXTEEN 1
#else
#define HAVE_SIXTEEN 0
#endif

#endif
