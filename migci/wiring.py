"""Settings to adapters: everything that is put together is put together here, in plain sight."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from migci.adapters import git, warm
from migci.adapters.environments import Environments, EnvironmentSettings
from migci.adapters.gate.guard import FileGates
from migci.adapters.gate.index import COMPILED
from migci.adapters.instances import Instance, instance
from migci.adapters.log import Log
from migci.adapters.markup import Markups
from migci.adapters.sandboxes import bubblewrap, none
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Limits, Sandbox
from migci.adapters.sandboxes.none import NoSandbox
from migci.adapters.scripts.repositories import READERS
from migci.adapters.servers.mariadb import mariadb
from migci.adapters.servers.mysql import mysql
from migci.adapters.servers.server import Server
from migci.adapters.servers.sqlite import SqliteServer
from migci.adapters.snapshots import volume
from migci.adapters.snapshots.store import DEFAULT_LIMIT_BYTES, Store
from migci.adapters.tools.alembic import Alembic
from migci.adapters.tools.command import Command
from migci.adapters.tools.histories import Histories
from migci.adapters.tools.session import AgentTool, Kind, Surroundings
from migci.adapters.tools.sqlalchemy_migrate import SqlalchemyMigrate
from migci.adapters.warm import Keeper, Loan, WarmClones
from migci.config import SandboxTable, ServerTable, Settings, arguments, bytes_of, located
from migci.core.run import ServerFacts
from migci.errors import UsageError
from migci.ports import CloneFailed, DatabaseServer, Observer, VersionTable
from migci.tools import Tools

GATE_IS_COMPILED = COMPILED
"""Whether the search for confidential values is as fast as it can be."""


def store(settings: Settings | None = None) -> Path:
    """Where migci keeps what outlives a command.

    `MIGCI_STORE` names it, else the settings, else it is a folder in the user's cache.
    """
    named = os.environ.get("MIGCI_STORE") or (settings and settings.store.folder)
    return Path(named).expanduser().resolve() if named else platformdirs.user_cache_path("migci")


@dataclass(frozen=True)
class Workshop:
    """What the commands need to build a server before there is a project."""

    instance: Instance
    store: Path
    log: Log
    sandbox: Sandbox
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    def snapshots(self) -> Store:
        """The snapshots that are kept in it. Raises StoreFailed, DiskFull."""
        return Store(self.store, self.instance, self.log, self.limit_bytes)


SANDBOXES: dict[str, Callable[[], Sandbox]] = {bubblewrap.NAME: Bubblewrap, none.NAME: NoSandbox}


def sandbox() -> Sandbox:
    """What migrations and servers are kept in: bubblewrap, or what `MIGCI_SANDBOX` asks for by name.

    It is asked for there and not in migci.toml, which may be the patch's. Raises UsageError when it does not work here.
    """
    name = os.environ.get("MIGCI_SANDBOX") or bubblewrap.NAME
    if name not in SANDBOXES:
        raise UsageError(f"MIGCI_SANDBOX: there is no sandbox {name!r}", hint=f"known: {', '.join(SANDBOXES)}")
    found = SANDBOXES[name]()
    trouble = found.trouble()
    if trouble is not None:
        raise UsageError(
            f"migrations are run in a sandbox, and {name} does not work here: {trouble}",
            hint="install bubblewrap, and see docs/containment.md; "
            "or ask for none by name, migci --sandbox none …, which lets a migration do all that you can",
        )
    return found


def _limits(table: SandboxTable) -> Limits:
    return Limits(
        memory_bytes=bytes_of(table.memory, "[sandbox] memory"),
        temporary_bytes=bytes_of(table.temporary, "[sandbox] temporary"),
        processes=table.processes,
    )


def _visible(place: str, project: Path) -> Path:
    """Raises UsageError for what is not there."""
    found = Path(located(place, project))
    if not found.exists():
        raise UsageError(
            f"[sandbox] visible: there is no file or folder {found}",
            hint="a path relative to migci.toml, or an absolute one",
        )
    return found


SERVERS: dict[str, Callable[[tuple[str, ...], Path | None, Workshop], DatabaseServer]] = {
    "mariadb": lambda options, programs, at: mariadb(options, at.instance, at.log, at.sandbox, programs),
    "mysql": lambda options, programs, at: mysql(options, at.instance, at.log, at.sandbox, programs),
    "sqlite": lambda options, programs, at: SqliteServer(at.sandbox, at.instance.id),
}


def server(table: ServerTable, project: Path, at: Workshop) -> DatabaseServer:
    """The server that the settings of the project in `project` name."""
    programs = None if table.programs is None else Path(located(table.programs, project))
    return SERVERS[table.flavor](tuple(table.options), programs, at)


def _alembic(settings: Settings) -> Kind:
    return Alembic(
        settings.project.migrations,
        table=settings.project.version_table or "alembic_version",
        x=tuple(settings.project.alembic.x),
        neutral_env=settings.project.alembic.env == "neutral",
    )


def _command(settings: Settings) -> Kind:
    table = None
    if settings.project.version_table:
        name, _, column = settings.project.version_table.partition(".")
        if not column:
            raise UsageError('[project] version_table must be "table.column" for tool = "command"')
        table = VersionTable(name, column)
    return Command(settings.project.migrations, arguments(settings.project.command or []), table)


TOOLS: dict[str, Callable[[Settings], Kind]] = {
    "alembic": _alembic,
    "sqlalchemy-migrate": lambda settings: SqlalchemyMigrate(settings.project.migrations),
    "command": _command,
}


@contextmanager
def workshop(log_file: Path, settings: Settings | None = None) -> Iterator[Workshop]:
    """A private place to work in, swept on exit, and a log at `log_file`."""
    kept_in = sandbox()
    place = store(settings)
    volume.mounted(place)
    limit = DEFAULT_LIMIT_BYTES if settings is None else bytes_of(settings.store.limit, "[store] limit")
    with Log(log_file) as log, instance(place) as live:
        yield Workshop(live, place, log, kept_in, limit)


@contextmanager
def tools(settings: Settings, project: Path, log_file: Path, observer: Observer) -> Iterator[Tools]:
    """All that a replay of the project in `project` works with; on exit nothing of it is left but the log."""
    with ExitStack() as stack:
        at = stack.enter_context(workshop(log_file, settings))
        sources = tuple(Path(located(dataset.source, project)) for dataset in settings.datasets.values())
        repository = stack.enter_context(git.opened(project, at.instance.folder / "git", sources))
        table = settings.project.environment
        python = table.python
        if python is None and not table.requirements and settings.project.tool == "command":
            python = sys.executable  # it only starts the command
        limits = _limits(settings.sandbox)
        environments = Environments(
            EnvironmentSettings(python, tuple(table.requirements)),
            project,
            at.store,
            at.sandbox,
            limits,
            at.instance,
            at.log,
        )
        visible = tuple(_visible(place, project) for place in settings.sandbox.visible)
        surroundings = Surroundings(table.variables, table.files, tuple(table.path), visible)
        there = server(settings.server, project, at)
        attach = there.attached if isinstance(there, Server) else None
        yield Tools(
            repository=repository,
            server=there,
            tool=AgentTool(
                TOOLS[settings.project.tool](settings),
                surroundings,
                environments,
                at.sandbox,
                limits,
                at.instance,
                at.log,
                Histories(at.store / "histories"),
                settings.project.versions.tests,
            ),
            snapshots=at.snapshots(),
            warm=WarmClones(at.store, project, there.options(), attach),
            gates=FileGates(at.store, at.log),
            observer=observer,
            markups=Markups(),
            clock=time.monotonic,
            sandbox=at.sandbox.name,
            project=settings.project.name,
            scripts=READERS[settings.project.tool](
                settings.project.migrations, tuple(settings.project.versions.folders)
            ),
        )


def keeper(settings: Settings, project: Path, dataset: str, tools: Tools, *, read: bool) -> Keeper:
    """What keeps clones of a dataset warm; with `read`, all their rows are read into the server's memory before.

    Raises UsageError for a flavor that has no servers to keep running.
    """
    there = tools.server
    if not isinstance(there, Server):
        raise UsageError(f'flavor "{there.flavor}" has no server to keep running')

    @contextmanager
    def ready(id: str) -> Iterator[Loan]:
        snapshot = tools.snapshots.find(id)
        if snapshot is None:
            raise CloneFailed(f"snapshot {id} is not in the store any more")
        with (
            tools.snapshots.clone(snapshot, visible=False) as clone,
            there.start(clone, snapshot.database) as database,
        ):
            if read:
                database.read_all()
            yield database.loan(clone.way)

    return Keeper(warm.address(store(settings), project, dataset), there.options(), ready)


def available(flavor: str) -> ServerFacts | None:
    """The server of this flavor that this machine has where programs usually are, or `None`."""
    with Log(Path(os.devnull)) as log, tempfile.TemporaryDirectory(prefix="migci-") as folder:
        at = Workshop(Instance("", Path(folder)), Path(folder), log, NoSandbox())
        try:
            return SERVERS[flavor]((), None, at).facts()
        except UsageError:
            return None
