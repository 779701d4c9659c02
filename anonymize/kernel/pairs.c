#include "pairs.h"

#include "parts.h"

static int note(Pairs *pairs, Noted noted) {
    unsigned long long *found = pairs->found + noted.place * EVENTS + (size_t)noted.event;
    if ((*found)++ >= PAIR_EXAMPLES && noted.event != UNCHANGED) return 1;
    if (pairs->noted_count == pairs->noted_room) {
        size_t room = pairs->noted_room * 2 + 16;
        Noted *larger = realloc(pairs->noted, room * sizeof(Noted));
        if (!larger) return 0;
        pairs->noted = larger;
        pairs->noted_room = room;
    }
    pairs->noted[pairs->noted_count++] = noted;
    return 1;
}

static int answer(Pairs *pairs) {
    size_t count = pairs->asked_count;
    pairs->asked_count = 0;
    for (size_t i = 0; i < count; i++) {
        const Asked *asked = pairs->asked + i;
        if (!relation_room(asked->relation, 1)) return 0;
        if (!relation_put(asked->relation, asked->from, asked->to) && !note(pairs, asked->noted)) return 0;
    }
    return 1;
}

static int ask(Pairs *pairs, Relation *relation, uint64_t from, uint64_t to, Noted noted) {
    relation_prefetch(relation, from);
    pairs->asked[pairs->asked_count++] = (Asked){relation, from, to, noted};
    return pairs->asked_count < PAIRS_ASKED || answer(pairs);
}

/* A value's plain bytes: in data, or in scratch. */
typedef struct {
    size_t at, length;
    int in_scratch, is_null;
} Plain;

static Fit plain_of(Pairs *pairs, const uint8_t *data, Span span, int binary, Plain *plain) {
    const uint8_t *lexeme = data + span.first;
    size_t length = span.last - span.first;
    *plain = (Plain){span.first + 1, length - 2, 0, is_null(lexeme, length)};
    int latin1 = pairs->grammar.latin1 && !binary;
    if (plain->is_null || (span.look == PLAIN_STRING && !latin1)) return FITS;
    const char *why;
    Literal literal;
    Fit fit = literal_read(lexeme, length, pairs->grammar, binary, &literal, &why);
    if (fit != FITS) return fit;
    plain->at = pairs->scratch.length;
    plain->in_scratch = 1;
    if (!literal_value(lexeme, &literal, pairs->grammar, &pairs->scratch)) return NO_MEMORY;
    plain->length = pairs->scratch.length - plain->at;
    return FITS;
}

static const uint8_t *bytes_at(const Pairs *pairs, const uint8_t *data, const Plain *plain) {
    return (plain->in_scratch ? pairs->scratch.at : data) + plain->at;
}

/* The hash of what a value counts as. `value` may be in the scratch. 0: there is no memory. */
static int folded_hash(Pairs *pairs, const uint8_t *data, const Plain *plain, Fold fold, uint64_t *hash) {
    size_t length = plain->length, at = 0;
    if (!bytes_room(&pairs->scratch, 4 * length + 8)) return 0;
    size_t before = pairs->scratch.length;
    const uint8_t *value = bytes_at(pairs, data, plain);
    int where = folded(fold, fold == FOLD_CASE ? look(value, length) : 0, value, &length, &pairs->scratch, &at);
    if (!where) return 0;
    *hash = value_hash(originals_key(pairs->originals), where == 2 ? pairs->scratch.at + at : value, length);
    pairs->scratch.length = before;
    return 1;
}

/* A value that is as it was: it is told of, once, so that somebody can say whether it may be. */
static int unchanged(Pairs *pairs, size_t place, const uint8_t *value, size_t length, Noted noted) {
    Place *its = pairs->place + place;
    its->unchanged++;
    if (!relation_room(&its->seen, 1)) return 0;
    size_t before = its->seen.count;
    relation_put(&its->seen, value_hash(originals_key(pairs->originals), value, length), 0);
    if (its->seen.count == before) return 1;
    noted.event = UNCHANGED;
    noted.at = pairs->values.length;
    noted.length = length;
    return bytes_put(&pairs->values, value, length) && note(pairs, noted);
}

