"""Use case: one change and its datasets in, a Run out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from migci.checkpoint import Arrival, Course, Position, newest, reach, walk_from
from migci.confidential import cleaned, cleaned_all, guarded, sheltered
from migci.core.dataset import Dataset
from migci.core.finding import Finding, Severity
from migci.core.history import History, compare
from migci.core.run import Commit, Replay, Run
from migci.core.snapshot import Snapshot
from migci.core.step import Stage, Step
from migci.errors import MigciError, UsageError
from migci.marked import Looks, judged
from migci.ports import (
    CloneFailed,
    Conflict,
    DiskFull,
    EnvironmentFailed,
    Gate,
    HistoryFailed,
    HookFailed,
    OwnTestsFailed,
    Repository,
    RestoreFailed,
    ServerFailed,
    SnapshotGone,
    StoreFailed,
    Tree,
    VersionTable,
)
from migci.prepare import prepared
from migci.rehearse import rehearse
from migci.route import Reading, Release, Releases, beyond, route, standing, travel
from migci.tools import Tools
from migci.versions.check import Trees
from migci.versions.landing import as_written, brought
from migci.walk import UnknownRevision, planned


@dataclass(frozen=True)
class Project:
    """The project under test. `models` are those that its settings name (`package.module:Base`)."""

    name: str
    trunk: str
    releases: tuple[Release, ...] = ()
    branches: tuple[str, ...] = ()
    models: str | None = None


@dataclass(frozen=True)
class Change:
    """What is to be tested. `proposed` is a ref, or `None` for the working tree.

    With `cache`, trunk's migrations are run only where no checkpoint is kept of the state that they lead to.
    """

    proposed: str | None = None
    only_trunk: bool = False
    merge: bool = True
    cache: bool = True


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
        trees = _trees(repository, run.trunk, landed)
        written = as_written(tools.scripts, trees, project.branches)
        try:
            patch = Reading.of(repository.tree(landed), tools.tool)
        except HistoryFailed as error:
            return replace(run, findings=(*(one for each in written for one in each.findings), _unreadable(error)))
        files = repository.added(run.trunk, landed)
        findings = brought(written, trunk.history, patch.history, files, tools.tool.tests)
        if not compare(trunk.history, patch.history).added:
            findings += (Finding("MC006", Severity.INFO, "the patch adds no migrations"),)
        run = replace(run, findings=findings)
    for position, dataset in enumerate(datasets):
        tools.observer.dataset_started(dataset.name, position, len(datasets))
        try:
            done = _replay_dataset(dataset, project, releases, trunk, patch, change.cache, tools)
        except SnapshotGone as gone:
            tools.observer.note(f"{dataset.name}: {gone.message}; it is made anew")
            done = _replay_dataset(dataset, project, releases, trunk, patch, change.cache, tools, last=True)
        run = replace(run, replays=(*run.replays, done))
    return run


def _trees(repository: Repository, trunk: Commit, landed: Commit) -> Trees:
    base = repository.parting(trunk, landed)
    behind = repository.files(base) if base is not None and base.id != trunk.id else None
    return Trees(repository.files(landed), repository.files(trunk), behind)


def _replay_dataset(
    dataset: Dataset,
    project: Project,
    releases: Releases,
    trunk: Reading,
    patch: Reading | None,
    cache: bool,
    tools: Tools,
    *,
    last: bool = False,
) -> Replay:
    """Raises UsageError, and SnapshotGone unless this is the `last` try; all else stands in the Replay."""
    began = tools.clock()
    result = Replay(dataset)
    steps: list[Step] = []
    used: list[Snapshot] = []
    marked = dataset.markup is not None or project.models is not None
    try:
        result = replace(result, server=tools.server.facts())
        table = tools.tool.version_table(trunk.tree)
        with sheltered(dataset, tools):
            snapshot = start_of(dataset, project, table, tools)
        result = replace(result, rows=snapshot.rows, bytes=snapshot.bytes)
        seen = standing(dataset, snapshot, trunk.history)
        course = Course(dataset, snapshot, seen, route(seen, releases, trunk), table)
        used += [newest(course, tools).snapshot, snapshot]
        with guarded(dataset, snapshot, table, trunk.tree, tools) as gate:
            looks = Looks(table, wanted=marked)
            try:
                result = _run(result, course, trunk, patch, cache, gate, tools, steps, looks)
            except UsageError:
                raise
            except MigciError as error:
                if isinstance(error, SnapshotGone) and not last:
                    raise
                result = replace(result, trouble=(trouble(error),))
            if patch is not None:
                result = _marked(result, looks, project.models, trunk.tree, patch.tree, tools)
            gate.exposed()  # what the server logged is no step's
            steps[:] = [cleaned(step, gate) for step in steps]
            result = replace(
                result,
                trials=cleaned_all(result.trials, gate),
                trouble=cleaned_all(result.trouble, gate),
                unmarked=cleaned_all(result.unmarked, gate),
                final=cleaned_all(result.final, gate),
            )
    except UsageError:
        raise
    except MigciError as error:
        if isinstance(error, SnapshotGone) and not last:
            raise
        with sheltered(dataset, tools) as gate:
            result = replace(result, trouble=cleaned_all((trouble(error),), gate))
    tested = any(trial.error is not None for trial in result.trials)
    if result.trouble or tested or any(step.error is not None and not step.cached for step in steps):
        try:
            _check_files(used, tools)
        except SnapshotGone as gone:
            if not last:
                raise
            steps = [step for step in steps if step.cached]
            result = replace(result, trials=(), trouble=(trouble(gone),))
    return replace(result, steps=tuple(steps), seconds=tools.clock() - began)


def _run(
    result: Replay,
    course: Course,
    trunk: Reading,
    patch: Reading | None,
    cache: bool,
    gate: Gate,
    tools: Tools,
    steps: list[Step],
    looks: Looks,
) -> Replay:
    """Run trunk's migrations, as far as no checkpoint stands for them, and the patch's."""
    arrival = reach(course, tools, steps) if cache else Arrival(Position(course.start, 0))
    if arrival.position is not None:
        known = len(steps)
        position = arrival.position
        done = _propose(result, course, position, trunk, patch, gate.tokens, tools, steps, looks)
        if done.planted and any(step.error is not None for step in steps[known:]):
            # It may have met a value that nobody else has; it answers only for what it does without.
            tools.observer.note(f"{course.dataset.name}: a step did not end well; once more, without planted values")
            del steps[known:]
            again = _propose(result, course, position, trunk, patch, {}, tools, steps, looks)
            done = replace(again, planted=done.planted)
        if done.at_newest is not None:
            done = _rehearse(done, course, position, trunk, patch, tools)
        return done
    if patch is not None:
        added = compare(trunk.history, patch.history).added
        steps.extend(planned(Stage.PROPOSED, patch.history, revision.id) for revision in added)
    return replace(result, clone=arrival.clone)


def _marked(result: Replay, looks: Looks, models: str | None, trunk: Tree, patch: Tree, tools: Tools) -> Replay:
    """With what the change lacks of markup."""
    try:
        return replace(result, unmarked=judged(looks, result.dataset, models, trunk, patch, tools))
    except UsageError:
        raise
    except MigciError as error:
        return replace(result, trouble=(*result.trouble, trouble(error)))


def _rehearse(
    result: Replay, course: Course, position: Position, trunk: Reading, patch: Reading | None, tools: Tools
) -> Replay:
    """Where all steps ended well, run the migrations' own tests around them."""
    try:
        return replace(result, trials=rehearse(course, position, trunk, patch, tools))
    except OwnTestsFailed as error:
        found = Finding(
            "MC108", Severity.ERROR, f"the migrations' own tests cannot be found: {error.message}", error.hint
        )
    except (UsageError, SnapshotGone):
        raise
    except MigciError as error:
        found = trouble(error)
    return replace(result, trouble=(*result.trouble, found))


