/* Rows to values, values to grams, and grams to entries, a batch at a time. */

#include "builder.h"
#include "common.h"

#include <stdlib.h>

enum {
    SHORT_ROOM = 2048,
    LONG_ROOM = 512,
    LONGEST_COMMON = 1024,
    LEAST_ROWS = 100,
    SHORT_PART = 100,
    LONG_PART = 20,
    BATCH = 2048,
    PIECE = 1024, /* a longer value is taken in pieces, which overlap so that every window is in one */
    AHEAD = 64,
    SEEN_BITS = 15,
};

typedef struct {
    uint64_t rows, filled;
    Common shorts, longs;
} Column;

/* A run of hashes in the batch: one value's, or a piece's. */
typedef struct {
    uint32_t count;
    uint8_t number, is_short;
} Run;

typedef struct {
    uint8_t *bytes;
    size_t used, room;
} Text;

struct Builder {
    Key key;
    Store store;
    uint8_t filter[(1 << FILTER_BITS) / 8]; /* a bit for the low bits of each short value's hash */
    uint64_t shorts;                        /* how many are set */

    Column *columns;
    size_t column_count;

    uint64_t words[BATCH], hashes[BATCH];
    uint8_t essentials[BATCH];
    Run runs[BATCH];
    size_t batched, run_count;
    uint64_t seen[1 << SEEN_BITS]; /* hashes that were entered not long ago; see was_seen */

    long *fields; /* the columns of a row's fields */
    size_t field_count, field;
    Text partial, unescaped; /* a field whose end has not come; a value without escapes */
};

Builder *builder_new(Key key, size_t columns, unsigned bits, uint64_t capacity) {
    Builder *builder = calloc(1, sizeof *builder);
    if (!builder) return NULL;
    builder->key = key;
    builder->columns = calloc(columns ? columns : 1, sizeof *builder->columns);
    builder->column_count = columns;
    builder->seen[0] = 2; /* zero belongs there, and was not seen; two does not */
    if (builder->columns && store_new(&builder->store, bits, capacity)) return builder;
    builder_free(builder);
    return NULL;
}

static void columns_free(Builder *builder) {
    for (size_t at = 0; at < builder->column_count; at++) {
        common_free(&builder->columns[at].shorts);
        common_free(&builder->columns[at].longs);
    }
    free(builder->columns);
    builder->columns = NULL;
    builder->column_count = 0;
}

void builder_free(Builder *builder) {
    if (builder->columns) columns_free(builder);
    store_free(&builder->store);
    free(builder->fields);
    free(builder->partial.bytes);
    free(builder->unescaped.bytes);
    free(builder);
}

size_t builder_columns(const Builder *builder) { return builder->column_count; }

/* The batch. */

/* Winnowing (S. Schleimer, D. Wilkerson, A. Aiken 2003), by the minimum of each window and then the maximum of those
   that a gram is in: it has the smallest hash of one of them if it equals that. It is done for the whole batch at once;
   windows that reach beyond their run have a minimum that nothing equals. */
static void find_essential(Builder *builder) {
    int32_t high[BATCH + WINDOW], minima[BATCH + 2 * WINDOW], *window = minima + WINDOW - 1;
    size_t count = builder->batched, end = 0;
    for (size_t at = 0; at < count; at++) window[at] = high[at] = (int32_t)(builder->hashes[at] >> 33);
    for (size_t at = 0; at < WINDOW; at++) window[count + at] = minima[at < WINDOW - 1 ? at : 0] = -1;
    for (size_t step = 1; step < WINDOW; step *= 2)
        for (size_t at = 0; at < count; at++)
            window[at] = window[at] < window[at + step] ? window[at] : window[at + step];
    for (size_t each = 0; each < builder->run_count; each++) {
        size_t beyond = builder->runs[each].count < WINDOW ? builder->runs[each].count : WINDOW - 1;
        end += builder->runs[each].count;
        for (size_t at = end - beyond; at < end; at++) window[at] = -1;
    }
    for (size_t step = 1; step < WINDOW; step *= 2)
        for (size_t at = 0; at < count + WINDOW - 1; at++)
            minima[at] = minima[at] > minima[at + step] ? minima[at] : minima[at + step];
    for (size_t at = 0; at < count; at++) builder->essentials[at] = minima[at] == high[at];
}

/* Whether this was entered not long ago, and as essential if it is that now. The lowest bit of a hash is in no place,
   so it is free to tell that. */
