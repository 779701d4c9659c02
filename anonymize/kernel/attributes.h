/* What the attributes of an operation hold, as C has it. Whatever returns 0 has raised an exception. */

#ifndef ANONYMIZE_ATTRIBUTES_H
#define ANONYMIZE_ATTRIBUTES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "operation.h"

/* Memory that lives as long as the object that it belongs to. */
typedef struct Kept {
    struct Kept *next;
    void (*end)(void *memory); /* NULL, or what is done to it at the end */
} Kept;

/* Zeros; NULL with an exception. */
void *keep(Kept **all, size_t size);

/* The same for what has to be ended. */
void *keep_until(Kept **all, size_t size, void (*end)(void *memory));

void forget(Kept *all);

/* A copy of the bytes. */
int bytes_of(PyObject *bytes, Kept **kept, View *view);

/* A copy of the attribute's bytes. */
int bytes_in(PyObject *object, const char *name, Kept **kept, View *view);

/* A whole number in the attribute; -1 for None. */
int number_in(PyObject *object, const char *name, long *number);

/* The attribute "key", which has 32 bytes. */
int key_in(PyObject *object, Kept **kept, View *key);

/* Whether that is the name of its type. */
int is_a(PyObject *object, const char *name);

#endif
