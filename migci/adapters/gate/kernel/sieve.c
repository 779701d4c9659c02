/* What need not be looked at, told fast: ../_sieve.pyi says what is promised, ../_sieve_pure.py does the same. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "grams.h"

#include <stdlib.h>
#include <string.h>

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

static uint8_t classes[256], shapes[256], digits64[256];

typedef struct {
    size_t start, end;
} Part;

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
        digits64[byte] = (uint8_t)(upper   ? byte - 'A'
                                   : lower ? byte - 'a' + 26
                                   : digit ? byte - '0' + 52
                                           : 62 + (byte == '/' || byte == '_'));
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

/* The spans of a list of pairs within a text, to be freed by the caller; null with an exception set. */
static Part *parts_of(PyObject *list, size_t length, size_t *count) {
    Py_ssize_t size = PyList_Size(list);
    if (size < 0) return NULL;
    Part *parts = malloc(((size_t)size + 1) * sizeof *parts);
    if (!parts) return (Part *)PyErr_NoMemory();
    for (*count = 0; *count < (size_t)size; ++*count) {
        Py_ssize_t start, end;
        PyObject *pair = PyList_GetItem(list, (Py_ssize_t)*count);
        if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "nn", &start, &end)) {
            if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a span is a pair");
        } else if (start < 0 || end < start || (size_t)end > length) {
            PyErr_SetString(PyExc_IndexError, "a span is not within the text");
        }
        if (PyErr_Occurred()) {
            free(parts);
            return NULL;
        }
        parts[*count] = (Part){(size_t)start, (size_t)end};
    }
    return parts;
}

static PyObject *Runs_add(RunsObject *self, PyObject *arguments) {
    Py_buffer text;
    PyObject *list;
    size_t count = 0;
    if (!self->known) return PyErr_Format(PyExc_ValueError, "these runs were never made");
    if (!PyArg_ParseTuple(arguments, "y*O!:add", &text, &PyList_Type, &list)) return NULL;
    Part *parts = parts_of(list, (size_t)text.len, &count);
    for (size_t at = 0; parts && at < count; at++) {
        size_t size = parts[at].end - parts[at].start;
        if (size <= LONGEST_RUN) {
            uint64_t hash, *slot = known_at(self, (const uint8_t *)text.buf + parts[at].start, size, &hash);
            *slot = hash;
        }
    }
    free(parts);
    PyBuffer_Release(&text);
    if (!parts) return NULL;
    Py_RETURN_NONE;
}

/* What runs say. */

static int follows_backslash(uint8_t byte) {
    return byte && (strchr("ntrbfvaZe'\"`\\/%_$?\nxuU", byte) || (byte >= '0' && byte <= '7'));
}

/* Whether what was decoded may be written in yet another encoding, by the signs that each of them has. */
static int may_say_more(const uint8_t *bytes, size_t length) {
    size_t run = 0, digits = 0;
    for (size_t at = 0; at < length; at++) {
        unsigned class = classes[bytes[at]];
        uint8_t next = at + 1 < length ? bytes[at + 1] : 0;
        run = class & RUN ? run + 1 : 0;
        digits += !!(class & DIGIT);
        if (run == SHORTEST_RUN || digits == 2 * PAIRS || bytes[at] == '+') return 1;
        if (class & CONTROL && at >= 4 && classes[bytes[at - 2]] & classes[bytes[at - 4]] & CONTROL) return 1;
        if (bytes[at] == '%' && classes[next] & DIGIT) return 1;
        if (bytes[at] == '\\' && follows_backslash(next)) return 1;
        if (bytes[at] == '&' && (next == '#' || classes[next] & WORD)) return 1;
        if ((bytes[at] == '\'' || bytes[at] == '"') && next == bytes[at]) return 1;
    }
    return 0;
}

static size_t from_base64(const uint8_t *run, size_t length, uint8_t *to) {
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;
    for (size_t at = 0; at < length; at++) {
        bits = bits << 6 | digits64[run[at]];
        held += 6;
        if (held >= 8) to[made++] = (uint8_t)(bits >> (held -= 8));
    }
    return made;
}

static uint8_t digit16(uint8_t byte) { return (uint8_t)(byte <= '9' ? byte - '0' : (byte | 32) - 'a' + 10); }

/* Parts of what runs say, one after the other, and how long each is. */
typedef struct {
    uint8_t *bytes, *lengths;
    size_t size, count;
} Parts;

/* Add the `size` bytes that stand at the end already; returns whether they can be no more than they are. */
static int add_part(Parts *parts, size_t size) {
    if (may_say_more(parts->bytes + parts->size, size)) return 0;
    parts->size += size;
    parts->lengths[parts->count++] = (uint8_t)size;
    return 1;
}

