"""One value as SQL writes it: its plain bytes, and how what takes its place is written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from anonymize.errors import Unfit
from anonymize.sql import Grammar

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"0": b"\0", b"b": b"\b", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"Z": b"\x1a", b"%": b"\\%", b"_": b"\\_"}
_ESCAPED = {b"\0": b"\\0", b"\n": b"\\n", b"\r": b"\\r", b"\x1a": b"\\Z", b"\t": b"\\t", b"'": b"\\'", b'"': b'\\"'}
_BY_DEFAULT = (b"\0", b"\n", b"\r", b"\x1a")
_NUMBER = re.compile(rb"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_INTRODUCED = rb"(?:_(?P<charset>[0-9A-Za-z]++)|[Nn](?='))?\s*"
_STRING = {
    True: rb"""(?P<quote>['"])(?P<body>(?:[^'"\\]|\\.|(?!(?P=quote))['"]|(?P=quote){2})*+)(?P=quote)""",
    False: rb"""(?P<quote>['"])(?P<body>(?:[^'"]|(?!(?P=quote))['"]|(?P=quote){2})*+)(?P=quote)""",
}
_HEX = rb"(?:0x(?P<digits>[0-9A-Fa-f]*)|[xX]'(?P<quoted>[0-9A-Fa-f]*)')"
_CONVERTED = re.compile(rb"(CONVERT\s*\(\s*)(.*?)(\s+USING\s+[0-9A-Za-z]+\s*\))", re.DOTALL | re.IGNORECASE)
_LITERAL = {
    backslash: re.compile(_INTRODUCED + rb"(?:" + string + rb"|" + _HEX + rb")", re.DOTALL)
    for backslash, string in _STRING.items()
}
_KNOWN = {b"binary", b"ascii", b"utf8", b"utf8mb3", b"utf8mb4"}


class Form(Enum):
    """How a value is written."""

    QUOTED = 1
    HEX = 2
    NUMBER = 3


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written out: `before`, `body`, `behind`."""

    form: Form
    before: bytes
    body: bytes
    behind: bytes
    latin1: bool
    quote: bytes = b"'"


def read(lexeme: bytes, grammar: Grammar, binary: bool) -> Literal:
    """The parts of `lexeme`, which is not NULL. Raises Unfit if it is anything but a string or a number written out."""
    if (converted := _CONVERTED.fullmatch(lexeme)) is not None:
        inner = read(converted[2], grammar, binary)
        before, behind = converted[1] + inner.before, inner.behind + converted[3]
        return Literal(inner.form, before, inner.body, behind, inner.latin1, inner.quote)
    if _NUMBER.fullmatch(lexeme):
        return Literal(Form.NUMBER, b"", lexeme, b"", False)
    found = _LITERAL[grammar.backslash].fullmatch(lexeme)
    if found is None:
        raise Unfit("neither a string nor a number stands there, so it cannot be replaced")
    latin1 = grammar.latin1 and not binary
    if (charset := found["charset"]) is not None:
        latin1 = charset.lower() == b"latin1"
        if not latin1 and charset.lower() not in _KNOWN:
            raise Unfit("a string in a character set that is not understood")
    group = next(name for name in ("body", "digits", "quoted") if found[name] is not None)
    start, end = found.span(group)
    form = Form.QUOTED if group == "body" else Form.HEX
    return Literal(form, lexeme[:start], lexeme[start:end], lexeme[end:], latin1, found["quote"] or b"'")


def value_of(literal: Literal, grammar: Grammar) -> bytes:
    """The plain bytes, text in UTF-8."""
    body = literal.body
    if literal.form is Form.HEX:
        body = bytes.fromhex((b"0" * (len(body) % 2) + body).decode())
    if literal.form is Form.QUOTED:
        if literal.quote in body:
            body = _undoubled(body, literal.quote, grammar)
        if grammar.backslash and b"\\" in body:
            body = _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), body)
    return from_latin1(body) if literal.latin1 else body


def _undoubled(body: bytes, quote: bytes, grammar: Grammar) -> bytes:
    if not grammar.backslash:
        return body.replace(quote * 2, quote)
    pair = quote * 2
    return re.sub(rb"\\.|" + pair, lambda found: quote if found[0] == pair else found[0], body, flags=re.DOTALL)


def written(result: bytes | None, literal: Literal, grammar: Grammar) -> bytes:
    """`result` in the place of the literal, in its own style."""
    if result is None:
        return b"NULL"
    if literal.form is Form.NUMBER:
        if _NUMBER.fullmatch(result):
            return result
        return b"'" + _escaped(to_latin1(result) if grammar.latin1 else result, b"", b"'", grammar) + b"'"
    if literal.latin1:
        result = to_latin1(result)
    if literal.form is Form.HEX:
        digits = result.hex().encode()
        if not digits and literal.before.endswith(b"0x"):
            return literal.before[:-2] + b"''" + literal.behind
        return literal.before + (digits if _in_lower_case(literal.body) else digits.upper()) + literal.behind
    return literal.before + _escaped(result, literal.body, literal.quote, grammar) + literal.behind


def _in_lower_case(digits: bytes) -> bool:
    return digits != digits.upper()


def _escaped(result: bytes, body: bytes, quote: bytes, grammar: Grammar) -> bytes:
    """What is escaped in `body` is escaped here, and what stands there plainly stands here plainly."""
    if not grammar.backslash:
        return result.replace(quote, quote * 2)
    plain = _ESCAPE.sub(b"", body)
    escaped = {_MEANT.get(one, one) for one in _ESCAPE.findall(body)}
    escaped |= {one for one in _BY_DEFAULT if one not in plain}
    special = {one: _ESCAPED[one] for one in _ESCAPED if one in escaped and one != quote}
    special[quote] = quote * 2 if quote * 2 in plain else b"\\" + quote
    special[b"\\"] = b"\\\\"
    return b"".join([special.get(one, one) for one in re.split(rb"""([\0\n\r\x1a\t'"\\])""", result)])


def from_latin1(text: bytes) -> bytes:
    """UTF-8 of what MySQL calls latin1: Windows-1252, and what that leaves out as control characters."""
    return "".join(
        chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes((byte,)).decode("cp1252") for byte in text
    ).encode()


def to_latin1(text: bytes) -> bytes:
    """The other way round; a character that latin1 has not becomes a question mark."""
    result = bytearray()
    for character in text.decode("utf-8", "surrogateescape"):
        if ord(character) in (0x81, 0x8D, 0x8F, 0x90, 0x9D):
            result.append(ord(character))
        else:
            result += character.encode("cp1252", "replace")
    return bytes(result)