static int add_original(void *context, const uint8_t *value, size_t length, unsigned source) {
    return originals_add(context, value, length, source);
}

static Fit compare_place(Pairs *pairs, size_t place, const uint8_t *original, Span span, const uint8_t *result,
                         Span its_span, Noted noted) {
    Place *its = pairs->place + place;
    Plain before, after;
    const uint8_t *lexeme = original + span.first, *its_lexeme = result + its_span.first;
    size_t length = span.last - span.first, its_length = its_span.last - its_span.first;
    noted.place = place;
    noted.original = span.first;
    noted.result = its_span.first;
    if (its->becomes == STAYS) {
        if (length == its_length && memcmp(lexeme, its_lexeme, length) == 0) return FITS;
        noted.event = DIFFERS;
        return note(pairs, noted) ? FITS : NO_MEMORY;
    }
    its->values++;
    Fit fit = plain_of(pairs, original, span, its->binary, &before);
    if (fit == NO_MEMORY) return fit;
    if (its->becomes == COMPUTED) {
        if (fit == FITS && !before.is_null &&
            !originals_add(pairs->originals, bytes_at(pairs, original, &before), before.length, its->source))
            return NO_MEMORY;
        if (its_length == 7 && memcmp(its_lexeme, "DEFAULT", 7) == 0) return FITS;
        noted.event = DIFFERS;
        return note(pairs, noted) ? FITS : NO_MEMORY;
    }
    if (fit == FITS) fit = plain_of(pairs, result, its_span, its->binary, &after);
    if (fit == NO_MEMORY) return fit;
    if (fit != FITS) {
        noted.event = NOT_READ;
        return note(pairs, noted) ? FITS : NO_MEMORY;
    }
    its->nulls += (unsigned)before.is_null;
    int right = its->becomes == NULLED         ? after.is_null
              : its->becomes == MAYBE_NULLED ? !before.is_null || after.is_null
                                             : before.is_null == after.is_null;
    if (!right) {
        noted.event = NULL_DIFFERS;
        if (!note(pairs, noted)) return NO_MEMORY;
    }
    if (before.is_null) return FITS;
    its->empties += before.length == 0;
    const uint8_t *value = bytes_at(pairs, original, &before);
    if (after.is_null) return add_original(pairs->originals, value, before.length, its->source) ? FITS : NO_MEMORY;
    const uint8_t *new = bytes_at(pairs, result, &after);
    if (before.length == after.length && memcmp(value, new, before.length) == 0) {
        if (before.length && !unchanged(pairs, place, value, before.length, noted)) return NO_MEMORY;
    } else {
        int added = its->parts ? parts_that_differ(value, before.length, new, after.length, its->source, add_original,
                                                   pairs->originals)
                               : add_original(pairs->originals, value, before.length, its->source);
        if (!added) return NO_MEMORY;
    }
    if (!its->relation || !before.length) return FITS;
    uint64_t from, to;
    noted.event = JOINS_DIFFER;
    return folded_hash(pairs, original, &before, its->fold, &from) &&
                   folded_hash(pairs, result, &after, its->fold, &to) && ask(pairs, its->relation, from, to, noted)
               ? FITS
               : NO_MEMORY;
}

/* A unique key of the row: hashes of its values, one after the other. A NULL is like nothing else. */
static Fit compare_key(Pairs *pairs, size_t number, const uint8_t *data[2], Noted noted) {
    const UniqueKey *key = pairs->keys + number;
    uint64_t hashes[2] = {0, 0};
    for (size_t i = 0; i < key->count; i++) {
        size_t place = key->places[i];
        const Place *its = pairs->place + place;
        for (int side = 0; side < 2; side++) {
            Plain plain;
            uint64_t pair[2] = {hashes[side], 0};
            Fit fit = plain_of(pairs, data[side], pairs->spans[side][place], its->binary, &plain);
            if (fit == NO_MEMORY) return fit;
            if (fit != FITS || plain.is_null) return FITS; /* what cannot be read has been noted */
            if (!folded_hash(pairs, data[side], &plain, its->fold, pair + 1)) return NO_MEMORY;
            hashes[side] = value_hash(originals_key(pairs->originals), (const uint8_t *)pair, sizeof pair);
        }
    }
    noted.event = NOT_UNIQUE;
    noted.place = number;
    noted.original = pairs->spans[0][key->places[0]].first;
    noted.result = pairs->spans[1][key->places[0]].first;
    return ask(pairs, key->relation, hashes[1], hashes[0], noted) ? FITS : NO_MEMORY;
}

