/* See blake2s.h. */

#include "blake2s.h"

#include <string.h>

static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint8_t ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static uint32_t turned(uint32_t value, int by) { return value >> by | value << (32 - by); }

static void mix(uint32_t *v, int a, int b, int c, int d, uint32_t x, uint32_t y) {
    v[a] += v[b] + x;
    v[d] = turned(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 12);
    v[a] += v[b] + y;
    v[d] = turned(v[d] ^ v[a], 8);
    v[c] += v[d];
    v[b] = turned(v[b] ^ v[c], 7);
}

static void compress(uint32_t state[8], const uint8_t block[64], uint64_t count, int last) {
    uint32_t v[16], m[16];
    for (int at = 0; at < 16; at++) {
        const uint8_t *four = block + 4 * at;
        m[at] = four[0] | (uint32_t)four[1] << 8 | (uint32_t)four[2] << 16 | (uint32_t)four[3] << 24;
    }
    memcpy(v, state, 32);
    memcpy(v + 8, START, 32);
    v[12] ^= (uint32_t)count;
    v[13] ^= (uint32_t)(count >> 32);
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 10; round++) {
        const uint8_t *order = ORDER[round];
        for (int column = 0; column < 4; column++)
            mix(v, column, column + 4, column + 8, column + 12, m[order[2 * column]], m[order[2 * column + 1]]);
        for (int start = 0; start < 4; start++)
            mix(v, start, (start + 1) % 4 + 4, (start + 2) % 4 + 8, (start + 3) % 4 + 12, m[order[8 + 2 * start]],
                m[order[9 + 2 * start]]);
    }
    for (int at = 0; at < 8; at++) state[at] ^= v[at] ^ v[at + 8];
}

void blake2s_token(const uint8_t key[32], const uint8_t *message, size_t length, uint8_t token[32]) {
    uint32_t state[8];
    uint8_t block[64] = {0};
    uint64_t count = 64;
    memcpy(state, START, sizeof state);
    state[0] ^= 0x01010000 ^ 32 << 8 ^ 32;
    memcpy(block, key, 32);
    compress(state, block, count, length == 0);
    while (length) {
        size_t taken = length < 64 ? length : 64;
        memset(block, 0, sizeof block);
        memcpy(block, message, taken);
        count += taken;
        message += taken;
        length -= taken;
        compress(state, block, count, length == 0);
    }
    for (int at = 0; at < 32; at++) token[at] = (uint8_t)(state[at / 4] >> 8 * (at % 4));
}
