/* BLAKE2s (RFC 7693) with a key. */

#ifndef ANONYMIZE_BLAKE2S_H
#define ANONYMIZE_BLAKE2S_H

#include <stddef.h>
#include <stdint.h>

void blake2s_token(const uint8_t key[32], const uint8_t *message, size_t length, uint8_t token[32]);

#endif
