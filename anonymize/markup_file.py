"""Markup from TOML, with the line of every rule."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from anonymize.errors import UsageError
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.rules import Kinds, near, rule

_HINT = 'it looks like this:  [tables.users]  email = "email"'

_MOST_LINES = 200

_Path = tuple[str, ...]


def read(file: Path, kinds: Kinds) -> Markup:
    """The markup in a file. Raises UsageError, with the line, for everything in it that is not understood."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the markup {file} cannot be read: {error.strerror}", "name a file of markup") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the markup {file} is not in UTF-8", "TOML is always in UTF-8") from error
    return parse(text, str(file), kinds)


def parse(text: str, file: str, kinds: Kinds) -> Markup:
    """The markup that TOML `text` says. Raises UsageError, with the line, for what is not understood in it."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is not TOML: {error}", _HINT) from error
    lines = _lines(text)
    for key in said:
        if key != "tables":
            raise UsageError(f"{_place(file, lines, (key,))}: {key!r} is not known here", near(key, ["tables"], _HINT))
    tables = said.get("tables", {})
    if not isinstance(tables, Mapping):
        raise UsageError(f"{_place(file, lines, ('tables',))}: 'tables' is not a table", _HINT)
    return Markup({name: _table(name, columns, file, lines, kinds) for name, columns in tables.items()})


def _table(name: str, said: Any, file: str, lines: Mapping[_Path, int], kinds: Kinds) -> TableMarkup:
    place = _place(file, lines, ("tables", name))
    if not isinstance(said, Mapping):
        raise UsageError(f"{place}: what is said of the table {name} is {said!r}", _HINT)
    columns: dict[str, Rule] = {}
    folded: dict[str, str] = {}
    like = rest = None
    for column, one in said.items():
        its_place = _place(file, lines, ("tables", name, column))
        if column == "like" and isinstance(one, str):  # a column of that name is written as { kind = … }
            like = one
            continue
        found = rule(one, its_place, f"{name}.{column}", kinds)
        if column == "*":
            rest = found
        elif column.lower() in folded:
            raise UsageError(
                f"{its_place}: {name}.{column} is the same column as {folded[column.lower()]}", "remove one of them"
            )
        else:
            folded[column.lower()] = column
            columns[column] = found
    return TableMarkup(columns, rest, like, place)


def _place(file: str, lines: Mapping[_Path, int], path: _Path) -> str:
    line = next((lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in lines), None)
    return f"{file}:{line}" if line is not None else file


def _lines(text: str) -> dict[_Path, int]:
    """The line in which every key of a TOML text is first named."""
    lines: dict[_Path, int] = {}
    table: _Path = ()
    for line, said in _statements(text):
        paths = list(_paths(said))
        if _is_header(text.split("\n")[line - 1]):
            table = paths[0] if paths else ()
            paths = [()]
        for path in paths:
            whole = (*table, *path)
            for length in range(1, len(whole) + 1):
                lines.setdefault(whole[:length], line)
    return lines


def _statements(text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each statement by itself: the line that it begins in, and what it says.

    A statement goes on for as long as its lines alone are not TOML; the whole text is. Nothing is told from one on that
    is longer than people write them: looking for its end takes long.
    """
    waiting: list[str] = []
    began = 1
    for line, here in enumerate(text.split("\n"), 1):
        if not waiting:
            began = line
        waiting.append(here)
        try:
            said = tomllib.loads("\n".join(waiting))
        except tomllib.TOMLDecodeError:
            if len(waiting) > _MOST_LINES:
                return
            continue
        waiting = []
        if said:
            yield began, said


def _is_header(line: str) -> bool:
    return line.lstrip().startswith("[")


def _paths(said: Mapping[str, Any]) -> Iterator[_Path]:
    for key, value in said.items():
        if isinstance(value, Mapping) and value:
            yield from ((key, *path) for path in _paths(value))
        else:
            yield (key,)
