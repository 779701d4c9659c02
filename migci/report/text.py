"""The run as plain text for a terminal or a job's log: the verdict first, then each dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from migci.core.finding import Finding
from migci.core.run import Commit, Replay, Run
from migci.core.step import Outcome, Statement, Step
from migci.core.verdict import judge, judge_replay
from migci.report import figures, plain
from migci.report.ranking import by_seconds, slowest, stages, worst_first

MOST_FINDINGS = 50
"""Per dataset; the rest is counted."""
SLOWEST = 5


def render(run: Run) -> str:
    """The report, without colours, each finding on a line of its own that begins with its severity and id."""
    return "\n".join(plain.unobeyed(line) for line in _lines(run)) + "\n"


def _lines(run: Run) -> Iterator[str]:
    judgement = judge(run)
    yield f"verdict: {judgement.verdict}"
    project, tool = plain.line(run.project, 80), plain.line(run.tool, 40)
    yield f"project: {project} ({tool}), {figures.seconds(run.seconds)}"
    yield f"trunk: {commit(run.trunk)}"
    yield f"proposed: {commit(run.proposed) if run.proposed else 'nothing, trunk itself is judged'}"
    if run.sandbox == "none":
        yield "sandbox: none"
    if run.findings:
        yield ""
        yield from _findings(judgement.findings)
    for replay in run.replays:
        yield ""
        yield from _dataset(replay, run)


def _dataset(replay: Replay, run: Run) -> Iterator[str]:
    judgement = judge_replay(replay, run)
    facts = ", ".join(_facts(replay))
    yield f"{plain.line(replay.dataset.name, 80)}: {judgement.verdict} ({facts})"
    yield from _findings(judgement.findings)
    slow = slowest(replay.steps, SLOWEST)
    if slow:
        yield "  slowest steps:"
        width = max(len(plain.arrow(step.name)) for step in slow)
        for step in slow:
            yield from _slow_step(step, width)


def _facts(replay: Replay) -> Iterator[str]:
    yield f"{replay.dataset.contents} data"
    if replay.server is None:
        yield "no server"
    else:
        yield f"{plain.line(replay.server.flavor, 40)} {plain.line(replay.server.version, 60)}"
    yield "rows not counted" if replay.rows is None else figures.several(replay.rows, "row")
    yield step_counts(replay)
    if replay.planted == ():
        yield "no honeytoken could be planted"
    if replay.trials:
        yield test_counts(replay)
    yield figures.seconds(replay.seconds)


def step_counts(replay: Replay) -> str:
    """How many steps there are in each stage, and how many of them did not run just now."""
    if not replay.steps:
        return "no steps"
    ran = " + ".join(f"{number} {stage}" for stage, number in stages(replay.steps))
    cached = sum(step.cached for step in replay.steps)
    skipped = sum(step.outcome is Outcome.SKIPPED for step in replay.steps)
    others = ((cached, "cached"), (skipped, "skipped"))
    idle = ", ".join(f"{number} {what}" for number, what in others if number)
    return f"{figures.several(len(replay.steps), 'step')}: {ran}" + (f", of these {idle}" if idle else "")


def test_counts(replay: Replay) -> str:
    """How many of the migrations' own tests there were, and how they ended."""
    ends = Counter(trial.outcome for trial in replay.trials)
    return f"{figures.several(len(replay.trials), 'test')}: {', '.join(f'{ends[end]} {end}' for end in ends)}"


def _findings(findings: Iterable[Finding]) -> Iterator[str]:
    ordered = worst_first(findings)
    for finding in ordered[:MOST_FINDINGS]:
        yield f"  {finding.severity} {finding.id}: {plain.line(finding.message, 800)}"
        if finding.file is not None:
            yield f"    at {plain.place(finding)}"
        if finding.hint:
            yield f"    hint: {plain.line(finding.hint, 400)}"
    left_out = len(ordered) - MOST_FINDINGS
    if left_out > 0:
        yield f"  {figures.several(left_out, 'more finding')}; replay.json has all of them"


def _slow_step(step: Step, width: int) -> Iterator[str]:
    changed = "rows changed not measured"
    if step.work.rows_changed is not None:
        changed = f"{figures.several(step.work.rows_changed, 'row')} changed"
    ended = "" if step.outcome is Outcome.APPLIED else f"  {step.outcome}"
    cached = "  (cached)" if step.cached else ""
    name = plain.arrow(step.name).ljust(width)
    yield f"    {step.stage:<8}  {name}  {figures.seconds(step.seconds):>11}  {changed}{ended}{cached}"
    for statement in by_seconds(step.work.statements)[:1]:
        yield f"      slowest statement: {plain.line(statement.digest, 160)} ({', '.join(_cost(statement))})"


def _cost(statement: Statement) -> Iterator[str]:
    yield figures.seconds(statement.seconds)
    if statement.count != 1:
        yield f"{figures.count(statement.count)} times"
    if statement.algorithm is not None:
        yield statement.algorithm.value
    if statement.rebuilt:
        yield "table rebuilt"


def commit(named: Commit) -> str:
    """A commit as people name it: the ref, and the start of the id."""
    return " ".join(filter(None, (plain.line(named.ref, 120), plain.line(named.id, 200)[:12])))