static inline int was_seen(Builder *builder, uint64_t hash, uint64_t essential) {
    uint64_t *slot = builder->seen + (hash >> 1 & ((1 << SEEN_BITS) - 1)), before = *slot;
    int same = !((before ^ hash) >> 1);
    *slot = (hash & ~UINT64_C(1)) | essential | (same ? before & 1 : 0);
    return same & (int)((before & 1) | !essential);
}

static void note_short(Builder *builder, uint64_t hash) {
    uint64_t bit = hash & ((1 << FILTER_BITS) - 1);
    uint8_t mask = (uint8_t)(1 << bit % 8), *byte = builder->filter + bit / 8;
    builder->shorts += !(*byte & mask);
    *byte |= mask;
}

static void flush(Builder *builder) {
    uint64_t *hashes = builder->hashes;
    uint8_t *essentials = builder->essentials, numbers[BATCH];
    size_t at = 0, wanted = 0;
    hash_grams(builder->key, builder->words, hashes, builder->batched);
    find_essential(builder);
    for (size_t each = 0; each < builder->run_count; each++) {
        const Run *run = builder->runs + each;
        size_t end = at + run->count;
        if (run->is_short) {
            hash_shorts(builder->key, builder->words + at, hashes + at, 1);
            note_short(builder, hashes[at]);
        }
        if (run->count < WINDOW) memset(essentials + at, 1, run->count);
        for (; at < end; at++) {
            uint64_t hash = hashes[at];
            uint8_t essential = essentials[at];
            hashes[wanted] = hash, numbers[wanted] = run->number, essentials[wanted] = essential;
            wanted += !was_seen(builder, hash, essential);
        }
    }
    builder->batched = builder->run_count = 0;
    for (size_t each = 0; each < wanted; each++) {
        if (each + AHEAD < wanted) store_expect(&builder->store, hashes[each + AHEAD], essentials[each + AHEAD]);
        if (builder->store.outcome != FINE) return;
        if (essentials[each] || builder->store.whole)
            store_enter(&builder->store, hashes[each], numbers[each], essentials[each]);
    }
}

static void batch_room(Builder *builder, size_t count) {
    if (builder->batched + count > BATCH) flush(builder);
}

static void insert(Builder *builder, size_t column, const uint8_t *value, size_t length) {
    uint8_t number = (uint8_t)(column % NUMBERS);
    if (length < GRAM) {
        batch_room(builder, 1);
        builder->words[builder->batched++] = packed(value, length);
        builder->runs[builder->run_count++] = (Run){1, number, 1};
        return;
    }
    size_t grams = length - GRAM + 1;
    for (size_t begins = 0;; begins += PIECE - (WINDOW - 1)) {
        size_t count = grams - begins < PIECE ? grams - begins : PIECE;
        batch_room(builder, count);
        for (size_t at = 0; at < count; at++) builder->words[builder->batched++] = gram_at(value + begins + at);
        builder->runs[builder->run_count++] = (Run){(uint32_t)count, number, 0};
        if (begins + count == grams) return;
    }
}

/* Values. */

typedef struct {
    Builder *builder;
    size_t column;
} Into;

static void take(void *context, const uint8_t *value, size_t length) {
    const Into *into = context;
    insert(into->builder, into->column, value, length);
}

static int is_number(const uint8_t *value, size_t length) {
    for (size_t at = 0; at < length; at++)
        if (value[at] < '0' || value[at] > '9') return 0;
    return 1;
}

Outcome builder_add(Builder *builder, size_t column, const uint8_t *value, size_t length) {
    Column *seen = builder->columns + column;
    seen->rows++;
    seen->filled++;
    if (length < SHORTEST || (length < SHORTEST_NUMBER && is_number(value, length))) return builder->store.outcome;
    if (length > LONGEST_COMMON) {
        insert(builder, column, value, length);
        return builder->store.outcome;
    }
    Common *common = length < GRAM ? &seen->shorts : &seen->longs;
    if (!common->room && !common_new(common, length < GRAM ? SHORT_ROOM : LONG_ROOM))
        return builder->store.outcome = NO_MEMORY;
    Into into = {builder, column};
    common_count(common, value, length, take, &into);
    return builder->store.outcome;
}

/* Rows. */

static int row_is_open(const Builder *builder) { return builder->field || builder->partial.used; }

