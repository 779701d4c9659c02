/* What need not be looked at, told fast: ../_sieve.pyi says what is promised, ../_sieve_pure.py does the same. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "grams.h"

#include <stdlib.h>

enum {
    LONGEST_LINE = 1000,
    SHORTEST_RUN = 11,
    LONGEST_RUN = 64,
    SHORTEST_LINE = 16,
    PAIRS = 8,
    /* what a text has; the same numbers are in ../_sieve_pure.py */
    CONTROLS = 1,
    BEYOND_ASCII = 2,
    BROKEN_RUNS = 4,
    DIGIT_PAIRS = 8,
};

enum { RUN = 1, DIGIT = 2, SEPARATOR = 4, CONTROL = 8, BEYOND = 16, WORD = 32 };

static uint8_t classes[256], shapes[256];

static void fill_tables(void) {
    for (int byte = 0; byte < 256; byte++) {
        int digit = byte >= '0' && byte <= '9', upper = byte >= 'A' && byte <= 'Z', lower = byte >= 'a' && byte <= 'z';
        int other = byte == '+' || byte == '/' || byte == '_' || byte == '-';
        int hexadecimal = digit || (byte >= 'A' && byte <= 'F') || (byte >= 'a' && byte <= 'f');
        int control = byte <= 15 && byte != '\t' && byte != '\n' && byte != '\r';
        classes[byte] = (uint8_t)((digit || upper || lower || other ? RUN : 0) | (hexadecimal ? DIGIT : 0) |
                                  (byte == ' ' || byte == ':' || byte == ',' || byte == '-' ? SEPARATOR : 0) |
                                  (digit || upper || lower || byte == '_' || byte >= 128 ? WORD : 0) |
                                  (control ? CONTROL : 0) | (byte >= 128 ? BEYOND : 0));
        shapes[byte] = (uint8_t)(digit ? '0' : upper ? byte + 32 : byte);
    }
}

