"""What of a value was replaced, where the rest of it stays: a document's leaves, the words of a text."""

from __future__ import annotations

import re

from anonymize.twin.views import without_backslashes

_PIECE = re.compile(
    rb"""(?P<string>"(?:[^"\\]|\\.)*+")|(?P<word>[^\0-\x20"'\\,:;<>()\[\]{}=|&]++)|(?P<divider>.)""", re.DOTALL
)


def parts_that_differ(value: bytes, result: bytes) -> list[bytes]:
    """The words and strings of `value` that are others in `result`; `value` where the two are not of the same form."""
    pieces = [list(_PIECE.finditer(text)) for text in (value, result)]
    if len(pieces[0]) != len(pieces[1]):
        return [value]
    found: list[bytes] = []
    for one, other in zip(*pieces, strict=True):
        if one[0] == other[0]:
            continue
        if _is_divider(one) or _is_divider(other):
            return [value]
        found.append(_told(one))
    return found


def _is_divider(piece: re.Match[bytes]) -> bool:
    return piece["divider"] is not None and piece[0] != b'"'


def _told(piece: re.Match[bytes]) -> bytes:
    text = piece[0]
    if len(text) >= 2 and text.startswith(b'"'):
        text = text[1:-1]
    return without_backslashes(text) if b"\\" in text else text
