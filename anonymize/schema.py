"""Tables, as a dump's CREATE TABLE statements or a model say that they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: str
    """Its base type in lower case: varchar, int, json, …; "" where it is not known."""
    length: int | None = None
    """Characters of a char or varchar, bytes of a binary one, digits of a decimal; None where no limit is known."""
    scale: int | None = None
    unsigned: bool = False
    nullable: bool = True
    charset: str | None = None
    """The character set of its text, its table's where it has none of its own; "binary" for bytes; None: not known."""
    collation: str | None = None
    generated: str | None = None
    """The expression that it is computed from."""
    members: tuple[str, ...] = ()
    """What an enum or a set may be."""
    invisible: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to those of another table, in the same order."""

    columns: tuple[str, ...]
    table: str
    references: tuple[str, ...]
    """() where they are not named: its primary key."""
    database: str | None = None
    """That of the other table; None: the same."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table; names are as they were written."""

    name: str
    columns: tuple[Column, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    """The columns of the primary key, if there is one, and then of each unique one."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    database: str | None = None
    place: str = ""
    """Where it was declared: a file and a line."""


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables, by name; with `database.name` where a dump holds several databases."""

    tables: Mapping[str, Table] = field(default_factory=dict)
