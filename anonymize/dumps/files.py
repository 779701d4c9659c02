"""What the files of a folder are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from anonymize.dumps.delimited import Dialect


class Part(Enum):
    """What a file of a folder is; they are dealt with in this order."""

    TABLES = "tables"
    """Statements that declare tables: read before all others, and written."""
    STAND_IN = "stand-in"
    """The same, of a table that a view takes the place of."""
    CODE = "code"
    """Statements without rows."""
    ROWS = "rows"
    COPY = "copy"
    """It says something of the dump itself, and is written as it is."""
    DONE = "done"
    """It says that the dump is finished, and how large it is: written last."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The layout of rows that are no SQL."""

    database: str
    table: str
    columns: tuple[str, ...]
    dialect: Dialect
    encoded: Mapping[str, str] = field(default_factory=dict, hash=False)
    """How columns of bytes are written: FROM_BASE64 or UNHEX."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a folder."""

    path: Path
    part: Part
    database: str | None = None
    """The one that its statements are for."""
    lines: Lines | None = None
    """None if it is SQL."""
