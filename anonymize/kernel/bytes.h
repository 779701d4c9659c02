/* Bytes that grow, and what an operation says of a value. */

#ifndef ANONYMIZE_BYTES_H
#define ANONYMIZE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    uint8_t *at;
    size_t length, room;
} Bytes;

/* FITS: what takes the value's place was appended. MAKES_NULL: NULL takes its place, and nothing was appended. UNFIT:
 * the value is not what the operation expects, and a static text says why. After the last two, what was appended is
 * gone again. */
typedef enum { FITS = 0, UNFIT, NO_MEMORY, MAKES_NULL } Fit;

/* Makes room for `more` bytes behind those that are there, in larger and larger steps. 0: there is no memory. */
int bytes_grow(Bytes *bytes, size_t more);

static inline int bytes_room(Bytes *bytes, size_t more) {
    return bytes->room - bytes->length >= more || bytes_grow(bytes, more);
}

/* Appends `length` bytes, which are not among those of `bytes`. 0: there is no memory. */
static inline int bytes_put(Bytes *bytes, const void *from, size_t length) {
    if (!bytes_room(bytes, length)) return 0;
    if (length) memcpy(bytes->at + bytes->length, from, length);
    bytes->length += length;
    return 1;
}

#endif
