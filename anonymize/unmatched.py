"""Markup that matches nothing: a misspelled name would leave a column as it is, so it is an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anonymize.decisions import Problem, name_of
from anonymize.markup import Markup, TableMarkup
from anonymize.rules import near
from anonymize.schema import Table


def unmatched(markup: Markup, tables: Iterable[Table]) -> Iterator[Problem]:
    """What is said of tables and columns that are not there, and of tables that are like one that nothing is said of.

    The letters' case does not count.
    """
    tables = list(tables)
    by_name: dict[str, list[Table]] = {}
    for table in tables:
        for name in {table.name.lower(), name_of(table).lower()}:
            by_name.setdefault(name, []).append(table)
    for called, said in markup.tables.items():
        its = by_name.get(called.lower(), [])
        if not its:
            yield Problem(
                "no-such-table",
                f"the markup has a table {called}, and the dump has none",
                near(called, {name_of(table) for table in tables}, "its tables are"),
                called,
                place=said.place,
            )
            continue
        yield from _columns(called, said, its)
        if said.like is not None and said.like.lower() not in {name.lower() for name in markup.tables}:
            yield Problem(
                "like",
                f"table {called} is like {said.like}, of which the markup says nothing",
                near(said.like, markup.tables, "it has the tables"),
                called,
                place=said.place,
            )


def _columns(called: str, said: TableMarkup, tables: list[Table]) -> Iterator[Problem]:
    names = {column.name for table in tables for column in table.columns}
    known = {name.lower() for name in names}
    for column, rule in said.columns.items():
        if column.lower() not in known:
            yield Problem(
                "no-such-column",
                f"the markup says {rule.kind!r} of {called}.{column}, and the table has no such column",
                near(column, names, "its columns are"),
                called,
                column,
                rule.place,
            )
