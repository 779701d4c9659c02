/* The rows of a result, searched for originals. */

#ifndef ANONYMIZE_LEAKS_H
#define ANONYMIZE_LEAKS_H

#include "rows.h"
#include "views.h"

enum { LEAK_EXAMPLES = 20 };

/* How many values of a place hold an original of a source. */
typedef struct {
    unsigned source;
    long place; /* -1: between the values */
    int excused;
    unsigned long long values;
} LeakCount;

/* One of the first of them. */
typedef struct {
    unsigned source;
    long place;
    int excused;
    Written written;
    unsigned long long row; /* from 0 */
    size_t offset;
} Leak;

/* Hashes in ascending order. */
typedef struct {
    const uint64_t *at;
    size_t count;
} Hashes;

typedef struct {
    size_t cell; /* in the stretch; behind the last one: between the values */
    unsigned source;
    int excused;
    Written written;
    size_t at;
} Hit;

typedef struct {
    Grammar grammar;
    size_t places; /* of the last row; it may change */
    const Hashes *excused; /* for each of the first `known` places */
    size_t known;
    Views views;
    unsigned long long rows;
    LeakCount *counts;
    size_t count_count, count_room;
    Leak *leaks; /* of this call */
    size_t leak_count, leak_room;
    /* the stretch that is in sight */
    Span *spans;
    size_t span_count, span_room;
    Hit *hits;
    size_t hit_count, hit_room;
    Bytes scratch;
    const uint8_t *data;
    size_t first; /* of the stretch */
} Leaks;

void leaks_free(Leaks *leaks);

/* Rows from data[at] on, as in Rows.rewrite; what is behind *stopped has not been looked at. */
Outcome leaks_search(Leaks *leaks, const uint8_t *data, size_t at, size_t end, size_t *stopped, int *ended,
                     Wrong *wrong);

#endif
