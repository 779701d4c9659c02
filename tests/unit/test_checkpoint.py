"""Trunk's end state is kept and started from: what is run again, what is not, and what is told of it, on fakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import migci
from migci.core.dataset import Dataset, Limits
from migci.core.run import CloneFacts, Run
from migci.core.snapshot import Kind, Snapshot
from migci.core.step import Cause, Step, StepError, Work
from migci.errors import MigciError, UsageError
from migci.ports import VersionTable
from migci.replay import Change, refreshed, start_of
from migci.route import Hook, Release
from tests.fakes import VERSIONS, FakeServer, FakeSession, FakeStore, Migration, chain, dump_at
from tests.unit.worlds import EMPTY, PATCH, TRUNK, Migrations, World, findings, outcomes, verdicts, world

RAISED = StepError(Cause.RAISED, "OperationalError: no such column", line=12)
SYNC = Release("old", "1", None, Hook(command=("sync",)))


def later(
    here: World,
    trunk: Migrations | MigciError = TRUNK,
    patch: Migrations | MigciError = PATCH,
    *,
    server: FakeServer | None = None,
    surroundings: str = "",
    releases: tuple[Release, ...] = (),
    trees: Mapping[str, Migrations | MigciError] | None = None,
    table: VersionTable | None = VERSIONS,
) -> World:
    """Another command, on the store of `here`."""
    server = server or FakeServer()
    server.disk = here.server.disk
    there = world(trunk, patch, server=server, releases=releases, trees=trees, table=table)
    there.tool.surroundings = surroundings
    return replace(there, tools=replace(there.tools, snapshots=here.tools.snapshots))


def kept(here: World, kind: Kind = Kind.CHECKPOINT) -> list[Snapshot]:
    return [one for one in here.tools.snapshots.all() if one.kind is kind]


def steps(run: Run) -> tuple[Step, ...]:
    return run.replays[0].steps


def at(folder: Path, *revisions: str, name: str = "user_001") -> Dataset:
    return Dataset(name, str(dump_at(folder, *revisions)))


# What is not kept


def test_trunk_is_not_kept_where_the_tool_left_one_of_its_migrations_out(monkeypatch: pytest.MonkeyPatch) -> None:
    here = world()
    pending = FakeSession.pending
    with monkeypatch.context() as patched:
        patched.setattr(
            FakeSession, "pending", lambda self, seen: tuple(one for one in pending(self, seen) if one != "2")
        )
        run = here.replay()
    assert findings(run) == ["MC908 the project's tool did not find 2 pending on trunk"]
    assert verdicts(run) == ["undecided", "undecided"]
    assert kept(here) == []


# What is not run again


def test_a_second_replay_runs_the_patch_s_migrations_alone_and_tells_trunk_s_with_the_figures_of_their_run() -> None:
    trunk = chain(Migration("1", seconds=2.5, work=Work(rows_read=8, rows_changed=7)), Migration("2", seconds=0.5))
    first = world(trunk)
    one = first.replay()
    second = later(first, trunk)
    two = second.replay()

    assert second.tool.ran == [("patch-id", "3")]
    assert steps(two)[:2] == tuple(replace(step, cached=True) for step in steps(one)[:2])
    assert [step.cached for step in steps(two)] == [True, True, False]
    assert (steps(two)[0].seconds, steps(two)[0].work.rows_changed) == (2.5, 7)
    assert two.replays[0].clone == CloneFacts("fake", "checkpoint", 0.0)
    assert two.replays[0].final == ("3",)
    assert two.replays[0].at_newest
    assert verdicts(two) == verdicts(one) == ["passed", "passed"]
    assert second.server.started == ["measuring"]


def test_a_first_replay_tells_what_it_ran_itself_as_not_cached() -> None:
    first = world()
    run = first.replay()
    assert [step.cached for step in steps(run)] == [False, False, False]
    (checkpoint,) = kept(first)
    assert (checkpoint.revision, checkpoint.steps, checkpoint.dataset) == (("2",), steps(run)[:2], "empty")
    assert checkpoint.root == checkpoint.origin == kept(first, Kind.EMPTY)[0].id


def test_a_third_replay_does_not_tell_more_steps_than_the_second() -> None:
    first = world()
    first.replay()
    two, three = later(first).replay(), later(first).replay()
    assert steps(three) == steps(two)
    assert len(kept(first)) == 1


@pytest.mark.parametrize("work", [Work(), Work(rows_changed=50)], ids=["within_limits", "over_a_limit"])
def test_the_same_is_found_whether_trunk_s_steps_were_run_or_not(work: Work) -> None:
    left = StepError(Cause.LEFTOVERS, "left 1 process running, which had to be killed")
    dataset = replace(EMPTY, limits=Limits(step_seconds=2.0, rows_changed=10))
    trunk = chain("1", Migration("2", seconds=3.0, at_finish=left, work=work))
    first = world(trunk)
    one = first.replay(dataset)
    two = later(first, trunk).replay(dataset)
    assert (findings(two), verdicts(two)) == (findings(one), verdicts(one))
    assert outcomes(two) == outcomes(one)


def test_only_the_migration_that_trunk_gained_is_run_on_top_of_the_checkpoint() -> None:
    first = world()
    first.replay()
    second = later(first, PATCH, chain("1", "2", "3", "4"))
    run = second.replay()
    assert second.tool.ran == [("trunk-id", "3"), ("patch-id", "4")]
    assert [(step.name, step.cached) for step in steps(run)] == [
        ("base->1", True),
        ("1->2", True),
        ("2->3", False),
        ("3->4", False),
    ]
    assert [(one.revision, [step.revision for step in one.steps]) for one in kept(first)] == [
        (("2",), ["1", "2"]),
        (("3",), ["1", "2", "3"]),
    ]
    third = later(first, PATCH, chain("1", "2", "3", "4"))
    assert [step.cached for step in steps(third.replay())] == [True, True, True, False]
    assert third.ran() == ["4"]


def test_a_trunk_that_went_back_starts_from_its_older_checkpoint() -> None:
    first = world()
    first.replay()
    later(first, PATCH, chain("1", "2", "3", "4")).replay()
    back = later(first)
    run = back.replay()
    assert back.ran() == ["3"]
    assert outcomes(run) == dict.fromkeys(("base->1", "1->2", "2->3"), "applied")


def test_a_trunk_without_migrations_for_the_dataset_keeps_nothing_and_starts_from_its_snapshot(tmp_path: Path) -> None:
    here = world()
    run = here.replay(at(tmp_path, "2"))
    assert here.ran() == ["3"]
    assert kept(here) == []
    assert run.replays[0].clone == CloneFacts("fake", "snapshot", 0.0)


def test_only_trunk_uses_and_makes_checkpoints_too() -> None:
    first = world()
    first.replay(change=Change(only_trunk=True))
    second = later(first)
    run = second.replay(change=Change(only_trunk=True))
    assert second.ran() == []
    assert [step.cached for step in steps(run)] == [True, True]
    assert (run.replays[0].final, run.replays[0].at_newest) == (("2",), True)


def test_limits_and_excuses_do_not_make_another_checkpoint() -> None:
    first = world()
    first.replay()
    second = later(first)
    second.replay(replace(EMPTY, name="strict", limits=Limits(step_seconds=0.5)))
    assert second.ran() == ["3"]


# What is run again


def with_another_migci(first: World, patch: pytest.MonkeyPatch) -> World:
    patch.setattr(migci, "__version__", "0.0.other")
    return later(first)


@pytest.mark.parametrize(
    ("change", "runs"),
    [
        (lambda first, patch: later(first), ["3"]),
        (lambda first, patch: later(first, chain("1", Migration("2", text="edited")), PATCH), ["1", "2", "3"]),
        (lambda first, patch: later(first, chain(Migration("1", text="edited"), "2"), PATCH), ["1", "2", "3"]),
        (lambda first, patch: later(first, surroundings="another interpreter"), ["1", "2", "3"]),
        (
            lambda first, patch: later(first, server=FakeServer(options=("--innodb-buffer-pool-size=1G",))),
            ["1", "2", "3"],
        ),
        (
            lambda first, patch: later(first, server=FakeServer(lasting_options=("--innodb-page-size=4k",))),
            ["1", "2", "3"],
        ),
        (lambda first, patch: later(first, server=FakeServer(version="1.1")), ["1", "2", "3"]),
        (with_another_migci, ["1", "2", "3"]),
        (lambda first, patch: later(first, releases=(Release("old", "1"),)), ["1", "2", "3"]),
    ],
    ids=[
        "nothing",
        "an_edited_migration",
        "an_edited_earlier_migration",
        "another_interpreter",
        "other_server_options",
        "server_options_that_last",
        "another_server_version",
        "another_migci",
        "a_release_on_the_way",
    ],
)
def test_what_trunk_s_steps_were_run_with_is_what_they_are_known_by(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[World, pytest.MonkeyPatch], World], runs: list[str]
) -> None:
    first = world()
    first.replay()
    second = change(first, monkeypatch)
    run = second.replay()
    assert second.ran() == runs
    assert [step.revision for step in steps(run) if not step.cached] == runs
    assert verdicts(run)[1] == "passed"


def test_a_checkpoint_up_to_the_edited_migration_is_still_good() -> None:
    first = world(chain("1"), PATCH)
    first.replay()
    later(first, chain("1", "2"), PATCH).replay()
    second = later(first, chain("1", Migration("2", text="edited")), PATCH)
    second.replay()
    assert second.ran() == ["2", "3"]


def test_another_content_of_the_dataset_is_another_start(tmp_path: Path) -> None:
    dataset = at(tmp_path, "1")
    first = world()
    first.replay(dataset)
    dump_at(tmp_path, "1", rows=5)
    second = later(first)
    run = second.replay(dataset)
    assert second.ran() == ["2", "3"]
    assert run.replays[0].rows == 6
    assert len(kept(first, Kind.DATASET)) == 2


def test_another_revision_that_the_settings_say_is_another_start(tmp_path: Path) -> None:
    dataset = at(tmp_path)
    first = world(table=None)
    first.replay(replace(dataset, revision="1"))
    second = later(first, table=None)
    second.replay(replace(dataset, revision="base"))
    assert second.ran() == ["1", "2", "3"]


def test_another_version_table_is_another_snapshot(tmp_path: Path) -> None:
    first = world()
    first.replay(at(tmp_path, "1"))
    second = later(first, table=VersionTable(VERSIONS.table, VERSIONS.column, ((VERSIONS.column, "1"),)))
    second.replay(at(tmp_path, "1"))
    assert len(kept(first, Kind.DATASET)) == 2


def test_without_the_cache_all_is_run_and_nothing_is_kept() -> None:
    first = world()
    first.replay()
    before = first.tools.snapshots.all()
    second = later(first)
    run = second.replay(change=Change(cache=False))
    assert second.ran() == ["1", "2", "3"]
    assert [step.cached for step in steps(run)] == [False] * 3
    assert run.replays[0].clone == CloneFacts("fake", "snapshot", 0.0)
    assert second.tools.snapshots.all() == before


def test_a_checkpoint_that_was_removed_is_made_again() -> None:
    first = world()
    first.replay()
    (checkpoint,) = kept(first)
    assert first.tools.snapshots.remove(checkpoint)
    second = later(first)
    second.replay()
    assert second.ran() == ["1", "2", "3"]
    assert [one.id for one in kept(first)] == [checkpoint.id]


def test_without_its_newest_checkpoint_trunk_goes_on_from_an_older_one() -> None:
    first = world()
    first.replay()
    later(first, PATCH, PATCH).replay()
    assert first.tools.snapshots.remove(kept(first)[-1])
    second = later(first, PATCH, PATCH)
    second.replay()
    assert second.ran() == ["3"]


# Steps that do not end well


def test_a_trunk_step_that_fails_is_not_kept_and_the_patch_s_steps_are_skipped() -> None:
    trunk, patch = chain("1", Migration("2", error=RAISED), "3"), chain("1", "2", "3", "4", "5")
    first = world(trunk, patch)
    for here in (first, later(first, trunk, patch)):
        run = here.replay()
        assert here.tool.ran == [("trunk-id", "1"), ("trunk-id", "2")]
        assert outcomes(run) == {
            "base->1": "applied",
            "1->2": "failed",
            "2->3": "skipped",
            "3->4": "skipped",
            "4->5": "skipped",
        }
        assert verdicts(run) == ["undecided", "undecided"]
        assert findings(run) == ["MC901 trunk's own step 1->2 failed: OperationalError: no such column"]
        assert run.replays[0].clone == CloneFacts("fake", "snapshot", 0.0)
        assert kept(here) == []
    healed = later(first, chain("1", "2", "3"), patch)
    assert verdicts(healed.replay()) == ["passed", "passed"]
    assert len(kept(healed)) == 1


def test_what_led_to_a_failing_step_is_told_from_the_checkpoint_before_it() -> None:
    first = world()
    first.replay()
    second = later(first, chain("1", "2", Migration("3", error=RAISED)), chain("1", "2", "3", "4"))
    run = second.replay()
    assert [(step.name, step.outcome.value, step.cached) for step in steps(run)] == [
        ("base->1", "applied", True),
        ("1->2", "applied", True),
        ("2->3", "failed", False),
        ("3->4", "skipped", False),
    ]
    assert run.replays[0].clone == CloneFacts("fake", "checkpoint", 0.0)


def test_a_session_of_trunk_s_that_does_not_end_well_keeps_nothing() -> None:
    trunk = chain("1", Migration("2", at_finish=StepError(Cause.ENDED, "its process ended with status 3")))
    here = world(trunk)
    run = here.replay()
    assert outcomes(run) == {"base->1": "applied", "1->2": "failed", "2->3": "skipped"}
    assert kept(here) == []


def test_a_patch_that_fails_leaves_the_checkpoint_for_the_next() -> None:
    first = world(patch=chain("1", "2", Migration("3", error=RAISED)))
    assert verdicts(first.replay()) == ["failed", "failed"]
    second = later(first)
    assert verdicts(second.replay()) == ["passed", "passed"]
    assert second.ran() == ["3"]


# Hooks


def test_hooks_are_run_once() -> None:
    first = world(releases=(SYNC,))
    first.replay()
    second = later(first, releases=(SYNC,))
    second.replay()
    assert (first.tool.commands, second.tool.commands) == ([("sync",)], [])
    assert second.ran() == ["3"]


def test_another_hook_is_run_and_so_is_all_that_follows_it() -> None:
    first = world(releases=(SYNC,))
    first.replay()
    second = later(first, releases=(replace(SYNC, after=Hook(command=("purge",))),))
    second.replay()
    assert second.tool.commands == [("purge",)]
    assert second.ran() == ["1", "2", "3"]


def test_a_hook_that_fails_keeps_nothing_and_is_run_again() -> None:
    failing = (replace(SYNC, after=Hook(command=("false",))),)
    first = world(releases=failing)
    for here in (first, later(first, releases=failing)):
        assert verdicts(here.replay()) == ["undecided", "undecided"]
        assert here.tool.commands == [("false",)]
        assert kept(here) == []


def test_the_rows_are_those_that_the_patch_s_steps_met_where_a_hook_may_have_changed_them(tmp_path: Path) -> None:
    makes = "INSERT INTO thing VALUES (77)"
    trunk, patch = chain("1", Migration("2", makes=makes)), chain("1", Migration("2", makes=makes), "3")
    first = world(trunk, patch, releases=(SYNC,))
    dataset = Dataset("user_001", str(dump_at(tmp_path, "1")))
    second = later(first, trunk, patch, releases=(SYNC,))
    assert [here.replay(dataset).replays[0].rows for here in (first, second)] == [5, 5]


# Tools that keep no version table


def test_a_tool_without_version_table_goes_on_from_where_the_checkpoint_was(tmp_path: Path) -> None:
    dataset = replace(at(tmp_path), revision="1")
    first = world(table=None)
    first.replay(dataset)
    assert kept(first)[0].revision == ("2",)
    assert (first.tool.prepared, first.ran()) == (["1", "2"], ["2", "3"])
    second = later(first, table=None)
    run = second.replay(dataset)
    assert (second.tool.prepared, second.ran()) == (["2"], ["3"])
    assert (run.replays[0].final, run.replays[0].at_newest) == (("3",), True)


def test_an_empty_dataset_of_a_tool_without_version_table_goes_on_too() -> None:
    first = world(table=None)
    first.replay()
    second = later(first, PATCH, chain("1", "2", "3", "4"), table=None)
    run = second.replay()
    assert second.tool.ran == [("trunk-id", "3"), ("patch-id", "4")]
    assert run.replays[0].final == ("4",)


# Refreshed datasets


def test_a_refreshed_dataset_starts_where_its_commit_s_migrations_led(tmp_path: Path) -> None:
    dataset = replace(at(tmp_path, "1"), refreshed="stable")
    trunk, patch = chain("1", "2", "3"), chain("1", "2", "3", "4")
    stable = {"stable": chain("1", "2")}
    first = world(trunk, patch, trees=stable)
    run = first.replay(dataset)
    assert first.tool.ran == [("stable", "2"), ("trunk-id", "3"), ("patch-id", "4")]
    assert [step.name for step in steps(run)] == ["2->3", "3->4"]
    assert verdicts(run) == ["passed", "passed"]
    second = later(first, trunk, patch, trees=stable)
    again = second.replay(dataset)
    assert second.ran() == ["4"]
    assert [(step.name, step.cached) for step in steps(again)] == [("2->3", True), ("3->4", False)]
    assert {one.root for one in kept(first)} == {kept(first, Kind.DATASET)[0].id}


def test_a_dataset_is_refreshed_through_its_releases() -> None:
    here = world(releases=(SYNC,), trees={"stable": chain("1", "2")})
    dataset = replace(EMPTY, refreshed="stable")
    run = here.replay(dataset)
    assert here.tool.commands == [("sync",)]
    assert [step.name for step in steps(run)] == ["2->3"]


def test_a_dataset_that_is_where_it_is_refreshed_to_starts_from_its_snapshot(tmp_path: Path) -> None:
    here = world(trees={"stable": chain("1", "2")})
    run = here.replay(replace(at(tmp_path, "2"), refreshed="stable"))
    assert here.ran() == ["3"]
    assert kept(here) == []
    assert verdicts(run) == ["passed", "passed"]


def test_mc903_a_dataset_that_cannot_be_refreshed_is_undecided_and_says_why(tmp_path: Path) -> None:
    here = world(trees={"stable": chain("1", Migration("2", error=RAISED))})
    run = here.replay(replace(at(tmp_path, "1"), refreshed="stable"))
    assert findings(run) == [
        "MC903 dataset 'user_001' cannot be brought to stable: step 1->2 failed: OperationalError: no such column"
    ]
    assert verdicts(run) == ["undecided", "undecided"]
    assert kept(here) == []


def test_a_commit_to_refresh_to_that_is_not_there_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(UsageError, match="there is no commit 'nope'"):
        world().replay(replace(EMPTY, refreshed="nope"))


def test_refreshing_keeps_what_a_later_replay_starts_from() -> None:
    here = world(trees={"stable": chain("1", "2")})
    base = start_of(EMPTY, here.project, VERSIONS, here.tools)
    made = refreshed(EMPTY, base, "stable", here.project, VERSIONS, here.tools)
    assert (made.kind, made.revision, made.steps) == (Kind.CHECKPOINT, ("2",), ())
    assert start_of(replace(EMPTY, refreshed="stable"), here.project, VERSIONS, here.tools) == made
    assert here.ran() == ["1", "2"]


# Who else is there


def test_two_datasets_with_the_same_content_share_their_snapshots(tmp_path: Path) -> None:
    here = world()
    same = tmp_path / "same"
    same.mkdir()
    run = here.replay(at(tmp_path, "1"), at(same, "1", name="user_002"))
    assert here.ran() == ["2", "3", "3"]
    assert [len(kept(here, kind)) for kind in (Kind.EMPTY, Kind.DATASET, Kind.CHECKPOINT)] == [1, 1, 1]
    assert [[step.cached for step in one.steps] for one in run.replays] == [[False, False], [True, False]]
    assert [one.dataset.name for one in run.replays] == ["user_001", "user_002"]
    assert sum(heard.startswith("restoring") for heard in here.observer.heard) == 1


class Busy(FakeStore):
    """A store in which another command is at work on every snapshot that is asked for, and ends before one's turn."""

    def __init__(self, first: World) -> None:
        super().__init__(first.server.disk)
        self.kept = first.tools.snapshots.kept if isinstance(first.tools.snapshots, FakeStore) else {}
        self.meanwhile: list[Callable[[], object]] = []

    @contextmanager
    def making(self, id: str, wait: Callable[[], None]) -> Iterator[None]:
        if self.meanwhile:
            wait()
            self.meanwhile.pop()()
        yield


