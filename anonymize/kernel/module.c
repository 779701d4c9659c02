/* The kernel as a module of Python: see ../engine.py for what is promised, ../ops.py for what an operation means. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "attributes.h"
#include "making.h"
#include "rows.h"
#include "search.h"
#include "verifying.h"

static PyObject *row_error, *unfit_error;

static PyObject *from(const char *module, const char *name) {
    PyObject *imported = PyImport_ImportModule(module);
    PyObject *found = imported ? PyObject_GetAttrString(imported, name) : NULL;
    Py_XDECREF(imported);
    return found;
}

/* It takes a while to make, so it is there when it is needed. */
int ensure_folds(void) {
    static PyObject *table;
    if (!table && (table = from("anonymize.folding", "TABLE"))) fold_with((const uint8_t *)PyBytes_AsString(table));
    return table != NULL;
}

static int token_key_in(PyObject *object, Kept **kept, TokenKey *made) {
    View key;
    if (!key_in(object, kept, &key)) return 0;
    token_key(made, key.at);
    return 1;
}

static int fold_in(PyObject *object, Fold *fold) {
    long number;
    if (!number_in(object, "fold", &number)) return 0;
    *fold = (Fold)number;
    return *fold != FOLD_CASE || ensure_folds();
}

/* All entries behind each other. */
static int pool_of(PyObject *entries, Kept **kept, Piece *piece) {
    Py_ssize_t count = PyTuple_Size(entries);
    PyObject *nothing = count > 0 ? PyBytes_FromStringAndSize("", 0) : NULL;
    PyObject *joined = nothing ? PyObject_CallMethod(nothing, "join", "(O)", entries) : NULL;
    uint32_t *begins = joined ? keep(kept, (size_t)(count + 1) * sizeof *begins) : NULL;
    uint8_t *all = begins ? keep(kept, (size_t)PyBytes_Size(joined) + MARGIN) : NULL;
    if (all) {
        memcpy(all, PyBytes_AsString(joined), (size_t)PyBytes_Size(joined));
        for (Py_ssize_t i = 0; i < count; i++)
            begins[i + 1] = begins[i] + (uint32_t)PyBytes_Size(PyTuple_GetItem(entries, i));
    }
    Py_XDECREF(nothing);
    Py_XDECREF(joined);
    piece->count = (size_t)count;
    piece->entries = all;
    piece->begins = begins;
    if (count == 0) PyErr_SetString(PyExc_ValueError, "a pool has entries");
    return all != NULL;
}

static int piece_of(PyObject *object, Kept **kept, Piece *piece, size_t *taken) {
    long count = 0;
    if (PyBytes_Check(object)) {
        PyObject *alone = PyTuple_Pack(1, object);
        int done = alone && pool_of(alone, kept, piece);
        Py_XDECREF(alone);
        piece->sort = PIECE_LITERAL;
        return done;
    }
    if (is_a(object, "Pool")) {
        PyObject *entries = PyObject_GetAttrString(object, "entries");
        int done = entries && pool_of(entries, kept, piece);
        Py_XDECREF(entries);
        piece->sort = PIECE_POOL;
        *taken += 8;
        return done;
    }
    if (!number_in(object, "count", &count)) return 0;
    piece->count = (size_t)count;
    piece->entries = NULL;
    if (is_a(object, "Base32")) {
        piece->sort = PIECE_BASE32;
        *taken += (size_t)(5 * count + 7) / 8;
    } else if (is_a(object, "Hex")) {
        piece->sort = PIECE_HEX;
        *taken += (size_t)(count + 1) / 2;
    } else if (is_a(object, "Digits")) {
        piece->sort = PIECE_DIGITS;
        *taken += 8;
        if (count > 18) count = -1;
    } else {
        PyErr_SetString(PyExc_TypeError, "no piece of a template");
        return 0;
    }
    if (count >= 1 && count <= 64) return 1;
    PyErr_SetString(PyExc_ValueError, "a piece has another count than it can");
    return 0;
}

