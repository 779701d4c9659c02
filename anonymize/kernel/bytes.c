/* See bytes.h. */

#include "bytes.h"

#include <stdlib.h>

enum { LEAST_ROOM = 4096 };

int bytes_grow(Bytes *bytes, size_t more) {
    if (more > SIZE_MAX / 2 - bytes->length) return 0;
    size_t needed = bytes->length + more, room = bytes->room + bytes->room / 2;
    if (room < needed) room = needed;
    if (room < LEAST_ROOM) room = LEAST_ROOM;
    uint8_t *at = realloc(bytes->at, room);
    if (!at) return 0;
    bytes->at = at;
    bytes->room = room;
    return 1;
}
