"""The verdict: each rule, with the whole sentence that a person reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migci.core.dataset import Dataset, Excuse, Limits
from migci.core.finding import TITLES, Finding, Severity
from migci.core.run import Commit, Replay, Run
from migci.core.step import Cause, Outcome, Stage, Step, StepError, Work
from migci.core.verdict import Verdict, judge, judge_replay

LIMITS = Limits(step_seconds=60, rows_changed=1000, blocked_write_seconds=5)
DATASET = Dataset("user_001", limits=LIMITS)
PATCH = Run("shop", "alembic", Commit("trunk", "a"), Commit("HEAD", "b"))
TRUNK_ALONE = replace(PATCH, proposed=None)
CONFLICT = Finding("MC004", Severity.ERROR, "the patch cannot be merged onto trunk: conflict in models.py")


def step(**facts: object) -> Step:
    plain = Step(Stage.PROPOSED, "152", "153", "versions/153.py", Outcome.APPLIED, seconds=1.0)
    return replace(plain, **facts)  # type: ignore[arg-type]


def failed(cause: Cause, message: str, line: int | None = None, **facts: object) -> Step:
    return step(outcome=Outcome.FAILED, error=StepError(cause, message, line), **facts)


def replay(*steps: Step, dataset: Dataset = DATASET) -> Replay:
    return Replay(dataset, steps, at_newest=None if any(one.outcome is Outcome.FAILED for one in steps) else True)


def told(*steps: Step, run: Run = PATCH, dataset: Dataset = DATASET) -> list[str]:
    """The findings of one replay: id, severity, sentence."""
    judgement = judge_replay(replay(*steps, dataset=dataset), run)
    return [f"{one.id} {one.severity}: {one.message}" for one in judgement.findings]


def verdict(*steps: Step, run: Run = PATCH, dataset: Dataset = DATASET) -> Verdict:
    return judge_replay(replay(*steps, dataset=dataset), run).verdict


def test_a_step_within_its_limits_passes_without_a_word() -> None:
    at_the_limit = step(seconds=60.0, work=Work(rows_changed=1000, blocked_write_seconds=5.0))
    assert told(at_the_limit) == []
    assert verdict(at_the_limit) is Verdict.PASSED


def test_mc101_a_step_that_raised_is_named_with_what_it_raised_and_where() -> None:
    judgement = judge_replay(replay(failed(Cause.RAISED, "KeyError: 'uuid'", line=12)), PATCH)
    assert judgement.findings == (
        Finding(
            "MC101",
            Severity.ERROR,
            "step 152->153 failed: KeyError: 'uuid'",
            hint="the whole traceback is in log.txt",
            step="152->153",
            file="versions/153.py",
            line=12,
        ),
    )
    assert judgement.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Cause.RAISED, "MC101 error: step 152->153 failed: it broke"),
        (Cause.TIMEOUT, "MC102 error: step 152->153 did not end: it broke"),
        (Cause.ENDED, "MC103 error: step 152->153 ended its process: it broke"),
        (Cause.REVISION, "MC104 error: step 152->153 did not reach its revision: it broke"),
    ],
)
def test_a_step_of_the_patch_that_does_not_end_well_fails_it(cause: Cause, sentence: str) -> None:
    assert told(failed(cause, "it broke")) == [sentence]
    assert verdict(failed(cause, "it broke")) is Verdict.FAILED


@pytest.mark.parametrize("stage", [Stage.RELEASE, Stage.TRUNK])
@pytest.mark.parametrize(
    ("cause", "what"),
    [
        (Cause.RAISED, "failed"),
        (Cause.TIMEOUT, "did not end"),
        (Cause.ENDED, "ended its process"),
        (Cause.REVISION, "did not reach its revision"),
    ],
)
def test_mc901_a_step_of_trunk_that_does_not_end_well_leaves_the_patch_undecided(
    stage: Stage, cause: Cause, what: str
) -> None:
    broken = failed(cause, "it broke", stage=stage)
    assert told(broken) == [f"MC901 error: trunk's own step 152->153 {what}: it broke"]
    assert verdict(broken) is Verdict.UNDECIDED


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("run", [PATCH, TRUNK_ALONE])
@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (Cause.DISK, "MC905 error: the disk was full when step 152->153 ended: why"),
        (Cause.SERVER, "MC902 error: the database server was gone when step 152->153 ended: why"),
    ],
)
def test_what_migcis_machine_did_is_nobodys_fault(stage: Stage, run: Run, cause: Cause, sentence: str) -> None:
    assert told(failed(cause, "why", stage=stage), run=run) == [sentence]
    assert verdict(failed(cause, "why", stage=stage), run=run) is Verdict.UNDECIDED


@pytest.mark.parametrize("stage", list(Stage))
def test_mc107_processes_left_behind_are_a_warning(stage: Stage) -> None:
    left = step(stage=stage, error=StepError(Cause.LEFTOVERS, "left 1 process running, which had to be killed"))
    assert told(left) == ["MC107 warning: step 152->153 left 1 process running, which had to be killed"]
    assert verdict(left) is Verdict.PASSED


def test_mc201_a_step_over_its_limit_is_named_with_its_seconds_and_the_limit() -> None:
    slow = step(seconds=95.0)
    judgement = judge_replay(replay(slow), PATCH)
    assert [one.message for one in judgement.findings] == ["step 152->153 took 95 s; its limit is 60 s"]
    assert judgement.findings[0].hint == (
        "make it cheaper, or excuse it in migci.toml: [[datasets.user_001.excuse]] "
        'step = "152->153", limit = "step_seconds", allow = …, reason = "…"'
    )
    assert judgement.verdict is Verdict.FAILED


def test_mc202_a_step_that_changes_too_many_rows_is_named_with_their_number_and_the_limit() -> None:
    assert told(step(work=Work(rows_changed=1_234_567))) == [
        "MC202 error: step 152->153 changed 1234567 rows; its limit is 1000"
    ]


def test_mc301_a_step_that_blocks_writes_too_long_is_named_with_the_seconds_and_the_limit() -> None:
    assert told(step(work=Work(blocked_write_seconds=7.5))) == [
        "MC301 error: step 152->153 blocked writes for 7.5 s; its limit is 5 s"
    ]


def test_a_step_over_several_limits_is_named_for_each() -> None:
    dear = step(seconds=61.0, work=Work(rows_changed=1001, blocked_write_seconds=6.0))
    assert [one.split()[0] for one in told(dear)] == ["MC201", "MC202", "MC301"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(95.0, "95"), (60.04, "60.04"), (61.23456, "61.2"), (1234.5, "1234.5")],
)
def test_seconds_over_a_limit_are_never_written_as_the_limit_itself(seconds: float, words: str) -> None:
    (sentence,) = told(step(seconds=seconds))
    assert sentence == f"MC201 error: step 152->153 took {words} s; its limit is 60 s"


def test_a_limit_that_is_not_set_and_a_figure_that_was_not_measured_say_nothing() -> None:
    unlimited = replace(DATASET, limits=Limits(step_seconds=None))
    assert told(step(seconds=1e6, work=Work(rows_changed=10**9)), dataset=unlimited) == []
    assert told(step(work=Work(rows_changed=None, blocked_write_seconds=None))) == []


def test_a_limit_of_zero_is_a_limit() -> None:
    strict = replace(DATASET, limits=Limits(rows_changed=0))
    assert told(step(work=Work(rows_changed=1)), dataset=strict) == [
        "MC202 error: step 152->153 changed 1 rows; its limit is 0"
    ]


@pytest.mark.parametrize("stage", [Stage.RELEASE, Stage.TRUNK])
def test_a_step_of_trunk_over_its_limit_is_a_warning(stage: Stage) -> None:
    slow = step(stage=stage, seconds=95.0)
    assert told(slow) == ["MC201 warning: step 152->153 took 95 s; its limit is 60 s"]
    assert verdict(slow) is Verdict.PASSED


def test_an_excuse_allows_its_step_and_its_limit() -> None:
    excused = replace(DATASET, excuses=(Excuse("152->153", "step_seconds", 300, "known slow"),))
    assert told(step(seconds=299.0), dataset=excused) == []
    assert told(step(seconds=301.0), dataset=excused) == ["MC201 error: step 152->153 took 301 s; its limit is 300 s"]


@pytest.mark.parametrize(
    "excuse", [Excuse("151->152", "step_seconds", 300, "another"), Excuse("152->153", "rows_changed", 300, "another")]
)
def test_an_excuse_allows_no_other_step_and_no_other_limit(excuse: Excuse) -> None:
    assert told(step(seconds=95.0), dataset=replace(DATASET, excuses=(excuse,))) == [
        "MC201 error: step 152->153 took 95 s; its limit is 60 s"
    ]


def test_mc105_a_database_that_is_not_at_the_newest_revision_fails_the_patch() -> None:
    there = replace(replay(step()), at_newest=False, final=("151", "x"))
    judgement = judge_replay(there, PATCH)
    assert [one.message for one in judgement.findings] == [
        "every step ran, and the database is at 151, x, which is not the newest revision"
    ]
    assert judgement.verdict is Verdict.FAILED


def test_a_replay_that_did_not_get_to_its_end_is_undecided_also_without_a_finding() -> None:
    assert judge_replay(Replay(DATASET), PATCH).verdict is Verdict.UNDECIDED


def test_only_trunk_every_step_is_judged() -> None:
    for stage in Stage:
        assert verdict(failed(Cause.RAISED, "it broke", stage=stage), run=TRUNK_ALONE) is Verdict.FAILED
        assert told(step(stage=stage, seconds=95.0), run=TRUNK_ALONE) == [
            "MC201 error: step 152->153 took 95 s; its limit is 60 s"
        ]


PASSED = replay(step())
FAILED = replay(failed(Cause.RAISED, "it broke"))
UNDECIDED = replay(failed(Cause.SERVER, "gone"))


@pytest.mark.parametrize(
    ("replays", "verdict"),
    [
        ((PASSED,), Verdict.PASSED),
        ((PASSED, UNDECIDED), Verdict.UNDECIDED),
        ((UNDECIDED, PASSED), Verdict.UNDECIDED),
        ((PASSED, UNDECIDED, FAILED), Verdict.FAILED),
        ((FAILED, PASSED), Verdict.FAILED),
        ((), Verdict.UNDECIDED),
    ],
)
def test_undecided_beats_passed_and_failed_beats_both(replays: tuple[Replay, ...], verdict: Verdict) -> None:
    assert judge(replace(PATCH, replays=replays)).verdict is verdict


def test_within_one_replay_failed_beats_undecided_too() -> None:
    both = replay(step(seconds=95.0), failed(Cause.SERVER, "gone"))
    assert judge_replay(both, PATCH).verdict is Verdict.FAILED


def test_a_finding_of_the_change_as_a_whole_fails_it() -> None:
    assert judge(replace(PATCH, findings=(CONFLICT,))).verdict is Verdict.FAILED
    assert judge(replace(PATCH, replays=(PASSED,), findings=(CONFLICT,))).verdict is Verdict.FAILED


def test_a_warning_of_the_change_as_a_whole_does_not_fail_it() -> None:
    warning = Finding("MC001", Severity.WARNING, "the patch edits revision 1")
    assert judge(replace(PATCH, replays=(PASSED,), findings=(warning,))).verdict is Verdict.PASSED


def test_every_finding_that_is_made_here_has_a_title() -> None:
    for cause in Cause:
        for run in (PATCH, TRUNK_ALONE):
            for stage in Stage:
                for sentence in told(failed(cause, "why", stage=stage), run=run):
                    assert sentence.split()[0] in TITLES


def test_a_step_that_did_not_end_well_must_say_why() -> None:
    with pytest.raises(ValueError, match="step 152->153 did not end well, and does not say why"):
        step(outcome=Outcome.FAILED)
