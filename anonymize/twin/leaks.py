"""The rows of a result, searched for originals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from typing_extensions import Buffer

from anonymize.errors import Unfit
from anonymize.sql import Grammar, RowError
from anonymize.twin.literals import read, value_of
from anonymize.twin.originals import Originals
from anonymize.twin.rows import gap_end, may_go_on, read_row, tokens_of
from anonymize.twin.views import Seen, seen, seen_plain

_EXAMPLES = 20

Leak = tuple[int, int, bool, int, int, int]
_Hit = tuple[int, bool, int, int]
"""The original's column, whether it is excused, the form, where its value begins in the data."""


class Leaks:
    """See `anonymize.verify.engine.Leaks`."""

    def __init__(self, originals: Originals, grammar: Grammar, excused: tuple[tuple[int, ...], ...]) -> None:
        self.rows = 0
        self._originals = originals
        self._grammar = grammar
        self._token = tokens_of(grammar)
        self._excused = [frozenset(one) for one in excused]
        self._counts: Counter[tuple[int, int, bool]] = Counter()

    @property
    def counts(self) -> list[tuple[int, int, bool, int]]:
        return [(*asked, count) for asked, count in self._counts.items()]

    def search(self, data: Buffer, start: int) -> tuple[int, bool, list[Leak]]:
        text = bytes(data)
        found: list[Leak] = []
        at = start
        while True:
            gap = gap_end(text, at)
            here = text[gap : gap + 1]
            if here == b";":
                found += self._between(text, at, gap + 1)
                return gap + 1, True, found
            if here not in (b"", b"(") and not may_go_on(text, gap):
                raise RowError(gap, None, "behind a row stands neither a comma nor the end of the statement")
            row = read_row(self._token, text, gap) if here == b"(" else None
            if row is None:
                return at, False, found
            found += self._between(text, at, gap)
            for place, (first, last) in enumerate(row[0]):
                found += self._value(text, place, first, last)
            self.rows += 1
            at = row[1]

    def _between(self, text: bytes, at: int, end: int) -> Iterable[Leak]:
        for place, _, source, form, _ in seen_plain(self._originals.plain, text[at:end]):
            yield from self._counted(-1, (source, False, form, at + place))

    def _value(self, text: bytes, place: int, first: int, last: int) -> Iterable[Leak]:
        lexeme = text[first:last]
        hits = {self._hit(place, one, first) for one in seen_plain(self._originals.plain, lexeme)}
        hits |= {self._hit(place, one, first) for value in self._values(lexeme) for one in self._in(value)}
        sources: set[int] = set()
        for hit in sorted(hits):
            if hit[0] not in sources:
                sources.add(hit[0])
                yield from self._counted(place, hit)

    def _in(self, value: bytes) -> Iterable[Seen]:
        return seen(self._originals.plain, value)

    def _values(self, lexeme: bytes) -> Iterable[bytes]:
        """What a value may mean: its character set is not known where it is kept, so both readings count."""
        for binary in (False, True)[: 1 + self._grammar.latin1]:
            try:
                yield value_of(read(lexeme, self._grammar, binary), self._grammar)
            except Unfit:
                yield lexeme

    def _hit(self, place: int, one: Seen, first: int) -> _Hit:
        _, _, source, form, number = one
        excused = place < len(self._excused) and number in self._excused[place]
        return source, excused, form, first

    def _counted(self, place: int, hit: _Hit) -> Iterable[Leak]:
        source, excused, form, at = hit
        self._counts[source, place, excused] += 1
        if self._counts[source, place, excused] <= _EXAMPLES:
            yield source, place, excused, form, self.rows, at
