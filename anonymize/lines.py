"""The use case for a CSV or TSV file: one table's rows, and nothing that says what its columns are but their names."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from anonymize.audit import Audit, audit
from anonymize.dumps import delimited, source
from anonymize.dumps.delimited import CSV, TSV, Dialect
from anonymize.dumps.publish import COMPRESSIONS, Sink
from anonymize.dumps.source import STANDARD
from anonymize.errors import UsageError
from anonymize.ops import Program
from anonymize.plan import Planner
from anonymize.planned import Planned
from anonymize.progress import Watch
from anonymize.schema import Column, Table

_HEADER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class LinesOf:
    """Of which table the rows are that a CSV or TSV file holds."""

    table: str
    columns: tuple[str, ...] | None = None
    """None: the first line names them."""


def dump(
    where: str,
    of: LinesOf,
    planner: Planner,
    known: Sequence[Table],
    watch: Watch,
    output: AbstractContextManager[Sink],
) -> Audit:
    """Rewrite a file of lines; see `anonymize.rewrite.dump`.

    A name that ends in .csv (and may be compressed) tells that it is CSV; it is TSV else. What is known of the columns
    is taken from the table of that name among `known`, if it is there.
    """
    dialect = dialect_of(where)
    columns = of.columns or _named(where, dialect)
    table = next((table for table in known if table.name == of.table), None)
    if table is None:
        table = Table(of.table, tuple(Column(name, "") for name in columns))
    planned = Planned(planner, [table])
    planned.decided()
    program = planned.program(table.database, table.name, columns) or Program((None,) * len(columns))
    with source.opened(where) as stream:
        stream.watch = watch
        with output as sink:
            count = delimited.rewrite(stream, sink, program, columns, dialect, header=of.columns is None)
    return audit({(table.database, table.name): count} if count.replaced else {}, planned.kinds)


def dialect_of(where: str) -> Dialect:
    """CSV or TSV, as the name says."""
    suffixes = [suffix.lower().removeprefix(".") for suffix in Path(where).suffixes]
    return CSV if [suffix for suffix in suffixes if suffix not in COMPRESSIONS][-1:] == ["csv"] else TSV


def _named(where: str, dialect: Dialect) -> tuple[str, ...]:
    """The names in the first line. Raises UsageError if there are none."""
    if where == STANDARD:
        raise UsageError("the standard input is read only once", "name its columns with --columns")
    with source.opened(where) as stream:
        head = b""
        while b"\n" not in head and len(head) < _HEADER_BYTES and (more := stream.read(_HEADER_BYTES)):
            head += more
    line = head.partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip("\r")
    separator = dialect.separator.decode()
    names = tuple(next(csv.reader([line], delimiter=separator), [])) if dialect.quoted else tuple(line.split(separator))
    if not all(names) or not names:
        raise UsageError(f"the first line of {where} does not name its columns", "name them with --columns a,b,c")
    return names
