/* Numerals: the digits of a value change together, the rest of it stays where it is. See anonymize/ops.py. */

#ifndef ANONYMIZE_NUMERALS_H
#define ANONYMIZE_NUMERALS_H

#include "bytes.h"
#include "ff1.h"

enum { NUMERALS_LONGEST = 118 }; /* radix 2: two halves of 59 bits */

typedef struct {
    Aes aes;
    uint8_t key[32];
    unsigned radix;
    size_t keep;
    bool number;
    bool versioned;                /* of a uuid's numerals, those for its version and variant stay */
    Wide maximum;                  /* a larger number than any that is permuted, where there is none */
    unsigned longest;              /* more numerals are drawn */
    Wide powers[NUMERALS_LONGEST + 1]; /* of the radix, to that of `longest` */
    uint8_t strange[256];          /* whether a character does not belong in a value */
    uint8_t place[256];            /* of a character in the alphabet, in either case; 255 for all others */
    uint8_t spelling[2][128];      /* the alphabet, in lower case and in upper case */
    Ff1 ff1[NUMERALS_LONGEST + 1]; /* by the count of numerals; 0 and 1 are not used */
} Numerals;

typedef struct {
    const uint8_t *key; /* 32 bytes */
    const uint8_t *alphabet;
    size_t radix; /* the alphabet's length */
    const uint8_t *tweak;
    size_t tweak_length;
    size_t keep;
    bool number;
    bool versioned;
    bool has_maximum;
    Wide maximum; /* 2**127 for one that is larger */
    const uint8_t *others; /* NULL: any */
    size_t others_length;
} NumeralsRule;

/* 0 where the alphabet has fewer than 2 characters, one twice, one in upper case or one beyond ASCII. */
int numerals_prepare(Numerals *numerals, const NumeralsRule *rule);

/* What takes the value's place is appended to `out`. */
Fit numerals(const Numerals *numerals, const uint8_t *value, size_t length, Bytes *out, const char **why);

#endif
