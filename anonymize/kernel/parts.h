/* What of a value was replaced, where the rest of it stays: a document's leaves, the words of a text. */

#ifndef ANONYMIZE_PARTS_H
#define ANONYMIZE_PARTS_H

#include "bytes.h"

typedef int (*Part)(void *context, const uint8_t *value, size_t length, unsigned source);

/* Tells of the words of `value` that are others in `result`; of all of `value` where the two are not of the same form.
   A word is a run of bytes that are neither white space nor one of " ' \ , : ; < > ( ) [ ] { } = | &, and it tells of
   all between two quotes, too. 0 if `part` says so. */
int parts_that_differ(const uint8_t *value, size_t length, const uint8_t *result, size_t result_length,
                      unsigned source, Part part, void *context);

#endif
