#include "verifying.h"

#include "attributes.h"
#include "leaks.h"
#include "pairs.h"

static PyObject *row_error;
static PyTypeObject *originals_type, *relation_type;

static void release(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static void raise_wrong(const Wrong *wrong, size_t expected) {
    PyObject *why = wrong->why ? PyUnicode_FromString(wrong->why)
                               : PyUnicode_FromFormat("the row has %zu values, and %zu were expected", wrong->values,
                                                      expected);
    PyObject *place = wrong->why && wrong->place >= 0 ? PyLong_FromLong(wrong->place) : Py_NewRef(Py_None);
    Py_ssize_t offset = (Py_ssize_t)wrong->offset;
    PyObject *error = why && place ? PyObject_CallFunction(row_error, "nOO", offset, place, why) : NULL;
    if (error) PyErr_SetObject(row_error, error);
    Py_XDECREF(error);
    Py_XDECREF(place);
    Py_XDECREF(why);
}

static int append(PyObject *list, PyObject *item) {
    int done = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return done;
}

static int grammar_of(PyObject *object, Grammar *grammar) {
    long backslash, latin1;
    if (!number_in(object, "backslash", &backslash) || !number_in(object, "latin1", &latin1)) return 0;
    *grammar = (Grammar){backslash != 0, latin1 != 0};
    return 1;
}

/* Originals. */

typedef struct {
    PyObject_HEAD
    Originals *originals;
    Views views;
} OriginalsObject;

static int Originals_init(OriginalsObject *self, PyObject *arguments, PyObject *named) {
    Py_buffer key;
    (void)named;
    if (!PyArg_ParseTuple(arguments, "y*:Originals", &key)) return -1;
    int fine = key.len == HASH_KEY_BYTES && !self->originals;
    if (fine) self->originals = originals_new(key.buf);
    PyBuffer_Release(&key);
    if (!fine) PyErr_SetString(PyExc_ValueError, "a key has 32 bytes, and originals are made once");
    else if (!self->originals) PyErr_NoMemory();
    self->views.originals = self->originals;
    return fine && self->originals ? 0 : -1;
}

static void Originals_dealloc(OriginalsObject *self) {
    originals_free(self->originals);
    views_free(&self->views);
    release((PyObject *)self);
}

static PyObject *Originals_add(OriginalsObject *self, PyObject *arguments) {
    Py_buffer value;
    unsigned source;
    if (!PyArg_ParseTuple(arguments, "y*I:add", &value, &source)) return NULL;
    int done = originals_add(self->originals, value.buf, (size_t)value.len, source);
    PyBuffer_Release(&value);
    return done ? Py_NewRef(Py_None) : PyErr_NoMemory();
}

static int seen_in_text(void *context, size_t at, size_t length, unsigned source, uint64_t hash, Written written) {
    return append(context, Py_BuildValue("nnIiK", (Py_ssize_t)at, (Py_ssize_t)length, source, (int)written,
                                         (unsigned long long)hash));
}

static PyObject *Originals_find(OriginalsObject *self, PyObject *arguments) {
    Py_buffer text;
    if (!PyArg_ParseTuple(arguments, "y*:find", &text)) return NULL;
    PyObject *found = PyList_New(0);
    int done = found && originals_settle(self->originals) &&
               views_find(&self->views, text.buf, (size_t)text.len, seen_in_text, found);
    PyBuffer_Release(&text);
    if (done) return found;
    Py_XDECREF(found);
    return PyErr_Occurred() ? NULL : PyErr_NoMemory();
}

static PyObject *Originals_count(OriginalsObject *self, void *unused) {
    (void)unused;
    return originals_settle(self->originals) ? PyLong_FromSize_t(originals_count(self->originals)) : PyErr_NoMemory();
}

static PyObject *Originals_size(OriginalsObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSize_t(originals_bytes(self->originals));
}

static PyMethodDef originals_methods[] = {
    {"add", (PyCFunction)Originals_add, METH_VARARGS, NULL},
    {"find", (PyCFunction)Originals_find, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef originals_attributes[] = {
    {"count", (getter)Originals_count, NULL, NULL, NULL},
    {"size", (getter)Originals_size, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot originals_slots[] = {
    {Py_tp_init, Originals_init}, {Py_tp_dealloc, Originals_dealloc}, {Py_tp_methods, originals_methods},
    {Py_tp_getset, originals_attributes}, {0, NULL},
};
static PyType_Spec originals_spec = {"anonymize._kernel.Originals", sizeof(OriginalsObject), 0, Py_TPFLAGS_DEFAULT,
                                     originals_slots};

/* Relation. */

typedef struct {
    PyObject_HEAD
    Relation relation;
} RelationObject;

static void Relation_dealloc(RelationObject *self) {
    relation_free(&self->relation);
    release((PyObject *)self);
}

static PyObject *Relation_count(RelationObject *self, void *unused) {
    (void)unused;
    return PyLong_FromSize_t(self->relation.count);
}

static PyGetSetDef relation_attributes[] = {
    {"count", (getter)Relation_count, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot relation_slots[] = {
    {Py_tp_dealloc, Relation_dealloc}, {Py_tp_getset, relation_attributes}, {0, NULL},
};
static PyType_Spec relation_spec = {"anonymize._kernel.Relation", sizeof(RelationObject), 0, Py_TPFLAGS_DEFAULT,
                                    relation_slots};

static Relation *relation_of(PyObject *object) {
    if (PyObject_TypeCheck(object, relation_type)) return &((RelationObject *)object)->relation;
    PyErr_SetString(PyExc_TypeError, "a Relation is expected");
    return NULL;
}

/* What an object is made from stays alive as long as it. */
typedef struct {
    PyObject_HEAD
    PyObject *made_from;
    Kept *kept;
    int busy;
} Holder;

static void let_go(Holder *self) {
    forget(self->kept);
    Py_CLEAR(self->made_from);
    release((PyObject *)self);
}

static Originals *originals_in(PyObject *object) {
    if (PyObject_TypeCheck(object, originals_type) && ((OriginalsObject *)object)->originals)
        return ((OriginalsObject *)object)->originals;
    PyErr_SetString(PyExc_TypeError, "Originals are expected");
    return NULL;
}

/* Pairs. */

typedef struct {
    Holder holder;
    Pairs pairs;
    size_t found;
} PairsObject;

static int place_from(PyObject *object, Place *place) {
    PyObject *relation;
    int becomes, fold;
    if (object == Py_None) return 1;
    if (!PyArg_ParseTuple(object, "iIppiO", &becomes, &place->source, &place->binary, &place->parts, &fold, &relation))
        return 0;
    place->becomes = (Becomes)becomes;
    place->fold = (Fold)fold;
    if (place->fold == FOLD_CASE && !ensure_folds()) return 0;
    return relation == Py_None || (place->relation = relation_of(relation)) != NULL;
}

static int key_from(PairsObject *self, PyObject *object, UniqueKey *key) {
    PyObject *places, *relation;
    if (!PyArg_ParseTuple(object, "O!O", &PyTuple_Type, &places, &relation)) return 0;
    key->count = (size_t)PyTuple_Size(places);
    size_t *made = keep(&self->holder.kept, (key->count + 1) * sizeof(size_t));
    key->relation = made ? relation_of(relation) : NULL;
    for (size_t i = 0; key->relation && i < key->count; i++) {
        made[i] = PyLong_AsSize_t(PyTuple_GetItem(places, (Py_ssize_t)i));
        if (PyErr_Occurred()) return 0;
        if (made[i] < self->pairs.places) continue;
        PyErr_SetString(PyExc_ValueError, "a key is of places in the row");
        return 0;
    }
    key->places = made;
    return key->relation != NULL;
}

static int Pairs_init(PairsObject *self, PyObject *arguments, PyObject *named) {
    PyObject *originals, *grammar, *places, *keys;
    Pairs *pairs = &self->pairs;
    (void)named;
    if (!PyArg_ParseTuple(arguments, "OOO!O!:Pairs", &originals, &grammar, &PyTuple_Type, &places, &PyTuple_Type,
                          &keys))
        return -1;
    if (self->holder.made_from) {
        PyErr_SetString(PyExc_RuntimeError, "these pairs were made already");
        return -1;
    }
    self->holder.made_from = Py_NewRef(arguments);
    if (!(pairs->originals = originals_in(originals)) || !grammar_of(grammar, &pairs->grammar)) return -1;
    size_t count = (size_t)PyTuple_Size(places), key_count = (size_t)PyTuple_Size(keys);
    self->found = count > key_count ? count : key_count;
    pairs->place = keep(&self->holder.kept, (count + 1) * sizeof(Place));
    pairs->keys = pairs->place ? keep(&self->holder.kept, (key_count + 1) * sizeof(UniqueKey)) : NULL;
    pairs->found = pairs->keys ? keep(&self->holder.kept, (self->found + 1) * EVENTS * sizeof *pairs->found) : NULL;
    if (!pairs->found) return -1;
    pairs->spans[0] = malloc((count + 1) * sizeof(Span));
    pairs->spans[1] = malloc((count + 1) * sizeof(Span));
    if (!pairs->spans[0] || !pairs->spans[1]) return PyErr_NoMemory(), -1;
    pairs->places = count;
    for (size_t i = 0; i < count; i++)
        if (!place_from(PyTuple_GetItem(places, (Py_ssize_t)i), pairs->place + i)) return -1;
    for (size_t i = 0; i < key_count; i++)
        if (!key_from(self, PyTuple_GetItem(keys, (Py_ssize_t)i), pairs->keys + i)) return -1;
    pairs->key_count = key_count;
    return 0;
}

static void Pairs_dealloc(PairsObject *self) {
    pairs_free(&self->pairs);
    let_go(&self->holder);
}

static PyObject *noted_of(const Pairs *pairs) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < pairs->noted_count; i++) {
        const Noted *one = pairs->noted + i;
        int told = one->event == UNCHANGED;
        PyObject *item = Py_BuildValue("inKnny#", (int)one->event, (Py_ssize_t)one->place, one->row,
                                       (Py_ssize_t)one->original, (Py_ssize_t)one->result, told ? (const char *)pairs->values.at + one->at : "",
                                       told ? (Py_ssize_t)one->length : 0);
        if (!append(list, item)) Py_CLEAR(list);
    }
    return list;
}

static PyObject *Pairs_compare(PairsObject *self, PyObject *arguments) {
    Py_buffer data, its;
    Py_ssize_t at, its_at;
    if (!PyArg_ParseTuple(arguments, "y*ny*n:compare", &data, &at, &its, &its_at)) return NULL;
    PyObject *result = NULL;
    if (self->holder.busy || !self->pairs.found || at < 0 || at > data.len || its_at < 0 || its_at > its.len) {
        PyErr_SetString(PyExc_ValueError, "these pairs are in use, or a place is not in its data");
    } else {
        Side original = {data.buf, (size_t)at, (size_t)data.len}, other = {its.buf, (size_t)its_at, (size_t)its.len};
        Wrong wrong = {0, -1, NULL, 0};
        self->holder.busy = 1;
        PyThreadState *held = PyEval_SaveThread();
        Met met = pairs_compare(&self->pairs, &original, &other, &wrong);
        PyEval_RestoreThread(held);
        self->holder.busy = 0;
        if (met == PAIRS_NO_MEMORY) {
            PyErr_NoMemory();
        } else if (met == PAIRS_WRONG) {
            raise_wrong(&wrong, self->pairs.places);
        } else {
            PyObject *noted = noted_of(&self->pairs);
            if (noted) result = Py_BuildValue("innN", (int)met, (Py_ssize_t)original.at, (Py_ssize_t)other.at, noted);
        }
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&its);
    return result;
}

static PyObject *Pairs_rows(PairsObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->pairs.rows);
}

static PyObject *Pairs_totals(PairsObject *self, void *unused) {
    (void)unused;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < self->pairs.places; i++) {
        const Place *place = self->pairs.place + i;
        if (!append(list, Py_BuildValue("KKKK", place->values, place->nulls, place->empties, place->unchanged)))
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *Pairs_found(PairsObject *self, void *unused) {
    (void)unused;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < self->found; i++)
        for (size_t event = 0; list && event < UNCHANGED; event++) {
            unsigned long long count = self->pairs.found[i * EVENTS + event];
            if (count && !append(list, Py_BuildValue("nnK", (Py_ssize_t)event, (Py_ssize_t)i, count))) Py_CLEAR(list);
        }
    return list;
}

static PyMethodDef pairs_methods[] = {
    {"compare", (PyCFunction)Pairs_compare, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef pairs_attributes[] = {
    {"rows", (getter)Pairs_rows, NULL, NULL, NULL},
    {"totals", (getter)Pairs_totals, NULL, NULL, NULL},
    {"found", (getter)Pairs_found, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot pairs_slots[] = {
    {Py_tp_init, Pairs_init}, {Py_tp_dealloc, Pairs_dealloc}, {Py_tp_methods, pairs_methods},
    {Py_tp_getset, pairs_attributes}, {0, NULL},
};
static PyType_Spec pairs_spec = {"anonymize._kernel.Pairs", sizeof(PairsObject), 0, Py_TPFLAGS_DEFAULT, pairs_slots};

/* Leaks. */

typedef struct {
    Holder holder;
    Leaks leaks;
} LeaksObject;

static int compare_hashes(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;
    return a < b ? -1 : a > b;
}

static int hashes_from(LeaksObject *self, PyObject *object, Hashes *hashes) {
    Py_ssize_t count = PyTuple_Size(object);
    uint64_t *made = count >= 0 ? keep(&self->holder.kept, (size_t)(count + 1) * sizeof(uint64_t)) : NULL;
    if (!made) return 0;
    for (Py_ssize_t i = 0; i < count; i++) made[i] = PyLong_AsUnsignedLongLong(PyTuple_GetItem(object, i));
    qsort(made, (size_t)count, sizeof(uint64_t), compare_hashes);
    *hashes = (Hashes){made, (size_t)count};
    return !PyErr_Occurred();
}

static int Leaks_init(LeaksObject *self, PyObject *arguments, PyObject *named) {
    PyObject *originals, *grammar, *excused;
    (void)named;
    if (!PyArg_ParseTuple(arguments, "OOO!:Leaks", &originals, &grammar, &PyTuple_Type, &excused)) return -1;
    if (self->holder.made_from) {
        PyErr_SetString(PyExc_RuntimeError, "these leaks were made already");
        return -1;
    }
    self->holder.made_from = Py_NewRef(arguments);
    Originals *its = originals_in(originals);
    if (!its || !grammar_of(grammar, &self->leaks.grammar)) return -1;
    if (!originals_settle(its)) return PyErr_NoMemory(), -1;
    size_t count = (size_t)PyTuple_Size(excused);
    Hashes *made = keep(&self->holder.kept, (count + 1) * sizeof(Hashes));
    if (!made) return -1;
    for (size_t i = 0; i < count; i++)
        if (!hashes_from(self, PyTuple_GetItem(excused, (Py_ssize_t)i), made + i)) return -1;
    self->leaks.excused = made;
    self->leaks.known = self->leaks.places = count;
    self->leaks.views.originals = its;
    return 0;
}

static void Leaks_dealloc(LeaksObject *self) {
    leaks_free(&self->leaks);
    let_go(&self->holder);
}

static PyObject *leaks_of(const Leaks *leaks) {
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < leaks->leak_count; i++) {
        const Leak *one = leaks->leaks + i;
        PyObject *item = Py_BuildValue("IlOiKn", one->source, one->place, one->excused ? Py_True : Py_False,
                                       (int)one->written, one->row, (Py_ssize_t)one->offset);
        if (!append(list, item)) Py_CLEAR(list);
    }
    return list;
}

static PyObject *Leaks_search(LeaksObject *self, PyObject *arguments) {
    Py_buffer data;
    Py_ssize_t start;
    if (!PyArg_ParseTuple(arguments, "y*n:search", &data, &start)) return NULL;
    PyObject *result = NULL;
    if (self->holder.busy || !self->leaks.excused || start < 0 || start > data.len) {
        PyErr_SetString(PyExc_ValueError, "these leaks are in use, or start is not in data");
    } else {
        size_t stopped;
        int ended;
        Wrong wrong = {0, -1, NULL, 0};
        self->holder.busy = 1;
        PyThreadState *held = PyEval_SaveThread();
        Outcome outcome =
            leaks_search(&self->leaks, data.buf, (size_t)start, (size_t)data.len, &stopped, &ended, &wrong);
        PyEval_RestoreThread(held);
        self->holder.busy = 0;
        if (outcome == OUT_OF_MEMORY) {
            PyErr_NoMemory();
        } else if (outcome != REWRITTEN) {
            raise_wrong(&wrong, self->leaks.places);
        } else {
            PyObject *leaks = leaks_of(&self->leaks);
            if (leaks) result = Py_BuildValue("nON", (Py_ssize_t)stopped, ended ? Py_True : Py_False, leaks);
        }
    }
    PyBuffer_Release(&data);
    return result;
}

static PyObject *Leaks_counts(LeaksObject *self, void *unused) {
    (void)unused;
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list && i < self->leaks.count_count; i++) {
        const LeakCount *one = self->leaks.counts + i;
        PyObject *item = Py_BuildValue("IlOK", one->source, one->place, one->excused ? Py_True : Py_False, one->values);
        if (!append(list, item)) Py_CLEAR(list);
    }
    return list;
}

static PyObject *Leaks_rows(LeaksObject *self, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(self->leaks.rows);
}

static PyMethodDef leaks_methods[] = {
    {"search", (PyCFunction)Leaks_search, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};
static PyGetSetDef leaks_attributes[] = {
    {"counts", (getter)Leaks_counts, NULL, NULL, NULL},
    {"rows", (getter)Leaks_rows, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
static PyType_Slot leaks_slots[] = {
    {Py_tp_init, Leaks_init}, {Py_tp_dealloc, Leaks_dealloc}, {Py_tp_methods, leaks_methods},
    {Py_tp_getset, leaks_attributes}, {0, NULL},
};
static PyType_Spec leaks_spec = {"anonymize._kernel.Leaks", sizeof(LeaksObject), 0, Py_TPFLAGS_DEFAULT, leaks_slots};

static int add(PyObject *module, const char *name, PyObject *type) {
    int done = type && PyModule_AddObjectRef(module, name, type) == 0;
    Py_XDECREF(type);
    return done;
}

int add_verifying(PyObject *module, PyObject *error) {
    row_error = error;
    originals_type = (PyTypeObject *)PyType_FromSpec(&originals_spec);
    relation_type = (PyTypeObject *)PyType_FromSpec(&relation_spec);
    return originals_type && relation_type &&
           PyModule_AddObjectRef(module, "Originals", (PyObject *)originals_type) == 0 &&
           PyModule_AddObjectRef(module, "Relation", (PyObject *)relation_type) == 0 &&
           add(module, "Pairs", PyType_FromSpec(&pairs_spec)) && add(module, "Leaks", PyType_FromSpec(&leaks_spec));
}
