"""The rows of an original and of what was made of it, side by side."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from typing_extensions import Buffer

from anonymize.errors import Unfit
from anonymize.folding import fold
from anonymize.ops import Fold
from anonymize.sql import Grammar, RowError
from anonymize.twin.literals import read, value_of
from anonymize.twin.originals import Originals
from anonymize.twin.parts import parts_that_differ
from anonymize.twin.rows import gap_end, may_go_on, read_row, tokens_of

STAYS, REPLACED, NULLED, MAYBE_NULLED, COMPUTED = range(5)
DIFFERS, NULL_DIFFERS, NOT_READ, JOINS_DIFFER, NOT_UNIQUE, UNCHANGED = range(6)
MORE_OF_ORIGINAL, MORE_OF_RESULT, ENDED, DIFFER = range(4)
_EXAMPLES = 20

Noted = tuple[int, int, int, int, int, bytes]
_Span = tuple[int, int]


class Relation:
    """See `anonymize.verify.engine.Relation`."""

    def __init__(self) -> None:
        self._known: dict[object, object] = {}

    @property
    def count(self) -> int:
        return len(self._known)

    def put(self, one: object, other: object) -> bool:
        """Whether `one` belongs to `other`, from now on or before already."""
        return self._known.setdefault(one, other) == other


@dataclass(slots=True)
class _Place:
    becomes: int
    source: int
    binary: bool
    parts: bool
    fold: int
    relation: Relation | None
    totals: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    seen: set[bytes] = field(default_factory=set)


class Pairs:
    """See `anonymize.verify.engine.Pairs`."""

    def __init__(
        self,
        originals: Originals,
        grammar: Grammar,
        places: tuple[tuple[int, int, bool, bool, int, Relation | None] | None, ...],
        keys: tuple[tuple[tuple[int, ...], Relation], ...],
    ) -> None:
        self.rows = 0
        self._originals = originals
        self._grammar = grammar
        self._token = tokens_of(grammar)
        self._places = [_Place(*(place or (STAYS, 0, False, False, 0, None))) for place in places]
        self._keys = keys
        self._found: Counter[tuple[int, int]] = Counter()
        self._noted: list[Noted] = []

    @property
    def totals(self) -> list[tuple[int, int, int, int]]:
        return [(place.totals[0], place.totals[1], place.totals[2], place.totals[3]) for place in self._places]

    @property
    def found(self) -> list[tuple[int, int, int]]:
        return [(event, place, count) for (event, place), count in self._found.items() if event != UNCHANGED]

    def compare(self, original: Buffer, at: int, result: Buffer, its_at: int) -> tuple[int, int, int, list[Noted]]:
        data, its = bytes(original), bytes(result)
        self._noted = []
        while True:
            gap = gap_end(data, at)
            if gap == len(data) or may_go_on(data, gap):
                return MORE_OF_ORIGINAL, at, its_at, self._noted
            here = data[gap : gap + 1]
            if here not in (b"(", b";"):
                raise RowError(gap, None, "behind a row stands neither a comma nor the end of the statement")
            expected, there = data[at : gap + 1], its[its_at : its_at + gap + 1 - at]
            if there != expected:
                more = len(there) < len(expected) and expected.startswith(there)
                return MORE_OF_RESULT if more else DIFFER, at, its_at, self._noted
            if here == b";":
                return ENDED, gap + 1, its_at + len(expected), self._noted
            row = self._row(data, gap)
            if row is None:
                return MORE_OF_ORIGINAL, at, its_at, self._noted
            try:
                other = self._row(its, its_at + len(expected) - 1)
            except RowError:
                return DIFFER, at, its_at, self._noted
            if other is None:
                return MORE_OF_RESULT, at, its_at, self._noted
            self._compare_row(data, row[0], its, other[0])
            at, its_at = row[1], other[1]

    def _row(self, data: bytes, at: int) -> tuple[list[_Span], int] | None:
        row = read_row(self._token, data, at)
        if row is not None and len(row[0]) != len(self._places):
            raise RowError(at, None, f"the row has {len(row[0])} values, and {len(self._places)} were expected")
        return row

    def _compare_row(self, data: bytes, spans: list[_Span], its: bytes, its_spans: list[_Span]) -> None:
        for number, (span, its_span) in enumerate(zip(spans, its_spans, strict=True)):
            self._compare_place(number, data[slice(*span)], its[slice(*its_span)], span[0], its_span[0])
        for number, (places, relation) in enumerate(self._keys):
            tuples = []
            for text, where in ((data, spans), (its, its_spans)):
                values = [self._readable(text[slice(*where[place])], self._places[place]) for place in places]
                tuples.append(tuple(self._folded(value, place) for value, place in zip(values, places, strict=True)))
            if any(value is None for one in tuples for value in one):
                continue
            if not relation.put(tuples[1], tuples[0]):
                self._note(NOT_UNIQUE, number, spans[places[0]][0], its_spans[places[0]][0])
        self.rows += 1

    def _compare_place(self, number: int, lexeme: bytes, its_lexeme: bytes, at: int, its_at: int) -> None:
        place = self._places[number]
        if place.becomes == STAYS:
            if lexeme != its_lexeme:
                self._note(DIFFERS, number, at, its_at)
            return
        place.totals[0] += 1
        try:
            before = self._plain(lexeme, place)
            if place.becomes == COMPUTED:
                self._originals.add(before or b"", place.source)
        except Unfit:
            if place.becomes != COMPUTED:
                self._note(NOT_READ, number, at, its_at)
                return
        if place.becomes == COMPUTED:
            if its_lexeme != b"DEFAULT":
                self._note(DIFFERS, number, at, its_at)
            return
        try:
            after = self._plain(its_lexeme, place)
        except Unfit:
            self._note(NOT_READ, number, at, its_at)
            return
        self._compare_values(number, before, after, at, its_at)

    def _compare_values(self, number: int, before: bytes | None, after: bytes | None, at: int, its_at: int) -> None:
        place = self._places[number]
        place.totals[1] += before is None
        right = (before is None) == (after is None)
        if place.becomes in (NULLED, MAYBE_NULLED):
            right = after is None or (place.becomes == MAYBE_NULLED and before is not None)
        if not right:
            self._note(NULL_DIFFERS, number, at, its_at)
        if before is None:
            return
        place.totals[2] += before == b""
        if after is None:
            self._originals.add(before, place.source)
            return
        if before == after:
            if before:
                self._unchanged(number, before, at, its_at)
        else:
            for part in parts_that_differ(before, after) if place.parts else [before]:
                self._originals.add(part, place.source)
        if place.relation is not None and before:
            pair = self._folded(before, number), self._folded(after, number)
            if not place.relation.put(*pair):
                self._note(JOINS_DIFFER, number, at, its_at)

    def _unchanged(self, number: int, value: bytes, at: int, its_at: int) -> None:
        place = self._places[number]
        place.totals[3] += 1
        if value not in place.seen:
            place.seen.add(value)
            self._noted.append((UNCHANGED, number, self.rows, at, its_at, value))

    def _note(self, event: int, number: int, at: int, its_at: int) -> None:
        self._found[event, number] += 1
        if self._found[event, number] <= _EXAMPLES:
            self._noted.append((event, number, self.rows, at, its_at, b""))

    def _plain(self, lexeme: bytes, place: _Place) -> bytes | None:
        if lexeme.upper() == b"NULL":
            return None
        return value_of(read(lexeme, self._grammar, place.binary), self._grammar)

    def _readable(self, lexeme: bytes, place: _Place) -> bytes | None:
        try:
            return self._plain(lexeme, place)
        except Unfit:
            return None  # it has been noted

    def _folded(self, value: bytes | None, number: int) -> bytes | None:
        return None if value is None else fold(value, Fold(self._places[number].fold))
