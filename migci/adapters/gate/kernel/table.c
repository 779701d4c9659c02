/* Searching a text: in blocks, so that the memory of many buckets is asked for before the first is looked at. */

#include "table.h"

#include <stdlib.h>

enum { BLOCK = 256, SHORT_LENGTHS = 4, ABSENT = -1 };

typedef struct {
    size_t start;
    uint64_t word;
    uint32_t length;
    int32_t column;
} Hit;

/* What is told of consecutive hits, as they come: `reached` is where they end, first to last where they are not
   public. */
typedef struct {
    Spans *spans;
    const Public *public;
    size_t reached, first, last;
    unsigned column;
    int begun, open, failed;
} Chain;

static void chain_close(Chain *chain) {
    Spans *spans = chain->spans;
    if (!chain->open) return;
    chain->open = 0;
    if (spans->count == spans->room) {
        size_t room = spans->room ? spans->room * 2 : 64;
        Span *more = realloc(spans->spans, room * sizeof *more);
        if (!more) {
            chain->failed = 1;
            return;
        }
        spans->spans = more, spans->room = room;
    }
    spans->spans[spans->count++] = (Span){chain->first, chain->last, chain->column};
}

static void chain_hit(Chain *chain, const Hit *hit) {
    size_t end = hit->start + hit->length;
    if (!chain->begun || hit->start > chain->reached) {
        chain_close(chain);
        chain->begun = 1;
        chain->reached = end;
    } else if (end > chain->reached) {
        chain->reached = end;
    }
    if (chain->public &&
        set_has(hit->length == GRAM ? &chain->public->grams : &chain->public->shorts, hit->word))
        return;
    if (!chain->open) {
        chain->open = 1;
        chain->first = hit->start, chain->last = end, chain->column = (unsigned)hit->column;
    } else if (end > chain->last) {
        chain->last = end;
    }
}

/* Of what is looked up in one block. */
typedef struct {
    size_t count;
    uint64_t words[BLOCK * SHORT_LENGTHS], hashes[BLOCK * SHORT_LENGTHS]; /* hashes become buckets */
    uint32_t fingerprints[BLOCK * SHORT_LENGTHS];
    uint32_t at[BLOCK * SHORT_LENGTHS]; /* where in the block, and how long */
    int16_t columns[BLOCK * SHORT_LENGTHS];
} Wanted;

void absent_clear(Absent *absent) {
    memset(absent, 0, sizeof *absent);
    absent->grams[0] = absent->shorts[0] = 1; /* zero belongs there, and is not known to be absent; one does not */
}

static inline uint64_t *slot_of(uint64_t *words, unsigned bits, uint64_t word) {
    return words + (mixed(word) >> (64 - bits));
}

static inline int known_absent(uint64_t *words, unsigned bits, uint64_t word) {
    return __atomic_load_n(slot_of(words, bits, word), __ATOMIC_RELAXED) == word;
}

/* Ask for the memory of a bucket, and go on. It is kept out of the nearest cache, which has no room for so many. */
static inline void ask_for(const uint32_t *entries, uint64_t bucket) {
    __builtin_prefetch(entries + bucket * SLOTS, 0, 1);
}

static int column_in(const uint32_t *bucket, uint32_t fingerprint) {
    for (int slot = 0; slot < SLOTS; slot++)
        if (bucket[slot] >> 8 == fingerprint) return (int)(bucket[slot] & 0xff);
    return ABSENT;
}

/* Whether what has this fingerprint, and is not in its home, may have overflowed from there. Without a branch: each
   half of it is a toss-up, and the whole is rare. */
static inline int may_have_overflowed(const uint32_t *home, uint32_t fingerprint) {
    return (home[0] >> 8 < home[1] >> 8) & (home[SLOTS - 1] >> 8 < fingerprint) & (home[SLOTS - 1] != 0);
}

static size_t learnt_slot(const Learnt *learnt, uint64_t gram) {
    size_t slot = mixed(gram) >> (64 - LEARNT_BITS);
    while (learnt->grams[slot] && learnt->grams[slot] != gram) slot = (slot + 1) & ((1 << LEARNT_BITS) - 1);
    return slot;
}

