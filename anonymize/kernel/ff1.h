/* FF1 of NIST SP 800-38G with AES-128, for strings whose halves are numbers of 64 bits. */

#ifndef ANONYMIZE_FF1_H
#define ANONYMIZE_FF1_H

#include "aes.h"

#include <stddef.h>

__extension__ typedef unsigned __int128 Wide;

/* What is the same for all strings of one length under one tweak. */
typedef struct {
    Block state;            /* CBC over all blocks but the last of a round, and over what of that never changes */
    unsigned number_bytes;  /* of the half that is enciphered, in the standard b */
    uint64_t powers[2];     /* radix to the lengths of the left half and of the right one; 0 for 2**64 */
    uint64_t reciprocals[2]; /* 2**64 - 1 divided by them */
} Ff1;

/* For strings of `length` numerals, 2 or more, of `radix`, 2 to 128; radix ** ((length + 1) / 2) is below 2**60, or
 * the radix is 2 and `length` is at most 128. */
void ff1_prepare(Ff1 *ff1, const Aes *aes, unsigned radix, unsigned length, const uint8_t *tweak, size_t tweak_length);

/* Puts what takes the place of a string's halves into them. */
void ff1_encrypt(const Ff1 *ff1, const Aes *aes, uint64_t *left, uint64_t *right);

#endif
