"""The way that a database goes to trunk's newest revision: its releases, what is run after them, and trunk itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from migci.core.dataset import Dataset
from migci.core.history import History
from migci.core.snapshot import Snapshot, digest
from migci.core.step import Stage, Step
from migci.ports import Database, HookFailed, MigrationTool, Observer, RestoreFailed, Tree
from migci.walk import UnknownRevision, Walk


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


@dataclass(frozen=True)
class Leg:
    """A stretch of the way: revisions that are run with one tree's code, in the order of its history.

    `hook` is what is run after them, of `hook_tree`.
    """

    stage: Stage
    code: Reading
    revisions: tuple[str, ...]
    release: str = ""
    hook: Hook | None = None
    hook_tree: Tree | None = None

    @property
    def length(self) -> int:
        """How many things there are to do: each revision, and the hook."""
        return len(self.revisions) + (self.hook is not None)


def standing(dataset: Dataset, snapshot: Snapshot, history: History) -> tuple[str, ...]:
    """The revisions that a dataset is at: those that its database says, else those that its settings say.

    Raises RestoreFailed when it holds tables and nothing says at which revision, and UnknownRevision.
    """
    seen = snapshot.revision
    if not seen:
        said = dataset.revision
        if said is None and snapshot.tables:
            raise RestoreFailed(
                f"dataset {dataset.name!r} holds tables, and does not say at which revision it is",
                hint=f"say it in migci.toml: [datasets.{dataset.name}] revision = …",
            )
        seen = () if said is None or said == history.base else (said,)
    unknown = [revision for revision in seen if revision not in history.by_id and revision != history.base]
    if unknown:
        raise UnknownRevision(
            f"dataset {dataset.name!r} is at {', '.join(unknown)}, which trunk's history does not have",
            hint="use a trunk that has it, or another dataset",
        )
    return seen


def route(
    seen: Iterable[str], releases: Releases, trunk: Reading, wanted: frozenset[str] | None = None
) -> tuple[Leg, ...]:
    """The way of a database that is at `seen`, as a deployer goes it who never skips a release.

    What is run after a release is run on every database that was not yet past it, so on one that starts just there as
    well. With `wanted`, the way ends before the first release that goes past these, and has no others of trunk's.
    """
    applied = trunk.history.applied(seen)
    legs = []
    for release, code in releases:
        until = trunk.history.applied([release.until])
        if applied > until:
            continue
        if wanted is not None and not until <= wanted:
            break
        due = code.history.applied([release.until]) - applied - code.history.applied(seen)
        leg = Leg(Stage.RELEASE, code, _ordered(code.history, due), release.name, release.after, trunk.tree)
        legs.append(leg)
        applied |= due | until
    due = frozenset(trunk.history.by_id) - applied
    legs.append(Leg(Stage.TRUNK, trunk, _ordered(trunk.history, due if wanted is None else due & wanted)))
    return tuple(leg for leg in legs if leg.length)


def _ordered(history: History, revisions: frozenset[str]) -> tuple[str, ...]:
    return tuple(revision.id for revision in history.revisions if revision.id in revisions)


def milestones(start: str, legs: Iterable[Leg]) -> tuple[str, ...]:
    """A digest of the state after each thing that is done on the way, from the state `start` on.

    It is of all that was run to get there: every file's name (which may say for what server it is) and content, their
    order, the tool and its interpreter.
    """
    found = []
    state = start
    for leg in legs:
        history = leg.code.history
        state = digest(state, str(leg.stage), leg.release, history.surroundings)
        for revision in (history.by_id[one] for one in leg.revisions):
            state = digest(state, revision.id, revision.parents, revision.files, revision.digest, revision.imports)
            found.append(state)
        if leg.hook is not None:
            state = digest(state, *_content(leg))
            found.append(state)
    return tuple(found)


def _content(leg: Leg) -> Iterator[str | tuple[str, ...]]:
    """What a hook's effect depends on, as far as it can be told."""
    assert leg.hook is not None
    if leg.hook.file is not None:
        yield _file(leg).read_bytes().decode(errors="surrogateescape") if _file(leg).is_file() else ""
    else:
        yield leg.hook.command
        yield leg.code.tree.commit.id


def _file(leg: Leg) -> Path:
    assert leg.hook is not None
    assert leg.hook.file is not None
    assert leg.hook_tree is not None
    return leg.hook_tree.project / leg.hook.file


def beyond(legs: Iterable[Leg], done: int) -> tuple[Leg, ...]:
    """What is left of a way after the first `done` things on it."""
    left = []
    for leg in legs:
        passed = min(done, leg.length)
        done -= passed
        if passed < leg.length:
            left.append(replace(leg, revisions=leg.revisions[passed:]))
    return tuple(left)


def travel(
    walk: Walk,
    legs: Iterable[Leg],
    tool: MigrationTool,
    observer: Observer,
    after_step: Callable[[Step], None] = lambda step: None,
) -> None:
    """Go the way. Raises HookFailed."""
    for leg in legs:
        walk.stage(leg.stage, leg.code.tree, leg.code.history, frozenset(leg.revisions), after_step)
        if leg.hook is None or walk.broken:
            continue
        walk.leave()  # a deployer's hook runs between two programs, not inside of one
        if walk.broken:
            continue
        observer.note(f"after {leg.release}: {leg.hook}")
        _run(leg, leg.hook, walk.database, tool)


def _run(leg: Leg, hook: Hook, database: Database, tool: MigrationTool) -> None:
    try:
        if hook.file is not None:
            database.run(_file(leg))
        else:
            tool.run(leg.code.tree, database.address, hook.command)
    except HookFailed as error:
        raise HookFailed(f"after release {leg.release!r}: {error.message}", error.hint) from error
