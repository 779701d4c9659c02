/* See aes.h. */

#include "aes.h"

static uint8_t doubled(uint8_t byte) { return (uint8_t)(byte << 1 ^ (byte >> 7) * 0x1b); }

static uint8_t turned(uint8_t byte, int by) { return (uint8_t)(byte << by | byte >> (8 - by)); }

/* A generator of the field (3) and its inverse go through all the elements, so each pair is one and its inverse. */
static void make_tables(Aes *aes) {
    uint8_t element = 1, inverse = 1;
    do {
        element ^= doubled(element);
        inverse ^= (uint8_t)(inverse << 1);
        inverse ^= (uint8_t)(inverse << 2);
        inverse ^= (uint8_t)(inverse << 4);
        inverse ^= inverse & 0x80 ? 0x09 : 0;
        aes->box[element] = inverse ^ 0x63;
        for (int by = 1; by <= 4; by++) aes->box[element] ^= turned(inverse, by);
    } while (element != 1);
    aes->box[0] = 0x63;
    for (int byte = 0; byte < 256; byte++) {
        uint32_t once = aes->box[byte], twice = doubled(aes->box[byte]);
        aes->columns[byte] = twice << 24 | once << 16 | once << 8 | (twice ^ once);
    }
}

void aes_prepare(Aes *aes, const uint8_t key[AES_KEY_BYTES]) {
    make_tables(aes);
    aes->instructions = false;
#if AES_INSTRUCTIONS
    aes->instructions =
        __builtin_cpu_supports("aes") && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
#endif
    uint8_t constant = 1;
    memcpy(aes->keys[0], key, AES_KEY_BYTES);
    for (int round = 1; round <= AES_ROUNDS; round++) {
        const uint8_t *last = aes->keys[round - 1];
        uint8_t *next = aes->keys[round];
        for (int at = 0; at < 4; at++) next[at] = last[at] ^ aes->box[last[12 + (at + 1) % 4]];
        next[0] ^= constant;
        constant = doubled(constant);
        for (int at = 4; at < 16; at++) next[at] = last[at] ^ next[at - 4];
    }
}

static uint32_t word(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t rotated(uint32_t value, int by) { return by ? value >> by | value << (32 - by) : value; }

Block aes_encrypt_by_table(const Aes *aes, Block block) {
    uint32_t state[4];
    for (int column = 0; column < 4; column++) {
        uint64_t half = column < 2 ? block.high : block.low;
        state[column] = (uint32_t)(half >> (column % 2 ? 0 : 32)) ^ word(aes->keys[0] + 4 * column);
    }
    for (int round = 1; round <= AES_ROUNDS; round++) {
        uint32_t next[4];
        for (int column = 0; column < 4; column++) {
            next[column] = word(aes->keys[round] + 4 * column);
            for (int row = 0; row < 4; row++) { /* ShiftRows: row r comes from r columns further on */
                uint8_t byte = (uint8_t)(state[(column + row) % 4] >> (24 - 8 * row));
                next[column] ^= round < AES_ROUNDS ? rotated(aes->columns[byte], 8 * row)
                                                   : (uint32_t)aes->box[byte] << (24 - 8 * row);
            }
        }
        memcpy(state, next, sizeof state);
    }
    return (Block){(uint64_t)state[0] << 32 | state[1], (uint64_t)state[2] << 32 | state[3]};
}
