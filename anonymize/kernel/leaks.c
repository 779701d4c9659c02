#include "leaks.h"

enum { STRETCH = 1 << 15, PLACES = 64 };

void leaks_free(Leaks *leaks) {
    views_free(&leaks->views);
    free(leaks->counts);
    free(leaks->leaks);
    free(leaks->spans);
    free(leaks->hits);
    free(leaks->scratch.at);
}

/* Room for `more` elements of `size` bytes; 0 without memory. */
static int room(void **at, size_t *has, size_t count, size_t more, size_t size) {
    if (*has - count >= more) return 1;
    size_t wanted = *has + *has / 2 + more + 16;
    void *made = realloc(*at, wanted * size);
    if (!made) return 0;
    *at = made;
    *has = wanted;
    return 1;
}

static int is_excused(const Leaks *leaks, size_t place, uint64_t hash) {
    if (place >= leaks->known) return 0;
    Hashes hashes = leaks->excused[place];
    size_t low = 0, high = hashes.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hashes.at[middle] < hash) low = middle + 1;
        else high = middle;
    }
    return low < hashes.count && hashes.at[low] == hash;
}

static int put_hit(Leaks *leaks, size_t cell, size_t at, unsigned source, uint64_t hash, Written written) {
    if (!room((void **)&leaks->hits, &leaks->hit_room, leaks->hit_count, 1, sizeof(Hit))) return 0;
    int excused = cell < leaks->span_count && is_excused(leaks, cell % leaks->places, hash);
    leaks->hits[leaks->hit_count++] = (Hit){cell, source, excused, written, at};
    return 1;
}

/* What was seen in the stretch counts if it stands in one value, or between two. */
static int seen_in_stretch(void *context, size_t at, size_t length, unsigned source, uint64_t hash, Written written) {
    Leaks *leaks = context;
    /* What had to be decoded has no length in the text. */
    size_t first = leaks->first + at, last = first + (length ? length : 1), low = 0, high = leaks->span_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (leaks->spans[middle].last <= first) low = middle + 1;
        else high = middle;
    }
    if (low == leaks->span_count || last <= leaks->spans[low].first)
        return put_hit(leaks, leaks->span_count, first, source, hash, written);
    if (first < leaks->spans[low].first || last > leaks->spans[low].last) return 1;
    return put_hit(leaks, low, leaks->spans[low].first, source, hash, written);
}

typedef struct {
    Leaks *leaks;
    size_t cell;
} Value;

static int seen_in_value(void *context, size_t at, size_t length, unsigned source, uint64_t hash, Written written) {
    const Value *value = context;
    (void)at, (void)length;
    return put_hit(value->leaks, value->cell, value->leaks->spans[value->cell].first, source, hash, written);
}

/* A value that is not written as it is meant, or may hold escapes of its own. */
static int search_value(Leaks *leaks, size_t cell) {
    Span span = leaks->spans[cell];
    const uint8_t *lexeme = leaks->data + span.first;
    size_t length = span.last - span.first;
    const char *why;
    Literal literal;
    Value value = {leaks, cell};
    /* The character set is not known for a place that is kept: both readings of it are searched. */
    for (int binary = 0; binary < 1 + leaks->grammar.latin1; binary++) {
        if (literal_read(lexeme, length, leaks->grammar, binary, &literal, &why) != FITS)
            return views_find(&leaks->views, lexeme, length, seen_in_value, &value);
        leaks->scratch.length = 0;
        if (!literal_value(lexeme, &literal, leaks->grammar, &leaks->scratch)) return 0;
        if (!views_find(&leaks->views, leaks->scratch.at, leaks->scratch.length, seen_in_value, &value)) return 0;
    }
    return 1;
}

static int by_cell(const void *one, const void *other) {
    const Hit *a = one, *b = other;
    if (a->cell != b->cell) return a->cell < b->cell ? -1 : 1;
    if (a->source != b->source) return a->source < b->source ? -1 : 1;
    if (a->excused != b->excused) return a->excused - b->excused;
    if (a->written != b->written) return (int)a->written - (int)b->written;
    return a->at < b->at ? -1 : a->at > b->at;
}

static LeakCount *count_of(Leaks *leaks, unsigned source, long place, int excused) {
    for (size_t i = 0; i < leaks->count_count; i++) {
        LeakCount *count = leaks->counts + i;
        if (count->source == source && count->place == place && count->excused == excused) return count;
    }
    if (!room((void **)&leaks->counts, &leaks->count_room, leaks->count_count, 1, sizeof(LeakCount))) return NULL;
    leaks->counts[leaks->count_count] = (LeakCount){source, place, excused, 0};
    return leaks->counts + leaks->count_count++;
}

