/* Strings and numbers of JSON: where they end, what they say, and how they are written. */

#ifndef ANONYMIZE_JSON_TEXT_H
#define ANONYMIZE_JSON_TEXT_H

#include "bytes.h"

#include <stdbool.h>

/* The end of the string whose text begins at `at`: the place of its quote. NULL where it is no string, or no UTF-8. */
const uint8_t *json_string_end(const uint8_t *at, const uint8_t *end, bool *escaped);

/* The end of the number at `at`, or NULL. */
const uint8_t *json_number_end(const uint8_t *at, const uint8_t *end);

/* Puts a string that json_string_end has seen, decoded, in the place of what is in `to`. Half of a surrogate pair is
 * put as UTF-8 would have it, and told. 0: there is no memory. */
int json_decode(const uint8_t *at, const uint8_t *end, Bytes *to, bool *half);

/* Writes what stands in `bytes` from `start` on as a string, quotes included. UNFIT where it is no UTF-8. */
Fit json_quote(Bytes *bytes, size_t start);

#endif
