/* What belongs to what: a table from hash to hash. */

#ifndef ANONYMIZE_RELATION_H
#define ANONYMIZE_RELATION_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t from, to;
} Related;

typedef struct {
    Related *at; /* NULL while it is empty */
    size_t count;
    int bits;
} Relation;

/* Room for `more`; 0 without memory. */
int relation_room(Relation *relation, size_t more);

void relation_prefetch(const Relation *relation, uint64_t from);

/* 1 if `from` belongs to `to`, from now on or before already; 0 if it belongs to something else. There must be room. */
int relation_put(Relation *relation, uint64_t from, uint64_t to);

void relation_free(Relation *relation);

#endif
