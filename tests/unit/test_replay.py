"""The replay of a change, on fakes: what is run, on what, and what stands in the Run when something breaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migci.core.dataset import Dataset, Limits
from migci.core.finding import Finding, Severity
from migci.core.run import CloneFacts, Commit, ServerFacts
from migci.core.scripts import ALEMBIC, Listing, Script
from migci.core.snapshot import Kind, Snapshot
from migci.core.step import Cause, Stage, StepError, Work
from migci.errors import MigciError, UsageError
from migci.ports import (
    Conflict,
    DiskFull,
    EnvironmentFailed,
    HistoryFailed,
    ServerFailed,
)
from migci.replay import Change, trouble
from migci.route import Hook, Release
from tests.fakes import FakeServer, Migration, chain, dump_at
from tests.unit.worlds import EMPTY, PATCH, TRUNK, findings, outcomes, verdicts, world

RAISED = StepError(Cause.RAISED, "OperationalError: no such column", line=12)
NOWHERE = "did not reach its revision: its tool said that it was done, and the database is at no revision"
GONE = StepError(Cause.SERVER, "it ended with status -9")


def at(folder: Path, *revisions: str, name: str = "user_001", said: str | None = None) -> Dataset:
    return Dataset(name, str(dump_at(folder, *revisions)), revision=said)


# What is run


def test_trunks_migrations_run_before_those_of_the_patch() -> None:
    here = world()
    run = here.replay()
    assert [(step.stage, step.name) for step in run.replays[0].steps] == [
        (Stage.TRUNK, "base->1"),
        (Stage.TRUNK, "1->2"),
        (Stage.PROPOSED, "2->3"),
    ]
    assert here.tool.ran == [("trunk-id", "1"), ("trunk-id", "2"), ("patch-id", "3")]
    assert verdicts(run) == ["passed", "passed"]
    assert run.replays[0].at_newest
    assert run.replays[0].final == ("3",)


def test_what_the_dataset_has_seen_is_not_run_again(tmp_path: Path) -> None:
    here = world()
    run = here.replay(at(tmp_path, "1"))
    assert here.ran() == ["2", "3"]
    assert run.replays[0].rows == 4
    assert run.replays[0].clone == CloneFacts("fake", "checkpoint", 0.0)


def test_a_run_says_what_it_was_made_of() -> None:
    run = world().replay()
    assert (run.project, run.tool) == ("shop", "fake")
    assert run.trunk == Commit("trunk", "trunk-id")
    assert run.proposed == Commit("working tree", "patch-id")
    assert run.replays[0].server == ServerFacts("fake", "1.0")


def test_seconds_are_those_of_the_clock() -> None:
    run = world(patch=chain("1", "2", Migration("3", seconds=12.5))).replay()
    assert [step.seconds for step in run.replays[0].steps] == [1.0, 1.0, 12.5]
    assert (run.seconds, run.replays[0].seconds) == (14.5, 14.5)


def test_what_would_land_is_run_and_not_the_patch_as_it_stands() -> None:
    landed = Commit("working tree", "landed-id")
    here = world(trees={"landed-id": chain("1", "2", "3", "4")}, merged=landed)
    assert outcomes(here.replay()) == dict.fromkeys(("base->1", "1->2", "2->3", "3->4"), "applied")
    assert here.tool.ran[-1] == ("landed-id", "4")


def test_without_merging_the_patch_is_run_as_it_stands() -> None:
    here = world(merged=Commit("working tree", "landed-id"))
    here.replay(change=Change(merge=False))
    assert here.repository.merges == []
    assert here.tool.ran[-1] == ("patch-id", "3")


def test_a_ref_is_proposed_instead_of_the_working_tree() -> None:
    here = world(trees={"feature": chain("1", "2", "9")})
    run = here.replay(change=Change(proposed="feature"))
    assert run.proposed == Commit("feature", "feature")
    assert here.ran() == ["1", "2", "9"]


def test_only_trunk_runs_trunk_alone_and_judges_it() -> None:
    here = world(trunk=chain("1", Migration("2", error=RAISED)))
    run = here.replay(change=Change(only_trunk=True))
    assert run.proposed is None
    assert verdicts(run) == ["failed", "failed"]
    assert findings(run) == ["MC101 step 1->2 failed: OperationalError: no such column"]


def test_every_dataset_is_run_also_after_one_has_failed(tmp_path: Path) -> None:
    here = world(patch=chain("1", "2", Migration("3", error=RAISED)))
    run = here.replay(replace(EMPTY, name="first"), at(tmp_path, "2"), replace(EMPTY, name="last"))
    assert [one.dataset.name for one in run.replays] == ["first", "user_001", "last"]
    assert here.ran() == ["1", "2", "3", "3", "3"]
    assert verdicts(run) == ["failed"] * 4


def test_every_dataset_is_run_also_after_one_could_not_be_restored(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text("NOT SQL;\n")
    run = world().replay(Dataset("broken", str(broken)), EMPTY)
    assert verdicts(run) == ["undecided", "undecided", "passed"]
    (finding,) = findings(run)
    assert finding.startswith("MC903 the dump broken.sql cannot be loaded: ")


def test_a_dataset_whose_snapshot_was_removed_to_make_room_is_replayed_once_more(tmp_path: Path) -> None:
    here = world()
    dataset = at(tmp_path, "1")
    here.replay(dataset)
    store = here.tools.snapshots
    asked: list[str] = []
    find = store.find

    def removed_after_it_was_found(id: str) -> Snapshot | None:
        found = find(id)
        if found is not None and found.kind is Kind.CHECKPOINT:
            asked.append(id)
            if len(asked) == 2:
                store.remove(found)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "find", removed_after_it_was_found)
        run = here.replay(dataset)
    assert verdicts(run) == ["passed", "passed"]
    again = f"user_001: snapshot {asked[0]} of 'user_001' is not in the store any more; it is made anew"
    assert here.observer.heard.count(again) == 1


def test_what_a_patch_did_on_damaged_files_is_not_held_against_it(tmp_path: Path) -> None:
    here = world(patch=chain("1", "2", Migration("3", error=RAISED)))
    dataset = at(tmp_path, "1")
    here.replay(dataset)
    store = here.tools.snapshots
    (checkpoint,) = (one for one in store.all() if one.kind is Kind.CHECKPOINT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "damage", lambda one: ("posts.ibd has other content",) if one is checkpoint else ())
        here.tool.ran.clear()
        run = here.replay(dataset)
    assert here.ran() == ["3", "2", "3"]
    assert verdicts(run) == ["failed", "failed"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "damage", lambda one: ("posts.ibd has other content",))
        run = here.replay(dataset)
    assert verdicts(run) == ["undecided", "undecided"]
    assert [finding[:5] for finding in findings(run)] == ["MC909"]


def test_no_server_is_left_after_a_replay() -> None:
    here = world(patch=chain("1", "2", Migration("3", error=RAISED)))
    here.replay(EMPTY, replace(EMPTY, name="more"))
    assert here.server.started.count("measuring") == 3
    assert here.server.live == {}


def test_the_observer_hears_of_all_that_happens_in_its_order(tmp_path: Path) -> None:
    here = world()
    source = dump_at(tmp_path, "1")
    size = source.stat().st_size
    here.replay(Dataset("user_001", str(source)))
    assert here.observer.heard == [
        "dataset user_001, 1 of 1",
        f"restoring {size} of {size}",
        "stage trunk: 2",
        "step 1->2",
        "step 1->2 applied",
        "stage proposed: 3",
        "step 2->3",
        "step 2->3 applied",
    ]


# What the patch does to the history


def test_mc001_a_revision_of_trunk_that_the_patch_edits_is_named() -> None:
    run = world(patch=chain("1", Migration("2", text="edited"), "3")).replay()
    assert findings(run) == [
        "MC001 the patch edits revision 2, which trunk already has: databases that ran it will never see the new text"
    ]
    assert run.findings[0].file == "versions/2.py"
    assert verdicts(run) == ["passed", "passed"]


def test_mc001_an_edited_revision_is_run_as_trunk_has_it() -> None:
    here = world(patch=chain("1", Migration("2", text="edited"), "3"))
    here.replay()
    assert ("trunk-id", "2") in here.tool.ran
    assert ("patch-id", "2") not in here.tool.ran


def test_mc002_a_revision_of_trunk_that_the_patch_removes_is_named() -> None:
    run = world(patch=chain("1")).replay()
    assert findings(run)[0] == (
        "MC002 the patch removes revision 2, which trunk already has: "
        "databases that are at it will not be found in the history"
    )
    assert verdicts(run)[0] == "failed"


def test_mc003_a_revision_that_is_put_before_trunks_newest_is_named() -> None:
    run = world(trunk=chain("1", "3"), patch=chain("1", "2", "3")).replay()
    assert findings(run)[0] == (
        "MC003 revision 2 comes before revisions that trunk already has: "
        "it will not run on a database that is at trunk's newest"
    )
    assert run.findings[0].hint == "move it behind 3"
    assert verdicts(run)[0] == "failed"


def test_mc004_a_patch_that_conflicts_is_failed_with_its_files_and_nothing_is_run() -> None:
    here = world(merged=Conflict(("models.py", "env.py")))
    run = here.replay()
    assert findings(run) == ["MC004 the patch cannot be merged onto trunk: conflict in models.py, env.py"]
    assert run.findings[0].hint == "rebase it onto trunk, or take it as it stands with --no-merge"
    assert here.server.started == []
    assert verdicts(run) == ["failed"]


def test_mc005_a_patch_whose_history_cannot_be_read_is_failed() -> None:
    run = world(patch=HistoryFailed("CommandError: multiple heads", hint="merge them")).replay()
    assert findings(run) == ["MC005 the migrations, with the patch, cannot be read: CommandError: multiple heads"]
    assert run.findings[0].hint == "merge them"
    assert verdicts(run) == ["failed"]


def test_mc006_a_patch_without_migrations_passes_and_trunks_are_run() -> None:
    here = world(patch=chain("1", "2"))
    run = here.replay()
    assert findings(run) == ["MC006 the patch adds no migrations"]
    assert here.ran() == ["1", "2"]
    assert verdicts(run) == ["passed", "passed"]


def test_nothing_is_run_on_a_dataset_that_is_at_the_newest_revision(tmp_path: Path) -> None:
    here = world(patch=chain("1", "2"))
    run = here.replay(at(tmp_path, "2"))
    assert here.ran() == []
    assert run.replays[0].at_newest
    assert verdicts(run) == ["passed", "passed"]


def test_a_branch_of_the_patch_beside_trunks_newest_is_run(tmp_path: Path) -> None:
    here = world(patch=chain("1", "2", Migration("side", parents=("1",))))
    run = here.replay(at(tmp_path, "2"))
    assert outcomes(run) == {"1->side": "applied"}
    assert sorted(run.replays[0].final) == ["2", "side"]
    assert [finding.id for finding in run.findings] == ["MC008"]
    assert verdicts(run) == ["failed", "passed"]


def test_mc007_a_file_that_the_patch_hides_among_the_migrations_is_named(tmp_path: Path) -> None:
    here = world(patch=chain("1", "2"))
    here.repository.brings = ("versions/3.py", "versions/__init__.py", "versions/notes.md", "elsewhere/4.py")
    run = here.replay(at(tmp_path, "2"))
    assert [(one.id, one.file) for one in run.findings if one.id == "MC007"] == [("MC007", "versions/3.py")]
    assert verdicts(run) == ["failed", "passed"]


def test_a_merge_of_two_branches_is_named_by_both() -> None:
    trunk = chain("1", Migration("2a", parents=("1",)), Migration("2b", parents=("1",)))
    run = world(trunk, (*trunk, Migration("3", parents=("2a", "2b")))).replay()
    assert list(outcomes(run)) == ["base->1", "1->2a", "1->2b", "2a,2b->3"]
    assert run.replays[0].final == ("3",)


# What the files say of the history, besides the tool


def written(*ids: str, **more: object) -> Listing:
    """A linear listing of files like those of the fake tool."""
    scripts = [
        Script(id, id, ids[place - 1 : place] if place else (), (f"versions/{id}.py",), id)
        for place, id in enumerate(ids)
    ]
    return replace(Listing(ALEMBIC, ("versions",), tuple(scripts)), **more)  # type: ignore[arg-type]


FORKED = written("1", "2", "3")
FORKED = replace(FORKED, scripts=(*FORKED.scripts[:2], replace(FORKED.scripts[2], parents=("1",))))


def test_what_both_the_files_and_the_tool_show_is_said_once_and_with_the_command_that_mends_it() -> None:
    patch = (*TRUNK, Migration("3", parents=("1",)))
    run = world(patch=patch, written={"trunk-id": written("1", "2"), "patch-id": FORKED}).replay()
    assert [finding for finding in findings(run) if not finding.startswith("MC1")] == [
        "MC008 with the patch the history has 2 heads: 2, 3"
    ]
    assert run.findings[0].hint == "let the patch's first migration follow 2: migci versions rebase"


def test_what_only_the_files_show_is_said() -> None:
    trouble = Finding("MC012", Severity.ERROR, "versions/versions.json has the number 3 twice")
    patch = written("1", "2", "3", findings=(trouble,))
    run = world(written={"trunk-id": written("1", "2"), "patch-id": patch}).replay()
    assert run.findings == (trouble,)
    assert verdicts(run) == ["failed", "passed"]


def test_what_trunks_files_show_already_is_not_held_against_the_patch() -> None:
    trouble = Finding("MC012", Severity.ERROR, "versions/versions.json has the number 2 twice")
    listings = {
        "trunk-id": written("1", "2", findings=(trouble,)),
        "patch-id": written("1", "2", "3", findings=(trouble,)),
    }
    run = world(written=listings).replay()
    assert run.findings == ()
    assert verdicts(run) == ["passed", "passed"]


def test_a_file_that_only_the_tool_knows_to_be_none_is_named() -> None:
    here = world(patch=TRUNK, written={"trunk-id": written("1", "2"), "patch-id": written("1", "2", "3")})
    here.repository.brings = ("versions/3.py",)
    run = here.replay()
    assert [(one.id, one.file) for one in run.findings] == [("MC007", "versions/3.py"), ("MC006", None)]


def test_what_the_tool_tells_counts_where_the_files_cannot_be_read() -> None:
    for cannot in (UsageError("alembic.ini is odd"), written("1", "2")):
        here = world(trunk=chain("1", "3"), patch=PATCH, written={"trunk-id": written("1", "3"), "patch-id": cannot})
        assert "MC003" in {one.id for one in here.replay().findings}


def test_a_script_for_another_python_than_migcis_is_no_fault_where_the_tool_has_read_it() -> None:
    newer = Finding("MC013", Severity.ERROR, "versions/3.py cannot be understood", file="versions/3.py")
    for unread, said in (((), []), (("versions/3.py",), [newer])):
        patch = written("1", "2", "3", findings=(newer,), unread=unread)
        run = world(written={"trunk-id": written("1", "2"), "patch-id": patch}).replay()
        assert list(run.findings) == said


def test_mc005_a_history_that_the_tool_refuses_has_what_the_files_show_beside_it() -> None:
    patch = HistoryFailed("Can't locate revision identified by '9'")
    lost = written("1", "2", "3")
    lost = replace(lost, scripts=(*lost.scripts[:2], replace(lost.scripts[2], parents=("9",))))
    run = world(patch=patch, written={"trunk-id": written("1", "2"), "patch-id": lost}).replay()
    assert findings(run) == [
        "MC010 revision 3 follows 9, which is not there: versions/3.py",
        "MC005 the migrations, with the patch, cannot be read: Can't locate revision identified by '9'",
    ]


def test_mc018_a_patch_that_is_taken_as_it_stands_and_is_behind_is_not_said_to_remove_anything() -> None:
    listings = {"trunk-id": written("1", "2"), "patch-id": written("1", "3"), "base-id": written("1")}
    here = world(patch=chain("1", "3"), written=listings)
    here.repository.left = Commit("base", "base-id")
    run = here.replay(change=Change(merge=False))
    assert findings(run) == ["MC018 revision 3 follows 1, and trunk's newest is 2"]
    assert verdicts(run) == ["failed", "passed"]


def test_mc003_a_patch_whose_files_say_another_order_than_they_have_where_they_are_run() -> None:
    """So it would never run on a database that is at trunk's newest, and would seem to be behind it."""
    listings = {"trunk-id": written("1", "2"), "patch-id": written("1", "2", "3")}
    run = world(patch=chain("1", "3", "2"), written=listings).replay()
    assert [one.partition(" ")[0] for one in findings(run)] == ["MC003"]
    assert verdicts(run)[0] == "failed"


