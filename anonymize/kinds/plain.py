"""Kinds that look at no value, or only at its shape: keep, null, constant, redact, text, base64."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from anonymize.kinds.columns import (
    BLOBS,
    BYTES,
    DATES,
    DECIMALS,
    FLOATS,
    TEXTS,
    TIMES,
    can_write,
    holds,
    is_bytes,
    largest,
    length,
    room,
)  # fmt: skip
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Constant, Fold, Null, Text

_SPELLED = {
    **dict.fromkeys(DECIMALS | FLOATS, re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")),
    **dict.fromkeys(DATES, re.compile(r"\d{4}-\d{2}-\d{2}")),
    **dict.fromkeys(TIMES, re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?)?")),
}
"""How a value of a type is written."""
_REPLACEMENTS = "".join(map(chr, range(0xE0, 0xF7)))
"""What the operation Text puts in the place of characters beyond ASCII."""


def _constant(wish: Wish) -> Made:
    given = wish.options["value"]
    text = str(int(given)) if isinstance(given, bool) else str(given)
    problem = _cannot_hold(wish, text)
    if problem:
        raise wish.refuse(f"the constant {text!r} {problem}", "choose a value that the column can hold")
    # Of other types it was seen that they hold it; how many characters it has says nothing of them.
    counted = not wish.column.type or wish.column.type in TEXTS | BYTES | BLOBS
    return Made(Constant(text.encode()), Uniqueness.LOSSY, len(text) if counted else None)


def _cannot_hold(wish: Wish, text: str) -> str | None:
    column = wish.column
    most = largest(column)
    if most is not None:
        lowest = 0 if column.unsigned else -most - 1
        whole = re.fullmatch(r"[+-]?\d{1,20}", text)
        return None if whole and lowest <= int(text) <= most else f"is no number from {lowest} to {most}"
    spelled = _SPELLED.get(column.type)
    if spelled is not None:
        if not spelled.fullmatch(text):
            return f"is no value of the type {column.type}"
        digits = column.length - (column.scale or 0) if column.length and column.type in DECIMALS else None
        if digits is not None and abs(Decimal(text)) >= Decimal(10) ** digits:
            return f"has more than {digits} digits before its point"
        return None
    if column.type == "enum" and column.members and text not in column.members:
        return f"is none of the column's members: {', '.join(column.members)}"
    if column.type == "json" and not _is_json(text):
        return "is not JSON"
    if not holds(column, text):
        return (
            f"does not fit: the column holds {room(column)} characters"
            if can_write(column, text)
            else (f"has characters that {column.charset} does not have")
        )
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _redact(wish: Wish) -> Made:
    limit = room(wish.column)
    text: str = wish.options["with"][:limit]
    if not can_write(wish.column, text) or (limit is not None and length(wish.column, text) > limit):
        raise wish.refuse(f"the column cannot hold {text!r}", "choose another text with the option with")
    return Made(Constant(text.encode()), Uniqueness.LOSSY, len(text))


def _null(wish: Wish) -> Made:
    if not wish.column.nullable:
        raise wish.refuse("the column is NOT NULL", 'choose "redact" or a constant')
    return Made(Null(), Uniqueness.LOSSY, 0)


def _text(wish: Wish) -> Made:
    column = wish.column
    if column.charset != "ascii" and not is_bytes(column) and not can_write(column, _REPLACEMENTS):
        raise wish.refuse(
            f"its results hold letters such as \u00e8, which the character set {column.charset} does not have",
            'choose "redact", or a kind of its own form such as "username"',
        )
    return Made(Text(wish.secret, wish.fold), Uniqueness.LOSSY)


def _base64(wish: Wish) -> Made:
    # Case means something in base64, whatever the collation says.
    return Made(Text(wish.secret, Fold.NONE, keep_until=wish.options["keep_until"].encode()), Uniqueness.LOSSY)


KEEP = Definition(
    name="keep",
    summary="The values stay as they are. It is a decision; a column without one is an error.",
    guarantees=Guarantees(Uniqueness.BIJECTIVE, length="kept", characters="kept", order="kept"),
    making=lambda wish: Made(None, Uniqueness.BIJECTIVE),
    example='id = "keep"',
)
NULL = Definition(
    name="null",
    summary="Every value becomes NULL.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="none", characters="none", null="everything is NULL"),
    making=_null,
    example='notes = "null"',
)
CONSTANT = Definition(
    name="constant",
    summary="Every value becomes the same one, empty ones too.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="the constant's", characters="the constant's"),
    making=_constant,
    example='balance = { kind = "constant", value = 0 }',
    known={"value": Option("the value that all get; it has to be one that the column can hold", (str, int, float, bool),
                           required=True)},
)  # fmt: skip
REDACT = Definition(
    name="redact",
    summary="Every value becomes a word that says so, empty ones too; cut where the column is shorter.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="the word's", characters="the word's"),
    making=_redact,
    example='notes = "redact"',
    known={"with": Option('the word ("redacted")', str, "redacted")},
    types=TEXTS | BYTES | BLOBS,
)
TEXT = Definition(
    name="text",
    summary="Letters become other letters of the same case and digits other digits; spaces and punctuation stay.",
    guarantees=Guarantees(
        Uniqueness.LOSSY,
        length="kept, in characters",
        characters="letters stay letters, digits digits; a letter beyond ASCII becomes one of à to ö",
    ),
    making=_text,
    example='title = "text"',
    known={"meaning": MEANING},
    types=TEXTS | (BLOBS - {"tinyblob"}),
)
BASE64 = Definition(
    name="base64",
    summary="Letters and digits become others of their sort, so that base64 stays base64; case counts.",
    guarantees=Guarantees(Uniqueness.LOSSY, length="kept, padding too", characters="those of base64"),
    making=_base64,
    example='blob = "base64"',
    known={
        "keep_until": Option('what stands up to and with this text stays, if it is there ("")', str, ""),
        "meaning": MEANING,
    },
    types=TEXTS | BLOBS,
)
