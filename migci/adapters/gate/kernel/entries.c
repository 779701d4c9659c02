/* See entries.h; writing.c makes the table of it. */

#define _DEFAULT_SOURCE
#include "entries.h"

#include <stdlib.h>
#include <sys/mman.h>

/* Zeros, in large pages where the system has them: small ones would take longer to find than what is in them. */
static void *zeros(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
    madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

static size_t table_bytes(const Store *store) { return SLOTS * sizeof *store->table << store->bits; }

static size_t essential_bytes(const Store *store) { return sizeof *store->essential << store->bits; }

int store_new(Store *store, unsigned bits, uint64_t capacity) {
    *store = (Store){.bits = bits, .capacity = capacity, .whole = 1};
    store->table = zeros(table_bytes(store));
    store->essential = zeros(essential_bytes(store));
    if (store->table && store->essential) return 1;
    store_free(store);
    return 0;
}

void store_free(Store *store) {
    if (store->table) munmap(store->table, table_bytes(store));
    if (store->essential) munmap(store->essential, essential_bytes(store));
    free(store->spill.entries);
    *store = (Store){0};
}

static uint64_t *spill_slot(const Spill *spill, uint64_t place) {
    size_t slot = mixed(place) >> 32 & (spill->slots - 1);
    while (spill->entries[slot] && spill->entries[slot] >> 9 != place) slot = (slot + 1) & (spill->slots - 1);
    return spill->entries + slot;
}

static int spill_grow(Spill *spill) {
    if (spill->used < spill->slots / 2) return 1;
    Spill more = {.slots = spill->slots ? spill->slots * 2 : 1024, .used = spill->used};
    more.entries = calloc(more.slots, sizeof *more.entries);
    if (!more.entries) return 0;
    for (size_t slot = 0; slot < spill->slots; slot++)
        if (spill->entries[slot]) *spill_slot(&more, spill->entries[slot] >> 9) = spill->entries[slot];
    free(spill->entries);
    *spill = more;
    return 1;
}

/* The slot of the one entry with the fingerprint, counted from 1, or 0. */
static unsigned slot_with(const uint32_t *bucket, uint32_t fingerprint) {
    Entries wanted = {fingerprint, fingerprint, fingerprint, fingerprint}, slots = {1, 2, 3, 4}, found = {0, 0, 0, 0};
    for (int at = 0; at < SLOTS; at += 4, slots += 4) {
        Entries entries;
        memcpy(&entries, bucket + at, sizeof entries);
        found |= (Entries)(entries >> 8 == wanted) & slots;
    }
    return found[0] | found[1] | found[2] | found[3];
}

/* Note that an entry is essential, if it is: which is not to be foreseen, so there is no branch. */
static void note_essential(Store *store, uint64_t bucket, unsigned slot, int essential) {
    uint16_t nowhere, *noted = essential ? store->essential + bucket : &nowhere;
    nowhere = 0;
    *noted |= (uint16_t)(1u << slot);
}

static unsigned used_slots(const uint32_t *bucket) {
    Entries used = {0, 0, 0, 0};
    for (int at = 0; at < SLOTS; at += 4) {
        Entries entries;
        memcpy(&entries, bucket + at, sizeof entries);
        used -= (Entries)(entries != 0); /* true is all ones */
    }
    return used[0] + used[1] + used[2] + used[3];
}

static void keep_essential(Store *store);

static void enter_place(Store *store, uint64_t place, unsigned number, int essential) {
    uint64_t bucket = place >> FINGERPRINT_BITS;
    uint32_t fingerprint = place & FINGERPRINT_MASK;
    uint32_t *entry = store->table + bucket * SLOTS;
    unsigned slot = slot_with(entry, fingerprint);
    if (slot) {
        note_essential(store, bucket, slot - 1, essential);
        return;
    }
    unsigned used = used_slots(entry);
    if (used < SLOTS) {
        entry[used] = fingerprint << 8 | number;
        note_essential(store, bucket, used, essential);
    } else {
        if (!spill_grow(&store->spill)) {
            store->outcome = NO_MEMORY;
            return;
        }
        uint64_t *slot = spill_slot(&store->spill, place);
        if (*slot) {
            *slot |= (uint64_t)(essential != 0) << 8;
            return;
        }
        *slot = spilled(place, essential, number);
        store->spill.used++;
    }
    store->count++;
}

void store_enter(Store *store, uint64_t hash, unsigned number, int essential) {
    enter_place(store, place_of(hash, store->bits), number, essential);
    if (store->count > store->capacity && store->whole) keep_essential(store);
    if (store->count > store->capacity && store->outcome == FINE) store->outcome = NOT_EVEN_ESSENTIAL;
}

static void keep_essential(Store *store) {
    store->whole = 0;
    store->count = 0;
    for (uint64_t bucket = 0; bucket >> store->bits == 0; bucket++) {
        uint32_t *entry = store->table + bucket * SLOTS;
        int kept = 0;
        for (int slot = 0; slot < SLOTS; slot++)
            if (store->essential[bucket] >> slot & 1) entry[kept++] = entry[slot];
        memset(entry + kept, 0, (size_t)(SLOTS - kept) * sizeof *entry);
        store->essential[bucket] = (uint16_t)((1u << kept) - 1);
        store->count += (uint64_t)kept;
    }
    Spill spill = store->spill;
    store->spill = (Spill){0};
    for (size_t slot = 0; slot < spill.slots; slot++)
        if (spill.entries[slot] >> 8 & 1)
            enter_place(store, spill.entries[slot] >> 9, spill.entries[slot] & 0xff, 1);
    free(spill.entries);
}
