#include "views.h"

#include "sixteen.h"

enum { LEAST_HEX = 12, LEAST_BASE64 = 8 };

typedef struct {
    Views *views;
    Seen seen;
    void *context;
    size_t at; /* what is decoded begins there */
    int depth;
    Written written;
} Looking;

/* What a hexadecimal digit stands for; 255 for others. */
static const uint8_t four_bits[256] = {
    [0 ... '/'] = 255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, [':' ... '@'] = 255, 10, 11, 12, 13, 14, 15,
    ['G' ... '`'] = 255, 10, 11, 12, 13, 14, 15, ['g' ... 255] = 255,
};

static int hex_of(uint8_t c) { return four_bits[c] < 16 ? four_bits[c] : -1; }

/* What a character of base64 stands for, in both of its alphabets; 255 for others. */
static const uint8_t six_bits[256] = {
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 62,
    255, 62,  255, 63,  52,  53,  54,  55,  56,  57,  58,  59,  60,  61,  255, 255, 255, 255, 255, 255, 255, 0,
    1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,  20,  21,  22,
    23,  24,  25,  255, 255, 255, 255, 63,  255, 26,  27,  28,  29,  30,  31,  32,  33,  34,  35,  36,  37,  38,
    39,  40,  41,  42,  43,  44,  45,  46,  47,  48,  49,  50,  51,  [123 ... 255] = 255,
};

static int in_base64_alphabet(uint8_t c) { return six_bits[c] != 255; }

void views_free(Views *views) {
    for (int i = 0; i < VIEWS_DEPTH; i++) free(views->scratch[i].at);
}

static int found_in(void *context, size_t at, size_t length, unsigned source, uint64_t hash) {
    const Looking *look = context;
    if (look->depth) return look->seen(look->context, look->at, 0, source, hash, look->written);
    return look->seen(look->context, at, length, source, hash, AS_IT_IS);
}

static int look_everywhere(const Looking *look, const uint8_t *text, size_t length, int escapes);
static int look_further(const Looking *look, const uint8_t *text, size_t length, int escapes);

/* UTF-8 without control characters, byte by byte: how many bytes of a character are to come; -1 if it is none. */
static inline int text_goes_on(int awaited, uint8_t c) {
    if (awaited) return (c & 0xC0) == 0x80 ? awaited - 1 : -1;
    if (c < 0x80) return (c >= ' ' && c != 0x7F) || c == '\n' || c == '\t' || c == '\r' ? 0 : -1;
    return c < 0xC2 ? -1 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : -1;
}

static int is_text(const uint8_t *text, size_t length) {
    int awaited = 0;
    for (size_t i = 0; i < length && awaited >= 0; i++) awaited = text_goes_on(awaited, text[i]);
    return awaited >= 0; /* the last character may be cut */
}

/* Whether it may be text: only then a form within it is looked for. */
static int may_be_text(const uint8_t *text, size_t length) { return length >= LEAST_BASE64 && is_text(text, length); }

static Looking deeper(const Looking *look, size_t at, Written written) {
    Looking inner = *look;
    if (!look->depth) inner.at = at;
    inner.written = written;
    inner.depth++;
    return inner;
}

/* What has been put into the scratch of this depth is looked through. */
static int look_into(const Looking *look, size_t at, Written written) {
    const Looking inner = deeper(look, at, written);
    const Bytes *decoded = &look->views->scratch[look->depth];
    if (inner.depth < VIEWS_DEPTH && may_be_text(decoded->at, decoded->length))
        return look_everywhere(&inner, decoded->at, decoded->length, 1);
    return originals_find(look->views->originals, decoded->at, decoded->length, found_in, (void *)&inner);
}

