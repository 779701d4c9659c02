"""Views through encodings that replace a whole text: base64 and hexadecimal digits."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from migci.adapters.gate.mapping import Collector, Decoded, Piece, Span, View, Within

SHORTEST_RUN = 11
"""Characters of base64 that eight bytes take, whatever is before them."""

_SHORTEST_LINE = 16
"""Characters at the end of a line that, with what begins the next, may be base64 that was broken into lines."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_BETWEEN = b"/" * 8
"""Between runs: no hexadecimal digit, and of a length that leaves each run its alignment."""

_LONG = re.compile(b"a" * SHORTEST_RUN + b"a*")
_RUN = re.compile(rb"a+")
_ENDS_OF_LINES = (b"a" * _SHORTEST_LINE + b"n", b"a" * _SHORTEST_LINE + b"rn")
_MORE_LINES = re.compile(rb"(?:r?n *a{16,}+(?=r?n))*r?n *a+")
"""Among classes: what follows a line of base64."""

_HEX = re.compile(rb"[0-9a-fA-F]{16,}")
_PAIRS = re.compile(rb"[0-9a-fA-F]{2}(?:[ :,-]{1,2}[0-9a-fA-F]{2}){7,}")
_PAIR = re.compile(rb"[0-9a-fA-F]{2}")
_EIGHT_PAIRS = (b" ".join([b"hh"] * 8), b"  ".join([b"hh"] * 8))


def _classes(classes: dict[bytes, bytes], other: bytes) -> bytes:
    table = bytearray(other * 256)
    for members, name in classes.items():
        for member in members:
            table[member] = name[0]
    return bytes(table)


CLASSES = _classes({_BASE64 + b"-_": b"a", b"\n": b"n", b"\r": b"r", bytes([*range(9), 11, 12, 14, 15]): b"c"}, b" ")
"""For `bytes.translate`: characters of base64, ends of lines, and what text has only if it is UTF-16."""

_PAIR_CLASSES = _classes({b"0123456789abcdefABCDEF": b"h", b" :,-": b" "}, b"x")


@dataclass(frozen=True)
class Runs:
    """The distinct long runs of characters of base64 in `text`, in the standard alphabet and apart from each other.

    Of each that is broken into lines, `broken` has the places: where the text has a part, and how long that is.
    """

    data: bytes
    text: bytes
    runs: Sequence[bytes]
    broken: dict[bytes, list[Span]]

    def sources(self, start: int, end: int) -> Iterator[Span]:
        begins = 0
        for run in self.runs:
            first, last = max(start - begins, 0), min(end - begins, len(run))
            if first < last:
                for places in self._places(run):
                    yield _part(places, first, last)
            begins += len(run) + len(_BETWEEN)

    def _places(self, run: bytes) -> Iterator[list[Span]]:
        if run in self.broken:
            yield self.broken[run]
        at = self.text.find(run)
        while at >= 0:
            yield [(at, len(run))]
            at = self.text.find(run, at + 1)


def _part(places: list[Span], first: int, last: int) -> Span:
    """Where a part of a run is, with the ends of lines that are within."""
    offset, touched = 0, []
    for at, length in places:
        if first < offset + length and last > offset:
            touched.append((at + max(first - offset, 0), at + min(last - offset, length)))
        offset += length
    return touched[0][0], touched[-1][1]


class Known:
    """Runs in which nothing was found: they are not looked at again. Full, it forgets all of them."""

    def __init__(self, most: int = 20_000, longest: int = 64) -> None:
        self._runs: set[bytes] = set()
        self._new: set[bytes] = set()
        self._most, self._longest = most, longest

    def unknown(self, runs: set[bytes]) -> set[bytes]:
        self._new = runs - self._runs
        return self._new

    def nothing_found(self) -> None:
        """Nothing was found in what was unknown last."""
        if len(self._runs) + len(self._new) > self._most:
            self._runs.clear()
        self._runs.update(run for run in self._new if len(run) <= self._longest)
        self._new = set()


def runs(text: bytes, classes: bytes, known: Known | None) -> Runs | None:
    """The long runs of `text`, of which `classes` is the translation; those that are broken into lines as one, too."""
    spans = [match.span() for match in _LONG.finditer(classes)]
    found = {text[start:end] for start, end in spans}
    if known is not None:
        found = known.unknown(found)
    broken = {}
    if any(end in classes for end in _ENDS_OF_LINES):
        done = 0
        for start, end in spans:
            if end - start >= _SHORTEST_LINE and start >= done and (lines := _MORE_LINES.match(classes, end)):
                done = lines.end()
                parts = [part.span() for part in _RUN.finditer(classes, start, done)]
                run = b"".join(text[first:last] for first, last in parts)
                broken[run] = [(first, last - first) for first, last in parts]
    ordered = sorted(found | broken.keys())
    joined = b"".join(run + _BETWEEN for run in ordered).translate(_STANDARD)
    return Runs(joined, text, ordered, broken) if ordered else None


def in_runs(data: bytes, classes: bytes, known: Known | None) -> Iterator[View]:
    found = runs(data, classes, known)
    if found is not None:
        yield Within(found, _base64(found.data))
        digits = _hexadecimal(found.data)
        if digits is not None:
            yield Within(found, digits)


def _base64(text: bytes) -> Decoded:
    """`text` decoded at each of the four alignments, one after the other."""
    parts, pieces, at = [], [], 0
    for shift in range(4):
        length = (len(text) - shift) // 4 * 4
        decoded = binascii.a2b_base64(text[shift : shift + length])
        pieces.append(Piece(at, shift, length, len(decoded)))
        parts.append(decoded)
        at += len(decoded)
    return Decoded(b"".join(parts), pieces)


def _hexadecimal(text: bytes) -> Decoded | None:
    """Every run of digits, paired from its first and from its second."""
    decoded = Collector()
    for match in _HEX.finditer(text):
        for start in (match.start(), match.start() + 1):
            length = (match.end() - start) // 2 * 2
            decoded.add(bytes.fromhex(text[start : start + length].decode()), start, length)
            decoded.separate()
    return decoded.decoded()


def pairs(data: bytes) -> Iterator[View]:
    """Hexadecimal digits with something between each two."""
    classes = data.translate(_PAIR_CLASSES)
    if not any(pairs in classes for pairs in _EIGHT_PAIRS):
        return
    decoded = Collector()
    for match in _PAIRS.finditer(data):
        for pair in _PAIR.finditer(data, *match.span()):
            decoded.add(bytes.fromhex(pair.group().decode()), pair.start(), 2, atom=True)
        decoded.separate()
    view = decoded.decoded()
    if view is not None:
        yield view
