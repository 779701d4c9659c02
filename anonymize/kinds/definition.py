"""How a kind is written down: its documentation, its options, and the function that makes it for a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anonymize.errors import UsageError
from anonymize.kinds import columns
from anonymize.kinds.kind import Guarantees, Made
from anonymize.kinds.options import Option, check
from anonymize.ops import Fold
from anonymize.pseudonym import Key
from anonymize.schema import Column


@dataclass(frozen=True, slots=True)
class Wish:
    """One column's wish for a kind: what a kind is made from."""

    kind: str
    options: Mapping[str, Any]
    """A value for every option, checked."""
    column: Column
    key: Key

    @property
    def secret(self) -> bytes:
        """The key for its meaning."""
        return self.key.of(self.options["meaning"] or self.kind)

    @property
    def fold(self) -> Fold:
        return columns.fold_of(self.column)

    def refuse(self, message: str, hint: str) -> UsageError:
        """The error to raise, which names the column and the kind."""
        return UsageError(f"column {self.column.name!r}, kind {self.kind!r}: {message}", hint)

    def need_room(self, characters: int) -> None:
        """Raises UsageError if the column holds less."""
        limit = columns.room(self.column)
        if limit is not None and limit < characters:
            raise self.refuse(
                f"its results need {characters} characters, and the column holds {limit}",
                'choose a kind that is as long as its value ("text"), or one that fits ("redact")',
            )


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind (see `anonymize.kinds.kind.Kind`) as data."""

    name: str
    summary: str
    guarantees: Guarantees
    making: Callable[[Wish], Made]
    example: str
    """A line of TOML for one column."""
    known: Mapping[str, Option] = field(default_factory=dict)
    types: frozenset[str] = frozenset()

    @property
    def options(self) -> Mapping[str, str]:
        return {name: option.text for name, option in self.known.items()}

    def make(self, options: Mapping[str, Any], column: Column, key: Key) -> Made:
        values = check(self.name, self.known, options)
        wish = Wish(self.name, values, column, key)
        if self.types and column.type and column.type not in self.types:
            raise wish.refuse(
                f"the column is of type {column.type!r}", f"this kind is for: {', '.join(sorted(self.types))}"
            )
        return self.making(wish)
