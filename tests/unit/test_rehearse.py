"""Migrations' own tests in a replay: what they decide, and what they must not touch."""

from __future__ import annotations

import pytest

from migci.core.run import Part, Run
from migci.core.step import Cause, StepError, Work
from migci.core.verdict import judge, judge_replay
from migci.replay import Change
from tests.fakes import Migration, chain
from tests.unit.worlds import World, findings, outcomes, verdicts, world

WRONG = StepError(Cause.RAISED, "AssertionError: 3 counters", line=7)
WELL: dict[Part, StepError | str | None] = {}


def given(made: World, **tests: dict[Part, StepError | str | None]) -> World:
    """`made`, where the revisions `r1`, `r2`, … have tests that end so."""
    made.tool.tested = {name.removeprefix("r"): ends for name, ends in tests.items()}
    return made


def trials(run: Run) -> list[tuple[str, str, str]]:
    return [(one.step, one.part.value, "ran" if one.ran else "did not run") for one in run.replays[0].trials]


def test_a_test_runs_around_its_step_on_another_clone_after_all_steps_were_measured() -> None:
    made = given(world(), r3=WELL)
    run = made.replay()
    assert made.ran() == ["1", "2", "3", "pre_upgrade of 3", "3", "check of 3"]
    assert trials(run) == [("2->3", "check", "ran")]
    assert run.replays[0].trials[0].seconds == 0.5
    assert verdicts(run) == ["passed", "passed"]


def test_where_no_proposed_step_has_a_test_nothing_is_run_twice() -> None:
    made = given(world(), r1=WELL)
    run = made.replay()
    assert made.ran() == ["1", "2", "3"]
    assert run.replays[0].trials == ()


def test_what_comes_after_the_last_step_with_a_test_is_not_run_twice() -> None:
    made = given(world(patch=chain("1", "2", "3", "4")), r3=WELL)
    assert verdicts(made.replay()) == ["passed", "passed"]
    assert made.ran() == ["1", "2", "3", "4", "pre_upgrade of 3", "3", "check of 3"]


def test_what_a_test_does_is_none_of_its_steps_work() -> None:
    patch = chain("1", "2", Migration("3", work=Work(rows_changed=7)))
    (step,) = [one for one in given(world(patch=patch), r3=WELL).replay().replays[0].steps if one.revision == "3"]
    assert (step.seconds, step.work) == (1.0, Work(rows_changed=7))


@pytest.mark.parametrize(
    ("part", "cause", "sentence"),
    [
        (Part.IMPORT, Cause.RAISED, "MC108 the test of step 2->3 failed in import: it broke"),
        (Part.BEFORE, Cause.RAISED, "MC108 the test of step 2->3 failed in pre_upgrade: it broke"),
        (Part.AFTER, Cause.RAISED, "MC108 the test of step 2->3 failed in check: it broke"),
        (Part.AFTER, Cause.TIMEOUT, "MC108 the test of step 2->3 did not end in check: it broke"),
        (Part.BEFORE, Cause.ENDED, "MC108 the test of step 2->3 ended its process in pre_upgrade: it broke"),
    ],
)
def test_mc108_a_test_that_fails_fails_the_patch(part: Part, cause: Cause, sentence: str) -> None:
    run = given(world(), r3={part: StepError(cause, "it broke")}).replay()
    assert findings(run) == [sentence]
    assert verdicts(run) == ["failed", "failed"]
    assert outcomes(run)["2->3"] == "applied"


@pytest.mark.parametrize("end", [WRONG, "only on MySQL"])
def test_of_a_test_that_does_not_get_past_its_import_nothing_is_run(end: StepError | str) -> None:
    made = given(world(), r3={Part.IMPORT: end})
    assert trials(made.replay()) == [("2->3", "import", "ran")]
    assert made.ran() == ["1", "2", "3", "3"]


def test_a_failed_test_is_told_with_its_file_and_line() -> None:
    run = given(world(), r3={Part.AFTER: WRONG}).replay()
    (found,) = judge_replay(run.replays[0], run).findings
    assert (found.file, found.line, found.step) == ("versions/tests/3_test.py", 7, "2->3")


def test_after_a_test_that_failed_the_next_ones_run() -> None:
    made = given(world(patch=chain("1", "2", "3", "4")), r3={Part.BEFORE: WRONG}, r4=WELL)
    assert trials(made.replay()) == [("2->3", "pre_upgrade", "ran"), ("3->4", "check", "ran")]


def test_after_a_test_that_took_its_process_with_it_the_next_ones_do_not_run() -> None:
    made = given(world(patch=chain("1", "2", "3", "4")), r3={Part.AFTER: StepError(Cause.ENDED, "it broke")}, r4=WELL)
    run = made.replay()
    assert trials(run) == [("2->3", "check", "ran"), ("3->4", "pre_upgrade", "did not run")]
    assert findings(run) == ["MC108 the test of step 2->3 ended its process in check: it broke"]


def test_a_test_that_does_not_want_to_run_fails_nothing() -> None:
    run = given(world(), r3={Part.BEFORE: "only on MySQL"}).replay()
    assert [one.skipped for one in run.replays[0].trials] == ["only on MySQL"]
    assert verdicts(run) == ["passed", "passed"]


def test_tests_are_not_run_where_a_step_did_not_end_well() -> None:
    patch = chain("1", "2", Migration("3", error=StepError(Cause.RAISED, "KeyError")))
    made = given(world(patch=patch), r3=WELL)
    assert findings(made.replay()) == ["MC101 step 2->3 failed: KeyError"]
    assert made.ran() == ["1", "2", "3"]


def test_trunks_own_tests_run_only_where_its_steps_do_and_cannot_fail_a_patch() -> None:
    made = given(world(), r2={Part.AFTER: WRONG})
    assert trials(made.replay()) == []
    run = made.replay(change=Change(cache=False))
    assert findings(run) == ["MC108 trunk's own: the test of step 1->2 failed in check: AssertionError: 3 counters"]
    assert verdicts(run) == ["passed", "passed"]


def test_trunks_own_tests_fail_trunk_where_it_is_judged() -> None:
    made = given(world(), r2={Part.AFTER: WRONG})
    assert judge(made.replay(change=Change(only_trunk=True, cache=False))).verdict == "failed"


def test_a_checkpoint_holds_nothing_of_a_test() -> None:
    made = given(world(), r1=WELL, r2=WELL)
    made.replay()
    assert made.ran() == ["1", "2", "3"]
