#include "rows.h"

#include "search.h"

enum { CELLS = 256 };

/* A value that is to be replaced. */
typedef struct {
    const Slot *slot;
    Span span;
    View subject;
    Literal literal;
    int skipped;      /* NULL, or empty: nothing happens */
    size_t value;     /* in data, or else in scratch */
    size_t length;
    int in_scratch;
    size_t folded;    /* the same of its folded bytes */
    size_t folded_length;
    int folded_in_scratch;
    unsigned seen;    /* in the value */
    size_t token;     /* its number */
} Cell;

struct Batch {
    Cell *cells;
    size_t count, room;
    Span *spans;
    Bytes scratch, result;
    Wanted *wanted;
    uint8_t *tokens;
    size_t wanted_room;
};

void batch_free(Batch *batch) {
    if (!batch) return;
    free(batch->cells);
    free(batch->spans);
    free(batch->scratch.at);
    free(batch->result.at);
    free(batch->wanted);
    free(batch->tokens);
    free(batch);
}

static int batch_of(Rows *rows) {
    if (rows->batch) return 1;
    Batch *batch = rows->batch = calloc(1, sizeof(Batch));
    if (!batch) return 0;
    batch->room = CELLS + rows->slot_count;
    batch->cells = malloc(batch->room * sizeof(Cell));
    batch->spans = malloc((rows->places + 1) * sizeof(Span));
    batch->wanted = malloc(batch->room * sizeof(Wanted));
    batch->tokens = malloc(batch->room * TOKEN_BYTES + MARGIN);
    return batch->cells && batch->spans && batch->wanted && batch->tokens;
}

/* Scanning. */

static const uint8_t WORD[256] = {['0' ... '9'] = 1, ['a' ... 'z'] = 1, ['A' ... 'Z'] = 1,
                                  ['_'] = 1, ['-'] = 1, ['+'] = 1, ['.'] = 1};

static int is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/* Behind the string whose quote stands at `at`; 0 if it may not have ended. */
static size_t behind_string(const uint8_t *data, size_t at, size_t end, int backslash, Look *look) {
    uint8_t quote = data[at++];
    for (*look = PLAIN_STRING;; *look = STRING) {
        at = find_either(data, at, end, quote, backslash ? '\\' : quote);
        if (at + 1 >= end) return 0;
        if (data[at] != quote) at += 2;
        else if (data[at + 1] == quote) at += 2;
        else return at + 1;
    }
}

size_t comment_end(const uint8_t *data, size_t at, size_t end) {
    if (data[at] == '/') {
        if (at + 1 >= end) return 0;
        if (data[at + 1] != '*') return 1;
        /* What a server executes is no comment: it may be rows, or what becomes of them. */
        size_t mark = at + 2 < end && data[at + 2] == 'M' ? at + 3 : at + 2;
        if (mark + 1 >= end) return 0;
        if (data[mark] == '!') return 1;
        for (at += 2;; at++) {
            at = find_either(data, at, end, '*', '*');
            if (at + 1 >= end) return 0;
            if (data[at + 1] == '/') return at + 2;
        }
    }
    if (data[at] == '-') {
        if (at + 1 >= end) return 0;
        if (data[at + 1] != '-') return 1;
        if (at + 2 >= end) return 0;
        if (data[at + 2] > ' ') return 1;
    }
    at = find_either(data, at, end, '\n', '\n');
    return at == end ? 0 : at + 1;
}

/* A row of strings, numbers and words with nothing between them but commas: where it ends, or 0. */
static size_t usual_row(const Rows *rows, const uint8_t *data, size_t at, size_t end, Span *spans) {
    for (size_t place = 0; place < rows->places; place++) {
        Span span = {++at, 0, NO_STRING};
        if (at >= end) return 0;
        if (data[at] == '\'') {
            at = behind_string(data, at, end, rows->grammar.backslash, &span.look);
            if (!at) return 0;
        } else {
            while (at < end && WORD[data[at]]) at++;
            if (at == span.first) return 0;
        }
        if (at >= end || data[at] != (place + 1 == rows->places ? ')' : ',')) return 0;
        span.last = at;
        spans[place] = span;
    }
    return rows->places ? at + 1 : 0;
}

static size_t wrong_at(Wrong *wrong, size_t offset, long place, const char *why) {
    wrong->offset = offset;
    wrong->place = place;
    wrong->why = why;
    return 0;
}

