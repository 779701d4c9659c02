"""`migci dataset`: the databases that replays start from, made ready to clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from migci import config, wiring
from migci.adapters import project_file, publish
from migci.adapters import warm as warm_clones
from migci.adapters.snapshots import volume
from migci.adapters.snapshots.store import Kept, Store
from migci.cli.options import project_option
from migci.cli.progress import watching
from migci.confidential import indexed, sheltered
from migci.config import Settings
from migci.core.dataset import Contents
from migci.core.run import Commit
from migci.core.snapshot import Kind, Snapshot
from migci.errors import Exit, MigciError, UsageError
from migci.ports import RestoreFailed, VersionTable
from migci.prepare import prepared, snapshot_id
from migci.replay import refreshed, start_of, trunk_of
from migci.route import Reading, standing
from migci.tools import Tools

_ID_DIGITS = 8
"""How many digits of a snapshot's id are taken for one, at least."""


@click.group(short_help="Add, list, refresh and remove datasets:  migci dataset add user_001 dump.sql.zst")
def dataset() -> None:
    """Prepare datasets ahead of time, and look after the store that they are kept in.

    A dataset is loaded once, into an immutable snapshot; each replay gets a writable clone of it. A replay prepares by
    itself what is not prepared yet.
    """


@dataset.command(short_help="Load a dump and write its entry:  migci dataset add user_001 dump.sql.zst")
@click.argument("name")
@click.argument("source")
@click.option(
    "--contents",
    type=click.Choice([str(one) for one in Contents]),
    default=str(Contents.REAL),
    show_default=True,
    help="Whose data it holds.",
)
@click.option("--revision", metavar="REVISION", help="Where its migrations stand, if the database does not say.")
@project_option
def add(name: str, source: str, contents: str, revision: str | None, project: Path) -> None:
    """Load the dump SOURCE into the store as dataset NAME, and write [datasets.NAME] into migci.toml.

    SOURCE is a SQL dump (plain, gz, zst, xz or bz2), a folder of mydumper or MySQL Shell, or a URL such as
    s3://bucket/dump.sql.zst. Nothing is written into migci.toml if it cannot be loaded.

    \b
    Examples:
      migci dataset add user_001 user_001.sql.zst --contents anonymized
      migci dataset add big s3://dumps/big/ --revision 216
    """
    project = config.nearest(project)
    settings = config.load(project)
    if name in settings.datasets:
        raise UsageError(f"there is a dataset {name!r} in migci.toml already", hint="choose another name, or remove it")
    entry = {"source": _written(source, project), "contents": contents}
    if revision is not None:
        entry["revision"] = revision
    settings = config.with_dataset(settings, name, entry)
    (chosen,) = settings.as_datasets(project, (name,))
    with _tools(settings, project) as tools:
        trunk = Reading.of(tools.repository.tree(tools.repository.commit(settings.project.trunk)), tools.tool)
        table = tools.tool.version_table(trunk.tree)
        try:
            snapshot = prepared(chosen, table, tools)
            standing(chosen, snapshot, trunk.history)
            indexed(chosen, snapshot, table, tools)
        except RestoreFailed as error:  # here it is what the user gave that cannot be used
            unsaid = revision is None and "revision" in error.hint
            raise UsageError(error.message, "say it with --revision" if unsaid else error.hint) from error
    project_file.set_dataset(project / config.FILE_NAME, name, entry)
    _tell(name, snapshot)


def _written(source: str, project: Path) -> str:
    """A source given on the command line, as it stands in migci.toml: relative to that, if it lies near it."""
    if "://" in source or source == "empty":
        return source
    path = Path(source).expanduser().resolve()
    return os.path.relpath(path, project) if path.is_relative_to(project.parent) else str(path)