def _check_files(used: list[Snapshot], tools: Tools) -> None:
    """What went wrong on damaged files is nobody's fault but theirs.

    Takes the first snapshot whose files are not as they were kept out of the store, and raises SnapshotGone.
    """
    for snapshot in used:
        damage = tools.snapshots.damage(snapshot)
        if damage:
            tools.snapshots.remove(snapshot)
            told = "; ".join(damage[:3])
            raise SnapshotGone(
                f"snapshot {snapshot.id} of {snapshot.dataset!r} was damaged: {told}",
                hint="what was run on it says nothing; see what wrote to its files",
            )


def _propose(
    result: Replay,
    course: Course,
    position: Position,
    trunk: Reading,
    patch: Reading | None,
    tokens: Mapping[str, str],
    tools: Tools,
    steps: list[Step],
    looks: Looks,
) -> Replay:
    """Run what is left of trunk's, then what the patch adds, on a clone with honeytokens in it."""
    with walk_from(course, position, tools) as (walk, clone):
        result = replace(result, clone=clone)
        if tokens:
            result = replace(result, planted=walk.database.plant(tokens))
        try:
            left = beyond(course.legs, position.done)
            travel(walk, left, tools.tool, tools.observer)
            if any(leg.hook for leg in course.legs):
                at = position.snapshot if not left else walk.database.size()
                result = replace(result, rows=at.rows, bytes=at.bytes)
            last = trunk
            # Without a revision that trunk has, the patch's history does not hold: MC002 says so.
            if patch is not None and trunk.history.by_id.keys() <= patch.history.by_id.keys():
                last = patch
                try:
                    new = frozenset(patch.history.by_id)
                    walk.stage(Stage.PROPOSED, patch.tree, patch.history, new, looks.around(walk.database))
                except HistoryFailed as error:
                    result = replace(result, trouble=(_unreadable(error),))
            walk.leave()
            if not walk.broken:
                final = walk.seen()
                reached = last.history.applied(final) == frozenset(last.history.by_id)
                result = replace(result, final=final, at_newest=reached)
        finally:
            steps.extend(walk.steps)
    return result


