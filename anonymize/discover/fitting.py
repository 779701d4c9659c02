"""A kind that can be had for a column: the wished one, or one that is nearest to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from anonymize import kinds
from anonymize.engine import apply
from anonymize.errors import Unfit, UsageError
from anonymize.kinds.kind import Made, Uniqueness
from anonymize.ops import Null
from anonymize.pseudonym import Key
from anonymize.schema import Column

_KEY = Key(b"what fits does not hang on the key")
_Rule = tuple[str, Mapping[str, Any]]


def fitting(
    rule: _Rule, column: Column, values: Sequence[bytes], *, unique: bool
) -> tuple[str, Mapping[str, Any], str] | None:
    """The kind and its options, and why it is not the wished one ("" if it is); None if nothing fits.

    It holds the column's type and length and takes all `values`, and keeps them different if they are `unique`.
    """
    wished_against = ""
    for kind, options in _others(rule, unique=unique, looked=bool(values)):
        against = _against(kind, options, column, values, unique=unique)
        if against is None:
            return kind, options, f"not {rule[0]}: {wished_against}" if kind != rule[0] else ""
        wished_against = wished_against or against
    return None


def _others(rule: _Rule, *, unique: bool, looked: bool) -> Iterator[_Rule]:
    yield rule
    unlike = ("username", "hex") if looked else ("username",)  # what is no hex is refused, so one has to know
    for kind in unlike if unique else ("text", "redact", "null"):
        if kind != rule[0]:
            yield kind, {}


def _against(
    kind: str, options: Mapping[str, Any], column: Column, values: Sequence[bytes], *, unique: bool
) -> str | None:
    """Why the kind cannot be had; None if it can."""
    definition = kinds.find(kind)
    if definition.types and column.type and column.type not in definition.types:
        return f"the column is of type {column.type}"
    try:
        made = definition.make(options, column, _KEY)
    except UsageError:
        return "it does not fit into the column"
    if made.longest is not None and column.length is not None and made.longest > column.length:
        return "its results are too long for the column"
    if unique and made.uniqueness is Uniqueness.LOSSY:
        return "values would become equal, and they have to be unique"
    if isinstance(made.op, Null) and not column.nullable:
        return "the column is NOT NULL"
    refused = _refused(made, values)
    return f"it refuses {_percent(refused, len(values))} of the values" if refused else None


def _refused(made: Made, values: Sequence[bytes]) -> int:
    if made.op is None:
        return 0
    change, refused = apply(made.op), 0
    for value in set(values):
        try:
            change(value, b"")
        except Unfit:
            refused += 1
    return refused


def _percent(part: int, whole: int) -> str:
    return f"{max(1, round(100 * part / whole))} %"