int table_learn(Table *table, unsigned column, const uint8_t *value, size_t length) {
    if (!table->learnt) table->learnt = calloc(1, sizeof *table->learnt);
    Learnt *learnt = table->learnt;
    if (!learnt) return 0;
    absent_clear(table->absent);
    for (size_t at = 0; at + GRAM <= length; at++) {
        uint64_t gram = gram_at(value + at);
        if (learnt->used == (1 << LEARNT_BITS) / 2 || !gram) return 0;
        size_t slot = learnt_slot(learnt, gram);
        learnt->used += !learnt->grams[slot];
        learnt->grams[slot] = gram, learnt->columns[slot] = (uint8_t)column;
    }
    return 1;
}

/* What of the grams in `wanted` is not in the table may have been learnt. */
static void look_among_learnt(const Learnt *learnt, Wanted *wanted) {
    for (size_t each = 0; learnt && each < wanted->count; each++) {
        size_t slot = learnt_slot(learnt, wanted->words[each]);
        if (learnt->grams[slot] && wanted->columns[each] == ABSENT) wanted->columns[each] = learnt->columns[slot];
    }
}

/* Look up all of `wanted`: their columns become the numbers that they have there, or ABSENT.

   What is not in its home and may have overflowed is looked for further on, when all others have had their turn. */
static void look_all_up(const Table *table, const uint32_t *entries, Wanted *wanted) {
    uint32_t open[BLOCK * SHORT_LENGTHS];
    size_t count = 0;
    for (size_t each = 0; each < wanted->count; each++) {
        Home home = home_of(place_of(wanted->hashes[each], table->bits), table->bits, table->buckets);
        wanted->fingerprints[each] = home.fingerprint;
        wanted->hashes[each] = home.bucket;
        ask_for(entries, home.bucket);
    }
    for (uint32_t each = 0; each < wanted->count; each++) {
        const uint32_t *home = entries + wanted->hashes[each] * SLOTS;
        uint32_t fingerprint = wanted->fingerprints[each];
        int found = has_fingerprint(home, fingerprint);
        wanted->columns[each] = ABSENT;
        if (!(found | may_have_overflowed(home, fingerprint))) continue;
        if (found)
            wanted->columns[each] = (int16_t)column_in(home, fingerprint);
        else if (++wanted->hashes[each] < table->all_buckets)
            open[count++] = each;
    }
    while (count) {
        size_t left = 0;
        for (size_t at = 0; at < count; at++) ask_for(entries, wanted->hashes[open[at]]);
        for (size_t at = 0; at < count; at++) {
            uint32_t each = open[at];
            const uint32_t *bucket = entries + wanted->hashes[each] * SLOTS;
            if (has_fingerprint(bucket, wanted->fingerprints[each]))
                wanted->columns[each] = (int16_t)column_in(bucket, wanted->fingerprints[each]);
            else if (bucket[SLOTS - 1] && ++wanted->hashes[each] < table->all_buckets)
                open[left++] = each;
        }
        count = left;
    }
}

/* Hits are nearly always in order already. */
static void insert_hit(Hit *hits, size_t found, Hit hit) {
    for (; found; found--) {
        const Hit *last = hits + found - 1;
        if (last->start < hit.start || (last->start == hit.start && last->length < hit.length)) break;
        hits[found] = *last;
    }
    hits[found] = hit;
}

/* What of `wanted` is there becomes `hits`, in order; the rest is remembered as absent. */
static size_t hits_of(const Wanted *wanted, uint64_t *absent, unsigned bits, size_t base, Hit *hits) {
    size_t found = 0;
    for (size_t each = 0; each < wanted->count; each++) {
        uint64_t word = wanted->words[each];
        if (wanted->columns[each] == ABSENT)
            __atomic_store_n(slot_of(absent, bits, word), word, __ATOMIC_RELAXED);
        else
            insert_hit(hits, found++,
                       (Hit){base + (wanted->at[each] >> 4), word, wanted->at[each] & 15, wanted->columns[each]});
    }
    return found;
}

static void want_grams(const Table *table, const uint8_t *text, size_t count, Wanted *wanted) {
    size_t wants = 0;
    for (size_t at = 0; at < count; at++) {
        uint64_t gram = gram_at(text + at);
        wanted->words[wants] = gram;
        wanted->at[wants] = (uint32_t)at << 4 | GRAM;
        wants += !known_absent(table->absent->grams, ABSENT_BITS, gram);
    }
    wanted->count = wants;
    hash_grams(table->key, wanted->words, wanted->hashes, wants);
}