/* Any row: where it ends; 0 if it is not whole, or if something is wrong with it. */
static size_t any_row(const Rows *rows, const uint8_t *data, size_t start, size_t end, Span *spans, Wrong *wrong) {
    size_t place = 0, depth = 0, at = start + 1, first = 0, last = 0;
    int begun = 0, strings = 0, others = 0;
    Look look = NO_STRING;
    while (at < end) {
        uint8_t c = data[at];
        size_t next = at + 1;
        int closes = 0;
        /* What reaches to the last byte may go on; a `)` there ends the row whatever comes. */
        if (next == end && !(c == ')' && !depth)) return 0;
        if (c == '\'' || c == '"' || c == '`') {
            next = behind_string(data, at, end, rows->grammar.backslash && c != '`', &look);
            if (!next) return 0;
            strings++;
            if (c != '\'') look = NO_STRING;
        } else if (is_blank(c)) {
            at = next;
            continue;
        } else if (c == '/' || c == '#' || c == '-') {
            next = comment_end(data, at, end);
            if (next == 0) return 0;
            if (next != 1) {
                at = next;
                continue;
            }
            if (c == '/' && data[at + 1] == '*')
                return wrong_at(wrong, at, (long)place, "an executable comment stands in a row");
            next = at + 1;
            if (c == '-' && data[next] == '-' && ++next == end) return 0;
            others++;
        } else if (c == ';' || c == 0) {
            return wrong_at(wrong, at, (long)place,
                            c ? "the statement ends inside a row" : "a NUL stands outside of strings");
        } else if (c == '(') {
            depth++;
            others++;
        } else if (c == ')' || c == ',') {
            if (c == ')' && depth) {
                depth--;
                others++;
            } else {
                closes = !depth;
                others++;
            }
        } else {
            others++;
        }
        if (closes) {
            if (!begun && !(c == ')' && place == 0)) return wrong_at(wrong, at, (long)place, "a value is missing");
            if (begun) {
                if (place < rows->places) spans[place] = (Span){first, last, strings == 1 && others == 1 ? look : NO_STRING};
                place++;
            }
            if (c == ')') {
                if (place != rows->places) {
                    wrong->values = place;
                    return wrong_at(wrong, start, -1, NULL);
                }
                return next;
            }
            begun = strings = others = 0;
        } else {
            if (!begun) first = at;
            begun = 1;
            last = next;
        }
        at = next;
    }
    return 0;
}

size_t row_end(Grammar grammar, size_t places, const uint8_t *data, size_t at, size_t end, Span *spans, Wrong *wrong) {
    const Rows rows = {.grammar = grammar, .places = places};
    wrong->why = NULL;
    wrong->values = places;
    size_t next = usual_row(&rows, data, at, end, spans);
    return next ? next : any_row(&rows, data, at, end, spans, wrong);
}

/* Replacing. */

static int is_word_of(const char *word, const uint8_t *at, size_t length) {
    if (strlen(word) != length) return 0;
    for (size_t i = 0; i < length; i++)
        if ((at[i] | 32) != word[i]) return 0;
    return 1;
}

int is_null(const uint8_t *at, size_t length) { return is_word_of("null", at, length); }

/* Fill in what the cell's value and its folded bytes are. */
static Fit prepare(Rows *rows, const uint8_t *data, size_t end, Cell *cell, const char **why) {
    Batch *batch = rows->batch;
    const Slot *slot = cell->slot;
    const uint8_t *lexeme = data + cell->span.first;
    size_t length = cell->span.last - cell->span.first;
    Sort sort = slot->operation->sort;
    if (sort == OP_DEFAULT) {
        cell->skipped = is_word_of("default", lexeme, length);
        return FITS;
    }
    cell->skipped = is_null(lexeme, length);
    if (cell->skipped) return FITS;
    if (sort == OP_NULL || sort == OP_CONSTANT) {
        cell->literal = (Literal){QUOTED, 1, 1, rows->grammar.latin1 && !slot->binary, 0, '\''};
        cell->value = cell->length = 0;
        cell->in_scratch = 0;
        return FITS;
    }
    int latin1 = rows->grammar.latin1 && !slot->binary;
    if (cell->span.look == PLAIN_STRING && !latin1 && end - cell->span.last >= MARGIN) {
        cell->literal = (Literal){QUOTED, 1, length - 1, 0, 0, '\''};
        cell->value = cell->span.first + 1;
        cell->length = length - 2;
        cell->in_scratch = 0;
    } else {
        cell->literal = (Literal){QUOTED, 1, length - 1, latin1, 0, '\''};
        if (cell->span.look == NO_STRING) {
            Fit fit = literal_read(lexeme, length, rows->grammar, slot->binary, &cell->literal, why);
            if (fit != FITS) return fit;
        }
        cell->value = batch->scratch.length;
        cell->in_scratch = 1;
        if (!literal_value(lexeme, &cell->literal, rows->grammar, &batch->scratch)) return NO_MEMORY;
        cell->length = batch->scratch.length - cell->value;
    }
    cell->skipped = cell->length == 0;
    if (cell->skipped || !draws(slot->operation)) return FITS;
    /* Folding must not move the scratch that the value may be in, so there is room first. */
    if (!bytes_room(&batch->scratch, cell->length * 4)) return NO_MEMORY;
    const uint8_t *value = (cell->in_scratch ? batch->scratch.at : data) + cell->value;
    cell->seen = look(value, cell->length);
    cell->folded = cell->value;
    cell->folded_length = cell->length;
    cell->folded_in_scratch = cell->in_scratch;
    if (slot->operation->fold == FOLD_NONE) return FITS;
    size_t at = 0;
    int where = folded(slot->operation->fold, cell->seen, value, &cell->folded_length, &batch->scratch, &at);
    if (!where) return NO_MEMORY;
    if (where == 2) {
        cell->folded = at;
        cell->folded_in_scratch = 1;
    }
    return FITS;
}

