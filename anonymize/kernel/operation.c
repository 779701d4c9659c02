#include "operation.h"

#include "address.h"
#include "documents.h"
#include "numerals.h"
#include "shift.h"
#include "sixteen.h"

#include <string.h>

static const uint8_t *fold_table;

void fold_with(const uint8_t *table) { fold_table = table; }

static int is_capital(uint8_t c) { return (uint8_t)(c - 'A') < 26; }

unsigned look(const uint8_t *value, size_t length) {
    unsigned capitals = 0, beyond = 0;
    size_t i = 0;
#if HAVE_SIXTEEN
    if (length >= 16) {
        Sixteen found = sixteen_of(0), all = sixteen_of(0);
        for (; i < length; i += 16) {
            Sixteen bytes = sixteen_at(value + (i + 16 <= length ? i : length - 16));
            found = both(found, are_below(less(bytes, 'A'), 26));
            all = both(all, bytes);
        }
        return (bits_of(found) ? CAPITALS : 0) | (bits_of(all) ? BEYOND_ASCII : 0);
    }
#endif
    for (; i < length; i++) {
        capitals |= (unsigned)is_capital(value[i]);
        beyond |= value[i] >> 7;
    }
    return (capitals ? CAPITALS : 0) | (beyond ? BEYOND_ASCII : 0);
}

static void put_lower(const uint8_t *value, size_t length, uint8_t *to) {
    size_t i = 0;
#if HAVE_SIXTEEN
    for (; length >= 16 && i < length; i += 16) {
        size_t at = i + 16 <= length ? i : length - 16;
        Sixteen bytes = sixteen_at(value + at);
        put_sixteen(to + at, both(bytes, masked(are_below(less(bytes, 'A'), 26), 0x20)));
    }
#endif
    for (; i < length; i++) to[i] = (uint8_t)(value[i] | (is_capital(value[i]) ? 0x20 : 0));
}

int folded(Fold fold, unsigned seen, const uint8_t *value, size_t *length, Bytes *scratch, size_t *at) {
    if (fold == FOLD_NONE) return 1;
    size_t left = *length;
    while (left && value[left - 1] == ' ') left--;
    *length = left;
    if (fold == FOLD_TRIM || !seen) return 1;
    /* A character of two bytes becomes seven at most. */
    if (!bytes_room(scratch, left * 4)) return 0;
    uint8_t *to = scratch->at + scratch->length;
    *at = scratch->length;
    if (seen == CAPITALS) {
        put_lower(value, left, to);
        scratch->length += left;
        return 2;
    }
    for (size_t i = 0; i < left;) {
        uint8_t c = value[i];
        if (c < 0x80) {
            *to++ = (uint8_t)(c + (is_capital(c) ? 32 : 0));
            i++;
            continue;
        }
        unsigned code = 0;
        size_t width = 0;
#define FOLLOWS(n) (i + (n) < left && (value[i + (n)] & 0xC0) == 0x80)
        if (c >= 0xC2 && c < 0xE0 && FOLLOWS(1)) {
            code = (unsigned)(c & 0x1F) << 6 | (value[i + 1] & 0x3F);
            width = 2;
        } else if ((c == 0xE0 ? i + 1 < left && value[i + 1] >= 0xA0 : c == 0xE1) && FOLLOWS(1) && FOLLOWS(2)) {
            code = (unsigned)(c & 0x0F) << 12 | (unsigned)(value[i + 1] & 0x3F) << 6 | (value[i + 2] & 0x3F);
            width = 3;
        }
#undef FOLLOWS
        if (width) {
            const uint8_t *entry = fold_table + 8 * (code - 0x80);
            memcpy(to, entry + 1, entry[0]);
            to += entry[0];
            i += width;
        } else {
            *to++ = c;
            i++;
        }
    }
    *length = (size_t)(to - scratch->at) - scratch->length;
    scratch->length += *length;
    return 2;
}

static uint64_t number_at(const uint8_t *from) {
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--) number = number << 8 | from[i];
    return number;
}

