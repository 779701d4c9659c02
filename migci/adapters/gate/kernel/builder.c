/* Values to grams to entries, and entries to a table. Memory is asked for well before it is looked at. */

#define _DEFAULT_SOURCE
#include "builder.h"
#include "common.h"

#include <stdlib.h>
#include <sys/mman.h>

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
    EMITTED = 1024,
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

/* The entries that found no room in their bucket: place, essential, column number. */
typedef struct {
    uint64_t *entries;
    size_t slots, used;
} Spill;

typedef struct {
    uint8_t *bytes;
    size_t used, room;
} Text;

struct Builder {
    Key key;
    unsigned bits;
    uint64_t capacity, entries;
    int whole;
    Outcome outcome;

    uint32_t *table;
    uint16_t *essential; /* a bit for each entry of a bucket */
    Spill spill;
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

/* Zeros, in large pages where the system has them: small ones would take longer to find than what is in them. */
static void *zeros(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

static size_t table_bytes(const Builder *builder) { return SLOTS * sizeof *builder->table << builder->bits; }

static size_t essential_bytes(const Builder *builder) { return sizeof *builder->essential << builder->bits; }

Builder *builder_new(Key key, size_t columns, unsigned bits, uint64_t capacity) {
    Builder *builder = calloc(1, sizeof *builder);
    if (!builder) return NULL;
    builder->key = key, builder->bits = bits, builder->capacity = capacity, builder->whole = 1;
    builder->table = zeros(table_bytes(builder));
    builder->essential = zeros(essential_bytes(builder));
    builder->columns = calloc(columns ? columns : 1, sizeof *builder->columns);
    builder->column_count = columns;
    builder->seen[0] = 2; /* zero belongs there, and was not seen; two does not */
    if (builder->table && builder->essential && builder->columns) return builder;
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
    if (builder->table) munmap(builder->table, table_bytes(builder));
    if (builder->essential) munmap(builder->essential, essential_bytes(builder));
    free(builder->spill.entries);
    free(builder->fields);
    free(builder->partial.bytes);
    free(builder->unescaped.bytes);
    free(builder);
}

size_t builder_columns(const Builder *builder) { return builder->column_count; }

/* Entries. */

static uint64_t spilled(uint64_t place, int essential, unsigned number) {
    return place << 9 | (uint64_t)(essential != 0) << 8 | number;
}

static uint64_t *spill_slot(const Spill *spill, uint64_t place) {
    size_t slot = mixed(place) >> 32 & (spill->slots - 1);
    while (spill->entries[slot] && spill->entries[slot] >> 9 != place) slot = (slot + 1) & (spill->slots - 1);
    return spill->entries + slot;
}

static int spill_grow(Spill *spill) {
    if (spill->used < spill->slots / 2) return 1;
    Spill more = {.slots = spill->slots ? spill->slots * 2 : 1024, .used = spill->used};
    more.entries = calloc(more.slots, sizeof *more.entries);
    if (!more.entries) return 0;
    for (size_t slot = 0; slot < spill->slots; slot++)
        if (spill->entries[slot]) *spill_slot(&more, spill->entries[slot] >> 9) = spill->entries[slot];
    free(spill->entries);
    *spill = more;
    return 1;
}

/* The slot of the one entry with the fingerprint, counted from 1, or 0. */
static unsigned slot_with(const uint32_t *bucket, uint32_t fingerprint) {
    Entries wanted = {fingerprint, fingerprint, fingerprint, fingerprint}, slots = {1, 2, 3, 4}, found = {0, 0, 0, 0};
    for (int at = 0; at < SLOTS; at += 4, slots += 4) {
        Entries entries;
        memcpy(&entries, bucket + at, sizeof entries);
        found |= (Entries)(entries >> 8 == wanted) & slots;
    }
    return found[0] | found[1] | found[2] | found[3];
}

/* Note that an entry is essential, if it is: which is not to be foreseen, so there is no branch. */
static void note_essential(Builder *builder, uint64_t bucket, unsigned slot, int essential) {
    uint16_t nowhere, *noted = essential ? builder->essential + bucket : &nowhere;
    nowhere = 0;
    *noted |= (uint16_t)(1u << slot);
}

static unsigned used_slots(const uint32_t *bucket) {
    Entries used = {0, 0, 0, 0};
    for (int at = 0; at < SLOTS; at += 4) {
        Entries entries;
        memcpy(&entries, bucket + at, sizeof entries);
        used -= (Entries)(entries != 0); /* true is all ones */
    }
    return used[0] + used[1] + used[2] + used[3];
}

static void keep_essential(Builder *builder);

static void enter_place(Builder *builder, uint64_t place, unsigned number, int essential) {
    uint64_t bucket = place >> FINGERPRINT_BITS;
    uint32_t fingerprint = place & FINGERPRINT_MASK;
    uint32_t *entry = builder->table + bucket * SLOTS;
    unsigned slot = slot_with(entry, fingerprint);
    if (slot) {
        note_essential(builder, bucket, slot - 1, essential);
        return;
    }
    unsigned used = used_slots(entry);
    if (used < SLOTS) {
        entry[used] = fingerprint << 8 | number;
        note_essential(builder, bucket, used, essential);
    } else {
        if (!spill_grow(&builder->spill)) {
            builder->outcome = NO_MEMORY;
            return;
        }
        uint64_t *slot = spill_slot(&builder->spill, place);
        if (*slot) {
            *slot |= (uint64_t)(essential != 0) << 8;
            return;
        }
        *slot = spilled(place, essential, number);
        builder->spill.used++;
    }
    builder->entries++;
}

static void enter(Builder *builder, uint64_t hash, unsigned number, int essential) {
    enter_place(builder, place_of(hash, builder->bits), number, essential);
    if (builder->entries > builder->capacity && builder->whole) keep_essential(builder);
    if (builder->entries > builder->capacity && builder->outcome == FINE) builder->outcome = NOT_EVEN_ESSENTIAL;
}

static void keep_essential(Builder *builder) {
    builder->whole = 0;
    builder->entries = 0;
    for (uint64_t bucket = 0; bucket >> builder->bits == 0; bucket++) {
        uint32_t *entry = builder->table + bucket * SLOTS;
        int kept = 0;
        for (int slot = 0; slot < SLOTS; slot++)
            if (builder->essential[bucket] >> slot & 1) entry[kept++] = entry[slot];
        memset(entry + kept, 0, (size_t)(SLOTS - kept) * sizeof *entry);
        builder->essential[bucket] = (uint16_t)((1u << kept) - 1);
        builder->entries += (uint64_t)kept;
    }
    Spill spill = builder->spill;
    builder->spill = (Spill){0};
    for (size_t slot = 0; slot < spill.slots; slot++)
        if (spill.entries[slot] >> 8 & 1)
            enter_place(builder, spill.entries[slot] >> 9, spill.entries[slot] & 0xff, 1);
    free(spill.entries);
}

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
        if (each + AHEAD < wanted) {
            uint64_t bucket = place_of(hashes[each + AHEAD], builder->bits) >> FINGERPRINT_BITS;
            const void *entries = builder->table + bucket * SLOTS, *essential = builder->essential + bucket;
            __builtin_prefetch(entries, 0, 1);
            __builtin_prefetch(builder->essentials[each + AHEAD] ? essential : entries, 0, 1);
        }
        if (builder->outcome != FINE) return;
        if (builder->essentials[each] || builder->whole) enter(builder, hashes[each], numbers[each], builder->essentials[each]);
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
    if (length < SHORTEST || (length < SHORTEST_NUMBER && is_number(value, length))) return builder->outcome;
    if (length > LONGEST_COMMON) {
        insert(builder, column, value, length);
        return builder->outcome;
    }
    Common *common = length < GRAM ? &seen->shorts : &seen->longs;
    if (!common->room && !common_new(common, length < GRAM ? SHORT_ROOM : LONG_ROOM))
        return builder->outcome = NO_MEMORY;
    Into into = {builder, column};
    common_count(common, value, length, take, &into);
    return builder->outcome;
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
    if (!text_room(&builder->unescaped, length)) return builder->outcome = NO_MEMORY;
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
            if (!text_append(&builder->partial, field, (size_t)(at - field))) return builder->outcome = NO_MEMORY;
            outcome = add_field(builder, builder->partial.bytes, builder->partial.used);
            builder->partial.used = 0;
        } else {
            outcome = add_field(builder, field, (size_t)(at - field));
        }
        if (outcome != FINE) return outcome;
        builder->field = is_last ? 0 : builder->field + 1;
        field = at + 1;
    }
    if (!text_append(&builder->partial, field, (size_t)(end - field))) return builder->outcome = NO_MEMORY;
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
    *entries = builder->entries, *whole = builder->whole, *shorts = builder->shorts;
    return builder->outcome;
}

