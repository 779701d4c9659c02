/* See attributes.h. */

#include "attributes.h"

void *keep_until(Kept **all, size_t size, void (*end)(void *memory)) {
    Kept *made = calloc(1, sizeof(Kept) + size);
    if (!made) {
        PyErr_NoMemory();
        return NULL;
    }
    made->next = *all;
    made->end = end;
    *all = made;
    return made + 1;
}

void *keep(Kept **all, size_t size) { return keep_until(all, size, NULL); }

void forget(Kept *all) {
    while (all) {
        Kept *next = all->next;
        if (all->end) all->end(all + 1);
        free(all);
        all = next;
    }
}

int bytes_of(PyObject *bytes, Kept **kept, View *view) {
    char *at;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(bytes, &at, &length) < 0) return 0;
    uint8_t *copy = keep(kept, (size_t)length + 1);
    if (!copy) return 0;
    memcpy(copy, at, (size_t)length);
    *view = (View){copy, (size_t)length};
    return 1;
}

int bytes_in(PyObject *object, const char *name, Kept **kept, View *view) {
    PyObject *bytes = PyObject_GetAttrString(object, name);
    int done = bytes && bytes_of(bytes, kept, view);
    Py_XDECREF(bytes);
    return done;
}

int number_in(PyObject *object, const char *name, long *number) {
    PyObject *found = PyObject_GetAttrString(object, name);
    if (!found) return 0;
    *number = found == Py_None ? -1 : PyLong_AsLong(found);
    Py_DECREF(found);
    return !PyErr_Occurred();
}

int is_a(PyObject *object, const char *name) {
    PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "__name__");
    int same = type && PyUnicode_CompareWithASCIIString(type, name) == 0;
    Py_XDECREF(type);
    return same;
}

int key_in(PyObject *object, Kept **kept, View *key) {
    if (!bytes_in(object, "key", kept, key)) return 0;
    if (key->length == KEY_BYTES) return 1;
    PyErr_SetString(PyExc_ValueError, "a key has 32 bytes");
    return 0;
}
