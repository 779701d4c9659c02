#include "literal.h"

#include "sixteen.h"

/* Where the first byte is that may have to be escaped; `length` if there is none. */
static size_t special_at(const uint8_t *text, size_t length) {
    size_t i = 0;
#if HAVE_SIXTEEN
    for (; length >= 16 && i < length; i += 16) {
        size_t at = i + 16 <= length ? i : length - 16;
        Sixteen bytes = sixteen_at(text + at);
        unsigned found = bits_of(both(both(are_below(bytes, 0x20), are(bytes, '\'')), both(are(bytes, '"'), are(bytes, '\\'))));
        if (found) return at + (size_t)__builtin_ctz(found);
    }
#endif
    while (i < length && text[i] >= 0x20 && text[i] != '\'' && text[i] != '"' && text[i] != '\\') i++;
    return i < length ? i : length;
}

static int is_digit(uint8_t c) { return (uint8_t)(c - '0') < 10; }

static int is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static int is_name(uint8_t c) { return is_digit(c) || (uint8_t)((c | 32) - 'a') < 26; }

static int hex_of(uint8_t c) {
    if (is_digit(c)) return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int same_word(const uint8_t *at, const char *upper, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (((uint8_t)(at[i] - 'a') < 26 ? at[i] - 32 : at[i]) != upper[i]) return 0;
    return 1;
}

static int is_number(const uint8_t *at, size_t length) {
    const uint8_t *end = at + length;
    if (at < end && (*at == '-' || *at == '+')) at++;
    const uint8_t *whole = at;
    while (at < end && is_digit(*at)) at++;
    size_t digits = (size_t)(at - whole);
    if (at < end && *at == '.') {
        const uint8_t *part = ++at;
        while (at < end && is_digit(*at)) at++;
        digits += (size_t)(at - part);
    }
    if (!digits) return 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '-' || *at == '+')) at++;
        const uint8_t *power = at;
        while (at < end && is_digit(*at)) at++;
        if (at == power) return 0;
    }
    return at == end;
}

/* CONVERT( … USING name): the inside, and how long it is; 0 if it is none. */
static size_t converted(const uint8_t *at, size_t length, size_t *first) {
    size_t i = 7, end = length;
    if (length < 7 || !same_word(at, "CONVERT", 7)) return 0;
    while (i < length && is_space(at[i])) i++;
    if (i == length || at[i] != '(') return 0;
    i++;
    while (i < length && is_space(at[i])) i++;
    *first = i;
    if (at[--end] != ')') return 0;
    while (end > i && is_space(at[end - 1])) end--;
    size_t name = end;
    while (end > i && is_name(at[end - 1])) end--;
    if (end == name || end < i + 7 || !is_space(at[end - 1])) return 0;
    while (end > i && is_space(at[end - 1])) end--;
    if (end < i + 6 || !same_word(at + end - 5, "USING", 5) || !is_space(at[end - 6])) return 0;
    end -= 5;
    while (end > i && is_space(at[end - 1])) end--;
    return end - i;
}

/* Where the string that begins at `at` ends, behind its quote; 0 if it does not end. */
static size_t string_end(const uint8_t *at, size_t length, int backslash) {
    uint8_t quote = at[0];
    for (size_t i = 1; i < length; i++) {
        if (at[i] == '\\' && backslash) i++;
        else if (at[i] == quote) {
            if (i + 1 < length && at[i + 1] == quote) i++;
            else return i + 1;
        }
    }
    return 0;
}

static int known_charset(const uint8_t *name, size_t length) {
    static const char *const known[] = {"BINARY", "ASCII", "UTF8", "UTF8MB3", "UTF8MB4"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == length && same_word(name, known[i], length)) return 1;
    return 0;
}

