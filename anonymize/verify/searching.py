"""The second walk: the result is searched for originals, in rows, between them, and in all other statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from typing_extensions import Buffer

from anonymize.decisions import name_of
from anonymize.dumps.source import Source
from anonymize.dumps.statements import Options, Reader
from anonymize.dumps.targets import Tables, Target, names_of
from anonymize.schema import Table
from anonymize.sql import RowError
from anonymize.verify import engine
from anonymize.verify.engine import EXAMPLES, LONGEST_BYTES, Written
from anonymize.verify.report import Finding

STATEMENTS = "statements"
"""Where something was found that is in no column."""
_FORMS = {
    Written.AS_IT_IS: "as it is",
    Written.BACKSLASHES: "written with backslashes",
    Written.PERCENT: "written with percent signs",
    Written.HEXADECIMAL: "in hexadecimal digits",
    Written.BASE64: "in base64",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """Originals of one column, found in another, or in statements."""

    source: int
    table: str | None
    column: str | None
    reason: str | None
    """Why they may be there, if that is seen where they are."""


@dataclass(slots=True)
class Searched:
    """What the search has found: how many values hold an original, and the first of them."""

    counts: Counter[Hit] = field(default_factory=Counter)
    examples: dict[Hit, list[Finding]] = field(default_factory=dict)
    rows: int = 0
    statement_bytes: int = 0

    def example(self, hit: Hit, text: str, row: int | None, line: int) -> None:
        found = self.examples.setdefault(hit, [])
        if len(found) < EXAMPLES:
            found.append(Finding(text, hit.table, hit.column, row, None, line))


def search(
    source: Source,
    tables: Tables,
    index: engine.Originals,
    excused: Mapping[str, tuple[int, ...]],
    declared: Mapping[int, frozenset[bytes]],
    options: Options,
) -> Searched:
    """Search a result. `excused` are, by table.column in lower case, hashes of what that column's kind may make;
    `declared`, by the number of a column, what its type says that its values may be.

    Raises Unreadable for a result that is not understood.
    """
    searched = Searched()
    rest = _Rest(index, searched, declared)
    searcher = _Searcher(source, rest, tables, index, excused, searched, options)
    searcher.run()
    searcher.count()
    return searched


class _Rest:
    """Takes all that is no row."""

    def __init__(self, index: engine.Originals, searched: Searched, declared: Mapping[int, frozenset[bytes]]) -> None:
        self.line: Callable[[], int] = lambda: 1
        """Where what is written next begins."""
        self._index = index
        self._searched = searched
        self._declared = declared
        self._tail = b""

    def write(self, data: Buffer, /) -> None:
        if not (new := bytes(data)):
            return
        before = len(self._tail)
        text = self._tail + new
        seen: set[tuple[int, Hit]] = set()
        for at, length, source, written, _ in self._index.find(text):
            if at + max(length, 1) <= before:
                continue  # it was found when the tail was new
            line = self.line() + text.count(b"\n", before, at)
            hit = Hit(source, None, None, self._reason(source, text, at, length))
            if (line, hit) in seen:
                continue
            seen.add((line, hit))
            self._searched.counts[hit] += 1
            self._searched.example(hit, f"in a statement or a comment, {_FORMS[Written(written)]}", None, line)
        self._searched.statement_bytes += len(new)
        self._tail = text[-LONGEST_BYTES:]

    def _reason(self, source: int, text: bytes, at: int, length: int) -> str | None:
        """Why an original may stand in a statement; None if it may not."""
        quotes = text[max(at - 1, 0) : at] + text[at + length : at + length + 1] if length else b""
        if quotes == b"``":
            return "the name of something in the schema"
        if quotes == b"''" and text[at : at + length] in self._declared.get(source, ()):
            return "a member of the column's type, which declares it"
        return None


@dataclass(slots=True)
class _Searching:
    leaks: engine.Leaks
    table: str
    its: Table | None
    columns: tuple[str, ...] | None

    def column(self, place: int) -> str | None:
        if place < 0:
            return None
        names = self.columns or names_of(self.its, place + 1)
        if self.columns is None and self.its is not None:
            shown = [one.name for one in self.its.columns if not one.invisible]
            names = tuple(shown) if place < len(shown) else names
        return names[place]


class _Searcher(Reader):
    """Reads the result; all rows are searched."""

    def __init__(
        self,
        source: Source,
        rest: _Rest,
        tables: Tables,
        index: engine.Originals,
        excused: Mapping[str, tuple[int, ...]],
        searched: Searched,
        options: Options,
    ) -> None:
        super().__init__(source, rest, tables, options)
        rest.line = self._window.unwritten_line
        self._index = index
        self._excused = excused
        self._searched = searched
        self._made_of: dict[object, _Searching] = {}
        self._by_head: dict[bytes, _Searching] = {}

    def count(self) -> None:
        for one in self._made_of.values():
            self._searched.rows += one.leaks.rows
            for source, place, excused, values in one.leaks.counts:
                self._searched.counts[self._hit(one, source, place, excused)] += values

    def _made(self, head: bytes, database: str | None, table: str, columns: tuple[str, ...] | None) -> Target | None:
        its = self._tables.find(database, table)
        program = self._tables.program(database, table, columns)
        target = super()._made(head, database, table, columns) if program is not None else None
        names = target.columns if target is not None else columns
        grammar = target.grammar if target is not None else self._grammar
        called = name_of(its) if its is not None else table
        asked = (called, names, grammar)
        if asked not in self._made_of:
            excused = tuple(self._excused.get(f"{called}.{name}".lower(), ()) for name in names or ())
            self._made_of[asked] = _Searching(engine.leaks(self._index, grammar, excused), called, its, names)
        self._by_head[head] = self._made_of[asked]
        return None

    def _skip(self, head: bytes) -> None:
        window, searching = self._window, self._by_head[head]
        while True:
            try:
                end, ended, leaks = searching.leaks.search(window.data, window.at)
            except RowError as error:
                self._fail(
                    error.offset, f"table {searching.table}: {error.reason}", "see that line of the result", error
                )
            for source, place, excused, written, row, offset in leaks:
                hit = self._hit(searching, source, place, excused)
                self._searched.example(hit, _FORMS[Written(written)], row + 1, window.line(offset))
            window.replace(end, b"")
            if ended:
                return
            if not window.more():
                self._cut_off("it ends inside a statement")

    def _hit(self, searching: _Searching, source: int, place: int, excused: bool) -> Hit:
        reason = "its own pool, constant or template has it" if excused else None
        return Hit(source, searching.table, searching.column(place), reason)
