/* See ff1.h. */

#include "ff1.h"

enum { ROUNDS = 10 };

static Block aes_encrypt(const Aes *aes, Block block) {
#if AES_INSTRUCTIONS
    if (aes->instructions) return aes_encrypt_by_instructions(aes, block);
#endif
    return aes_encrypt_by_table(aes, block);
}

static Block chained(const Aes *aes, Block state, Block block) {
    return aes_encrypt(aes, (Block){state.high ^ block.high, state.low ^ block.low});
}

static uint64_t power(unsigned radix, unsigned exponent) {
    uint64_t result = 1;
    if (radix == 2) return exponent < 64 ? result << exponent : 0;
    while (exponent--) result *= radix;
    return result;
}

/* The bytes that a number below `limit` takes. */
static unsigned bytes_for(uint64_t limit) {
    unsigned count = 0;
    for (uint64_t highest = limit - 1; highest; highest >>= 8) count++;
    return count;
}

void ff1_prepare(Ff1 *ff1, const Aes *aes, unsigned radix, unsigned length, const uint8_t *tweak, size_t tweak_length) {
    unsigned left = length / 2, right = length - left;
    *ff1 = (Ff1){.powers = {power(radix, left), power(radix, right)}};
    if (radix == 2) { /* this is prepared for every value, so it is quick */
        ff1->reciprocals[0] = left < 64 ? UINT64_MAX >> left : 0;
        ff1->reciprocals[1] = right < 64 ? UINT64_MAX >> right : 0;
        ff1->number_bytes = (right + 7) / 8;
    } else {
        for (int half = 0; half < 2; half++) ff1->reciprocals[half] = UINT64_MAX / ff1->powers[half];
        ff1->number_bytes = bytes_for(ff1->powers[1]);
    }
    Block head = {
        (uint64_t)1 << 56 | (uint64_t)2 << 48 | (uint64_t)1 << 40 | (uint64_t)radix << 16 | ROUNDS << 8 | (left & 255),
        (uint64_t)length << 32 | (uint64_t)(uint32_t)tweak_length,
    };
    ff1->state = chained(aes, (Block){0, 0}, head);
    /* The tweak, zeros, and in the last block's end a byte for the round and the number's, which are zeros here. */
    size_t blocks = (tweak_length + ff1->number_bytes + 1 + 15) / 16;
    for (size_t block = 0; block < blocks; block++) {
        uint8_t bytes[16] = {0};
        size_t start = 16 * block, count = start < tweak_length ? tweak_length - start : 0;
        if (count) memcpy(bytes, tweak + start, count < 16 ? count : 16);
        Block fixed = {0, 0};
        for (int at = 0; at < 8; at++) {
            fixed.high = fixed.high << 8 | bytes[at];
            fixed.low = fixed.low << 8 | bytes[8 + at];
        }
        if (block + 1 < blocks) ff1->state = chained(aes, ff1->state, fixed);
        else ff1->state = (Block){ff1->state.high ^ fixed.high, ff1->state.low ^ fixed.low};
    }
}

/* number % divisor, by a multiplication: the quotient is at most 2 too small. */
static inline uint64_t remainder_of(uint64_t number, uint64_t divisor, uint64_t reciprocal) {
    uint64_t rest = number - (uint64_t)((Wide)number * reciprocal >> 64) * divisor;
    while (rest >= divisor) rest -= divisor;
    return rest;
}

__attribute__((always_inline)) static inline void
encrypt(const Ff1 *ff1, const Aes *aes, uint64_t *left, uint64_t *right, Block (*encipher)(const Aes *, Block)) {
    uint64_t one = *left, other = *right;
    unsigned bits = 8 * ff1->number_bytes; /* the round's number stands above these */
    for (uint64_t round = 0; round < ROUNDS; round++) {
        uint64_t low = other, high = 0;
        if (bits < 64) low |= round << bits;
        else high = round;
        Block drawn = encipher(aes, (Block){ff1->state.high ^ high, ff1->state.low ^ low});
        uint64_t modulus = ff1->powers[round & 1], sum;
        if (bits <= 32) { /* eight bytes of the block are drawn */
            sum = one + remainder_of(drawn.high, modulus, ff1->reciprocals[round & 1]);
            if (sum >= modulus) sum -= modulus;
        } else { /* twelve */
            Wide number = (Wide)drawn.high << 32 | drawn.low >> 32;
            if (modulus & (modulus - 1)) sum = (uint64_t)((one + number) % modulus);
            else sum = (one + (uint64_t)number) & (modulus - 1);
        }
        one = other;
        other = sum;
    }
    *left = one;
    *right = other;
}

#if AES_INSTRUCTIONS
AES_TARGET static void encrypt_by_instructions(const Ff1 *ff1, const Aes *aes, uint64_t *left, uint64_t *right) {
    encrypt(ff1, aes, left, right, aes_encrypt_by_instructions);
}
#endif

void ff1_encrypt(const Ff1 *ff1, const Aes *aes, uint64_t *left, uint64_t *right) {
#if AES_INSTRUCTIONS
    if (aes->instructions) {
        encrypt_by_instructions(ff1, aes, left, right);
        return;
    }
#endif
    encrypt(ff1, aes, left, right, aes_encrypt_by_table);
}