def test_a_patch_whose_migrations_cannot_be_run_as_it_stands_does_not_pass() -> None:
    ahead = written("1", "3")
    ahead = replace(ahead, scripts=(ahead.scripts[0], replace(ahead.scripts[1], parents=("2",))))
    listings = {"trunk-id": written("1", "2"), "patch-id": ahead, "base-id": written("1")}
    here = world(patch=chain("1", "3"), written=listings)
    here.repository.left = Commit("base", "base-id")
    run = here.replay(change=Change(merge=False))
    assert findings(run) == ["MC018 the patch as it stands lacks 2, which trunk has, so what it adds was not run"]
    assert verdicts(run)[0] == "failed"
    assert here.ran() == ["1", "2"]


def test_what_the_files_and_the_tool_both_show_is_said_once_also_where_they_differ_in_something_else() -> None:
    here = world(patch=chain("1", "4"), written={"trunk-id": written("1", "2"), "patch-id": written("1")})
    assert [finding[:5] for finding in findings(here.replay())] == ["MC002"]
    patch = (*TRUNK, Migration("3", parents=("1",)), Migration("4", parents=("3",)))
    here = world(patch=patch, written={"trunk-id": written("1", "2"), "patch-id": FORKED})
    assert [one.id for one in here.replay().findings] == ["MC008"]


