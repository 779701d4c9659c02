"""What must not be seen of a dataset, and what of a replay passes the gate that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import TypeVar

from migci.core.dataset import Contents, Dataset
from migci.core.markup import ANY, Column, Markup, confidential
from migci.core.snapshot import Snapshot, digest
from migci.core.step import Step
from migci.errors import UsageError
from migci.ports import Gate, Tree, VersionTable
from migci.tools import Tools

_Value = TypeVar("_Value")

_VERSION = 2
"""Of what an index holds: a later migci may choose the values in another way."""


@contextmanager
def guarded(
    dataset: Dataset,
    snapshot: Snapshot,
    table: VersionTable | None,
    trunk: Tree,
    tools: Tools,
) -> Iterator[Gate]:
    """The gate for what leaves a replay of `dataset`, which starts from `snapshot`. Until exit the log passes it too.

    What stands in the sources of `trunk` and of its tool is no secret, whoever else has such words. Raises what
    `indexed` raises.
    """

    def public() -> Iterator[bytes]:
        yield from tools.repository.texts(trunk)
        yield from tools.tool.texts(trunk)

    id = indexed(dataset, snapshot, table, tools)
    with tools.gates.guard(id, publish=dataset.publishes_log, public=public) as gate:
        yield gate


def sheltered(dataset: Dataset, tools: Tools) -> AbstractContextManager[Gate]:
    """The gate for what happens before there is an index of the dataset's values: what is printed is kept as later."""
    return tools.gates.guard(None, publish=dataset.publishes_log)


def indexed(dataset: Dataset, snapshot: Snapshot, table: VersionTable | None, tools: Tools) -> str | None:
    """The id of the index of the dataset's confidential values, which is made if it is not there.

    What is in the version table `table` is the project's. `None` for synthetic contents, which are nobody's.
    Raises what stores and servers raise.
    """
    if dataset.contents is Contents.SYNTHETIC:
        return None
    marked = dataset.markup and (dataset.markup.columns, dataset.markup.like)
    id = f"{snapshot.root}-{digest(_VERSION, dataset.contents, marked)}"
    if not tools.gates.has(id):
        _make(id, dataset, snapshot, table, tools)
    return id


def _make(id: str, dataset: Dataset, snapshot: Snapshot, table: VersionTable | None, tools: Tools) -> None:
    root = tools.snapshots.find(snapshot.root) or snapshot
    with (
        tools.snapshots.clone(root, visible=tools.server.in_process) as clone,
        tools.server.start(clone, root.database) as database,
    ):
        there = [one for one in database.columns() if table is None or one.table != table.table]
        if dataset.markup is not None:
            _check(dataset.name, dataset.markup, there, tools)
        chosen = confidential(there, dataset.contents, dataset.markup)
        # Without any confidential column, honeytokens can still be planted in those that hold text.
        names = chosen or tuple(one.name for one in there if one.text)
        tools.gates.make(id, names, lambda sink: database.pour(chosen, sink))


def _check(name: str, markup: Markup, there: list[Column], tools: Tools) -> None:
    """Raises UsageError where the markup names a column that its table has not: it may have meant another."""
    tables: dict[str, set[str]] = {}
    for one in there:
        tables.setdefault(one.table.lower(), set()).add(one.column)
    for table, column, _ in markup.columns:
        has = tables.get(table.lower())
        if has is None:
            tools.observer.note(f"{name}: the markup names a table {table}, which the dataset has not")
        elif column != ANY and column.lower() not in {its.lower() for its in has}:
            raise UsageError(
                f"the markup of dataset {name!r} names {table}.{column}, which the dataset has not",
                hint=f"{table} has {', '.join(sorted(has))}",
            )


def cleaned(step: Step, gate: Gate) -> Step:
    """`step` as it may be seen, and with the columns whose values it showed."""
    seen = _cleaned(step, gate)
    return replace(seen, exposed=tuple(sorted({*step.exposed, *gate.exposed()})))


def _cleaned(value: _Value, gate: Gate) -> _Value:
    """`value` with every text in it cleaned."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return gate.clean(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_cleaned(one, gate) for one in value)  # type: ignore[return-value]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _cleaned(getattr(value, one.name), gate) for one in fields(value)})
    return value


def cleaned_all(values: tuple[_Value, ...], gate: Gate) -> tuple[_Value, ...]:
    """`values` as they may be seen."""
    return _cleaned(values, gate)