static int template_in(PyObject *object, Kept **kept, Template *template) {
    PyObject *pieces = PyObject_GetAttrString(object, "pieces");
    if (!pieces) return 0;
    Py_ssize_t count = PyTuple_Size(pieces);
    size_t taken = 0;
    Piece *made = count >= 0 ? keep(kept, (size_t)(count + 1) * sizeof(Piece)) : NULL;
    int done = made != NULL;
    for (Py_ssize_t i = 0; done && i < count; i++) done = piece_of(PyTuple_GetItem(pieces, i), kept, made + i, &taken);
    Py_DECREF(pieces);
    *template = (Template){made, (size_t)count, 1};
    for (Py_ssize_t i = 0; done && i < count; i++)
        if (made[i].entries) template->plain &= is_plain(made[i].entries, made[i].begins[made[i].sort == PIECE_POOL ? made[i].count : 1]);
    if (done && taken > TOKEN_BYTES) {
        PyErr_SetString(PyExc_ValueError, "the pieces of a template take more than 32 bytes");
        return 0;
    }
    return done;
}

static int text_in(PyObject *object, Kept **kept, Text **result) {
    static const char *const names[] = {"lower", "upper", "digit"};
    static const char *const members[] = {"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"};
    Text *text = keep(kept, sizeof(Text));
    long other;
    if (!text || !number_in(object, "other", &other) || !bytes_in(object, "keep_until", kept, &text->keep_until))
        return 0;
    text->usual = 1;
    text->other = other != 0;
    memset(text->class_of, KEPT, sizeof text->class_of);
    for (int class = 0; class < KEPT; class++) {
        View alphabet;
        if (!bytes_in(object, names[class], kept, &alphabet)) return 0;
        size_t usual = strlen(members[class]);
        text->usual &= alphabet.length == usual && memcmp(alphabet.at, members[class], usual) == 0;
        if (!alphabet.length) continue;
        for (const char *member = members[class]; *member; member++) text->class_of[(uint8_t)*member] = (uint8_t)class;
        for (size_t chance = 0; chance < 256; chance++)
            text->drawn[class][chance] = alphabet.at[chance * alphabet.length >> 8];
    }
    *result = text;
    return 1;
}

/* Whatever is not done in C is asked of Python: context is a callable of value and subject. */
static Fit ask_python(void *context, const uint8_t *value, size_t length, View subject, Bytes *out, const char **why) {
    PyGILState_STATE held = PyGILState_Ensure();
    Fit fit = RAISED;
    (void)why;
    PyObject *result = PyObject_CallFunction((PyObject *)context, "y#y#", (const char *)value, (Py_ssize_t)length,
                                             subject.at ? (const char *)subject.at : "", (Py_ssize_t)subject.length);
    if (result == Py_None) {
        fit = TO_NULL;
    } else if (result) {
        char *at;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(result, &at, &size) == 0) {
            fit = bytes_put(out, at, (size_t)size) ? FITS : NO_MEMORY;
            if (fit == NO_MEMORY) PyErr_Clear();
        }
    } else if (PyErr_ExceptionMatches(unfit_error)) {
        /* The reason is the exception's own; whoever raises RowError fetches it. */
    }
    Py_XDECREF(result);
    PyGILState_Release(held);
    return fit;
}

int operation_of(PyObject *object, Kept **kept, PyObject *asked, Operation *made) {
    memset(made, 0, sizeof *made);
    if (is_a(object, "Null")) {
        made->sort = OP_NULL;
        return 1;
    }
    if (is_a(object, "Default")) {
        made->sort = OP_DEFAULT;
        return 1;
    }
    if (is_a(object, "Constant")) {
        made->sort = OP_CONSTANT;
        return bytes_in(object, "value", kept, &made->constant);
    }
    if (is_a(object, "Template")) {
        made->sort = OP_TEMPLATE;
        return token_key_in(object, kept, &made->key) && fold_in(object, &made->fold) &&
               template_in(object, kept, &made->template);
    }
    if (is_a(object, "Text")) {
        made->sort = OP_TEXT;
        return token_key_in(object, kept, &made->key) && fold_in(object, &made->fold) && text_in(object, kept, &made->text);
    }
    int known = prepared_of(object, kept, asked, made);
    if (known >= 0) return known;
    made->sort = OP_CALL;
    made->ask = ask_python;
    PyObject *twin = from("anonymize.twin.applying", "apply");
    PyObject *callable = twin ? PyObject_CallFunctionObjArgs(twin, object, NULL) : NULL;
    Py_XDECREF(twin);
    made->context = callable;
    int done = callable && PyList_Append(asked, callable) == 0;
    Py_XDECREF(callable);
    return done;
}

