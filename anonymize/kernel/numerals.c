/* See numerals.h. */

#include "numerals.h"
#include "blake2s.h"

enum { NONE = 255, STEP = 101, UUID = 32, VERSION = 12, VARIANT = 16 };

static const uint64_t HALF_LIMIT = (uint64_t)1 << 60; /* halves of what FF1 is given are below */

int numerals_prepare(Numerals *numerals, const NumeralsRule *rule) {
    if (rule->radix < 2 || rule->radix > 128) return 0;
    memset(numerals, 0, sizeof *numerals);
    memset(numerals->place, NONE, sizeof numerals->place);
    for (size_t at = 0; at < rule->radix; at++) {
        uint8_t lower = rule->alphabet[at], upper = lower;
        if (lower >= 'a' && lower <= 'z') upper = (uint8_t)(lower - 'a' + 'A');
        if (lower >= 0x80 || (lower >= 'A' && lower <= 'Z') || numerals->place[lower] != NONE) return 0;
        numerals->place[lower] = numerals->place[upper] = (uint8_t)at;
        numerals->spelling[0][at] = lower;
        numerals->spelling[1][at] = upper;
    }
    if (rule->others) {
        for (size_t byte = 0; byte < 256; byte++) numerals->strange[byte] = numerals->place[byte] == NONE;
        for (size_t at = 0; at < rule->others_length; at++) numerals->strange[rule->others[at]] = 0;
    }
    aes_prepare(&numerals->aes, rule->key);
    memcpy(numerals->key, rule->key, sizeof numerals->key);
    numerals->radix = (unsigned)rule->radix;
    numerals->keep = rule->keep;
    numerals->number = rule->number;
    numerals->versioned = rule->versioned;
    numerals->maximum = rule->has_maximum ? rule->maximum : (Wide)1 << 127;
    uint64_t half = 1;
    while (half < HALF_LIMIT / numerals->radix + (HALF_LIMIT % numerals->radix != 0)) {
        half *= numerals->radix;
        numerals->longest += 2;
    }
    numerals->powers[0] = 1;
    for (unsigned count = 1; count <= numerals->longest; count++) {
        numerals->powers[count] = numerals->powers[count - 1] * numerals->radix;
        if (count < 2) continue;
        ff1_prepare(&numerals->ff1[count], &numerals->aes, numerals->radix, count, rule->tweak, rule->tweak_length);
    }
    return 1;
}

/* The numerals of a value, in its order, whatever stands between them. */
typedef struct {
    const Numerals *numerals;
    const uint8_t *value;
    size_t start, length; /* start: of the first that changes */
    size_t count;         /* of those that change */
    const uint8_t *spelling;
    bool strange; /* something in it does not belong there */
} Found;

static Found find(const Numerals *numerals, const uint8_t *value, size_t length) {
    size_t all = 0, start = length, upper = 0, lower = 0;
    uint8_t strange = 0;
    for (size_t at = 0; at < length; at++) {
        uint8_t byte = value[at];
        strange |= numerals->strange[byte];
        if (numerals->place[byte] == NONE) continue;
        if (all == numerals->keep) start = at;
        all++;
        upper += byte >= 'A' && byte <= 'Z';
        lower += byte >= 'a' && byte <= 'z';
    }
    size_t count = all > numerals->keep ? all - numerals->keep : 0;
    return (Found){numerals, value, start, length, count, numerals->spelling[upper && !lower], strange};
}

/* The next `count` numerals from `*at` on, as a number. */
static inline uint64_t number_at(const Found *found, size_t *at, size_t count, unsigned radix) {
    uint64_t number = 0;
    size_t here = *at;
    while (count) {
        uint8_t place = found->numerals->place[found->value[here++]];
        if (place == NONE) continue;
        number = number * radix + place;
        count--;
    }
    *at = here;
    return number;
}

/* Puts a number in the place of the last `count` numerals before `*at`. */
static inline void spell(const Found *found, uint8_t *to, size_t *at, size_t count, uint64_t number, unsigned radix) {
    size_t here = *at;
    while (count) {
        if (found->numerals->place[found->value[--here]] == NONE) continue;
        to[here] = found->spelling[number % radix];
        number /= radix;
        count--;
    }
    *at = here;
}

