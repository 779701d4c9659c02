"""A few small kinds, one of each sort, so that what is planned does not hang on what kinds there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anonymize.errors import UsageError
from anonymize.kinds.kind import Guarantees, Kind, Made, Uniqueness
from anonymize.ops import Call, Constant, Fold, Hex, Null, Numerals, Shift, Template, Text
from anonymize.pseudonym import Key
from anonymize.rules import near
from anonymize.schema import Column

KEY = Key(b"0123456789abcdef")


_ANY = Guarantees(Uniqueness.LOSSY, "", "")


@dataclass(frozen=True)
class Small:
    """A kind of which `making` is all."""

    name: str
    making: Callable[[Mapping[str, Any], Column, bytes], Made]
    options: Mapping[str, str] = field(default_factory=dict)
    types: frozenset[str] = frozenset()
    summary: str = ""
    guarantees: Guarantees = _ANY

    def make(self, options: Mapping[str, Any], column: Column, key: Key) -> Made:
        return self.making(options, column, key.of(options.get("meaning", self.name)))


def _email(options: Mapping[str, Any], column: Column, key: bytes) -> Made:
    if column.length is not None and column.length < 20:
        raise UsageError(f"its results need 20 characters, and it holds {column.length}", "make it longer")
    pieces = (Hex(16), b"@example.com") if (column.length or 99) < 100 else (Hex(32), b"@example.com")
    return Made(Template(key, Fold.CASE, pieces), Uniqueness.COLLISION_FREE, 44)


def _shift(options: Mapping[str, Any], column: Column, key: bytes) -> Made:
    return Made(Shift(key, 365), Uniqueness.LOSSY, subject=options.get("subject"))


_KINDS = (
    Small("keep", lambda options, column, key: Made(None, Uniqueness.BIJECTIVE)),
    Small("null", lambda options, column, key: Made(Null(), Uniqueness.LOSSY)),
    Small("redact", lambda options, column, key: Made(Constant(b"redacted"), Uniqueness.LOSSY, 8)),
    Small("text", lambda options, column, key: Made(Text(key, Fold.CASE), Uniqueness.LOSSY), {"meaning": ""}),
    Small("email", _email, {"meaning": ""}),
    Small(
        "integer",
        lambda options, column, key: Made(Numerals(key, number=True), Uniqueness.BIJECTIVE),
        {"meaning": ""},
        frozenset({"int", "bigint"}),
    ),
    Small("datetime", _shift, {"subject": "", "meaning": ""}, frozenset({"datetime"})),
    Small("longer", lambda options, column, key: Made(Text(key, Fold.CASE), Uniqueness.BIJECTIVE, grows=True)),
    Small("own", lambda options, column, key: Made(Call(lambda value: value[::-1]), Uniqueness.BIJECTIVE)),
)
NAMES = tuple(kind.name for kind in _KINDS)


def small_kinds(name: str) -> Kind:
    for kind in _KINDS:
        if kind.name == name:
            return kind
    raise UsageError(f"there is no kind {name!r}", near(name, NAMES, "the kinds are"))
