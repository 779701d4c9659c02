"""The verdict: what a run's facts mean for the patch. Pure: the same facts always give the same verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from migci.core.dataset import Dataset
from migci.core.finding import Finding, Severity, silenced
from migci.core.run import Part, Replay, Run, Trial
from migci.core.step import Cause, Stage, Step


class Verdict(StrEnum):
    """*Undecided*: migci, its machine or trunk broke, which is never the patch's fault."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Judgement:
    """A verdict and the findings that it rests on."""

    verdict: Verdict
    findings: tuple[Finding, ...]


def judge(run: Run) -> Judgement:
    """The verdict over the whole change; `judge_replay` gives that of one dataset.

    Failed if anything shows a fault of the patch; else undecided if migci could not look everywhere; else passed.
    """
    verdicts = [_verdict(run.findings, complete=bool(run.replays))]
    verdicts += [judge_replay(replay, run).verdict for replay in run.replays]
    for verdict in (Verdict.FAILED, Verdict.UNDECIDED):
        if verdict in verdicts:
            return Judgement(verdict, run.findings)
    return Judgement(Verdict.PASSED, run.findings)


def judge_replay(replay: Replay, run: Run) -> Judgement:
    """The verdict on one dataset.

    Where there is a patch, only its own steps can fail it: trunk's steps over a limit are warnings, and one that
    fails leaves the patch undecided. Without a patch (`run.proposed is None`) every step is judged.
    """
    only_trunk = run.proposed is None
    findings = list(replay.trouble)
    for step in replay.steps:
        judged = only_trunk or step.stage is Stage.PROPOSED
        findings.extend(_ending(step, judged, replay.dataset))
        findings.extend(_limits(step, replay.dataset, judged))
        findings.extend(_exposed(step))
    for trial in replay.trials:
        findings.extend(_tested(trial, only_trunk or trial.stage is Stage.PROPOSED, replay.dataset))
    findings.extend(replay.unmarked)
    if replay.at_newest is False:
        at = ", ".join(replay.final) or "no revision"
        findings.append(
            Finding(
                "MC105",
                Severity.ERROR,
                f"every step ran, and the database is at {at}, which is not the newest revision",
                hint="run the history on an empty database and see where it stops",
            )
        )
    return Judgement(_verdict(findings, complete=replay.at_newest is not None), tuple(findings))


def _verdict(findings: Iterable[Finding], *, complete: bool = True) -> Verdict:
    errors = [finding.id for finding in findings if finding.severity is Severity.ERROR]
    if any(not error.startswith("MC9") for error in errors):
        return Verdict.FAILED
    return Verdict.UNDECIDED if errors or not complete else Verdict.PASSED


def _ending(step: Step, judged: bool, dataset: Dataset) -> Iterator[Finding]:
    error = step.error
    if error is None:
        return
    id_, severity, sentence, hint = _ENDINGS[error.cause]
    if error.cause is Cause.RAISED and not dataset.publishes_log:
        hint = _NOT_KEPT_HINT
    found = Finding(id_, severity, sentence.format(step=step.name, message=error.message), hint, step=step.name)
    if error.cause in (Cause.DISK, Cause.SERVER):
        yield found
        return
    found = replace(found, file=step.file, line=error.line)
    if not judged and severity is Severity.ERROR:
        found = replace(found, id="MC901", message=f"trunk's own {found.message}", hint=_TRUNK_HINT)
    yield found