static void release(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static int read_key(PyObject *arguments, const char *format, Key *key, int *bits) {
    Py_buffer bytes;
    if (!PyArg_ParseTuple(arguments, format, &bytes, bits)) return 0;
    int fine = bytes.len == 16 && *bits >= 4 && *bits <= 24;
    if (fine)
        *key = key_of(bytes.buf);
    else
        PyErr_SetString(PyExc_ValueError, "a key has 16 bytes, and there is room for 2**4 to 2**24");
    PyBuffer_Release(&bytes);
    return fine;
}

/* Lines. */

typedef struct {
    uint64_t hash;
    uint32_t after, answer;
} Line;

typedef struct {
    PyObject_HEAD
    Key key;
    Line *lines; /* a hash of zero is none */
    size_t room, used;
} LinesObject;

static int Lines_init(LinesObject *self, PyObject *arguments, PyObject *named) {
    int bits;
    (void)named;
    if (!read_key(arguments, "y*i:Lines", &self->key, &bits)) return -1;
    free(self->lines);
    self->room = (size_t)1 << bits;
    self->used = 0;
    self->lines = calloc(self->room, sizeof *self->lines);
    if (self->lines) return 0;
    PyErr_NoMemory();
    return -1;
}

static void Lines_dealloc(LinesObject *self) {
    free(self->lines);
    release((PyObject *)self);
}

/* A word of hexadecimal digits, with letters among them, is nothing but its length: no two ids make two shapes. One that
   may be a number with an exponent is left as it is. */
static void hide_ids(uint8_t *shape, size_t length) {
    for (size_t at = 0; at < length; at++) {
        size_t start = at;
        unsigned all = DIGIT, digits = 0, others = 0;
        for (; at < length && classes[shape[at]] & WORD; at++) {
            all &= classes[shape[at]];
            digits += shape[at] == '0';
            others += shape[at] != '0' && shape[at] != 'e';
        }
        size_t size = at - start;
        if (size >= 4 && all && digits && digits < size && (others || size - digits > 1)) memset(shape + start, 'a', size);
    }
}

/* The state is a part of what is hashed: it stands before the shape. */
static uint64_t line_hash(Key key, uint32_t state, const uint8_t *text, size_t length) {
    uint8_t buffer[4 + LONGEST_LINE];
    memcpy(buffer, &state, 4);
    for (size_t at = 0; at < length; at++) buffer[4 + at] = shapes[text[at]];
    hide_ids(buffer + 4, length);
    uint64_t hash = siphash(key, buffer, 4 + length);
    return hash ? hash : 1;
}

static Line *line_at(const LinesObject *self, uint64_t hash) {
    for (size_t slot = hash & (self->room - 1);; slot = (slot + 1) & (self->room - 1))
        if (!self->lines[slot].hash || self->lines[slot].hash == hash) return self->lines + slot;
}

static PyObject *scan(LinesObject *self, const uint8_t *text, size_t length, size_t at, uint32_t state) {
    PyObject *told = PyList_New(0);
    while (told && at < length) {
        const uint8_t *end = memchr(text + at, '\n', length - at);
        size_t size = end ? (size_t)(end - text) - at : length - at;
        if (size > LONGEST_LINE) break;
        const Line *line = line_at(self, line_hash(self->key, state, text + at, size));
        if (!line->hash) break;
        if (line->answer) {
            PyObject *one = Py_BuildValue("(nI)", (Py_ssize_t)at, line->answer);
            if (!one || PyList_Append(told, one)) Py_CLEAR(told);
            Py_XDECREF(one);
        }
        state = line->after;
        at += size + (end != NULL);
    }
    return told ? Py_BuildValue("(nIN)", (Py_ssize_t)at, state, told) : NULL;
}

static PyObject *Lines_scan(LinesObject *self, PyObject *arguments) {
    Py_buffer text;
    Py_ssize_t at;
    unsigned state;
    if (!PyArg_ParseTuple(arguments, "y*nI:scan", &text, &at, &state)) return NULL;
    PyObject *result = NULL;
    if (!self->lines || at < 0)
        PyErr_SetString(PyExc_ValueError, "these lines were never made, or begin before the text");
    else
        result = scan(self, text.buf, (size_t)text.len, (size_t)at, state);
    PyBuffer_Release(&text);
    return result;
}

static PyObject *Lines_learn(LinesObject *self, PyObject *arguments) {
    Py_buffer line;
    unsigned state, after, answer;
    if (!PyArg_ParseTuple(arguments, "y*III:learn", &line, &state, &after, &answer)) return NULL;
    if (self->lines && line.len <= LONGEST_LINE && self->used < self->room / 2) {
        uint64_t hash = line_hash(self->key, state, line.buf, (size_t)line.len);
        Line *slot = line_at(self, hash);
        self->used += !slot->hash;
        *slot = (Line){hash, after, answer};
    }
    int full = !self->lines || self->used >= self->room / 2;
    PyBuffer_Release(&line);
    return PyBool_FromLong(full);
}

static PyObject *Lines_clear(LinesObject *self, PyObject *nothing) {
    (void)nothing;
    if (self->lines) memset(self->lines, 0, self->room * sizeof *self->lines);
    self->used = 0;
    Py_RETURN_NONE;
}

/* Runs. */

typedef struct {
    PyObject_HEAD
    Key key;
    uint64_t *known; /* one hash a slot, the last that came */
    size_t room;
} RunsObject;

static int Runs_init(RunsObject *self, PyObject *arguments, PyObject *named) {
    int bits;
    (void)named;
    if (!read_key(arguments, "y*i:Runs", &self->key, &bits)) return -1;
    free(self->known);
    self->room = (size_t)1 << bits;
    self->known = calloc(self->room, sizeof *self->known);
    if (self->known) return 0;
    PyErr_NoMemory();
    return -1;
}

static void Runs_dealloc(RunsObject *self) {
    free(self->known);
    release((PyObject *)self);
}

static uint64_t *known_at(const RunsObject *self, const uint8_t *run, size_t length, uint64_t *hash) {
    *hash = siphash(self->key, run, length);
    *hash += !*hash;
    return self->known + (*hash & (self->room - 1));
}

/* Whether at least so many pairs of digits, with one or two separators between, begin at `at`. */
static int pairs_at(const uint8_t *text, size_t length, size_t at) {
    for (int pairs = 0;; pairs++) {
        if (pairs == PAIRS) return 1;
        if (pairs) {
            if (at >= length || !(classes[text[at]] & SEPARATOR)) return 0;
            at++;
            if (at < length && classes[text[at]] & SEPARATOR) at++;
        }
        if (at + 2 > length || !(classes[text[at]] & DIGIT) || !(classes[text[at + 1]] & DIGIT)) return 0;
        at += 2;
    }
}

static int ends_a_line(const uint8_t *text, size_t length, size_t at) {
    if (at < length && text[at] == '\r') at++;
    return at < length && text[at] == '\n';
}

static PyObject *unknown(const RunsObject *self, const uint8_t *text, size_t length) {
    PyObject *spans = PyList_New(0);
    unsigned has = 0, seen = 0;
    size_t at = 0;
    while (spans && at < length) {
        size_t start = at;
        while (at < length && classes[text[at]] & RUN) at++;
        size_t size = at - start;
        if (size >= SHORTEST_RUN) {
            uint64_t hash;
            if (size >= SHORTEST_LINE && ends_a_line(text, length, at)) has |= BROKEN_RUNS;
            if (size > LONGEST_RUN || *known_at(self, text + start, size, &hash) != hash) {
                PyObject *one = Py_BuildValue("(nn)", (Py_ssize_t)start, (Py_ssize_t)at);
                if (!one || PyList_Append(spans, one)) Py_CLEAR(spans);
                Py_XDECREF(one);
            }
        }
        for (; at < length && !(classes[text[at]] & RUN); at++) {
            seen |= classes[text[at]];
            if (classes[text[at]] & SEPARATOR && at >= 2 && pairs_at(text, length, at - 2)) has |= DIGIT_PAIRS;
        }
    }
    /* A hyphen is both between pairs and of a run. */
    for (const uint8_t *hyphen = text; !(has & DIGIT_PAIRS) && length; hyphen++) {
        hyphen = memchr(hyphen, '-', length - (size_t)(hyphen - text));
        if (!hyphen) break;
        size_t place = (size_t)(hyphen - text);
        if (place >= 2 && pairs_at(text, length, place - 2)) has |= DIGIT_PAIRS;
    }
    has |= (seen & CONTROL ? CONTROLS : 0) | (seen & BEYOND ? BEYOND_ASCII : 0);
    return spans ? Py_BuildValue("(NI)", spans, has) : NULL;
}

static PyObject *Runs_unknown(RunsObject *self, PyObject *argument) {
    Py_buffer text;
    if (!self->known) return PyErr_Format(PyExc_ValueError, "these runs were never made");
    if (!PyArg_Parse(argument, "y*:unknown", &text)) return NULL;
    PyObject *result = unknown(self, text.buf, (size_t)text.len);
    PyBuffer_Release(&text);
    return result;
}

static PyObject *Runs_add(RunsObject *self, PyObject *argument) {
    Py_buffer run;
    if (!self->known) return PyErr_Format(PyExc_ValueError, "these runs were never made");
    if (!PyArg_Parse(argument, "y*:add", &run)) return NULL;
    if (run.len <= LONGEST_RUN) {
        uint64_t hash, *slot = known_at(self, run.buf, (size_t)run.len, &hash);
        *slot = hash;
    }
    PyBuffer_Release(&run);
    Py_RETURN_NONE;
}

static PyMethodDef lines_methods[] = {
    {"scan", (PyCFunction)(void *)Lines_scan, METH_VARARGS, NULL},
    {"learn", (PyCFunction)(void *)Lines_learn, METH_VARARGS, NULL},
    {"clear", (PyCFunction)(void *)Lines_clear, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot lines_slots[] = {
    {Py_tp_init, (void *)Lines_init},
    {Py_tp_dealloc, (void *)Lines_dealloc},
    {Py_tp_methods, lines_methods},
    {0, NULL},
};
static PyType_Spec lines_spec = {
    "migci.adapters.gate._sieve.Lines", sizeof(LinesObject), 0, Py_TPFLAGS_DEFAULT, lines_slots};

static PyMethodDef runs_methods[] = {
    {"unknown", (PyCFunction)(void *)Runs_unknown, METH_O, NULL},
    {"add", (PyCFunction)(void *)Runs_add, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot runs_slots[] = {
    {Py_tp_init, (void *)Runs_init},
    {Py_tp_dealloc, (void *)Runs_dealloc},
    {Py_tp_methods, runs_methods},
    {0, NULL},
};
static PyType_Spec runs_spec = {
    "migci.adapters.gate._sieve.Runs", sizeof(RunsObject), 0, Py_TPFLAGS_DEFAULT, runs_slots};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_sieve", NULL, -1, NULL, NULL, NULL, NULL, NULL};

static int add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    int fine = type && !PyModule_AddObjectRef(module, name, type);
    Py_XDECREF(type);
    return fine;
}

PyMODINIT_FUNC PyInit__sieve(void) {
    fill_tables();
    PyObject *module = PyModule_Create(&definition);
    if (module && add_type(module, "Lines", &lines_spec) && add_type(module, "Runs", &runs_spec)) return module;
    Py_XDECREF(module);
    return NULL;
}
