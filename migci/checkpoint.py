"""Trunk's migrations, run once: the state that they lead to is kept, and later replays start from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

import migci
from migci.core.dataset import Dataset
from migci.core.run import CloneFacts
from migci.core.snapshot import Kind, Snapshot, digest
from migci.core.step import Cause, Step
from migci.ports import Clone, Database, DiskFull, HistoryFailed, ServerFailed, VersionTable
from migci.prepare import now
from migci.route import Leg, beyond, milestones, travel
from migci.tools import Tools
from migci.walk import Around, Walk, walking


@dataclass(frozen=True)
class Course:
    """A dataset's way to trunk's newest revision. It is at `seen`, before anything is run, in the snapshot `start`."""

    dataset: Dataset
    start: Snapshot
    seen: tuple[str, ...]
    legs: tuple[Leg, ...]
    table: VersionTable | None

    @property
    def length(self) -> int:
        """How many things there are to do on it."""
        return sum(leg.length for leg in self.legs)


@dataclass(frozen=True)
class Position:
    """A place on a course: the snapshot that is there, and how many things were done to get there."""

    snapshot: Snapshot
    done: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that led here, with the figures of the runs that ran them."""
        return tuple(replace(step, cached=True) for step in self.snapshot.steps)


@contextmanager
def walk_from(
    course: Course, position: Position, tools: Tools, around: Around | None = None
) -> Iterator[tuple[Walk, CloneFacts]]:
    """A walk on a fresh clone of the snapshot at `position`: one that is kept warm, if there is one."""
    began = tools.clock()
    snapshot = position.snapshot
    with ExitStack() as stack:
        warm = None
        if position.done == course.length:  # what is kept warm is the end of the course
            warm = stack.enter_context(tools.warm.take(course.dataset.name, snapshot))
        if warm is None:
            clone, database = stack.enter_context(_cold(snapshot, tools))
            facts = CloneFacts(clone.way, _origin(snapshot), tools.clock() - began)
        else:
            database = warm.database
            facts = CloneFacts(f"{warm.way}, kept warm", _origin(snapshot), tools.clock() - began)
        yield stack.enter_context(_walk(course, snapshot, database, tools, around)), facts


@contextmanager
def _cold(snapshot: Snapshot, tools: Tools) -> Iterator[tuple[Clone, Database]]:
    with (
        tools.snapshots.clone(snapshot, visible=tools.server.in_process) as clone,
        tools.server.start(clone, snapshot.database) as database,
    ):
        yield clone, database


def _walk(
    course: Course, snapshot: Snapshot, database: Database, tools: Tools, around: Around | None = None
) -> AbstractContextManager[Walk]:
    believed = snapshot.revision or course.seen
    return walking(database, tools.tool, course.dataset, course.table, tools.observer, believed, around)


def _origin(snapshot: Snapshot) -> str:
    return "checkpoint" if snapshot.kind is Kind.CHECKPOINT else "snapshot"


def newest(course: Course, tools: Tools) -> Position:
    """The last place on the course that a snapshot was kept of."""
    states = _states(course, tools)
    for done in range(len(states), 0, -1):
        found = tools.snapshots.find(states[done - 1])
        if found is not None:
            return Position(found, done)
    return Position(course.start, 0)


def _states(course: Course, tools: Tools) -> tuple[str, ...]:
    # What a step is found to have cost depends on how the server is set up, and on how migci measures.
    start = digest(Kind.CHECKPOINT, course.start.id, course.seen, tools.server.options(), migci.__version__)
    return milestones(start, course.legs)


@dataclass(frozen=True)
class Arrival:
    """Where a course ended: at its end, or, with `position` `None`, in a step that did not end well on `clone`."""

    position: Position | None
    clone: CloneFacts | None = None


def reach(course: Course, tools: Tools, steps: list[Step]) -> Arrival:
    """Bring a clone to the end of the course, and keep it; what is there already is not done again.

    All steps of the course are put into `steps` as they come to be known. Nothing is kept when one of them does not end
    well. Raises HookFailed, HistoryFailed when the tool leaves one out, and all that a store and a server raise.
    """
    states = _states(course, tools)
    position = newest(course, tools)
    if position.done < len(states):
        name = course.dataset.name
        with tools.snapshots.making(
            states[-1], lambda: tools.observer.note(f"{name}: waiting for another migci that runs trunk's migrations")
        ):
            position = newest(course, tools)
            steps.extend(position.steps)
            if position.done < len(states):
                return _go(course, position, states[-1], tools, steps)
            return Arrival(position)
    steps.extend(position.steps)
    return Arrival(position)


def _go(course: Course, position: Position, id: str, tools: Tools, steps: list[Step]) -> Arrival:
    began = tools.clock()
    before = position.snapshot
    with _cold(before, tools) as (clone, database), _walk(course, before, database, tools) as walk:
        facts = CloneFacts(clone.way, _origin(before), tools.clock() - began)
        try:
            travel(walk, beyond(course.legs, position.done), tools.tool, tools.observer)
            walk.leave()
        finally:
            steps.extend(walk.steps)
        if walk.broken:
            return Arrival(None, facts)
        trouble = database.trouble()
        if trouble is not None:
            raise (DiskFull if trouble.cause is Cause.DISK else ServerFailed)(trouble.message)
        size = database.size()
        revision = walk.seen()
        due = {one for leg in beyond(course.legs, position.done) for one in leg.revisions}
        skipped = due - {step.revision for step in walk.steps} - course.legs[-1].code.history.applied(revision)
        if skipped:  # what is kept would stand for more than was run
            raise HistoryFailed(f"the project's tool did not find {', '.join(sorted(skipped))} pending on trunk")
        database.rest()
        snapshot = replace(
            before,
            id=id,
            kind=Kind.CHECKPOINT,
            project=tools.project,
            dataset=course.dataset.name,
            origin=before.id,
            tables=size.tables,
            rows=size.rows,
            bytes=size.bytes,
            revision=revision,
            steps=tuple(steps),
            warnings=(),
            made=now(),
            seconds=tools.clock() - began,
        )
        tools.snapshots.keep(clone, snapshot)
    return Arrival(Position(snapshot, course.length))
