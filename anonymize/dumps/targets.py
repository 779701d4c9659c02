"""Where the rows behind the head of an INSERT go: to the engine, or past it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Protocol

from anonymize import engine
from anonymize.dumps.session import Session
from anonymize.errors import Unreadable
from anonymize.ops import Program
from anonymize.schema import Table
from anonymize.sql import Grammar


class Tables(Protocol):
    """What is known of the tables of a dump, and what is to be done with their rows."""

    def declare(self, table: Table) -> None:
        """A CREATE TABLE has been read, or an ALTER TABLE that changed what is known of one."""

    def find(self, database: str | None, name: str) -> Table | None:
        """The table of that name, if it has been declared."""

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        """What happens to the rows of an INSERT that names these columns, or none; None if all of them stay.

        Raises Unreadable if the table or a column is not known.
        """


@dataclass(slots=True)
class Count:
    """What was done to a table."""

    rows: int = 0
    replaced: Counter[str] = field(default_factory=Counter)
    """By the names of the columns that something is done to: how many of their values were replaced."""

    def add(self, other: Count) -> None:
        self.rows += other.rows
        for name, count in other.replaced.items():
            self.replaced[name] += count


Counts = dict[tuple[str | None, str], Count]
"""By database and name, for the tables that something was done to."""

RowsOf = Callable[[Program, Grammar], engine.Rows]
"""What the rows of one kind of statement go through: `engine.rows`, unless they are only looked at."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows of one kind of statement go."""

    table: tuple[str | None, str]
    columns: tuple[str, ...]
    """What the values of a row are called, in their order."""
    program: Program
    grammar: Grammar
    making: RowsOf = engine.rows
    made: list[engine.Rows] = field(default_factory=list)
    idle: SimpleQueue[engine.Rows] = field(default_factory=SimpleQueue)

    @contextmanager
    def rows(self) -> Iterator[engine.Rows]:
        """What rewrites rows, for one thread: one that nobody is using."""
        try:
            rows = self.idle.get_nowait()
        except Empty:
            rows = self.making(self.program, self.grammar)
            self.made.append(rows)
        yield rows
        self.idle.put(rows)

    def count(self) -> Count:
        marked = [place for place, slot in enumerate(self.program.slots) if slot is not None]
        count = Count()
        for rows in self.made:
            replaced = rows.replaced
            count.add(Count(rows.rows, Counter({self.columns[place]: replaced[place] for place in marked})))
        return count


def target(
    tables: Tables,
    database: str | None,
    name: str,
    columns: tuple[str, ...] | None,
    session: Session,
    rows: RowsOf = engine.rows,
) -> Target | None:
    """The target for rows of a table, with the columns that the statement names, if it does; None if the rows stay.

    Raises Unreadable for what is not known, or cannot be replaced as it is written.
    """
    program = tables.program(database, name, columns)
    if program is None or not any(program.slots):
        return None
    table = tables.find(database, name)
    names = columns or names_of(table, len(program.slots))
    grammar = Grammar(session.backslash, _latin1(table, names, program, session))
    return Target((database, name), names, program, grammar, rows)


def names_of(table: Table | None, count: int) -> tuple[str, ...]:
    """What the values of a row without names are called, where it has `count` of them."""
    visible = [column for column in table.columns if not column.invisible] if table is not None else []
    for columns in (visible, [column for column in visible if column.generated is None]):
        if len(columns) == count:
            return tuple(column.name for column in columns)
    return tuple(str(place) for place in range(1, count + 1))


def _latin1(table: Table | None, names: tuple[str, ...], program: Program, session: Session) -> bool:
    """Whether the text to be replaced is in latin1.

    Where the session's character set is "binary", each column's text is in its own.
    """
    if session.charset != "binary" or table is None:
        return session.charset == "latin1"
    marked = {
        name.lower() for name, slot in zip(names, program.slots, strict=True) if slot is not None and not slot.binary
    }
    charsets = {column.charset for column in table.columns if column.name.lower() in marked} - {None, "binary", "ascii"}
    if charsets <= {"latin1"} and charsets:
        return True
    if charsets <= {"utf8", "utf8mb3", "utf8mb4"}:
        return False
    raise Unreadable(
        f"the text of table {table.name} is in several character sets ({', '.join(sorted(map(str, charsets)))})",
        "make the dump with one for all, utf8mb4",
    )
