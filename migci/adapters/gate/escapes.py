"""Views through encodings that stand in the middle of a text and replace single characters of it."""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from migci.adapters.gate.mapping import CUT, SEPARATOR, Collector, Decoded

CONTEXT_BYTES = 40
"""What is kept of the text on either side of an escape, so that a value is seen that is only partly escaped."""

_LETTERS = {
    **{letter[0]: letter[1].encode() for letter in ("n\n", "t\t", "r\r", "b\b", "f\f", "v\v", "a\a", "Z\x1a", "e\x1b")},
    **{quote: quote.encode() for quote in "'\"`\\/%_$?"},
    "\n": b"\n",
}
_HIGH_HEX = re.compile(rb"\\x[89a-fA-F][0-9a-fA-F]")


class Family(NamedTuple):
    """A way of writing characters: `sign` is in every text that has it, `pattern` finds one of its escapes."""

    sign: bytes
    pattern: re.Pattern[bytes]
    decode: Callable[[bytes], bytes]
    only_if: re.Pattern[bytes] | None = None


def substituted(data: bytes) -> Iterator[Decoded]:
    """Views of the parts of `data` that have escapes, one for each way of reading them."""
    for family in _FAMILIES:
        if family.sign in data and (family.only_if is None or family.only_if.search(data)):
            view = _decoded(data, family)
            if view is not None:
                yield view


def _decoded(data: bytes, family: Family) -> Decoded | None:
    text = Collector()
    done = 0
    for match in family.pattern.finditer(data):
        start, end = match.span()
        if start - done > 2 * CONTEXT_BYTES or (not done and start > CONTEXT_BYTES):
            if done:
                text.add(data[done : done + CONTEXT_BYTES], done, CONTEXT_BYTES)
                text.separate(CUT + SEPARATOR)
            text.separate(CUT)
            done = start - CONTEXT_BYTES
        text.add(data[done:start], done, start - done)
        text.add(family.decode(match.group()), start, end - start, atom=True)
        done = end
    if done:
        rest = data[done : done + CONTEXT_BYTES]
        text.add(rest, done, len(rest))
        if done + len(rest) < len(data):
            text.separate(CUT)
    return text.decoded(certain=True)


def _percent(escape: bytes) -> bytes:
    return b" " if escape == b"+" else bytes.fromhex(escape[1:].decode())


def _backslash(escape: bytes) -> bytes:
    """As Python, C, JSON and MySQL mean it; `\\xNN` and `\\NNN` are bytes."""
    kind, digits = chr(escape[1]), escape[2:]
    if kind == "x":
        return bytes.fromhex(digits.decode())
    if kind in "uU":
        return _code_points(escape)
    if kind.isdigit():
        return bytes([int(escape[1:], 8) & 0xFF])
    return _LETTERS[kind]


def _code_points(escape: bytes) -> bytes:
    """One code point, or the two surrogates that are one."""
    values = [int(digits.strip(b"{}"), 16) for digits in re.split(rb"\\[uUx]", escape)[1:]]
    if len(values) == 2:
        return chr(0x10000 + ((values[0] & 0x3FF) << 10) + (values[1] & 0x3FF)).encode()
    return _utf8(values[0])


def _hex_is_a_character(escape: bytes) -> bytes:
    """As Python's `ascii()` means it: `\\xNN` is a code point."""
    return _code_points(escape) if escape[1:2] == b"x" else _backslash(escape)


def _nul_before_digits(escape: bytes) -> bytes:
    """As MySQL means it: `\\0` is a NUL, whatever digits follow."""
    return b"\0" if escape == b"\\0" else _backslash(escape)


def _entity(escape: bytes) -> bytes:
    if escape[1:2] == b"#":
        digits = escape[2:-1]
        return _utf8(int(digits[1:], 16) if digits[:1] in b"xX" else int(digits))
    return html.unescape(escape.decode()).encode()


def _utf8(code_point: int) -> bytes:
    return chr(code_point).encode("utf-8", "surrogatepass") if code_point <= 0x10FFFF else b"?"


_SURROGATES = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_COMMON = rb"|\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,6}\}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[ntrbfvaZe'\"`\\/%_$?\n]"
_BACKSLASH = re.compile(_SURROGATES + _COMMON + rb"|\\[0-7]{1,3}")
_BACKSLASH_MYSQL = re.compile(_SURROGATES + _COMMON + rb"|\\0")

_FAMILIES = (
    Family(b"%", re.compile(rb"%[0-9a-fA-F]{2}"), _percent),
    Family(b"+", re.compile(rb"%[0-9a-fA-F]{2}|\+"), _percent),
    Family(b"\\", _BACKSLASH, _backslash),
    Family(b"\\", _BACKSLASH, _hex_is_a_character, _HIGH_HEX),
    Family(b"\\", _BACKSLASH_MYSQL, _nul_before_digits, re.compile(rb"\\0[0-7]")),
    Family(b"&", re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"), _entity),
    Family(b"'", re.compile(rb"''"), lambda escape: b"'"),
    Family(b'"', re.compile(rb'""'), lambda escape: b'"'),
)


def wide(data: bytes, suspects: Iterable[re.Match[bytes]]) -> Iterator[Utf16]:
    """Views of the parts of `data` around `suspects` as UTF-16, in either order of bytes and at both alignments."""
    regions: list[tuple[int, int]] = []
    for match in suspects:
        start, end = max(match.start() - CONTEXT_BYTES, 0), match.end() + CONTEXT_BYTES
        if regions and start <= regions[-1][1]:
            regions[-1] = (regions[-1][0], end)
        else:
            regions.append((start, end))
    for start, end in regions:
        for first in (start, start + 1):
            part = data[first:end]
            part = part[: len(part) // 2 * 2]
            if part:
                yield Utf16(part, first, "utf-16-le")
                yield Utf16(part, first, "utf-16-be")


class Utf16:
    """One part of a text, read as UTF-16."""

    certain = False

    def __init__(self, part: bytes, at: int, order: str) -> None:
        self._at, self._order = at, order
        self._text = part.decode(order, "surrogatepass")
        self.data = self._text.encode("utf-8", "surrogatepass")
        self._encode = codecs.getencoder(order)

    def sources(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        first, last = _characters(self.data[:start]), _characters(self.data[:end])
        if first < last:
            yield self._at + self._width(first), self._at + self._width(last)

    def _width(self, characters: int) -> int:
        return len(self._encode(self._text[:characters], "surrogatepass")[0])


def _characters(data: bytes) -> int:
    """How many characters begin in it."""
    return len(data.translate(None, _CONTINUATIONS))


_CONTINUATIONS = bytes(range(0x80, 0xC0))
