/* The kernel as a module of Python; ../_kernel.pyi says what is promised. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "builder.h"
#include "table.h"

#include <stdlib.h>

static int read_key(const Py_buffer *from, Key *key) {
    if (from->len != 16) {
        PyErr_SetString(PyExc_ValueError, "a key has 16 bytes");
        return 0;
    }
    *key = key_of(from->buf);
    return 1;
}

static PyObject *module_siphash(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer key_bytes, message;
    Key key;
    if (!PyArg_ParseTuple(arguments, "y*y*:siphash", &key_bytes, &message)) return NULL;
    PyObject *hash = NULL;
    if (read_key(&key_bytes, &key)) hash = PyLong_FromUnsignedLongLong(siphash(key, message.buf, (size_t)message.len));
    PyBuffer_Release(&message);
    PyBuffer_Release(&key_bytes);
    return hash;
}

/* Give back the object's own memory, and its hold on its type. */
static void release(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Builder. */

typedef struct {
    PyObject_HEAD
    Builder *builder;
    int busy;
} BuilderObject;

static PyObject *raised(Outcome outcome) {
    switch (outcome) {
    case NOT_EVEN_ESSENTIAL: PyErr_SetString(PyExc_OverflowError, "not even the essential grams fit"); break;
    case OTHER_FIELDS: PyErr_SetString(PyExc_ValueError, "a row has another number of fields than columns"); break;
    case OPEN_ROW: PyErr_SetString(PyExc_ValueError, "the rows end inside a row"); break;
    default: PyErr_NoMemory();
    }
    return NULL;
}

static int Builder_init(BuilderObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"key", "columns", "bits", "capacity", NULL};
    Py_buffer key_bytes;
    Py_ssize_t columns;
    int bits;
    unsigned long long capacity;
    Key key;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "y*niK:Builder", names, &key_bytes, &columns, &bits, &capacity))
        return -1;
    int fine = read_key(&key_bytes, &key);
    PyBuffer_Release(&key_bytes);
    if (!fine) return -1;
    if (self->builder || columns < 0 || bits < 1 || bits > 30) {
        PyErr_SetString(PyExc_ValueError, "a builder has columns, and 2 to 2**30 buckets");
        return -1;
    }
    self->builder = builder_new(key, (size_t)columns, (unsigned)bits, capacity);
    if (self->builder) return 0;
    PyErr_NoMemory();
    return -1;
}

static void Builder_dealloc(BuilderObject *self) {
    if (self->builder) builder_free(self->builder);
    release((PyObject *)self);
}

/* A builder is one thread's at a time. */
static int begin(BuilderObject *self) {
    if (self->builder && !self->busy) return self->busy = 1;
    PyErr_SetString(PyExc_RuntimeError, "this builder is in use, or was never made");
    return 0;
}

static PyObject *ended(BuilderObject *self, Outcome outcome) {
    self->busy = 0;
    if (outcome != FINE) return raised(outcome);
    Py_RETURN_NONE;
}

static PyObject *Builder_add(BuilderObject *self, PyObject *arguments) {
    Py_ssize_t column;
    Py_buffer value;
    if (!PyArg_ParseTuple(arguments, "ny*:add", &column, &value)) return NULL;
    PyObject *done = NULL;
    if (begin(self)) {
        if (column < 0 || (size_t)column >= builder_columns(self->builder)) {
            PyErr_SetString(PyExc_IndexError, "there is no such column");
            self->busy = 0;
        } else {
            done = ended(self, builder_add(self->builder, (size_t)column, value.buf, (size_t)value.len));
        }
    }
    PyBuffer_Release(&value);
    return done;
}

/* The columns of a row's fields, to be freed by the caller; null with an exception set. */
static long *fields_of(PyObject *sequence, size_t columns, Py_ssize_t *count) {
    *count = PySequence_Size(sequence);
    if (*count < 0) return NULL;
    long *fields = malloc(((size_t)*count + 1) * sizeof *fields);
    if (!fields) return (long *)PyErr_NoMemory();
    for (Py_ssize_t at = 0; at < *count; at++) {
        PyObject *item = PySequence_GetItem(sequence, at);
        fields[at] = item ? PyLong_AsLong(item) : -1;
        Py_XDECREF(item);
        if (!PyErr_Occurred() && (fields[at] < -1 || (fields[at] >= 0 && (size_t)fields[at] >= columns)))
            PyErr_SetString(PyExc_IndexError, "there is no such column");
        if (PyErr_Occurred()) {
            free(fields);
            return NULL;
        }
    }
    return fields;
}

