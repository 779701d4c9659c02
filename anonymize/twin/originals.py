"""The index of originals, and the search for them in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from typing_extensions import Buffer

from anonymize.twin.views import seen

_LEAST, _LONG, _LONGEST, _MOST_SOURCES = 6, 12, 4096, 4094
_ALONE = re.compile(rb"[^@-\xff]*+")
_LETTER_OR_DIGIT = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Originals:
    """See `anonymize.verify.engine.Originals`. This one holds the values themselves."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("a key has 32 bytes, and originals are made once")
        self._values: dict[bytes, int] = {}
        self._numbers: dict[bytes, int] = {}
        self._lengths: dict[bytes, set[int]] = {}

    @property
    def count(self) -> int:
        return len(self._values)

    @property
    def size(self) -> int:
        return sum(map(len, self._values))

    def add(self, value: bytes, source: int) -> None:
        part = _part(bytes(value))
        if part is None:
            return
        source = min(source, _MOST_SOURCES)
        self._values[part] = min(source, self._values.get(part, source))
        self._numbers.setdefault(part, len(self._numbers))
        self._lengths.setdefault(part[:_LEAST], set()).add(len(part))

    def find(self, text: Buffer) -> list[tuple[int, int, int, int, int]]:
        return list(seen(self.plain, bytes(text)))

    def plain(self, text: bytes) -> Iterator[tuple[int, int, int, int]]:
        """Where an original stands as it is: its place, length, column and number."""
        lengths, values = self._lengths, self._values
        for at in range(len(text) - _LEAST + 1):
            known = lengths.get(text[at : at + _LEAST])
            if known is None:
                continue
            for length in known:
                part = text[at : at + length]
                if len(part) == length and part in values and _stands_alone(text, at, part):
                    yield at, length, values[part], self._numbers[part]


def _part(value: bytes) -> bytes | None:
    """How a value counts when it is looked for; None if it is not."""
    if len(value) < _LEAST:
        return None
    if len(set(value[:_LONG])) == 1:
        value = value[:1] + value.lstrip(value[:1])  # the run would begin at each place of a longer one
    if len(value) < 4 * _LEAST and sum(byte & 0xC0 != 0x80 for byte in value) < _LEAST:
        return None
    return value[:_LONGEST]


def _stands_alone(text: bytes, at: int, part: bytes) -> bool:
    """Whether neither a letter nor a digit stands beside it, or it has letters."""
    end = at + len(part)
    beside = text[max(at - 1, 0) : at] + text[end : end + 1]
    return not _LETTER_OR_DIGIT.intersection(beside) or _ALONE.fullmatch(part) is None
