"""The rows of VALUES lists: usual ones by a regular expression of their table, all others token by token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from typing_extensions import Buffer

from anonymize.errors import Unfit
from anonymize.ops import Program
from anonymize.sql import Grammar, RowError
from anonymize.twin.column import NULL, Column
from anonymize.twin.usual import LEAST, MOST, STRINGS, UsualRows

_COMMENT = rb"/\*(?!M?!)(?s:.*?)\*/|(?:--(?=[\0- ])|#)[^\n]*\n"
_EXECUTED = re.compile(rb"/\*M?!.", re.DOTALL)
_WRONG = {b";": "the statement ends inside a row", b"\0": "a NUL stands outside of strings"}
_BETWEEN = re.compile(rb"(?:[ \t\r\n,]++|" + _COMMENT + rb")*+")
_Span = tuple[int, int]


class Rows:
    """See `anonymize.engine.Rows`."""

    def __init__(self, program: Program, grammar: Grammar) -> None:
        self.rows = 0
        self.replaced = [0] * len(program.slots)
        self._slots = program.slots
        self._columns = {place: Column(slot, grammar) for place, slot in enumerate(self._slots) if slot is not None}
        self._usual = UsualRows(program, grammar, self._columns)
        self._token = tokens_of(grammar)

    def rewrite(self, data: Buffer, start: int) -> tuple[bytes | None, int, bool]:
        if not isinstance(data, bytes):
            data = bytes(data)
        view = memoryview(data)
        pieces: list[bytes] = []
        copied = end = start
        at_once = MOST
        while True:
            try:
                result, length, count = self._usual.rewrite(view[end : end + at_once], self.replaced)
            except Unfit:  # the row is found when they are read one by one
                length = 0
            if length:
                if result is not None:
                    pieces += (data[copied:end], result)
                    copied = end + length
                end += length
                self.rows += count
                at_once = min(2 * at_once, MOST)
                continue
            at_once = LEAST
            at = gap_end(data, end)
            if at < len(data) and data[at] == ord(";"):
                end, ended = at + 1, True
                break
            here = data[at : at + 1]
            if here not in (b"", b"(") and not may_go_on(data, at):
                raise RowError(at, None, "behind a row stands neither a comma nor the end of the statement")
            row = self._read(data, at) if here == b"(" else None
            if row is None:
                ended = False
                break
            spans, end = row
            for first, last, result in self._replaced(data, spans):
                pieces += (data[copied:first], result)
                copied = last
            self.rows += 1
        if not pieces:
            return None, end, ended
        pieces.append(data[copied:end])
        return b"".join(pieces), end, ended

    def _replaced(self, data: bytes, spans: dict[int, _Span]) -> Iterator[tuple[int, int, bytes]]:
        """Of one row, where something is replaced, and by what."""
        for place, column in self._columns.items():
            first, last = spans[place]
            slot = self._slots[place]
            subject = b"" if slot is None or slot.subject is None else data[slice(*spans[slot.subject])]
            try:
                result = column.one(data[first:last], subject)
            except Unfit as unfit:
                raise RowError(first, place, str(unfit)) from unfit
            if result is not None:
                self.replaced[place] += result != NULL
                yield first, last, result

    def _read(self, data: bytes, at: int) -> tuple[dict[int, _Span], int] | None:
        read = read_row(self._token, data, at)
        if read is not None and len(read[0]) != len(self._slots):
            raise RowError(at, None, f"the row has {len(read[0])} values, and {len(self._slots)} were expected")
        return None if read is None else (dict(enumerate(read[0])), read[1])


def read_row(token_of: re.Pattern[bytes], data: bytes, at: int) -> tuple[list[_Span], int] | None:
    """Where the values of the row at `at` stand, and where it ends; None if it is not whole. Raises RowError."""
    spans: list[_Span] = []
    depth, first, last = 0, None, at
    at += 1
    while True:
        token = token_of.match(data, at)
        # What reaches to the last byte may go on; a `)` there ends the row whatever comes.
        if token is None or (token.end() == len(data) and (depth or token[0] != b")")):
            return None
        kind, end = token.lastgroup, token.end()
        if kind == "wrong":
            raise RowError(at, len(spans), _WRONG.get(token[0], "an executable comment stands in a row"))
        if kind in ("comma", "close") and not depth:
            if first is None and not (kind == "close" and not spans):
                raise RowError(at, len(spans), "a value is missing")
            if first is not None:
                spans.append((first, last))
            if kind == "close":
                return spans, end
            first = None
        elif kind != "space":
            depth += (kind == "open") - (kind == "close")
            first, last = (at if first is None else first), end
        at = end


def tokens_of(grammar: Grammar) -> re.Pattern[bytes]:
    """A pattern for one piece of a row; the group that matched says what it is."""
    string = STRINGS[grammar.backslash]
    parts = (
        (b"string", string + rb"|" + string.replace(b"'", b'"') + rb"|`[^`]*`"),
        (b"space", rb"[ \t\r\n]++|" + _COMMENT),
        (b"comma", rb","),
        (b"open", rb"\("),
        (b"close", rb"\)"),
        (b"wrong", rb"[;\0]|/\*M?!"),
        (b"word", rb"""[^ \t\r\n,();\0'"`/#-]++|-(?!-)|--(?![\0- ])|/(?!\*)"""),
    )
    return re.compile(b"|".join(rb"(?P<" + name + rb">" + text + rb")" for name, text in parts), re.DOTALL)


def gap_end(data: bytes, at: int) -> int:
    """Behind the white space, commas and comments that stand between rows."""
    found = _BETWEEN.match(data, at)
    assert found is not None  # it matches nothing, too
    return found.end()


def may_go_on(data: bytes, at: int) -> bool:
    """Whether what stands there may be a comment whose end is not there yet."""
    if _EXECUTED.match(data, at):
        return False
    there = data[at : at + 3]
    return there in (b"/", b"-", b"--") or there.startswith((b"/*", b"#")) or (there[:2] == b"--" and there[2:] <= b" ")