static unsigned rotated(const Numerals *numerals, unsigned number, unsigned size) {
    return size == 1 ? number : (number + 1 + numerals->key[0] % (size - 1)) % size;
}

/* What takes the place of a number among all that are as long and of its sort, which are a range of numbers. */
static Wide changed(const Numerals *numerals, Wide number, size_t length) {
    if (!number || number > numerals->maximum) return number;
    Wide first = 1, last = numerals->powers[length] - 1, highest = numerals->powers[length - 1];
    if (number < highest) last = highest - 1;
    else first = highest;
    if (last > numerals->maximum) last = numerals->maximum;
    Wide size = last - first + 1, result = number - first;
    while (length > 1 && numerals->powers[length - 1] >= size) length--;
    if (length == 1) return first + rotated(numerals, (unsigned)result, (unsigned)size);
    const Ff1 *ff1 = &numerals->ff1[length];
    bool narrow = !(result >> 64);
    uint64_t divisor = ff1->powers[1], left, right;
    left = narrow ? (uint64_t)result / divisor : (uint64_t)(result / divisor);
    right = narrow ? (uint64_t)result % divisor : (uint64_t)(result % divisor);
    do {
        ff1_encrypt(ff1, &numerals->aes, &left, &right);
        result = (Wide)left * divisor + right;
    } while (result >= size);
    return first + result;
}

__attribute__((always_inline)) static inline void permute(const Found *found, uint8_t *to, unsigned radix) {
    const Numerals *numerals = found->numerals;
    size_t half = found->count / 2, at = found->start;
    uint64_t left = number_at(found, &at, half, radix);
    uint64_t right = number_at(found, &at, found->count - half, radix);
    if (numerals->number) {
        uint64_t divisor = (uint64_t)numerals->powers[found->count - half];
        Wide number = changed(numerals, (Wide)left * divisor + right, found->count);
        bool narrow = !(number >> 64);
        left = narrow ? (uint64_t)number / divisor : (uint64_t)(number / divisor);
        right = narrow ? (uint64_t)number % divisor : (uint64_t)(number % divisor);
    } else if (found->count == 1) {
        right = rotated(numerals, (unsigned)right, radix);
    } else {
        ff1_encrypt(&numerals->ff1[found->count], &numerals->aes, &left, &right);
    }
    spell(found, to, &at, found->count - half, right, radix);
    spell(found, to, &at, half, left, radix);
}

static void draw(const Found *found, uint8_t *to) {
    const Numerals *numerals = found->numerals;
    unsigned radix = numerals->radix;
    uint8_t token[TOKEN_BYTES];
    size_t count = 0;
    for (size_t at = found->start; at < found->length; at++) {
        uint8_t place = numerals->place[found->value[at]];
        if (place != NONE) to[found->start + count++] = numerals->spelling[0][place];
    }
    blake2s_token(numerals->key, to + found->start, count, token);
    memcpy(to + found->start, found->value + found->start, found->length - found->start);
    size_t number = 0;
    bool uuid = numerals->versioned && found->count == UUID;
    for (size_t at = found->start; at < found->length; at++) {
        uint8_t place = numerals->place[found->value[at]];
        if (place == NONE) continue;
        unsigned chance = (uint8_t)(token[number % TOKEN_BYTES] + STEP * (number / TOKEN_BYTES));
        unsigned result = chance * radix >> 8;
        if (!number++ && numerals->number) result = place ? 1 + (chance * (radix - 1) >> 8) : 0;
        if (uuid && (number == VERSION + 1 || number == VARIANT + 1)) result = place;
        to[at] = found->spelling[result];
    }
}

Fit numerals(const Numerals *numerals, const uint8_t *value, size_t length, Bytes *out, const char **why) {
    size_t start = out->length;
    Found found = find(numerals, value, length);
    if (found.strange) {
        *why = "it holds characters that do not belong there";
        return UNFIT;
    }
    if (!bytes_put(out, value, length)) return NO_MEMORY;
    uint8_t *to = out->at + start;
    if (!found.count) return FITS;
    if (found.count > numerals->longest) draw(&found, to);
    else if (numerals->radix == 10) permute(&found, to, 10);
    else if (numerals->radix == 16) permute(&found, to, 16);
    else permute(&found, to, numerals->radix);
    return FITS;
}
