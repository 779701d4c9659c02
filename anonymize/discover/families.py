"""What sort of values a column's type holds, as far as it tells proposals apart."""

from __future__ import annotations

from enum import Enum

from anonymize.kinds import columns
from anonymize.schema import Column


class Family(Enum):
    """Families of types."""

    TEXT = "text"
    BYTES = "bytes"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    DATE = "date"
    TIME = "time"
    JSON = "json"
    CHOICE = "choice"
    UUID = "uuid"
    INET = "inet"
    OTHER = "other"
    """bit, year, time of day, geometry and the like."""


_FAMILIES = (
    (columns.BYTES | columns.BLOBS, Family.BYTES),
    (columns.TEXTS, Family.TEXT),
    (columns.INTEGERS.keys(), Family.INTEGER),
    (columns.DECIMALS, Family.DECIMAL),
    (columns.FLOATS, Family.FLOAT),
    (columns.DATES, Family.DATE),
    (columns.TIMES, Family.TIME),
    ({"json"}, Family.JSON),
    ({"enum", "set"}, Family.CHOICE),
    ({"uuid"}, Family.UUID),
    ({"inet4", "inet6"}, Family.INET),
    ({""}, Family.TEXT),
)


def family_of(column: Column) -> Family:
    """The family of a column; one whose type is not known may hold text."""
    return next((family for types, family in _FAMILIES if column.type in types), Family.OTHER)
