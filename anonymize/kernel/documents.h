/* JSON documents whose leaves have operations. */

#ifndef ANONYMIZE_DOCUMENTS_H
#define ANONYMIZE_DOCUMENTS_H

#include "json.h"
#include "operation.h"

typedef struct {
    JsonState *states;
    Operation *operations; /* by the rules' numbers; the last is for leaves that no rule knows */
    Bytes decoded, folded;
} Documents;

/* What takes the document's place is appended to `out`. For one thread at a time. */
Fit documents(Documents *documents, const uint8_t *document, size_t length, Bytes *out, const char **why);

/* Frees what was needed on the way. */
void documents_end(void *documents);

#endif
