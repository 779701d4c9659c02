"""Use case: one change and its datasets in, a Run out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from migci.core.dataset import EMPTY, Dataset
from migci.core.finding import Finding, Severity, silenced
from migci.core.history import Changes, History, compare, strangers
from migci.core.run import CloneFacts, Commit, Replay, Run
from migci.core.step import Stage, Step
from migci.errors import MigciError, UsageError
from migci.ports import (
    Conflict,
    DatabaseServer,
    DiskFull,
    EnvironmentFailed,
    HistoryFailed,
    HookFailed,
    MigrationTool,
    Observer,
    Repository,
    RestoreFailed,
    ServerFailed,
    Size,
    Tree,
)
from migci.walk import UnknownRevision, Walk, walking


@dataclass(frozen=True)
class Hook:
    """What a deployer runs after a release: a SQL file of trunk's tree, or a command."""

    file: str | None = None
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.file or " ".join(self.command)


@dataclass(frozen=True)
class Release:
    """An old release that databases passed through: its migrations up to `until`, run with the code of `ref`."""

    name: str
    until: str
    ref: str | None = None
    after: Hook | None = None


@dataclass(frozen=True)
class Project:
    """The project under test."""

    name: str
    trunk: str
    releases: tuple[Release, ...] = ()


@dataclass(frozen=True)
class Change:
    """What is to be tested. `proposed` is a ref, or `None` for the working tree."""

    proposed: str | None = None
    only_trunk: bool = False
    merge: bool = True


@dataclass(frozen=True)
class Tools:
    """The adapters that a replay works with, and what it needs of the world."""

    repository: Repository
    server: DatabaseServer
    tool: MigrationTool
    observer: Observer
    folder: Path
    clock: Callable[[], float]
    sandbox: str = "none"


def replay(project: Project, change: Change, datasets: tuple[Dataset, ...], tools: Tools) -> Run:
    """Replay trunk's migrations, then the change's, on every dataset.

    Nothing of the user's is written to. Raises UsageError for what is wrong before anything runs; all else that goes
    wrong stands in the Run.
    """
    began = tools.clock()
    repository = tools.repository
    run = Run(project.name, tools.tool.name, repository.commit(project.trunk), None, sandbox=tools.sandbox)
    try:
        if not change.only_trunk:
            proposed = repository.commit(change.proposed) if change.proposed else repository.working_tree()
            run = replace(run, proposed=proposed)
        run = _replay(run, project, change, datasets, tools)
    except UsageError:
        raise
    except MigciError as error:
        run = replace(run, findings=(*run.findings, trouble(error)))
    return replace(run, seconds=tools.clock() - began)


def _replay(run: Run, project: Project, change: Change, datasets: tuple[Dataset, ...], tools: Tools) -> Run:
    repository = tools.repository
    landed = run.proposed
    if landed is not None and change.merge:
        merged = repository.merge(run.trunk, landed)
        if isinstance(merged, Conflict):
            return replace(run, findings=(_conflict(merged, run.trunk),))
        landed = merged
    trunk = Reading.of(repository.tree(run.trunk), tools.tool)
    _check_names(datasets, trunk.history)
    releases = read_releases(project, trunk, tools)
    patch: Reading | None = None
    if landed is not None:
        try:
            patch = Reading.of(repository.tree(landed), tools.tool)
        except HistoryFailed as error:
            return replace(run, findings=(_unreadable(error),))
        files = repository.added(run.trunk, landed)
        run = replace(run, findings=tuple(_changes(trunk.history, patch.history, files)))
    for position, dataset in enumerate(datasets):
        tools.observer.dataset_started(dataset.name, position, len(datasets))
        done = _replay_dataset(dataset, position, releases, trunk, patch, tools)
        run = replace(run, replays=(*run.replays, done))
    return run


@dataclass(frozen=True)
class Reading:
    """A tree and its history."""

    tree: Tree
    history: History

    @classmethod
    def of(cls, tree: Tree, tool: MigrationTool) -> Reading:
        """Raises what `MigrationTool.history` raises."""
        return cls(tree, tool.history(tree))


