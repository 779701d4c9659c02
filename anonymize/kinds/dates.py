"""Kinds for dates: they move by whole days, all of one subject's by as many, so that order and intervals survive."""

from __future__ import annotations

from collections.abc import Mapping

from anonymize.kinds.columns import DATES, TEXTS, TIMES
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import Option
from anonymize.ops import Shift


def _shift(wish: Wish) -> Made:
    subject: str | None = wish.options["subject"]
    # One meaning for both kinds: what happened to one subject moves alike, whatever the columns' types.
    secret = wish.key.of(wish.options["meaning"] or "datetime")
    if subject == wish.column.name:
        raise wish.refuse("the column is its own subject", "name the column that says whose date it is, or none")
    uniqueness = Uniqueness.BIJECTIVE if subject is None else Uniqueness.LOSSY
    return Made(Shift(secret, wish.options["days"], wish.column.type == "timestamp"), uniqueness, subject=subject)


_KNOWN: Mapping[str, Option] = {
    "subject": Option(
        "the column of the same table that says whose date it is; without it, all dates move by as many days",
        str,
    ),
    "days": Option("by how many days they move at most, in either direction (365)", int, 365, between=(1, 36500)),
    "meaning": Option('whose subjects these are: columns with one meaning move alike ("datetime", for both)', str),
}
_GUARANTEES = Guarantees(
    Uniqueness.LOSSY,
    length="kept",
    characters="digits; a time of day stays, and so do 9999-12-31, which stands for never, and a date with a 0 for its "
    "year, month or day; one that would move out of the years 1 to 9999, or out of what a timestamp holds (1970 to "
    "January 2038), is refused",
    order="kept among the dates of one subject, intervals too; without a subject, among all",
)


def _kind(name: str, summary: str, example: str, types: frozenset[str]) -> Definition:
    return Definition(
        name=name,
        summary=summary,
        guarantees=_GUARANTEES,
        making=_shift,
        example=example,
        known=_KNOWN,
        types=types,
    )


DATE = _kind(
    "date",
    "A date moves by whole days. Unique without a subject.",
    'born = { kind = "date", subject = "id", days = 90 }',
    DATES | TIMES | TEXTS,
)
DATETIME = _kind(
    "datetime",
    "A date with a time moves by whole days; the time of day stays. Unique without a subject.",
    'created_at = { kind = "datetime", subject = "user_id" }',
    DATES | TIMES | TEXTS,
)
