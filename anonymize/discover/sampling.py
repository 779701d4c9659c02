"""A dump is read for a sample of its rows: the first of each table, then some of every megabyte."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from typing_extensions import Buffer

from anonymize import engine
from anonymize.discover.sample import TableSample
from anonymize.dumps import delimited, folders, shell, source, statements
from anonymize.dumps.files import Lines, Part
from anonymize.dumps.source import Source
from anonymize.dumps.statements import Options
from anonymize.errors import Unreadable
from anonymize.ops import Call, Program, Slot
from anonymize.progress import Watch
from anonymize.rewrite import opened
from anonymize.schema import Table
from anonymize.sql import Grammar, RowError, State

_SLICE_BYTES = 1 << 16
_SPACED_BYTES = 1 << 14
_APART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sampled:
    """The tables of a dump, and a sample of each that has rows."""

    tables: tuple[Table, ...]
    samples: dict[tuple[str | None, str], TableSample] = field(default_factory=dict)
    """By database and name."""

    def of(self, table: Table) -> TableSample:
        return self.samples.get((table.database, table.name)) or TableSample()


def sampled(where: str, known: Sequence[Table], rows: int, watch: Watch, *, partial: bool = False) -> Sampled:
    """Read a dump: a file of SQL, a folder of mydumper's or MySQL Shell's, the standard input or a live server.

    Of each table the first `rows` rows are looked at, and some of every megabyte that follows; of lines that are no
    SQL, the first megabyte of each file. `known` are tables that the dump may not declare. Raises Unreadable and
    UsageError, as reading it does.
    """
    found = _Sampling(known, rows)
    if Path(where).is_dir():
        for file in folders.files(Path(where), partial=partial):
            if file.part in (Part.TABLES, Part.ROWS):
                with source.opened(file.path) as stream:
                    if file.lines is None:
                        found.read(stream, Options(partial=True, database=file.database, bodies=True))
                    else:
                        found.read_lines(stream, file.lines)
    else:
        with opened(where) as stream:
            stream.watch = watch
            found.read(stream, Options(partial=partial))
    return Sampled(tuple(found.tables.values()), found.samples)


class _Sampling:
    """The `Tables` of a dump that is looked at, and written nowhere."""

    def __init__(self, known: Iterable[Table], rows: int) -> None:
        self.tables: dict[tuple[str | None, str], Table] = {(table.database, table.name): table for table in known}
        self.samples: dict[tuple[str | None, str], TableSample] = {}
        self._most_rows = rows
        self._pending: list[tuple[Program, _Pending]] = []
        self._spacings: dict[tuple[str | None, str], _Spacing] = {}

    def read(self, stream: Source, options: Options) -> None:
        statements.rewrite(stream, _Nowhere(), self, replace(options, rows=self._rows))

    def read_lines(self, stream: Source, lines: Lines) -> None:
        program = self.program(lines.database, lines.table, lines.columns)
        beginning = b""
        while len(beginning) < _APART_BYTES and (more := stream.read(_APART_BYTES)):
            beginning += more
        whole = Source(stream.name, io.BytesIO(beginning[: beginning.rfind(b"\n") + 1]))
        count = delimited.rewrite(whole, _Nowhere(), shell.encoded(program, lines), lines.columns, lines.dialect)
        self._pending[-1][1].sample.rows += count.rows

    def declare(self, table: Table) -> None:
        self.tables[table.database, table.name] = table

    def find(self, database: str | None, name: str) -> Table | None:
        return self.tables.get((database, name)) or self.tables.get((None, name))

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program:
        table = self.find(database, name)
        if table is None:
            raise Unreadable(
                f"rows of table {name}, of which no CREATE TABLE has been seen", "give a file with it: --schema FILE"
            )
        key = (table.database, table.name)
        sample = self.samples.setdefault(key, TableSample())
        names = columns or [column.name for column in table.columns if not column.invisible]
        generated = {column.name.lower() for column in table.columns if column.generated is not None}
        pending = _Pending(
            sample,
            [None if name.lower() in generated else name.lower() for name in names],
            self._spacings.setdefault(key, _Spacing(self._most_rows)),
        )
        program = pending.program()
        self._pending.append((program, pending))
        return program

    def _rows(self, program: Program, grammar: Grammar) -> engine.Rows:
        pending = next(pending for known, pending in self._pending if known is program)
        return _Rows(pending, grammar)


@dataclass(slots=True)
class _Spacing:
    """Which of a table's rows are looked at, whatever statements they stand in."""

    rows_left: int
    """How many of the first rows are still to be looked at."""
    passed_bytes: int = 0
    """How much has gone by since rows were looked at, ..."""
    due_bytes: int = 0
    """... and how much of what follows has to be."""

    def wants(self) -> bool:
        """Whether the next rows are to be looked at."""
        if self.rows_left <= 0 and self.due_bytes <= 0 and self.passed_bytes >= _APART_BYTES:
            self.passed_bytes, self.due_bytes = 0, _SPACED_BYTES
        return self.rows_left > 0 or self.due_bytes > 0

    def looked(self, rows: int, bytes_: int) -> None:
        self.rows_left -= rows
        self.due_bytes -= bytes_