# What a step did


def test_mc101_a_migration_that_raises_fails_the_patch_at_its_line() -> None:
    run = world(patch=chain("1", "2", Migration("3", error=RAISED))).replay()
    assert findings(run) == ["MC101 step 2->3 failed: OperationalError: no such column"]
    assert run.replays[0].steps[-1].error == RAISED
    assert verdicts(run) == ["failed", "failed"]
    assert run.replays[0].at_newest is None


def test_steps_after_one_that_failed_are_skipped() -> None:
    here = world(patch=chain("1", "2", Migration("3", error=RAISED), "4", "5"))
    assert outcomes(here.replay()) == {
        "base->1": "applied",
        "1->2": "applied",
        "2->3": "failed",
        "3->4": "skipped",
        "4->5": "skipped",
    }
    assert here.ran() == ["1", "2", "3"]


def test_mc102_a_migration_that_does_not_end_fails_the_patch_and_its_sessions_are_ended() -> None:
    late = StepError(Cause.TIMEOUT, "it was still running after 10 s, and was killed")
    here = world(patch=chain("1", "2", Migration("3", seconds=10, error=late)))
    run = here.replay()
    assert findings(run) == ["MC102 step 2->3 did not end: it was still running after 10 s, and was killed"]
    assert outcomes(run)["2->3"] == "timeout"
    assert verdicts(run) == ["failed", "failed"]


