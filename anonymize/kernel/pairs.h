/* The rows of an original and of what was made of it, side by side. */

#ifndef ANONYMIZE_PAIRS_H
#define ANONYMIZE_PAIRS_H

#include "originals.h"
#include "relation.h"
#include "rows.h"

enum { PAIR_EXAMPLES = 20 };

/* What a place is expected to become; as in ../verify/pairing.py. */
typedef enum { STAYS, REPLACED, NULLED, MAYBE_NULLED, COMPUTED } Becomes;

typedef struct {
    Becomes becomes;
    unsigned source;
    int binary;
    int parts;          /* what changed in a value is an original, not all of it */
    Fold fold;
    Relation *relation; /* from original to result, or NULL */
    unsigned long long values, nulls, empties, unchanged;
    Relation seen; /* the unchanged values that have been told of */
} Place;

/* A unique key: the result's values, together, to the original's. */
typedef struct {
    const size_t *places;
    size_t count;
    Relation *relation;
} UniqueKey;

typedef enum { DIFFERS, NULL_DIFFERS, NOT_READ, JOINS_DIFFER, NOT_UNIQUE, UNCHANGED, EVENTS } Event;

/* Something that was found in a row; `place` is the number of a key for NOT_UNIQUE. */
typedef struct {
    Event event;
    size_t place;
    unsigned long long row; /* from 0 */
    size_t original, result; /* offsets */
    size_t at, length; /* of an unchanged value, in `values` */
} Noted;

typedef struct {
    Relation *relation;
    uint64_t from, to;
    Noted noted;
} Asked;

enum { PAIRS_ASKED = 64 };

typedef struct {
    Grammar grammar;
    size_t places;
    Place *place;
    UniqueKey *keys;
    size_t key_count;
    unsigned long long *found; /* EVENTS for each place, or key if there are more of them */
    Originals *originals;
    unsigned long long rows;
    Span *spans[2];
    Bytes scratch, values;
    Asked asked[PAIRS_ASKED];
    size_t asked_count;
    Noted *noted; /* of this call */
    size_t noted_count, noted_room;
} Pairs;

typedef struct {
    const uint8_t *data;
    size_t at, end;
} Side;

typedef enum { MORE_OF_ORIGINAL, MORE_OF_RESULT, PAIRS_ENDED, PAIRS_DIFFER, PAIRS_WRONG, PAIRS_NO_MEMORY } Met;

/* From places between rows on; both sides' `at` is moved behind what was compared. PAIRS_DIFFER: the sides have no
   longer the same form there; PAIRS_WRONG: `wrong` is about the original. */
Met pairs_compare(Pairs *pairs, Side *original, Side *result, Wrong *wrong);

void pairs_free(Pairs *pairs);

#endif
