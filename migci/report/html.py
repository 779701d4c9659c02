"""The run as one HTML page that needs no network and no scripts, and that is never larger than `BUDGET`."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from migci.core.finding import TITLES, Severity
from migci.core.run import Replay, Run
from migci.core.step import Stage, Step
from migci.core.verdict import judge, judge_replay
from migci.report import chart, figures, plain, ranking
from migci.report.text import commit, step_counts

BUDGET = 500_000
"""Bytes that the page stays under: review systems and mail gateways still show it."""

MOST_DATASETS = 60
MOST_FINDINGS = 20
"""Of the change as a whole; a dataset's have its `Detail`."""


@dataclass(frozen=True)
class Detail:
    """How much of a dataset is shown. `digest` is in characters."""

    findings: int
    bars: int
    steps: int
    statements: int
    digest: int
    message: int


DETAILS = (
    *(
        Detail(findings=30, bars=25, steps=1000, statements=statements, digest=200, message=2000)
        for statements in (40, 30, 24, 20, 16, 13, 11, 9, 8, 7, 6, 5, 4, 3, 2, 1)
    ),
    *(
        Detail(findings=20, bars=25, steps=steps, statements=0, digest=0, message=600)
        for steps in (1000, 700, 500, 350, 250, 150, 80)
    ),
    Detail(findings=10, bars=12, steps=30, statements=0, digest=0, message=300),
    Detail(findings=3, bars=5, steps=0, statements=0, digest=0, message=200),
    Detail(findings=0, bars=0, steps=0, statements=0, digest=0, message=0),
)
"""From the most to the least: the first that fits is taken."""


def render(run: Run) -> str:
    """The page. Each dataset gets an equal share of the budget, and what it leaves goes to those after it."""
    style = files("migci.report").joinpath("report.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    judgement = judge(run)

    def page(datasets: list[Markup]) -> str:
        return (
            _environment()
            .get_template("report.html.j2")
            .render(
                run=run,
                verdict=judgement.verdict,
                summary=_summary(run),
                findings=ranking.worst_first(judgement.findings),
                most=MOST_FINDINGS,
                datasets=datasets,
                judgements=[(replay, judge_replay(replay, run)) for replay in run.replays[:MOST_DATASETS]],
                left_out=len(run.replays) - MOST_DATASETS,
                style=Markup(style),  # noqa: S704  (migci's own file)
                style_hash=digest,
            )
        )

    left = BUDGET - len(_encoded(page([]))) - 1
    shown = run.replays[:MOST_DATASETS]
    datasets: list[Markup] = []
    for number, replay in enumerate(shown):
        section = _fitting(left // (len(shown) - number), _section(run, replay, number))
        left -= len(_encoded(section))
        datasets.append(Markup(section))  # noqa: S704  (rendered with autoescape)
    return page(datasets)


def _summary(run: Run) -> str:
    findings = [*run.findings]
    for replay in run.replays:
        findings += judge_replay(replay, run).findings
    counts = Counter(finding.severity for finding in findings)
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
    told = [figures.several(counts[severity], noun) for severity, noun in nouns.items() if counts[severity]]
    steps = figures.several(sum(len(replay.steps) for replay in run.replays), "step")
    return f"{', '.join(told) or 'no findings'}; {steps} on {figures.several(len(run.replays), 'dataset')}"


def _fitting(budget: int, section: Callable[[Detail], str]) -> str:
    """The section in the most detail that keeps `budget`, found by halving: less detail is shorter."""
    low, high = 0, len(DETAILS) - 1
    best = section(DETAILS[-1])
    while low < high:
        middle = (low + high) // 2
        tried = section(DETAILS[middle])
        if len(_encoded(tried)) <= budget:
            high, best = middle, tried
        else:
            low = middle + 1
    return best


def _section(run: Run, replay: Replay, number: int) -> Callable[[Detail], str]:
    judgement = judge_replay(replay, run)
    template = _environment().get_template("dataset.html.j2")

    def section(detail: Detail) -> str:
        shown = ranking.telling(replay.steps, detail.steps)
        return template.render(
            replay=replay,
            number=number,
            verdict=judgement.verdict,
            findings=ranking.worst_first(judgement.findings),
            detail=detail,
            tables=_tables([(index, replay.steps[index]) for index in shown]),
            linked=frozenset(shown),
            strip=chart.strip(replay.steps) if detail.bars else (),
            chart=chart.bars(replay.steps, detail.bars, replay.dataset.limits.step_seconds),
            stages=[(stage, _of(stage, replay)) for stage, _ in ranking.stages(replay.steps)],
        )

    return section


def _tables(steps: list[tuple[int, Step]]) -> list[tuple[str, list[tuple[int, Step]]]]:
    proposed = [pair for pair in steps if pair[1].stage is Stage.PROPOSED]
    before = [pair for pair in steps if pair[1].stage is not Stage.PROPOSED]
    tables = [("The patch's steps", proposed), ("Steps before the patch" if proposed else "Steps", before)]
    return [table for table in tables if table[1]]


def _of(stage: Stage, replay: Replay) -> tuple[Step, ...]:
    return tuple(step for step in replay.steps if step.stage is stage)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("migci.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.tests["troubled"] = chart.troubled
    environment.filters |= {
        "line": plain.line,
        "block": plain.block,
        "arrow": lambda step: plain.arrow(step).replace("->", "→"),
        "place": plain.place,
        "base": lambda path: plain.line(path.rpartition("/")[2], 60),
        "seconds": figures.seconds,
        "column": figures.column,
        "count": figures.count,
        "size": figures.size,
        "commit": commit,
        "mark": lambda seconds: f"{seconds:.6f}".rstrip("0").rstrip("."),
        "percent": lambda value: f"{value:.3g}%",
        "by_seconds": ranking.by_seconds,
    }
    environment.globals |= {
        "TITLES": TITLES,
        "several": figures.several,
        "step_counts": step_counts,
        "troubled": chart.troubled,
    }
    return environment
