"""Where statements begin and end, and the heads of those that bring rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_COMMENT = rb"--(?=[\0- ])[^\n]*+\n|#[^\n]*+\n|/\*(?!M?!)[^*]*+(?:\*(?!/)[^*]*+)*+\*/"
BLANK = re.compile(rb"(?:[ \t\r\n\f\v]++|" + _COMMENT + rb")*+")
"""White space and comments that no server executes."""
_UNFINISHED = re.compile(rb"(?:-(?:-(?:[\0- ][^\n]*+)?)?|#[^\n]*+|/(?:\*(?!M?!).*+)?)\Z", re.DOTALL)
"""What may become a comment, or more of one, if there is more behind it."""

_W = rb"(?:[ \t\r\n\f\v]++|" + _COMMENT + rb")"
_NAME = rb"(?:`(?:[^`]++|``)*+`|\"(?:[^\"]++|\"\")*+\"|[0-9A-Za-z_$\x80-\xff]++)"
_DOTTED = _NAME + rb"(?:" + _W + rb"*+\." + _W + rb"*+" + _NAME + rb")?"
_INSERT = re.compile(
    rb"(?i:INSERT(?:" + _W + rb"++(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY))?(?:" + _W + rb"++IGNORE)?"
    rb"|REPLACE(?:" + _W + rb"++(?:LOW_PRIORITY|DELAYED))?)"
    rb"(?:" + _W + rb"++(?i:INTO)(?![0-9A-Za-z_$\x80-\xff]))?" + _W + rb"*+"
    rb"(?P<name>" + _DOTTED + rb")" + _W + rb"*+"
    rb"(?:\((?P<columns>[^()]*+|(?:" + _W + rb"*+" + _DOTTED + _W + rb"*+,?)*+)\)" + _W + rb"*+)?"
    rb"(?i:VALUES?)" + _W + rb"*+(?=\()"
)
_ONE_NAME = re.compile(_NAME)
_PASSED = re.compile(_W)


class Nul(Exception):
    """A NUL outside of strings and comments, and its place."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True, slots=True)
class Insert:
    """The head of an INSERT or REPLACE that has rows of values behind it."""

    head: bytes
    """As it is written, up to the first row."""
    database: bytes | None
    table: bytes
    columns: tuple[bytes, ...] | None


def insert(data: bytes, at: int) -> Insert | None:
    """The head that begins at `at`; None if there is none, or no whole one."""
    found = _INSERT.match(data, at)
    if found is None:
        return None
    parts = _names(found["name"])
    columns = None if found["columns"] is None else tuple(_names(found["columns"]))
    return Insert(found[0], parts[0] if len(parts) == 2 else None, parts[-1], columns)


def is_unfinished(data: bytes, at: int) -> bool:
    """Whether `data` ends, from `at` on, in what may be the beginning of a comment."""
    return _UNFINISHED.match(data, at) is not None


def _names(text: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at < len(text):
        if (passed := _PASSED.match(text, at)) is not None:
            at = passed.end()
        elif (name := _ONE_NAME.match(text, at)) is not None:
            found.append(_unquoted(name[0]))
            at = name.end()
        else:
            at += 1  # a comma or a dot
    return found


def _unquoted(name: bytes) -> bytes:
    quote = name[:1]
    return name[1:-1].replace(quote * 2, quote) if quote in (b"`", b'"') else name


def statement_end(data: bytes, at: int, delimiter: bytes, *, backslash: bool) -> int | None:
    """Where the delimiter stands that ends the statement of which `at` is a place outside of strings and comments.

    None if it is not in `data`. A delimiter counts in `/*! … */`, too, as the servers' own clients have it. Raises Nul.
    """
    pattern = _lexeme(delimiter, backslash)
    while at < len(data):
        found = pattern.match(data, at)
        if found is None:
            return None
        if found.lastgroup == "delimiter":
            return at
        if found.lastgroup == "nul":
            raise Nul(at)
        at = found.end()
    return None


@lru_cache(16)
def _lexeme(delimiter: bytes, backslash: bool) -> re.Pattern[bytes]:
    """One piece of a statement; it matches nothing where a string or a comment has no end."""
    body = rb"(?:[^Q\\]++|\\.)*+" if backslash else rb"[^Q]*+"
    strings = [rb"Q".join((b"", body, b"")).replace(b"Q", quote) for quote in (b"'", b'"')]
    return re.compile(
        rb"(?P<delimiter>" + re.escape(delimiter) + rb")|(?P<nul>\0)|"
        rb"[^'\"`/#\0\-"
        + re.escape(delimiter[:1])
        + rb"]++|"
        + rb"|".join(strings)
        + rb"|`[^`]*+`|"
        + _COMMENT
        + rb"|-(?!-[\0- ])|/(?!\*(?!M?!))|[^-/#'\"`]",
        re.DOTALL,
    )
