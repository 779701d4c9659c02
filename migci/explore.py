"""Use case: one dataset, brought to a revision one step at a time, and what each step made of its schema."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from migci.checkpoint import Course, Position, walk_from
from migci.confidential import cleaned, guarded, sheltered
from migci.core.dataset import Dataset
from migci.core.step import Stage, Step
from migci.errors import UsageError
from migci.ports import Database
from migci.replay import Project, read_releases, start_of
from migci.route import Reading, route, standing, travel
from migci.tools import Tools


@dataclass(frozen=True)
class Difference:
    """What one step made of one table: its definition before and after, as a unified difference."""

    table: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Arrival:
    """Where an exploration ended. `at_revision` tells whether that is where it was to go."""

    database: Database
    schema: dict[str, str]
    at_revision: bool


@contextmanager
def explore(
    dataset: Dataset,
    revision: str,
    project: Project,
    tools: Tools,
    *,
    as_added: bool,
    seen: Callable[[Step, tuple[Difference, ...]], None],
) -> Iterator[Arrival]:
    """Bring a clone of `dataset` to `revision` of the working tree; `seen` is told of each step as it ends.

    With `as_added` each migration runs in the tree of the commit that added it, because the models of a later tree may
    not match the tables of that time. The clone lives as long as the context. Raises UsageError for a revision that
    is not in the history.
    """
    here = tools.repository.working_tree()
    code = Reading.of(tools.repository.tree(here), tools.tool)
    tree, history = code.tree, code.history
    releases = () if as_added else read_releases(project, code, tools)
    if revision not in history.by_id:
        newest = ", ".join(sorted(history.heads)) or history.base
        raise UsageError(f"there is no revision {revision!r} in the history", hint=f"the newest is {newest}")
    table = tools.tool.version_table(tree)
    with sheltered(dataset, tools):
        snapshot = start_of(dataset, project, table, tools)
    seen_there = standing(dataset, snapshot, history)
    wanted = history.applied([revision])
    course = Course(dataset, snapshot, seen_there, route(seen_there, releases, code, wanted), table)
    with (
        guarded(dataset, snapshot, table, tree, tools) as gate,
        walk_from(course, Position(snapshot, 0), tools) as (walk, _),
    ):

        def schema() -> dict[str, str]:
            return {name: gate.clean(text, literals=False) for name, text in walk.database.schema().items()}

        before = schema()

        def look(step: Step) -> None:
            nonlocal before
            after = schema()
            seen(cleaned(step, gate), differences(before, after))
            before = after

        if as_added:
            for one in history.revisions:
                if one.id in wanted and not walk.broken:
                    then = tools.repository.tree(tools.repository.added_in(here, one.files[0]))
                    walk.stage(Stage.TRUNK, then, tools.tool.history(then), frozenset([one.id]), look)
        else:
            travel(walk, course.legs, tools.tool, tools.observer, look)
        walk.leave()
        reached = wanted <= history.applied(walk.seen())
        yield Arrival(walk.database, schema(), reached)


def differences(before: dict[str, str], after: dict[str, str]) -> tuple[Difference, ...]:
    """What differs between two schemas, table by table."""
    found = []
    for table in sorted(before.keys() | after.keys()):
        lines = difflib.unified_diff(
            before.get(table, "").splitlines(),
            after.get(table, "").splitlines(),
            f"{table} before",
            f"{table} after",
            lineterm="",
        )
        if told := tuple(lines):
            found.append(Difference(table, told))
    return tuple(found)
