"""The tables that a dump declares, without anything being done to its rows."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Buffer

from anonymize.decisions import name_of
from anonymize.dumps.source import Source
from anonymize.dumps.statements import Options, rewrite
from anonymize.ops import Program
from anonymize.schema import Schema, Table


def tables(source: Source, options: Options | None = None) -> Schema:
    """The tables in a dump of SQL, as it leaves them. Raises Unreadable for what is not understood in it."""
    found = _Found()
    rewrite(source, _Nowhere(), found, options)
    return Schema({name_of(table): table for table in found.declared.values()})


class _Found:
    def __init__(self) -> None:
        self.declared: dict[tuple[str | None, str], Table] = {}

    def declare(self, table: Table) -> None:
        self.declared[table.database, table.name] = table

    def find(self, database: str | None, name: str) -> Table | None:
        return self.declared.get((database, name))

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        return None


class _Nowhere:
    def write(self, data: Buffer, /) -> None:
        pass
