/* The forms in which a value may be written inside of a text, and the search for originals in all of them. */

#ifndef ANONYMIZE_VIEWS_H
#define ANONYMIZE_VIEWS_H

#include "originals.h"

enum { VIEWS_DEPTH = 3 };

typedef enum { AS_IT_IS, BACKSLASHES, PERCENT, HEXADECIMAL, BASE64 } Written;

/* Told of each original that is found; `at` is its place in the text, or where what had to be decoded begins. */
typedef int (*Seen)(void *context, size_t at, size_t length, unsigned source, uint64_t hash, Written written);

typedef struct {
    const Originals *originals;
    Bytes scratch[VIEWS_DEPTH];
} Views;

/* Put what `text` means where backslashes escape, as in JSON and SQL, into `to`, which has room for as much. Returns
   how long it is. */
size_t without_backslashes(const uint8_t *text, size_t length, uint8_t *to);

void views_free(Views *views);

/* As it is, and in every form, forms within forms included; 0 without memory. */
int views_find(Views *views, const uint8_t *text, size_t length, Seen seen, void *context);

/* As it is, and in runs of hexadecimal digits or base64: what needs no look at where values begin. */
int views_find_plain(Views *views, const uint8_t *text, size_t length, Seen seen, void *context);

/* In the form with percent signs. */
int views_find_percent(Views *views, const uint8_t *text, size_t length, Seen seen, void *context);

#endif