@dataset.command("list", short_help="What is in the store:  migci dataset list")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="How it is printed.")
@project_option
def list_(format_: str, project: Path) -> None:
    """List the snapshots in the store, the one used last first, and the project's datasets that are not prepared."""
    project = config.nearest(project)
    settings = config.load(project) if (project / config.FILE_NAME).exists() else None
    with _store(settings) as store:
        kept = store.kept()
    if format_ == "json":
        click.echo(json.dumps([_as_json(one) for one in kept], indent=1))
        return
    rows = [("DATASET", "KIND", "REVISION", "ROWS", "SIZE", "SERVER", "USED", "ID")]
    rows += [
        (
            one.snapshot.dataset,
            str(one.snapshot.kind),
            ", ".join(one.snapshot.revision) or "-",
            f"{one.snapshot.rows:,}",
            _size(one.room_bytes),
            f"{one.snapshot.server.flavor} {one.snapshot.server.version}",
            _ago(time.time() - one.used),
            one.snapshot.id[:12],
        )
        for one in kept
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for sentence in _not_listed(settings, project) if settings else ():
        click.echo(sentence)


def _as_json(one: Kept) -> dict[str, Any]:
    snapshot = one.snapshot
    return {
        "id": snapshot.id,
        "dataset": snapshot.dataset,
        "kind": snapshot.kind,
        "revision": list(snapshot.revision),
        "rows": snapshot.rows,
        "bytes": snapshot.bytes,
        "room_bytes": one.room_bytes,
        "server": {"flavor": snapshot.server.flavor, "version": snapshot.server.version},
        "made": snapshot.made,
        "seconds": snapshot.seconds,
        "used": one.used,
        "warnings": list(snapshot.warnings),
    }


def _not_listed(settings: Settings, project: Path) -> Iterator[str]:
    """Of each dataset of the project's that has no snapshot of its name: why."""
    with _tools(settings, project) as tools:
        table = _table(settings, tools)
        for one in settings.as_datasets(project):
            found = tools.snapshots.find(snapshot_id(one, table, tools))
            if found is None:
                yield f"{one.name}: not prepared; 'migci dataset prepare {one.name}' does it, and so does a replay"
            elif found.dataset != one.name:
                yield f"{one.name}: has the same content as {found.dataset} ({found.id[:12]})"


@dataset.command(short_help="Load datasets ahead of time:  migci dataset prepare user_001")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@project_option
def prepare(names: tuple[str, ...], project: Path) -> None:
    """Make the snapshots of the datasets NAME (all of migci.toml's, if none is named), as far as they are not there."""
    project = config.nearest(project)
    settings = config.load(project)
    with _tools(settings, project) as tools:
        table = _table(settings, tools)
        chosen = settings.as_datasets(project, names)
        for position, one in enumerate(chosen):
            tools.observer.dataset_started(one.name, position, len(chosen))
            with sheltered(one, tools):
                snapshot = start_of(one, settings.as_project(), table, tools)
            indexed(one, snapshot, table, tools)
            _tell(one.name, snapshot)


@dataset.command(short_help="See whether snapshots are as they were kept:  migci dataset verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@project_option
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...], project: Path) -> None:
    """Read every file of the snapshots of NAME (of all, if none is named), and compare it with its checksum.

    NAME is a dataset, or the beginning of an id. Exits with 1 if a file is not as it was kept.
    """
    damaged = False
    with _store(_settings(project)) as store:
        broken = [id for id in store.unreadable() if not names or any(id.startswith(name) for name in names)]
        for id in broken:
            click.echo(f"{id[:12]}: what is known of it cannot be read")
        for snapshot in _named(store, tuple(name for name in names if name not in broken), project):
            damage = store.damage(snapshot)
            click.echo(f"{_called(snapshot)}: {'; '.join(damage) or 'as it was kept'}")
            damaged = damaged or bool(damage)
        damaged = damaged or bool(broken)
    if damaged:
        click.echo(
            "hint: 'migci dataset remove ID' takes a damaged one out; it is made anew when it is needed", err=True
        )
    context.exit(Exit.FAILED if damaged else Exit.PASSED)


@dataset.command(short_help="Bring a dataset forward:  migci dataset refresh user_001 --to stable/havana")
@click.argument("name")
@click.option("--to", "ref", metavar="REF", help="The commit whose migrations are run; trunk if not given.")
@project_option
def refresh(name: str, ref: str | None, project: Path) -> None:
    """Run all migrations of a commit on dataset NAME, and let replays start from there.

    What comes out is kept as a snapshot, and the commit is written to migci.toml as `refreshed`: wherever the dataset
    is prepared, it is brought there. Its source stays as it is.
    """
    project = config.nearest(project)
    settings = config.load(project)
    (chosen,) = settings.as_datasets(project, (name,))
    with _tools(settings, project) as tools:
        commit = tools.repository.commit(ref or settings.project.trunk)
        _check_landed(commit, settings.project.trunk, tools)
        table = _table(settings, tools)
        before = prepared(chosen, table, tools)
        with sheltered(chosen, tools):
            after = refreshed(chosen, before, commit.id, settings.as_project(), table, tools)
    project_file.set_dataset(project / config.FILE_NAME, name, {"refreshed": commit.id})
    click.echo(
        f"{name}: from {', '.join(before.revision) or 'no revision'} to {', '.join(after.revision) or 'no revision'}, "
        f"{after.rows:,} rows; replays start there now"
    )


