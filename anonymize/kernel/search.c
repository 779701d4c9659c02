#include "search.h"

#include "sixteen.h"

size_t count_lines(const uint8_t *data, size_t at, size_t end) {
    size_t count = 0;
#if HAVE_SIXTEEN
    while (at + 16 <= end) {
        /* A count in each of sixteen bytes, as far as one can hold it. */
        size_t stop = end - at > 255 * 16 ? at + 255 * 16 : end - (end - at) % 16;
        Sixteen counts = sixteen_of(0);
        for (; at < stop; at += 16) counts = _mm_sub_epi8(counts, are(sixteen_at(data + at), '\n'));
        Sixteen sums = _mm_sad_epu8(counts, sixteen_of(0));
        count += (size_t)_mm_cvtsi128_si32(sums) + (size_t)_mm_extract_epi16(sums, 4);
    }
#endif
    for (; at < end; at++) count += data[at] == '\n';
    return count;
}

#ifdef __SSE2__

static inline uint64_t where(const __m128i quarter[4], char byte) {
    __m128i wanted = _mm_set1_epi8(byte);
    uint64_t found = 0;
    for (int i = 0; i < 4; i++)
        found |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(quarter[i], wanted)) << (16 * i);
    return found;
}

/* A bit is set where the number of bits up to and including it is odd. */
static inline uint64_t inside(uint64_t quotes) {
    for (int by = 1; by < 64; by *= 2) quotes ^= quotes << by;
    return quotes;
}

/* Whole blocks of 64 bytes in which nothing stands outside of '…' but values. Stops before the first other one; *state
   is OUTSIDE or IN_STRING, before and after. */
static size_t pass_rows(const uint8_t *data, size_t at, size_t end, int backslash, int *state) {
    uint64_t open = *state == IN_STRING ? ~(uint64_t)0 : 0;
    for (; at + 64 < end; at += 64) {
        __m128i quarter[4];
        for (int i = 0; i < 4; i++) quarter[i] = _mm_loadu_si128((const __m128i *)(data + at + 16 * i));
        uint64_t quotes = where(quarter, '\''), backslashes = where(quarter, '\\'), escapes = backslash ? backslashes : 0;
        for (uint64_t left = escapes; left;) {
            uint64_t escape = left & (0 - left), escaped = escape << 1;
            if (!escaped) goto stop; /* it escapes what is in the next block */
            quotes &= ~escaped;
            left &= ~(escape | escaped);
        }
        uint64_t strings = inside(quotes) ^ open;
        uint64_t dashes = where(quarter, '-') & ~strings;
        uint64_t special = where(quarter, ';') | where(quarter, '"') | where(quarter, '`') | where(quarter, '#') |
                           where(quarter, '/') | backslashes;
        special = (special & ~strings) | (dashes & (dashes << 1)) | (dashes & (uint64_t)1 << 63);
        if (special) break;
        open = strings >> 63 ? ~(uint64_t)0 : 0;
    }
stop:
    *state = open ? IN_STRING : OUTSIDE;
    return at;
}
#else
static size_t pass_rows(const uint8_t *data, size_t at, size_t end, int backslash, int *state) {
    (void)data, (void)end, (void)backslash, (void)state;
    return at;
}
#endif

size_t skip_statement(const uint8_t *data, size_t at, size_t end, int backslash, int *state) {
    static const uint8_t CLOSING[] = {0, '\'', '"', '`', '\n', '*'};
    for (;;) {
        if (*state <= IN_STRING) {
            size_t passed = pass_rows(data, at, end, backslash, state);
            /* What stopped it is in the next 64 bytes: these are read one by one. */
            at = passed;
        }
        size_t stop = at + 64 < end ? at + 64 : end;
        for (int slow = 1; slow;) {
            if (*state == OUTSIDE) {
                uint8_t c = 0;
                for (; at < stop; at++) {
                    c = data[at];
                    if (c == '\'' || c == '"' || c == '`' || c == ';' || c == '#' || c == '-' || c == '/' || c == '\\') break;
                }
                if (at >= stop) break;
                if (c == ';') {
                    *state = ENDED;
                    return at + 1;
                }
                if (c == '\\') {
                    *state = STRANGE;
                    return at;
                }
                if (c == '\'') *state = IN_STRING;
                else if (c == '"') *state = IN_DOUBLE;
                else if (c == '`') *state = IN_NAME;
                else if (c == '#') *state = IN_LINE;
                else {
                    if (at + 1 == end) return at;
                    if (c == '/' && data[at + 1] == '*') {
                        size_t mark = at + 2 < end && data[at + 2] == 'M' ? at + 3 : at + 2;
                        if (mark >= end) return at;
                        if (data[mark] == '!') {
                            *state = STRANGE;
                            return at;
                        }
                        *state = IN_COMMENT;
                        at++;
                    } else if (c == '-' && data[at + 1] == '-') {
                        if (at + 2 == end) return at;
                        if (data[at + 2] <= ' ') {
                            *state = IN_LINE;
                            at++;
                        }
                    }
                }
                at++;
                continue;
            }
            int escapes = backslash && *state <= IN_DOUBLE;
            uint8_t closing = CLOSING[*state];
            at = find_either(data, at, end, closing, escapes ? '\\' : closing);
            if (at == end) return end;
            if (data[at] == '\\' && escapes) {
                if (at + 1 == end) return at;
                at += 2;
            } else if (*state == IN_COMMENT) {
                if (at + 1 == end) return at;
                at++;
                if (data[at] == '/') {
                    *state = OUTSIDE;
                    at++;
                }
            } else {
                *state = OUTSIDE;
                at++;
            }
            slow = at < stop;
        }
        if (at >= end) return end;
    }
}
