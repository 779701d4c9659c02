"""Markup: what is said of the columns of a database, and which of them are confidential by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from migci.core.contents import Contents

KEEP = "keep"
"""Said of a column that is not confidential."""

ANY = "*"
"""Stands for every column of its table that is not named."""


@dataclass(frozen=True)
class Column:
    """A column of a database; `text` tells whether it can hold any text.

    `refers` are the columns (table, column) that its foreign keys refer to. A generated one is computed from others.
    """

    table: str
    column: str
    text: bool
    refers: tuple[tuple[str, str], ...] = ()
    generated: bool = False

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Modelled:
    """A column of a project's models, and the module that these say it is declared in."""

    column: Column
    module: str


@dataclass(frozen=True)
class Named:
    """A table, or a column of it, that the markup names, and where: a file and its line, or what the models call it."""

    table: str
    column: str | None
    place: str
    file: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Markup:
    """What is said of a database. The case of letters counts only between two names.

    `columns` are (table, column, what is said of it); a column of `ANY` is for all others of its table. `like` are
    tables, each with one whose markup holds for what is not said of its own columns. `named` are the places of it all.
    `file` is what it was read from, as the settings name it, and `text` what stands there; "" where no file says
    anything.
    """

    columns: tuple[tuple[str, str, str], ...] = ()
    like: tuple[tuple[str, str], ...] = ()
    named: tuple[Named, ...] = ()
    file: str = ""
    text: str = field(default="", repr=False)


class Sayings:
    """What markup says of the columns of one database: of their own, or of what they refer to."""

    def __init__(self, markup: Markup, columns: Iterable[Column]) -> None:
        said: dict[str, dict[str, str]] = {}
        for table, column, kind in markup.columns:
            said.setdefault(table, {})[column] = kind
        self._said = _Names({table: _Names(own) for table, own in said.items()})
        self._like = _Names(dict(markup.like))
        self._there = {(one.table.lower(), one.column.lower()): one for one in columns}

    def of(self, column: Column) -> str | None:
        """What is said of a column, or `None` where nobody said anything.

        What names it comes first, then what is said of the column that it refers to, then what is said of all others.
        """
        seen: set[str] = set()
        path: list[tuple[Column, Iterator[Column]]] = []  # not by recursion: a patch chooses how long it is
        entered: Column | None = column
        while True:
            if entered is not None:
                seen.add(entered.name)
                if (said := self._first(entered.table, entered.column)) is not None:
                    return said
                path.append((entered, self._referred(entered)))
            here, others = path[-1]
            entered = next((one for one in others if one.name not in seen), None)
            if entered is None:
                path.pop()
                said = self._first(here.table, ANY)
                if said is not None or not path:
                    return said

    def _first(self, table: str, column: str) -> str | None:
        """What is said under this name of a table, or else of those that it is like."""
        for called in self._chain(table):
            own = self._said.get(called)
            said = None if own is None else own.get(column)
            if said is not None:
                return said
        return None

    def _referred(self, column: Column) -> Iterator[Column]:
        """The columns that it, or one of its name in a table that its own is like, refers to."""
        for called in self._chain(column.table):
            one = self._there.get((called.lower(), column.column.lower()))
            for table, name in () if one is None else one.refers:
                yield Column(table, name, text=False)

    def _chain(self, table: str) -> Iterator[str]:
        """A table, and then those that it is like."""
        called: str | None = table
        seen: set[str] = set()
        while called is not None and called.lower() not in seen:
            yield called
            seen.add(called.lower())
            called = self._like.get(called)


_Value = TypeVar("_Value")


class _Names(Generic[_Value]):
    """Values by names, as they are written or else in any case."""

    def __init__(self, values: Mapping[str, _Value]) -> None:
        self._values = values
        self._folded = {name.lower(): value for name, value in reversed(list(values.items()))}

    def get(self, name: str) -> _Value | None:
        return self._values[name] if name in self._values else self._folded.get(name.lower())


def confidential(columns: Iterable[Column], contents: Contents, markup: Markup | None) -> tuple[str, ...]:
    """The names of those columns whose values are not to be seen, `table.column` each.

    By markup they are those that are not kept, and those with text that nobody said anything of. Without any they are
    all columns with text if the contents are real, else none.
    """
    columns = tuple(columns)
    if markup is None:
        return tuple(one.name for one in columns if one.text) if contents is Contents.REAL else ()
    sayings = Sayings(markup, columns)
    found = []
    for one in columns:
        said = sayings.of(one)
        if said != KEEP and (said is not None or one.text):
            found.append(one.name)
    return tuple(found)
