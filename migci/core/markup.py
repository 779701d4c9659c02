"""Markup: what is said of the columns of a database, and which of them are confidential by it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migci.core.contents import Contents

KEEP = "keep"
"""Said of a column that is not confidential."""

ANY = "*"
"""Stands for every column of its table that is not named."""


@dataclass(frozen=True)
class Markup:
    """`columns` are (table, column, what is said of it); a column of `ANY` is for all others of its table."""

    columns: tuple[tuple[str, str, str], ...] = ()

    def said_of(self, table: str, column: str) -> str | None:
        """What is said of a column, or `None` where nobody said anything."""
        said = {(one, name): kind for one, name, kind in self.columns}
        return said.get((table, column), said.get((table, ANY)))


def confidential(columns: Iterable[Column], contents: Contents, markup: Markup | None) -> tuple[str, ...]:
    """The names of those columns whose values are not to be seen, `table.column` each.

    By markup they are those that are not kept, and those with text that nobody said anything of. Without any they are
    all columns with text if the contents are real, else none.
    """
    if markup is None:
        return tuple(one.name for one in columns if one.text) if contents is Contents.REAL else ()
    found = []
    for one in columns:
        said = markup.said_of(one.table, one.column)
        if said != KEEP and (said is not None or one.text):
            found.append(one.name)
    return tuple(found)


@dataclass(frozen=True)
class Column:
    """A column of a database; `text` tells whether it can hold any text."""

    table: str
    column: str
    text: bool

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"
