/* See json.h. */

#include "json.h"
#include "json_text.h"

typedef struct {
    const JsonState *states;
    const uint8_t *kept, *at, *end; /* from `kept` on, nothing has been put into `out` yet */
    JsonLeaf *leaf;
    void *context;
    Bytes *out, *scratch;
    const char **why;
} Walk;

static uint64_t trace(const uint8_t *text, size_t length) {
    return (uint64_t)1 << ((length + (length ? 7u * text[0] : 0)) & 63);
}

void json_prepare(JsonState *states, size_t count) {
    for (size_t at = 0; at < count; at++) {
        states[at].may = 0;
        for (size_t name = 0; name < states[at].name_count; name++)
            states[at].may |= trace(states[at].names[name].text, states[at].names[name].length);
    }
}

static uint32_t state_of(const JsonState *state, const uint8_t *text, size_t length) {
    if (state->may & trace(text, length)) {
        for (size_t at = 0; at < state->name_count; at++) {
            const JsonName *name = state->names + at;
            if (name->length == length && !memcmp(name->text, text, length)) return name->state;
        }
    }
    return state->otherwise;
}

static Fit unfit(Walk *walk, const char *why) {
    *walk->why = why;
    return UNFIT;
}

static Fit no_json(Walk *walk) { return unfit(walk, "it is no JSON"); }

static inline void skip_space(Walk *walk) {
    for (; walk->at < walk->end; walk->at++)
        if (*walk->at != ' ' && *walk->at != '\n' && *walk->at != '\t' && *walk->at != '\r') return;
}

/* Puts what takes the place of the leaf that is written from `start` to walk->at, and says `text`. */
static Fit replace(Walk *walk, int rule, const uint8_t *start, const uint8_t *text, size_t length) {
    Bytes *out = walk->out;
    if (!bytes_put(out, walk->kept, (size_t)(start - walk->kept))) return NO_MEMORY;
    walk->kept = start;
    size_t before = out->length;
    Fit fit = walk->leaf(walk->context, rule, text, length, out, walk->why);
    if (fit == TO_NULL) {
        if (!bytes_put(out, "null", 4)) return NO_MEMORY;
    } else if (fit != FITS) {
        return fit;
    } else {
        size_t made = out->length - before;
        const uint8_t *new = out->at + before;
        if (made == length && (!made || !memcmp(new, text, made))) {
            out->length = before;
            return FITS;
        }
        if (*start == '"' || !made || json_number_end(new, new + made) != new + made) {
            fit = json_quote(out, before);
            if (fit == UNFIT) return unfit(walk, "what replaces one of its leaves is no UTF-8");
            if (fit != FITS) return fit;
        }
    }
    walk->kept = walk->at;
    return FITS;
}

/* The string, number or word at walk->at, which is not the end. */
static Fit scalar(Walk *walk, const JsonState *state) {
    const uint8_t *start = walk->at, *text = start, *end;
    bool escaped = false, is_word = false;
    if (*start == '"') {
        end = json_string_end(++text, walk->end, &escaped);
        if (!end) return no_json(walk);
        walk->at = end + 1;
    } else if (*start == '-' || (*start >= '0' && *start <= '9')) {
        end = json_number_end(start, walk->end);
        if (!end) return no_json(walk);
        walk->at = end;
    } else {
        size_t length = *start == 'f' ? 5 : 4;
        const char *word = *start == 'f' ? "false" : *start == 't' ? "true" : "null";
        if ((size_t)(walk->end - start) < length || memcmp(start, word, length)) return no_json(walk);
        end = walk->at = start + length;
        is_word = true;
    }
    if (state->rule == JSON_KEEPS) return FITS;
    if (state->rule == JSON_REFUSES) return unfit(walk, "no rule knows the path of one of its leaves");
    if (is_word) return FITS;
    size_t length = (size_t)(end - text);
    if (escaped) {
        bool half;
        if (!json_decode(text, end, walk->scratch, &half)) return NO_MEMORY;
        if (half) return unfit(walk, "a string to replace has one half of a surrogate pair");
        text = walk->scratch->at;
        length = walk->scratch->length;
    }
    return replace(walk, state->rule, start, text, length);
}

/* A member's name and the colon; `*state` becomes the state of what follows. */
static Fit name(Walk *walk, uint32_t *state) {
    skip_space(walk);
    if (walk->at == walk->end || *walk->at != '"') return no_json(walk);
    bool escaped, half;
    const uint8_t *text = walk->at + 1, *end = json_string_end(text, walk->end, &escaped);
    if (!end) return no_json(walk);
    walk->at = end + 1;
    const JsonState *here = walk->states + *state;
    if (!here->name_count) {
        *state = here->otherwise;
    } else if (!escaped) {
        *state = state_of(here, text, (size_t)(end - text));
    } else {
        if (!json_decode(text, end, walk->scratch, &half)) return NO_MEMORY;
        *state = state_of(here, walk->scratch->at, walk->scratch->length);
    }
    skip_space(walk);
    if (walk->at == walk->end || *walk->at++ != ':') return no_json(walk);
    return FITS;
}

static Fit document(Walk *walk) {
    uint32_t around[JSON_DEEPEST]; /* the states of the arrays and objects that are open */
    uint8_t closing[JSON_DEEPEST]; /* the brackets that end them */
    unsigned depth = 0;
    uint32_t state = 0;
    Fit fit;
    for (;;) {
        skip_space(walk);
        if (walk->at == walk->end) return no_json(walk);
        bool opens = *walk->at == '{' || *walk->at == '[', ends = false;
        if (opens) {
            if (depth == JSON_DEEPEST) return unfit(walk, "its JSON is nested more than 512 deep");
            around[depth] = state;
            closing[depth++] = *walk->at++ == '{' ? '}' : ']';
            skip_space(walk);
            ends = walk->at < walk->end && *walk->at == closing[depth - 1];
        } else if ((fit = scalar(walk, walk->states + state)) != FITS) {
            return fit;
        }
        if (!opens || ends) { /* something is over: what is around it may be, too */
            for (;;) {
                skip_space(walk);
                if (!depth) return walk->at == walk->end ? FITS : no_json(walk);
                if (walk->at == walk->end) return no_json(walk);
                uint8_t byte = *walk->at++;
                if (byte == ',' && !ends) break;
                if (byte != closing[depth - 1]) return no_json(walk);
                depth--;
                ends = false;
            }
        }
        state = around[depth - 1];
        if (closing[depth - 1] == ']') state = walk->states[state].otherwise;
        else if ((fit = name(walk, &state)) != FITS) return fit;
    }
}

Fit json(const JsonState *states, const uint8_t *text, size_t length, JsonLeaf *leaf, void *context, Bytes *out,
         Bytes *scratch, const char **why) {
    size_t before = out->length;
    if (!bytes_room(out, length + 1)) return NO_MEMORY;
    Walk walk = {states, text, text, text + length, leaf, context, out, scratch, why};
    Fit fit = length ? document(&walk) : FITS;
    if (fit == FITS && !bytes_put(out, walk.kept, (size_t)(walk.end - walk.kept))) fit = NO_MEMORY;
    if (fit != FITS) out->length = before;
    return fit;
}
