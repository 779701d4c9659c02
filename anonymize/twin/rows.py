"""The rows of VALUES lists: usual ones by a regular expression of their table, all others token by token."""

from __future__ import annotations

import re
from collections.abc import Callable

from typing_extensions import Buffer

from anonymize.errors import Unfit
from anonymize.ops import Constant, Default, Null, Program, Slot
from anonymize.sql import Grammar, RowError
from anonymize.twin.applying import apply
from anonymize.twin.literals import read, value_of, written

_COMMENT = rb"/\*(?s:.*?)\*/|(?:--(?=[\0- ])|#)[^\n]*\n"
_BETWEEN = re.compile(rb"(?:[ \t\r\n,]++|" + _COMMENT + rb")*+")
_STRINGS = {
    True: rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'",
    False: rb"'[^']*+(?:''[^']*+)*+'",
}
_PLAIN = rb"[-+.0-9A-Za-z_]++"
_MEMO_LIMIT = 50_000
_NULL = b"NULL"
_DEFAULT = b"DEFAULT"

_Span = tuple[int, int]


class Rows:
    """See `anonymize.engine.Rows`."""

    def __init__(self, program: Program, grammar: Grammar) -> None:
        self.rows = 0
        self.replaced = [0] * len(program.slots)
        self._slots = program.slots
        self._grammar = grammar
        self._usual = _usual(program, grammar)
        self._token = tokens_of(grammar)
        self._marked = [(place, _rewriter(slot, grammar), slot.subject) for place, slot in _used(program)]
        self._groups = {place: group for group, place in enumerate(_captured(program), start=1)}

    def rewrite(self, data: Buffer, start: int) -> tuple[bytes | None, int, bool]:
        if not isinstance(data, bytes):
            data = bytes(data)
        pieces: list[bytes] = []
        copied = end = start
        while True:
            at = gap_end(data, end)
            if at < len(data) and data[at] == ord(";"):
                end, ended = at + 1, True
                break
            here = data[at : at + 1]
            if here not in (b"", b"(") and not may_go_on(data, at):
                raise RowError(at, None, "behind a row stands neither a comma nor the end of the statement")
            spans = self._spans(data, at) if here == b"(" else None
            if spans is None:
                ended = False
                break
            marked, end = spans
            for place, rewriter, subject in self._marked:
                first, last = marked[place]
                try:
                    its_subject = b"" if subject is None else data[slice(*marked[subject])]
                    result = rewriter(data[first:last], its_subject)
                except Unfit as unfit:
                    raise RowError(first, place, str(unfit)) from unfit
                if result is not None:
                    pieces.append(data[copied:first])
                    pieces.append(result)
                    copied = last
                    self.replaced[place] += result != _NULL
            self.rows += 1
        if not pieces:
            return None, end, ended
        pieces.append(data[copied:end])
        return b"".join(pieces), end, ended

    def _spans(self, data: bytes, at: int) -> tuple[dict[int, _Span], int] | None:
        """Where the used values of the row at `at` stand, and where it ends; None if it is not whole."""
        if (usual := self._usual.match(data, at)) is not None:
            return {place: usual.span(group) for place, group in self._groups.items()}, usual.end()
        return self._read(data, at)

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
            reason = "the statement ends inside a row" if token[0] == b";" else "a NUL stands outside of strings"
            raise RowError(at, len(spans), reason)
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


def _used(program: Program) -> list[tuple[int, Slot]]:
    return [(place, slot) for place, slot in enumerate(program.slots) if slot is not None]


def _captured(program: Program) -> list[int]:
    subjects = {slot.subject for _, slot in _used(program) if slot.subject is not None}
    return sorted({place for place, _ in _used(program)} | subjects)


def _usual(program: Program, grammar: Grammar) -> re.Pattern[bytes]:
    value = rb"(?:" + _STRINGS[grammar.backslash] + rb"|" + _PLAIN + rb")"
    captured = set(_captured(program))
    values = [rb"(" + value + rb")" if place in captured else value for place in range(len(program.slots))]
    return re.compile(rb"\(" + rb",".join(values) + rb"\)", re.DOTALL)


def tokens_of(grammar: Grammar) -> re.Pattern[bytes]:
    string = _STRINGS[grammar.backslash]
    parts = (
        (b"string", string + rb"|" + string.replace(b"'", b'"') + rb"|`[^`]*`"),
        (b"space", rb"[ \t\r\n]++|" + _COMMENT),
        (b"comma", rb","),
        (b"open", rb"\("),
        (b"close", rb"\)"),
        (b"wrong", rb"[;\0]"),
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
    there = data[at : at + 3]
    return there in (b"/", b"-", b"--") or there.startswith((b"/*", b"#")) or (there[:2] == b"--" and there[2:] <= b" ")


def _rewriter(slot: Slot, grammar: Grammar) -> Callable[[bytes, bytes], bytes | None]:
    """What takes the place of a value as it is written; None: it stays. What was asked lately is remembered."""
    if isinstance(slot.op, Default):
        return lambda lexeme, subject: None if lexeme.upper() == _DEFAULT else _DEFAULT
    made = apply(slot.op)
    known: dict[tuple[bytes, bytes] | bytes, bytes | None] = {}
    forced = isinstance(slot.op, Null | Constant)

    def result_for(lexeme: bytes, subject: bytes) -> bytes | None:
        if lexeme.upper() == _NULL:
            return None
        if forced:
            result = made(b"", b"")
            literal = read(b"''", grammar, slot.binary)
            return written(result, literal, grammar)
        literal = read(lexeme, grammar, slot.binary)
        value = value_of(literal, grammar)
        its_subject = value_of(read(subject, grammar, False), grammar) if subject and subject.upper() != _NULL else b""
        result = made(value, its_subject)
        return None if result == value else written(result, literal, grammar)

    def remembered(lexeme: bytes, subject: bytes) -> bytes | None:
        asked = (lexeme, subject) if subject else lexeme
        if asked in known:
            return known[asked]
        if len(known) >= _MEMO_LIMIT:
            known.clear()
        result = known[asked] = result_for(lexeme, subject)
        return result

    return remembered