static Fit template_of(const Template *template, const uint8_t *token, Bytes *out) {
    for (const Piece *piece = template->pieces; piece < template->pieces + template->count; piece++) {
        switch (piece->sort) {
        case PIECE_LITERAL:
            if (!bytes_put_short(out, piece->entries, piece->begins[1])) return NO_MEMORY;
            break;
        case PIECE_POOL: {
            size_t entry = number_at(token) % piece->count;
            uint32_t begin = piece->begins[entry];
            if (!bytes_put_short(out, piece->entries + begin, piece->begins[entry + 1] - begin)) return NO_MEMORY;
            token += 8;
            break;
        }
        case PIECE_DIGITS: {
            if (!bytes_room(out, piece->count)) return NO_MEMORY;
            uint64_t number = number_at(token);
            for (size_t i = piece->count; i--; number /= 10)
                out->at[out->length + i] = (uint8_t)('0' + number % 10);
            out->length += piece->count;
            token += 8;
            break;
        }
        case PIECE_HEX:
            if (!bytes_room(out, piece->count)) return NO_MEMORY;
            for (size_t i = 0; i < piece->count; i++)
                out->at[out->length++] = (uint8_t)"0123456789abcdef"[token[i / 2] >> (i % 2 ? 0 : 4) & 15];
            token += (piece->count + 1) / 2;
            break;
        case PIECE_BASE32: {
            if (!bytes_room(out, piece->count)) return NO_MEMORY;
            uint8_t *to = out->at + out->length;
            for (size_t i = 0; i < piece->count; i += 8, token += 5) { /* eight of five bytes, into the margin */
                uint64_t bits = (uint64_t)token[0] << 32 | (uint64_t)token[1] << 24 | (uint64_t)token[2] << 16 |
                                (uint64_t)token[3] << 8 | token[4];
                for (unsigned k = 0; k < 8; k++)
                    to[i + k] = (uint8_t)"abcdefghijklmnopqrstuvwxyz234567"[bits >> (35 - 5 * k) & 31];
            }
            token -= (5 * (8 * ((piece->count + 7) / 8)) / 8) - (5 * piece->count + 7) / 8;
            out->length += piece->count;
            break;
        }
        }
    }
    return FITS;
}

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* 32 characters of ASCII at a time, into the margins, without a branch, so that the compiler can take them side by side. */
FOR_EACH_PROCESSOR static void draw_usual(const uint8_t *value, size_t length, const uint8_t *token, uint8_t *to) {
    for (size_t from = 0, block = 0; from < length; from += TOKEN_BYTES, block++) {
        uint8_t added = (uint8_t)(101 * block);
        const uint8_t *in = value + from;
        uint8_t drawn[TOKEN_BYTES];
        for (int i = 0; i < TOKEN_BYTES; i++) {
            uint8_t c = in[i], letter = (uint8_t)((c & 0xDF) - 'A'), digit = (uint8_t)(c - '0');
            uint16_t chance = (uint8_t)(token[i] + added);
            uint8_t is_letter = (uint8_t) - (letter < 26), is_digit = (uint8_t) - (digit < 10);
            uint8_t for_letter = (uint8_t)((chance * 26 >> 8) + ('A' | (c & 0x20)));
            uint8_t for_digit = (uint8_t)((chance * 10 >> 8) + '0');
            drawn[i] = (uint8_t)((for_letter & is_letter) | (for_digit & is_digit) | (c & ~(is_letter | is_digit)));
        }
        memcpy(to + from, drawn, TOKEN_BYTES);
    }
}

/* How many bytes the character at `at` has, as Python's decoder sees it: 1 for a byte that is no UTF-8. */
static size_t width_at(const uint8_t *at, size_t left) {
    uint8_t c = at[0];
#define FOLLOWS(n, low, high) (left > (n) && at[n] >= (low) && at[n] <= (high))
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c <= 0xDF) return FOLLOWS(1, 0x80, 0xBF) ? 2 : 1;
    if (c >= 0xE0 && c <= 0xEF)
        return FOLLOWS(1, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF) && FOLLOWS(2, 0x80, 0xBF) ? 3 : 1;
    if (c >= 0xF0 && c <= 0xF4)
        return FOLLOWS(1, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF) && FOLLOWS(2, 0x80, 0xBF) &&
                       FOLLOWS(3, 0x80, 0xBF) ? 4 : 1;
