"""The search for the end of a statement."""

from __future__ import annotations

import re

from typing_extensions import Buffer

from anonymize.sql import Grammar, State

_STRINGS = {
    True: rb"'[^']*+(?<!\\)'|'[^'\\]*+(?:\\.[^'\\]*+)*+'",
    False: rb"'[^']*+'",
}
_PASSED = {
    backslash: re.compile(rb"""(?:[^'"`;#/\\-]++|""" + strings + rb"""|-(?=[^-])|/(?=[^*]))*+""", re.DOTALL)
    for backslash, strings in _STRINGS.items()
}
"""Nothing that ends a statement: strings with all that is in them, and what stands between them."""
_OUTSIDE = re.compile(rb"""['"`;#\\]|--(?=[\0- ])|/\*M?!|/(?:\*M?)?\Z|/\*|-{1,2}\Z""")
_BEGINS = {
    b"'": State.STRING,
    b'"': State.DOUBLE,
    b"`": State.NAME,
    b"#": State.LINE,
    b"--": State.LINE,
    b"/*": State.COMMENT,
}
_ENDS = {
    State.STRING: {True: re.compile(rb"'|\\"), False: re.compile(rb"'")},
    State.DOUBLE: {True: re.compile(rb'"|\\'), False: re.compile(rb'"')},
    State.NAME: dict.fromkeys((True, False), re.compile(rb"`")),
    State.LINE: dict.fromkeys((True, False), re.compile(rb"\n")),
    State.COMMENT: dict.fromkeys((True, False), re.compile(rb"\*/")),
}


def lines(data: Buffer, start: int, end: int) -> int:
    """See `anonymize.engine.lines`."""
    return bytes(memoryview(data)[start:end]).count(b"\n")


def skip(data: Buffer, start: int, state: int, grammar: Grammar) -> tuple[int, int]:
    """See `anonymize.engine.skip`."""
    if not isinstance(data, bytes):
        data = bytes(data)
    at, now = start, State(state)
    while True:
        if now is State.OUTSIDE:
            passed = _PASSED[grammar.backslash].match(data, at)
            assert passed is not None  # it matches nothing, too
            at = passed.end()
            found = _OUTSIDE.search(data, at)
            if found is None:
                return len(data), now
            begins = _BEGINS.get(found[0])
            if found[0] == b";":
                return found.end(), State.ENDED
            if found[0] == b"\\" or found[0].endswith(b"!"):
                return found.start(), State.STRANGE
            if begins is None or (found[0] in (b"--", b"/*") and found.end() == len(data)):
                return found.start(), now
            at, now = found.end(), begins
            continue
        found = _ENDS[now][grammar.backslash].search(data, at)
        if found is None:
            return (len(data) - (now is State.COMMENT and data.endswith(b"*", at)), now)
        if found[0] == b"\\":
            if found.end() == len(data):
                return found.start(), now
            at = found.end() + 1
        else:
            at, now = found.end(), State.OUTSIDE