static void release(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Rows. */

/* What was made, for as long as somebody looks at it: memory is not used again before. */
typedef struct {
    Bytes bytes;
    int lookers;
} Made;

typedef struct {
    PyObject_HEAD
    Rows rows;
    Kept *kept;
    PyObject *asked;
    Made *made;  /* by the last call */
    Made *spare; /* nobody looks at it */
    int busy;
} RowsObject;

static void made_free(Made *made) {
    if (made) free(made->bytes.at);
    free(made);
}

/* Empty memory for what is to be made. 0 if there is none. */
static int begin(RowsObject *self) {
    if (!self->made || self->made->lookers) {
        self->made = self->spare ? self->spare : calloc(1, sizeof(Made));
        self->spare = NULL;
    }
    if (self->made) self->made->bytes.length = 0;
    return self->made != NULL;
}

static int Rows_getbuffer(RowsObject *self, Py_buffer *view, int flags) {
    Made *made = self->made;
    if (!made || self->busy) {
        PyErr_SetString(PyExc_BufferError, "nothing has been made");
        view->obj = NULL;
        return -1;
    }
    if (PyBuffer_FillInfo(view, (PyObject *)self, made->bytes.at, (Py_ssize_t)made->bytes.length, 1, flags) < 0) return -1;
    view->internal = made;
    made->lookers++;
    return 0;
}

static void Rows_releasebuffer(RowsObject *self, Py_buffer *view) {
    Made *made = view->internal;
    if (--made->lookers || made == self->made) return;
    made_free(self->spare);
    self->spare = made;
}

static int slot_of(PyObject *object, size_t place, RowsObject *self, Slot *slot) {
    long binary;
    Operation *operation = keep(&self->kept, sizeof(Operation));
    PyObject *op = operation ? PyObject_GetAttrString(object, "op") : NULL;
    if (!op) return 0;
    int done = operation_of(op, &self->kept, self->asked, operation);
    Py_DECREF(op);
    if (!done || !number_in(object, "subject", &slot->subject) || !number_in(object, "binary", &binary)) return 0;
    if (slot->subject >= (long)self->rows.places) {
        PyErr_SetString(PyExc_ValueError, "a subject is a place in the row");
        return 0;
    }
    slot->place = place;
    slot->operation = operation;
    slot->binary = binary != 0;
    return 1;
}

static int Rows_init(RowsObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"program", "grammar", NULL};
    PyObject *program, *grammar;
    long backslash, latin1;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "OO:Rows", names, &program, &grammar)) return -1;
    if (self->asked) {
        PyErr_SetString(PyExc_RuntimeError, "these rows were made already");
        return -1;
    }
    PyObject *slots = PyObject_GetAttrString(program, "slots");
    Py_ssize_t places = slots ? PyTuple_Size(slots) : -1;
    self->asked = PyList_New(0);
    int done = places >= 0 && self->asked && number_in(grammar, "backslash", &backslash) &&
               number_in(grammar, "latin1", &latin1);
    Slot *made = done ? keep(&self->kept, (size_t)(places + 1) * sizeof(Slot)) : NULL;
    unsigned long long *replaced = made ? keep(&self->kept, (size_t)(places + 1) * sizeof *replaced) : NULL;
    done = replaced != NULL;
    if (done) self->rows = (Rows){.grammar = {backslash != 0, latin1 != 0}, .places = (size_t)places, .slots = made,
                                  .replaced = replaced};
    for (Py_ssize_t place = 0; done && place < places; place++) {
        PyObject *slot = PyTuple_GetItem(slots, place);
        if (slot == Py_None) continue;
        done = slot_of(slot, (size_t)place, self, made + self->rows.slot_count);
        self->rows.slot_count++;
    }
    Py_XDECREF(slots);
    return done ? 0 : -1;
}

static void Rows_dealloc(RowsObject *self) {
    batch_free(self->rows.batch);
    made_free(self->made);
    made_free(self->spare);
    forget(self->kept);
    Py_CLEAR(self->asked);
    release((PyObject *)self);
}

static void raise_row_error(const RowsObject *self, const Wrong *wrong) {
    PyObject *why = wrong->why ? PyUnicode_FromString(wrong->why)
                               : PyUnicode_FromFormat("the row has %zu values, and %zu were expected", wrong->values,
                                                      self->rows.places);
    PyObject *place = wrong->place < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(wrong->place);
    PyObject *error = why && place ? PyObject_CallFunction(row_error, "nOO", (Py_ssize_t)wrong->offset, place, why) : NULL;
    if (error) PyErr_SetObject(row_error, error);
    Py_XDECREF(error);
    Py_XDECREF(place);
    Py_XDECREF(why);
}