/* The same for `count` texts in the scratch, each with a NUL behind it: as they are all at once, which is quicker. */
static int look_into_each(const Looking *look, size_t at, Written written, const size_t *ends, size_t count) {
    const Looking inner = deeper(look, at, written);
    const Bytes *decoded = &look->views->scratch[look->depth];
    if (!originals_find(look->views->originals, decoded->at, decoded->length, found_in, (void *)&inner)) return 0;
    for (size_t i = 0, start = 0; i < count && inner.depth < VIEWS_DEPTH; start = ends[i++] + 1)
        if (may_be_text(decoded->at + start, ends[i] - start) &&
            !look_further(&inner, decoded->at + start, ends[i] - start, 1))
            return 0;
    return 1;
}

static int look_into_hex(const Looking *look, const uint8_t *text, size_t first, size_t last) {
    Bytes *to = &look->views->scratch[look->depth];
    size_t ends[2], count = 0;
    to->length = 0;
    if (!bytes_room(to, last - first + 4)) return 0;
    uint8_t *next = to->at;
    for (size_t from = first; count < 2 && last - from >= LEAST_HEX; from++) {
        for (size_t i = from; i + 1 < last; i += 2) *next++ = (uint8_t)(hex_of(text[i]) << 4 | hex_of(text[i + 1]));
        ends[count++] = (size_t)(next - to->at);
        *next++ = 0;
    }
    to->length = (size_t)(next - to->at);
    return look_into_each(look, first, HEXADECIMAL, ends, count);
}

/* Whether something that an original begins with may be encoded, `bits` for each character, in text[first, last). */
static int may_hold(Fours fours, const uint8_t *digits, int bits, const uint8_t *text, size_t first, size_t last) {
    size_t lead = (size_t)(32 + bits - 1) / (size_t)bits - 1;
    int over = (int)(lead + 1) * bits - 32; /* bits of the next byte */
    uint64_t read = 0;
    for (size_t i = first; i < first + lead; i++) read = read << bits | digits[text[i]];
    for (size_t i = first + lead; i < last; i++) {
        read = read << bits | digits[text[i]];
        if (has_four(fours, in_memory((uint32_t)(read >> over)))) return 1;
    }
    return 0;
}

/* Whether what is encoded so may be text, wherever it begins: then there may be another form in it. */
static int may_hold_text(const uint8_t *digits, int bits, const uint8_t *text, size_t first, size_t last) {
    size_t group = 24 / (size_t)bits, starts = bits == 4 ? 2 : 4;
    for (size_t from = first; from < first + starts && (last - from) * (size_t)bits >= 8 * LEAST_BASE64; from++) {
        int awaited = 0;
        for (size_t i = from; i + group <= last && awaited >= 0; i += group) {
            uint32_t three = 0;
            for (size_t k = 0; k < group; k++) three = three << bits | digits[text[i + k]];
            for (int shift = 16; shift >= 0 && awaited >= 0; shift -= 8)
                awaited = text_goes_on(awaited, (uint8_t)(three >> shift));
        }
        if (awaited >= 0) return 1;
    }
    return 0;
}

/* Whether a run has to be decoded. */
static int worth_it(const Looking *look, const uint8_t *digits, int bits, const uint8_t *text, size_t first, size_t last) {
    return may_hold(originals_fours(look->views->originals), digits, bits, text, first, last) ||
           (look->depth + 1 < VIEWS_DEPTH && may_hold_text(digits, bits, text, first, last));
}

