"""Tables by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from anonymize.decisions import name_of
from anonymize.schema import Table

Find = Callable[[str | None, str], Table | None]
"""The table of a name, in a database if that is named; None if it is not known (yet)."""


def finder(tables: Iterable[Table]) -> Find:
    """What finds one of these tables by its name; the letters' case counts only between two of them."""
    known = {name_of(table): table for table in tables}

    def find(database: str | None, name: str) -> Table | None:
        called = key_of(known, database, name)
        return known[called] if called is not None else None

    return find


def key_of(names: Iterable[str], database: str | None, name: str) -> str | None:
    """Which of `names` means the table: with its database or without, as it is written or else in any case."""
    names = list(names)
    for wanted in (f"{database}.{name}", name) if database else (name,):
        if wanted in names:
            return wanted
        near = [one for one in names if one.lower() == wanted.lower()]
        if near:
            return near[0]
    return None


def split(called: str, database: str | None) -> tuple[str | None, str]:
    """A table's database and name, of what markup calls it."""
    before, dot, after = called.partition(".")
    return (before, after) if dot else (database, called)
