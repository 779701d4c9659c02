"""Dumps for tests: bytes in, bytes out, with a Tables that does to columns what it is told."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from anonymize.dumps.source import Source
from anonymize.dumps.statements import Options, rewrite
from anonymize.dumps.targets import Counts
from anonymize.errors import Unreadable
from anonymize.ops import Constant, Op, Program, Slot
from anonymize.schema import Table

HIDDEN: Op = Constant(b"hidden")

USERS = b"CREATE TABLE `users` (`id` int, `email` varchar(99), `note` text);\n"
KEPT = b"CREATE TABLE `kept` (`id` int, `text` text);\n"


class Marked:
    """A Tables: the columns in `marks` ("users.email") are replaced, all others stay."""

    def __init__(self, marks: Mapping[str, Op]) -> None:
        self.marks = marks
        self.tables: dict[tuple[str | None, str], Table] = {}

    def declare(self, table: Table) -> None:
        self.tables[table.database, table.name] = table

    def find(self, database: str | None, name: str) -> Table | None:
        return self.tables.get((database, name))

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        table = self.find(database, name)
        if table is None:
            raise Unreadable(f"table {name} is not known", "give a --schema")
        named = columns or [column.name for column in table.columns if not column.invisible]
        slots = tuple(Slot(op) if (op := self.marks.get(f"{name}.{column}")) else None for column in named)
        return Program(slots) if any(slots) else None


class Pieces(io.RawIOBase):
    """A file that gives at most `size` bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = io.BytesIO(data)
        self._size = size

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, self._size) if size >= 0 else self._size)


def run(
    dump: bytes, marks: Mapping[str, Op] | None = None, *, piece: int = 1 << 20, options: Options | None = None
) -> tuple[bytes, Counts]:
    """What comes out of `dump` with `marks` (users.email hidden, by default), read in pieces of `piece` bytes."""
    out = io.BytesIO()
    tables = Marked({"users.email": HIDDEN} if marks is None else marks)
    counts = rewrite(Source("dump.sql", Pieces(dump, piece)), out, tables, options)
    return out.getvalue(), counts


def rewritten(
    dump: bytes, marks: Mapping[str, Op] | None = None, *, piece: int = 1 << 20, options: Options | None = None
) -> bytes:
    return run(dump, marks, piece=piece, options=options)[0]
