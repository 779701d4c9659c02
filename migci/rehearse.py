"""Use case: the tests that belong to migrations, run around their steps on a clone of their own."""

from __future__ import annotations

from dataclasses import replace

from migci.checkpoint import Course, Position, walk_from
from migci.core.own_tests import OwnTest
from migci.core.run import Part, Trial
from migci.core.step import Cause, Stage, Step, StepError
from migci.ports import Database, DiskFull, ServerFailed, ToolSession
from migci.quiet import Quiet
from migci.route import Reading, beyond, travel
from migci.tools import Tools

_Tests = dict[tuple[Stage, str], tuple[str, list[OwnTest]]]
"""By stage and revision: what the step is called, and its tests."""

_DIED = (Cause.TIMEOUT, Cause.ENDED)
"""What a test did not survive; its session's processes are gone."""


def rehearse(
    course: Course, position: Position, trunk: Reading, patch: Reading | None, tools: Tools
) -> tuple[Trial, ...]:
    """What the tests said of the steps that are run from `position` on: those of trunk, then those of the patch.

    They run on another clone than that on which the steps are measured: a test may put anything into its database, or
    take it out, and what a step costs, and whether it succeeds, must not depend on that. Where no such step has a test,
    there is no clone; no step of the patch is run there after the last that has one.

    Raises OwnTestsFailed, and all that a walk raises.
    """
    left = beyond(course.legs, position.done)
    tests: _Tests = {}
    due = frozenset(one for leg in left if leg.stage is Stage.TRUNK for one in leg.revisions)
    _collect(tests, Stage.TRUNK, trunk, due, tools)
    added: frozenset[str] = frozenset()
    if patch is not None and trunk.history.by_id.keys() <= patch.history.by_id.keys():
        added = frozenset(patch.history.by_id.keys() - trunk.history.by_id.keys())
        _collect(tests, Stage.PROPOSED, patch, added, tools)
        added = _needed(added, patch, tests)
    if not tests:
        return ()
    tools.observer.note(f"{course.dataset.name}: the migrations' own tests, on another clone")
    quiet = replace(tools, observer=Quiet(tools.observer.note))
    rehearsal = _Rehearsal(tests, course.dataset.limits.timeout_seconds)
    with walk_from(course, position, quiet, rehearsal) as (walk, _):
        travel(walk, left, tools.tool, quiet.observer)
        if patch is not None and added:
            walk.stage(Stage.PROPOSED, patch.tree, patch.history, added)
        walk.leave()
    return rehearsal.trials()


def _collect(tests: _Tests, stage: Stage, code: Reading, due: frozenset[str], tools: Tools) -> None:
    for own in tools.tool.own_tests(code.tree, code.history) if due else ():
        if own.revision in due:
            name = f"{code.history.origin(own.revision)}->{own.revision}"
            tests.setdefault((stage, own.revision), (name, []))[1].append(own)


def _needed(added: frozenset[str], patch: Reading, tests: _Tests) -> frozenset[str]:
    """Those up to the last that has a test: what comes after it shows nothing new."""
    ordered = [one.id for one in patch.history.revisions if one.id in added]
    ends = [place + 1 for place, id in enumerate(ordered) if (Stage.PROPOSED, id) in tests]
    return frozenset(ordered[: max(ends, default=0)])


class _Rehearsal:
    """Runs the tests of each step around it. An `Around`."""

    def __init__(self, tests: _Tests, timeout_seconds: float) -> None:
        self._tests = tests
        self._patience = timeout_seconds
        self._found: dict[tuple[Stage, OwnTest], Trial] = {}

    def trials(self) -> tuple[Trial, ...]:
        """All of them; those of steps that were not reached have not run."""
        for (stage, _), (name, tests) in self._tests.items():
            for own in tests:
                self._found.setdefault((stage, own), Trial(stage, name, own.file, ran=False))
        return tuple(self._found.values())

    def _of(self, step: Step) -> list[OwnTest]:
        return self._tests.get((step.stage, step.revision), ("", []))[1]

    def before(self, session: ToolSession, database: Database, step: Step) -> bool:
        for own in self._of(step):
            trial = Trial(step.stage, step.name, own.file)
            for part in (Part.IMPORT, Part.BEFORE):
                self._found[step.stage, own] = trial = self._run(trial, own, part, session, database)
                if _died(trial):
                    return False
                if trial.error is not None or trial.skipped:
                    break
        return True

    def after(self, session: ToolSession, database: Database, step: Step) -> bool:
        if step.error is not None:
            self._blame(step, step.error)
            return True
        for own in self._of(step):
            trial = self._found[step.stage, own]
            if trial.error is None and not trial.skipped:
                self._found[step.stage, own] = trial = self._run(trial, own, Part.AFTER, session, database)
                if _died(trial):
                    return False
        return True

    def _run(self, trial: Trial, own: OwnTest, part: Part, session: ToolSession, database: Database) -> Trial:
        attempt = session.test(own, part, self._patience, _nothing)
        if attempt.error is not None and attempt.error.cause in _DIED:
            database.end_sessions()
        elif database.settle(self._patience) is None:  # it must not run into the step
            database.end_sessions()
            attempt = replace(attempt, error=_running(self._patience))
        _raise(database.trouble())
        return replace(
            trial,
            part=part,
            seconds=trial.seconds + attempt.seconds,
            error=attempt.error,
            skipped=attempt.skipped,
        )

    def _blame(self, step: Step, error: StepError) -> None:
        """A step ended well without tests, and does not with what they left: those of its own answer for it."""
        _raise(error if error.cause in (Cause.SERVER, Cause.DISK) else None)
        own = self._of(step)
        for one in own or [OwnTest(step.revision, step.file)]:
            known = self._found.get((step.stage, one), Trial(step.stage, step.name, one.file))
            if known.error is None:
                line = None if own else error.line
                self._found[step.stage, one] = replace(known, part=Part.STEP, error=replace(error, line=line))


def _died(trial: Trial) -> bool:
    return trial.error is not None and trial.error.cause in _DIED


def _running(patience_seconds: float) -> StepError:
    return StepError(Cause.TIMEOUT, f"a statement of it was still running {patience_seconds:g} s after it")


def _raise(error: StepError | None) -> None:
    if error is not None:
        raise (DiskFull if error.cause is Cause.DISK else ServerFailed)(error.message)


def _nothing() -> None:
    return