static int compare_row(Pairs *pairs, const uint8_t *original, const uint8_t *result) {
    const uint8_t *data[2] = {original, result};
    Noted noted = {DIFFERS, 0, pairs->rows, 0, 0, 0, 0};
    pairs->scratch.length = 0;
    for (size_t place = 0; place < pairs->places; place++)
        if (compare_place(pairs, place, original, pairs->spans[0][place], result, pairs->spans[1][place], noted) ==
            NO_MEMORY)
            return 0;
    for (size_t key = 0; key < pairs->key_count; key++)
        if (compare_key(pairs, key, data, noted) == NO_MEMORY) return 0;
    pairs->rows++;
    return 1;
}

/* Where the next row or the statement's end stands; `end` if that is not in sight. */
static size_t behind_gap(const Side *side, Wrong *wrong) {
    size_t at = side->at;
    wrong->why = NULL;
    while (at < side->end) {
        uint8_t c = side->data[at];
        if (c == '(' || c == ';') return at;
        if (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            at++;
            continue;
        }
        size_t next = c == '/' || c == '#' || c == '-' ? comment_end(side->data, at, side->end) : 1;
        if (next == 0) return side->end;
        if (next == 1) {
            wrong->offset = at;
            wrong->place = -1;
            wrong->why = "behind a row stands neither a comma nor the end of the statement";
            return side->end;
        }
        at = next;
    }
    return at;
}

static Met compare(Pairs *pairs, Side *original, Side *result, Wrong *wrong) {
    for (;;) {
        size_t gap_end = behind_gap(original, wrong), gap = gap_end - original->at;
        if (wrong->why) return PAIRS_WRONG;
        if (gap_end == original->end) return MORE_OF_ORIGINAL;
        if (result->end - result->at < gap + 1) {
            size_t there = result->end - result->at;
            return memcmp(original->data + original->at, result->data + result->at, there) ? PAIRS_DIFFER
                                                                                           : MORE_OF_RESULT;
        }
        if (memcmp(original->data + original->at, result->data + result->at, gap + 1)) return PAIRS_DIFFER;
        if (original->data[gap_end] == ';') {
            original->at += gap + 1;
            result->at += gap + 1;
            return PAIRS_ENDED;
        }
        size_t next = row_end(pairs->grammar, pairs->places, original->data, gap_end, original->end, pairs->spans[0],
                              wrong);
        if (!next) return wrong->why || wrong->values != pairs->places ? PAIRS_WRONG : MORE_OF_ORIGINAL;
        Wrong its;
        size_t its_next = row_end(pairs->grammar, pairs->places, result->data, result->at + gap, result->end,
                                  pairs->spans[1], &its);
        if (!its_next) return its.why || its.values != pairs->places ? PAIRS_DIFFER : MORE_OF_RESULT;
        if (!compare_row(pairs, original->data, result->data)) return PAIRS_NO_MEMORY;
        original->at = next;
        result->at = its_next;
    }
}

Met pairs_compare(Pairs *pairs, Side *original, Side *result, Wrong *wrong) {
    pairs->noted_count = 0;
    pairs->values.length = 0;
    Met met = compare(pairs, original, result, wrong);
    return answer(pairs) ? met : PAIRS_NO_MEMORY;
}

void pairs_free(Pairs *pairs) {
    for (size_t i = 0; i < pairs->places && pairs->place; i++) relation_free(&pairs->place[i].seen);
    free(pairs->spans[0]);
    free(pairs->spans[1]);
    free(pairs->scratch.at);
    free(pairs->values.at);
    free(pairs->noted);
}
