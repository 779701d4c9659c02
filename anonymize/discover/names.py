"""What a rule about the names of columns is: when it matches, and what it says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anonymize.discover.families import Family
from anonymize.discover.words import words

_TAILS = frozenset(
    {
        "1", "2", "3", "4", "5", "6", "address", "old", "new", "raw", "plain", "text", "enc", "encrypted", "hash",
        "hashed",
        "digest", "string", "str", "value", "info", "data", "line", "number", "no", "hint", "code", "internal",
        "external",
        "public", "private", "primary", "secondary", "current", "previous", "original",
    }
)  # fmt: skip
"""Words that may stand behind what a name is about: phone_number, email_2, ip_address, token_hash."""
_FLAGS = frozenset({"is", "has", "can", "multi", "allow", "enable", "use"})
"""What begins so is answered by yes or no."""


@dataclass(frozen=True, slots=True)
class NameRule:
    """A name that ends with one of `endings` is of a column that `kinds` are for, by the family of its type."""

    name: str
    says: str
    """For the comment: "its name says that it is ..."."""
    endings: tuple[str, ...]
    kinds: Mapping[Family, str]
    good: tuple[str, ...]
    """Names of columns that it is for, "table.column" where the table's name counts; for tests and documentation."""
    bad: tuple[str, ...]
    weight: float = 0.8
    """How sure a name alone is, from 0 to 1."""
    options: Mapping[str, Any] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    """It is for tables alone whose names have one of these words."""
    lengths: Collection[int] = ()
    """It is for columns alone that hold as many characters; () for any."""
    needs_length: bool = False
    """It is not for columns whose length is not known."""
    bare: bool = False
    """Nothing may stand behind the ending."""
    whole: bool = False
    """The ending is all there is."""

    def matches(self, table: str, column: str, length: int | None = None) -> bool:
        """Whether it is for a column of these names that holds `length` characters (None: not known)."""
        if self.lengths and (length not in self.lengths if length is not None else self.needs_length):
            return False
        if self.tables and not set(self.tables) & set(words(table)):
            return False
        said = words(column)
        if said[:1] and said[0] in _FLAGS:
            return False
        return any(self._ends(said, tuple(ending.split(" "))) for ending in self.endings)

    def _ends(self, said: tuple[str, ...], ending: tuple[str, ...]) -> bool:
        if self.bare or self.whole:
            return said == ending if self.whole else said[-len(ending) :] == ending
        tail = len(said)
        while tail >= len(ending):
            if said[tail - len(ending) : tail] == ending:
                return True
            if said[tail - 1] not in _TAILS:
                return False
            tail -= 1
        return False


def ends_with(column: str, endings: Iterable[str]) -> bool:
    """Whether the name's last words are one of these."""
    said = words(column)
    return any(said[-len(ending) :] == ending for ending in (tuple(one.split(" ")) for one in endings))
