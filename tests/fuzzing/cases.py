"""Makes rows that no dump would have, and what is to be done to them."""

from __future__ import annotations

import random
from dataclasses import dataclass

from anonymize.ops import (
    Base32,
    Call,
    Constant,
    Default,
    Digits,
    Fold,
    Hex,
    Null,
    Op,
    Pool,
    Program,
    Slot,
    Template,
    Text,
)
from anonymize.sql import Grammar

SECRET = b"Qvwkzjqx"
"""Stands in values that are replaced by something that cannot hold it."""

_KEYS = tuple(bytes([number]) * 32 for number in range(3))
_PIECES = (b"lit", b"o'c", Pool((b"a", b'b"', b"c" * 20)))
_CHARACTERS = (
    *"aZ0 '\"\\é\n\0%,();`#\t\x1aß\u0131漢😀x",
    *("''", "\\'", "\\\\", "\\n", '\\"', "\\0", "\\%", "--", "-- ", "/*", "*/", "\\Z", "NULL", "A" * 30, "b c " * 9),
)
_ODD = (
    *(b"NULL", b"null", b"DEFAULT", b"now()", b"f('a',2)", b"CURRENT_TIMESTAMP", b"", b" ", b"-", b"--5", b"b'01'"),
    *(b"1 + 2", b"`x`"),
)
_NUMBERS = (
    *(b"1", b"-5", b"3.14", b"1e5", b".5", b"5.", b"0x414243", b"0xabc", b"x'4142'", b"X'4g'", b"0x", b"x''", b"+7"),
)
_INTRODUCERS = (b"_binary ", b"_utf8mb4", b"_latin1", b"N", b"n", b"_sjis ", b"_binary\n")
_ENDS = (b";", b";\n", b"", b" x", b"--", b"-- a\n;", b"/", b"#", b" ON DUPLICATE")


@dataclass(frozen=True)
class Case:
    """Some rows, as they stand in a dump."""

    data: bytes
    program: Program
    grammar: Grammar
    secret: bool
    """The secret stands in values that are replaced, and nowhere else."""


def case(pick: random.Random) -> Case:
    """Any rows; about a third of them are cut off somewhere."""
    places = pick.randint(1, 5)
    slots = tuple(None if pick.random() < 0.4 else Slot(op(pick), binary=pick.random() < 0.2) for _ in range(places))
    grammar = Grammar(pick.random() < 0.8, pick.random() < 0.2)
    rows = []
    secret = pick.random() < 0.3 and all(slot is None or _hides(slot.op) for slot in slots)
    for _ in range(pick.randint(0, 4)):
        count = places if pick.random() < 0.97 else pick.randint(0, 6)
        values = [_secret(pick) if secret else value(pick) for _ in range(count)]
        if secret:
            values = [b"7" if slot is None else one for one, slot in zip(values, slots, strict=False)]
        rows.append(b"(" + b",".join(values) + b")")
    begin = pick.choice([b"", b" ", b",", b"\n"])
    data = begin + pick.choice([b",", b", ", b",\n", b"/* x */,", b" "]).join(rows) + pick.choice(_ENDS)
    if pick.random() < 0.3:
        data = data[: pick.randrange(len(data) + 1)]
    return Case(data, Program(slots), grammar, secret)


def op(pick: random.Random) -> Op:
    """Any operation that the kernel has of its own, and some that ask Python."""
    key, fold = pick.choice(_KEYS), pick.choice(list(Fold))
    match pick.randrange(9):
        case 8:
            return Default()
        case 0:
            return Null()
        case 1:
            return Constant(pick.choice([b"", b"x", b"it's", b'a\\b\n"\0', b"12", "é".encode()]))
        case 2 | 3 | 4:
            drawn = (Base32(pick.randint(1, 12)), Hex(pick.randint(1, 11)), Digits(pick.randint(1, 18)))
            return Template(key, fold, tuple(pick.choice(_PIECES + drawn) for _ in range(pick.randint(1, 3))))
        case 5 | 6:
            other, keep_until = pick.random() < 0.8, pick.choice([b"", b"", b"://", b"a"])
            digit = pick.choice([b"0123456789", b"", b"0123456789abcdef"])
            lower = pick.choice([b"abcdefghijklmnopqrstuvwxyz", b"xyz"])
            return Text(key, fold, lower=lower, digit=digit, other=other, keep_until=keep_until)
    return Call(pick.choice([_backwards, _nothing, _same, _quoted]))


def value(pick: random.Random) -> bytes:
    """A value as SQL writes it, or as nobody would."""
    match pick.randrange(16):
        case 0 | 1 | 2 | 3 | 4 | 5:
            quoted = text(pick).replace(b"\\", b"\\\\").replace(b"'", pick.choice([b"\\'", b"''"]))
            return b"'" + quoted + b"'"
        case 6:
            return b"'" + text(pick) + b"'"
        case 7:
            return pick.choice(_ODD)
        case 8 | 9:
            return pick.choice(_NUMBERS)
        case 10:
            return pick.choice(_INTRODUCERS) + value(pick)
        case 11:
            ends = (b" USING utf8mb4)", b"  using UTF8MB4 )", b"USING x)")
            return pick.choice([b"CONVERT(", b"convert( "]) + value(pick) + pick.choice(ends)
        case 12:
            return b'"' + text(pick).replace(b'"', b'\\"') + b'"'
        case 13:
            return pick.choice([b" ", b"/* c, */", b"-- x\n", b"# y'\n"]) + value(pick)
        case 14:
            return value(pick) + pick.choice([b" ", b"/* c */", b"\n"])
    return b"'" + bytes(pick.choice(b"abcXYZ019 .@") for _ in range(pick.randrange(150))) + b"'"


def text(pick: random.Random) -> bytes:
    """Bytes of a string, not escaped."""
    made = "".join(pick.choice(_CHARACTERS) for _ in range(pick.choice([0, 1, 2, 3, 5, 8, 20]))).encode()
    return made + bytes([pick.randrange(256)]) if pick.random() < 0.1 else made


def _secret(pick: random.Random) -> bytes:
    return b"'" + text(pick).replace(b"\\", b"").replace(b"'", b"") + SECRET + b"'"


def _hides(op: Op) -> bool:
    return isinstance(op, Null | Constant | Template) or (isinstance(op, Text) and not op.keep_until)


def _backwards(value: bytes) -> bytes:
    return value[::-1]


def _nothing(value: bytes) -> None:
    return None


def _same(value: bytes) -> bytes:
    return value


def _quoted(value: bytes) -> bytes:
    return value + b"'\\"
