"""What the use cases work with: the adapters, put together once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migci.ports import (
    DatabaseServer,
    Gates,
    MarkupReader,
    MigrationTool,
    Observer,
    Repository,
    ScriptReader,
    SnapshotStore,
    WarmClones,
)


@dataclass(frozen=True)
class Tools:
    """One of each port. `clock` is monotonic, in seconds; `project` is the name that snapshots are kept under."""

    repository: Repository
    server: DatabaseServer
    tool: MigrationTool
    snapshots: SnapshotStore
    warm: WarmClones
    gates: Gates
    observer: Observer
    markups: MarkupReader
    clock: Callable[[], float]
    sandbox: str = "none"
    project: str = ""
    scripts: tuple[ScriptReader, ...] = ()
