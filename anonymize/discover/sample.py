"""A sample of a column's values: as likely to hold one of them as another, and never larger than a bound."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

VALUES = 1000
"""The most values of a sample."""
_MOST_BYTES = 1 << 20
_LONGEST = 1 << 16


class Reservoir:
    """The values of one column; NULL and empty ones are not told to it. The same values make the same sample."""

    def __init__(self, name: str) -> None:
        self.seen = 0
        """How many values there were."""
        self.values: list[bytes] = []
        """At most VALUES, and at most a megabyte; of long ones, the beginning."""
        self._random = random.Random(name)  # noqa: S311 -- it decides what is looked at, and nothing else
        self._capacity = VALUES
        self._bytes = 0

    def add(self, value: bytes) -> None:
        self.seen += 1
        if len(self.values) < self._capacity:
            self.values.append(value[:_LONGEST])
        else:
            place = int(self._random.random() * self.seen)
            if place >= self._capacity:
                return
            self._bytes -= len(self.values[place])
            self.values[place] = value[:_LONGEST]
        self._bytes += min(len(value), _LONGEST)
        while self._bytes > _MOST_BYTES and self._capacity > 1:
            # One that chance names goes, and its place with it: what is left is as likely as before.
            gone = self.values.pop(int(self._random.random() * len(self.values)))
            self._bytes -= len(gone)
            self._capacity = len(self.values)

    def take(self, value: bytes) -> bytes:
        """Add a value and give it back, as an operation on it would."""
        self.add(value)
        return value


@dataclass(slots=True)
class TableSample:
    """What was seen of a table."""

    rows: int = 0
    """How many of its rows were looked at."""
    columns: dict[str, Reservoir] = field(default_factory=dict)
    """By their names in lower case."""
    computed: set[str] = field(default_factory=set)
    """Columns some of whose values are no plain ones, so that none is looked at; in lower case."""

    def of(self, column: str) -> Reservoir:
        name = column.lower()
        if name not in self.columns:
            self.columns[name] = Reservoir(name)
        return self.columns[name]
