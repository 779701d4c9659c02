"""A text's encodings: what it says in base64, hexadecimal digits, escapes, entities, and as UTF-16.

Found are base64 in both alphabets, wherever it begins, and broken into lines of 16 characters or more; hexadecimal
digits from 16 on, and pairs of them with spaces or punctuation between; URL encoding; the escapes of JSON, Python, C
and MySQL; doubled quotes; entities of HTML; UTF-16. All that may be base64 is decoded, each word of a log too, so most
of what is decoded means nothing.

UTF-16 is told by its NULs and other control characters, in a text itself also by bytes that are not UTF-8. Within
another encoding, UTF-16 without any is not seen: that is Chinese, Japanese and Korean without a space or a digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migci.adapters.gate import sieve
from migci.adapters.gate.escapes import substituted, wide
from migci.adapters.gate.mapping import View, Within
from migci.adapters.gate.runs import CLASSES, Seen, in_runs, look, pairs

DEPTH = 2
"""So many encodings, one inside the other, are looked through."""

_CONTROLS = rb"[\x00-\x08\x0b\x0c\x0e\x0f]"
_WIDE = re.compile(rb"c(?s:.c){2,}")
"""Among classes."""
_NOT_TEXT = re.compile(_CONTROLS + rb"+|[\x80-\xff]+")


def views(data: bytes, seen: Seen | None = None, depth: int = DEPTH) -> Iterator[View]:
    """Each of the encodings that `data` may have, and those within them, `depth` in all.

    Of its long runs those are looked at that are in `seen`, or all.
    """
    for view in _layer(data, seen or look(data), outermost=depth == DEPTH):
        yield view
        if depth > 1:
            for inner in views(view.data, depth=depth - 1):
                yield Within(view, inner)


def _layer(data: bytes, seen: Seen, *, outermost: bool) -> Iterator[View]:
    runs, has = seen
    yield from in_runs(data, runs, broken=bool(has & sieve.BROKEN_RUNS))
    if has & sieve.DIGIT_PAIRS:
        yield from pairs(data)
    yield from substituted(data)
    if outermost and has & (sieve.CONTROLS | sieve.BEYOND_ASCII) and not _is_text(data):
        yield from wide(data, _NOT_TEXT.finditer(data))
    elif has & sieve.CONTROLS:
        yield from wide(data, _WIDE.finditer(data.translate(CLASSES)))


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
