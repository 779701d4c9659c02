"""Honeytokens in a SQLite file: in place of one value each, where no migration should mind."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress

from migci.adapters.servers.planting import LEAST_LENGTH, LOOKED_AT, MOST_PLANTED, in_place_of

# Text that is part of no key, and of no index on an expression, in tables without a trigger, a generated column (it may
# be made from any other) or a column that hides the row's own id. SQLite's names are the same in upper and lower case.
_FREE = """
    SELECT t.name, c.name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND c.pk = 0 AND c.hidden = 0
    AND (upper(c.type) LIKE '%CHAR%' OR upper(c.type) LIKE '%TEXT%' OR upper(c.type) LIKE '%CLOB%')
    AND NOT EXISTS (SELECT 1 FROM sqlite_schema g WHERE g.type = 'trigger' AND g.tbl_name = t.name COLLATE NOCASE)
    AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(t.name) o
                    WHERE o.hidden IN (2, 3) OR lower(o.name) IN ('rowid', 'oid', '_rowid_'))
    AND NOT EXISTS (SELECT 1 FROM pragma_foreign_key_list(t.name) f WHERE f."from" = c.name COLLATE NOCASE)
    AND NOT EXISTS (SELECT 1 FROM pragma_index_list(t.name) i, pragma_index_xinfo(i.name) p
                    WHERE p.name = c.name COLLATE NOCASE OR p.cid = -2)
    ORDER BY t.name, c.cid
"""


def plant(connection: sqlite3.Connection, tokens: Mapping[str, str]) -> tuple[str, ...]:
    """As `Database.plant`."""
    planted: list[str] = []
    for table, column in connection.execute(_FREE).fetchall():
        name = f"{table}.{column}"
        if name in tokens and len(planted) < MOST_PLANTED:
            with suppress(sqlite3.Error), connection:  # a value that a check refuses: there are others
                if _planted(connection, table, column, tokens[name]):
                    planted.append(name)
    return tuple(planted)


def _planted(connection: sqlite3.Connection, table: str, column: str, token: str) -> bool:
    where, name = _quoted(table), _quoted(column)
    if (declared := _declared_length(connection, table, column)) is not None and declared < LEAST_LENGTH:
        return False
    first = connection.execute(f"SELECT {name} FROM {where} WHERE typeof({name}) = 'text' LIMIT {LOOKED_AT}")
    chosen = in_place_of([value for (value,) in first], token)
    if chosen is None:
        return False
    one = f"SELECT rowid FROM {where} WHERE {name} = ? LIMIT 1"
    connection.execute(f"UPDATE {where} SET {name} = ? WHERE rowid = ({one})", (chosen[1], chosen[0]))
    return True


def _declared_length(connection: sqlite3.Connection, table: str, column: str) -> int | None:
    """What the type says in brackets. SQLite does not hold to it; the flavor that the schema is meant for does."""
    told = connection.execute("SELECT type FROM pragma_table_info(?) WHERE name = ?", (table, column))
    found = re.search(r"\((\d+)\)", told.fetchone()[0])
    return int(found.group(1)) if found else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
