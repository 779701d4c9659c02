/* A written table, searched; and the set of what is public. */
#ifndef MIGCI_TABLE_H
#define MIGCI_TABLE_H

#include "grams.h"

/* A set of words of 64 bits. Zero is kept apart. */
typedef struct {
    uint64_t *words;
    size_t slots, used;
    int has_zero;
} Set;

/* Returns whether there was memory for it. */
int set_add(Set *set, uint64_t word);
int set_has(const Set *set, uint64_t word);
void set_free(Set *set);

typedef struct {
    Set grams, shorts; /* shorts as `packed` makes them */
} Public;

int public_add(Public *public, const uint8_t *text, size_t length);
void public_free(Public *public);

enum { ABSENT_BITS = 15, ABSENT_SHORT_BITS = 12 };

/* Of any table: what was looked up and is not there, by the word itself. Threads may share it. */
typedef struct {
    uint64_t grams[1 << ABSENT_BITS], shorts[1 << ABSENT_SHORT_BITS];
} Absent;

void absent_clear(Absent *absent);

enum { LEARNT_BITS = 12 };

/* Grams that are to be found besides those of a table, and the numbers of their columns. A gram of zero is none. */
typedef struct {
    uint64_t grams[1 << LEARNT_BITS];
    uint8_t columns[1 << LEARNT_BITS];
    size_t used;
} Learnt;

typedef struct {
    Key key;
    unsigned bits;
    uint64_t buckets, all_buckets, filter_bits;
    Absent *absent;
    Learnt *learnt; /* null if nothing was */
} Table;

/* Learn all grams of a value. Returns whether there was room and memory for them. Nobody may be searching. */
int table_learn(Table *table, unsigned column, const uint8_t *value, size_t length);

typedef struct {
    size_t start, end;
    unsigned column;
} Span;

typedef struct {
    Span *spans;
    size_t count, room;
} Spans;

/* Append the spans of `text` that are in the table, whose entries and filter are there; `public` may be null.

   Returns whether there was memory for them; `spans->spans` is the caller's to free. */
int table_find(const Table *table, const uint32_t *entries, const uint8_t *filter, const Public *public,
               const uint8_t *text, size_t length, Spans *spans);

/* Whether one of `count` parts, which lie one after the other and are so long, has anything of the table in it. */
int table_holds(const Table *table, const uint32_t *entries, const uint8_t *filter, const uint8_t *parts,
                const uint8_t *lengths, size_t count);

#endif