Fit literal_read(const uint8_t *lexeme, size_t length, Grammar grammar, int binary, Literal *literal,
                 const char **why) {
    size_t i = 0, inside;
    int known = 1;
    size_t inner = converted(lexeme, length, &inside);
    literal->first = literal->last = 0;
    if (inner) {
        Fit fit = literal_read(lexeme + inside, inner, grammar, binary, literal, why);
        literal->first += inside;
        literal->last += inside;
        return fit;
    }
    literal->latin1 = 0;
    literal->quote = '\'';
    literal->zero_x = 0;
    if (is_number(lexeme, length)) {
        literal->form = NUMBER;
        literal->first = 0;
        literal->last = length;
        return FITS;
    }
    literal->latin1 = grammar.latin1 && !binary;
    if (length && lexeme[0] == '_') {
        for (i = 1; i < length && is_name(lexeme[i]); i++) {}
        if (i == 1) goto unknown;
        literal->latin1 = i == 7 && same_word(lexeme + 1, "LATIN1", 6);
        known = literal->latin1 || known_charset(lexeme + 1, i - 1);
    } else if (length > 1 && (lexeme[0] | 32) == 'n' && lexeme[1] == '\'') {
        i = 1;
    }
    while (i < length && is_space(lexeme[i])) i++;
    if (i == length) goto unknown;
    if (lexeme[i] == '\'' || lexeme[i] == '"') {
        if (string_end(lexeme + i, length - i, grammar.backslash) != length - i) goto unknown;
        literal->form = QUOTED;
        literal->quote = lexeme[i];
        literal->first = i + 1;
        literal->last = length - 1;
        goto written;
    }
    literal->form = HEX;
    literal->last = length;
    if (length - i >= 2 && lexeme[i] == '0' && lexeme[i + 1] == 'x') {
        literal->zero_x = 1;
        literal->first = i + 2;
    } else if (length - i >= 3 && (lexeme[i] | 32) == 'x' && lexeme[i + 1] == '\'' && lexeme[length - 1] == '\'') {
        literal->first = i + 2;
        literal->last = length - 1;
    } else {
        goto unknown;
    }
    for (i = literal->first; i < literal->last; i++)
        if (hex_of(lexeme[i]) < 0) goto unknown;
written:
    if (known) return FITS;
    *why = "a string in a character set that is not understood";
    return UNFIT;
unknown:
    *why = "neither a string nor a number stands there, so it cannot be replaced";
    return UNFIT;
}

static const uint16_t BEYOND[32] = {
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
    0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
};

static uint8_t *put_from_latin1(uint8_t *to, uint8_t c) {
    unsigned code = c >= 0x80 && c < 0xA0 ? BEYOND[c - 0x80] : c;
    if (code < 0x80) {
        *to++ = (uint8_t)code;
    } else if (code < 0x800) {
        *to++ = (uint8_t)(0xC0 | code >> 6);
        *to++ = (uint8_t)(0x80 | (code & 0x3F));
    } else {
        *to++ = (uint8_t)(0xE0 | code >> 12);
        *to++ = (uint8_t)(0x80 | (code >> 6 & 0x3F));
        *to++ = (uint8_t)(0x80 | (code & 0x3F));
    }
    return to;
}

static uint8_t meant(uint8_t c) {
    switch (c) {
    case '0': return 0;
    case 'b': return '\b';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'Z': return 0x1A;
    default: return c;
    }
}

int literal_value(const uint8_t *lexeme, const Literal *literal, Grammar grammar, Bytes *out) {
    size_t length = literal->last - literal->first;
    const uint8_t *body = lexeme + literal->first, *end = body + length;
    if (!bytes_room(out, 3 * length + 1)) return 0;
    uint8_t *to = out->at + out->length;
    if (literal->form == NUMBER) {
        memcpy(to, body, length);
        to += length;
    } else if (literal->form == HEX) {
        if (length % 2) *to++ = (uint8_t)hex_of(*body++);
        for (; body < end; body += 2) *to++ = (uint8_t)(hex_of(body[0]) << 4 | hex_of(body[1]));
        if (literal->latin1) {
            Bytes text = {0};
            size_t count = (size_t)(to - out->at) - out->length;
            if (!bytes_put(&text, out->at + out->length, count)) return 0;
            to = out->at + out->length;
            for (size_t i = 0; i < count; i++) to = put_from_latin1(to, text.at[i]);
            free(text.at);
        }
    } else {
        while (body < end) {
            size_t plainly = literal->latin1 ? 0 : special_at(body, (size_t)(end - body));
            memcpy(to, body, plainly);
            to += plainly;
            body += plainly;
            if (body == end) break;
            uint8_t c = *body++;
            if (c == '\\' && grammar.backslash) {
                c = *body++;
                if (c == '%' || c == '_') *to++ = '\\';
                c = meant(c);
            } else if (c == literal->quote) {
                body++;
            }
            if (literal->latin1) to = put_from_latin1(to, c);
            else *to++ = c;
        }
    }
    out->length = (size_t)(to - out->at);
    return 1;
}

int is_plain(const uint8_t *text, size_t length) { return special_at(text, length) == length; }

/* The character that stands for `c` behind a backslash, and 0 if none does. */
static uint8_t escape_of(uint8_t c) {
    switch (c) {
    case 0: return '0';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case 0x1A: return 'Z';
    case '\'': case '"': case '\\': return c;
    default: return 0;
    }
}

