"""Decoded text that knows where in its source each of its bytes comes from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Span = tuple[int, int]

SEPARATOR = b"\x00\xff\x00"
"""Between what does not belong together: part of no text."""

CUT = b"\xff"
"""Where a text was cut: no word ends here."""


_BETWEEN_BYTES = 2
"""At most so much may be put between digits for two bytes."""


class View(Protocol):
    """Bytes that a text says in another way."""

    @property
    def data(self) -> bytes: ...

    @property
    def certain(self) -> bool:
        """Whether it means anything: what may be base64 often is not."""

    def sources(self, start: int, end: int) -> Iterator[Span]:
        """Where the text says `data[start:end]`: all that carries a bit of it, wherever it is said."""


class Piece(NamedTuple):
    """`decoded` bytes at `at`, which `length` bytes at `source` stand for.

    Those of an `atom` do so together, as in `\\u00e9`; the others in proportion, as in base64.
    """

    at: int
    source: int
    length: int
    decoded: int
    atom: bool = False

    def span(self, start: int, end: int) -> Span:
        first, last = max(start - self.at, 0), min(end - self.at, self.decoded)
        if self.atom:
            return self.source, self.source + self.length
        return self.source + first * self.length // self.decoded, self.source - (-last * self.length // self.decoded)


@dataclass(frozen=True)
class Decoded:
    """Pieces in the order of `data`; what is between them was put there to keep them apart."""

    data: bytes
    pieces: Sequence[Piece]
    certain: bool = False

    def sources(self, start: int, end: int) -> Iterator[Span]:
        """One span for pieces that follow each other in the source, or almost do; one each for the others."""
        index = max(bisect_right(self.pieces, start, key=lambda piece: piece.at) - 1, 0)
        found: Span | None = None
        while index < len(self.pieces) and (piece := self.pieces[index]).at < end:
            if piece.at + piece.decoded > start:
                span = piece.span(start, end)
                if found is not None and 0 <= span[0] - found[1] <= _BETWEEN_BYTES:
                    span = (found[0], span[1])
                elif found is not None:
                    yield found
                found = span
            index += 1
        if found is not None:
            yield found


class Collector:
    """Puts a `Decoded` together."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._pieces: list[Piece] = []
        self._size = 0

    def add(self, decoded: bytes, source: int, length: int, *, atom: bool = False) -> None:
        if decoded:
            self._pieces.append(Piece(self._size, source, length, len(decoded), atom))
            self._parts.append(decoded)
            self._size += len(decoded)

    def separate(self, by: bytes = SEPARATOR) -> None:
        self._parts.append(by)
        self._size += len(by)

    def decoded(self, *, certain: bool) -> Decoded | None:
        return Decoded(b"".join(self._parts), self._pieces, certain) if self._pieces else None


@dataclass(frozen=True)
class Within:
    """A view of a view."""

    outer: View
    inner: View

    @property
    def data(self) -> bytes:
        return self.inner.data

    @property
    def certain(self) -> bool:
        return self.outer.certain and self.inner.certain

    def sources(self, start: int, end: int) -> Iterator[Span]:
        for span in self.inner.sources(start, end):
            yield from self.outer.sources(*span)
