/* See documents.h. */

#include "documents.h"

static Fit leaf(void *context, int rule, const uint8_t *value, size_t length, Bytes *out, const char **why) {
    Documents *documents = context;
    documents->folded.length = 0;
    return apply(documents->operations + rule, value, length, (View){NULL, 0}, &documents->folded, out, why);
}

Fit documents(Documents *documents, const uint8_t *document, size_t length, Bytes *out, const char **why) {
    /* A leaf's operation in Python may come back to this one, so what is in use is out of its reach. */
    Bytes decoded = documents->decoded;
    documents->decoded = (Bytes){0};
    Fit fit = json(documents->states, document, length, leaf, documents, out, &decoded, why);
    free(documents->decoded.at);
    documents->decoded = decoded;
    return fit;
}

void documents_end(void *documents) {
    free(((Documents *)documents)->decoded.at);
    free(((Documents *)documents)->folded.at);
}
