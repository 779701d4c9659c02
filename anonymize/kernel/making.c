/* See making.h. */

#include "making.h"

#include "address.h"
#include "documents.h"
#include "numerals.h"
#include "shift.h"

/* The attribute "maximum": what is negative limits nothing, and what is above 2**127 is as good as that. */
static int maximum_in(PyObject *object, NumeralsRule *rule) {
    PyObject *maximum = PyObject_GetAttrString(object, "maximum");
    if (!maximum || maximum == Py_None) {
        Py_XDECREF(maximum);
        return maximum != NULL;
    }
    PyObject *zero = PyLong_FromLong(0);
    PyObject *bits = PyObject_CallMethod(maximum, "bit_length", NULL);
    int negative = zero ? PyObject_RichCompareBool(maximum, zero, Py_LT) : -1;
    int done = bits && negative >= 0;
    rule->has_maximum = negative == 0;
    rule->maximum = (Wide)1 << 127;
    if (done && !negative && PyLong_AsLong(bits) <= 127) {
        PyObject *bytes = PyObject_CallMethod(maximum, "to_bytes", "is", 16, "little");
        const char *at = bytes ? PyBytes_AsString(bytes) : NULL;
        rule->maximum = 0;
        for (int byte = 15; at && byte >= 0; byte--) rule->maximum = rule->maximum << 8 | (uint8_t)at[byte];
        done = at != NULL;
        Py_XDECREF(bytes);
    }
    Py_XDECREF(zero);
    Py_XDECREF(bits);
    Py_DECREF(maximum);
    return done;
}

/* The attribute "others"; None lets any character stand among numerals. */
static int others_in(PyObject *object, Kept **kept, NumeralsRule *rule) {
    PyObject *others = PyObject_GetAttrString(object, "others");
    View view = {NULL, 0};
    int done = others && (others == Py_None || bytes_of(others, kept, &view));
    Py_XDECREF(others);
    rule->others = view.at;
    rule->others_length = view.length;
    return done;
}

static int numerals_of(PyObject *object, Kept **kept, void **own) {
    View key, alphabet, tweak;
    long keep_first, number;
    NumeralsRule rule = {0};
    if (!key_in(object, kept, &key) || !bytes_in(object, "alphabet", kept, &alphabet) ||
        !bytes_in(object, "tweak", kept, &tweak) || !number_in(object, "keep", &keep_first) ||
        !number_in(object, "number", &number) || !maximum_in(object, &rule) ||
        !others_in(object, kept, &rule))
        return 0;
    rule.key = key.at;
    rule.alphabet = alphabet.at;
    rule.radix = alphabet.length;
    rule.tweak = tweak.at;
    rule.tweak_length = tweak.length;
    rule.keep = (size_t)keep_first;
    rule.number = number != 0;
    Numerals *made = *own = keep(kept, sizeof *made);
    if (!made) return 0;
    if (keep_first >= 0 && numerals_prepare(made, &rule)) return 1;
    PyErr_SetString(PyExc_ValueError, "the alphabet has to be 2 or more characters of ASCII, in lower case and each "
                                      "once, and what is kept of them not negative");
    return 0;
}

static int address_of(PyObject *object, Kept **kept, void **own) {
    View key;
    long four, six;
    Address *made = *own = keep(kept, sizeof *made);
    if (!made || !key_in(object, kept, &key) || !number_in(object, "network_v4", &four) ||
        !number_in(object, "network_v6", &six))
        return 0;
    if (four >= 0 && six >= 0 && four <= 128 && six <= 128 &&
        address_prepare(made, key.at, (unsigned)four, (unsigned)six))
        return 1;
    PyErr_Format(PyExc_ValueError, "no network has %ld (v4) or %ld (v6) bits", four, six);
    return 0;
}

static int shift_of(PyObject *object, Kept **kept, void **own) {
    View key;
    long days;
    Shift *made = *own = keep(kept, sizeof *made);
    if (!made || !key_in(object, kept, &key) || !number_in(object, "days", &days)) return 0;
    if (days > 0 && shift_prepare(made, key.at, (uint64_t)days)) return 1;
    PyErr_Format(PyExc_ValueError, "dates cannot move by %ld days", days);
    return 0;
}

/* What happens to a leaf: the number of its operation, JSON_KEEPS or JSON_REFUSES; -3 with an exception. */
static int leaf_of(PyObject *object, int number, Kept **kept, PyObject *asked, Operation *operations) {
    if (object == Py_None) return JSON_KEEPS;
    if (PyUnicode_Check(object)) {
        if (PyUnicode_CompareWithASCIIString(object, "refuse") == 0) return JSON_REFUSES;
        PyErr_Format(PyExc_ValueError, "other is %R, and not an operation, None or 'refuse'", object);
        return -3;
    }
    return operation_of(object, kept, asked, operations + number) ? number : -3;
}

