"""Secondary keys that are made after a large table's rows: sorted once, instead of row by row."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pymysql

from migci.adapters.dumps.session import Session
from migci.ports import ServerFailed

_COLUMN = r"`[^`]+`(?:\(\d+\))?(?: ASC| DESC)?"
_KEY = re.compile(rf"  KEY `([^`]+)` \(({_COLUMN}(?:,{_COLUMN})*)\)(?: USING BTREE)?,?$")
_COUNTED = re.compile(r"^  `([^`]+)` .* AUTO_INCREMENT\b", re.MULTILINE)
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")
_NEEDED = (1075, 1553)


@dataclass(frozen=True)
class Deferred:
    """The keys of `table` (quoted) that were dropped, as the server wrote them, and what the table was."""

    table: str
    definitions: tuple[str, ...]
    before: str

    def restore(self, session: Session) -> None:
        """Make the keys; the table's definition is then what it was. Raises ServerFailed if it is not."""
        session.run(
            f"ALTER TABLE {self.table} {', '.join(f'ADD {each}' for each in self.definitions)}".encode(), statements=0
        )
        if (after := _definition(session, self.table)) != self.before:
            raise ServerFailed(f"the keys of {self.table} came back in another way: {after}")


def defer(session: Session, table: str) -> Deferred | None:
    """Drop the keys of an empty InnoDB table that can be made again at their place; None if there are none.

    Unique keys stay, as rows may rely on them (REPLACE, INSERT IGNORE); so does the key of a counter, and all that the
    server lists before the last key that stays: the order is part of the definition. A foreign key does not need its
    keys as long as it is not checked, and finds them again when they are back.
    """
    if not table.isascii():
        return None
    found = session.ask(f"SHOW CREATE TABLE {table}")
    before = _plain(str(found[0][1]))
    if "ENGINE=InnoDB" not in before or not before.isascii() or "PARTITION BY" in before:
        return None
    definitions: list[tuple[str, str]] = []
    counted = _COUNTED.findall(before)
    for line in before.splitlines():
        key = _KEY.match(line)
        if key is not None and not any(key[2].startswith(f"`{column}`") for column in counted):
            definitions.append((key[1], line.strip().removesuffix(",")))
        elif re.match(r"  [A-Z ]*KEY ", line):
            definitions.clear()
    if not definitions or session.ask(f"SELECT 1 FROM {table} LIMIT 1"):
        return None
    try:
        session.run(
            f"ALTER TABLE {table} {', '.join(f'DROP KEY `{name}`' for name, _ in definitions)}".encode(), statements=0
        )
    except pymysql.err.MySQLError as error:
        if error.args and error.args[0] in _NEEDED:
            return None
        raise
    return Deferred(table, tuple(text for _, text in definitions), before)


def _definition(session: Session, table: str) -> str:
    return _plain(str(session.ask(f"SHOW CREATE TABLE {table}")[0][1]))


def _plain(definition: str) -> str:
    return _COUNTER.sub("", definition)
