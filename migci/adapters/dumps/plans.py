"""What is to be done with the files of a dump that is a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    """A file of SQL, run in `database`. `delimiter` ends its statements until it says otherwise."""

    name: str
    database: str
    delimiter: bytes = b";"


@dataclass(frozen=True)
class Rows:
    """The files that fill a table (its name as SQL writes it), in their order.

    They are SQL, or what `statement` makes the LOAD DATA LOCAL INFILE for.
    """

    database: str
    table: str
    files: tuple[str, ...]
    statement: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Plan:
    """In this order: the scripts that make the databases, the schemas where none did, the tables, the rows, the rest.

    `origin` is the server that was dumped, if that is told. `session` is run before a table's rows; `sizes` are the
    bytes of text that files must hold.
    """

    origin: str
    schemas: tuple[str, ...]
    databases: tuple[Script, ...]
    before: tuple[Script, ...]
    rows: tuple[Rows, ...]
    after: tuple[Script, ...]
    session: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)


def quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
