"""Use case: a dataset in, a snapshot out; what was made once is found again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from migci.core.dataset import EMPTY, Dataset
from migci.core.snapshot import Kind, Snapshot, digest
from migci.ports import VersionTable
from migci.tools import Tools


def prepared(dataset: Dataset, table: VersionTable | None, tools: Tools) -> Snapshot:
    """The snapshot of `dataset`; it is made if it is not in the store.

    `table` is where the database keeps its revision. Raises RestoreFailed, ServerFailed, StoreFailed, CloneFailed,
    DiskFull, UsageError.
    """
    base = empty(tools)
    if dataset.source == EMPTY:
        return base
    id = snapshot_id(dataset, table, tools)
    return once(id, dataset.name, tools, lambda: _load(id, dataset, table, base, tools))


def snapshot_id(dataset: Dataset, table: VersionTable | None, tools: Tools) -> str:
    """What the snapshot of `dataset` is, or would be, found by. Raises RestoreFailed, UsageError."""
    base = _empty_id(tools)
    if dataset.source == EMPTY:
        return base
    where = None if table is None else (table.table, table.column, table.where)
    return digest(Kind.DATASET, base, tools.snapshots.identity(dataset.source), where)


def _empty_id(tools: Tools) -> str:
    facts = tools.server.facts()
    return digest(Kind.EMPTY, facts.flavor, facts.version, tools.server.lasting_options())


def empty(tools: Tools) -> Snapshot:
    """The snapshot of a server without tables."""
    facts = tools.server.facts()
    id = _empty_id(tools)

    def make() -> None:
        began = tools.clock()
        with tools.snapshots.new(visible=tools.server.in_process) as clone:
            tools.server.initialize(clone.data)
            with tools.server.start(clone, loading=True) as database:
                name = database.address.database
                database.rest()
            snapshot = Snapshot(id, Kind.EMPTY, EMPTY, facts, name, id, seconds=tools.clock() - began, made=now())
            tools.snapshots.keep(clone, snapshot)

    return once(id, EMPTY, tools, make)


def _load(id: str, dataset: Dataset, table: VersionTable | None, base: Snapshot, tools: Tools) -> None:
    """Load the dump, and see on a second start that its files are whole."""
    began = tools.clock()
    server = tools.server
    with tools.snapshots.clone(base, visible=server.in_process) as clone:
        with server.start(clone, base.database, loading=True) as database:
            warnings = database.restore(dataset.source, tools.observer.restoring)
            for warning in warnings:
                tools.observer.note(f"{dataset.name}: the server warned while it was loaded: {warning}")
            name = database.address.database
            database.rest()
        with server.start(clone, name) as database:
            size = database.size()
            revision = (table and database.versions(table)) or ()
            database.rest()
        tools.snapshots.keep(
            clone,
            replace(
                base,
                id=id,
                kind=Kind.DATASET,
                project=tools.project,
                dataset=dataset.name,
                database=name,
                root=id,
                origin=base.id,
                tables=size.tables,
                rows=size.rows,
                bytes=size.bytes,
                revision=revision,
                warnings=warnings,
                made=now(),
                seconds=tools.clock() - began,
            ),
        )


def once(id: str, name: str, tools: Tools, make: Callable[[], None]) -> Snapshot:
    """The snapshot `id`; `make` is called if it is not there, by one process at a time."""
    while (found := tools.snapshots.find(id)) is None:
        with tools.snapshots.making(
            id, lambda: tools.observer.note(f"{name}: waiting for another migci that prepares it")
        ):
            if tools.snapshots.find(id) is None:
                make()
    return found


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