/* A value's operation has raised in Python: Unfit becomes a RowError, all else goes on. */
static void raise_asked(const RowsObject *self, Wrong *wrong) {
    if (!PyErr_ExceptionMatches(unfit_error)) return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    PyObject *why = value ? PyObject_Str(value) : NULL;
    PyObject *text = why ? PyUnicode_AsUTF8String(why) : NULL;
    if (text) {
        wrong->why = PyBytes_AsString(text);
        raise_row_error(self, wrong);
    }
    Py_XDECREF(text);
    Py_XDECREF(why);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
}

static PyObject *Rows_rewrite(RowsObject *self, PyObject *arguments) {
    Py_buffer data;
    Py_ssize_t start;
    if (!PyArg_ParseTuple(arguments, "y*n:rewrite", &data, &start)) return NULL;
    PyObject *result = NULL;
    if (self->busy || !self->rows.replaced || start < 0 || start > data.len) {
        PyErr_SetString(PyExc_ValueError, "these rows are in use, or start is not in data");
        PyBuffer_Release(&data);
        return NULL;
    }
    size_t copied, stopped;
    int ended;
    Wrong wrong = {0, -1, NULL, 0};
    if (!begin(self)) {
        PyBuffer_Release(&data);
        return PyErr_NoMemory();
    }
    self->busy = 1;
    Bytes *out = &self->made->bytes;
    Outcome outcome;
    const uint8_t *at = data.buf;
    PyThreadState *held = PyEval_SaveThread();
    outcome = rows_rewrite(&self->rows, at, (size_t)start, (size_t)data.len, out, &copied, &stopped, &ended, &wrong);
    if (outcome == REWRITTEN && self->rows.changed && !bytes_put(out, at + copied, stopped - copied))
        outcome = OUT_OF_MEMORY;
    PyEval_RestoreThread(held);
    self->busy = 0;
    if (outcome == REWRITTEN) {
        PyObject *end = PyLong_FromSize_t(stopped);
        PyObject *view = self->rows.changed ? PyMemoryView_FromObject((PyObject *)self) : Py_NewRef(Py_None);
        if (end && view) result = PyTuple_Pack(3, view, end, ended ? Py_True : Py_False);
        Py_XDECREF(end);
        Py_XDECREF(view);
    } else if (outcome == WRONG) {
        raise_row_error(self, &wrong);
    } else if (outcome == PYTHON_RAISED) {
        raise_asked(self, &wrong);
    } else {
        PyErr_NoMemory();
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *Rows_rows(RowsObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->rows.rows);
}

static PyObject *Rows_replaced(RowsObject *self, void *unused) {
    (void)unused;
    PyObject *list = PyList_New((Py_ssize_t)self->rows.places);
    for (size_t place = 0; list && place < self->rows.places; place++) {
        PyObject *count = PyLong_FromUnsignedLongLong(self->rows.replaced[place]);
        if (!count || PyList_SetItem(list, (Py_ssize_t)place, count) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyMethodDef rows_methods[] = {
    {"rewrite", (PyCFunction)Rows_rewrite, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef rows_attributes[] = {
    {"rows", (getter)Rows_rows, NULL, NULL, NULL},
    {"replaced", (getter)Rows_replaced, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot rows_slots[] = {
    {Py_tp_init, Rows_init}, {Py_tp_dealloc, Rows_dealloc}, {Py_tp_methods, rows_methods},
    {Py_tp_getset, rows_attributes},
    {Py_bf_getbuffer, Rows_getbuffer},
    {Py_bf_releasebuffer, Rows_releasebuffer},
    {0, NULL},
};
static PyType_Spec rows_spec = {"anonymize._kernel.Rows", sizeof(RowsObject), 0, Py_TPFLAGS_DEFAULT, rows_slots};

/* One operation by itself. */

typedef struct {
    PyObject_HEAD
    Operation operation;
    Kept *kept;
    PyObject *asked;
} ApplyObject;

static void Apply_dealloc(ApplyObject *self) {
    forget(self->kept);
    Py_CLEAR(self->asked);
    release((PyObject *)self);
}

static PyObject *Apply_call(ApplyObject *self, PyObject *arguments, PyObject *named) {
    Py_buffer value, about;
    (void)named;
    if (!PyArg_ParseTuple(arguments, "y*y*:apply", &value, &about)) return NULL;
    Bytes out = {0}, scratch = {0};
    const char *why = "";
    PyObject *result = NULL;
    View subject = {about.buf, (size_t)about.len};
    Fit fit = apply(&self->operation, value.buf, (size_t)value.len, subject, &scratch, &out, &why);
    switch (fit) {
    case FITS: result = PyBytes_FromStringAndSize(out.at ? (char *)out.at : "", (Py_ssize_t)out.length); break;
    case TO_NULL: result = Py_NewRef(Py_None); break;
    case UNFIT: PyErr_SetString(unfit_error, why); break;
    case NO_MEMORY: PyErr_NoMemory(); break;
    case RAISED: break;
    }
    free(out.at);
    free(scratch.at);
    PyBuffer_Release(&value);
    PyBuffer_Release(&about);
    return result;
}

static PyType_Slot apply_slots[] = {{Py_tp_dealloc, Apply_dealloc}, {Py_tp_call, Apply_call}, {0, NULL}};
static PyType_Spec apply_spec = {"anonymize._kernel.Apply", sizeof(ApplyObject), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, apply_slots};
static PyTypeObject *apply_type;

static PyObject *module_apply(PyObject *module, PyObject *op) {
    (void)module;
    ApplyObject *made = (ApplyObject *)PyType_GenericAlloc(apply_type, 0);
    if (!made) return NULL;
    made->asked = PyList_New(0);
    if (made->asked && operation_of(op, &made->kept, made->asked, &made->operation)) {
        if (made->operation.sort != OP_DEFAULT) return (PyObject *)made;
        PyErr_SetString(PyExc_TypeError, "DEFAULT is a word of SQL, and no value");
    }
    Py_DECREF(made);
    return NULL;
}

static PyObject *module_skip(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer data;
    Py_ssize_t start;
    int state;
    PyObject *grammar;
    long backslash;
    if (!PyArg_ParseTuple(arguments, "y*niO:skip", &data, &start, &state, &grammar)) return NULL;
    PyObject *result = NULL;
    if (start < 0 || start > data.len || state < OUTSIDE || state > IN_COMMENT) {
        PyErr_SetString(PyExc_ValueError, "start is not in data, or there is no such state");
    } else if (number_in(grammar, "backslash", &backslash)) {
        size_t end;
        PyThreadState *held = PyEval_SaveThread();
        end = skip_statement(data.buf, (size_t)start, (size_t)data.len, backslash != 0, &state);
        PyEval_RestoreThread(held);
        result = Py_BuildValue("ni", (Py_ssize_t)end, state);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *module_lines(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer data;
    Py_ssize_t start, end;
    if (!PyArg_ParseTuple(arguments, "y*nn:lines", &data, &start, &end)) return NULL;
    PyObject *count = NULL;
    if (start < 0 || end > data.len) PyErr_SetString(PyExc_ValueError, "start or end is not in data");
    else count = PyLong_FromSize_t(count_lines(data.buf, (size_t)start, (size_t)end));
    PyBuffer_Release(&data);
    return count;
}

static PyMethodDef functions[] = {
    {"apply", module_apply, METH_O, NULL},
    {"skip", module_skip, METH_VARARGS, NULL},
    {"lines", module_lines, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int add_types(PyObject *module) {
    PyObject *rows = PyType_FromSpec(&rows_spec);
    apply_type = (PyTypeObject *)PyType_FromSpec(&apply_spec);
    int done = rows && apply_type && PyModule_AddObjectRef(module, "Rows", rows) == 0;
    Py_XDECREF(rows);
    return done;
}

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "anonymize._kernel", NULL, -1, functions,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernel(void);
PyMODINIT_FUNC PyInit__kernel(void) {
    row_error = from("anonymize.sql", "RowError");
    unfit_error = from("anonymize.errors", "Unfit");
    if (!row_error || !unfit_error) return NULL;
    PyObject *module = PyModule_Create(&definition);
    if (module && !(add_types(module) && add_verifying(module, row_error))) Py_CLEAR(module);
    return module;
}
