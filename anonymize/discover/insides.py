"""What stands inside of values: mentions in free text, and what is wrapped in base64, PHP's serialize or a pickle."""

from __future__ import annotations

import base64
import binascii
import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from anonymize.discover.forms import form_of
from anonymize.kinds.patterns import PATTERNS

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/\-_]{4}){4,}(?:[A-Za-z0-9+/\-_]{2,3}={0,2})?\s*")
_PHP = re.compile(r"(?:a:[0-9]+:\{|O:[0-9]+:\"|s:[0-9]+:\")")
_PHP_STRING = re.compile(r's:([0-9]{1,9}):"')
_URL_SAFE = str.maketrans("-_", "+/")
_PRINTABLE = 0.95
_SPOKEN = 4
"""Words that make a text out of a value."""
_WRAPPED_MOST = 200


@dataclass(frozen=True, slots=True)
class Wrapped:
    """What a value holds in another form."""

    form: str
    """base64, serialized PHP or a pickle."""
    texts: tuple[str, ...]


def mentions(text: str) -> frozenset[str]:
    """Which of the patterns that the kind scrub looks for are in a text, by their names."""
    digits = sum(map(str.isdigit, text))
    return frozenset(
        pattern.name
        for pattern in PATTERNS
        if digits >= pattern.digits
        and any(need in text for need in pattern.needs)
        and any(pattern.is_one is None or pattern.is_one(match[0]) for match in pattern.regex.finditer(text))
    )


def is_spoken(text: str) -> bool:
    """Whether it is free text: several words with spaces between them."""
    found = text.split()
    return len(found) >= _SPOKEN and sum(any(map(str.isalpha, word)) for word in found) >= _SPOKEN - 1


def plain(value: bytes) -> str | None:
    """The text that bytes are: of UTF-8, else of Windows-1252; None if they are no text."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        text = value.decode("cp1252", "replace")
        if "�" in text:
            return None
    good = sum(one.isprintable() or one in "\t\r\n" for one in text)
    return text if good >= _PRINTABLE * len(text) else None


def unwrapped(value: bytes) -> Wrapped | None:
    """What is wrapped in a value; None where nothing is. Nothing of it is executed."""
    if value[:1] == b"\x80":
        return _pickle(value)
    text = plain(value)
    if text is None:
        return None
    if _PHP.match(text):
        return Wrapped("serialized PHP", tuple(islice(_php_strings(text), _WRAPPED_MOST)))
    if not _BASE64.fullmatch(text):
        return None
    packed = text.strip().translate(_URL_SAFE)
    try:
        inside = base64.b64decode(packed + "=" * (-len(packed) % 4))
    except (ValueError, binascii.Error):
        return None
    if inside[:1] == b"\x80" and (found := _pickle(inside)) is not None:
        return found
    said = plain(inside)
    # Most words of letters and digits decode to something; bytes beyond ASCII tell that it meant nothing.
    return Wrapped("base64", (said,)) if said is not None and inside.isascii() and len(inside) >= 12 else None


def is_confidential(wrapped: Wrapped) -> bool:
    """Whether what is inside looks like something that one replaces."""
    return any(form_of(text) is not None or mentions(text) for text in wrapped.texts)


def _php_strings(text: str) -> Iterator[str]:
    """The strings, as long as they say. That is in bytes, so a little of what follows some may be taken, too."""
    at = 0
    while found := _PHP_STRING.search(text, at):
        at = found.end() + int(found[1])
        yield text[found.end() : at]


def _pickle(value: bytes) -> Wrapped | None:
    try:
        texts = tuple(_strings(value))
    except Exception:  # pickletools raises what it likes at what is no pickle
        return None
    return Wrapped("a pickle", texts[:_WRAPPED_MOST])


def _strings(value: bytes) -> Iterator[str]:
    for _, argument, _ in pickletools.genops(value):
        if isinstance(argument, str):
            yield argument