void builder_filter(const Builder *builder, uint8_t *filter, size_t length) {
    memset(filter, 0, length);
    for (size_t at = 0; at < sizeof builder->filter; at++) filter[at & (length - 1)] |= builder->filter[at];
}

/* The table. */

static int compared(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

/* The bucket that is filled, what found no room in it or before it, and what is written but not emitted. */
typedef struct {
    uint64_t buckets, written;
    uint32_t own[SLOTS], last;
    size_t owned;
    uint32_t *waiting;
    size_t begins, ends, room;
    uint32_t ready[EMITTED * SLOTS];
    size_t filled;
    Emit *emit;
    void *context;
} Writing;

static int emit_ready(Writing *writing) {
    size_t filled = writing->filled;
    writing->filled = 0;
    return !filled || writing->emit(writing->context, writing->ready, filled);
}

/* What is a bucket's own comes first, those with the smallest fingerprints; where some found no room, they stand in
   order. Where none did, and others filled it, the first two are the other way round. */
static int write_bucket(Writing *writing) {
    uint32_t *entry = writing->ready + writing->filled++ * SLOTS;
    size_t count = writing->owned < SLOTS ? writing->owned : SLOTS;
    memset(entry, 0, SLOTS * sizeof *entry);
    memcpy(entry, writing->own, count * sizeof *entry);
    if (writing->owned <= SLOTS) {
        while (count < SLOTS && writing->begins < writing->ends) entry[count++] = writing->waiting[writing->begins++];
        if (writing->begins == writing->ends) writing->begins = writing->ends = 0;
        if (count == SLOTS && entry[0] >> 8 < entry[1] >> 8) {
            uint32_t first = entry[0];
            entry[0] = entry[1], entry[1] = first;
        }
    }
    writing->owned = 0;
    writing->written++;
    return writing->filled < EMITTED || emit_ready(writing);
}

static int wait_for_room(Writing *writing, uint32_t entry) {
    if (writing->ends == writing->room) {
        size_t waiting = writing->ends - writing->begins, room = waiting < 512 ? 1024 : waiting * 2;
        uint32_t *more = malloc(room * sizeof *more);
        if (!more) return 0;
        if (waiting) memcpy(more, writing->waiting + writing->begins, waiting * sizeof *more);
        free(writing->waiting);
        writing->waiting = more, writing->begins = 0, writing->ends = waiting, writing->room = room;
    }
    writing->waiting[writing->ends++] = entry;
    return 1;
}

static int write_entry(Writing *writing, Home home, uint8_t number) {
    uint32_t entry = home.fingerprint << 8 | number;
    while (writing->written < home.bucket)
        if (!write_bucket(writing)) return 0;
    if (writing->owned && writing->last == home.fingerprint) return 1; /* two places that this table takes for one */
    writing->last = home.fingerprint;
    if (writing->owned++ >= SLOTS) return wait_for_room(writing, entry);
    writing->own[writing->owned - 1] = entry;
    return 1;
}

/* All entries in the order of their places. */
static int write_all(const Builder *builder, const uint64_t *spilt, size_t spills, Writing *writing) {
    size_t spill = 0;
    for (uint64_t own = 0; own >> builder->bits == 0; own++) {
        const uint32_t *entry = builder->table + own * SLOTS;
        uint64_t sorted[SLOTS];
        size_t count = 0, first_spill = spill;
        for (int slot = 0; slot < SLOTS && entry[slot]; slot++) {
            uint64_t one = spilled(own << FINGERPRINT_BITS | entry[slot] >> 8, 0, entry[slot] & 0xff);
            size_t at = count++;
            for (; at && sorted[at - 1] > one; at--) sorted[at] = sorted[at - 1];
            sorted[at] = one;
        }
        while (spill < spills && spilt[spill] >> 9 >> FINGERPRINT_BITS == own) spill++;
        for (size_t kept = 0; kept < count || first_spill < spill;) {
            int is_spilt = kept == count || (first_spill < spill && spilt[first_spill] < sorted[kept]);
            uint64_t one = is_spilt ? spilt[first_spill++] : sorted[kept++];
            if (!write_entry(writing, home_of(one >> 9, builder->bits, writing->buckets), one & 0xff)) return 0;
        }
    }
    while (writing->written < writing->buckets || writing->begins < writing->ends)
        if (!write_bucket(writing)) return 0;
    return emit_ready(writing);
}

Outcome builder_write(Builder *builder, uint64_t buckets, Emit *emit, void *context, uint64_t *written) {
    Writing *writing = calloc(1, sizeof *writing);
    uint64_t *spilt = malloc((builder->spill.used + 1) * sizeof *spilt);
    size_t spills = 0;
    int fine = writing && spilt;
    if (fine) {
        for (size_t slot = 0; slot < builder->spill.slots; slot++)
            if (builder->spill.entries[slot]) spilt[spills++] = builder->spill.entries[slot] & ~(UINT64_C(1) << 8);
        qsort(spilt, spills, sizeof *spilt, compared);
        writing->buckets = buckets, writing->emit = emit, writing->context = context;
        fine = write_all(builder, spilt, spills, writing);
        *written = writing->written;
        free(writing->waiting);
    }
    free(spilt);
    free(writing);
    return fine ? FINE : NO_MEMORY;
}
