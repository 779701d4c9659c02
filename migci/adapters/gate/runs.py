"""Views through encodings that replace a whole text: base64 and hexadecimal digits."""

from __future__ import annotations

import binascii
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from migci.adapters.gate import sieve
from migci.adapters.gate.finder import GRAM_BYTES
from migci.adapters.gate.mapping import Collector, Decoded, Span, View, Within

SHORTEST_RUN = 11
"""Characters of base64 that eight bytes take, whatever is before them."""

_SHORTEST_DIGITS = 16
_SHORTEST_LINE = 16
"""Characters at the end of a line that, with what begins the next, may be base64 that was broken into lines."""

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_STANDARD = bytes.maketrans(b"-_", b"+/")
_PADDED = (b"AAAA", b"AAA", b"AA", b"AAAAA")
"""What fills up the last four characters of a run, and keeps it apart from the next: by the characters it has there."""

_LONG = re.compile(b"a" * SHORTEST_RUN + b"a*")
_RUN = re.compile(rb"a+")
_MORE_LINES = re.compile(rb"(?:r?n *a{16,}+(?=r?n))*r?n *a+")
"""Among classes: what follows a line of base64."""

_DIGITS = re.compile(rb"[0-9a-fA-F]{16,}")
_PAIRS = re.compile(rb"[0-9a-fA-F]{2}(?:[ :,-]{1,2}[0-9a-fA-F]{2}){7,}")
_PAIR = re.compile(rb"[0-9a-fA-F]{2}")
_KNOWN_BITS = 14


def _classes(classes: dict[bytes, bytes], other: bytes) -> bytes:
    table = bytearray(other * 256)
    for members, name in classes.items():
        for member in members:
            table[member] = name[0]
    return bytes(table)


CLASSES = _classes({_BASE64 + b"-_": b"a", b"\n": b"n", b"\r": b"r", bytes([*range(9), 11, 12, 14, 15]): b"c"}, b" ")
"""For `bytes.translate`: characters of base64, ends of lines, and what text has only if it is UTF-16."""


Seen = tuple[set[bytes], int]
"""The long runs of characters of base64 that a text has and that are to be looked at, and what else it has."""


class Known:
    """Remembers runs in which nothing was found: they are not looked at again. For one thread."""

    def __init__(self) -> None:
        self._sieve = sieve.Runs(os.urandom(16), _KNOWN_BITS)
        self._new: tuple[bytes, list[Span]] = b"", []

    def look(self, text: bytes, holds: Callable[[bytes, bytes], bool]) -> Seen:
        """What is new in `text`, without those runs that say nothing, in whatever encoding.

        Most can say so little that all of it is looked at together, which is quick. `holds` tells whether one of some
        parts, given together and with their lengths, means anything; if so, each run is looked at by itself.
        """
        spans, has = self._sieve.unknown(text)
        self._new = text, spans
        parts, lengths, others = sieve.said(text, spans)
        return _at(text, spans if holds(parts, lengths) else others), has

    def nothing_found(self) -> None:
        """Nothing was found in those that were new."""
        self._sieve.add(*self._new)


def look(text: bytes) -> Seen:
    """As `Known.look`, with none of them known, and all of them to be looked at."""
    spans, has = _NOTHING_KNOWN.unknown(text)
    return _at(text, spans), has


_NOTHING_KNOWN = sieve.Runs(bytes(16), 4)


def _at(text: bytes, spans: list[Span]) -> set[bytes]:
    return {text[start:end] for start, end in spans}


@dataclass(frozen=True)
class Places:
    """Where in `text` the distinct runs are.

    Of each that is broken into lines, `broken` has the places: where the text has a part, and how long that is.
    """

    text: bytes
    broken: dict[bytes, list[Span]]

    def of(self, run: bytes, first: int, last: int) -> Iterator[Span]:
        """Where the part of `run` from `first` to `last` is, with the ends of lines that are within."""
        if run in self.broken:
            yield _part(self.broken[run], first, last)
        at = self.text.find(run)
        while at >= 0:
            yield at + first, at + last
            at = self.text.find(run, at + 1)