def test_mc103_a_migration_that_ends_its_process_fails_the_patch() -> None:
    ended = StepError(Cause.ENDED, "its process ended with status 0")
    run = world(patch=chain("1", "2", Migration("3", error=ended))).replay()
    assert findings(run) == ["MC103 step 2->3 ended its process: its process ended with status 0"]


def test_mc103_a_process_that_does_not_end_well_fails_its_last_step() -> None:
    ended = StepError(Cause.ENDED, "its process was killed by SIGSEGV")
    run = world(patch=chain("1", "2", Migration("3", at_finish=ended))).replay()
    assert findings(run) == ["MC103 step 2->3 ended its process: its process was killed by SIGSEGV"]
    assert verdicts(run) == ["failed", "failed"]


def test_mc104_a_tool_that_says_done_is_not_believed_when_the_database_is_elsewhere() -> None:
    run = world(patch=chain("1", "2", Migration("3", reaches=False))).replay()
    assert findings(run) == [
        "MC104 step 2->3 did not reach its revision: its tool said that it was done, and the database is at 2"
    ]
    assert verdicts(run) == ["failed", "failed"]


def test_mc104_a_tool_is_not_believed_of_the_first_migration_of_all_either() -> None:
    run = world(trunk=(), patch=chain(Migration("1", reaches=False))).replay()
    assert findings(run) == [f"MC104 step base->1 {NOWHERE}"]
    assert verdicts(run) == ["failed", "failed"]


