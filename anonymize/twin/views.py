"""The forms in which a value may be written inside of a text: backslashes, percent signs, hex digits, base64."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Plain = Callable[[bytes], Iterator[tuple[int, int, int, int]]]
Seen = tuple[int, int, int, int, int]
"""Place, length (0 if it had to be decoded), column, form, and a number for the original."""

AS_IT_IS, BACKSLASHES, PERCENT, HEXADECIMAL, BASE64 = range(5)
_DEPTH = 3
_RUN = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{12,}")
_CODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_NEXT = rb"[\x80-\xbf]"
_TEXT = re.compile(
    rb"(?:[\t\n\r -~]|[\xc2-\xdf]N|[\xe0-\xef]NN|[\xf0-\xf4]NNN)*+"
    rb"(?:[\xc2-\xdf]|[\xe0-\xef]N?|[\xf0-\xf4]N{0,2})?+".replace(b"N", _NEXT)
)
"""UTF-8 without control characters, whose last character may be cut."""
_PAIR = rb"\\u(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})\\u(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})"
_ESCAPE = re.compile(_PAIR + rb"|\\u(?P<code>[0-9A-Fa-f]{4})|\\(?P<one>.)", re.DOTALL)
_MEANT = {b"0": b"\0", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a"}
_STANDARD = bytes.maketrans(b"-_", b"+/")
_SIX_BITS = {
    byte: place for place, byte in enumerate(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}


def seen(plain: Plain, text: bytes) -> Iterator[Seen]:
    """Every original, as it is and in every form, forms within forms included."""
    yield from _everywhere(plain, text, None, 0, AS_IT_IS, escapes=True)


def seen_plain(plain: Plain, text: bytes) -> Iterator[Seen]:
    """As it is, and in runs of hexadecimal digits or base64."""
    yield from _everywhere(plain, text, None, 0, AS_IT_IS, escapes=False)


def without_backslashes(text: bytes) -> bytes:
    """What it means where backslashes escape, as in JSON and SQL."""
    return _ESCAPE.sub(_meant, text)


def _everywhere(plain: Plain, text: bytes, at: int | None, depth: int, form: int, *, escapes: bool) -> Iterator[Seen]:
    yield from _as_it_is(plain, text, at, form)
    yield from _further(plain, text, at, depth, escapes=escapes)


def _as_it_is(plain: Plain, text: bytes, at: int | None, form: int) -> Iterator[Seen]:
    for place, length, source, number in plain(text):
        yield (place, length, source, form, number) if at is None else (at, 0, source, form, number)


def _further(plain: Plain, text: bytes, at: int | None, depth: int, *, escapes: bool) -> Iterator[Seen]:
    for run in _RUN.finditer(text):
        for digits in _HEX.finditer(run[0]):
            where = run.start() + digits.start() if at is None else at
            for start in range(2):
                half = digits[0][start:]
                if len(half) >= 12:
                    decoded = bytes.fromhex(half[: len(half) // 2 * 2].decode())
                    yield from _into(plain, decoded, where, depth, HEXADECIMAL)
        for start in range(4):
            if len(run[0]) - start >= 8:
                where = run.start() if at is None else at
                yield from _into(plain, _from_base64(run[0][start:]), where, depth, BASE64)
    if escapes and b"\\" in text:
        yield from _into(plain, without_backslashes(text), 0 if at is None else at, depth, BACKSLASHES)
    if escapes and _CODED.search(text):
        decoded = _CODED.sub(lambda found: bytes((int(found[1], 16),)), text)
        yield from _into(plain, decoded, 0 if at is None else at, depth, PERCENT)


def _into(plain: Plain, decoded: bytes, at: int, depth: int, form: int) -> Iterator[Seen]:
    if depth + 1 < _DEPTH and len(decoded) >= 8 and _TEXT.fullmatch(decoded):
        yield from _everywhere(plain, decoded, at, depth + 1, form, escapes=True)
    else:
        yield from _as_it_is(plain, decoded, at, form)


def _from_base64(run: bytes) -> bytes:
    """Whole bytes of as many digits as there are."""
    number = 0
    for byte in run.translate(_STANDARD):
        number = number << 6 | _SIX_BITS[byte]
    bits = 6 * len(run)
    return (number >> bits % 8).to_bytes(bits // 8, "big")


def _meant(found: re.Match[bytes]) -> bytes:
    if found["high"] is not None:
        code = 0x10000 + ((int(found["high"], 16) - 0xD800) << 10) + int(found["low"], 16) - 0xDC00
        return chr(code).encode()
    if found["code"] is not None:
        return chr(int(found["code"], 16)).encode("utf-8", "surrogatepass")
    return _MEANT.get(found["one"], found["one"])
