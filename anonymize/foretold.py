"""What would go wrong with decisions, foretold: each is a Problem, with what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from anonymize.decisions import Decision, Origin, Problem, name_of
from anonymize.errors import UsageError
from anonymize.kinds.kind import Uniqueness
from anonymize.markup import Rule
from anonymize.ops import Call, Default, Json, Null
from anonymize.rules import near
from anonymize.schema import Column, Table


def named_twice(table: Table, names: Iterable[str]) -> Iterator[Problem]:
    """Markup that speaks of a table with its database and without: one of them would hold, and the other would not."""
    qualified = name_of(table)
    both = [name for name in names if name.lower() in {table.name.lower(), qualified.lower()}]
    if len({name.lower() for name in both}) > 1:
        yield Problem(
            "named-twice",
            f"the markup speaks of {qualified} by two names, {' and '.join(map(repr, both))}",
            f"say all of it under one, such as [tables.{toml_key(table.name)}]",
            qualified,
            place=table.place,
        )


def unmarked(table: Table, decisions: Sequence[Decision], *, known: bool) -> Iterator[Problem]:
    """The columns of which nothing is said; one problem for all of them if the markup does not know the table."""
    silent = [one.column for one in decisions if one.origin is Origin.NONE]
    header = f"[tables.{toml_key(name_of(table))}]"
    if silent and not known and len(silent) == len(decisions):
        lines = [header, *(toml_line(column.name) for column in silent)]
        yield Problem(
            "unknown-table",
            f"table {name_of(table)} is not in the markup",
            "add it, with a kind for what is confidential:\n" + "\n".join(lines),
            name_of(table),
            place=table.place,
        )
        return
    for column in silent:
        yield Problem(
            "unmarked",
            f"nothing is said of {name_of(table)}.{column.name}",
            f"add this, or a kind that replaces it, under {header}: {toml_line(column.name)}",
            name_of(table),
            column.name,
            table.place,
        )


def within(table: Table, decisions: Sequence[Decision]) -> Iterator[Problem]:
    """What does not fit within the table: lengths, NULL, subjects, unique keys."""
    for one in decisions:
        if one.made is not None:
            yield from _fits(table, one)
    yield from _clashes(table, decisions)


def _fits(table: Table, one: Decision) -> Iterator[Problem]:
    assert one.made is not None  # what is asked here is asked of what is decided
    column, longest, subject = one.column, one.made.longest, one.made.subject
    if one.replaced and longest is not None and column.length is not None and longest > column.length:
        yield _of(
            "length",
            table,
            one,
            f"the kind {one.kind!r} makes values of {longest} characters, and the column holds {column.length}",
            "choose a kind that is as long as its value, or one that is shorter",
        )
    if one.replaced and one.made.grows and column.length is not None:
        warning = f"the kind {one.kind!r} may make values longer than they were, and the column holds {column.length}"
        yield replace(
            _of("length", table, one, warning, "choose a kind that is as long as its value"), severity="warning"
        )
    if isinstance(one.op, Null) and not column.nullable:
        yield _of(
            "null", table, one, "it would become NULL, and is NOT NULL", 'choose another kind: "redact", or "constant"'
        )
    names = [other.name for other in table.columns]
    if subject is not None and subject.lower() not in {name.lower() for name in names}:
        hint = near(subject, names, "its columns are")
        yield _of("subject", table, one, f"its subject is {subject}, which the table does not have", hint)


def _clashes(table: Table, decisions: Sequence[Decision]) -> Iterator[Problem]:
    """Unique keys whose values may become equal."""
    by_name = {one.column.name.lower(): one for one in decisions}
    named = dict.fromkeys(tuple(name.lower() for name in key) for key in table.unique)
    keys = [[by_name[name] for name in key if name in by_name] for key in named]
    certain = [key for key in keys if key and not any(map(_lossy, key))]
    for key in keys:
        replaced = [one for one in key if one.replaced]
        lossy = [one for one in replaced if _lossy(one)]
        if not lossy or any(isinstance(one.op, Null) for one in key):  # NULLs are never equal
            continue
        if any(all(one in key for one in other) for other in certain):  # the rest of it is unique without them
            continue
        names = ", ".join(one.column.name for one in key)
        yield Problem(
            "unique",
            f"the unique key ({names}) of {name_of(table)} may clash: "
            + ", ".join(f"{one.column.name} ({one.kind})" for one in lossy)
            + " can become equal for different values",
            'choose a kind that keeps values different, like "email", "username", "uuid", "hex" or "integer"',
            name_of(table),
            lossy[0].column.name,
            lossy[0].rule.place if lossy[0].rule is not None else table.place,
            "error" if len(lossy) == len(replaced) else "warning",
        )


def _lossy(one: Decision) -> bool:
    return one.replaced and one.made is not None and one.made.uniqueness is Uniqueness.LOSSY


def same(one: Decision, other: Decision) -> bool:
    """Whether both replace the same values by the same."""
    if one.op == other.op:
        return True
    if isinstance(one.op, Call | Json) and isinstance(other.op, Call | Json) and one.rule and other.rule:
        # Functions cannot be compared; those of one kind, with the same options and for the same columns, are the same.
        return (one.rule.kind, one.rule.options, _shape(one)) == (other.rule.kind, other.rule.options, _shape(other))
    return False


def _shape(one: Decision) -> tuple[object, ...]:
    home = one.home or one.column
    return home.type, home.length, home.members, home.charset, home.collation


def foreign_key(table: Table, one: Decision, other: Table, theirs: Decision) -> Problem:
    """The two sides would not join any more."""
    return _of(
        "foreign-key",
        table,
        one,
        f"it is {_told(one)}, and {name_of(other)}.{theirs.column.name}, which it refers to, is {_told(theirs)}: "
        "they would not join any more",
        "leave out its own markup, and it is treated as what it refers to",
    )


def too_late(table: Table, before: Decision, after: Decision) -> Problem:
    """What a column refers to came behind its rows, and they were not treated as they should have been."""
    return _of(
        "foreign-key",
        table,
        after,
        f"it was {_told(before)} when its rows came; now that all tables are known, it is {_told(after)}",
        "name the tables ahead with --schema",
    )


def not_made(table: Table, column: Column, rule: Rule, error: UsageError) -> Problem:
    """The kind says that it cannot be had for the column."""
    id = "type" if isinstance(error, _WrongType) else "kind"
    return Problem(
        id,
        f"{name_of(table)}.{column.name} cannot be {rule.kind!r}: {error.message}",
        error.hint,
        name_of(table),
        column.name,
        rule.place,
    )


class _WrongType(UsageError):
    """A kind is for columns of other types."""


def wrong_type(rule: Rule, column: Column, types: Iterable[str]) -> UsageError:
    return _WrongType(
        f"a column of type {column.type} was marked as one", f"that kind is for {', '.join(sorted(types))}"
    )


def generated(table: Table, column: Column, rule: Rule) -> Problem:
    return Problem(
        "generated",
        f"{name_of(table)}.{column.name} is computed by the server, so it cannot be {rule.kind!r}",
        f"leave it out, and mark what it is computed from: {column.generated}",
        name_of(table),
        column.name,
        rule.place,
    )


def _told(one: Decision) -> str:
    if not one.replaced:
        return "kept" if one.decided else "unmarked"
    if isinstance(one.op, Default):
        return "computed anew"
    return f"replaced by {one.kind!r}"


def _of(id: str, table: Table, one: Decision, message: str, hint: str) -> Problem:
    place = one.rule.place if one.rule is not None and one.rule.place else table.place
    return Problem(id, f"{name_of(table)}.{one.column.name}: {message}", hint, name_of(table), one.column.name, place)


def toml_key(name: str) -> str:
    """A name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def toml_line(column: str) -> str:
    """The line that keeps a column."""
    return f'{toml_key(column)} = {{ kind = "keep" }}' if column == "like" else f'{toml_key(column)} = "keep"'