static int put_escaped(const uint8_t *result, size_t length, const uint8_t *body, size_t body_length, uint8_t quote,
                       Grammar grammar, Bytes *out) {
    if (!bytes_room(out, 2 * length)) return 0;
    uint8_t *to = out->at + out->length;
    uint8_t escaped[256] = {0}, plain[256] = {0};
    int doubled = !grammar.backslash;
    if (grammar.backslash) {
        for (size_t i = 0; (i += special_at(body + i, body_length - i)) < body_length; i++) {
            if (body[i] == '\\') escaped[meant(body[++i])] = 1;
            else {
                plain[body[i]] = 1;
                doubled |= body[i] == quote;
            }
        }
        escaped[0] |= !plain[0];
        escaped['\n'] |= !plain['\n'];
        escaped['\r'] |= !plain['\r'];
        escaped[0x1A] |= !plain[0x1A];
        escaped['\\'] = 1;
        escaped[quote] = !doubled;
    }
    for (size_t i = 0; i < length;) {
        size_t plainly = special_at(result + i, length - i);
        memcpy(to, result + i, plainly);
        to += plainly;
        i += plainly;
        if (i == length) break;
        uint8_t c = result[i++], escape = escaped[c] ? escape_of(c) : 0;
        if (escape) {
            *to++ = '\\';
            *to++ = escape;
        } else {
            if (c == quote) *to++ = c;
            *to++ = c;
        }
    }
    out->length = (size_t)(to - out->at);
    return 1;
}

/* The code of the character at `at`, and how long it is; a byte that is no UTF-8 is -1 and one byte long. */
static long code_at(const uint8_t *at, size_t left, size_t *width) {
    static const uint8_t LEAST[5] = {0, 0, 0xC2, 0xE0, 0xF0};
    uint8_t c = at[0];
    *width = 1;
    if (c < 0x80) return c;
    size_t needed = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < LEAST[needed] || c > 0xF4 || needed > left) return -1;
    long code = c & (0xFF >> (needed + 1));
    for (size_t i = 1; i < needed; i++) {
        if ((at[i] & 0xC0) != 0x80) return -1;
        code = code << 6 | (at[i] & 0x3F);
    }
    if ((needed == 3 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) ||
        (needed == 4 && (code < 0x10000 || code > 0x10FFFF))) return -1;
    *width = needed;
    return code;
}

static int put_to_latin1(const uint8_t *text, size_t length, Bytes *out) {
    if (!bytes_room(out, length)) return 0;
    for (size_t i = 0, width; i < length; i += width) {
        long code = code_at(text + i, length - i, &width);
        uint8_t c = '?';
        if ((code >= 0 && code < 0x80) || (code >= 0xA0 && code < 0x100)) c = (uint8_t)code;
        else
            for (int k = 0; k < 32; k++)
                if (BEYOND[k] == code) c = (uint8_t)(0x80 + k);
        out->at[out->length++] = c;
    }
    return 1;
}

static int put_hex(const uint8_t *result, size_t length, int lower, Bytes *out) {
    const char *digits = lower ? "0123456789abcdef" : "0123456789ABCDEF";
    if (!bytes_room(out, 2 * length)) return 0;
    for (size_t i = 0; i < length; i++) {
        out->at[out->length++] = (uint8_t)digits[result[i] >> 4];
        out->at[out->length++] = (uint8_t)digits[result[i] & 15];
    }
    return 1;
}

int literal_write(const uint8_t *result, size_t length, const uint8_t *lexeme, size_t lexeme_length,
                  const Literal *literal, Grammar grammar, Bytes *out) {
    Bytes text = {0};
    int done;
    if (literal->form == NUMBER && is_number(result, length)) return bytes_put(out, result, length);
    if (literal->form == NUMBER ? grammar.latin1 : literal->latin1) {
        if (!put_to_latin1(result, length, &text)) return 0;
        result = text.at;
        length = text.length;
    }
    const uint8_t *body = lexeme + literal->first, *behind = lexeme + literal->last;
    size_t body_length = literal->last - literal->first, behind_length = lexeme_length - literal->last;
    if (literal->form == NUMBER) {
        done = bytes_put(out, "'", 1) && put_escaped(result, length, body, 0, '\'', grammar, out) &&
               bytes_put(out, "'", 1);
    } else if (literal->form == HEX && literal->zero_x && !length) {
        done = bytes_put(out, lexeme, literal->first - 2) && bytes_put(out, "''", 2) &&
               bytes_put(out, behind, behind_length);
    } else {
        int lower = 0;
        for (size_t i = 0; literal->form == HEX && i < body_length; i++) lower |= body[i] >= 'a';
        done = bytes_put(out, lexeme, literal->first) &&
               (literal->form == HEX ? put_hex(result, length, lower, out)
                                     : put_escaped(result, length, body, body_length, literal->quote, grammar, out)) &&
               bytes_put(out, behind, behind_length);
    }
    free(text.at);
    return done;
}
