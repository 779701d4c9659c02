#include "blake2s.h"

#include <string.h>

enum { BLOCK = 64, LANES = 8, ROUNDS = 10 };

static const uint32_t INITIAL[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const uint8_t SIGMA[ROUNDS][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

/* The same source serves one lane and eight: `Word` is what holds a word of each. */
#define ROTATED(word, by) (((word) >> (by)) | ((word) << (32 - (by))))
#define MIXED(a, b, c, d, x, y) \
    do { \
        v[a] = v[a] + v[b] + (x); \
        v[d] = ROTATED(v[d] ^ v[a], 16); \
        v[c] = v[c] + v[d]; \
        v[b] = ROTATED(v[b] ^ v[c], 12); \
        v[a] = v[a] + v[b] + (y); \
        v[d] = ROTATED(v[d] ^ v[a], 8); \
        v[c] = v[c] + v[d]; \
        v[b] = ROTATED(v[b] ^ v[c], 7); \
    } while (0)
#define ROUND(words, order) \
    do { \
        MIXED(0, 4, 8, 12, words[order[0]], words[order[1]]); \
        MIXED(1, 5, 9, 13, words[order[2]], words[order[3]]); \
        MIXED(2, 6, 10, 14, words[order[4]], words[order[5]]); \
        MIXED(3, 7, 11, 15, words[order[6]], words[order[7]]); \
        MIXED(0, 5, 10, 15, words[order[8]], words[order[9]]); \
        MIXED(1, 6, 11, 12, words[order[10]], words[order[11]]); \
        MIXED(2, 7, 8, 13, words[order[12]], words[order[13]]); \
        MIXED(3, 4, 9, 14, words[order[14]], words[order[15]]); \
    } while (0)

/* Written out, so that every index is known when this is compiled. */
#define STEPS(words) \
    do { \
        ROUND(words, SIGMA[0]); ROUND(words, SIGMA[1]); ROUND(words, SIGMA[2]); ROUND(words, SIGMA[3]); \
        ROUND(words, SIGMA[4]); ROUND(words, SIGMA[5]); ROUND(words, SIGMA[6]); ROUND(words, SIGMA[7]); \
        ROUND(words, SIGMA[8]); ROUND(words, SIGMA[9]); \
    } while (0)

static inline uint32_t word_at(const uint8_t *from) {
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline void put_word(uint8_t *to, uint32_t word) {
    to[0] = (uint8_t)word;
    to[1] = (uint8_t)(word >> 8);
    to[2] = (uint8_t)(word >> 16);
    to[3] = (uint8_t)(word >> 24);
}

/* One block; `counted` bytes of message and key block are behind it. */
static void compress(uint32_t state[8], const uint8_t block[BLOCK], uint64_t counted, int last) {
    uint32_t words[16], v[16];
    for (int i = 0; i < 16; i++) words[i] = word_at(block + 4 * i);
    for (int i = 0; i < 8; i++) {
        v[i] = state[i];
        v[i + 8] = INITIAL[i];
    }
    v[12] ^= (uint32_t)counted;
    v[13] ^= (uint32_t)(counted >> 32);
    if (last) v[14] = ~v[14];
    STEPS(words);
    for (int i = 0; i < 8; i++) state[i] ^= v[i] ^ v[i + 8];
}

static void begin(uint32_t state[8]) {
    memcpy(state, INITIAL, sizeof INITIAL);
    state[0] ^= 0x01010000 ^ (KEY_BYTES << 8) ^ TOKEN_BYTES;
}

void token_key(TokenKey *made, const uint8_t key[KEY_BYTES]) {
    uint8_t block[BLOCK] = {0};
    memcpy(made->key, key, KEY_BYTES);
    memcpy(block, key, KEY_BYTES);
    begin(made->state);
    compress(made->state, block, BLOCK, 0);
}

static void token_alone(const Wanted *wanted) {
    uint32_t state[8];
    uint8_t block[BLOCK] = {0};
    const uint8_t *message = wanted->message;
    size_t left = wanted->length;
    uint64_t counted = BLOCK;
    if (left == 0) {  /* the key's block is the last one then */
        begin(state);
        memcpy(block, wanted->key->key, KEY_BYTES);
        compress(state, block, counted, 1);
    } else {
        memcpy(state, wanted->key->state, sizeof state);
        for (; left > BLOCK; left -= BLOCK, message += BLOCK) compress(state, message, counted += BLOCK, 0);
        memcpy(block, message, left);
        compress(state, block, counted + left, 1);
    }
    for (int i = 0; i < 8; i++) put_word(wanted->token + 4 * i, state[i]);
}

void blake2s_token(const uint8_t key[KEY_BYTES], const uint8_t *message, size_t length, uint8_t token[TOKEN_BYTES]) {
    TokenKey made;
    token_key(&made, key);
    Wanted wanted = {&made, message, length, token};
    token_alone(&wanted);
}

#if defined(__GNUC__) && !defined(__clang__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
typedef uint32_t Lane8 __attribute__((vector_size(4 * LANES)));

#if defined(__x86_64__) && defined(__GLIBC__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* Rows become columns: what was the words of a lane is a word of every lane. */
static inline __attribute__((always_inline)) void transpose(Lane8 m[LANES]) {
    Lane8 a[LANES], b[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = __builtin_shuffle(m[i], m[i + 1], (Lane8){0, 8, 1, 9, 4, 12, 5, 13});
        a[i + 1] = __builtin_shuffle(m[i], m[i + 1], (Lane8){2, 10, 3, 11, 6, 14, 7, 15});
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            b[i + 2 * j] = __builtin_shuffle(a[i + j], a[i + j + 2], (Lane8){0, 1, 8, 9, 4, 5, 12, 13});
            b[i + 2 * j + 1] = __builtin_shuffle(a[i + j], a[i + j + 2], (Lane8){2, 3, 10, 11, 6, 7, 14, 15});
        }
    for (int i = 0; i < LANES / 2; i++) {
        m[i] = __builtin_shuffle(b[i], b[i + 4], (Lane8){0, 1, 2, 3, 8, 9, 10, 11});
        m[i + 4] = __builtin_shuffle(b[i], b[i + 4], (Lane8){4, 5, 6, 7, 12, 13, 14, 15});
    }
}

/* Behind a message are bytes that do not belong to it: 64 less its length here lets that much of a block through. */
static const uint8_t THROUGH[2 * BLOCK] = {[0 ... BLOCK - 1] = 0xFF};

/* Eight messages of `blocks` blocks each, and none of them empty. */
FOR_EACH_PROCESSOR static void tokens_of_blocks(const Wanted *const wanted[LANES], size_t blocks) {
    Lane8 h[8], none = {0};
    for (int lane = 0; lane < LANES; lane++) memcpy(h + lane, wanted[lane]->key->state, 32);
    transpose(h);
    for (size_t number = 1; number <= blocks; number++) {
        Lane8 m[16], v[16], counted = none + (uint32_t)(BLOCK * (number + 1));
        for (int lane = 0; lane < LANES; lane++) {
            const uint8_t *message = wanted[lane]->message + BLOCK * (number - 1);
            memcpy(m + lane, message, 32);
            memcpy(m + lane + 8, message + 32, 32);
            if (number == blocks) {
                const uint8_t *through = THROUGH + BLOCK - (wanted[lane]->length - BLOCK * (number - 1));
                Lane8 low, high;
                memcpy(&low, through, 32);
                memcpy(&high, through + 32, 32);
                m[lane] &= low;
                m[lane + 8] &= high;
                counted[lane] = (uint32_t)(BLOCK + wanted[lane]->length);
            }
        }
        transpose(m);
        transpose(m + 8);
        for (int i = 0; i < 8; i++) {
            v[i] = h[i];
            v[i + 8] = none + INITIAL[i];
        }
        v[12] ^= counted;
        if (number == blocks) v[14] = ~v[14];
        STEPS(m);
        for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[i + 8];
    }
    transpose(h);
    for (int lane = 0; lane < LANES; lane++) memcpy(wanted[lane]->token, h + lane, TOKEN_BYTES);
}

/* Messages are taken together with others of as many blocks; longer ones than this have nobody to wait for. */
enum { MOST_BLOCKS = 16 };

void tokens(const Wanted *wanted, size_t count) {
    const Wanted *waiting[MOST_BLOCKS][LANES];
    int waiting_count[MOST_BLOCKS] = {0};
    for (size_t i = 0; i < count; i++) {
        size_t more = (wanted[i].length - 1) / BLOCK; /* than one block; an empty message has very many */
        if (more >= MOST_BLOCKS) {
            token_alone(wanted + i);
            continue;
        }
        waiting[more][waiting_count[more]++] = wanted + i;
        if (waiting_count[more] == LANES) {
            tokens_of_blocks(waiting[more], more + 1);
            waiting_count[more] = 0;
        }
    }
    for (int more = 0; more < MOST_BLOCKS; more++) {
        int left = waiting_count[more];
        if (left > 2) { /* one lane's work done twice costs less than some alone */
            for (int i = left; i < LANES; i++) waiting[more][i] = waiting[more][0];
            tokens_of_blocks(waiting[more], (size_t)more + 1);
        } else {
            for (int i = 0; i < left; i++) token_alone(waiting[more][i]);
        }
    }
}
#else
void tokens(const Wanted *wanted, size_t count) {
    for (size_t i = 0; i < count; i++) token_alone(wanted + i);
}
#endif
