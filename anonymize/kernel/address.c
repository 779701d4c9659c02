/* See address.h. An address is held in 128 bits; one of IPv4 has the first 32. */

#include "address.h"

enum { FOUR, SIX, IN_FULL = 39, GROUPS = 8, LONGEST_TAIL = 4 /* a slash and a prefix length */ };

static const unsigned BITS[] = {32, 128};
static const uint8_t NAMES[] = {'4', '6'};

int address_prepare(Address *address, const uint8_t key[32], unsigned network_v4, unsigned network_v6) {
    if (network_v4 > BITS[FOUR] || network_v6 > BITS[SIX]) return 0;
    memset(address, 0, sizeof *address);
    aes_prepare(&address->aes, key);
    address->network[FOUR] = network_v4;
    address->network[SIX] = network_v6;
    for (int family = FOUR; family <= SIX; family++) {
        unsigned bits = address->network[family] ? address->network[family] : BITS[family];
        if (bits > 1) ff1_prepare(&address->first[family], &address->aes, 2, bits, &NAMES[family], 1);
    }
    return 1;
}

/* The bits from `start` to `end`, as a number, permuted. */
static Wide part(const Address *address, int family, Wide number, unsigned start, unsigned end, int first, int known) {
    unsigned bits = end - start, right_bits = bits - bits / 2;
    Wide piece = number << start >> (128 - bits);
    if (!first && !piece) return 0;
    if (bits == 1) return first ? !piece : piece;
    Ff1 made;
    const Ff1 *ff1 = &address->first[family];
    if (!known) {
        uint8_t tweak[17] = {NAMES[family]};
        Wide before = start ? number & ~(~(Wide)0 >> start) : 0;
        unsigned bytes = (start + 7) / 8;
        for (unsigned at = 0; at < bytes; at++) tweak[1 + at] = (uint8_t)(before >> (120 - 8 * at));
        ff1_prepare(&made, &address->aes, 2, bits, tweak, 1 + bytes);
        ff1 = &made;
    }
    uint64_t left = (uint64_t)(piece >> right_bits);
    uint64_t right = (uint64_t)piece & (right_bits < 64 ? ((uint64_t)1 << right_bits) - 1 : UINT64_MAX);
    do ff1_encrypt(ff1, &address->aes, &left, &right);
    while (!first && !left && !right);
    return (Wide)left << right_bits | right;
}

static Wide permuted(const Address *address, int family, Wide number, unsigned prefix, int has_prefix) {
    unsigned network = address->network[family];
    unsigned ends[3] = {network < prefix ? network : prefix, network < prefix ? prefix : network, BITS[family]};
    Wide result = 0;
    unsigned start = 0;
    for (int at = 0; at < 3; at++) {
        unsigned end = ends[at];
        if (end == start) continue;
        Wide piece = part(address, family, number, start, end, start == 0 && prefix, start == 0 && !has_prefix);
        result |= piece << (128 - end);
        start = end;
    }
    return result;
}

/* A number of up to three digits without zeros in front; `*at` goes behind it. -1 where there is none. */
static int small_number(const uint8_t **at, const uint8_t *end) {
    const uint8_t *start = *at;
    int number = 0;
    while (*at < end && *at - start < 3 && **at >= '0' && **at <= '9') number = 10 * number + *(*at)++ - '0';
    if (*at == start || (*start == '0' && *at - start > 1)) return -1;
    return number;
}

/* An IPv4 address that ends at `end`. */
static int parse_four(const uint8_t *at, const uint8_t *end, uint32_t *number) {
    *number = 0;
    for (int byte = 0; byte < 4; byte++) {
        if (byte && (at == end || *at++ != '.')) return 0;
        int read = small_number(&at, end);
        if (read < 0 || read > 255) return 0;
        *number = *number << 8 | (uint32_t)read;
    }
    return at == end;
}

