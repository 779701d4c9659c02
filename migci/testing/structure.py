"""What a database's tables are made of, in lines that can be compared, whatever their order and their spelling."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from migci.ports import Database

Structure = dict[str, frozenset[str]]
"""For each table or view what it has, a line each."""


def structure_of(database: Database) -> Structure:
    """Columns, keys, indexes and constraints. The order of columns does not count, nor how a statement was written.

    SQLite keeps no account of CHECK constraints and triggers other than the statements themselves: they do not count.
    """
    if database.address.flavor == "sqlite":
        with closing(sqlite3.connect(database.address.socket, timeout=10.0)) as connection:
            return {name: frozenset(_sqlite(connection, name, kind, sql)) for name, kind, sql in _things(connection)}
    return {name: frozenset(_lines(sql)) for name, sql in database.schema().items()}


def _lines(sql: str) -> Iterator[str]:
    first, *lines = sql.splitlines()
    yield first
    yield from (line.strip().rstrip(",") for line in lines)


def _things(connection: sqlite3.Connection) -> Iterable[tuple[str, str, str]]:
    return connection.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' "
        "ESCAPE '\\'"
    ).fetchall()


def _sqlite(connection: sqlite3.Connection, name: str, kind: str, sql: str) -> Iterator[str]:
    if kind == "view":
        yield sql
        return
    for column, type_, required, default, key in connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_xinfo(?)', (name,)
    ):
        words = (column, type_, required and "NOT NULL", default and f"DEFAULT {default}", key and f"KEY {key}")
        yield " ".join(str(word) for word in words if word)
    for index, unique, origin, partial in connection.execute(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (name,)
    ).fetchall():
        columns = [str(one) for (one,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        about = ("UNIQUE" if unique else "", f"INDEX {index}" if origin == "c" else "", "partial" if partial else "")
        if origin != "pk":
            yield " ".join(filter(None, (*about, f"({', '.join(columns)})")))
    for target, own, theirs, on_update, on_delete in connection.execute(
        'SELECT "table", "from", "to", on_update, on_delete FROM pragma_foreign_key_list(?)', (name,)
    ):
        yield f"FOREIGN KEY ({own}) REFERENCES {target} ({theirs}) ON UPDATE {on_update} ON DELETE {on_delete}"


def differences(before: Structure, after: Structure) -> tuple[str, ...]:
    """What one has and the other has not, a line each, marked as a difference is."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        was, now = before.get(table, frozenset()), after.get(table, frozenset())
        found += [f"- {table}: {line}" for line in sorted(was - now)]
        found += [f"+ {table}: {line}" for line in sorted(now - was)]
    return tuple(found)