/* A bit for each of the 64 bytes from `at` on that is no part of a word; just behind the text there is one as well. */
static uint64_t apart_from(const uint8_t *text, size_t length, size_t at) {
    uint8_t copied[64], apart[64];
    const uint8_t *from = copied;
    uint64_t bits = 0;
    if (at + 64 > length) {
        size_t left = at < length ? length - at : 0;
        memset(copied, '_', sizeof copied);
        memcpy(copied, text + at, left);
        if (at <= length) copied[left] = ' ';
    } else {
        from = text + at;
    }
    for (int each = 0; each < 64; each++) {
        uint8_t byte = from[each];
        int is_letter = (uint8_t)((byte | 0x20) - 'a') < 26, is_digit = (uint8_t)(byte - '0') < 10;
        apart[each] = !(is_letter | is_digit | (byte == '_') | (byte > 0x7f));
    }
    for (int each = 0; each < 64; each += 8)
        bits |= gram_at(apart + each) * UINT64_C(0x0102040810204080) >> 56 << each;
    return bits;
}

/* Keep of the short values in `wanted` those that the filter lets pass, with their hashes. */
static void filter_shorts(const Table *table, const uint8_t *filter, Wanted *wanted) {
    size_t wants = wanted->count;
    hash_shorts(table->key, wanted->words, wanted->hashes, wants);
    wanted->count = 0;
    for (size_t each = 0; each < wants; each++) {
        uint64_t bit = wanted->hashes[each] & (table->filter_bits - 1);
        wanted->words[wanted->count] = wanted->words[each];
        wanted->hashes[wanted->count] = wanted->hashes[each];
        wanted->at[wanted->count] = wanted->at[each];
        wanted->count += filter[bit / 8] >> bit % 8 & 1;
    }
}

/* Short values that may begin at the `count` places from `base` on, those of a length together. */
static void want_shorts(const Table *table, const uint8_t *filter, const uint8_t *text, size_t length, size_t base,
                        size_t count, Wanted *wanted) {
    size_t wants = 0;
    uint64_t before = !base || !in_word[text[base - 1]], apart = apart_from(text, length, base);
    for (size_t begins = 0; begins < count; begins += 64) {
        uint64_t next = apart_from(text, length, base + begins + 64);
        for (unsigned size = SHORTEST; size < GRAM; size++) {
            uint64_t starts = (apart << 1 | before) & (apart >> size | next << (64 - size));
            for (; starts; starts &= starts - 1) {
                size_t at = begins + (size_t)__builtin_ctzll(starts), place = base + at;
                uint64_t word = place + GRAM <= length ? packed_of(gram_at(text + place), size)
                                                       : packed(text + place, size);
                wanted->words[wants] = word;
                wanted->at[wants] = (uint32_t)at << 4 | size;
                wants += !known_absent(table->absent->shorts, ABSENT_SHORT_BITS, word);
            }
        }
        before = apart >> 63, apart = next;
    }
    wanted->count = wants;
    filter_shorts(table, filter, wanted);
}

int table_find(const Table *table, const uint32_t *entries, const uint8_t *filter, const Public *public,
               const uint8_t *text, size_t length, Spans *spans) {
    Chain chain = {.spans = spans, .public = public};
    Wanted wanted;
    Hit grams[BLOCK], shorts[BLOCK * SHORT_LENGTHS];
    for (size_t base = 0; base < length; base += BLOCK) {
        size_t count = length - base < BLOCK ? length - base : BLOCK;
        size_t gram_starts = length - base < GRAM ? 0 : length - base - GRAM + 1;
        want_grams(table, text + base, gram_starts < BLOCK ? gram_starts : BLOCK, &wanted);
        look_all_up(table, entries, &wanted);
        look_among_learnt(table->learnt, &wanted);
        size_t gram_hits = hits_of(&wanted, table->absent->grams, ABSENT_BITS, base, grams);
        want_shorts(table, filter, text, length, base, count, &wanted);
        look_all_up(table, entries, &wanted);
        size_t short_hits = hits_of(&wanted, table->absent->shorts, ABSENT_SHORT_BITS, base, shorts);
        size_t gram = 0, small = 0;
        while (gram < gram_hits || small < short_hits) {
            if (small == short_hits || (gram < gram_hits && grams[gram].start <= shorts[small].start))
                chain_hit(&chain, &grams[gram++]);
            else
                chain_hit(&chain, &shorts[small++]);
        }
        if (chain.failed) return 0;
    }
    chain_close(&chain);
    return !chain.failed;
}