Releases = tuple[tuple[Release, Reading], ...]
"""Each release with the code that runs its migrations."""


def _replay_dataset(
    dataset: Dataset, position: int, releases: Releases, trunk: Reading, patch: Reading | None, tools: Tools
) -> Replay:
    began = tools.clock()
    result = Replay(dataset)
    walk: Walk | None = None
    try:
        result = replace(result, server=tools.server.facts())
        with tools.server.start(tools.folder / f"{position}") as database:
            if dataset.source != EMPTY:
                database.restore(Path(dataset.source), tools.observer.restoring)
            size = Size(0, 0) if dataset.source == EMPTY else database.size()
            way = EMPTY if dataset.source == EMPTY else "restore"
            clone = CloneFacts(way, "source", tools.clock() - began)
            result = replace(result, rows=size.rows, bytes=size.bytes, clone=clone)
            table = tools.tool.version_table(trunk.tree)
            with walking(database, tools.tool, dataset, table, tools.observer) as walk:
                walk.begin(trunk.history)
                walk_releases(walk, releases, trunk, tools)
                if releases and database.trouble() is None:
                    # What runs between releases may bring the data, or most of it.
                    size = database.size()
                    result = replace(result, rows=size.rows, bytes=size.bytes)
                walk.stage(Stage.TRUNK, trunk.tree, trunk.history, frozenset(trunk.history.by_id))
                last = trunk
                # Without a revision that trunk has, the patch's history does not hold: MC002 says so.
                if patch is not None and trunk.history.by_id.keys() <= patch.history.by_id.keys():
                    last = patch
                    try:
                        walk.stage(Stage.PROPOSED, patch.tree, patch.history, frozenset(patch.history.by_id))
                    except HistoryFailed as error:
                        result = replace(result, trouble=(_unreadable(error),))
                walk.leave()
                if not walk.broken:
                    final = walk.seen()
                    reached = last.history.applied(final) == frozenset(last.history.by_id)
                    result = replace(result, final=final, at_newest=reached)
    except UsageError:
        raise
    except MigciError as error:
        result = replace(result, trouble=(trouble(error),))
    steps = tuple(walk.steps) if walk else ()
    return replace(result, steps=steps, seconds=tools.clock() - began)


def read_releases(project: Project, trunk: Reading, tools: Tools) -> Releases:
    """Raises UsageError when a release names a ref or a revision that is not there."""
    found = []
    for release in project.releases:
        reading = trunk
        if release.ref is not None:
            reading = Reading.of(tools.repository.tree(tools.repository.commit(release.ref)), tools.tool)
        _check(f"[[project.releases]] {release.name!r} until", release.until, reading.history)
        found.append((release, reading))
    return tuple(found)


