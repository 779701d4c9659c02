"""`migci doctor`: what works on this machine and for this project, what does not, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from migci import config, wiring
from migci.cli.options import project_option
from migci.cli.progress import PlainLines
from migci.config import AlembicTable, ServerTable, Settings
from migci.errors import Exit, MigciError, UsageError
from migci.ports import Tree
from migci.prepare import empty
from migci.tools import Tools

_NEEDED_GIT = (2, 38)
_NETWORK = ("nfs", "nfs4", "smb", "smb2", "cifs", "fuse.sshfs", "fuseblk", "fuse", "afs", "ceph", "gfs/gfs2", "lustre")
_ROOM_BYTES = 2 << 30


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `needed` tells whether nothing works without it."""

    what: str
    well: bool
    says: str
    needed: bool = True


@click.command(short_help="What works here, what does not, and what to do:  migci doctor")
@project_option
@click.pass_context
def doctor(context: click.Context, project: Path) -> None:
    """Check this machine, and the project in DIR if it has a migci.toml.

    Everything is tried for real: a server is started, the project's interpreter reads its history, its env.py connects
    to a clone. Nothing is left behind. Exits with 2 if something that is needed does not work.
    """
    fine = True
    for check in _checks(config.nearest(project)):
        mark = (
            click.style("ok  ", fg="green") if check.well else click.style("FAIL" if check.needed else "no  ", fg="red")
        )
        click.echo(f"{mark} {check.what}: {check.says}")
        fine = fine and (check.well or not check.needed)
    context.exit(Exit.PASSED if fine else Exit.USAGE)


def _checks(project: Path) -> Iterator[Check]:
    yield _git()
    yield _sandbox()
    yield _gate()
    settings: Settings | None = None
    if (project / config.FILE_NAME).exists():
        try:
            settings = config.load(project)
            settings.as_datasets(project)
            yield Check(config.FILE_NAME, True, f"{settings.project.tool}, datasets {', '.join(settings.datasets)}")
        except UsageError as error:
            yield Check(config.FILE_NAME, False, str(error))
    else:
        yield Check(config.FILE_NAME, False, "is not here; 'migci init' writes one", needed=False)
    wanted = settings.server.flavor if settings else None
    for flavor in wiring.SERVERS:
        table = settings.server if settings and flavor == wanted else ServerTable.model_validate({"flavor": flavor})
        yield _server(table, project, settings, needed=flavor == wanted)
    yield from _store(settings, in_process=wanted == "sqlite")
    if settings is not None:
        yield from _project(project, settings)


def _git() -> Check:
    if shutil.which("git") is None:
        return Check("git", False, "is not on this machine; apt-get install git")
    said = subprocess.run(["git", "--version"], capture_output=True, text=True).stdout.split()[2]
    version = tuple(int(part) for part in said.split(".")[:2])
    if version < _NEEDED_GIT:
        return Check("git", False, f"{said} cannot merge without a working tree; 2.38 can, or use --no-merge")
    return Check("git", True, said)


def _sandbox() -> Check:
    try:
        name = wiring.sandbox().name
    except UsageError as error:
        return Check("sandbox", False, str(error))
    if name == "none":
        return Check(
            "sandbox", False, "none, as MIGCI_SANDBOX asks for: migrations can do all that you can", needed=False
        )
    return Check("sandbox", True, name)


def _gate() -> Check:
    if wiring.GATE_IS_COMPILED:
        return Check("gate", True, "searches by compiled code")
    return Check(
        "gate",
        False,
        "searches by Python, which is slow; with a C compiler and Python's headers, install migci again",
        needed=False,
    )


def _server(table: ServerTable, project: Path, settings: Settings | None, *, needed: bool) -> Check:
    try:
        with tempfile.TemporaryDirectory() as folder, wiring.workshop(Path(folder) / "log.txt", settings) as at:
            server = wiring.server(table, project, at)
            facts = server.facts()
            with at.snapshots().new(visible=server.in_process) as clone:
                server.initialize(clone.data)
                with server.start(clone) as database:
                    database.size()
        return Check(table.flavor, True, f"{facts.version} starts and answers")
    except MigciError as error:
        return Check(table.flavor, False, str(error), needed)


