"""Several sources of markup become one: the later ones win, and what they win over is told."""

from __future__ import annotations

from collections.abc import Iterable

from anonymize.markup import Markup, Rule, TableMarkup


def merged(sources: Iterable[Markup]) -> tuple[Markup, tuple[str, ...]]:
    """One markup, and a sentence for every rule that took the place of another one.

    The case of tables' names counts only where one source has two that differ in nothing else; that of columns never.
    """
    tables: dict[str, TableMarkup] = {}
    notes: list[str] = []
    for source in sources:
        before = {name.lower(): name for name in tables if name not in source.tables}
        for name, over in source.tables.items():
            called = name if name in tables else before.get(name.lower(), name)
            tables[called] = _over(called, tables[called], over, notes) if called in tables else over
    return Markup(tables), tuple(notes)


def _over(table: str, under: TableMarkup, over: TableMarkup, notes: list[str]) -> TableMarkup:
    columns = {name.lower(): (name, rule) for name, rule in under.columns.items()}
    for name, rule in over.columns.items():
        if name.lower() in columns:
            _note(f"{table}.{name}", columns[name.lower()][1], rule, notes)
        columns[name.lower()] = name, rule
    if under.rest is not None and over.rest is not None:
        _note(f"{table}.*", under.rest, over.rest, notes)
    return TableMarkup(
        dict(columns.values()), over.rest or under.rest, over.like or under.like, over.place or under.place
    )


def _note(what: str, under: Rule, over: Rule, notes: list[str]) -> None:
    if (under.kind, under.options) != (over.kind, over.options):
        notes.append(f"{what}: {_said(over)} ({over.place}) takes the place of {_said(under)} ({under.place})")


def _said(rule: Rule) -> str:
    options = ", ".join(f"{name} = {value!r}" for name, value in rule.options.items())
    return f"{rule.kind!r} with {options}" if options else repr(rule.kind)
