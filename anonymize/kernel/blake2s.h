/* Tokens: BLAKE2s with a key (RFC 7693, section 2.9), 32 bytes of it; one by one, or eight side by side. */

#ifndef ANONYMIZE_BLAKE2S_H
#define ANONYMIZE_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

enum { TOKEN_BYTES = 32, KEY_BYTES = 32 };

/* A key, and the state behind the block that it fills. */
typedef struct {
    uint8_t key[KEY_BYTES];
    uint32_t state[8];
} TokenKey;

/* A token that is wanted: of `message`, into `token`. */
typedef struct {
    const TokenKey *key;
    const uint8_t *message;
    size_t length;
    uint8_t *token;
} Wanted;

void token_key(TokenKey *made, const uint8_t key[KEY_BYTES]);

void blake2s_token(const uint8_t key[KEY_BYTES], const uint8_t *message, size_t length, uint8_t token[TOKEN_BYTES]);

/* All of them; behind a message there have to be 64 bytes more that may be read. */
void tokens(const Wanted *wanted, size_t count);

#endif