_ENDINGS = {
    Cause.DISK: (
        "MC905",
        Severity.ERROR,
        "the disk was full when step {step} ended: {message}",
        "free some space, or point MIGCI_STORE at a larger disk",
    ),
    Cause.SERVER: (
        "MC902",
        Severity.ERROR,
        "the database server was gone when step {step} ended: {message}",
        "its own log is at the end of log.txt",
    ),
    Cause.LEFTOVERS: (
        "MC107",
        Severity.WARNING,
        "step {step} {message}",
        "a migration must wait for what it starts",
    ),
    Cause.RAISED: (
        "MC101",
        Severity.ERROR,
        "step {step} failed: {message}",
        "the whole traceback is in log.txt",
    ),
    Cause.TIMEOUT: (
        "MC102",
        Severity.ERROR,
        "step {step} did not end: {message}",
        "see which statement it was in; if it needs longer, raise timeout_seconds",
    ),
    Cause.ENDED: (
        "MC103",
        Severity.ERROR,
        "step {step} ended its process: {message}",
        "a migration must return or raise, and leave the process alone",
    ),
    Cause.IRREVERSIBLE: (
        "MC101",
        Severity.ERROR,
        "step {step} cannot be taken back: {message}",
        "give it a downgrade",
    ),
    Cause.REVISION: (
        "MC104",
        Severity.ERROR,
        "step {step} did not reach its revision: {message}",
        "the tool records a revision after it ran: see what kept it from that",
    ),
}
_NOT_KEPT_HINT = "what it printed is not kept, because the contents are real; publish_log = true keeps it"
_TRUNK_HINT = "bring the dataset to where trunk's migrations can run, for example by an 'after' between releases"


def _limits(step: Step, dataset: Dataset, judged: bool) -> Iterator[Finding]:
    if step.error is not None and step.error.cause in (Cause.SERVER, Cause.DISK):
        return  # what it cost until the machine gave up says nothing
    severity = Severity.ERROR if judged else Severity.WARNING
    for finding, limit, spent, says in (
        ("MC201", "step_seconds", step.seconds, "took {} s; its limit is {} s"),
        ("MC202", "rows_changed", step.work.rows_changed, "changed {} rows; its limit is {}"),
        (
            "MC301",
            "blocked_write_seconds",
            step.work.blocked_write_seconds,
            "blocked writes for {} s; its limit is {} s",
        ),
    ):
        allowed = dataset.allowed(limit, step.name)
        if allowed is not None and spent is not None and spent > allowed:
            found = Finding(
                finding,
                severity,
                f"step {step.name} {says.format(_more_than(spent, allowed), _figure(allowed))}",
                hint=f"make it cheaper, or excuse it in migci.toml: [[datasets.{dataset.name}.excuse]] "
                f'step = "{step.name}", limit = "{limit}", allow = …, reason = "…"',
                step=step.name,
                file=step.file,
            )
            yield silenced(found, step.silences)


_TESTED = {
    Cause.RAISED: "failed in",
    Cause.TIMEOUT: "did not end in",
    Cause.ENDED: "ended its process in",
}


def _tested(trial: Trial, judged: bool, dataset: Dataset) -> Iterator[Finding]:
    """A test that failed. Trunk's own cannot fail a patch, nor keep it from being judged: it is told."""
    error = trial.error
    if error is None:
        return
    if trial.part is Part.STEP:
        sentence = f"step {trial.step} failed on a database that migrations' own tests had prepared: {error.message}"
    else:
        sentence = f"the test of step {trial.step} {_TESTED[error.cause]} {trial.part}: {error.message}"
    yield Finding(
        "MC108",
        Severity.ERROR if judged else Severity.WARNING,
        sentence if judged else f"trunk's own: {sentence}",
        hint="the whole traceback is in log.txt" if dataset.publishes_log else _NOT_KEPT_HINT,
        step=trial.step,
        file=trial.file,
        line=error.line,
    )


def _exposed(step: Step) -> Iterator[Finding]:
    if step.exposed:
        yield Finding(
            "MC601",
            Severity.WARNING,
            f"step {step.name} prints values of {', '.join(step.exposed)}: in production they would stand in its log",
            hint="log keys or counts, not what the columns hold; the values were removed here",
            step=step.name,
            file=step.file,
        )


def _figure(value: float, digits: int = 3) -> str:
    """A figure as people write it: counts in full, seconds to the digits that matter."""
    if value == int(value):
        return f"{int(value)}"
    return f"{value:.{digits}g}" if value < 10**digits else f"{value:.1f}"


def _more_than(value: float, limit: float) -> str:
    """`value` with as few digits, from three on, as show that it is more than `limit`."""
    written = (_figure(value, digits) for digits in range(3, 18))
    return next((text for text in written if float(text) > limit), f"{value}")
