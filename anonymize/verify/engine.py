"""What verifies, in C or in Python: the index of originals, the rows of two dumps side by side, the search in rows."""

from __future__ import annotations

import secrets
from enum import IntEnum
from types import ModuleType
from typing import Protocol

from typing_extensions import Buffer

from anonymize import engine
from anonymize.sql import Grammar

LEAST_CHARACTERS = 6
"""Shorter originals are not looked for."""
LONGEST_BYTES = 4096
"""Of a longer original, so much is looked for."""
EXAMPLES = 20
"""How many findings of one sort are told one by one; the others are counted."""
_KEY_BYTES = 32


class Becomes(IntEnum):
    """What is expected of a place in a row."""

    STAYS = 0
    REPLACED = 1
    NULLED = 2
    MAYBE_NULLED = 3
    COMPUTED = 4
    """The word DEFAULT."""


class Event(IntEnum):
    """What was noticed of a value; of a key for NOT_UNIQUE."""

    DIFFERS = 0
    NULL_DIFFERS = 1
    NOT_READ = 2
    JOINS_DIFFER = 3
    NOT_UNIQUE = 4
    UNCHANGED = 5


class Met(IntEnum):
    """Why a comparison came back."""

    MORE_OF_ORIGINAL = 0
    MORE_OF_RESULT = 1
    ENDED = 2
    DIFFER = 3


class Written(IntEnum):
    """The form in which an original was found."""

    AS_IT_IS = 0
    BACKSLASHES = 1
    PERCENT = 2
    HEXADECIMAL = 3
    BASE64 = 4


class Originals(Protocol):
    """Values of replaced columns, as keyed hashes."""

    def add(self, value: bytes, source: int, /) -> None:
        """Add a value of the column with that number; of an original of several columns, the lowest number is kept."""

    def find(self, text: Buffer, /) -> list[tuple[int, int, int, int, int]]:
        """Every original in `text`: where, how long (0 in what had to be decoded), its column, Written, and a hash."""

    @property
    def count(self) -> int:
        """How many different ones there are."""

    @property
    def size(self) -> int:
        """The bytes of memory that they take."""


class Relation(Protocol):
    """What belongs to what; shared by all places that it must hold for."""

    @property
    def count(self) -> int: ...


Place = tuple[int, int, bool, bool, int, Relation | None]
"""Becomes; the column's number; whether its values are bytes; whether only what changed in a value is an original;
a Fold; and the relation from original to result that has to hold, folded."""

Noted = tuple[int, int, int, int, int, bytes]
"""Event, place, row (from 0), offset in the original, offset in the result; a value that is unchanged."""


class Pairs(Protocol):
    """The rows of an original and of what was made of it, side by side."""

    def compare(self, original: Buffer, at: int, result: Buffer, its_at: int, /) -> tuple[int, int, int, list[Noted]]:
        """Compare rows from a place between rows on, in both. Returns Met, and how far it came in both.

        Tells of each sort of event the first few, and of every unchanged value once. Raises RowError for the original.
        """

    @property
    def rows(self) -> int: ...

    @property
    def totals(self) -> list[tuple[int, int, int, int]]:
        """For each place: values, those that are NULL, that are empty, that are unchanged and not empty."""

    @property
    def found(self) -> list[tuple[int, int, int]]:
        """Event, place, and how often; without UNCHANGED."""


Leak = tuple[int, int, bool, int, int, int]
"""The original's column, place (-1: between values), whether it is excused, Written, row (from 0), value's place."""


class Leaks(Protocol):
    """The rows of a result, searched for originals."""

    def search(self, data: Buffer, start: int, /) -> tuple[int, bool, list[Leak]]:
        """Search rows; `start` and what is returned first are as in `anonymize.engine.Rows`. Raises RowError."""

    @property
    def counts(self) -> list[tuple[int, int, bool, int]]:
        """The original's column, place, whether it is excused, and in how many values."""

    @property
    def rows(self) -> int: ...


def originals() -> Originals:
    """An index with a key of its own, which nobody knows."""
    made: Originals = _module().Originals(secrets.token_bytes(_KEY_BYTES))
    return made


def relation() -> Relation:
    made: Relation = _module().Relation()
    return made


def pairs(
    index: Originals,
    grammar: Grammar,
    places: tuple[Place | None, ...],
    keys: tuple[tuple[tuple[int, ...], Relation], ...],
) -> Pairs:
    """`keys` are the unique ones: places, and the relation from the result's values to the original's."""
    made: Pairs = _module().Pairs(index, grammar, places, keys)
    return made


def leaks(index: Originals, grammar: Grammar, excused: tuple[tuple[int, ...], ...]) -> Leaks:
    """`excused` are, for each place, the hashes of the originals that may be there."""
    made: Leaks = _module().Leaks(index, grammar, excused)
    return made


def _module() -> ModuleType:
    return next(iter(engine.engines().values()))
