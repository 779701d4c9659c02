/* The rows of VALUES lists, rewritten. */

#ifndef ANONYMIZE_ROWS_H
#define ANONYMIZE_ROWS_H

#include "literal.h"
#include "operation.h"

/* A place in the row whose value is replaced. */
typedef struct {
    size_t place;
    const Operation *operation;
    long subject; /* a place, or -1 */
    int binary;
} Slot;

typedef struct Batch Batch;

typedef struct {
    Grammar grammar;
    size_t places; /* how many values a row has */
    const Slot *slots;
    size_t slot_count;
    unsigned long long rows;
    unsigned long long *replaced; /* for each place */
    Batch *batch;
    int changed; /* whether the last call replaced anything */
} Rows;

typedef struct {
    size_t offset;
    long place; /* or -1 */
    const char *why;
    size_t values; /* when their number is what is wrong */
} Wrong;

typedef enum { REWRITTEN, WRONG, PYTHON_RAISED, OUT_OF_MEMORY } Outcome;

/* See Rows.rewrite in ../engine.py. What was put into out takes the place of data[at, *copied); behind that, up to
   *stopped, nothing was replaced. */
Outcome rows_rewrite(Rows *rows, const uint8_t *data, size_t at, size_t end, Bytes *out, size_t *copied, size_t *stopped,
                     int *ended, Wrong *wrong);

/* A string has no introducer and is between single quotes; a plain one has no escapes, and none of its quotes. */
typedef enum { NO_STRING, STRING, PLAIN_STRING } Look;

/* Where a value stands, as it is written. */
typedef struct {
    size_t first, last;
    Look look;
} Span;

/* Behind the row whose `(` is data[at]; 0 if it is not whole, or if something is wrong with it: then `wrong` has a
   reason, or the number of its values, which is not `places`. */
size_t row_end(Grammar grammar, size_t places, const uint8_t *data, size_t at, size_t end, Span *spans, Wrong *wrong);

/* Behind the comment at `at`; 0 if it is not whole, 1 if there is none (no comment ends that early). */
size_t comment_end(const uint8_t *data, size_t at, size_t end);

int is_null(const uint8_t *at, size_t length);

void batch_free(Batch *batch);

#endif