static int names_of(PyObject *state, Kept **kept, JsonState *made) {
    PyObject *names = PyObject_GetAttrString(state, "names");
    PyObject *items = names ? PyMapping_Items(names) : NULL;
    Py_ssize_t count = items ? PyList_Size(items) : 0;
    JsonName *list = items ? keep(kept, ((size_t)count + 1) * sizeof *list) : NULL;
    int done = list != NULL;
    for (Py_ssize_t at = 0; done && at < count; at++) {
        PyObject *item = PyList_GetItem(items, at);
        View text;
        done = bytes_of(PyTuple_GetItem(item, 0), kept, &text);
        if (done) list[at] = (JsonName){text.at, text.length, (uint32_t)PyLong_AsLong(PyTuple_GetItem(item, 1))};
    }
    made->names = list;
    made->name_count = (size_t)count;
    Py_XDECREF(items);
    Py_XDECREF(names);
    return done && !PyErr_Occurred();
}

/* The machine of ../json_paths.py. `leaves` is by the rules' numbers; the last is for leaves that no rule knows. */
static JsonState *states_of(PyObject *machine, const int *leaves, Py_ssize_t rules, Kept **kept) {
    Py_ssize_t count = PyList_Size(machine);
    JsonState *made = count > 0 ? keep(kept, (size_t)count * sizeof *made) : NULL;
    for (Py_ssize_t at = 0; made && at < count; at++) {
        PyObject *state = PyList_GetItem(machine, at);
        long rule, otherwise;
        if (!number_in(state, "rule", &rule) || !number_in(state, "otherwise", &otherwise) ||
            !names_of(state, kept, made + at))
            return NULL;
        made[at].rule = leaves[rule < 0 ? rules : rule];
        made[at].otherwise = (uint32_t)otherwise;
    }
    if (made) json_prepare(made, (size_t)count);
    return made;
}

static PyObject *machine_of(PyObject *paths) {
    PyObject *module = PyImport_ImportModule("anonymize.json_paths");
    PyObject *machine = module ? PyObject_CallMethod(module, "states", "O", paths) : NULL;
    Py_XDECREF(module);
    return machine;
}

static int documents_of(PyObject *object, Kept **kept, PyObject *asked, void **own) {
    Documents *made = *own = keep_until(kept, sizeof *made, documents_end);
    PyObject *rules = PyObject_GetAttrString(object, "rules"), *other = PyObject_GetAttrString(object, "other");
    PyObject *paths = PyList_New(0), *machine = NULL;
    Py_ssize_t count = rules ? PyTuple_Size(rules) : -1;
    int *leaves = count >= 0 ? keep(kept, ((size_t)count + 1) * sizeof *leaves) : NULL;
    Operation *operations = leaves ? keep(kept, ((size_t)count + 1) * sizeof *operations) : NULL;
    int done = made && other && paths && operations;
    for (Py_ssize_t at = 0; done && at < count; at++) {
        PyObject *path, *operation;
        done = PyArg_ParseTuple(PyTuple_GetItem(rules, at), "OO", &path, &operation) && PyList_Append(paths, path) == 0;
        if (done) done = (leaves[at] = leaf_of(operation, (int)at, kept, asked, operations)) != -3;
    }
    if (done) done = (leaves[count] = leaf_of(other, (int)count, kept, asked, operations)) != -3;
    if (done) done = (machine = machine_of(paths)) != NULL;
    if (done) {
        made->operations = operations;
        made->states = states_of(machine, leaves, count, kept);
        done = made->states != NULL;
    }
    Py_XDECREF(rules);
    Py_XDECREF(other);
    Py_XDECREF(paths);
    Py_XDECREF(machine);
    return done;
}

int prepared_of(PyObject *object, Kept **kept, PyObject *asked, Operation *made) {
    if (is_a(object, "Numerals")) {
        made->sort = OP_NUMERALS;
        return numerals_of(object, kept, &made->own);
    }
    if (is_a(object, "Address")) {
        made->sort = OP_ADDRESS;
        return address_of(object, kept, &made->own);
    }
    if (is_a(object, "Shift")) {
        made->sort = OP_SHIFT;
        return shift_of(object, kept, &made->own);
    }
    if (is_a(object, "Json")) {
        made->sort = OP_JSON;
        return documents_of(object, kept, asked, &made->own);
    }
    return -1;
}