def busy(first: World, meanwhile: Callable[[], object]) -> World:
    store = Busy(first)
    store.meanwhile.append(meanwhile)
    there = later(first)
    return replace(there, tools=replace(there.tools, snapshots=store))


def test_what_another_command_ran_meanwhile_is_waited_for_and_not_run_again() -> None:
    first = world()
    first.replay(change=Change(cache=False))
    second = busy(first, later(first).replay)
    run = second.replay()
    assert second.ran() == ["3"]
    assert [step.cached for step in steps(run)] == [True, True, False]
    assert "empty: waiting for another migci that runs trunk's migrations" in second.observer.heard
    assert len(kept(first)) == 1


def test_what_another_command_could_not_run_is_run_when_it_is_one_s_turn() -> None:
    first = world()
    first.replay(change=Change(cache=False))
    second = busy(first, lambda: None)
    run = second.replay()
    assert second.ran() == ["1", "2", "3"]
    assert verdicts(run) == ["passed", "passed"]


def test_what_another_command_loads_is_waited_for_and_not_loaded_again(tmp_path: Path) -> None:
    dataset = at(tmp_path, "1")
    first = world()
    first.replay()
    second = busy(first, lambda: later(first).replay(dataset))
    second.replay(dataset)
    assert "user_001: waiting for another migci that prepares it" in second.observer.heard
    assert not any(heard.startswith("restoring") for heard in second.observer.heard)