def _check_landed(commit: Commit, trunk: str, tools: Tools) -> None:
    """Raises UsageError when a commit has migrations that trunk has not: no replay could start behind them."""
    here, there = (tools.tool.history(tools.repository.tree(one)) for one in (commit, tools.repository.commit(trunk)))
    ahead = [revision.id for revision in here.revisions if revision.id not in there.by_id]
    if ahead:
        raise UsageError(
            f"{commit.ref} has migrations that {trunk} has not: {', '.join(ahead)}",
            hint="refresh to trunk, or to a commit that it came from",
        )


@dataset.command(short_help="Take a dataset out:  migci dataset remove user_001")
@click.argument("name")
@project_option
def remove(name: str, project: Path) -> None:
    """Remove the snapshots of NAME from the store, and its entry from migci.toml.

    NAME is a dataset, or the beginning of an id in the store: then that snapshot alone is removed.
    """
    settings = _settings(project)
    ours = settings is not None and name in settings.datasets
    others = _roots(settings, config.nearest(project), besides=name) if settings is not None and ours else {}
    with _store(settings) as store:
        for id in store.unreadable():
            if len(name) >= _ID_DIGITS and id.startswith(name):
                store.remove_unreadable(id)
                click.echo(f"removed {id}")
                return
        named = _of(store.all(), name, project) if ours else _named(store, (name,), project)
        found = [one for one in named if one.kind is not Kind.EMPTY or one.id.startswith(name)]
        for snapshot in found:
            if snapshot.root in others:
                click.echo(f"kept {_called(snapshot)}: {others[snapshot.root]} has the same content")
                continue
            if not store.remove(snapshot):
                hint = "try again when no migci works on it; 'migci dataset cool' ends what is kept warm"
                raise UsageError(f"{_called(snapshot)} is in use", hint=hint)
            click.echo(f"removed {_called(snapshot)}")
    if settings is not None and name in settings.datasets:
        project_file.remove_dataset(config.nearest(project) / config.FILE_NAME, name)
        click.echo(f"removed [datasets.{name}] from migci.toml")


