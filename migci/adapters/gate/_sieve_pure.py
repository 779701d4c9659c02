"""What the compiled sieve does, in plain Python; `_sieve.pyi` says what both promise."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

_LONGEST_LINE = 1000
_SHORTEST_RUN = 11
_LONGEST_RUN = 64

_RUN = re.compile(rb"[A-Za-z0-9+/_-]{11,}+")
_DIGIT = re.compile(rb"[0-9a-fA-F]")
_DIGITS = re.compile(rb"[0-9a-fA-F]{16,}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SAYS_MORE = re.compile(
    rb"[A-Za-z0-9+/_-]{11}|\+|(?=([\x00-\x08\x0b\x0c\x0e\x0f]).[\x00-\x08\x0b\x0c\x0e\x0f].[\x00-\x08\x0b\x0c\x0e\x0f])"
    rb"|%[0-9a-fA-F]|\\[ntrbfvaZe'\"`\\/%_$?\nxuU0-7]|&[#A-Za-z0-9_\x80-\xff]|''|\"\"",
    re.DOTALL,
)
_HAS = (
    (1, re.compile(rb"[\x00-\x08\x0b\x0c\x0e\x0f]")),
    (2, re.compile(rb"[\x80-\xff]")),
    (4, re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}+\r?\n")),
    (8, re.compile(rb"[0-9a-fA-F]{2}(?:[ :,-]{1,2}[0-9a-fA-F]{2}){7}")),
)
_SHAPE = bytes(
    ord("0") if byte in b"0123456789" else byte + 32 if ord("A") <= byte <= ord("Z") else byte for byte in range(256)
)


class Lines:
    def __init__(self, key: bytes, bits: int, /) -> None:
        self._room = 1 << bits >> 1
        self._known: dict[tuple[int, bytes], tuple[int, int]] = {}

    def scan(self, text: bytes, at: int, state: int, /) -> tuple[int, int, list[tuple[int, int]]]:
        told = []
        while at < len(text):
            end = text.find(b"\n", at)
            line = text[at : end if end >= 0 else len(text)]
            known = self._known.get((state, line.translate(_SHAPE)))
            if known is None:
                break
            if known[1]:
                told.append((at, known[1]))
            state = known[0]
            at += len(line) + (end >= 0)
        return at, state, told

    def learn(self, line: bytes, state: int, after: int, answer: int, /) -> bool:
        if len(line) <= _LONGEST_LINE and len(self._known) < self._room:
            self._known[state, line.translate(_SHAPE)] = after, answer
        return len(self._known) >= self._room

    def clear(self) -> None:
        self._known.clear()


class Runs:
    def __init__(self, key: bytes, bits: int, /) -> None:
        self._room = 1 << bits
        self._known: set[bytes] = set()

    def unknown(self, text: bytes, /) -> tuple[list[tuple[int, int]], int]:
        spans = [match.span() for match in _RUN.finditer(text) if match.group() not in self._known]
        return spans, sum(number for number, pattern in _HAS if pattern.search(text))

    def add(self, text: bytes, spans: list[tuple[int, int]], /) -> None:
        for start, end in spans:
            if end - start <= _LONGEST_RUN:
                if len(self._known) >= self._room:
                    self._known.clear()
                self._known.add(text[start:end])


def said(text: bytes, spans: list[tuple[int, int]], /) -> tuple[bytes, bytes, list[tuple[int, int]]]:
    told: list[bytes] = []
    others = []
    for start, end in spans:
        parts = list(_said_by(text[start:end])) if end - start <= _LONGEST_RUN else []
        if parts and not any(_SAYS_MORE.search(part) or len(_DIGIT.findall(part)) >= 16 for part in parts):
            told += parts
        else:
            others.append((start, end))
    return b"".join(told), bytes(map(len, told)), others


def _said_by(run: bytes) -> Iterator[bytes]:
    for shift in range(4):
        part = run[shift:]
        if len(part) >= _SHORTEST_RUN:
            padded = part.translate(_STANDARD) + b"AAAA"[len(part) & 3 :]
            yield binascii.a2b_base64(padded)[: len(part) * 3 // 4]
    for digits in _DIGITS.finditer(run):
        for first in (digits.start(), digits.start() + 1):
            length = (digits.end() - first) // 2 * 2
            yield bytes.fromhex(run[first : first + length].decode())


def replaced(text: bytes, cuts: list[tuple[int, int, bytes]], /) -> bytes | None:
    parts, done = [], -1
    for start, end, instead in cuts:
        if not 0 <= start <= end <= len(text):
            raise IndexError("a cut is not within the text")
        if start <= done:
            return None
        parts += [text[max(done, 0) : start], instead]
        done = end
    return b"".join([*parts, text[max(done, 0) :]])
