/* Shift: dates move by as many days as their subject says. See anonymize/ops.py. */

#ifndef ANONYMIZE_SHIFT_H
#define ANONYMIZE_SHIFT_H

#include "blake2s.h"
#include "bytes.h"

#include <stdbool.h>

typedef struct {
    TokenKey key;
    uint32_t days;
    int32_t first, last; /* the days that a result may be */
    int32_t without_subject; /* the shift where the row names none */
} Shift;

/* With `timestamp`, results are days that a server's type of that name holds. 0 where `days` is not from 1 to 3652058. */
int shift_prepare(Shift *shift, const uint8_t key[KEY_BYTES], uint64_t days, bool timestamp);

/* What takes the value's place is appended to `out`. */
Fit shift(const Shift *shift, const uint8_t *value, size_t length, const uint8_t *subject, size_t subject_length,
          Bytes *out, const char **why);

#endif