static int one_is_there(Wanted *wanted) {
    int found = 0;
    for (size_t each = 0; each < wanted->count; each++) found |= wanted->columns[each] != ABSENT;
    wanted->count = 0;
    return found;
}

static int grams_are_there(const Table *table, const uint32_t *entries, Wanted *wanted) {
    hash_grams(table->key, wanted->words, wanted->hashes, wanted->count);
    look_all_up(table, entries, wanted);
    look_among_learnt(table->learnt, wanted);
    return one_is_there(wanted);
}

static int shorts_are_there(const Table *table, const uint32_t *entries, const uint8_t *filter, Wanted *wanted) {
    filter_shorts(table, filter, wanted);
    look_all_up(table, entries, wanted);
    return one_is_there(wanted);
}

int table_holds(const Table *table, const uint32_t *entries, const uint8_t *filter, const uint8_t *parts,
                const uint8_t *lengths, size_t count) {
    Wanted grams, shorts;
    grams.count = shorts.count = 0;
    for (size_t each = 0; each < count; parts += lengths[each++]) {
        size_t length = lengths[each];
        for (size_t at = 0; at + SHORTEST <= length; at++) {
            if (at + GRAM <= length) {
                if (grams.count == BLOCK && grams_are_there(table, entries, &grams)) return 1;
                grams.words[grams.count++] = gram_at(parts + at);
            }
            if (at && in_word[parts[at - 1]]) continue;
            for (size_t size = SHORTEST; size < GRAM && at + size <= length; size++) {
                if (at + size < length && in_word[parts[at + size]]) continue;
                if (shorts.count == BLOCK && shorts_are_there(table, entries, filter, &shorts)) return 1;
                shorts.at[shorts.count] = 0;
                shorts.words[shorts.count++] = packed(parts + at, size);
            }
        }
    }
    return grams_are_there(table, entries, &grams) || shorts_are_there(table, entries, filter, &shorts);
}

static size_t set_slot(const uint64_t *words, size_t slots, uint64_t word) {
    size_t slot = mixed(word) >> 32 & (slots - 1);
    while (words[slot] && words[slot] != word) slot = (slot + 1) & (slots - 1);
    return slot;
}

int set_add(Set *set, uint64_t word) {
    if (!word) return set->has_zero = 1;
    if (set->used >= set->slots - set->slots / 4) {
        size_t slots = set->slots ? set->slots * 2 : 1024;
        uint64_t *words = calloc(slots, sizeof *words);
        if (!words) return 0;
        for (size_t slot = 0; slot < set->slots; slot++)
            if (set->words[slot]) words[set_slot(words, slots, set->words[slot])] = set->words[slot];
        free(set->words);
        set->words = words, set->slots = slots;
    }
    size_t slot = set_slot(set->words, set->slots, word);
    set->used += !set->words[slot];
    set->words[slot] = word;
    return 1;
}

int set_has(const Set *set, uint64_t word) {
    if (!word) return set->has_zero;
    return set->slots && set->words[set_slot(set->words, set->slots, word)] == word;
}

void set_free(Set *set) { free(set->words); }

int public_add(Public *public, const uint8_t *text, size_t length) {
    for (size_t at = 0; at < length; at++) {
        if (at + GRAM <= length && !set_add(&public->grams, gram_at(text + at))) return 0;
        if (at && in_word[text[at - 1]]) continue;
        for (size_t size = SHORTEST; size < GRAM && at + size <= length; size++)
            if ((at + size == length || !in_word[text[at + size]]) &&
                !set_add(&public->shorts, packed(text + at, size)))
                return 0;
    }
    return 1;
}

void public_free(Public *public) {
    set_free(&public->grams);
    set_free(&public->shorts);
}
