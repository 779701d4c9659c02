"""Kinds that permute numerals and leave what stands between them: numbers, uuids, hex, phones, hardware addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from anonymize.errors import Unfit
from anonymize.kinds.applied import Applied
from anonymize.kinds.columns import BLOBS, BYTES, DECIMALS, FLOATS, INTEGERS, TEXTS, largest
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Call, Numerals
from anonymize.pseudonym import token

_HEX = b"0123456789abcdef"
_FLOAT = re.compile(rb"([+-]?)(\d*)(?:(\.)(\d*))?((?:[eE][+-]?\d+)?)")
_PERMUTED_DIGITS, _PERMUTED_HEX = 36, 28
"""So many numerals at most are permuted; more are drawn, and collide with a chance of 2**-112 or less for a pair."""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes, changed as the hex digits that they are: what is stored as bytes and as text stays the same value.

    What is not `sizes` bytes long is taken for text.
    """

    changed: Applied
    sizes: tuple[int, ...] = ()

    def __call__(self, value: bytes) -> bytes | None:
        if self.sizes and len(value) not in self.sizes:
            return self.changed(value)
        result = self.changed(value.hex().encode())
        return None if result is None else bytes.fromhex(result.decode())


@dataclass(frozen=True, slots=True)
class Float:
    """The digits of a number, drawn from its token; its sign, its exponent and where it has zeros in front stay.

    Raises Unfit for what is no number.
    """

    key: bytes

    def __call__(self, value: bytes) -> bytes:
        match = _FLOAT.fullmatch(value)
        if match is None or not (match[2] or match[4]):
            raise Unfit("it is no number")
        whole, fraction = match[2], match[4] or b""
        digits = whole + fraction
        zeros = len(digits) - len(digits.lstrip(b"0"))
        drawn = token(self.key, value)
        number = int.from_bytes(drawn[:8], "little")
        rest = int.from_bytes(drawn * (1 + len(digits) // 32), "little")
        exponent = int(match[5][1:] or b"0")
        # Neither 3.4e38 (float) nor 1.7e308 (double) may become what no column holds.
        first = b"10" if exponent >= 308 else b"1" if exponent >= 38 else b"%d" % (1 + number % 9)
        new = (b"0" * zeros + first + (b"%0*d" % (len(digits), rest))[-len(digits) :])[: len(digits)]
        return match[1] + new[: len(whole)] + (match[3] or b"") + new[len(whole) :] + match[5]


def _integer(wish: Wish) -> Made:
    op = Numerals(wish.secret, number=True, maximum=largest(wish.column), others=b"+-")
    return Made(op, _uniqueness(wish, _PERMUTED_DIGITS))


def _decimal(wish: Wish) -> Made:
    return Made(Numerals(wish.secret, number=True, others=b"+-."), _uniqueness(wish, _PERMUTED_DIGITS))


def _float(wish: Wish) -> Made:
    return Made(Call(Float(wish.secret)), Uniqueness.LOSSY)


def _phone(wish: Wish) -> Made:
    op = Numerals(wish.secret, keep=wish.options["keep"], others=b" +-()./,;#*extEXT:")
    return Made(op, _uniqueness(wish, _PERMUTED_DIGITS + op.keep))


def _hex(wish: Wish) -> Made:
    op = Numerals(wish.secret, _HEX, others=b" -:")
    if wish.column.type in BYTES | BLOBS:
        return Made(Call(Raw(Applied(op))), _uniqueness(wish, _PERMUTED_HEX // 2))
    return Made(op, _uniqueness(wish, _PERMUTED_HEX))


def _uuid(wish: Wish) -> Made:
    op = Numerals(wish.secret, _HEX, others=b"-{}", versioned=True)
    if wish.column.type in BYTES | BLOBS:
        return Made(Call(Raw(Applied(op), sizes=(16,))), Uniqueness.COLLISION_FREE)
    return Made(op, Uniqueness.COLLISION_FREE)


def _mac(wish: Wish) -> Made:
    op = Numerals(wish.secret, _HEX, keep=6 if wish.options["vendor"] == "keep" else 0, others=b"-:./")
    if wish.column.type in BYTES | BLOBS:
        return Made(Call(Raw(Applied(op), sizes=(6, 8))), Uniqueness.BIJECTIVE)
    return Made(op, Uniqueness.BIJECTIVE)


def _uniqueness(wish: Wish, permuted: int) -> Uniqueness:
    """A permutation, as long as no value of the column can have more numerals than are permuted."""
    column = wish.column
    longest = 20 if column.type in INTEGERS else column.length
    short = longest is not None and longest <= permuted
    return Uniqueness.BIJECTIVE if short else Uniqueness.COLLISION_FREE


def _kind(
    name: str,
    summary: str,
    characters: str,
    making: Callable[[Wish], Made],
    types: AbstractSet[str],
    uniqueness: Uniqueness = Uniqueness.BIJECTIVE,
    example: str = "",
    **known: Option,
) -> Definition:
    return Definition(
        name=name,
        summary=summary,
        guarantees=Guarantees(uniqueness, length="kept", characters=characters),
        making=making,
        example=example or f'{name} = "{name}"',
        known={**known, "meaning": MEANING},
        types=frozenset(types),
    )


_ANY = TEXTS | BYTES | BLOBS
_BETWEEN = "and what stands between them stays; anything else is refused"
INTEGER = _kind(
    "integer",
    "A whole number becomes another one with as many digits and the same sign, within what the column's type holds.",
    "digits; a value with a 0 in front keeps one; + and - stay; anything else is refused",
    _integer, INTEGERS.keys() | TEXTS, example='customer_no = { kind = "integer", meaning = "customer" }',
)  # fmt: skip
DECIMAL = _kind(
    "decimal",
    "All digits change together, before and behind the point; sign, point and the number of digits stay.",
    "digits; a value with a 0 in front keeps one; anything else is refused. More than 36 digits: collision-free",
    _decimal, DECIMALS | TEXTS, example='salary = "decimal"',
)  # fmt: skip
FLOAT = _kind(
    "float",
    "Digits are drawn anew; sign, point, exponent and the number of digits stay.",
    "digits; anything else is refused",
    _float, FLOATS | DECIMALS | TEXTS, Uniqueness.LOSSY, 'score = "float"',
)  # fmt: skip
PHONE = _kind(
    "phone",
    "A telephone number becomes another one, written in the same way.",
    f"digits; spaces, + - ( ) . / , ; # * : and the letters of ext {_BETWEEN}. More than 36 digits: collision-free",
    _phone, TEXTS, example='phone = { kind = "phone", keep = 2 }',
    keep=Option("how many of the first digits stay, for a country's or an area's code (0)", int, 0, between=(0, 15)),
)  # fmt: skip
HEX = _kind(
    "hex",
    "Hex digits change together; in a column of bytes, the bytes do.",
    f"hex digits, in upper case if all letters are, else in lower, as case means nothing; - : and spaces {_BETWEEN}. "
    "More than 28 digits: collision-free",
    _hex, _ANY, Uniqueness.COLLISION_FREE, 'checksum = "hex"',
)  # fmt: skip
UUID = _kind(
    "uuid",
    "A uuid becomes another one in the same spelling: with hyphens or braces or without, in either case, or as bytes.",
    f"hex digits, in upper case if all letters are, else in lower, as case means nothing; - {{ }} "
    f"{_BETWEEN}. The digits for version and variant stay",
    _uuid, _ANY | {"uuid"}, Uniqueness.COLLISION_FREE,
)  # fmt: skip
MAC = _kind(
    "mac",
    "A hardware address becomes another one in the same spelling, or as 6 or 8 bytes.",
    f"hex digits; - : . / {_BETWEEN}. What is behind a slash (Nova writes a port's uuid there) changes together with "
    "the address: more than 28 digits, collision-free",
    _mac, _ANY, example='mac = { kind = "mac", vendor = "keep" }',
    vendor=Option('"keep": the first 3 bytes stay, which name who made it; "replace" (the default)', str, "replace",
                  choices=("keep", "replace")),
)  # fmt: skip