/* The plain bytes of the subject. */
static Fit subject_of(Rows *rows, const Cell *cell, View *subject, const char **why) {
    *subject = (View){NULL, 0};
    if (!cell->subject.length || is_null(cell->subject.at, cell->subject.length)) return FITS;
    Literal literal;
    Bytes *scratch = &rows->batch->scratch;
    Fit fit = literal_read(cell->subject.at, cell->subject.length, rows->grammar, 0, &literal, why);
    if (fit != FITS) return fit;
    size_t before = scratch->length;
    if (!literal_value(cell->subject.at, &literal, rows->grammar, scratch)) return NO_MEMORY;
    *subject = (View){scratch->at + before, scratch->length - before};
    return FITS;
}

/* Put what comes before the cell, and what takes its place, behind out. */
static Fit replace(Rows *rows, const uint8_t *data, const Cell *cell, const uint8_t *token, Bytes *out, size_t *copied,
                   const char **why) {
    Batch *batch = rows->batch;
    const Operation *operation = cell->slot->operation;
    const uint8_t *lexeme = data + cell->span.first;
    size_t length = cell->span.last - cell->span.first;
    View subject = {NULL, 0};
    Fit fit;
    if (cell->slot->subject >= 0 && (fit = subject_of(rows, cell, &subject, why)) != FITS) return fit;
    if (operation->sort == OP_DEFAULT) {
        int done = bytes_put(out, data + *copied, cell->span.first - *copied) && bytes_put(out, "DEFAULT", 7);
        *copied = cell->span.last;
        rows->changed = 1;
        rows->replaced[cell->slot->place]++;
        return done ? FITS : NO_MEMORY;
    }
    int forced = operation->sort == OP_NULL || operation->sort == OP_CONSTANT;
    if (!bytes_put(out, data + *copied, cell->span.first - *copied)) return NO_MEMORY;
    if (!bytes_put(out, forced ? (const uint8_t *)"'" : lexeme, cell->literal.first)) return NO_MEMORY;
    size_t start = out->length;
    const uint8_t *value = (cell->in_scratch ? batch->scratch.at : data) + cell->value;
    fit = operate(operation, value, cell->length, subject, cell->seen, token, out, why);
    if (fit == TO_NULL) {
        out->length = start - cell->literal.first;
        if (!bytes_put(out, "NULL", 4)) return NO_MEMORY;
        *copied = cell->span.last;
        rows->changed = 1;
        return FITS;
    }
    if (fit != FITS) return fit;
    const uint8_t *result = out->at + start;
    size_t result_length = out->length - start;
    if (!forced && result_length == cell->length && memcmp(result, value, result_length) == 0) {
        /* What comes before stays copied: else it would be copied again for the next cell, and for all that follow. */
        out->length = start - cell->literal.first;
        *copied = cell->span.first;
        return FITS;
    }
    *copied = cell->span.last;
    rows->changed = 1;
    rows->replaced[cell->slot->place]++;
    int is_fine = cell->span.look == PLAIN_STRING && keeps_plain(operation);
    if (cell->literal.form == QUOTED && !cell->literal.latin1 && (is_fine || is_plain(result, result_length))) {
        if (forced) return bytes_put(out, "'", 1) ? FITS : NO_MEMORY;
        return bytes_put(out, lexeme + cell->literal.last, length - cell->literal.last) ? FITS : NO_MEMORY;
    }
    batch->result.length = 0;
    if (!bytes_put(&batch->result, result, result_length)) return NO_MEMORY;
    out->length = start - cell->literal.first;
    if (forced) {
        lexeme = (const uint8_t *)"''";
        length = 2;
    }
    int done = literal_write(batch->result.at, result_length, lexeme, length, &cell->literal, rows->grammar, out);
    return done ? FITS : NO_MEMORY;
}

