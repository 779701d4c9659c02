/* See shift.h. */

#include "shift.h"

enum {
    LAST_DAY = 3652058, /* 9999-12-30; 0001-01-01 is day 1 */
    FIRST_OF_TIMESTAMPS = 719164, /* 1970-01-02 */
    LAST_OF_TIMESTAMPS = 744016, /* 2038-01-17 */
    DATE = 10
};

static int32_t days_of(const Shift *shift, const uint8_t *subject, size_t length) {
    uint8_t token[TOKEN_BYTES];
    uint64_t drawn = 0;
    tokens(&(Wanted){&shift->key, subject, length, token}, 1);
    for (int at = 7; at >= 0; at--) drawn = drawn << 8 | token[at];
    int32_t days = (int32_t)shift->days, number = (int32_t)(drawn % (2 * (uint64_t)shift->days));
    return number < days ? number - days : number - days + 1;
}

int shift_prepare(Shift *shift, const uint8_t key[KEY_BYTES], uint64_t days, bool timestamp) {
    if (!days || days > LAST_DAY) return 0;
    token_key(&shift->key, key);
    shift->days = (uint32_t)days;
    shift->first = timestamp ? FIRST_OF_TIMESTAMPS : 1;
    shift->last = timestamp ? LAST_OF_TIMESTAMPS : LAST_DAY;
    shift->without_subject = days_of(shift, key, 0);
    return 1;
}

/* The number in `count` digits, or one of more digits where there is something else among them. */
static uint32_t digits(const uint8_t *at, int count) {
    uint32_t number = 0, wrong = 0;
    for (; count; count--, at++) {
        uint32_t digit = (uint32_t)*at - '0';
        wrong |= digit > 9;
        number = 10 * number + digit;
    }
    return wrong ? UINT32_MAX : number;
}

static int is_time(const uint8_t *at, const uint8_t *end) {
    if (at == end) return 1;
    if (*at != ' ' && *at != 'T') return 0;
    while (++at < end)
        if ((*at < '0' || *at > ':') && !memchr(" .+-Z", *at, 5)) return 0;
    return 1;
}

static uint32_t days_in(uint32_t year, uint32_t month) {
    if (month == 2) return year % 4 || (year % 100 == 0 && year % 400) ? 28 : 29;
    return 30 + ((month + (month >> 3)) & 1);
}

/* Years begin with March here, so that a leap day is the last of one: day 0 is the first of March of the year 0, which
 * is 306 days before day 1. 153 days are five months from March, or from August. */
static int32_t day_of(uint32_t year, uint32_t month, uint32_t day) {
    year -= month < 3;
    month = month < 3 ? month + 9 : month - 3;
    return (int32_t)(365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day) - 306;
}

/* 4 years from March have 1461 days, 400 have 146097; numbers are taken four times, to round within the cycles. */
static void date_of(int32_t day, uint32_t *year, uint32_t *month, uint32_t *date) {
    uint32_t since = (uint32_t)day + 305, century = (4 * since + 3) / 146097;
    uint32_t within = since - 146097 * century / 4, years = (4 * within + 3) / 1461;
    uint32_t in_year = within - 1461 * years / 4, months = (5 * in_year + 2) / 153;
    *date = in_year - (153 * months + 2) / 5 + 1;
    *month = months < 10 ? months + 3 : months - 9;
    *year = 100 * century + years + (months >= 10);
}

Fit shift(const Shift *shift, const uint8_t *value, size_t length, const uint8_t *subject, size_t subject_length,
          Bytes *out, const char **why) {
    if (!length) return FITS;
    uint32_t year = length < DATE ? UINT32_MAX : digits(value, 4);
    uint32_t month = length < DATE ? 0 : digits(value + 5, 2), day = length < DATE ? 0 : digits(value + 8, 2);
    if (year == UINT32_MAX || month == UINT32_MAX || day == UINT32_MAX || value[4] != '-' || value[7] != '-' ||
        !is_time(value + DATE, value + length)) {
        *why = "it is no date of the form YYYY-MM-DD, with or without a time";
        return UNFIT;
    }
    if (year && month && day) {
        if (month > 12 || day > days_in(year, month)) {
            *why = "it is no day of the calendar";
            return UNFIT;
        }
        int32_t moved = day_of(year, month, day);
        if (moved < shift->first || moved > shift->last) return bytes_put(out, value, length) ? FITS : NO_MEMORY;
        moved += subject_length ? days_of(shift, subject, subject_length) : shift->without_subject;
        if (moved < shift->first || moved > shift->last) {
            *why = "it would move out of what the column holds";
            return UNFIT;
        }
        date_of(moved, &year, &month, &day);
    }
    if (!bytes_room(out, length)) return NO_MEMORY;
    uint8_t *to = out->at + out->length;
    to[0] = (uint8_t)('0' + year / 1000);
    to[1] = (uint8_t)('0' + year / 100 % 10);
    to[2] = (uint8_t)('0' + year / 10 % 10);
    to[3] = (uint8_t)('0' + year % 10);
    to[5] = (uint8_t)('0' + month / 10);
    to[6] = (uint8_t)('0' + month % 10);
    to[8] = (uint8_t)('0' + day / 10);
    to[9] = (uint8_t)('0' + day % 10);
    to[4] = to[7] = '-';
    memcpy(to + DATE, value + DATE, length - DATE);
    out->length += length;
    return FITS;
}
