/* See json_text.h. */

#include "json_text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Bytes that may stand in a string and need no look: all of ASCII but control characters, the quote and \. */
static inline bool is_plain(uint8_t byte) { return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\'; }

static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end) {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), space = _mm_set1_epi8(0x20);
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        /* As signed numbers, control characters and all beyond ASCII are below the space. */
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                       _mm_cmplt_epi8(bytes, space));
        unsigned found = (unsigned)_mm_movemask_epi8(special);
        if (found) return at + __builtin_ctz(found);
    }
#endif
    while (at < end && is_plain(*at)) at++;
    return at;
}

/* Behind the character of more than one byte at `at`; NULL where it is no UTF-8. */
static const uint8_t *character_end(const uint8_t *at, const uint8_t *end) {
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    int length = *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : *at < 0xf8 ? 4 : 0;
    if (!length || end - at < length) return NULL;
    uint32_t code = *at & (0x7fu >> length);
    for (int byte = 1; byte < length; byte++) {
        if ((at[byte] & 0xc0) != 0x80) return NULL;
        code = code << 6 | (at[byte] & 0x3f);
    }
    if (code < LEAST[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return NULL;
    return at + length;
}

/* The number in four hexadecimal digits, or -1. */
static int hex_number(const uint8_t *at) {
    int number = 0;
    for (int digit = 0; digit < 4; digit++) {
        int byte = at[digit], letter = byte | 0x20;
        if (byte >= '0' && byte <= '9') number = number << 4 | (byte - '0');
        else if (letter >= 'a' && letter <= 'f') number = number << 4 | (letter - 'a' + 10);
        else return -1;
    }
    return number;
}

static const char ESCAPED[] = "\"\\/bfnrt", MEANT[] = "\"\\/\b\f\n\r\t";

const uint8_t *json_string_end(const uint8_t *at, const uint8_t *end, bool *escaped) {
    *escaped = false;
    for (;;) {
        at = plain_end(at, end);
        if (at == end) return NULL;
        if (*at == '"') return at;
        if (*at == '\\') {
            *escaped = true;
            if (end - at < 2) return NULL;
            if (at[1] == 'u') {
                if (end - at < 6 || hex_number(at + 2) < 0) return NULL;
                at += 6;
            } else {
                if (!memchr(ESCAPED, at[1], sizeof ESCAPED - 1)) return NULL;
                at += 2;
            }
        } else {
            if (*at < 0x20 || !(at = character_end(at, end))) return NULL;
        }
    }
}

static const uint8_t *digits_end(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at >= '0' && *at <= '9') at++;
    return at;
}

const uint8_t *json_number_end(const uint8_t *at, const uint8_t *end) {
    at += at < end && *at == '-';
    const uint8_t *start = at;
    at = digits_end(at, end);
    if (at == start) return NULL;
    if (*start == '0') at = start + 1;
    if (at < end && *at == '.' && digits_end(at + 1, end) > at + 1) at = digits_end(at + 1, end);
    if (at < end && (*at | 0x20) == 'e') {
        const uint8_t *exponent = at + 1;
        exponent += exponent < end && (*exponent == '+' || *exponent == '-');
        if (digits_end(exponent, end) > exponent) at = digits_end(exponent, end);
    }
    return at;
}

static uint8_t *put_character(uint8_t *to, uint32_t code) {
    if (code < 0x80) *to++ = (uint8_t)code;
    else if (code < 0x800) {
        *to++ = (uint8_t)(0xc0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        if (code < 0x10000) *to++ = (uint8_t)(0xe0 | code >> 12);
        else {
            *to++ = (uint8_t)(0xf0 | code >> 18);
            *to++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *to++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return to;
}

int json_decode(const uint8_t *at, const uint8_t *end, Bytes *to, bool *half) {
    to->length = 0;
    *half = false;
    if (!bytes_room(to, (size_t)(end - at))) return 0; /* an escape is longer than what it stands for */
    uint8_t *put = to->at;
    while (at < end) {
        if (*at != '\\') {
            *put++ = *at++;
        } else if (at[1] != 'u') {
            *put++ = (uint8_t)MEANT[(const char *)memchr(ESCAPED, at[1], sizeof ESCAPED - 1) - ESCAPED];
            at += 2;
        } else {
            uint32_t code = (uint32_t)hex_number(at + 2);
            at += 6;
            if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
                uint32_t low = (uint32_t)hex_number(at + 2);
                if (low >= 0xdc00 && low < 0xe000) {
                    code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
                    at += 6;
                }
            }
            *half |= code >= 0xd800 && code < 0xe000;
            put = put_character(put, code);
        }
    }
    to->length = (size_t)(put - to->at);
    return 1;
}

Fit json_quote(Bytes *bytes, size_t start) {
    const uint8_t *at = bytes->at + start, *end = bytes->at + bytes->length;
    size_t more = 2;
    if (bytes->length > start) {
        while ((at = plain_end(at, end)) < end) {
            if (*at >= 0x80) {
                if (!(at = character_end(at, end))) return UNFIT;
                continue;
            }
            more += *at >= 0x20 || memchr(MEANT, *at, sizeof MEANT - 1) ? 1 : 5;
            at++;
        }
    }
    if (!bytes_room(bytes, more)) return NO_MEMORY;
    uint8_t *from = bytes->at + bytes->length, *first = bytes->at + start;
    bytes->length += more;
    uint8_t *to = bytes->at + bytes->length;
    *--to = '"';
    while (from > first && to - from > 1) { /* as many escapes as bytes between them are still to come */
        uint8_t byte = *--from;
        const char *meant = memchr(MEANT, byte, sizeof MEANT - 1);
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            *--to = byte;
        } else if (meant) {
            *--to = (uint8_t)ESCAPED[meant - MEANT];
            *--to = '\\';
        } else {
            *--to = (uint8_t)"0123456789abcdef"[byte & 15];
            *--to = (uint8_t)('0' + (byte >> 4));
            memcpy(to -= 4, "\\u00", 4);
        }
    }
    memmove(first + 1, first, (size_t)(from - first));
    *first = '"';
    return FITS;
}
