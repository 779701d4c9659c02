/* Searching for the few bytes that mean something in SQL. */

#ifndef ANONYMIZE_SEARCH_H
#define ANONYMIZE_SEARCH_H

#include "sixteen.h"

enum { STRANGE = -2, ENDED = -1, OUTSIDE = 0, IN_STRING, IN_DOUBLE, IN_NAME, IN_LINE, IN_COMMENT };

/* From data[at] the first place of `one` or `other`; `end` if there is none. */
static inline size_t find_either(const uint8_t *data, size_t at, size_t end, uint8_t one, uint8_t other) {
#if HAVE_SIXTEEN
    for (; at + 16 <= end; at += 16) {
        Sixteen block = sixteen_at(data + at);
        unsigned found = bits_of(both(are(block, one), are(block, other)));
        if (found) return at + (size_t)__builtin_ctz(found);
    }
#endif
    while (at < end && data[at] != one && data[at] != other) at++;
    return at;
}

/* How many ends of lines there are in data[at, end). */
size_t count_lines(const uint8_t *data, size_t at, size_t end);

/* See skip in ../engine.py: moves *state along and returns where it stopped. */
size_t skip_statement(const uint8_t *data, size_t at, size_t end, int backslash, int *state);

#endif