static PyObject *Builder_add_rows(BuilderObject *self, PyObject *arguments) {
    PyObject *sequence, *done = NULL;
    Py_buffer chunk;
    if (!PyArg_ParseTuple(arguments, "Oy*:add_rows", &sequence, &chunk)) return NULL;
    if (begin(self)) {
        Py_ssize_t count;
        long *fields = fields_of(sequence, builder_columns(self->builder), &count);
        if (fields) {
            Outcome outcome;
            Py_BEGIN_ALLOW_THREADS;
            outcome = builder_set_fields(self->builder, fields, (size_t)count);
            if (outcome == FINE) outcome = builder_add_rows(self->builder, chunk.buf, (size_t)chunk.len);
            Py_END_ALLOW_THREADS;
            free(fields);
            done = ended(self, outcome);
        }
        self->busy = 0;
    }
    PyBuffer_Release(&chunk);
    return done;
}

static PyObject *Builder_finish(BuilderObject *self, PyObject *none) {
    (void)none;
    uint64_t entries = 0, shorts = 0;
    int whole = 0;
    if (!begin(self)) return NULL;
    Outcome outcome;
    Py_BEGIN_ALLOW_THREADS;
    outcome = builder_finish(self->builder, &entries, &whole, &shorts);
    Py_END_ALLOW_THREADS;
    self->busy = 0;
    if (outcome != FINE) return raised(outcome);
    return Py_BuildValue("(KOK)", (unsigned long long)entries, whole ? Py_True : Py_False, (unsigned long long)shorts);
}

static int is_filter(Py_ssize_t length) {
    if (length > 0 && length <= (1 << FILTER_BITS) / 8 && !(length & (length - 1))) return 1;
    PyErr_SetString(PyExc_ValueError, "a filter has 1 to 131072 bytes, a power of two");
    return 0;
}

static PyObject *Builder_filter(BuilderObject *self, PyObject *arguments) {
    Py_ssize_t length;
    if (!PyArg_ParseTuple(arguments, "n:filter", &length) || !is_filter(length) || !begin(self)) return NULL;
    PyObject *filter = NULL;
    uint8_t *bytes = malloc((size_t)length);
    if (bytes) {
        builder_filter(self->builder, bytes, (size_t)length);
        filter = PyBytes_FromStringAndSize((const char *)bytes, length);
        free(bytes);
    } else {
        PyErr_NoMemory();
    }
    self->busy = 0;
    return filter;
}

typedef struct {
    PyObject *sink;
    PyThreadState *thread;
} Sink;

static int emit_to_python(void *context, const uint32_t *entries, size_t buckets) {
    Sink *sink = context;
    PyEval_RestoreThread(sink->thread);
    Py_ssize_t length = (Py_ssize_t)(buckets * SLOTS * sizeof *entries);
    PyObject *said = PyObject_CallFunction(sink->sink, "y#", (const char *)entries, length);
    Py_XDECREF(said);
    sink->thread = PyEval_SaveThread();
    return said != NULL;
}

static PyObject *Builder_write(BuilderObject *self, PyObject *arguments) {
    unsigned long long buckets;
    Sink sink;
    if (!PyArg_ParseTuple(arguments, "KO:write", &buckets, &sink.sink) || !begin(self)) return NULL;
    uint64_t written = 0;
    sink.thread = PyEval_SaveThread();
    Outcome outcome = builder_write(self->builder, buckets, emit_to_python, &sink, &written);
    PyEval_RestoreThread(sink.thread);
    self->busy = 0;
    if (PyErr_Occurred()) return NULL;
    if (outcome != FINE) return raised(outcome);
    return PyLong_FromUnsignedLongLong(written);
}

