#include "parts.h"

#include "views.h"

static int divides(uint8_t c) {
    switch (c) {
    case '"': case '\'': case '\\': case ',': case ':': case ';': case '<': case '>': case '(': case ')':
    case '[': case ']': case '{': case '}': case '=': case '|': case '&': return 1;
    default: return c <= ' ';
    }
}

static size_t word_end(const uint8_t *text, size_t at, size_t length) {
    while (at < length && !divides(text[at])) at++;
    return at;
}

/* Behind the string of JSON whose quote stands at `at`; 0 if it does not end. */
static size_t string_end(const uint8_t *text, size_t at, size_t length) {
    for (at++; at < length; at++) {
        if (text[at] == '\\') at++;
        else if (text[at] == '"') return at + 1;
    }
    return 0;
}

typedef struct {
    const uint8_t *text;
    size_t at, length, end;
} Walk;

/* The next piece: a string in quotes, a word, or one byte between words. */
static void piece(Walk *walk) {
    size_t end = 0;
    if (walk->text[walk->at] == '"') end = string_end(walk->text, walk->at, walk->length);
    if (!end) end = word_end(walk->text, walk->at, walk->length);
    walk->end = end > walk->at ? end : walk->at + 1;
}

static int is_divider(const Walk *walk) { return walk->text[walk->at] != '"' && divides(walk->text[walk->at]); }

/* Tell of a piece: a string without its quotes, and as it is meant. */
static int tell(const Walk *walk, unsigned source, Part part, void *context) {
    const uint8_t *text = walk->text + walk->at;
    size_t length = walk->end - walk->at;
    if (length >= 2 && text[0] == '"') {
        text++;
        length -= 2;
    }
    if (!length || !memchr(text, '\\', length)) return part(context, text, length, source);
    uint8_t *meant = malloc(length);
    int done = meant && part(context, meant, without_backslashes(text, length, meant), source);
    free(meant);
    return done;
}

int parts_that_differ(const uint8_t *value, size_t length, const uint8_t *result, size_t result_length,
                      unsigned source, Part part, void *context) {
    for (int telling = 0; telling < 2; telling++) {
        Walk one = {value, 0, length, 0}, other = {result, 0, result_length, 0};
        while (one.at < length && other.at < result_length) {
            piece(&one);
            piece(&other);
            size_t size = one.end - one.at;
            int same = size == other.end - other.at && memcmp(value + one.at, result + other.at, size) == 0;
            if (!same && (is_divider(&one) || is_divider(&other))) break;
            if (!same && telling && !tell(&one, source, part, context)) return 0;
            one.at = one.end;
            other.at = other.end;
        }
        if (one.at < length || other.at < result_length) return part(context, value, length, source);
    }
    return 1;
}
