"""What a kind of replacement is: data that says what it keeps, and makes the operation for a column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from anonymize.ops import Op
from anonymize.pseudonym import Key
from anonymize.schema import Column


class Uniqueness(Enum):
    """Whether different values stay different."""

    BIJECTIVE = "bijective"
    """Always: it is a permutation."""
    COLLISION_FREE = "collision-free"
    """In all likelihood: 64 bits or more are drawn."""
    LOSSY = "lossy"
    """No."""


@dataclass(frozen=True, slots=True)
class Guarantees:
    """What a kind keeps; each is a short sentence for the documentation, `uniqueness` is judged by `plan`."""

    uniqueness: Uniqueness
    length: str
    characters: str
    order: str = "not kept"
    null: str = "kept"


@dataclass(frozen=True, slots=True)
class Made:
    """A kind, made for one column."""

    op: Op | None
    """None leaves the values as they are."""
    uniqueness: Uniqueness
    longest: int | None = None
    """The most characters of a result, whatever the value; None where results are as long as their values, or where
    it was seen that the column's type holds them, whatever their length."""
    grows: bool = False
    """A result can be longer than its value, and nobody knows by how much."""
    subject: str | None = None
    """The column of the same table whose value is the subject."""


class Kind(Protocol):
    """One way to replace values, chosen by name in markup."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str:
        """A sentence for the documentation."""

    @property
    def options(self) -> Mapping[str, str]:
        """Every option that it understands, and what it means."""

    @property
    def guarantees(self) -> Guarantees: ...

    @property
    def types(self) -> frozenset[str]:
        """The base types of columns that it is for; empty for any."""

    def make(self, options: Mapping[str, Any], column: Column, key: Key) -> Made:
        """The operation for `column`.

        Option `meaning` (every keyed kind has it; by default the kind's name) says
        whose pseudonyms these are: columns with one kind and one meaning get the same ones for the same values.
        Raises UsageError for an option that is not known or cannot be, and for a column that the kind is not for or
        that its results do not fit into.
        """