/* A run of the characters of base64, which may have begun before what was encoded did. */
static int look_into_run(const Looking *look, const uint8_t *text, size_t first, size_t last) {
    Bytes *to = &look->views->scratch[look->depth];
    for (size_t i = first; last - first >= LEAST_HEX && i + LEAST_HEX <= last;) {
        size_t end = i;
        while (end < last && four_bits[text[end]] < 16) end++;
        if (end - i >= LEAST_HEX && worth_it(look, four_bits, 4, text, i, end) &&
            !look_into_hex(look, text, i, end))
            return 0;
        i = end + 1;
    }
    if (!worth_it(look, six_bits, 6, text, first, last)) return 1;
    size_t ends[4], count = 0;
    to->length = 0;
    if (!bytes_room(to, 3 * (last - first) + 16)) return 0;
    uint8_t *next = to->at;
    for (size_t from = first; count < 4 && last - from >= LEAST_BASE64; from++) {
        size_t i = from;
        for (; i + 4 <= last; i += 4) {
            uint32_t bits = (uint32_t)six_bits[text[i]] << 18 | (uint32_t)six_bits[text[i + 1]] << 12 |
                            (uint32_t)six_bits[text[i + 2]] << 6 | six_bits[text[i + 3]];
            next[0] = (uint8_t)(bits >> 16);
            next[1] = (uint8_t)(bits >> 8);
            next[2] = (uint8_t)bits;
            next += 3;
        }
        if (last - i >= 2) *next++ = (uint8_t)(six_bits[text[i]] << 2 | six_bits[text[i + 1]] >> 4);
        if (last - i >= 3) *next++ = (uint8_t)(six_bits[text[i + 1]] << 4 | six_bits[text[i + 2]] >> 2);
        ends[count++] = (size_t)(next - to->at);
        *next++ = 0;
    }
    to->length = (size_t)(next - to->at);
    return look_into_each(look, first, BASE64, ends, count);
}

#if HAVE_SIXTEEN
static unsigned in_base64(const uint8_t *at) {
    Sixteen bytes = sixteen_at(at);
    Sixteen lower = both(bytes, sixteen_of(0x20));
    Sixteen letters = are_below(less(lower, 'a'), 26), digits = are_below(less(bytes, '0'), 10);
    Sixteen signs = both(both(are(bytes, '+'), are(bytes, '-')), both(are(bytes, '/'), are(bytes, '_')));
    return bits_of(both(both(letters, digits), signs));
}
#endif

/* From text[at] the first place where LEAST_BASE64 characters of base64 or more stand; `length` if there is none. */
static size_t next_run(const uint8_t *text, size_t at, size_t length) {
#if HAVE_SIXTEEN
    for (; at + 64 <= length; at += 64 - LEAST_BASE64 + 1) {
        uint64_t runs = 0;
        for (int i = 0; i < 4; i++) runs |= (uint64_t)in_base64(text + at + 16 * i) << (16 * i);
        runs &= runs >> 1;
        runs &= runs >> 2;
        runs &= runs >> 4;
        if (runs) return at + (size_t)__builtin_ctzll(runs);
    }
#endif
    for (size_t run = 0; at < length; at++) {
        run = in_base64_alphabet(text[at]) ? run + 1 : 0;
        if (run == LEAST_BASE64) return at + 1 - LEAST_BASE64;
    }
    return length;
}

static int look_into_runs(const Looking *look, const uint8_t *text, size_t length) {
    for (size_t at = 0; (at = next_run(text, at, length)) < length;) {
        size_t end = at + LEAST_BASE64;
        while (end < length && in_base64_alphabet(text[end])) end++;
        if (!look_into_run(look, text, at, end)) return 0;
        at = end;
    }
    return 1;
}

static int four_hex(const uint8_t *at, size_t left) {
    int code = 0;
    if (left < 4) return -1;
    for (int i = 0; i < 4; i++) {
        if (hex_of(at[i]) < 0) return -1;
        code = code << 4 | hex_of(at[i]);
    }
    return code;
}

static uint8_t *put_character(uint8_t *to, unsigned code) {
    if (code < 0x80) {
        *to++ = (uint8_t)code;
    } else if (code < 0x800) {
        *to++ = (uint8_t)(0xC0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 63));
    } else if (code < 0x10000) {
        *to++ = (uint8_t)(0xE0 | code >> 12);
        *to++ = (uint8_t)(0x80 | (code >> 6 & 63));
        *to++ = (uint8_t)(0x80 | (code & 63));
    } else {
        *to++ = (uint8_t)(0xF0 | code >> 18);
        *to++ = (uint8_t)(0x80 | (code >> 12 & 63));
        *to++ = (uint8_t)(0x80 | (code >> 6 & 63));
        *to++ = (uint8_t)(0x80 | (code & 63));
    }
    return to;
}

