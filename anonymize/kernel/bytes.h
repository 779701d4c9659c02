/* Bytes that grow, and have a margin: so much behind their end may be read, and written over, by who works in steps. */

#ifndef ANONYMIZE_BYTES_H
#define ANONYMIZE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 64 };

typedef struct {
    uint8_t *at;
    size_t length, room;
} Bytes;

/* What became of a value. */
typedef enum { FITS = 0, UNFIT, NO_MEMORY, TO_NULL, RAISED } Fit;

/* Room for `more` bytes behind what is there; 0 if there is no memory. */
static inline int bytes_room(Bytes *bytes, size_t more) {
    if (bytes->room - bytes->length >= more + MARGIN) return 1;
    size_t room = bytes->room + bytes->room / 2 + more + 256 + MARGIN;
    uint8_t *at = realloc(bytes->at, room);
    if (!at) return 0;
    bytes->at = at;
    bytes->room = room;
    return 1;
}

/* Put `length` bytes behind what is there; 0 if there is no memory. */
static inline int bytes_put(Bytes *bytes, const void *from, size_t length) {
    if (!bytes_room(bytes, length)) return 0;
    if (length) memcpy(bytes->at + bytes->length, from, length);
    bytes->length += length;
    return 1;
}

/* The same for what has a margin, and is a few bytes long most times. */
static inline int bytes_put_short(Bytes *bytes, const uint8_t *from, size_t length) {
    if (!bytes_room(bytes, length)) return 0;
    uint8_t *to = bytes->at + bytes->length;
    if (length <= MARGIN) {
        memcpy(to, from, 32);
        if (length > 32) memcpy(to + 32, from + 32, 32);
    } else {
        memcpy(to, from, length);
    }
    bytes->length += length;
    return 1;
}

#endif
