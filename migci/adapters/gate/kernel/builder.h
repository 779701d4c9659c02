/* Taking values, and writing the table of their grams; ../_kernel.pyi says what is promised. */
#ifndef MIGCI_BUILDER_H
#define MIGCI_BUILDER_H

#include "entries.h"

typedef struct Builder Builder;

/* Null when there is no memory for it. */
Builder *builder_new(Key key, size_t columns, unsigned bits, uint64_t capacity);
void builder_free(Builder *builder);

size_t builder_columns(const Builder *builder);

Outcome builder_add(Builder *builder, size_t column, const uint8_t *value, size_t length);

/* What columns the fields of the rows have that come next; -1 passes over. Each has been looked at. */
Outcome builder_set_fields(Builder *builder, const long *columns, size_t count);
Outcome builder_add_rows(Builder *builder, const uint8_t *chunk, size_t length);

Outcome builder_finish(Builder *builder, uint64_t *entries, int *whole, uint64_t *shorts);

/* `length` is a power of two, of at most FILTER_BITS. */
void builder_filter(const Builder *builder, uint8_t *filter, size_t length);

/* As store_write. */
Outcome builder_write(Builder *builder, uint64_t buckets, Emit *emit, void *context, uint64_t *written);

#endif
