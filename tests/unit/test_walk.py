"""The walk of one database: what is measured of a step, and what is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from migci.core.run import Commit
from migci.core.step import Cause, Outcome, Stage, Statement, Step, StepError, Work
from migci.ports import Address, AgentStatement, Attempt, Tree
from migci.walk import Walk, walking
from tests.fakes import (
    VERSIONS,
    FakeClock,
    FakeClone,
    FakeDatabase,
    FakeServer,
    FakeSession,
    FakeTool,
    Migration,
    RecordingObserver,
    chain,
    history_of,
)
from tests.unit.worlds import EMPTY

RAISED = StepError(Cause.RAISED, "KeyError: 'uuid'")
TREE = Tree(Commit("trunk", "trunk-id"), Path("/trees/trunk-id"), Path("/trees/trunk-id"))


@contextmanager
def fresh(server: FakeServer) -> Iterator[FakeDatabase]:
    clone = FakeClone(Path("/fake/clone"), server.disk)
    server.initialize(clone.data)
    with server.start(clone) as database:
        yield database


@contextmanager
def walk_of(*migrations: Migration, tool: type[FakeTool] = FakeTool) -> Iterator[tuple[Walk, FakeDatabase]]:
    """A walk that has gone through `migrations` on an empty database."""
    server = FakeServer()
    made = tool(FakeClock(), server, {"trunk-id": migrations})
    with (
        fresh(server) as database,
        walking(database, made, EMPTY, VERSIONS, RecordingObserver()) as walk,
    ):
        history = history_of(migrations)
        walk.stage(Stage.TRUNK, TREE, history, frozenset(history.by_id))
        yield walk, database


@pytest.mark.parametrize("cause", [Cause.TIMEOUT, Cause.ENDED])
def test_the_sessions_of_a_migration_that_did_not_come_back_are_ended(cause: Cause) -> None:
    with walk_of(Migration("1", error=StepError(cause, "it broke"))) as (_, database):
        assert database.sessions_ended == 1


def test_the_sessions_of_a_migration_that_raised_are_left_to_its_tool() -> None:
    with walk_of(Migration("1", error=RAISED)) as (_, database):
        assert database.sessions_ended == 0


def test_the_sessions_of_processes_that_were_left_are_ended() -> None:
    left = StepError(Cause.LEFTOVERS, "left 1 process running, which had to be killed")
    with walk_of(Migration("1", at_finish=left)) as (walk, database):
        walk.leave()
        assert database.sessions_ended == 1
        assert (walk.steps[-1].outcome, walk.steps[-1].error) == (Outcome.APPLIED, left)


def test_what_was_counted_is_kept_of_a_step_that_failed() -> None:
    work = Work(rows_changed=7)
    with walk_of(Migration("1", error=RAISED, work=work)) as (walk, _):
        assert walk.steps[0].work == work


def test_what_was_counted_is_kept_of_a_step_that_met_a_full_disk() -> None:
    full = StepError(Cause.DISK, "no space is left for the clone")
    with walk_of(Migration("1", work=Work(rows_changed=7), trouble=full)) as (walk, _):
        assert (walk.steps[0].work, walk.steps[0].error) == (Work(rows_changed=7), full)


def test_a_server_that_is_gone_is_not_asked_what_it_counted() -> None:
    gone = StepError(Cause.SERVER, "it ended with status -9")
    with walk_of(Migration("1", work=Work(rows_changed=7), trouble=gone)) as (walk, _):
        assert walk.steps[0].work == Work()


def test_after_each_step_it_is_told_before_the_next_one_runs() -> None:
    told: list[str] = []
    server = FakeServer()
    tool = FakeTool(FakeClock(), server, {"trunk-id": chain("1", "2")})

    def tell(step: Step) -> None:
        told.append(f"{step.name}, {len(tool.ran)} ran")

    with (
        fresh(server) as database,
        walking(database, tool, EMPTY, VERSIONS, RecordingObserver()) as walk,
    ):
        history = history_of(chain("1", "2"))
        walk.stage(Stage.TRUNK, TREE, history, frozenset(["1", "2"]), tell)
    assert told == ["base->1, 1 ran", "1->2, 2 ran"]


class TalkingSession(FakeSession):
    def apply(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        attempt = super().apply(revision, timeout_seconds, tick)
        told = AgentStatement("UPDATE t SET a = 'Alice Confidential'", count=2, seconds=0.5, rows=-1)
        return replace(attempt, statements=(told,), sql_seconds=0.5)


class TalkingTool(FakeTool):
    """Its processes tell of their statements."""

    @contextmanager
    def session(self, tree: Tree, address: Address) -> Iterator[FakeSession]:
        yield TalkingSession(self, tree, self.server.live[address.socket])


def test_statements_that_only_the_process_tells_of_lose_their_values() -> None:
    with walk_of(Migration("1"), tool=TalkingTool) as (walk, _):
        assert walk.steps[0].work.statements == (
            Statement("UPDATE t SET a = ?", "t", count=2, seconds=0.5, rows_changed=0),
        )
        assert walk.steps[0].sql_seconds == 0.5


def test_statements_that_the_server_saw_win_over_what_the_process_tells() -> None:
    seen = Statement("UPDATE t SET a = ?", "t", count=3, seconds=0.25, rows_changed=30)
    with walk_of(Migration("1", work=Work(statements=(seen,))), tool=TalkingTool) as (walk, _):
        assert walk.steps[0].work.statements == (seen,)


def test_a_statement_that_outlives_its_process_fails_the_last_step() -> None:
    with walk_of(Migration("1")) as (walk, database):
        assert walk.steps[0].outcome is Outcome.APPLIED
        database.settles = None
        walk.leave()
        last = walk.steps[-1]
        assert last.error is not None
        assert (last.outcome, last.error.cause) == (Outcome.TIMEOUT, Cause.TIMEOUT)
