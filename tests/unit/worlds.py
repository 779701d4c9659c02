"""A whole world of fakes around one replay, so that a test says only what is particular to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migci.adapters.markup import Markups
from migci.core.dataset import Dataset
from migci.core.run import Commit, Run
from migci.core.scripts import Listing
from migci.core.verdict import judge, judge_replay
from migci.errors import MigciError
from migci.ports import Conflict, VersionTable
from migci.replay import Change, Project, replay
from migci.route import Release
from migci.tools import Tools
from tests.fakes import (
    VERSIONS,
    FakeClock,
    FakeGates,
    FakeRepository,
    FakeScripts,
    FakeServer,
    FakeStore,
    FakeTool,
    FakeWarmClones,
    Migration,
    RecordingObserver,
    chain,
)

EMPTY = Dataset("empty")

Migrations = tuple[Migration, ...]

TRUNK = chain("1", "2")
PATCH = chain("1", "2", "3")


@dataclass(frozen=True)
class World:
    """A project with a trunk and a patch in the working tree, and all that a replay of it works with."""

    project: Project
    tools: Tools
    clock: FakeClock
    server: FakeServer
    tool: FakeTool
    repository: FakeRepository
    observer: RecordingObserver

    def replay(self, *datasets: Dataset, change: Change | None = None) -> Run:
        return replay(self.project, change or Change(), datasets or (EMPTY,), self.tools)

    def ran(self) -> list[str]:
        return [revision for _, revision in self.tool.ran]


def world(
    trunk: Migrations | MigciError = TRUNK,
    patch: Migrations | MigciError = PATCH,
    *,
    releases: tuple[Release, ...] = (),
    trees: Mapping[str, Migrations | MigciError] | None = None,
    merged: Commit | Conflict | None = None,
    table: VersionTable | None = VERSIONS,
    server: FakeServer | None = None,
    cannot_start: MigciError | None = None,
    written: Mapping[str, Listing | MigciError] | None = None,
) -> World:
    """`trees` are more commits, by their refs; `merged` is what would land, where that is not the patch itself.

    `written` is what the files of commits say, by their ids; where there is none, only the tool tells.
    """
    clock, server, observer = FakeClock(), server or FakeServer(), RecordingObserver()
    known = {"trunk-id": trunk, "patch-id": patch, **(trees or {})}
    refs = {"trunk": "trunk-id", "working tree": "patch-id", **{name: name for name in trees or {}}}
    repository = FakeRepository(refs, merged)
    tool = FakeTool(clock, server, known, table, cannot_start)
    tools = Tools(
        repository,
        server,
        tool,
        FakeStore(server.disk),
        FakeWarmClones(),
        FakeGates(),
        observer,
        Markups(),
        clock,
        scripts=(FakeScripts(written),) if written else (),
    )
    return World(Project("shop", "trunk", releases), tools, clock, server, tool, repository, observer)


def verdicts(run: Run) -> list[str]:
    """Of the whole change, then of each dataset."""
    return [judge(run).verdict.value, *(judge_replay(one, run).verdict.value for one in run.replays)]


def findings(run: Run) -> list[str]:
    """Every finding of a run, as its id and its message."""
    found = [*run.findings, *(finding for one in run.replays for finding in judge_replay(one, run).findings)]
    return [f"{finding.id} {finding.message}" for finding in found]


def outcomes(run: Run, dataset: int = 0) -> dict[str, str]:
    return {step.name: step.outcome.value for step in run.replays[dataset].steps}
