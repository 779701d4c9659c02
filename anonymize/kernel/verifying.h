/* What verifies a result, as types of the module. */

#ifndef ANONYMIZE_VERIFYING_H
#define ANONYMIZE_VERIFYING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The table behind Fold.CASE is there from then on. 0 with an exception. */
int ensure_folds(void);

/* Add Originals, Relation, Pairs and Leaks; `row_error` is anonymize.sql.RowError. 0 with an exception. */
int add_verifying(PyObject *module, PyObject *row_error);

#endif
