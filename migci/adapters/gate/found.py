"""Parts of a text that are not to pass, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

INSTEAD = b"?"
"""Stands for a literal."""

REMOVED = b"[removed]"
"""Stands for a secret that is nobody's in particular."""

_NOTHING_MEANT = b"\1"


class Found(NamedTuple):
    """`text[start:end]` is not to pass; `columns` are those of a confidential value, none of anything else.

    Of a line, the end of the one before is at -1.
    """

    start: int
    end: int
    instead: bytes
    columns: tuple[str, ...] = ()


def merged(found: Iterable[Found]) -> list[Found]:
    """Those that overlap or adjoin as one, which is told as the gravest of them; in order."""
    result: list[Found] = []
    for one in sorted(found):
        before = result[-1] if result else None
        if before is None or one.start > before.end:
            result.append(one)
        else:
            told = one if _gravity(one) > _gravity(before) else before
            result[-1] = Found(before.start, max(before.end, one.end), told.instead, before.columns or one.columns)
    return result


def masked(text: bytes, found: Iterable[Found]) -> bytes:
    """`text` with what is found of it as bytes that mean nothing, the ends of lines in it too."""
    result = bytearray(text)
    for start, end, *_ in found:
        result[max(start, 0) : end] = _NOTHING_MEANT * (end - max(start, 0))
    return bytes(result)


def _gravity(found: Found) -> int:
    """A literal, a secret, a confidential value."""
    return (found.instead != INSTEAD) + (found.instead not in (INSTEAD, REMOVED))
