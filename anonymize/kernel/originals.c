#include "originals.h"

/* An original is found by how it begins: one of 12 bytes or more by its first 12, a shorter one by its first 6 (its
   gram). A bitmap stays in the processor's cache: over the 4 bytes at an original's places 0, 1 and 2, so that a look
   at every third place of a text tells where nothing begins. Then there is one over the first 6 bytes. `grams` says
   which lengths originals with a gram have, and `values` whether such a length is one. Both tables hold a hash, whose
   low bits make room for what is said of it. */

enum { SHORT_GRAM = 6, LONG_GRAM = 12, SIX_BITS = 26 };
enum { PENDING = 64, BLOCK = 128, EVERY = 3, STEP = 16 };
enum { GRAM_LOW = 20, VALUE_LOW = 12 };

typedef struct {
    uint64_t *at;
    size_t count;
    int bits, low;
} Table;

typedef struct {
    uint64_t gram, lengths, value, source;
    size_t six;
} Pending;

struct Originals {
    HashKey key;
    uint8_t *four, *six;
    Table grams, values;
    Pending pending[PENDING];
    size_t waiting;
};

static inline uint64_t mixed(uint64_t one, uint64_t other) {
    unsigned __int128 product = (unsigned __int128)one * other;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t word_at(const uint8_t *at) {
    uint64_t word;
    memcpy(&word, at, 8);
    return word;
}

static inline uint64_t part_at(const uint8_t *at, size_t length) {
    uint64_t word = 0;
    memcpy(&word, at, length);
    return word;
}

void hash_key(HashKey *made, const uint8_t bytes[HASH_KEY_BYTES]) {
    memcpy(made->part, bytes, HASH_KEY_BYTES);
    for (int i = 1; i < 4; i++) made->part[i] |= 1;
}

/* The hash of a value: its state moves on with each 16 bytes, and what is left of them finishes it. */
static inline uint64_t moved_on(const HashKey *key, uint64_t state, const uint8_t *at) {
    return mixed(word_at(at) ^ key->part[1], word_at(at + 8) ^ state);
}

static inline uint64_t finished(const HashKey *key, uint64_t state, const uint8_t *tail, size_t length) {
    size_t left = length % STEP;
    uint64_t first = left >= 8 ? word_at(tail) : part_at(tail, left);
    uint64_t second = left > 8 ? part_at(tail + 8, left - 8) : 0;
    return mixed(mixed(first ^ key->part[1], second ^ state), key->part[2] ^ (length * UINT64_C(0x9E3779B97F4A7C15)));
}

uint64_t value_hash(const HashKey *key, const uint8_t *value, size_t length) {
    uint64_t state = key->part[0];
    size_t at = 0;
    for (; at + STEP <= length; at += STEP) state = moved_on(key, state, value + at);
    return finished(key, state, value + at, length);
}

static inline uint64_t short_gram(const HashKey *key, uint64_t six) { return mixed(six ^ key->part[0], key->part[3]); }

static inline uint64_t long_gram(const HashKey *key, const uint8_t *at) {
    return mixed(word_at(at) ^ key->part[3], word_at(at + 4) ^ key->part[2]);
}

static inline uint32_t four_of(const HashKey *key, const uint8_t *at) {
    uint32_t four;
    memcpy(&four, at, 4);
    return four_bit((uint32_t)key->part[1], four);
}

static inline size_t six_of(uint64_t gram) { return (size_t)(gram >> (64 - SIX_BITS)); }

/* Which lengths there are: a short one has a bit of its own; a long one has two, for its size and for its last digit,
   and is looked for where both are set. */
static inline uint64_t size_bit(size_t length) {
    static const uint16_t limits[9] = {16, 24, 32, 48, 64, 128, 256, 512, 1024};
    int i = 0;
    while (i < 9 && length >= limits[i]) i++;
    return UINT64_C(1) << i;
}

static inline uint64_t lengths_of(size_t length) {
    if (length < LONG_GRAM) return UINT64_C(1) << (length - SHORT_GRAM);
    return size_bit(length) | UINT64_C(1) << (10 + length % 10);
}

static int table_new(Table *table, int bits, int low) {
    *table = (Table){calloc((size_t)1 << bits, 8), 0, bits, low};
    return table->at != NULL;
}

/* Where the entry of `hash` is, or would be. */
static inline uint64_t *entry_of(const Table *table, uint64_t hash) {
    size_t mask = ((size_t)1 << table->bits) - 1, place = (size_t)(hash >> (64 - table->bits));
    while (table->at[place] && (table->at[place] ^ hash) >> table->low) place = (place + 1) & mask;
    return table->at + place;
}

static int table_room(Table *table, size_t more) {
    size_t size = (size_t)1 << table->bits;
    if ((table->count + more) * 4 <= size * 3) return 1;
    Table larger;
    if (!table_new(&larger, table->bits + 1, table->low)) return 0;
    for (size_t i = 0; i < size; i++)
        if (table->at[i]) *entry_of(&larger, table->at[i]) = table->at[i];
    larger.count = table->count;
    free(table->at);
    *table = larger;
    return 1;
}

Originals *originals_new(const uint8_t key[HASH_KEY_BYTES]) {
    Originals *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    hash_key(&made->key, key);
    made->four = calloc((size_t)1 << (FOUR_BITS - 3), 1);
    made->six = calloc((size_t)1 << (SIX_BITS - 3), 1);
    if (made->four && made->six && table_new(&made->grams, 12, GRAM_LOW) &&
        table_new(&made->values, 12, VALUE_LOW))
        return made;
    originals_free(made);
    return NULL;
}

void originals_free(Originals *originals) {
    if (!originals) return;
    free(originals->four);
    free(originals->six);
    free(originals->grams.at);
    free(originals->values.at);
    free(originals);
}

const HashKey *originals_key(const Originals *originals) { return &originals->key; }
Fours originals_fours(const Originals *originals) {
    return (Fours){originals->four, (uint32_t)originals->key.part[1]};
}

size_t originals_count(const Originals *originals) { return originals->values.count; }

size_t originals_bytes(const Originals *originals) {
    return (((size_t)1 << originals->grams.bits) + ((size_t)1 << originals->values.bits)) * 8 +
           ((size_t)1 << (FOUR_BITS - 3)) + ((size_t)1 << (SIX_BITS - 3));
}

const uint8_t *originals_part(const uint8_t *value, size_t *length) {
    size_t left = *length, same = 1;
    if (left < LEAST_CHARACTERS) return NULL;
    while (same < left && same < LONG_GRAM && value[same] == value[0]) same++;
    if (same == left || same == LONG_GRAM) {
        /* It begins with a run of one byte, which would begin at each place of a longer run. */
        while (left > 1 && value[1] == value[0]) value++, left--;
        if (left < LEAST_CHARACTERS) return NULL;
    }
    if (left < 4 * LEAST_CHARACTERS) {
        size_t characters = 0;
        for (size_t i = 0; i < left; i++) characters += (value[i] & 0xC0) != 0x80;
        if (characters < LEAST_CHARACTERS) return NULL;
    }
    *length = left < LONGEST_ORIGINAL ? left : LONGEST_ORIGINAL;
    return value;
}

int originals_settle(Originals *originals) {
    if (!table_room(&originals->grams, PENDING) || !table_room(&originals->values, PENDING)) return 0;
    for (size_t i = 0; i < originals->waiting; i++) {
        const Pending *one = originals->pending + i;
        uint64_t *gram = entry_of(&originals->grams, one->gram), *value = entry_of(&originals->values, one->value);
        originals->six[one->six >> 3] |= (uint8_t)(1 << (one->six & 7));
        originals->grams.count += !*gram;
        *gram = (*gram ? *gram : one->gram >> GRAM_LOW << GRAM_LOW) | one->lengths;
        uint64_t entry = (one->value >> VALUE_LOW << VALUE_LOW) | one->source;
        originals->values.count += !*value;
        if (!*value || entry < *value) *value = entry;
    }
    originals->waiting = 0;
    return 1;
}

int originals_add(Originals *originals, const uint8_t *value, size_t length, unsigned source) {
    const HashKey *key = &originals->key;
    value = originals_part(value, &length);
    if (!value) return 1;
    uint64_t six = short_gram(key, part_at(value, SHORT_GRAM));
    for (int i = 0; i < EVERY; i++) {
        uint32_t four = four_of(key, value + i);
        originals->four[four >> 3] |= (uint8_t)(1 << (four & 7));
    }
    Pending *one = originals->pending + originals->waiting++;
    *one = (Pending){length < LONG_GRAM ? six : long_gram(key, value), lengths_of(length),
                     value_hash(key, value, length), (source < MOST_SOURCES ? source : MOST_SOURCES) + 1, six_of(six)};
    __builtin_prefetch(originals->six + (one->six >> 3));
    __builtin_prefetch(originals->grams.at + (one->gram >> (64 - originals->grams.bits)));
    __builtin_prefetch(originals->values.at + (one->value >> (64 - originals->values.bits)));
    return originals->waiting < PENDING || originals_settle(originals);
}

/* The search. */

static int is_letter_or_digit(uint8_t c) { return (uint8_t)(c - '0') < 10 || (uint8_t)((c | 32) - 'a') < 26; }

/* What has no letter counts only where neither a letter nor a digit stands beside it: in a longer number, in a digest,
   it is there by chance. */
static int stands_alone(const uint8_t *text, size_t length, size_t at, size_t size) {
    int before = at > 0 && is_letter_or_digit(text[at - 1]);
    int behind = at + size < length && is_letter_or_digit(text[at + size]);
    if (!before && !behind) return 1;
    for (size_t i = at; i < at + size; i++)
        if (text[i] >= '@') return 1;
    return 0;
}

typedef struct {
    const Originals *originals;
    const uint8_t *text;
    size_t length;
    Found found;
    void *context;
} Search;

static int try_length(const Search *search, size_t at, size_t size, uint64_t state) {
    uint64_t hash = finished(&search->originals->key, state, search->text + at + size / STEP * STEP, size);
    uint64_t entry = *entry_of(&search->originals->values, hash);
    if (!entry || !stands_alone(search->text, search->length, at, size)) return 1;
    unsigned source = (unsigned)(entry & ((1 << VALUE_LOW) - 1)) - 1;
    return search->found(search->context, at, size, source, hash);
}

static int try_place(const Search *search, size_t at, uint64_t six) {
    const Originals *originals = search->originals;
    const uint8_t *text = search->text + at;
    size_t left = search->length - at;
    uint64_t entry = *entry_of(&originals->grams, six);
    if (entry) {
        for (size_t size = SHORT_GRAM; size < LONG_GRAM && size <= left; size++)
            if (entry >> (size - SHORT_GRAM) & 1 && !try_length(search, at, size, originals->key.part[0])) return 0;
    }
    if (left < LONG_GRAM) return 1;
    entry = *entry_of(&originals->grams, long_gram(&originals->key, text));
    if (!entry) return 1;
    uint64_t sizes = entry & 1023, last = entry >> 10 & 1023, state = originals->key.part[0];
    size_t most = left < LONGEST_ORIGINAL ? left : LONGEST_ORIGINAL;
    for (size_t size = LONG_GRAM; size <= most; size++) {
        if (size % STEP == 0) {
            state = moved_on(&originals->key, state, text + size - STEP);
            /* Nothing as long as this or longer: */
            if (!(sizes & ~(size_bit(size) - 1))) break;
        }
        if (last >> (size % 10) & 1 && sizes & size_bit(size) && !try_length(search, at, size, state)) return 0;
    }
    return 1;
}

static inline unsigned has_four_at(Fours fours, const uint8_t *at) {
    uint32_t four;
    memcpy(&four, at, 4);
    return has_four(fours, four);
}

/* Originals may begin at `count` of these places: those that the larger bitmap has, too, are tried. */
static int try_places(const Search *search, const size_t *places, size_t count) {
    const Originals *originals = search->originals;
    size_t left[BLOCK * EVERY], found = 0;
    uint64_t grams[BLOCK * EVERY];
    for (size_t i = 0; i < count; i++) {
        const uint8_t *here = search->text + places[i];
        uint64_t six = places[i] + 8 <= search->length ? word_at(here) & ((UINT64_C(1) << 48) - 1)
                                                       : part_at(here, SHORT_GRAM);
        grams[i] = short_gram(&originals->key, six);
        __builtin_prefetch(originals->six + (six_of(grams[i]) >> 3));
    }
    for (size_t i = 0; i < count; i++) {
        size_t bit = six_of(grams[i]);
        left[found] = places[i];
        grams[found] = grams[i];
        found += originals->six[bit >> 3] >> (bit & 7) & 1;
    }
    for (size_t i = 0; i < found; i++)
        __builtin_prefetch(originals->grams.at + (grams[i] >> (64 - originals->grams.bits)));
    for (size_t i = 0; i < found; i++)
        if (!try_place(search, left[i], grams[i])) return 0;
    return 1;
}

int originals_find(const Originals *originals, const uint8_t *text, size_t length, Found found, void *context) {
    if (length < SHORT_GRAM || !originals->values.count) return 1;
    const Search search = {originals, text, length, found, context};
    const Fours fours = originals_fours(originals);
    size_t places = length - SHORT_GRAM + 1, looked[BLOCK], maybe[BLOCK * EVERY];
    for (size_t at = EVERY - 1; at < places + EVERY - 1;) {
        size_t hits = 0, count = 0;
        size_t end = places + EVERY - 1 - at > BLOCK * EVERY ? at + BLOCK * EVERY : places + EVERY - 1;
        for (; at < end; at += EVERY) {
            looked[hits] = at;
            hits += has_four_at(fours, text + at);
        }
        for (size_t i = 0; i < hits; i++)
            for (size_t place = looked[i] - (EVERY - 1); place <= looked[i] && place < places; place++) {
                maybe[count] = place;
                count += has_four_at(fours, text + place) & has_four_at(fours, text + place + 1) &
                         has_four_at(fours, text + place + 2);
            }
        if (!try_places(&search, maybe, count)) return 0;
    }
    return 1;
}
