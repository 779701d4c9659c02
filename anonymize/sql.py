"""What the engines share about the SQL of dumps: how strings are written, and what is wrong with a row."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class Grammar:
    """How a dump writes its values."""

    backslash: bool = True
    """A backslash in a string escapes what follows (no NO_BACKSLASH_ESCAPES)."""
    latin1: bool = False
    """Text is in latin1 (as MySQL has it: Windows-1252), not in UTF-8."""


class State(IntEnum):
    """Where a search for the end of a statement stands."""

    STRANGE = -2
    """What stands there is no value: a comment that servers execute, or a backslash outside of strings."""
    ENDED = -1
    OUTSIDE = 0
    STRING = 1
    DOUBLE = 2
    NAME = 3
    LINE = 4
    COMMENT = 5


class RowError(Exception):
    """A row that is not understood; `reason` never quotes a value."""

    def __init__(self, offset: int, place: int | None, reason: str) -> None:
        super().__init__(offset, place, reason)
        self.offset = offset
        """Where in the data."""
        self.place = place
        """The number of the value in its row, from 0, if it is one value that is wrong."""
        self.reason = reason