def test_mc104_a_migration_that_empties_the_version_table_is_not_believed() -> None:
    run = world(patch=chain("1", "2", Migration("3", reaches=False, makes="DELETE FROM fake_version"))).replay()
    assert findings(run) == [f"MC104 step 2->3 {NOWHERE}"]
    assert verdicts(run) == ["failed", "failed"]


def test_mc104_a_migration_that_drops_the_version_table_is_not_believed() -> None:
    run = world(patch=chain("1", "2", Migration("3", reaches=False, makes="DROP TABLE fake_version"))).replay()
    assert findings(run)[0].startswith("MC104 step 2->3 did not reach its revision: ")
    assert verdicts(run) == ["failed", "failed"]


def test_mc105_a_database_that_has_lost_a_branch_in_the_end_fails_the_patch() -> None:
    trunk = chain("1", Migration("2a", parents=("1",)), Migration("2b", parents=("1",)))
    patch = (*trunk, Migration("3", parents=("2a",), forgets=("2b",)))
    run = world(trunk, patch).replay()
    assert findings(run) == ["MC105 every step ran, and the database is at 3, which is not the newest revision"]
    assert verdicts(run) == ["failed", "failed"]


def test_mc107_processes_that_were_left_are_a_warning() -> None:
    left = StepError(Cause.LEFTOVERS, "left 2 processes running, which had to be killed")
    run = world(patch=chain("1", "2", Migration("3", at_finish=left))).replay()
    assert findings(run) == ["MC107 step 2->3 left 2 processes running, which had to be killed"]
    assert outcomes(run)["2->3"] == "applied"
    assert verdicts(run) == ["passed", "passed"]