def walk_releases(
    walk: Walk,
    releases: Releases,
    trunk: Reading,
    tools: Tools,
    wanted: frozenset[str] | None = None,
    after_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Walk through the project's releases as a deployer who never skipped one.

    What runs after a release runs on every database that was not yet past it, so on one that starts just there as
    well. With `wanted`, it stops at the first release that goes past these. Raises HookFailed.
    """
    for release, code in releases:
        passed = trunk.history.applied(walk.seen())
        until = trunk.history.applied([release.until])
        if passed > until:
            continue
        if wanted is not None and not until <= wanted:
            return
        walk.stage(Stage.RELEASE, code.tree, code.history, code.history.applied([release.until]), after_step)
        if release.after is None or walk.broken:
            continue
        walk.leave()  # a deployer's hook runs between two programs, not inside of one
        if walk.broken:
            continue
        tools.observer.note(f"after {release.name}: {release.after}")
        try:
            if release.after.file is not None:
                walk.database.run(trunk.tree.project / release.after.file)
            else:
                tools.tool.run(code.tree, walk.database.address, release.after.command)
        except HookFailed as error:
            raise HookFailed(f"after release {release.name!r}: {error.message}", error.hint) from error


def _check_names(datasets: tuple[Dataset, ...], history: History) -> None:
    """Every revision that a dataset names must be one of trunk's."""
    for dataset in datasets:
        if dataset.revision is not None:
            _check(f"[datasets.{dataset.name}] revision", dataset.revision, history)


def _check(where: str, revision: str, history: History) -> None:
    if revision not in history.by_id and revision != history.base:
        newest = ", ".join(sorted(history.heads)) or history.base
        raise UsageError(
            f"{where} = {revision!r}: there is no such revision in the history",
            hint=f"it has {len(history.revisions)} revisions, the newest is {newest}",
        )


def _changes(trunk: History, proposed: History, added_files: tuple[str, ...]) -> Iterator[Finding]:
    """What a patch does to the history; `added_files` are all that it adds to trunk's tree."""
    changes: Changes = compare(trunk, proposed)
    for revision in changes.edited:
        edited = Finding(
            "MC001",
            Severity.WARNING,
            f"the patch edits revision {revision.id}, which trunk already has: "
            "databases that ran it will never see the new text",
            hint="leave it as it is, and put the difference into a new migration",
            file=revision.files[0],
        )
        yield silenced(edited, revision.silences)
    for revision in changes.removed:
        yield Finding(
            "MC002",
            Severity.ERROR,
            f"the patch removes revision {revision.id}, which trunk already has: "
            "databases that are at it will not be found in the history",
            hint="keep the file",
            file=revision.files[0],
        )
    unreachable = proposed.applied(trunk.heads)
    for revision in changes.added:
        if revision.id in unreachable:
            yield Finding(
                "MC003",
                Severity.ERROR,
                f"revision {revision.id} comes before revisions that trunk already has: "
                "it will not run on a database that is at trunk's newest",
                hint=f"move it behind {', '.join(sorted(trunk.heads))}",
                file=revision.files[0],
            )
    for file in strangers(trunk, proposed, added_files):
        yield Finding(
            "MC007",
            Severity.ERROR,
            f"the patch adds {file} among the migrations, and it is not one: the tool will not run it",
            hint="name it as the tool expects a migration to be named, or move it to another folder",
            file=file,
        )
    if len(proposed.heads) > max(len(trunk.heads), 1):
        yield Finding(
            "MC008",
            Severity.ERROR if len(trunk.heads) <= 1 else Severity.WARNING,  # where branches are usual, so is one more
            f"with the patch the history has {len(proposed.heads)} heads: {', '.join(sorted(proposed.heads))}",
            hint=f"let the patch's first migration follow {', '.join(sorted(trunk.heads))}",
            file=changes.added[0].files[0] if changes.added else None,
        )
    if not changes.added:
        yield Finding("MC006", Severity.INFO, "the patch adds no migrations")


def _conflict(conflict: Conflict, trunk: Commit) -> Finding:
    return Finding(
        "MC004",
        Severity.ERROR,
        f"the patch cannot be merged onto {trunk.ref}: conflict in {', '.join(conflict.files)}",
        hint=f"rebase it onto {trunk.ref}, or take it as it stands with --no-merge",
        file=conflict.files[0] if conflict.files else None,
    )


def _unreadable(error: HistoryFailed) -> Finding:
    return Finding(
        "MC005",
        Severity.ERROR,
        f"the migrations, with the patch, cannot be read: {error.message}",
        hint=error.hint,
    )


_TROUBLE: dict[type[MigciError], str] = {
    ServerFailed: "MC902",
    UnknownRevision: "MC906",
    RestoreFailed: "MC903",
    EnvironmentFailed: "MC904",
    DiskFull: "MC905",
    HookFailed: "MC907",
    HistoryFailed: "MC908",
}


def trouble(error: MigciError) -> Finding:
    """The finding that stands for an error of migci, its machine or trunk."""
    id_ = "MC902"
    with suppress(StopIteration):
        id_ = next(known for kind, known in _TROUBLE.items() if isinstance(error, kind))
    return Finding(id_, Severity.ERROR, error.message, hint=error.hint)
