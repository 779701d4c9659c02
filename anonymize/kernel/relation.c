#include "relation.h"

#include <stdlib.h>

enum { LEAST_BITS = 10 };

/* An entry that is not there is all zeros; a hash of zero is taken for another. */
static uint64_t never_zero(uint64_t hash) { return hash ? hash : 1; }

static Related *place_of(const Relation *relation, uint64_t from) {
    size_t mask = ((size_t)1 << relation->bits) - 1, place = (size_t)(from >> (64 - relation->bits));
    while (relation->at[place].from && relation->at[place].from != from) place = (place + 1) & mask;
    return relation->at + place;
}

int relation_room(Relation *relation, size_t more) {
    if (relation->at && (relation->count + more) * 4 <= ((size_t)1 << relation->bits) * 3) return 1;
    Relation larger = {NULL, relation->count, relation->at ? relation->bits + 1 : LEAST_BITS};
    while ((relation->count + more) * 4 > ((size_t)1 << larger.bits) * 3) larger.bits++;
    larger.at = calloc((size_t)1 << larger.bits, sizeof(Related));
    if (!larger.at) return 0;
    for (size_t i = 0; relation->at && i < (size_t)1 << relation->bits; i++)
        if (relation->at[i].from) *place_of(&larger, relation->at[i].from) = relation->at[i];
    free(relation->at);
    *relation = larger;
    return 1;
}

void relation_prefetch(const Relation *relation, uint64_t from) {
    if (relation->at) __builtin_prefetch(relation->at + (never_zero(from) >> (64 - relation->bits)));
}

int relation_put(Relation *relation, uint64_t from, uint64_t to) {
    from = never_zero(from);
    Related *place = place_of(relation, from);
    if (place->from) return place->to == to;
    *place = (Related){from, to};
    relation->count++;
    return 1;
}

void relation_free(Relation *relation) { free(relation->at); }
