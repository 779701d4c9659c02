/* Operations, made of the objects that say what they are. Whatever returns 0 has raised an exception. */

#ifndef ANONYMIZE_MAKING_H
#define ANONYMIZE_MAKING_H

#include "attributes.h"

/* An operation of `object`. `asked` is a list that keeps callables alive. */
int operation_of(PyObject *object, Kept **kept, PyObject *asked, Operation *made);

/* The same for Numerals, Address, Shift and Json, which prepare something of their own; -1 for any other. */
int prepared_of(PyObject *object, Kept **kept, PyObject *asked, Operation *made);

#endif