static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int parse_six(const uint8_t *at, const uint8_t *end, Wide *number) {
    uint16_t groups[GROUPS] = {0};
    int count = 0, gap = -1;
    const uint8_t *start = at;
    while (at < end) {
        if (*at == ':') { /* two of them, or one behind a group */
            if (end - at > 1 && at[1] == ':') {
                if (gap >= 0) return 0;
                gap = count;
                at += 2;
                continue;
            }
            if (at == start || at[-1] == ':' || end - at == 1) return 0;
            at++;
        }
        const uint8_t *group = at;
        unsigned value = 0;
        while (at < end && at - group < 4 && hex_digit(*at) >= 0) value = value << 4 | (unsigned)hex_digit(*at++);
        uint32_t four;
        if (at < end && *at == '.') {
            if (count > GROUPS - 2 || !parse_four(group, end, &four)) return 0;
            groups[count++] = (uint16_t)(four >> 16);
            groups[count++] = (uint16_t)four;
            break;
        }
        if (at == group || count == GROUPS || (at < end && *at != ':')) return 0;
        groups[count++] = (uint16_t)value;
    }
    if (gap < 0 ? count != GROUPS : count == GROUPS) return 0;
    if (gap < 0) gap = count;
    *number = 0;
    for (int group = 0; group < GROUPS; group++) {
        int from = group < gap ? group : group - (GROUPS - count); /* those behind the gap are the last ones */
        *number = *number << 16 | (from >= gap || group < gap ? groups[from] : 0);
    }
    return 1;
}

static uint8_t *spell_byte(uint8_t *to, uint32_t byte) {
    if (byte >= 100) *to++ = (uint8_t)('0' + byte / 100);
    if (byte >= 10) *to++ = (uint8_t)('0' + byte / 10 % 10);
    *to++ = (uint8_t)('0' + byte % 10);
    return to;
}

static uint8_t *spell_four(uint8_t *to, uint32_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        to = spell_byte(to, number >> shift & 255);
        if (shift) *to++ = '.';
    }
    return to;
}

/* The first of the longest runs of groups that are 0; of none where all are shorter than two. */
static void longest_zeros(const uint16_t *groups, int *start, int *length) {
    *start = GROUPS;
    *length = 1;
    for (int at = 0; at < GROUPS; at++) {
        int end = at;
        while (end < GROUPS && !groups[end]) end++;
        if (end - at > *length) {
            *start = at;
            *length = end - at;
        }
        if (end > at) at = end - 1;
    }
}

static uint8_t *spell_six(uint8_t *to, Wide number, int in_full, int upper) {
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    uint16_t groups[GROUPS];
    for (int group = 0; group < GROUPS; group++) groups[group] = (uint16_t)(number >> (112 - 16 * group));
    int gap = GROUPS, gap_length = 0;
    if (!in_full) longest_zeros(groups, &gap, &gap_length);
    for (int group = 0; group < GROUPS; group++) {
        if (group == gap) {
            *to++ = ':';
            group += gap_length - 1;
            if (group == GROUPS - 1) *to++ = ':';
            continue;
        }
        if (group) *to++ = ':';
        int shift = 12;
        while (!in_full && shift && !(groups[group] >> shift)) shift -= 4;
        for (; shift >= 0; shift -= 4) *to++ = (uint8_t)digits[groups[group] >> shift & 15];
    }
    return to;
}

static int in_upper_case(const uint8_t *at, size_t length) {
    int upper = 0;
    for (size_t byte = 0; byte < length; byte++) {
        if (at[byte] >= 'a' && at[byte] <= 'z') return 0;
        upper |= at[byte] >= 'A' && at[byte] <= 'Z';
    }
    return upper;
}

Fit address(const Address *address, const uint8_t *value, size_t length, Bytes *out, const char **why) {
    if (!length) return FITS;
    const uint8_t *end = value + length, *slash = memchr(value, '/', length);
    size_t written = slash ? (size_t)(slash - value) : length;
    int family = memchr(value, ':', written) ? SIX : FOUR, whole;
    int prefix = (int)BITS[family];
    uint32_t four = 0;
    Wide number = 0;
    if (family == SIX) whole = parse_six(value, value + written, &number);
    else {
        whole = parse_four(value, value + written, &four);
        number = (Wide)four << 96;
    }
    if (whole && slash) {
        const uint8_t *at = slash + 1;
        prefix = small_number(&at, end);
        whole = at == end && prefix >= 0 && prefix <= (int)BITS[family];
    }
    if (!whole) {
        *why = "it is no IP address, and no network";
        return UNFIT;
    }
    number = permuted(address, family, number, (unsigned)prefix, slash != NULL);
    if (!bytes_room(out, IN_FULL + LONGEST_TAIL)) return NO_MEMORY;
    uint8_t *to = out->at + out->length;
    if (family == FOUR) to = spell_four(to, (uint32_t)(number >> 96));
    else
        to = spell_six(to, number, written == IN_FULL && !memchr(value, '.', written), in_upper_case(value, written));
    if (slash) {
        memcpy(to, slash, (size_t)(end - slash));
        to += end - slash;
    }
    out->length = (size_t)(to - out->at);
    return FITS;
}
