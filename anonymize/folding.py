"""Which characters a collation takes for the same: case and accents do not count, spaces at the end do not either."""

from __future__ import annotations

import functools
import unicodedata

from anonymize.ops import Fold

FIRST, LAST = 0x80, 0x1FFF
"""Characters beyond ASCII that are folded; what comes later stands for itself."""


@functools.cache
def _folds() -> dict[int, str]:
    ascii_folds = {code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
    return ascii_folds | {code: folded for code in range(FIRST, LAST + 1) if (folded := character(code)) != chr(code)}


def character(code: int) -> str:
    """What a character counts as: without its accents, in lower case ("É" as "e", "ß" as "ss"); one that is only an
    accent counts as nothing."""
    parts = unicodedata.normalize("NFD", chr(code))
    return "".join(part for part in parts if unicodedata.category(part) != "Mn").casefold()


def fold(value: bytes, how: Fold) -> bytes:
    """The bytes that stand for `value` and for all values that count as the same; what is no UTF-8 stays as it is."""
    if how is Fold.NONE:
        return value
    value = value.rstrip(b" ")
    if how is Fold.TRIM:
        return value
    if value.isascii():
        return value.lower()
    return value.decode("utf-8", "surrogateescape").translate(_folds()).encode("utf-8", "surrogateescape")


def _table() -> bytes:
    """For each character of FIRST to LAST eight bytes: how long its fold is in UTF-8, and that much of it."""
    entries = (_folds().get(code, chr(code)).encode() for code in range(FIRST, LAST + 1))
    return b"".join(bytes((len(entry),)) + entry.ljust(7, b"\0") for entry in entries)


TABLE = _table()
"""What the kernel folds with."""