def start_of(dataset: Dataset, project: Project, table: VersionTable | None, tools: Tools) -> Snapshot:
    """The snapshot that replays of `dataset` start from: of its source, or of what it was refreshed to.

    Raises what `prepared` and `refreshed` raise.
    """
    snapshot = prepared(dataset, table, tools)
    if dataset.refreshed is None:
        return snapshot
    return refreshed(dataset, snapshot, dataset.refreshed, project, table, tools)


def refreshed(
    dataset: Dataset, snapshot: Snapshot, ref: str, project: Project, table: VersionTable | None, tools: Tools
) -> Snapshot:
    """`snapshot`, brought forward by all migrations of the commit `ref`; kept, and found again.

    Raises RestoreFailed when one of them does not end well on it, UsageError when there is no such commit.
    """
    code = Reading.of(tools.repository.tree(tools.repository.commit(ref)), tools.tool)
    seen = standing(dataset, snapshot, code.history)
    course = Course(dataset, snapshot, seen, route(seen, read_releases(project, code, tools), code), table)
    return replace(_arrived(course, ref, tools).snapshot, steps=())


def trunk_of(dataset: Dataset, project: Project, tools: Tools) -> Snapshot:
    """The snapshot that replays of patches on `dataset` start from: after trunk's migrations. Raises as `start_of`."""
    code = Reading.of(tools.repository.tree(tools.repository.commit(project.trunk)), tools.tool)
    table = tools.tool.version_table(code.tree)
    snapshot = start_of(dataset, project, table, tools)
    seen = standing(dataset, snapshot, code.history)
    course = Course(dataset, snapshot, seen, route(seen, read_releases(project, code, tools), code), table)
    return _arrived(course, project.trunk, tools).snapshot


def _arrived(course: Course, ref: str, tools: Tools) -> Position:
    """The end of the course. Raises RestoreFailed when a step does not end well."""
    steps: list[Step] = []
    arrival = reach(course, tools, steps)
    if arrival.position is None:
        broken = next(step for step in steps if step.error is not None)
        assert broken.error is not None
        raise RestoreFailed(
            f"dataset {course.dataset.name!r} cannot be brought to {ref}: step {broken.name} {broken.outcome}: "
            f"{broken.error.message}",
            hint="see what it does with 'migci replay --only-trunk'",
        )
    return arrival.position


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
    CloneFailed: "MC909",
    StoreFailed: "MC909",
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
