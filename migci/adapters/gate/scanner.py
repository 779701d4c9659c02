"""Secrets and literals in a whole text, a line after the other, in the time that it takes to tell lines apart.

What counts of a line is its shape: lower case, each digit a zero. Lines of a log have few shapes, and each is looked at
once.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from migci.adapters.gate import secrets, sieve
from migci.adapters.gate.found import INSTEAD, Found, merged
from migci.adapters.gate.secrets import State

Cut = tuple[int, int, bytes]
"""As `Found`, but for its columns: there are very many."""

_SHAPE = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(chr(byte).lower()) if byte < 128 else byte
               for byte in range(256))  # fmt: skip
_MOST_ROUNDS = 5
_LINES_BITS = 15
_MOST_WORDS = 10_000
_MOST_STATES = 10_000
_LONGEST_LINE = 1000


class Scanner:
    """Finds secrets and, with `statements`, the literals of statements; remembers the shapes of lines it has seen.

    For any number of threads. `start` is the state at the beginning of a text.
    """

    start = State()

    def __init__(self, *, statements: bool) -> None:
        self._statements = statements
        self._lock = threading.Lock()
        self._lines = sieve.Lines(os.urandom(16), _LINES_BITS)
        self._words: dict[bytes, frozenset[bytes]] = {}
        self._states, self._answers = _Numbers(self.start), _Numbers[tuple[Cut, ...]](())

    def scan(self, text: bytes, state: State) -> tuple[list[Cut], State]:
        """What is to be removed of `text`, a line after the other, and the state at its end."""
        with self._lock:
            found, after = self._scan(text, state)
        inside_line = text[-1:] not in (b"", b"\n")
        return found, after if after == self.start else after._replace(inside_line=inside_line)

    def _scan(self, text: bytes, state: State) -> tuple[list[Cut], State]:
        found: list[Cut] = []
        at, number = 0, self._states.of(state)
        while True:
            at, number, told = self._lines.scan(text, at, number)
            answers = self._answers
            found += [
                (begins + start, begins + end, instead)
                for begins, answer in told
                for start, end, instead in answers[answer]
            ]
            if at >= len(text):
                if found and found[0][0] < 0:  # the end of the line before was in what has been released
                    found[0] = (0, *found[0][1:])
                return found, self._states[number]
            ends = text.find(b"\n", at)
            line = text[at : ends if ends >= 0 else len(text)]
            settled, after = self._settled(line.translate(_SHAPE), self._states[number])
            cuts = tuple(one[:3] for one in settled)
            found += [(at + start, at + end, instead) for start, end, instead in cuts]
            number = self._learn(line, number, after, cuts)
            at += len(line) + 1

    def _learn(self, line: bytes, number: int, after: State, cuts: tuple[Cut, ...]) -> int:
        """Remember what was found; returns the number of the state that comes `after`."""
        answer = self._answers.of(cuts) if len(line) <= _LONGEST_LINE else 0
        full = len(line) <= _LONGEST_LINE and self._lines.learn(line, number, self._states.of(after), answer)
        if full or len(self._states) > _MOST_STATES:
            self._lines.clear()
            self._states, self._answers = _Numbers(self.start), _Numbers[tuple[Cut, ...]](())
        return self._states.of(after)

    def _settled(self, shape: bytes, state: State) -> tuple[list[Found], State]:
        """What is found in a line, and what is found in it once that is removed, and so on."""
        found, after = self._found(shape, state)
        for _ in range(_MOST_ROUNDS):
            if not found or found[0].start < 0 or after.open:  # it is one line with that before or after it
                break
            more, after = self._found(_without(shape, found), state)
            all_found = merged([*found, *_in_original(shape, found, more)])
            if all_found == found:
                break
            found = all_found
        return found, after

    def _found(self, shape: bytes, state: State) -> tuple[list[Found], State]:
        found, after = secrets.line(shape, state, self._signs(shape), statements=self._statements)
        return merged(found), after

    def _signs(self, shape: bytes) -> frozenset[bytes]:
        """What there is in the words of a line that makes it worth a closer look."""
        signs = _NO_SIGNS
        for word in set(shape.split()):
            found = self._words.get(word)
            if found is None:
                found = frozenset(secrets.SIGN.findall(word)) or _NO_SIGNS
                if len(self._words) >= _MOST_WORDS:
                    self._words.clear()
                if len(word) <= _LONGEST_LINE:
                    self._words[word] = found
            if found:
                signs |= found
        return signs


_Thing = TypeVar("_Thing", bound=Hashable)


class _Numbers(Generic[_Thing]):
    """Gives numbers to things; that of the first is zero."""

    def __init__(self, first: _Thing) -> None:
        self._things = [first]
        self._numbers = {first: 0}

    def __len__(self) -> int:
        return len(self._things)

    def __getitem__(self, number: int) -> _Thing:
        return self._things[number]

    def of(self, thing: _Thing) -> int:
        number = self._numbers.setdefault(thing, len(self._things))
        if number == len(self._things):
            self._things.append(thing)
        return number


_NO_SIGNS: frozenset[bytes] = frozenset()


def _without(shape: bytes, found: list[Found]) -> bytes:
    """The line as it is when what was found has been removed; what stands for a secret is no word."""
    parts, done = [], 0
    for one in found:
        parts += [shape[done : one.start], one.instead if one.instead == INSTEAD else b"\1" * len(one.instead)]
        done = one.end
    return b"".join([*parts, shape[done:]])


def _in_original(shape: bytes, found: list[Found], more: list[Found]) -> list[Found]:
    """Where in the line that is which was found when `found` had been removed."""
    starts, ends, done = [], [], 0
    for one in found:
        starts += [*range(done, one.start), *[one.start] * len(one.instead)]
        ends += [*range(done + 1, one.start + 1), *[one.end] * len(one.instead)]
        done = one.end
    starts += range(done, len(shape))
    ends += range(done + 1, len(shape) + 1)
    return [one._replace(start=starts[one.start], end=ends[one.end - 1]) for one in more]