Outcome builder_set_fields(Builder *builder, const long *columns, size_t count) {
    if (count == builder->field_count && (!count || !memcmp(columns, builder->fields, count * sizeof *columns)))
        return FINE;
    if (row_is_open(builder)) return OPEN_ROW;
    long *fields = malloc((count ? count : 1) * sizeof *fields);
    if (!fields) return NO_MEMORY;
    if (count) memcpy(fields, columns, count * sizeof *fields);
    free(builder->fields);
    builder->fields = fields, builder->field_count = count;
    return FINE;
}

static int text_room(Text *text, size_t wanted) {
    if (wanted <= text->room) return 1;
    size_t room = wanted < 4096 ? 4096 : wanted * 2;
    uint8_t *bytes = realloc(text->bytes, room);
    if (!bytes) return 0;
    text->bytes = bytes, text->room = room;
    return 1;
}

static int text_append(Text *text, const uint8_t *bytes, size_t length) {
    if (!text_room(text, text->used + length)) return 0;
    if (length) memcpy(text->bytes + text->used, bytes, length);
    text->used += length;
    return 1;
}

static uint8_t escaped(uint8_t letter) {
    switch (letter) {
    case 't': return '\t';
    case 'n': return '\n';
    case '0': return '\0';
    default: return '\\';
    }
}

static Outcome add_field(Builder *builder, const uint8_t *field, size_t length) {
    long column = builder->fields[builder->field];
    if (column < 0) return FINE;
    if (length == 4 && !memcmp(field, "NULL", 4)) {
        builder->columns[column].rows++;
        return FINE;
    }
    const uint8_t *escape = length ? memchr(field, '\\', length) : NULL;
    if (!escape) return builder_add(builder, (size_t)column, field, length);
    if (!text_room(&builder->unescaped, length)) return builder->store.outcome = NO_MEMORY;
    uint8_t *value = builder->unescaped.bytes;
    size_t used = 0;
    for (size_t at = 0; at < length; at++) {
        uint8_t byte = field[at], next = at + 1 < length ? field[at + 1] : 0;
        if (byte == '\\' && (next == 't' || next == 'n' || next == '0' || next == '\\')) byte = escaped(next), at++;
        value[used++] = byte;
    }
    return builder_add(builder, (size_t)column, value, used);
}

Outcome builder_add_rows(Builder *builder, const uint8_t *chunk, size_t length) {
    const uint8_t *field = chunk, *end = chunk + length;
    for (const uint8_t *at = chunk; at < end; at++) {
        if (*at > '\n' || (*at != '\n' && *at != '\t')) continue;
        int is_last = *at == '\n';
        if (builder->field >= builder->field_count || is_last != (builder->field + 1 == builder->field_count))
            return OTHER_FIELDS;
        Outcome outcome;
        if (builder->partial.used) {
            if (!text_append(&builder->partial, field, (size_t)(at - field))) return builder->store.outcome = NO_MEMORY;
            outcome = add_field(builder, builder->partial.bytes, builder->partial.used);
            builder->partial.used = 0;
        } else {
            outcome = add_field(builder, field, (size_t)(at - field));
        }
        if (outcome != FINE) return outcome;
        builder->field = is_last ? 0 : builder->field + 1;
        field = at + 1;
    }
    if (!text_append(&builder->partial, field, (size_t)(end - field))) return builder->store.outcome = NO_MEMORY;
    return FINE;
}

Outcome builder_finish(Builder *builder, uint64_t *entries, int *whole, uint64_t *shorts) {
    if (row_is_open(builder)) return OPEN_ROW;
    for (size_t at = 0; at < builder->column_count; at++) {
        Column *seen = builder->columns + at;
        Into into = {builder, at};
        common_rest(&seen->shorts, seen->rows > LEAST_ROWS ? SHORT_PART : 1, seen->rows, take, &into);
        common_rest(&seen->longs, seen->filled > LEAST_ROWS ? LONG_PART : 1, seen->filled, take, &into);
    }
    flush(builder);
    columns_free(builder);
    *entries = builder->store.count, *whole = builder->store.whole, *shorts = builder->shorts;
    return builder->store.outcome;
}

void builder_filter(const Builder *builder, uint8_t *filter, size_t length) {
    memset(filter, 0, length);
    for (size_t at = 0; at < sizeof builder->filter; at++) filter[at & (length - 1)] |= builder->filter[at];
}

Outcome builder_write(Builder *builder, uint64_t buckets, Emit *emit, void *context, uint64_t *written) {
    return store_write(&builder->store, buckets, emit, context, written);
}
