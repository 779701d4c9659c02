"""The run as Markdown for a review's comment or a job's summary, short enough for either."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migci.core.finding import TITLES, Finding
from migci.core.run import Replay, Run
from migci.core.step import Step
from migci.core.verdict import judge, judge_replay
from migci.report import figures, plain
from migci.report.ranking import by_seconds, rank, slowest
from migci.report.text import commit, step_counts

# Together they keep the whole under GitHub's 65,536 characters for a comment.
MOST_DATASETS = 20
MOST_FINDINGS = 25
MOST_STEPS = 10


def render(run: Run) -> str:
    """The report. Words that are not migci's own are in code spans, where nothing is a mention or a link."""
    return "\n".join(_lines(run)) + "\n"


def code(text: str, limit: int = 200) -> str:
    """`text` as a code span that it cannot leave, in a table's cell too."""
    # No escape for a pipe holds in every dialect, and a pipe would end the cell with the span still open.
    content = plain.line(text, limit).replace("|", "¦") or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", content)), default=0))
    pad = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{pad}{content}{pad}{fence}"


def _lines(run: Run) -> Iterator[str]:
    yield f"### migci: {judge(run).verdict}"
    yield ""
    on = f"trunk {code(commit(run.trunk))}"
    what = on if run.proposed is None else f"{code(commit(run.proposed))} on {on}"
    yield f"{code(run.project, 80)}, {what}, {figures.seconds(run.seconds)}."
    if run.sandbox == "none":
        yield ""
        yield "sandbox: none"
    if run.replays:
        yield ""
        yield from _datasets(run)
    yield from _findings(run)
    yield from _slowest(run)


def _datasets(run: Run) -> Iterator[str]:
    yield "| Dataset | Verdict | Contents | Server | Rows | Steps | Time |"
    yield "| :-- | :-- | :-- | :-- | --: | :-- | --: |"
    for replay in run.replays[:MOST_DATASETS]:
        verdict = judge_replay(replay, run).verdict
        yield (
            f"| {code(replay.dataset.name, 80)} | {verdict} | {replay.dataset.contents} | {_server(replay)} "
            f"| {figures.count(replay.rows)} | {step_counts(replay)} | {figures.seconds(replay.seconds)} |"
        )
    yield from _more(len(run.replays) - MOST_DATASETS, "more dataset")


def _server(replay: Replay) -> str:
    server = replay.server
    return figures.NOT_MEASURED if server is None else code(f"{server.flavor} {server.version}", 80)


def _findings(run: Run) -> Iterator[str]:
    found: list[tuple[str, Finding]] = [("", finding) for finding in run.findings]
    for replay in run.replays:
        found += [(replay.dataset.name, finding) for finding in judge_replay(replay, run).findings]
    if not found:
        return
    yield ""
    yield "#### Findings"
    yield ""
    for dataset, finding in sorted(found, key=lambda pair: rank(pair[1]))[:MOST_FINDINGS]:
        yield from _finding(dataset, finding)
    yield from _more(len(found) - MOST_FINDINGS, "more finding")


def _finding(dataset: str, finding: Finding) -> Iterator[str]:
    where = [f"dataset {code(dataset, 80)}"] if dataset else []
    where += [code(plain.place(finding))] if finding.file is not None else []
    title = TITLES.get(finding.id, "")
    yield f"- **{finding.severity} {finding.id}** {title}{': ' if where else ''}{', '.join(where)}"
    yield f"  - {code(finding.message, 600)}"
    if finding.hint:
        yield f"  - Hint: {code(finding.hint, 300)}"


def _slowest(run: Run) -> Iterator[str]:
    slow: list[tuple[str, Step]] = []
    for replay in run.replays:
        slow += [(replay.dataset.name, step) for step in slowest(replay.steps, MOST_STEPS)]
    if not slow:
        return
    yield ""
    yield "#### Slowest steps"
    yield ""
    yield "| Dataset | Stage | Step | Time | Rows changed | Slowest statement |"
    yield "| :-- | :-- | :-- | --: | --: | :-- |"
    for name, step in sorted(slow, key=lambda pair: -pair[1].seconds)[:MOST_STEPS]:
        stage = f"{step.stage} (cached)" if step.cached else step.stage
        changed = figures.count(step.work.rows_changed)
        yield (
            f"| {code(name, 80)} | {stage} | {code(plain.arrow(step.name))} "
            f"| {figures.seconds(step.seconds)} | {changed} | {_statement(step)} |"
        )


def _statement(step: Step) -> str:
    for statement in by_seconds(step.work.statements)[:1]:
        return f"{code(statement.digest, 120)} {figures.seconds(statement.seconds)}"
    return ""


def _more(left_out: int, noun: str) -> Iterator[str]:
    if left_out > 0:
        yield ""
        yield f"{figures.several(left_out, noun)}; the report's replay.json has all of them."