static Outcome failed(Fit fit, const Cell *cell, const char *why, Wrong *wrong) {
    if (fit == NO_MEMORY) return OUT_OF_MEMORY;
    wrong_at(wrong, cell->span.first, (long)cell->slot->place, why);
    return fit == RAISED ? PYTHON_RAISED : WRONG;
}

/* All cells of the batch, in their order: values first, then tokens side by side, then what is written. */
static Outcome flush(Rows *rows, const uint8_t *data, size_t end, Bytes *out, size_t *copied, Wrong *wrong) {
    Batch *batch = rows->batch;
    size_t wanted = 0, count = batch->count, unfit = count;
    const char *why = "", *unfit_why = "";
    batch->count = 0;
    batch->scratch.length = 0;
    for (size_t i = 0; i < count && unfit == count; i++) {
        Cell *cell = batch->cells + i;
        Fit fit = prepare(rows, data, end, cell, &why);
        if (fit == NO_MEMORY) return OUT_OF_MEMORY;
        if (fit == UNFIT) {
            unfit = i; /* what comes before it may be wrong in another way, which is told first */
            unfit_why = why;
        } else if (!cell->skipped && draws(cell->slot->operation)) {
            cell->token = wanted;
            batch->wanted[wanted] =
                (Wanted){&cell->slot->operation->key, NULL, cell->folded_length, batch->tokens + wanted * TOKEN_BYTES};
            wanted++;
        }
    }
    for (size_t i = 0; i < unfit; i++) {
        const Cell *cell = batch->cells + i;
        if (!cell->skipped && draws(cell->slot->operation))
            batch->wanted[cell->token].message = (cell->folded_in_scratch ? batch->scratch.at : data) + cell->folded;
    }
    tokens(batch->wanted, wanted);
    for (size_t i = 0; i < unfit; i++) {
        const Cell *cell = batch->cells + i;
        if (cell->skipped) continue;
        const uint8_t *token = draws(cell->slot->operation) ? batch->tokens + cell->token * TOKEN_BYTES : NULL;
        Fit fit = replace(rows, data, cell, token, out, copied, &why);
        if (fit != FITS) return failed(fit, cell, why, wrong);
    }
    return unfit == count ? REWRITTEN : failed(UNFIT, batch->cells + unfit, unfit_why, wrong);
}

Outcome rows_rewrite(Rows *rows, const uint8_t *data, size_t at, size_t end, Bytes *out, size_t *copied, size_t *stopped,
                     int *ended, Wrong *wrong) {
    if (!batch_of(rows)) return OUT_OF_MEMORY;
    Batch *batch = rows->batch;
    Outcome outcome;
    *copied = *stopped = at;
    rows->changed = 0;
    *ended = 0;
    batch->count = 0;
    while (at < end) {
        uint8_t c = data[at];
        if (c == ',' || is_blank(c)) {
            at++;
        } else if (c == '(') {
            wrong->why = NULL;
            wrong->values = rows->places;
            size_t next = usual_row(rows, data, at, end, batch->spans);
            if (!next) next = any_row(rows, data, at, end, batch->spans, wrong);
            if (!next && (wrong->why || wrong->values != rows->places)) {
                Wrong first;
                outcome = flush(rows, data, end, out, copied, &first);
                if (outcome == REWRITTEN) return WRONG;
                *wrong = first;
                return outcome;
            }
            if (!next) break;
            for (size_t i = 0; i < rows->slot_count; i++) {
                const Slot *slot = rows->slots + i;
                Cell *cell = batch->cells + batch->count++;
                cell->slot = slot;
                cell->span = batch->spans[slot->place];
                cell->subject = (View){NULL, 0};
                if (slot->subject >= 0) {
                    Span span = batch->spans[slot->subject];
                    cell->subject = (View){data + span.first, span.last - span.first};
                }
            }
            rows->rows++;
            at = *stopped = next;
            if (batch->count >= CELLS && (outcome = flush(rows, data, end, out, copied, wrong)) != REWRITTEN) return outcome;
        } else if (c == ';') {
            *stopped = at + 1;
            *ended = 1;
            break;
        } else if (c == '/' || c == '#' || c == '-') {
            size_t next = comment_end(data, at, end);
            if (next == 0) break;
            if (next == 1) goto strange;
            at = next;
        } else {
        strange:
            if ((outcome = flush(rows, data, end, out, copied, wrong)) != REWRITTEN) return outcome;
            wrong_at(wrong, at, -1, "behind a row stands neither a comma nor the end of the statement");
            return WRONG;
        }
    }
    return flush(rows, data, end, out, copied, wrong);
}
