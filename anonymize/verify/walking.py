"""The first walk: both dumps side by side, statement by statement and row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from anonymize.decisions import name_of
from anonymize.dumps.source import Source
from anonymize.dumps.statements import Options, Reader
from anonymize.dumps.targets import Target
from anonymize.ops import Program
from anonymize.planned import Planned
from anonymize.schema import Table
from anonymize.sql import RowError
from anonymize.verify import engine
from anonymize.verify.columns import Columns
from anonymize.verify.engine import Becomes, Event, Met
from anonymize.verify.report import Finding
from anonymize.verify.sides import Different, Follower

_SAID = {
    Event.DIFFERS: "a value differs that is kept",
    Event.NULL_DIFFERS: "there is NULL on one side, or none where it should be",
    Event.NOT_READ: "a value is not written out on one side",
    Event.JOINS_DIFFER: "the same original became something else elsewhere, so a join is lost",
    Event.NOT_UNIQUE: "different originals of a unique key became the same",
    Event.UNCHANGED: "the value is as it was",
}


class Tables:
    """What several plans, which differ in their keys alone, say of the tables of a dump."""

    def __init__(self, plans: Sequence[Planned], columns: Columns) -> None:
        self._plans = plans
        self._columns = columns
        self._names: set[str] = set()

    def names(self) -> set[str]:
        """All columns that have been declared, as table.column in lower case."""
        return self._names

    def finish(self) -> None:
        """Raises CheckFailed for what is wrong with the markup and could only be seen at the end."""
        self._plans[0].finish()

    def declare(self, table: Table) -> None:
        self._names |= {f"{name_of(table)}.{column.name}".lower() for column in table.columns}
        for plan in self._plans:
            plan.declare(table)

    def find(self, database: str | None, name: str) -> Table | None:
        return self._plans[0].find(database, name)

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        program, *_ = [plan.program(database, name, columns) for plan in self._plans]
        table = self.find(database, name)
        if table is not None:
            self._names |= {f"{name_of(table)}.{column.name}".lower() for column in table.columns}
            first, *others = [plan.plan_of(table) for plan in self._plans]
            self._columns.watch(first, others, self._plans[0].find_any)
        return program


@dataclass(slots=True)
class Walked:
    """What the walk has found."""

    rows: dict[str, int] = field(default_factory=dict)
    findings: dict[Event, list[Finding]] = field(default_factory=lambda: {event: [] for event in Event})
    counts: dict[Event, int] = field(default_factory=lambda: dict.fromkeys(Event, 0))
    totals: dict[str, list[int]] = field(default_factory=dict)
    """By column: values, NULL, empty, unchanged."""
    statements: int = 0
    kept_columns: int = 0
    broken: Finding | None = None
    """Where the two dumps have no longer the same form: the rest was not compared."""

    def note(self, event: Event, finding: Finding) -> None:
        if len(self.findings[event]) < engine.EXAMPLES:
            self.findings[event].append(finding)


def walk(
    original: Source, result: Source, tables: Tables, columns: Columns, index: engine.Originals, options: Options
) -> Walked:
    """Compare two dumps. Raises Unreadable for an original that is not understood."""
    walked = Walked()
    follower = Follower(result)
    walker = _Walker(original, follower, tables, columns, index, walked, options)
    try:
        walker.run()
        follower.finish()
    except Different as different:
        walked.broken = Finding(different.what, walker.table, None, None, walker.line, different.line)
    walker.count()
    return walked


@dataclass(slots=True)
class _Pairing:
    target: Target
    pairs: engine.Pairs
    table: str
    keys: tuple[tuple[tuple[int, ...], engine.Relation], ...]
    becomes: tuple[bool, ...]


class _Walker(Reader):
    """Reads the original; what it would write as it is goes to the follower, rows are compared."""

    def __init__(
        self,
        source: Source,
        follower: Follower,
        tables: Tables,
        columns: Columns,
        index: engine.Originals,
        walked: Walked,
        options: Options,
    ) -> None:
        super().__init__(source, follower, tables, options)
        self.table: str | None = None
        self._follower = follower
        self._columns = columns
        self._index = index
        self._walked = walked
        self._pairings: dict[object, _Pairing] = {}
        self._known: dict[int, _Pairing] = {}
        self._names: dict[bytes, str] = {}

    @property
    def line(self) -> int:
        return self._window.line(self._window.at)

    def count(self) -> None:
        """Put what was counted where it belongs."""
        walked = self._walked
        for pairing in self._pairings.values():
            walked.rows[pairing.table] = walked.rows.get(pairing.table, 0) + pairing.pairs.rows
            walked.kept_columns += sum(not replaced for replaced in pairing.becomes)
            for place, totals in enumerate(pairing.pairs.totals):
                if pairing.becomes[place]:
                    name = f"{pairing.table}.{pairing.target.columns[place]}".lower()
                    before = walked.totals.get(name, [0, 0, 0, 0])
                    walked.totals[name] = [one + other for one, other in zip(before, totals, strict=True)]
            for event, _, count in pairing.pairs.found:
                walked.counts[Event(event)] += count

    def _made(self, head: bytes, database: str | None, table: str, columns: tuple[str, ...] | None) -> Target | None:
        made = super()._made(head, database, table, columns)
        self._names[head] = table
        if made is None:
            return None
        its = self._tables.find(database, table)
        assert its is not None  # a program was made for it
        asked = (name_of(its), made.columns, made.grammar)
        if asked not in self._pairings:
            places = self._columns.places(its, made.columns)
            keys = self._columns.keys(its, made.columns)
            replaced = tuple(one is not None and one[0] != Becomes.STAYS for one in places)
            pairs = engine.pairs(self._index, made.grammar, places, keys)
            self._pairings[asked] = _Pairing(made, pairs, name_of(its), keys, replaced)
        self._known[id(made)] = self._pairings[asked]
        return made

    def _statement(self) -> None:
        self._walked.statements += 1
        self.table = None
        super()._statement()

    def _skip(self, head: bytes) -> None:
        self.table = self._names[head]
        super()._skip(head)

    def _rewrite(self, found: Target) -> None:
        window, follower, pairing = self._window, self._follower, self._known[id(found)]
        self.table = pairing.table
        window.flush()
        while True:
            try:
                came, end, its_end, noted = pairing.pairs.compare(window.data, window.at, follower.data, follower.at)
            except RowError as error:
                self._wrong_row(found, error)
            for one in noted:
                self._note(pairing, one)
            window.replace(end, b"")
            follower.at = its_end
            if came == Met.ENDED:
                return
            if came == Met.DIFFER:
                raise Different(
                    "the rows are not of the same form: another number of values, or another end", follower.line
                )
            if came == Met.MORE_OF_ORIGINAL and not window.more():
                self._cut_off("it ends inside a statement")
            if came == Met.MORE_OF_RESULT and not follower.more():
                raise Different("the result ends inside a statement", follower.line)

    def _note(self, pairing: _Pairing, noted: engine.Noted) -> None:
        event, place, row, at, its_at, value = noted
        names = pairing.target.columns
        if event == Event.UNCHANGED:
            its = self._tables.find(*pairing.target.table)
            watched = self._columns.of(its, names[place]) if its is not None else None
            if watched is None or watched.explain(value):
                return
            self._walked.counts[Event.UNCHANGED] += 1
        if len(self._walked.findings[Event(event)]) >= engine.EXAMPLES:
            return
        named = ", ".join(names[one] for one in pairing.keys[place][0]) if event == Event.NOT_UNIQUE else names[place]
        lines = self._window.line(at), self._follower.line_of(its_at)
        self._walked.note(Event(event), Finding(_SAID[Event(event)], pairing.table, named, row + 1, *lines))