def _store(settings: Settings | None, *, in_process: bool) -> Iterator[Check]:
    place = wiring.store(settings)
    there = next(path for path in (place, *place.parents) if path.exists())
    free = shutil.disk_usage(there).free
    yield Check("store", free > _ROOM_BYTES, f"{place}, {free / 2**30:.0f} GB free (MIGCI_STORE moves it)", False)
    kind = subprocess.run(["stat", "-f", "-c", "%T", there], capture_output=True, text=True).stdout.strip()
    if kind in _NETWORK:
        yield Check("store", False, f"is on a network disk ({kind}): every clone crosses the network", needed=False)
    try:
        with wiring.workshop(Path(os.devnull), settings) as at:
            choice = at.snapshots().choice(visible=in_process)
    except MigciError as error:
        yield Check("cloning", False, str(error))
        return
    yield Check("cloning", True, f"by {choice.way.name}")
    for name, reason in choice.refused:
        yield Check(f"cloning by {name}", False, reason, needed=False)
    if "reflink" in dict(choice.refused) and not in_process:
        yield Check(
            "advice", True, "as root, 'migci dataset store init --size 50G' puts the store on a disk that clones files"
        )


def _project(project: Path, settings: Settings) -> Iterator[Check]:
    try:
        with _tools(project, settings, show_log=True) as tools:
            trunk = tools.repository.commit(settings.project.trunk)
            yield Check("trunk", True, f"{trunk.ref} is {trunk.id[:12]}")
            history = tools.tool.history(_tree(tools))
            heads = ", ".join(sorted(history.heads)) or history.base
            yield Check("history", True, f"{len(history.revisions)} revisions, newest {heads}")
    except MigciError as error:
        yield Check("history", False, str(error))
        return
    failure = _failure_to_connect(project, settings)
    if failure is None:
        yield Check("connection", True, "the project's tool reaches the clone, and nothing else")
        return
    yield Check("connection", False, failure.message)
    if settings.project.tool == "alembic":
        yield _advice(project, settings)


def _advice(project: Path, settings: Settings) -> Check:
    """What to do about an env.py that does not find the clone."""
    neutral = settings.project.model_copy(update={"alembic": AlembicTable(env="neutral")})
    by_hand = (
        "hand the URL over as env.py wants it: [project.environment] variables or files, or [project.alembic] x, "
        "each with {url} in it"
    )
    if _failure_to_connect(project, settings.model_copy(update={"project": neutral})) is None:
        return Check(
            "advice",
            True,
            f'{by_hand}; or [project.alembic] env = "neutral", which works here, runs without your env.py',
        )
    return Check("advice", True, by_hand)


def _failure_to_connect(project: Path, settings: Settings) -> MigciError | None:
    """Why the project's tool does not reach a clone; `None` if it does."""
    try:
        with (
            _tools(project, settings) as tools,
            tools.snapshots.clone(empty(tools), visible=tools.server.in_process) as clone,
            tools.server.start(clone) as database,
            tools.tool.session(_tree(tools), database.address),
        ):
            return None
    except MigciError as error:
        return error


@contextmanager
def _tools(project: Path, settings: Settings, *, show_log: bool = False) -> Iterator[Tools]:
    """What a replay works with; with `show_log` the end of its log is shown when it fails."""
    with tempfile.TemporaryDirectory(prefix="migci-") as folder:
        log = Path(folder) / "log.txt"
        try:
            with wiring.tools(settings, project, log, PlainLines()) as tools:
                yield tools
        except MigciError:
            if show_log and log.exists():
                click.echo("".join(log.read_text(errors="replace").splitlines(keepends=True)[-20:]), err=True)
            raise


def _tree(tools: Tools) -> Tree:
    return tools.repository.tree(tools.repository.working_tree())
