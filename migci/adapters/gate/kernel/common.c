/* See common.h. */

#include "common.h"

#include <stdlib.h>

enum { TEXT_BYTES = 1 << 17 };

int common_new(Common *common, unsigned room) {
    *common = (Common){.room = room};
    common->held = malloc(room * sizeof *common->held);
    common->slots = calloc(2 * (size_t)room, sizeof *common->slots);
    common->text = malloc(TEXT_BYTES);
    if (common->held && common->slots && common->text) return 1;
    common_free(common);
    return 0;
}

void common_free(Common *common) {
    free(common->held);
    free(common->slots);
    free(common->text);
    *common = (Common){0};
}

static uint32_t hash_of(const uint8_t *value, size_t length) {
    uint64_t hash = length;
    for (; length >= 8; value += 8, length -= 8) {
        hash = mixed(hash ^ gram_at(value));
        hash ^= hash >> 32;
    }
    hash = mixed(hash ^ packed(value, length));
    return (uint32_t)(hash >> 32);
}

static uint16_t *slot_of(const Common *common, const uint8_t *value, size_t length, uint32_t hash) {
    unsigned mask = 2 * common->room - 1;
    for (unsigned slot = hash & mask;; slot = (slot + 1) & mask) {
        unsigned held = common->slots[slot];
        if (!held) return common->slots + slot;
        const Held *other = common->held + held - 1;
        if (other->hash == hash && other->length == length && !memcmp(common->text + other->offset, value, length))
            return common->slots + slot;
    }
}

static int compared(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

static uint64_t median(const Common *common) {
    uint64_t counts[2048];
    unsigned ones = 0;
    for (unsigned at = 0; at < common->used; at++) {
        counts[at] = common->held[at].count;
        ones += counts[at] == 1;
    }
    if (ones > common->used / 2) return 1;
    qsort(counts, common->used, sizeof *counts, compared);
    return counts[common->used / 2];
}

static void purge(Common *common, Take *take, void *context) {
    uint64_t least = median(common);
    unsigned kept = 0;
    size_t text_used = 0;
    memset(common->slots, 0, 2 * (size_t)common->room * sizeof *common->slots);
    for (unsigned at = 0; at < common->used; at++) {
        Held held = common->held[at];
        const uint8_t *value = common->text + held.offset;
        if (held.count <= least) {
            take(context, value, held.length);
            continue;
        }
        memmove(common->text + text_used, value, held.length);
        held.offset = (uint32_t)text_used, held.count -= least;
        text_used += held.length;
        common->held[kept] = held;
        *slot_of(common, common->text + held.offset, held.length, held.hash) = (uint16_t)(kept + 1);
        kept++;
    }
    common->used = kept, common->text_used = text_used;
}

void common_count(Common *common, const uint8_t *value, size_t length, Take *take, void *context) {
    uint32_t hash = hash_of(value, length);
    uint16_t *slot = slot_of(common, value, length, hash);
    if (*slot) {
        common->held[*slot - 1].count++;
        return;
    }
    if (common->used == common->room || common->text_used + length > TEXT_BYTES) {
        do purge(common, take, context);
        while (common->used == common->room || common->text_used + length > TEXT_BYTES);
        slot = slot_of(common, value, length, hash);
    }
    memcpy(common->text + common->text_used, value, length);
    common->held[common->used] = (Held){(uint32_t)common->text_used, (uint32_t)length, hash, 1};
    common->text_used += length;
    *slot = (uint16_t)++common->used;
}

void common_rest(const Common *common, uint64_t part, uint64_t rows, Take *take, void *context) {
    for (unsigned at = 0; at < common->used; at++) {
        const Held *held = common->held + at;
        if (held->count * part <= rows) take(context, common->text + held->offset, held->length);
    }
}
