"""What a change lacks of markup: columns that it adds and nobody spoke of, and markup whose columns it drops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from migci.core.finding import Finding, Severity
from migci.core.markup import KEEP, Column, Markup, Modelled, Named, Sayings
from migci.core.step import Step

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Look:
    """A step that was applied, and the columns that there were before and after it."""

    step: Step
    before: tuple[Column, ...]
    after: tuple[Column, ...]


@dataclass(frozen=True)
class Said:
    """Markup as it would land.

    `modelled` are the columns of the project's models, if they say anything. `severity` is that of a column without
    markup.
    """

    markup: Markup
    modelled: tuple[Modelled, ...] = ()
    severity: Severity = Severity.ERROR


def changed(looks: Iterable[Look]) -> bool:
    """Whether one of the steps added or dropped a column."""
    return any({one.name for one in look.before} != {one.name for one in look.after} for look in looks)


def unmarked(looks: tuple[Look, ...], said: Said, texts: Mapping[str, str]) -> tuple[Finding, ...]:
    """MC602 for what the steps added that is there after the last one, and of which nothing is said.

    It is at the line of the step's file where the name stands, as far as `texts` has the file. A table of which nothing
    is said at all is one finding. What is generated is computed from what is marked.
    """
    if not looks:
        return ()
    there = {one.name: one for one in looks[-1].after}
    sayings = Sayings(said.markup, there.values())
    found: list[Finding] = []
    for look in looks:
        before = {one.name for one in look.before}
        tables = {one.table for one in look.before}
        new: dict[str, list[Column]] = {}
        for one in look.after:
            if one.name not in before and one.name in there and not one.generated:
                new.setdefault(one.table, []).append(there[one.name])
        for table, columns in new.items():
            silent = [one for one in columns if sayings.of(one) is None]
            text = texts.get(look.step.file, "")
            if silent and len(silent) == len(columns) and table not in tables:
                found.append(_table(look.step, table, silent, said, text))
            else:
                found.extend(_column(look.step, one, said, text) for one in silent)
    return tuple(found)


def ahead(there: Iterable[Column], said: Said) -> tuple[Modelled, ...]:
    """What the models have and the database has not, and of which nothing is said."""
    known = {one.name.lower() for one in there}
    sayings = Sayings(said.markup, (one.column for one in said.modelled))
    return tuple(
        one
        for one in said.modelled
        if one.column.name.lower() not in known and not one.column.generated and sayings.of(one.column) is None
    )


def unmarked_model(one: Modelled, severity: Severity, file: str | None, text: str) -> Finding:
    """MC602 for a column that the patch adds to the models, and no step to the database."""
    table = line_of(one.column.table, text)
    begin = 0 if table is None else table - 1
    line = line_of(one.column.column, "\n".join(text.split("\n")[begin:]))
    return Finding(
        "MC602",
        severity,
        f"the models have a new column {one.column.name}, and nothing is said of it: the markup must know every column",
        hint=f"give it {_INFO}; or a kind that replaces it",
        file=file,
        line=None if line is None else line + begin,
    )


def unmatched(looks: tuple[Look, ...], markup: Markup) -> tuple[Finding, ...]:
    """MC603 for what the markup names, and a step has dropped for good."""
    if not looks:
        return ()
    left = {one.name.lower() for one in looks[-1].after}
    tables = {one.table.lower() for one in looks[-1].after}
    found: list[Finding] = []
    for look in looks:
        now = {one.name.lower() for one in look.after}
        gone = {(one.table.lower(), one.column.lower()) for one in look.before if one.name.lower() not in now}
        for named in markup.named:
            table, column = named.table.lower(), None if named.column is None else named.column.lower()
            if column is None and table not in tables and any(its == table for its, _ in gone):
                found.append(_dropped(look.step, named, f"table {named.table}"))
            if column is not None and table in tables and f"{table}.{column}" not in left and (table, column) in gone:
                found.append(_dropped(look.step, named, f"{named.table}.{named.column}"))
    return tuple(found)


def line_of(name: str, text: str) -> int | None:
    """The first line in which a name stands in quotes, or else as a word of its own."""
    word = re.escape(name)
    for pattern in (rf"""(["'`]){word}\1""", rf"(?<!\w){word}(?!\w)"):
        found = re.search(pattern, text)
        if found is not None:
            return text.count("\n", 0, found.start()) + 1
    return None


def _table(step: Step, table: str, columns: list[Column], said: Said, text: str) -> Finding:
    if said.markup.file and not any(one.column.table == table for one in said.modelled):
        lines = ", ".join(_line(one) for one in columns)
        hint = f"say of each column under [tables.{_key(table)}] in {said.markup.file} what it is: {lines}"
    else:
        hint = f"say of each column of the model what it is: {_INFO}"
    return Finding(
        "MC602",
        said.severity,
        f"step {step.name} adds the table {table}, and nothing is said of its columns: the markup must know them all",
        hint=f"{hint}; or a kind that replaces it",
        step=step.name,
        file=step.file,
        line=line_of(table, text),
    )


def _column(step: Step, column: Column, said: Said, text: str) -> Finding:
    return Finding(
        "MC602",
        said.severity,
        f"step {step.name} adds {column.name}, and nothing is said of it: the markup must know every column",
        hint=_hint(column, said),
        step=step.name,
        file=step.file,
        line=line_of(column.column, text),
    )


def _hint(column: Column, said: Said) -> str:
    if said.markup.file and not any(one.column.name == column.name for one in said.modelled):
        where = f"add this under [tables.{_key(column.table)}] in {said.markup.file}: {_line(column)}"
    else:
        where = f"give the model's column {_INFO}"
    return f"{where}; or a kind that replaces it"


_INFO = f'info={{"anonymize": "{KEEP}"}}'


def _dropped(step: Step, named: Named, what: str) -> Finding:
    return Finding(
        "MC603",
        Severity.WARNING,
        f"step {step.name} drops {what}, and the markup still speaks of it ({named.place})",
        hint="take it out of the markup: 'anonymize' refuses markup that matches nothing",
        step=step.name,
        file=named.file or step.file,
        line=named.line,
    )


def _line(column: Column) -> str:
    """The line of TOML that keeps a column; "like" has a meaning of its own there."""
    said = f'{{ kind = "{KEEP}" }}' if column.column == "like" else f'"{KEEP}"'
    return f"{_key(column.column)} = {said}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