def test_mc201_a_step_over_its_limit_is_named_with_its_seconds_and_the_limit() -> None:
    run = world(trunk=chain("151", Migration("152", 12)), patch=chain("151", "152", Migration("153", 95))).replay()
    assert findings(run) == ["MC201 step 152->153 took 95 s; its limit is 60 s"]


def test_what_the_server_counted_stands_in_the_step() -> None:
    work = Work(rows_read=5, rows_changed=7, blocked_write_seconds=0.5)
    run = world(patch=chain("1", "2", Migration("3", work=work))).replay()
    assert run.replays[0].steps[-1].work == work


# What breaks that is not the patch's


def test_mc901_trunks_own_failure_leaves_the_patch_undecided() -> None:
    here = world(trunk=chain("1", Migration("2", error=RAISED)))
    run = here.replay()
    assert findings(run) == ["MC901 trunk's own step 1->2 failed: OperationalError: no such column"]
    assert outcomes(run) == {"base->1": "applied", "1->2": "failed", "2->3": "skipped"}
    assert verdicts(run) == ["undecided", "undecided"]


@pytest.mark.parametrize("seconds", [0.0, 61.0])
def test_trunks_step_over_its_limit_is_a_warning(seconds: float) -> None:
    run = world(trunk=chain("1", Migration("2", seconds))).replay()
    assert verdicts(run) == ["passed", "passed"]
    assert findings(run) == (["MC201 step 1->2 took 61 s; its limit is 60 s"] if seconds else [])


def test_mc901_a_process_of_trunk_that_does_not_end_well_keeps_the_patch_from_running() -> None:
    ended = StepError(Cause.ENDED, "its process was killed by SIGSEGV")
    here = world(trunk=chain("1", Migration("2", at_finish=ended)))
    run = here.replay()
    assert findings(run) == ["MC901 trunk's own step 1->2 ended its process: its process was killed by SIGSEGV"]
    assert outcomes(run)["2->3"] == "skipped"
    assert here.ran() == ["1", "2"]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc902_a_server_that_does_not_start_leaves_the_patch_undecided_on_its_dataset() -> None:
    run = world(server=FakeServer(fails=ServerFailed("mariadbd did not start"))).replay()
    assert findings(run) == ["MC902 mariadbd did not start"]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc902_a_server_that_is_gone_in_a_patchs_step_leaves_it_undecided() -> None:
    raised = StepError(Cause.RAISED, "KeyError: 'uuid'")
    run = world(patch=chain("1", "2", Migration("3", error=raised, trouble=GONE))).replay()
    assert findings(run) == [
        "MC902 the database server was gone when step 2->3 ended: it ended with status -9 (KeyError: 'uuid')"
    ]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc902_a_server_that_is_gone_is_seen_also_when_the_migration_said_that_it_was_done() -> None:
    run = world(patch=chain("1", "2", Migration("3", trouble=GONE))).replay()
    assert outcomes(run)["2->3"] == "failed"
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc903_a_dataset_that_does_not_say_where_it_is_is_undecided_with_what_to_write(tmp_path: Path) -> None:
    run = world().replay(at(tmp_path))
    assert findings(run) == ["MC903 dataset 'user_001' holds tables, and does not say at which revision it is"]
    assert run.replays[0].trouble[0].hint == "say it in migci.toml: [datasets.user_001] revision = …"
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc904_an_environment_that_cannot_be_built_is_undecided_once() -> None:
    run = world(trunk=EnvironmentFailed("uv failed")).replay(EMPTY, replace(EMPTY, name="more"))
    assert findings(run) == ["MC904 uv failed"]
    assert verdicts(run) == ["undecided"]


