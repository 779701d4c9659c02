"""The gate: confidential values, secrets and the literals of statements do not pass it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migci.adapters.gate import sieve
from migci.adapters.gate.finder import COLUMN_NUMBERS, GRAM_BYTES, Finder
from migci.adapters.gate.found import REMOVED, Found, masked, merged
from migci.adapters.gate.runs import Known
from migci.adapters.gate.scanner import Scanner
from migci.adapters.gate.views import views

HELD_BYTES = 65_536
"""A stream holds back at most so much."""

TAIL_BYTES = 1024
"""What is released has been looked at together with so much of what follows: more than any code takes for a piece."""

_AROUND = 6
"""Bytes on either side of a short value, by which it is judged whether what was decoded means anything."""

_MOST_ROUNDS = 5

_GAP_BYTES = 16
"""Where a long value was cut, so much of its second part may not be found."""


@dataclass(frozen=True)
class Removal:
    """How often a value was removed that is one of `columns`, which of them is not known."""

    columns: tuple[str, ...]
    count: int


class Gate:
    """Removes what must not be seen, for any number of threads.

    A confidential value that `finder` knows becomes `[removed: users.email]`, in whichever of the encodings it stands
    that `views` names; another secret `[removed]`; a literal in a statement `?`. What is in `public` is not
    confidential. Text with nothing to remove passes as it is, and so does what has passed already.
    """

    def __init__(self, finder: Finder | None, public: Any = None) -> None:
        self._finder, self._public = finder, public
        names = [finder.names(number) if finder is not None else () for number in range(COLUMN_NUMBERS)]
        self._columns = names
        self._markers = [_marker(columns) for columns in names]
        own = sorted({*self._markers, REMOVED}, key=len, reverse=True)
        self._own = re.compile(b"|".join(re.escape(marker) for marker in own))
        self._removed: Counter[tuple[str, ...]] = Counter()
        self._lock = threading.Lock()
        self._scanners = {literals: Scanner(statements=literals) for literals in (True, False)}

    def clean(self, text: str, *, literals: bool = True) -> str:
        """`text` without what must not be seen. Bytes that are no text may be there as surrogates."""
        try:
            data = text.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            data = text.encode("utf-8", "surrogatepass")
        cleaned = self.clean_bytes(data, literals=literals)
        return text if cleaned == data else cleaned.decode("utf-8", "surrogateescape")

    def clean_bytes(self, data: bytes, *, literals: bool = True) -> bytes:
        """As `clean`. Without `literals`, statements keep theirs: for reports, whose statements have none.

        What has passed passes again: it is cleaned until it stays as it is. A stream does it once; where quotes are
        open, what is removed of a line can make the next one look like something else.
        """
        for _ in range(_MOST_ROUNDS):
            cleaned: list[bytes] = []
            stream = self.stream(cleaned.append, literals=literals)
            stream.write(data)
            stream.flush()
            before, data = data, b"".join(cleaned)
            if data == before:
                break
        return data

    def stream(
        self, write: Callable[[bytes], object], *, literals: bool = True, held_bytes: int = HELD_BYTES
    ) -> Stream:
        """What is written to the stream is handed on to `write` when it is clean. A stream is for one thread."""
        return Stream(self, self._scanners[literals], write, held_bytes)

    def take(self) -> tuple[Removal, ...]:
        """The confidential values that were removed since this was last asked, the most frequent first."""
        with self._lock:
            removed, self._removed = self._removed, Counter()
        return tuple(Removal(columns, count) for columns, count in removed.most_common())

    def count(self, columns: tuple[str, ...]) -> None:
        with self._lock:
            self._removed[columns] += 1

    def confidential(self, text: bytes, known: Known) -> list[Found]:
        """The confidential values in `text`, in order; they may overlap."""
        if self._finder is None:
            return []
        hits = self._finder.find(text, self._public)
        in_plain = len(hits)
        for view in views(text, known.look(text, self._finder.holds)):
            for start, end, number in self._finder.find(view.data, self._public):
                if end - start >= GRAM_BYTES or view.certain or _readable(view.data, start, end):
                    hits += [(*span, number) for span in view.sources(start, end)]
        if len(hits) == in_plain:
            known.nothing_found()
        if not hits:
            return []
        own = self.own(text)
        spans = [(*_outside(own, *_whole_characters(text, start, end)), number) for start, end, number in sorted(hits)]
        return [
            Found(start, end, self._markers[number], self._columns[number])
            for start, end, number in spans
            if start < end
        ]

    def own(self, text: bytes) -> list[Found]:
        """What the gate itself has written in `text`: it stands for what was removed, and stays."""
        if REMOVED[:-1] not in text:
            return []
        return [Found(*match.span(), match.group()) for match in self._own.finditer(text)]


class Stream:
    """Cleans what is written to it, in bounded memory.

    It holds back at most `held_bytes`. Until they are used up, or `flush` is called, nothing is handed on; so what is
    split over two writes is found. A value that is longer than what is held is found in pieces.
    """

    def __init__(
        self, gate: Gate, scanner: Scanner, write: Callable[[bytes], object], held_bytes: int = HELD_BYTES
    ) -> None:
        assert held_bytes >= 4 * TAIL_BYTES
        self._gate, self._scanner, self._write, self._held_bytes = gate, scanner, write, held_bytes
        self._held = bytearray()
        self._state = scanner.start
        self._known = Known()
        self._last = b""

    @property
    def held_bytes(self) -> int:
        return len(self._held)

    def write(self, data: bytes) -> None:
        begins = 0
        while begins < len(data):
            ends = begins + self._held_bytes - len(self._held)
            self._held += data[begins:ends]
            begins = ends
            if len(self._held) >= self._held_bytes:
                self._release(ends=False)

    def flush(self) -> None:
        """Hand on all that is held: the text has come to an end, or a value is not going to be split here."""
        self._release(ends=True)
        self._state, self._last = self._scanner.start, b""

    def _release(self, *, ends: bool) -> None:
        text = bytes(self._held)
        confidential = merged(self._gate.confidential(text, self._known))
        cut = len(text) if ends else _cut(text, confidential)
        text = text[:cut]
        removed = [found._replace(end=min(found.end, cut)) for found in confidential if found.start < cut]
        removed += self._gate.own(text)
        others, self._state = self._scanner.scan(masked(text, removed) if removed else text, self._state)
        plain = None if removed or self._last else sieve.replaced(text, others)
        if plain is None:
            self._put(text, merged([*removed, *(Found(max(start, 0), end, instead) for start, end, instead in others)]))
        elif text:
            self._last = others[-1][2] if others and others[-1][1] == len(text) else b""
            self._write(plain)
        del self._held[:cut]

    def _put(self, text: bytes, removed: list[Found]) -> None:
        parts: list[bytes] = []
        done = 0
        for found in removed:
            goes_on = not done and found.start <= _GAP_BYTES and found.instead == self._last
            if not goes_on:
                parts += [text[done : found.start], found.instead]
                if found.columns:
                    self._gate.count(found.columns)
            done = found.end
        parts.append(text[done:])
        self._last = removed[-1].instead if removed and removed[-1].end == len(text) else b""
        if cleaned := b"".join(parts):
            self._write(cleaned)


def _cut(text: bytes, confidential: list[Found]) -> int:
    """How much of `text` can be released: whole lines and whole values, and if there are none, whatever there is."""
    last = len(text) - TAIL_BYTES
    at = last
    for found in reversed(confidential):
        if found.end <= at:
            break
        at = min(at, found.start)
    lines = text.rfind(b"\n", 0, at) + 1
    return lines or (at if at > 0 else last)


def _marker(columns: tuple[str, ...]) -> bytes:
    names = ", ".join(re.sub(r"[^\w.$-]", "_", column) for column in columns)
    return b"[removed: %s]" % names.encode() if names else REMOVED


def _readable(data: bytes, start: int, end: int) -> bool:
    """Whether what is around a short value is text, so that it is likely to be one."""
    return sum(32 <= byte < 127 for byte in data[max(start - _AROUND, 0) : end + _AROUND]) >= 10


def _whole_characters(text: bytes, start: int, end: int) -> tuple[int, int]:
    for _ in range(3):
        if start and text[start] & 0xC0 == 0x80:
            start -= 1
        if end < len(text) and text[end] & 0xC0 == 0x80:
            end += 1
    return start, end


def _outside(own: list[Found], start: int, end: int) -> tuple[int, int]:
    """The span without what it shares with what the gate itself has written.

    Nothing is left of a short value right beside that, which was no word before it was written.
    """
    for first, last, *_ in own:
        if end - start < GRAM_BYTES and (start == last or end == first):
            return start, start
        if first <= start < last:
            start = min(last, end)
        if first < end <= last:
            end = max(first, start)
    return start, end