/* A value counts once for each source, as not excused if one of its hits is not. */
static int count_hits(Leaks *leaks, unsigned long long row) {
    if (!leaks->hit_count) return 1;
    qsort(leaks->hits, leaks->hit_count, sizeof(Hit), by_cell);
    for (size_t i = 0; i < leaks->hit_count; i++) {
        const Hit *hit = leaks->hits + i;
        int between = hit->cell == leaks->span_count;
        if (i && !between && hit[-1].cell == hit->cell && hit[-1].source == hit->source) continue;
        long place = between ? -1 : (long)(hit->cell % leaks->places);
        LeakCount *count = count_of(leaks, hit->source, place, hit->excused);
        if (!count) return 0;
        if (count->values++ >= LEAK_EXAMPLES) continue;
        if (!room((void **)&leaks->leaks, &leaks->leak_room, leaks->leak_count, 1, sizeof(Leak))) return 0;
        unsigned long long its = between ? row : row + hit->cell / leaks->places;
        leaks->leaks[leaks->leak_count++] = (Leak){hit->source, place, hit->excused, hit->written, its, hit->at};
    }
    leaks->hit_count = 0;
    return 1;
}

/* All that stands in data[first, last): whole rows, and what is between them. */
static int search_stretch(Leaks *leaks, size_t last) {
    const uint8_t *text = leaks->data + leaks->first;
    size_t length = last - leaks->first;
    unsigned long long row = leaks->rows - (leaks->places ? leaks->span_count / leaks->places : 0);
    if (!length) return 1;
    if (!views_find_plain(&leaks->views, text, length, seen_in_stretch, leaks)) return 0;
    int any = memchr(text, '%', length) || (!leaks->grammar.backslash && memchr(text, '\\', length));
    for (size_t cell = 0; cell < leaks->span_count; cell++) {
        const Span *span = leaks->spans + cell;
        uint8_t c = leaks->data[span->first];
        int word = (uint8_t)(c - '0') < 10 || c == '-' || is_null(leaks->data + span->first, span->last - span->first);
        int hex = span->last - span->first > 1 && (leaks->data[span->first + 1] | 32) == 'x';
        int special = span->look != PLAIN_STRING && (!word || hex);
        if (!special && any) {
            size_t size = span->last - span->first;
            special = memchr(leaks->data + span->first, '%', size) || memchr(leaks->data + span->first, '\\', size);
        }
        if (leaks->grammar.latin1 && span->look == PLAIN_STRING && !special)
            for (size_t i = span->first; i < span->last && !special; i++) special = leaks->data[i] >= 0x80;
        if (special && !search_value(leaks, cell)) return 0;
    }
    if (!count_hits(leaks, row)) return 0;
    leaks->span_count = 0;
    leaks->first = last;
    return 1;
}

Outcome leaks_search(Leaks *leaks, const uint8_t *data, size_t at, size_t end, size_t *stopped, int *ended,
                     Wrong *wrong) {
    leaks->data = data;
    leaks->first = *stopped = at;
    leaks->leak_count = leaks->span_count = leaks->hit_count = 0;
    *ended = 0;
    if (!leaks->places) leaks->places = 1;
    while (at < end) {
        uint8_t c = data[at];
        if (c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            at++;
        } else if (c == '(') {
            if (!room((void **)&leaks->spans, &leaks->span_room, leaks->span_count, leaks->places + 1, sizeof(Span)))
                return OUT_OF_MEMORY;
            Span *spans = leaks->spans + leaks->span_count;
            size_t next = row_end(leaks->grammar, leaks->places, data, at, end, spans, wrong);
            if (!next && wrong->why) return WRONG;
            if (!next && wrong->values != leaks->places) {
                /* Rows of a statement have the same number of values, which is seen at its first one. */
                if (!search_stretch(leaks, at)) return OUT_OF_MEMORY;
                leaks->places = wrong->values;
                continue;
            }
            if (!next) break;
            leaks->span_count += leaks->places;
            leaks->rows++;
            at = *stopped = next;
            if (at - leaks->first >= STRETCH && !search_stretch(leaks, at)) return OUT_OF_MEMORY;
        } else if (c == ';') {
            *stopped = at + 1;
            *ended = 1;
            break;
        } else {
            size_t next = c == '/' || c == '#' || c == '-' ? comment_end(data, at, end) : 1;
            if (next == 0) break;
            if (next == 1) {
                wrong->offset = at;
                wrong->place = -1;
                wrong->why = "behind a row stands neither a comma nor the end of the statement";
                return WRONG;
            }
            at = next;
        }
    }
    return search_stretch(leaks, *stopped) ? REWRITTEN : OUT_OF_MEMORY;
}