def test_mc904_a_tool_that_does_not_start_on_the_clone_is_undecided() -> None:
    run = world(cannot_start=EnvironmentFailed("env.py connects elsewhere")).replay()
    assert findings(run) == ["MC904 env.py connects elsewhere"]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc905_a_full_disk_is_not_the_patchs_fault() -> None:
    full = StepError(Cause.DISK, "no space is left for the clone")
    raised = StepError(Cause.RAISED, "KeyError: 'uuid'")
    run = world(patch=chain("1", "2", Migration("3", error=raised, trouble=full))).replay()
    assert findings(run) == [
        "MC905 the disk was full when step 2->3 ended: no space is left for the clone (KeyError: 'uuid')"
    ]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc906_a_dataset_at_a_revision_that_trunk_does_not_have_is_undecided(tmp_path: Path) -> None:
    run = world().replay(at(tmp_path, "77"))
    assert findings(run) == ["MC906 dataset 'user_001' is at 77, which trunk's history does not have"]
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc906_a_dataset_at_the_patchs_own_revision_is_undecided_since_trunk_does_not_have_it(tmp_path: Path) -> None:
    assert findings(world().replay(at(tmp_path, "3"))) == [
        "MC906 dataset 'user_001' is at 3, which trunk's history does not have"
    ]


def test_mc908_a_trunk_whose_history_cannot_be_read_is_undecided() -> None:
    run = world(trunk=HistoryFailed("CommandError: broken")).replay()
    assert findings(run) == ["MC908 CommandError: broken"]
    assert verdicts(run) == ["undecided"]


@pytest.mark.parametrize(
    ("error", "finding"),
    [(DiskFull("full"), "MC905"), (MigciError("git cannot merge"), "MC902"), (ServerFailed("gone"), "MC902")],
)
def test_an_error_of_migcis_own_is_a_finding_of_its_kind(error: MigciError, finding: str) -> None:
    assert (trouble(error).id, trouble(error).message) == (finding, error.message)


# Releases and what runs between them


def release(until: str, after: Hook | None = None, ref: str | None = None) -> Release:
    return Release(f"release-{until}", until, ref, after)


def test_releases_are_walked_before_trunk_in_their_order() -> None:
    here = world(trunk=chain("1", "2", "3"), patch=chain("1", "2", "3", "4"), releases=(release("1"), release("2")))
    run = here.replay()
    assert [step.stage.value for step in run.replays[0].steps] == ["release", "release", "trunk", "proposed"]
    assert here.ran() == ["1", "2", "3", "4"]


def test_a_release_is_run_with_the_code_of_its_time() -> None:
    here = world(releases=(release("1", ref="stable"),), trees={"stable": chain("1", "old")})
    here.replay()
    assert here.tool.ran == [("stable", "1"), ("trunk-id", "2"), ("patch-id", "3")]


def test_what_runs_after_a_release_runs_between_its_migrations_and_the_next() -> None:
    here = world(releases=(release("1", Hook(command=("nova-manage", "db", "online_data_migrations"))),))
    here.replay()
    assert here.tool.commands == [("nova-manage", "db", "online_data_migrations")]
    heard = here.observer.heard
    note = heard.index("after release-1: nova-manage db online_data_migrations")
    assert heard.index("step base->1 applied") < note < heard.index("step 1->2")


@pytest.mark.parametrize(("revision", "times"), [("1", 1), ("2", 1), ("3", 0)])
def test_what_runs_after_a_release_runs_on_a_dataset_that_is_not_past_it(
    tmp_path: Path, revision: str, times: int
) -> None:
    here = world(chain("1", "2", "3"), chain("1", "2", "3", "4"), releases=(release("2", Hook(command=("sync",))),))
    here.replay(at(tmp_path, revision))
    assert here.tool.commands == [("sync",)] * times