@dataset.command(short_help="Keep a clone ready for the next replay:  migci dataset warm user_001")
@click.argument("name")
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), default=60, show_default=True,
    help="End when no replay came for so long.",
)  # fmt: skip
@click.option("--read", is_flag=True, help="Read all rows into the server's memory, as far as they fit.")
@click.option("--foreground", is_flag=True, hidden=True)
@project_option
def warm(name: str, minutes: float, read: bool, foreground: bool, project: Path) -> None:
    """Keep a clone of dataset NAME, at trunk, ready in the background, its server running.

    Replays of this project take it and start at once. A clone is used once: afterwards the next one is made ready.
    """
    project = config.nearest(project)
    settings = config.load(project)
    (chosen,) = settings.as_datasets(project, (name,))
    if not foreground:
        keep = [sys.executable, "-m", "migci", "dataset", "warm", name, "--foreground", f"--minutes={minutes}"]
        keep += ["--read"] * read + ["--project", str(project)]
        process = subprocess.Popen(keep, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        if not process.stdout.readline():
            raise SystemExit(process.wait())
        click.echo(f"{name} is kept warm until no replay came for {minutes:g} minutes; 'migci dataset cool' ends it")
        return
    with _tools(settings, project) as tools:
        snapshot = trunk_of(chosen, settings.as_project(), tools)
        keeper = wiring.keeper(settings, project, name, tools, read=read)
        keeper.serve(snapshot.id, minutes * 60, _let_go)


def _let_go() -> None:
    """Tell whoever started us that the first clone is ready, and leave the terminal to it."""
    click.echo("ready")
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


@dataset.command(short_help="End what 'warm' began:  migci dataset cool")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@project_option
def cool(names: tuple[str, ...], project: Path) -> None:
    """Keep no clones of the datasets NAME (of all, if none is named) any longer."""
    project = config.nearest(project)
    settings = config.load(project)
    for one in settings.as_datasets(project, names):
        if warm_clones.stop(warm_clones.address(wiring.store(settings), project, one.name)):
            click.echo(f"{one.name} is not kept warm any longer")
        elif names:
            click.echo(f"{one.name} was not kept warm")


@dataset.group(short_help="The folder that snapshots are kept in:  migci dataset store init --size 50G")
def store() -> None:
    """Look after the store itself."""


@store.command("init", short_help="Put the store on a disk image that clones files:  … store init --size 50G")
@click.option("--size", required=True, metavar="SIZE", help='How large it can become, such as "50G".')
@project_option
def init(size: str, project: Path) -> None:
    """Make an XFS image with reflinks beside the store and mount it there, so that clones take no time.

    For machines whose disk is ext4; needs root. What the store holds is moved into it. The image takes room only as it
    fills.
    """
    place = wiring.store(_settings(project))
    volume.init(place, config.bytes_of(size, "--size"))
    click.echo(f"{place} is an XFS volume of up to {size} now, in {volume.image_of(place)}")


def _roots(settings: Settings, project: Path, besides: str) -> dict[str, str]:
    """The ids of the snapshots that the project's other datasets start from, with a name for each.

    Those whose sources cannot be read are left out.
    """
    found: dict[str, str] = {}
    with _tools(settings, project) as tools:
        table = _table(settings, tools)
        for name in settings.datasets:
            if name != besides:
                with suppress(MigciError):
                    (one,) = settings.as_datasets(project, (name,))
                    found[snapshot_id(one, table, tools)] = name
    return found


def _settings(project: Path) -> Settings | None:
    project = config.nearest(project)
    return config.load(project) if (project / config.FILE_NAME).exists() else None


@contextmanager
def _store(settings: Settings | None) -> Iterator[Store]:
    with wiring.workshop(Path(os.devnull), settings) as at:
        yield at.snapshots()


@contextmanager
def _tools(settings: Settings, project: Path) -> Iterator[Tools]:
    log = Path(os.devnull)
    with suppress(OSError):  # what cannot be written there is not worth a failure
        log = publish.own_folder(project) / "log.txt"
        log.unlink(missing_ok=True)  # a link that a patch brings would lead elsewhere
        log.touch(exist_ok=False)
    with watching() as observer, wiring.tools(settings, project, log, observer) as tools:
        yield tools


def _table(settings: Settings, tools: Tools) -> VersionTable | None:
    return tools.tool.version_table(tools.repository.tree(tools.repository.commit(settings.project.trunk)))


def _named(store: Store, names: tuple[str, ...], project: Path) -> list[Snapshot]:
    """The snapshots of datasets of these names, or whose ids begin so. Raises UsageError for a name without any."""
    kept = store.all()
    for name in names:
        if not _of(kept, name, project):
            raise UsageError(f"the store has no snapshot of {name!r}", hint="'migci dataset list' shows what it has")
    return [one for one in kept if not names or any(one in _of(kept, name, project) for name in names)]


def _of(kept: Sequence[Snapshot], name: str, project: Path) -> list[Snapshot]:
    """The snapshots of this project's dataset `name`, else those whose ids begin so: a short name begins many ids.

    Outside of a project a dataset's name stands for every project's.
    """
    settings = _settings(project)
    projects = None if settings is None else ("", settings.project.name)
    return [one for one in kept if one.dataset == name and (projects is None or one.project in projects)] or [
        one for one in kept if len(name) >= _ID_DIGITS and one.id.startswith(name)
    ]


def _called(snapshot: Snapshot) -> str:
    at = f" at {', '.join(snapshot.revision)}" if snapshot.revision else ""
    return f"{snapshot.dataset}, {snapshot.kind}{at} ({snapshot.id[:12]})"


def _tell(name: str, snapshot: Snapshot) -> None:
    at = ", ".join(snapshot.revision) or "no revision that the database tells"
    click.echo(
        f"{name}: {snapshot.rows:,} rows in {snapshot.tables} tables, {_size(snapshot.bytes)}, at {at}; "
        f"{snapshot.server.flavor} {snapshot.server.version}; made in {snapshot.seconds:.1f} s"
    )
    for warning in snapshot.warnings:
        click.echo(f"  warning: {warning}")


def _size(size_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if size_bytes >= 10 or unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TB"


def _ago(seconds: float) -> str:
    for length, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' * (count != 1)} ago"
    return "just now"