@dataclass(slots=True)
class _Pending:
    """What the rows of one kind of statement are sampled into."""

    sample: TableSample
    names: list[str | None]
    spacing: _Spacing

    def program(self) -> Program:
        # Bytes as they are: text is decoded where it is looked at.
        return Program(
            tuple(
                None
                if name is None or name in self.sample.computed
                else Slot(Call(self.sample.of(name).take), binary=True)
                for name in self.names
            )
        )


class _Rows:
    """An `engine.Rows` that hands some rows on to the engine and skips the others. It replaces nothing."""

    def __init__(self, pending: _Pending, grammar: Grammar) -> None:
        self._pending = pending
        self._grammar = grammar
        self._inner = engine.rows(pending.program(), grammar)
        self._state: int | None = None
        """Where the search for the statement's end stands; None between rows."""

    @property
    def rows(self) -> int:
        return 0

    @property
    def replaced(self) -> list[int]:
        return [0] * len(self._pending.names)

    def rewrite(self, data: Buffer, start: int) -> tuple[Buffer | None, int, bool]:
        data = data if isinstance(data, bytes) else bytes(data)
        at = start
        spacing = self._pending.spacing
        while self._state is None:
            if not spacing.wants():
                self._state = State.OUTSIDE
                break
            end, ended = self._look(data, at, _SLICE_BYTES if spacing.rows_left > 0 else _SPACED_BYTES)
            if ended:
                return None, end, True
            if end == at:
                return None, at, False
            at = end
        end, state = engine.skip(data, at, self._state, self._grammar)
        spacing.passed_bytes += end - at
        self._state = None if state == State.ENDED else state
        return None, end, state == State.ENDED

    def _look(self, data: bytes, at: int, size: int) -> tuple[int, bool]:
        """Look at whole rows among some `size` bytes, more if one is longer. Returns where they end; `at` if none."""
        while True:
            piece = data[at : at + size]
            before = self._inner.rows
            try:
                _, end, ended = self._inner.rewrite(piece, 0)
            except RowError as error:
                if error.place is None or not self._give_up(error.place):
                    raise RowError(at + error.offset, error.place, error.reason) from error
                continue
            looked = self._inner.rows - before
            self._pending.spacing.looked(looked, end)
            self._pending.sample.rows += looked
            if looked or ended or len(piece) < size:
                return at + end if looked or ended else at, ended
            size *= 2

    def _give_up(self, place: int) -> bool:
        """Look at the others of a row's values from now on. False if this one was not looked at."""
        name = self._pending.names[place] if place < len(self._pending.names) else None
        if name is None or name in self._pending.sample.computed:
            return False
        self._pending.sample.computed.add(name)
        self._inner = engine.rows(self._pending.program(), self._grammar)
        return True


class _Nowhere:
    def write(self, data: Buffer, /) -> None:
        pass