def test_mc907_a_command_between_releases_that_fails_is_undecided_and_nothing_more_is_run() -> None:
    here = world(releases=(release("1", Hook(command=("false",))),))
    run = here.replay()
    assert findings(run) == ["MC907 after release 'release-1': 'false', run between releases, exited with status 1"]
    assert outcomes(run) == {"base->1": "applied"}
    assert verdicts(run) == ["undecided", "undecided"]


def test_mc907_a_script_of_trunks_that_is_missing_is_undecided() -> None:
    run = world(releases=(release("1", Hook(file="after.sql")),)).replay()
    assert findings(run)[0].startswith("MC907 after release 'release-1': after.sql cannot be run: ")


def test_nothing_runs_after_a_release_that_failed() -> None:
    here = world(chain(Migration("1", error=RAISED), "2"), releases=(release("1", Hook(command=("sync",))),))
    run = here.replay()
    assert here.tool.commands == []
    assert findings(run) == ["MC901 trunk's own step base->1 failed: OperationalError: no such column"]
    assert list(outcomes(run).values()) == ["failed", "skipped", "skipped"]


# What the dataset and the settings say


def test_a_dataset_that_the_tool_does_not_know_is_put_where_its_settings_say(tmp_path: Path) -> None:
    here = world()
    run = here.replay(at(tmp_path, said="1"))
    assert here.tool.prepared == ["1"]
    assert here.ran() == ["2", "3"]
    assert verdicts(run) == ["passed", "passed"]


def test_an_empty_dataset_is_put_at_the_beginning() -> None:
    here = world()
    here.replay()
    assert here.tool.prepared == [None]


def test_a_dataset_said_to_be_at_the_base_runs_everything(tmp_path: Path) -> None:
    here = world()
    here.replay(at(tmp_path, said="base"))
    assert here.ran() == ["1", "2", "3"]


def test_what_the_database_says_wins_over_the_settings(tmp_path: Path) -> None:
    here = world()
    here.replay(at(tmp_path, "2", said="1"))
    assert here.ran() == ["3"]


def test_a_tool_that_keeps_no_version_table_is_believed(tmp_path: Path) -> None:
    here = world(table=None)
    run = here.replay(at(tmp_path, said="1"))
    assert here.ran() == ["2", "3"]
    assert run.replays[0].final == ("3",)
    assert verdicts(run) == ["passed", "passed"]


def test_an_unknown_revision_of_a_dataset_is_a_mistake_in_the_settings_and_nothing_is_run(tmp_path: Path) -> None:
    here = world()
    with pytest.raises(UsageError) as mistake:
        here.replay(at(tmp_path, said="77"))
    assert mistake.value.message == "[datasets.user_001] revision = '77': there is no such revision in the history"
    assert mistake.value.hint == "it has 2 revisions, the newest is 2"
    assert here.server.started == []


def test_an_unknown_revision_of_a_release_is_a_mistake_in_the_settings() -> None:
    with pytest.raises(UsageError) as mistake:
        world(releases=(release("77"),)).replay()
    assert (
        mistake.value.message
        == "[[project.releases]] 'release-77' until = '77': there is no such revision in the history"
    )


def test_an_unknown_ref_of_a_release_is_a_mistake_in_the_settings_and_nothing_is_run() -> None:
    here = world(releases=(release("1", ref="stable"),))
    with pytest.raises(UsageError, match="'stable'"):
        here.replay()
    assert here.server.started == []


def test_an_unknown_revision_of_a_release_of_old_code_is_a_mistake_in_the_settings() -> None:
    here = world(releases=(release("77", ref="stable"),), trees={"stable": chain("1")})
    with pytest.raises(UsageError, match="77"):
        here.replay()


def test_an_unknown_trunk_is_a_mistake_in_the_settings() -> None:
    here = world()
    with pytest.raises(UsageError, match="'nowhere'"):
        replace(here, project=replace(here.project, trunk="nowhere")).replay()


def test_the_timeout_is_the_datasets_own() -> None:
    here = world(patch=chain("1", "2", Migration("3", seconds=8)))
    dataset = replace(EMPTY, limits=Limits(step_seconds=None, timeout_seconds=5))
    run = here.replay(dataset)
    assert findings(run) == ["MC102 step 2->3 did not end: it was still running after 5 s, and was killed"]
