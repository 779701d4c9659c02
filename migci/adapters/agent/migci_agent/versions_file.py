"""versions.json, in which the numbers of a folder's migrations stand: read strictly, and appended to."""

import json
import os
import re
import shutil

NAME = "versions.json"

_NUMBER = re.compile(r"[1-9][0-9]{0,17}\Z")
_NUMBERED = re.compile(r"[0-9]{3,}.*\.(py|sql)\Z", re.DOTALL)
"""What sqlalchemy-migrate takes for a migration where there is no versions.json."""
_OPERATIONS = ("upgrade", "downgrade")
_IBM = ["ibm", "db", "sa"]
"""The one database whose name has underscores in it."""


class BrokenVersions(Exception):
    """versions.json does not say which numbers the migrations have."""


class _Pairs(list):
    """A JSON object as it stands in the file: a key that is repeated is there twice."""


def there(folder):
    """Whether `folder` has a versions.json, readable or not."""
    return os.path.lexists(os.path.join(folder, NAME))


def read(folder):
    """The names of the files of every number, `{number: [name, …]}`, in order. Raises BrokenVersions.

    Every file that is listed is there, and every numbered one is listed.
    """
    path = os.path.join(folder, NAME)
    try:
        with open(path, "rb") as file:
            content = json.loads(file.read().decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(folder, "cannot be read: %s" % (getattr(error, "strerror", None) or error)) from error
    if not isinstance(content, _Pairs):
        raise _broken(folder, 'it is not an object such as {"1": ["first.py"]}')
    with os.scandir(folder) as entries:
        files = {entry.name for entry in entries if entry.is_file()}
    found = {}
    numbers = {}
    last = 0
    for key, names in content:
        if not _NUMBER.match(key):
            raise _broken(folder, "%s is not a number such as 7 or 134" % _quoted(key))
        number = int(key)
        if number in found:
            raise _broken(folder, "number %s is there twice" % key)
        if number < last:
            raise _broken(folder, "number %s comes after %d" % (key, last))
        _check(folder, key, names, numbers, files)
        found[number] = names
        last = number
    for name in sorted(files.difference(numbers)):
        if _NUMBERED.match(name):
            raise _broken(folder, "%s is numbered, and not listed, so it would never run" % _quoted(name))
    return found


def _check(folder, key, names, numbers, files):
    """Raises BrokenVersions unless `names`, of `files`, can be the number `key`'s; adds them to `numbers`."""
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _broken(folder, "number %s has no list of file names" % key)
    kinds = {}
    for name in names:
        if name in numbers:
            raise _broken(folder, "%s is listed twice: for %s and for %s" % (_quoted(name), numbers[name], key))
        what = kind(name)
        if what is None:
            raise _broken(folder, "%s, of number %s, is no name of a migration's file" % (_quoted(name), key))
        if what in kinds:
            raise _broken(folder, "number %s has two files for the same: %s, %s" % (key, kinds[what], name))
        if name not in files:
            raise _broken(folder, "%s, of number %s, is not there" % (_quoted(name), key))
        kinds[what] = name
        numbers[name] = key


def kind(name):
    """What the file `name` is of its migration: `()` for Python, (database, operation) for SQL, `None` for no script.

    SQL is named NAME_DATABASE_OPERATION.sql; without an operation it is an upgrade.
    """
    stem, dot = os.path.splitext(name)
    if dot not in (".py", ".sql") or stem.startswith(".") or not stem.isprintable() or re.search(r"[/\\]", stem):
        return None
    if dot == ".py":
        return ()
    parts = stem.split("_")
    operation = parts.pop() if parts[-1] in _OPERATIONS else "upgrade"
    database = "_".join(_IBM) if parts[-3:] == _IBM else "".join(parts[-1:])
    return (database, operation) if database else None


def append(folder, number, names):
    """Add `number` with its files behind all others; what is there keeps its form. Raises BrokenVersions."""
    numbers = read(folder)
    if numbers and number <= max(numbers):
        raise _broken(folder, "number %d does not come after %d" % (number, max(numbers)))
    path = os.path.join(folder, NAME)
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    newline = "\r\n" if "\r\n" in text else "\n"
    head, _, tail = text.rpartition("}")
    entry = "  %s: %s" % (json.dumps(str(number)), json.dumps(names))
    new = path + ".new"
    with open(new, "w", encoding="utf-8", newline="") as file:
        file.write(head.rstrip() + ("," if numbers else "") + newline + entry + newline + "}" + tail)
    shutil.copymode(path, new)
    os.replace(new, path)


def _broken(folder, what):
    path = os.path.join(folder, NAME)
    try:
        path = os.path.relpath(path)
    except OSError:
        pass  # the current folder is gone
    return BrokenVersions("%s: %s" % (path, what))


def _quoted(text):
    return json.dumps(text if len(text) <= 100 else text[:100] + "...")
