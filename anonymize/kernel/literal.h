/* One value as SQL writes it: its plain bytes, and how what takes its place is written. */

#ifndef ANONYMIZE_LITERAL_H
#define ANONYMIZE_LITERAL_H

#include "bytes.h"

typedef struct {
    int backslash; /* escapes what follows, in a string */
    int latin1;    /* text is in what MySQL calls latin1 */
} Grammar;

typedef enum { QUOTED, HEX, NUMBER } Form;

/* A value that is written out; its body is lexeme[first, last). */
typedef struct {
    Form form;
    size_t first, last;
    int latin1;
    int zero_x; /* HEX as 0x…, and not as x'…' */
    uint8_t quote;
} Literal;

/* The parts of a lexeme that is not NULL; UNFIT if it is anything but a string or a number written out. */
Fit literal_read(const uint8_t *lexeme, size_t length, Grammar grammar, int binary, Literal *literal, const char **why);

/* Put the plain bytes, text in UTF-8, behind `out`; 0 without memory. */
int literal_value(const uint8_t *lexeme, const Literal *literal, Grammar grammar, Bytes *out);

/* Put `result` behind `out`, as a literal that stands where `lexeme` stood; 0 without memory. */
int literal_write(const uint8_t *result, size_t length, const uint8_t *lexeme, size_t lexeme_length,
                  const Literal *literal, Grammar grammar, Bytes *out);

/* Whether these bytes can stand in a string as they are. */
int is_plain(const uint8_t *text, size_t length);

#endif
