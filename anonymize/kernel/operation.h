/* What is done to one value: ../ops.py says what each operation means. */

#ifndef ANONYMIZE_OPERATION_H
#define ANONYMIZE_OPERATION_H

#include "blake2s.h"
#include "bytes.h"

typedef enum { FOLD_NONE = 0, FOLD_TRIM = 1, FOLD_CASE = 2 } Fold;

typedef enum {
    OP_NULL, OP_DEFAULT, OP_CONSTANT, OP_TEMPLATE, OP_TEXT, OP_NUMERALS, OP_ADDRESS, OP_SHIFT, OP_JSON, OP_CALL
} Sort;

typedef enum { PIECE_LITERAL, PIECE_BASE32, PIECE_HEX, PIECE_DIGITS, PIECE_POOL } PieceSort;

/* A stretch of bytes that belongs to somebody else. */
typedef struct {
    const uint8_t *at;
    size_t length;
} View;

typedef struct {
    PieceSort sort;
    size_t count;           /* characters, or entries */
    const uint8_t *entries; /* of a pool, or a literal's only one: all in one piece, with a margin */
    const uint32_t *begins; /* of each entry, and the end of the last */
} Piece;

typedef struct {
    const Piece *pieces;
    size_t count;
    int plain; /* nothing in it ever has to be escaped */
} Template;

typedef struct {
    uint8_t drawn[4][256]; /* by class and chance: the character */
    uint8_t class_of[256]; /* of an ASCII character; KEPT stays */
    int usual;             /* the alphabets are a-z, A-Z and 0-9 */
    int other;
    View keep_until;
} Text;

enum { KEPT = 3 };

/* One operation; what it points to lives as long as it. */
typedef struct Operation {
    Sort sort;
    Fold fold;
    TokenKey key;
    union {
        View constant;
        Template template;
        Text *text;
        void *own; /* what the operation's own file prepared */
    };
    /* OP_CALL, and whatever else is not done here: asks Python. */
    Fit (*ask)(void *context, const uint8_t *value, size_t length, View subject, Bytes *out, const char **why);
    void *context;
} Operation;

/* Whether the result is drawn from the token of the folded value: Template and Text. */
static inline int draws(const Operation *operation) {
    return operation->sort == OP_TEMPLATE || operation->sort == OP_TEXT;
}

enum { CAPITALS = 1, BEYOND_ASCII = 2 };

/* Which of these there are. */
unsigned look(const uint8_t *value, size_t length);

/* What counts as `value`, in which `seen` was: `value` itself, shortened, or what was put behind `scratch`; its place is
   *at then. Returns 0 without memory, 1 if it is the value's own first *length bytes, 2 if it is in scratch. */
int folded(Fold fold, unsigned seen, const uint8_t *value, size_t *length, Bytes *scratch, size_t *at);

/* The table behind Fold.CASE: for each character from U+0080 to U+1FFF eight bytes, a length and that much of UTF-8. */
void fold_with(const uint8_t *table);

/* A result has to be escaped nowhere that its value had not. */
static inline int keeps_plain(const Operation *operation) {
    return operation->sort == OP_TEMPLATE ? operation->template.plain
                                          : operation->sort == OP_TEXT && operation->text->usual;
}

/* What becomes of a value that is not empty, and has a margin behind it, put behind `out`. If it draws: `seen` was in
   the value, and `token` is that of its folded bytes. */
Fit operate(const Operation *operation, const uint8_t *value, size_t length, View subject, unsigned seen,
            const uint8_t *token, Bytes *out, const char **why);

/* All of it, for a single value: folds, hashes, operates; knows what becomes of empty values. */
Fit apply(const Operation *operation, const uint8_t *value, size_t length, View subject, Bytes *scratch, Bytes *out,
          const char **why);

#endif