static int add_parts(Parts *parts, const uint8_t *run, size_t length) {
    for (size_t shift = 0; shift < 4 && length - shift >= SHORTEST_RUN; shift++)
        if (!add_part(parts, from_base64(run + shift, length - shift, parts->bytes + parts->size))) return 0;
    for (size_t start = 0, end; start < length; start = end + 1) {
        for (end = start; end < length && classes[run[end]] & DIGIT; end++)
            ;
        if (end - start < 2 * PAIRS) continue;
        for (size_t first = start; first < start + 2; first++) {
            uint8_t *to = parts->bytes + parts->size;
            for (size_t at = first; at + 1 < end; at += 2) *to++ = (uint8_t)(digit16(run[at]) << 4 | digit16(run[at + 1]));
            if (!add_part(parts, (size_t)(to - parts->bytes) - parts->size)) return 0;
        }
    }
    return 1;
}

static PyObject *said(const uint8_t *text, const Part *runs, size_t count) {
    /* Of a run, four times three quarters and twice half; four parts, and two for every sixteen digits. */
    Parts parts = {malloc(count * 4 * LONGEST_RUN + 1), malloc(count * (4 + LONGEST_RUN / 8) + 1), 0, 0};
    PyObject *others = PyList_New(0), *told = NULL;
    if (!parts.bytes || !parts.lengths) PyErr_NoMemory();
    for (size_t at = 0; others && !PyErr_Occurred() && at < count; at++) {
        size_t size = runs[at].end - runs[at].start;
        Parts before = parts;
        if (size <= LONGEST_RUN && add_parts(&parts, text + runs[at].start, size)) continue;
        parts = before;
        PyObject *one = Py_BuildValue("(nn)", (Py_ssize_t)runs[at].start, (Py_ssize_t)runs[at].end);
        if (!one || PyList_Append(others, one)) Py_CLEAR(others);
        Py_XDECREF(one);
    }
    if (others && !PyErr_Occurred())
        told = Py_BuildValue("(y#y#O)", (const char *)parts.bytes, (Py_ssize_t)parts.size, (const char *)parts.lengths,
                             (Py_ssize_t)parts.count, others);
    Py_XDECREF(others);
    free(parts.bytes);
    free(parts.lengths);
    return told;
}

static PyObject *module_said(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer text;
    PyObject *list, *told = NULL;
    size_t count = 0;
    if (!PyArg_ParseTuple(arguments, "y*O!:said", &text, &PyList_Type, &list)) return NULL;
    Part *parts = parts_of(list, (size_t)text.len, &count);
    if (parts) told = said(text.buf, parts, count);
    free(parts);
    PyBuffer_Release(&text);
    return told;
}

/* What is put in the place of others. */

typedef struct {
    Py_ssize_t start, end, size;
    const char *instead; /* borrowed from the list */
} Cut;

/* The cuts of a list, to be freed by the caller, and by how much they change the length. Null with an exception set,
   and without one if two of them touch. */
static Cut *cuts_of(PyObject *list, Py_ssize_t length, Py_ssize_t *more) {
    Py_ssize_t count = PyList_Size(list), done = -1;
    Cut *cuts = malloc(((size_t)count + 1) * sizeof *cuts);
    if (!cuts) return (Cut *)PyErr_NoMemory();
    *more = 0;
    for (Py_ssize_t at = 0; at < count; at++) {
        Cut *cut = cuts + at;
        PyObject *one = PyList_GetItem(list, at);
        int fine = PyTuple_Check(one) && PyArg_ParseTuple(one, "nny#", &cut->start, &cut->end, &cut->instead, &cut->size);
        if (fine && (cut->start < 0 || cut->end < cut->start || cut->end > length)) {
            PyErr_SetString(PyExc_IndexError, "a cut is not within the text");
            fine = 0;
        }
        if (!fine && !PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "a cut is a tuple");
        if (!fine || cut->start <= done) {
            free(cuts);
            return NULL;
        }
        done = cut->end;
        *more += cut->size - (cut->end - cut->start);
    }
    return cuts;
}

static PyObject *module_replaced(PyObject *module, PyObject *arguments) {
    (void)module;
    Py_buffer text;
    PyObject *list, *told = NULL;
    Py_ssize_t more, done = 0;
    if (!PyArg_ParseTuple(arguments, "y*O!:replaced", &text, &PyList_Type, &list)) return NULL;
    Cut *cuts = cuts_of(list, text.len, &more);
    if (cuts && (told = PyBytes_FromStringAndSize(NULL, text.len + more))) {
        char *to = PyBytes_AsString(told);
        const char *from = text.buf;
        for (Py_ssize_t at = 0; at < PyList_Size(list); done = cuts[at++].end) {
            memcpy(to, from + done, (size_t)(cuts[at].start - done));
            to += cuts[at].start - done;
            memcpy(to, cuts[at].instead, (size_t)cuts[at].size);
            to += cuts[at].size;
        }
        memcpy(to, from + done, (size_t)(text.len - done));
    } else if (!cuts && !PyErr_Occurred()) {
        told = Py_NewRef(Py_None);
    }
    free(cuts);
    PyBuffer_Release(&text);
    return told;
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
    {"add", (PyCFunction)(void *)Runs_add, METH_VARARGS, NULL},
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

static PyMethodDef module_methods[] = {
    {"said", module_said, METH_VARARGS, NULL},
    {"replaced", module_replaced, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_sieve", NULL, -1, module_methods, NULL, NULL, NULL, NULL};

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