def _part(places: list[Span], first: int, last: int) -> Span:
    offset, touched = 0, []
    for at, length in places:
        if first < offset + length and last > offset:
            touched.append((at + max(first - offset, 0), at + min(last - offset, length)))
        offset += length
    return touched[0][0], touched[-1][1]


@dataclass(frozen=True)
class Joined:
    """Runs one after the other, with a byte between."""

    data: bytes
    runs: Sequence[bytes]
    places: Places
    certain: bool = False

    @cached_property
    def _begins(self) -> list[int]:
        return [0, *accumulate(len(run) + 1 for run in self.runs)]

    def sources(self, start: int, end: int) -> Iterator[Span]:
        for at in range(max(bisect_right(self._begins, start) - 1, 0), len(self.runs)):
            begins, run = self._begins[at], self.runs[at]
            if begins >= end:
                return
            first, last = max(start - begins, 0), min(end - begins, len(run))
            if first < last:
                yield from self.places.of(run, first, last)


class Base64:
    """Runs decoded from each of their first four characters on, if that leaves eight bytes."""

    certain = False

    def __init__(self, runs: Sequence[bytes], places: Places) -> None:
        self._places = places
        self._parts = [(run, shift) for shift in range(4) for run in runs if len(run) - shift >= SHORTEST_RUN]
        parts = [run[shift:] + _PADDED[len(run) - shift & 3] for run, shift in self._parts]
        self._begins = [0, *accumulate(len(part) * 3 // 4 for part in parts)]
        self.data = binascii.a2b_base64(b"".join(parts).translate(_STANDARD))

    def sources(self, start: int, end: int) -> Iterator[Span]:
        for at in range(max(bisect_right(self._begins, start) - 1, 0), len(self._parts)):
            begins, (run, shift) = self._begins[at], self._parts[at]
            if begins >= end:
                return
            first, last = max(start - begins, 0), min(end - begins, (len(run) - shift) * 3 // 4)
            if last - first >= min(end - start, GRAM_BYTES):  # else it is of two runs, so of none
                yield from self._places.of(run, shift + first * 4 // 3, shift - (-last * 4 // 3))


def in_runs(text: bytes, runs: set[bytes], *, broken: bool) -> Iterator[View]:
    """Views of the `runs` of `text`; if there may be `broken` ones, of all those that go on in the next line, too."""
    in_lines = _in_lines(text) if broken else {}
    ordered = sorted(runs | in_lines.keys())
    if not ordered:
        return
    places = Places(text, in_lines)
    yield Base64(ordered, places)
    longer = [run for run in ordered if len(run) >= _SHORTEST_DIGITS]
    joined = b"/".join(longer)
    if (digits := _hexadecimal(joined)) is not None:
        yield Within(Joined(joined, longer, places), digits)


def _in_lines(text: bytes) -> dict[bytes, list[Span]]:
    """The runs that are broken into lines, and where each of their parts is, and how long."""
    classes = text.translate(CLASSES)
    found, done = {}, 0
    for start, end in [match.span() for match in _LONG.finditer(classes)]:
        if end - start >= _SHORTEST_LINE and start >= done and (lines := _MORE_LINES.match(classes, end)):
            done = lines.end()
            parts = [part.span() for part in _RUN.finditer(classes, start, done)]
            found[b"".join(text[first:last] for first, last in parts)] = [
                (first, last - first) for first, last in parts
            ]
    return found


def _hexadecimal(text: bytes) -> Decoded | None:
    """Every run of digits, paired from its first and from its second."""
    decoded = Collector()
    for match in _DIGITS.finditer(text):
        for start in (match.start(), match.start() + 1):
            length = (match.end() - start) // 2 * 2
            decoded.add(bytes.fromhex(text[start : start + length].decode()), start, length)
            decoded.separate()
    return decoded.decoded(certain=False)


def pairs(data: bytes) -> Iterator[View]:
    """Hexadecimal digits with something between each two."""
    decoded = Collector()
    for match in _PAIRS.finditer(data):
        for pair in _PAIR.finditer(data, *match.span()):
            decoded.add(bytes.fromhex(pair.group().decode()), pair.start(), 2, atom=True)
        decoded.separate()
    if (view := decoded.decoded(certain=True)) is not None:
        yield view
