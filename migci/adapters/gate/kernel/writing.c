/* Entries to a table; ../_pure.py says what it is like. */

#include "entries.h"

#include <stdlib.h>

enum { EMITTED = 1024 };

static int compared(const void *left, const void *right) {
    uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
    return (one > other) - (one < other);
}

/* The bucket that is filled, what found no room in it or before it, and what is written but not emitted. */
typedef struct {
    uint64_t buckets, written;
    uint32_t own[SLOTS], last;
    size_t owned;
    uint32_t *waiting;
    size_t begins, ends, room;
    uint32_t ready[EMITTED * SLOTS];
    size_t filled;
    Emit *emit;
    void *context;
} Writing;

static int emit_ready(Writing *writing) {
    size_t filled = writing->filled;
    writing->filled = 0;
    return !filled || writing->emit(writing->context, writing->ready, filled);
}

/* What is a bucket's own comes first, those with the smallest fingerprints; where some found no room, they stand in
   order. Where none did, and others filled it, the first two are the other way round. */
static int write_bucket(Writing *writing) {
    uint32_t *entry = writing->ready + writing->filled++ * SLOTS;
    size_t count = writing->owned < SLOTS ? writing->owned : SLOTS;
    memset(entry, 0, SLOTS * sizeof *entry);
    memcpy(entry, writing->own, count * sizeof *entry);
    if (writing->owned <= SLOTS) {
        while (count < SLOTS && writing->begins < writing->ends) entry[count++] = writing->waiting[writing->begins++];
        if (writing->begins == writing->ends) writing->begins = writing->ends = 0;
        if (count == SLOTS && entry[0] >> 8 < entry[1] >> 8) {
            uint32_t first = entry[0];
            entry[0] = entry[1], entry[1] = first;
        }
    }
    writing->owned = 0;
    writing->written++;
    return writing->filled < EMITTED || emit_ready(writing);
}

static int wait_for_room(Writing *writing, uint32_t entry) {
    if (writing->ends == writing->room) {
        size_t waiting = writing->ends - writing->begins, room = waiting < 512 ? 1024 : waiting * 2;
        uint32_t *more = malloc(room * sizeof *more);
        if (!more) return 0;
        if (waiting) memcpy(more, writing->waiting + writing->begins, waiting * sizeof *more);
        free(writing->waiting);
        writing->waiting = more, writing->begins = 0, writing->ends = waiting, writing->room = room;
    }
    writing->waiting[writing->ends++] = entry;
    return 1;
}

static int write_entry(Writing *writing, Home home, uint8_t number) {
    uint32_t entry = home.fingerprint << 8 | number;
    while (writing->written < home.bucket)
        if (!write_bucket(writing)) return 0;
    if (writing->owned && writing->last == home.fingerprint) return 1; /* two places that this table takes for one */
    writing->last = home.fingerprint;
    if (writing->owned++ >= SLOTS) return wait_for_room(writing, entry);
    writing->own[writing->owned - 1] = entry;
    return 1;
}

/* All entries in the order of their places. */
static int write_all(const Store *store, const uint64_t *spilt, size_t spills, Writing *writing) {
    size_t spill = 0;
    for (uint64_t own = 0; own >> store->bits == 0; own++) {
        const uint32_t *entry = store->table + own * SLOTS;
        uint64_t sorted[SLOTS];
        size_t count = 0, first_spill = spill;
        for (int slot = 0; slot < SLOTS && entry[slot]; slot++) {
            uint64_t one = spilled(own << FINGERPRINT_BITS | entry[slot] >> 8, 0, entry[slot] & 0xff);
            size_t at = count++;
            for (; at && sorted[at - 1] > one; at--) sorted[at] = sorted[at - 1];
            sorted[at] = one;
        }
        while (spill < spills && spilt[spill] >> 9 >> FINGERPRINT_BITS == own) spill++;
        for (size_t kept = 0; kept < count || first_spill < spill;) {
            int is_spilt = kept == count || (first_spill < spill && spilt[first_spill] < sorted[kept]);
            uint64_t one = is_spilt ? spilt[first_spill++] : sorted[kept++];
            if (!write_entry(writing, home_of(one >> 9, store->bits, writing->buckets), one & 0xff)) return 0;
        }
    }
    while (writing->written < writing->buckets || writing->begins < writing->ends)
        if (!write_bucket(writing)) return 0;
    return emit_ready(writing);
}

Outcome store_write(const Store *store, uint64_t buckets, Emit *emit, void *context, uint64_t *written) {
    Writing *writing = calloc(1, sizeof *writing);
    uint64_t *spilt = malloc((store->spill.used + 1) * sizeof *spilt);
    size_t spills = 0;
    int fine = writing && spilt;
    if (fine) {
        for (size_t slot = 0; slot < store->spill.slots; slot++)
            if (store->spill.entries[slot]) spilt[spills++] = store->spill.entries[slot] & ~(UINT64_C(1) << 8);
        qsort(spilt, spills, sizeof *spilt, compared);
        writing->buckets = buckets, writing->emit = emit, writing->context = context;
        fine = write_all(store, spilt, spills, writing);
        *written = writing->written;
        free(writing->waiting);
    }
    free(spilt);
    free(writing);
    return fine ? FINE : NO_MEMORY;
}
