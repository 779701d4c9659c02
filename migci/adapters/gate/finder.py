"""What knows the confidential values, and the twin of it that holds them as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, Protocol

GRAM_BYTES = 8
"""The shortest piece of a longer value that is found."""

SHORTEST_WORD_BYTES = 4

COLUMN_NUMBERS = 255

Hit = tuple[int, int, int]
"""Where it begins, where it ends, and the number of its column."""

_WORD = re.compile(rb"[A-Za-z0-9_\x80-\xff]")


class Finder(Protocol):
    """Knows confidential values well enough to find them."""

    def find(self, data: bytes, public: Any = None) -> list[Hit]:
        """The maximal spans of `data` that are pieces of at least 8 bytes of confidential values.

        Values of 4 to 7 bytes are found where they stand as whole words. The spans are in order and do not overlap.
        What is in `public` is no secret, whoever else has it.
        """

    def holds(self, parts: bytes, lengths: bytes) -> bool:
        """Whether one of the parts has any of that in it, public or not.

        They lie one after the other, and are as long as the bytes of `lengths` say.
        """

    def names(self, column_number: int) -> tuple[str, ...]:
        """The columns that a number below 255 stands for, if any."""


class ExactFinder:
    """A finder that holds the values themselves: for a few of them, and for tests."""

    def __init__(self, values: Mapping[str, Iterable[bytes]]) -> None:
        self._columns = tuple(values)
        self._grams: dict[bytes, int] = {}
        self._words: dict[bytes, int] = {}
        for number, column in enumerate(self._columns):
            for value in values[column]:
                for at in range(len(value) - GRAM_BYTES + 1):
                    self._grams.setdefault(value[at : at + GRAM_BYTES], number)
                if SHORTEST_WORD_BYTES <= len(value) < GRAM_BYTES:
                    self._words.setdefault(value, number)

    def find(self, data: bytes, public: Any = None) -> list[Hit]:
        grams = self._grams
        hits = [
            (at, at + GRAM_BYTES, grams[data[at : at + GRAM_BYTES]])
            for at in range(len(data) - GRAM_BYTES + 1)
            if data[at : at + GRAM_BYTES] in grams
        ]
        if self._words:
            hits = sorted(hits + self._find_words(data))
        found: list[Hit] = []
        for start, end, number in hits:
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]), found[-1][2])
            else:
                found.append((start, end, number))
        return found

    def holds(self, parts: bytes, lengths: bytes) -> bool:
        ends = accumulate(lengths)
        return any(self.find(parts[end - size : end]) for end, size in zip(ends, lengths, strict=True))

    def _find_words(self, data: bytes) -> list[Hit]:
        hits = []
        for word, number in self._words.items():
            at = data.find(word)
            while at >= 0:
                end = at + len(word)
                if not _WORD.match(data[at - 1 : at] if at else b"") and not _WORD.match(data[end : end + 1]):
                    hits.append((at, end, number))
                at = data.find(word, at + 1)
        return hits

    def names(self, column_number: int) -> tuple[str, ...]:
        return self._columns[column_number : column_number + 1]