/* Behind \uXXXX, of which `at` is the first digit; its character is put at *to. 0 if there are no four digits. */
static size_t unicode(const uint8_t *text, size_t at, size_t length, uint8_t **to) {
    int code = four_hex(text + at, length - at);
    if (code < 0) return 0;
    at += 4;
    if (code >= 0xD800 && code < 0xDC00 && length - at >= 6 && text[at] == '\\' && text[at + 1] == 'u') {
        int low = four_hex(text + at + 2, length - at - 2);
        if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        }
    }
    *to = put_character(*to, (unsigned)code);
    return at;
}

static uint8_t escaped(uint8_t c) {
    switch (c) {
    case '0': return 0;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'Z': return 0x1A;
    default: return c;
    }
}

size_t without_backslashes(const uint8_t *text, size_t length, uint8_t *to) {
    uint8_t *next = to;
    for (size_t i = 0; i < length;) {
        if (text[i] != '\\' || i + 1 == length) {
            *next++ = text[i++];
            continue;
        }
        size_t behind = text[i + 1] == 'u' ? unicode(text, i + 2, length, &next) : 0;
        if (!behind) *next++ = escaped(text[i + 1]);
        i = behind ? behind : i + 2;
    }
    return (size_t)(next - to);
}

static int look_behind_backslashes(const Looking *look, const uint8_t *text, size_t length) {
    Bytes *to = &look->views->scratch[look->depth];
    to->length = 0;
    if (!length || !memchr(text, '\\', length)) return 1;
    if (!bytes_room(to, length)) return 0;
    to->length = without_backslashes(text, length, to->at);
    return look_into(look, 0, BACKSLASHES);
}

static int look_behind_percent(const Looking *look, const uint8_t *text, size_t length) {
    Bytes *to = &look->views->scratch[look->depth];
    to->length = 0;
    if (!length || !memchr(text, '%', length)) return 1;
    if (!bytes_room(to, length)) return 0;
    int any = 0;
    for (size_t i = 0; i < length; i++) {
        int coded = text[i] == '%' && length - i > 2 && hex_of(text[i + 1]) >= 0 && hex_of(text[i + 2]) >= 0;
        to->at[to->length++] = coded ? (uint8_t)(hex_of(text[i + 1]) << 4 | hex_of(text[i + 2])) : text[i];
        i += coded ? 2 : 0;
        any |= coded;
    }
    return any ? look_into(look, 0, PERCENT) : 1;
}

/* In every form but as it is. */
static int look_further(const Looking *look, const uint8_t *text, size_t length, int escapes) {
    if (!look_into_runs(look, text, length)) return 0;
    return !escapes || (look_behind_backslashes(look, text, length) && look_behind_percent(look, text, length));
}

static int look_everywhere(const Looking *look, const uint8_t *text, size_t length, int escapes) {
    return originals_find(look->views->originals, text, length, found_in, (void *)look) &&
           look_further(look, text, length, escapes);
}

int views_find(Views *views, const uint8_t *text, size_t length, Seen seen, void *context) {
    Looking look = {views, seen, context, 0, 0, AS_IT_IS};
    return look_everywhere(&look, text, length, 1);
}

int views_find_plain(Views *views, const uint8_t *text, size_t length, Seen seen, void *context) {
    Looking look = {views, seen, context, 0, 0, AS_IT_IS};
    return look_everywhere(&look, text, length, 0);
}

int views_find_percent(Views *views, const uint8_t *text, size_t length, Seen seen, void *context) {
    Looking look = {views, seen, context, 0, 0, AS_IT_IS};
    return look_behind_percent(&look, text, length);
}