#undef FOLLOWS
    return 1;
}

static size_t kept_of(const Text *text, const uint8_t *value, size_t length) {
    size_t marker = text->keep_until.length;
    if (marker)
        for (size_t i = 0; i + marker <= length; i++)
            if (memcmp(value + i, text->keep_until.at, marker) == 0) return i + marker;
    return 0;
}

static Fit text_of(const Text *text, const uint8_t *value, size_t length, unsigned seen, const uint8_t *token,
                   Bytes *out) {
    /* A character beyond ASCII becomes two bytes; a byte that is none may, too. */
    if (!bytes_room(out, 2 * length)) return NO_MEMORY;
    uint8_t *to = out->at + out->length;
    size_t kept = kept_of(text, value, length);
    if (text->usual && !(seen & BEYOND_ASCII)) {
        draw_usual(value, length, token, to);
        memcpy(to, value, kept);
        out->length += length;
        return FITS;
    }
    for (size_t i = 0, place = 0; i < length; place++) {
        uint8_t c = value[i];
        uint8_t chance = (uint8_t)(token[place % TOKEN_BYTES] + 101 * (place / TOKEN_BYTES));
        size_t width = width_at(value + i, length - i);
        if (i < kept || (c >= 0x80 && !text->other)) {
            memcpy(to, value + i, width);
            to += width;
        } else if (c >= 0x80) {
            unsigned code = 0xE0 + (chance * 23u >> 8);
            *to++ = (uint8_t)(0xC0 | code >> 6);
            *to++ = (uint8_t)(0x80 | (code & 0x3F));
        } else {
            uint8_t class = text->class_of[c];
            *to++ = class == KEPT ? c : text->drawn[class][chance];
        }
        i += width;
    }
    out->length = (size_t)(to - out->at);
    return FITS;
}

Fit operate(const Operation *operation, const uint8_t *value, size_t length, View subject, unsigned seen,
            const uint8_t *token, Bytes *out, const char **why) {
    switch (operation->sort) {
    case OP_NULL: return TO_NULL;
    case OP_CONSTANT:
        return bytes_put(out, operation->constant.at, operation->constant.length) ? FITS : NO_MEMORY;
    case OP_TEMPLATE: return template_of(&operation->template, token, out);
    case OP_TEXT: return text_of(operation->text, value, length, seen, token, out);
    case OP_NUMERALS: return numerals(operation->own, value, length, out, why);
    case OP_ADDRESS: return address(operation->own, value, length, out, why);
    case OP_SHIFT: return shift(operation->own, value, length, subject.at, subject.length, out, why);
    case OP_JSON: return documents(operation->own, value, length, out, why);
    default: return operation->ask(operation->context, value, length, subject, out, why);
    }
}

Fit apply(const Operation *operation, const uint8_t *value, size_t length, View subject, Bytes *scratch, Bytes *out,
          const char **why) {
    if (length == 0 && operation->sort != OP_NULL && operation->sort != OP_CONSTANT) return FITS;
    uint8_t token[TOKEN_BYTES + MARGIN];
    size_t copy = scratch->length;
    if (!bytes_put(scratch, value, length) || !bytes_room(scratch, length * 4)) return NO_MEMORY;
    value = scratch->at + copy;
    unsigned seen = draws(operation) ? look(value, length) : 0;
    if (draws(operation)) {
        size_t folded_length = length, at = 0;
        int where = folded(operation->fold, seen, value, &folded_length, scratch, &at);
        if (!where) return NO_MEMORY;
        Wanted wanted = {&operation->key, where == 2 ? scratch->at + at : value, folded_length, token};
        tokens(&wanted, 1);
    }
    Fit fit = operate(operation, value, length, subject, seen, token, out, why);
    scratch->length = copy;
    return fit;
}