static PyMethodDef builder_methods[] = {
    {"add", (PyCFunction)(void *)Builder_add, METH_VARARGS, NULL},
    {"add_rows", (PyCFunction)(void *)Builder_add_rows, METH_VARARGS, NULL},
    {"finish", (PyCFunction)(void *)Builder_finish, METH_NOARGS, NULL},
    {"filter", (PyCFunction)(void *)Builder_filter, METH_VARARGS, NULL},
    {"write", (PyCFunction)(void *)Builder_write, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot builder_slots[] = {
    {Py_tp_init, (void *)Builder_init},
    {Py_tp_dealloc, (void *)Builder_dealloc},
    {Py_tp_methods, builder_methods},
    {0, NULL},
};
static PyType_Spec builder_spec = {
    "migci.adapters.gate._kernel.Builder", sizeof(BuilderObject), 0, Py_TPFLAGS_DEFAULT, builder_slots};

/* Public. */

typedef struct {
    PyObject_HEAD
    Public public;
    Py_ssize_t readers;
} PublicObject;

static void Public_dealloc(PublicObject *self) {
    public_free(&self->public);
    release((PyObject *)self);
}

static PyObject *Public_add(PublicObject *self, PyObject *text_object) {
    if (self->readers) {
        PyErr_SetString(PyExc_RuntimeError, "a search is using this set");
        return NULL;
    }
    Py_buffer text;
    if (PyObject_GetBuffer(text_object, &text, PyBUF_SIMPLE)) return NULL;
    int fine = public_add(&self->public, text.buf, (size_t)text.len);
    PyBuffer_Release(&text);
    if (!fine) return PyErr_NoMemory();
    Py_RETURN_NONE;
}

static Py_ssize_t Public_length(PublicObject *self) {
    const Public *public = &self->public;
    return (Py_ssize_t)(public->grams.used + public->shorts.used) + public->grams.has_zero;
}

static PyMethodDef public_methods[] = {
    {"add", (PyCFunction)(void *)Public_add, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot public_slots[] = {
    {Py_tp_dealloc, (void *)Public_dealloc},
    {Py_tp_methods, public_methods},
    {Py_sq_length, (void *)Public_length},
    {0, NULL},
};
static PyType_Spec public_spec = {
    "migci.adapters.gate._kernel.Public", sizeof(PublicObject), 0, Py_TPFLAGS_DEFAULT, public_slots};

static PyTypeObject *public_type;

/* Table. */

typedef struct {
    PyObject_HEAD
    Table table;
    PyObject *held;
    Py_ssize_t offset, filter_bytes;
} TableObject;

static int Table_init(TableObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"key", "table", "offset", "filter_bytes", "buckets", "all_buckets", "bits", NULL};
    Py_buffer key_bytes;
    PyObject *held;
    unsigned long long buckets, all_buckets;
    int bits;
    Py_ssize_t offset, filter_bytes;
    Key key;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "y*OnnKKi:Table", names, &key_bytes, &held, &offset,
                                     &filter_bytes, &buckets, &all_buckets, &bits))
        return -1;
    int fine = read_key(&key_bytes, &key);
    PyBuffer_Release(&key_bytes);
    if (!fine || !is_filter(filter_bytes)) return -1;
    if (self->held || offset < 0 || offset % 4 || filter_bytes % 4 || bits < 1 || bits > 30 || !buckets ||
        buckets > all_buckets || buckets >> bits > 1 || all_buckets >> 40) {
        PyErr_SetString(PyExc_ValueError, "this is no table");
        return -1;
    }
    self->table = (Table){key, (unsigned)bits, buckets, all_buckets, (uint64_t)filter_bytes * 8, NULL, NULL};
    self->table.absent = malloc(sizeof *self->table.absent);
    if (!self->table.absent) {
        PyErr_NoMemory();
        return -1;
    }
    absent_clear(self->table.absent);
    self->offset = offset, self->filter_bytes = filter_bytes;
    Py_INCREF(held);
    self->held = held;
    return 0;
}

static void Table_dealloc(TableObject *self) {
    free(self->table.absent);
    free(self->table.learnt);
    Py_XDECREF(self->held);
    release((PyObject *)self);
}

static PyObject *as_list(const Spans *spans) {
    PyObject *list = PyList_New((Py_ssize_t)spans->count);
    for (size_t at = 0; list && at < spans->count; at++) {
        const Span *span = spans->spans + at;
        PyObject *one = Py_BuildValue("(nnI)", (Py_ssize_t)span->start, (Py_ssize_t)span->end, span->column);
        if (!one || PyList_SetItem(list, (Py_ssize_t)at, one)) Py_CLEAR(list);
    }
    return list;
}

/* The table's memory, to be released by the caller; returns whether all of it is there. */
static int borrow(const TableObject *self, Py_buffer *table, const uint8_t **filter, const uint32_t **entries) {
    if (!self->held) {
        PyErr_SetString(PyExc_ValueError, "this table was never made");
        return 0;
    }
    if (PyObject_GetBuffer(self->held, table, PyBUF_SIMPLE)) return 0;
    Py_ssize_t begins = self->offset + self->filter_bytes;
    const uint8_t *bytes = table->buf;
    *filter = bytes + self->offset;
    *entries = (const uint32_t *)(const void *)(bytes + begins);
    if (table->len >= begins && (uint64_t)(table->len - begins) / 64 >= self->table.all_buckets &&
        ((uintptr_t)bytes + (uintptr_t)begins) % 4 == 0)
        return 1;
    PyErr_SetString(PyExc_ValueError, "the table is cut off");
    PyBuffer_Release(table);
    return 0;
}

static PyObject *find(TableObject *self, const Py_buffer *data, PublicObject *public) {
    Py_buffer table;
    const uint8_t *filter;
    const uint32_t *entries;
    Spans spans = {0};
    int fine;
    if (!borrow(self, &table, &filter, &entries)) return NULL;
    if (public) public->readers++;
    Py_BEGIN_ALLOW_THREADS;
    fine = table_find(&self->table, entries, filter, public ? &public->public : NULL, data->buf, (size_t)data->len,
                      &spans);
    Py_END_ALLOW_THREADS;
    if (public) public->readers--;
    PyObject *list = fine ? as_list(&spans) : PyErr_NoMemory();
    free(spans.spans);
    PyBuffer_Release(&table);
    return list;
}

static PyObject *Table_find(TableObject *self, PyObject *arguments) {
    Py_buffer data;
    PyObject *public = Py_None, *list = NULL;
    if (!PyArg_ParseTuple(arguments, "y*|O:find", &data, &public)) return NULL;
    if (public != Py_None && !PyObject_TypeCheck(public, public_type))
        PyErr_SetString(PyExc_TypeError, "what is public is given as a Public");
    else if (!PyErr_Occurred())
        list = find(self, &data, public == Py_None ? NULL : (PublicObject *)public);
    PyBuffer_Release(&data);
    return list;
}

static PyObject *Table_holds(TableObject *self, PyObject *arguments) {
    Py_buffer parts, lengths, table;
    const uint8_t *filter;
    const uint32_t *entries;
    PyObject *answer = NULL;
    if (!PyArg_ParseTuple(arguments, "y*y*:holds", &parts, &lengths)) return NULL;
    const uint8_t *each = lengths.buf;
    Py_ssize_t size = 0;
    for (Py_ssize_t at = 0; at < lengths.len; at++) size += each[at];
    if (size != parts.len) {
        PyErr_SetString(PyExc_ValueError, "the parts are not as long as it is said");
    } else if (borrow(self, &table, &filter, &entries)) {
        int found;
        Py_BEGIN_ALLOW_THREADS;
        found = table_holds(&self->table, entries, filter, parts.buf, each, (size_t)lengths.len);
        Py_END_ALLOW_THREADS;
        answer = PyBool_FromLong(found);
        PyBuffer_Release(&table);
    }
    PyBuffer_Release(&lengths);
    PyBuffer_Release(&parts);
    return answer;
}

static PyObject *Table_learn(TableObject *self, PyObject *arguments) {
    unsigned char column;
    Py_buffer value;
    if (!PyArg_ParseTuple(arguments, "by*:learn", &column, &value)) return NULL;
    int fine = self->held && table_learn(&self->table, column, value.buf, (size_t)value.len);
    PyBuffer_Release(&value);
    if (fine) Py_RETURN_NONE;
    return PyErr_Format(PyExc_OverflowError, "this is no value to learn, or there is no room for more");
}

static PyMethodDef table_methods[] = {
    {"learn", (PyCFunction)(void *)Table_learn, METH_VARARGS, NULL},
    {"find", (PyCFunction)(void *)Table_find, METH_VARARGS, NULL},
    {"holds", (PyCFunction)(void *)Table_holds, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot table_slots[] = {
    {Py_tp_init, (void *)Table_init},
    {Py_tp_dealloc, (void *)Table_dealloc},
    {Py_tp_methods, table_methods},
    {0, NULL},
};
static PyType_Spec table_spec = {
    "migci.adapters.gate._kernel.Table", sizeof(TableObject), 0, Py_TPFLAGS_DEFAULT, table_slots};

static PyMethodDef module_methods[] = {
    {"siphash", module_siphash, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_kernel", NULL, -1, module_methods, NULL, NULL, NULL, NULL};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec, PyTypeObject **kept) {
    PyObject *type = PyType_FromSpec(spec);
    int fine = type && !PyModule_AddObjectRef(module, name, type);
    if (fine && kept)
        *kept = (PyTypeObject *)type;
    else
        Py_XDECREF(type);
    return fine;
}

PyMODINIT_FUNC PyInit__kernel(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module && add_type(module, "Builder", &builder_spec, NULL) &&
        add_type(module, "Public", &public_spec, &public_type) && add_type(module, "Table", &table_spec, NULL))
        return module;
    Py_XDECREF(module);
    return NULL;
}
