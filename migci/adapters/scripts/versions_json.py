"""versions.json, the only place where a number stands: read strictly, with its lines, and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from migci.core.naming import purpose

FILE_NAME = "versions.json"

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|\n|[^\s"{}\[\],:]+')
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """One line: a number with its files, or one id, which has no files."""

    id: str
    files: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Mistake:
    """What is wrong, in a sentence that follows the file's name, and where."""

    message: str
    hint: str
    line: int | None = None


@dataclass(frozen=True)
class Versions:
    """What the file says, as far as it can be understood: `entries` are in its order, and no id is there twice.

    `numbered` tells which of both forms it has; `None` if it cannot be read at all. `repeated` are the files that it
    names under a number which it has already.
    """

    entries: tuple[Entry, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    numbered: bool | None = None
    repeated: tuple[str, ...] = ()


def read(content: bytes) -> Versions:
    """Never raises; everything that is wrong with the file is a mistake of the result."""
    try:
        text = content.decode("utf-8-sig")
        value = json.loads(text)
    except UnicodeDecodeError as error:
        return _unread(f"is not UTF-8: {error.reason}", "save it as UTF-8", content[: error.start].count(b"\n") + 1)
    except json.JSONDecodeError as error:
        if conflict := _CONFLICT.search(text):
            line = text.count("\n", 0, conflict.start()) + 1
            return _unread("holds a conflict of git's", "migci versions rebase", line)
        return _unread(f"is not JSON: {error.msg}", "one entry a line, a comma after each but the last", error.lineno)
    except (RecursionError, ValueError) as error:  # the last for a number of thousands of digits
        hint = "take trunk's: git checkout TRUNK -- versions.json, in its folder; then add yours: migci versions add"
        return _unread(f"is not JSON that can be read: {error}", hint, None)
    if isinstance(value, dict):
        return _numbers(text)
    if isinstance(value, list):
        return _ids(text, value)
    return _unread("holds neither numbers with their files nor a list of ids", _FORMS, 1)


_FORMS = '{"133": ["folsom.py"]} for sqlalchemy-migrate, ["1f2e", "ae10"] for alembic'


def _unread(message: str, hint: str, line: int | None) -> Versions:
    return Versions(mistakes=(Mistake(message, hint, line),))


def _numbers(text: str) -> Versions:
    """Read from its tokens: a parser of JSON keeps the last of two equal keys, and says nothing."""
    entries: dict[str, Entry] = {}
    mistakes: list[Mistake] = []
    repeated: list[str] = []
    owner: dict[str, str] = {}
    for number, files, line in _items(text):
        if files is None:
            what = f"says of {number!r} what is no list of file names"
            mistakes.append(Mistake(what, f'such as "{number}": ["add_counters.py"]', line))
            continue
        if not _NUMBER.fullmatch(number):
            mistakes.append(Mistake(f"has the key {number!r}, which is no number", "without zeros in front", line))
            continue
        good = []
        for file in files:
            if not _is_name(file):
                mistakes.append(
                    Mistake(f"lists {file!r}, which is no name of a file beside it", "without any folder", line)
                )
            elif purpose(file) is None:
                hint = "such as add_counters.py, add_counters_sqlite_upgrade.sql"
                mistakes.append(Mistake(f"lists {file!r}, which is no name of a script", hint, line))
            elif file in owner:
                mistakes.append(
                    Mistake(f"lists {file} twice: as {owner[file]} and as {number}", "take one of them out", line)
                )
            else:
                owner[file] = number
                good.append(file)
        for several in _for_the_same(good):
            what = f"lists for {number} what only one file can be: {', '.join(several)}"
            mistakes.append(Mistake(what, "give one of them a number of its own", line))
        if number in entries:
            before = ", ".join(entries[number].files)
            what = f"has the number {number} twice: {before}; and {', '.join(files)}"
            mistakes.append(Mistake(what, "give the newer one the next number: migci versions rebase", line))
            repeated += good
            continue
        if entries and int(number) < int(next(reversed(entries))):
            what = f"lists {number} behind {next(reversed(entries))}"
            mistakes.append(Mistake(what, "put the lines in the order of their numbers", line))
        entries[number] = Entry(number, tuple(good), line)
    return Versions(tuple(entries.values()), tuple(mistakes), True, tuple(repeated))


def _ids(text: str, value: list[object]) -> Versions:
    entries: dict[str, Entry] = {}
    mistakes: list[Mistake] = []
    if not all(isinstance(one, str) and one for one in value):
        wrong = next(one for one in value if not isinstance(one, str) or not one)
        said = json.dumps(wrong)
        return Versions((), (Mistake(f"lists {said:.60}, which is no id", _FORMS),), False)
    for token, line in _tokens(text):
        if token.startswith('"'):
            id = str(json.loads(token))
            if id in entries:
                mistakes.append(Mistake(f"lists {id} twice", "take one of them out", line))
            else:
                entries[id] = Entry(id, (), line)
    return Versions(tuple(entries.values()), tuple(mistakes), False)


def _tokens(text: str) -> Iterator[tuple[str, int]]:
    line = 1
    for match in _TOKEN.finditer(text):
        if match.group() == "\n":
            line += 1
        else:
            yield match.group(), line


def _items(text: str) -> Iterator[tuple[str, tuple[str, ...] | None, int]]:
    """Each key of the outer object, the strings of its list, and its line; `None` for what is no list of strings."""
    tokens = list(_tokens(text))[1:-1]
    place = 0
    while place < len(tokens):
        key, line = tokens[place]
        begins = place = place + 2  # behind the colon
        depth = 0
        while True:
            token = tokens[place][0]
            depth += (token in ("{", "[")) - (token in ("}", "]"))
            place += 1
            if depth == 0:
                break
        value = [token for token, _ in tokens[begins:place]]
        place += 1  # behind the comma
        strings = value[1:-1:2]
        good = value[0] == "[" and strings and all(token.startswith('"') for token in strings)
        good = good and set(value[2:-1:2]) <= {","}
        yield str(json.loads(key)), tuple(json.loads(one) for one in strings) if good else None, line


def _for_the_same(files: Sequence[str]) -> Iterator[list[str]]:
    """Those of `files`, of one number, of which sqlalchemy-migrate would run one and pass over the others."""
    found: dict[tuple[str, ...] | None, list[str]] = {}
    for file in files:
        found.setdefault(purpose(file), []).append(file)
    return (several for several in found.values() if len(several) > 1)


def _is_name(file: str) -> bool:
    return bool(file) and "/" not in file and "\0" not in file and file not in (".", "..") and not file.startswith(".")


def dumps_numbers(entries: Mapping[str, Sequence[str]]) -> str:
    """The file's text, an entry a line, in the order of `entries`."""
    lines = [f"  {json.dumps(number)}: {json.dumps(list(files))}" for number, files in entries.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n" if lines else "{}\n"


def dumps_ids(ids: Sequence[str]) -> str:
    """The file's text, an id a line."""
    return "[\n" + ",\n".join(f"  {json.dumps(id)}" for id in ids) + "\n]\n" if ids else "[]\n"
