"""The run as a `migci.replay/1` document, `replay.json`: what other programs read."""

from __future__ import annotations

import json

from migci.core.finding import Finding
from migci.core.run import Commit, Replay, Run, Trial
from migci.core.step import Statement, Step, StepError
from migci.core.verdict import judge, judge_replay
from migci.report import plain
from migci.report.figures import measured

SCHEMA = "migci.replay/1"

MOST_CHARACTERS = 10_000
"""No string of the document is longer."""

Json = dict[str, object]


def render(run: Run) -> str:
    """The document as indented JSON in ASCII, each key in the order of the contract."""
    return json.dumps(document(run), indent=1, allow_nan=False) + "\n"


def document(run: Run) -> Json:
    """The document as plain values. `None` stands for what was not measured or not reached."""
    judgement = judge(run)
    return {
        "schema": SCHEMA,
        "project": _text(run.project),
        "tool": _text(run.tool),
        "verdict": judgement.verdict.value,
        "trunk": _commit(run.trunk),
        "proposed": None if run.proposed is None else _commit(run.proposed),
        "started": _text(run.started),
        "seconds": _seconds(run.seconds),
        "sandbox": _text(run.sandbox),
        "datasets": [_dataset(replay, run) for replay in run.replays],
        "findings": [_finding(finding) for finding in judgement.findings],
    }


def _dataset(replay: Replay, run: Run) -> Json:
    judgement = judge_replay(replay, run)
    server, clone = replay.server, replay.clone
    return {
        "name": _text(replay.dataset.name),
        "verdict": judgement.verdict.value,
        "contents": replay.dataset.contents.value,
        "rows": replay.rows,
        "bytes": replay.bytes,
        "seconds": _seconds(replay.seconds),
        "server": server and {"flavor": _text(server.flavor), "version": _text(server.version)},
        "clone": clone
        and {
            "strategy": _text(clone.strategy),
            "from": _text(clone.origin),
            "seconds": _seconds(clone.seconds),
        },
        "planted": None if replay.planted is None else [_text(column) for column in replay.planted],
        "steps": [_step(step) for step in replay.steps],
        "tests": [_trial(trial) for trial in replay.trials],
        "findings": [_finding(finding) for finding in judgement.findings],
    }


def _trial(trial: Trial) -> Json:
    return {
        "step": _text(trial.step),
        "stage": trial.stage.value,
        "file": _text(trial.file),
        "outcome": trial.outcome,
        "part": trial.part.value,
        "seconds": _seconds(trial.seconds),
        "error": None if trial.error is None else _error(trial.error),
        "reason": _text(trial.skipped),
    }


def _step(step: Step) -> Json:
    return {
        "stage": step.stage.value,
        "direction": step.direction,
        "from": _text(step.origin),
        "to": _text(step.revision),
        "revision": _text(step.revision),
        "file": _text(step.file),
        "outcome": step.outcome.value,
        "cached": step.cached,
        "seconds": _seconds(step.seconds),
        "sql_seconds": _seconds(step.sql_seconds),
        "rows_read": step.work.rows_read,
        "rows_changed": step.work.rows_changed,
        "bytes_logged": step.work.bytes_logged,
        "blocked_write_seconds": _seconds(step.work.blocked_write_seconds),
        "error": None if step.error is None else _error(step.error),
        "statements": [_statement(statement) for statement in step.work.statements],
    }


def _error(error: StepError) -> Json:
    return {"cause": error.cause.value, "message": _text(error.message), "line": error.line}


def _statement(statement: Statement) -> Json:
    return {
        "digest": _text(statement.digest),
        "table": None if statement.table is None else _text(statement.table),
        "count": statement.count,
        "seconds": _seconds(statement.seconds),
        "rows_read": statement.rows_read,
        "rows_changed": statement.rows_changed,
        "algorithm": None if statement.algorithm is None else statement.algorithm.value,
        "rebuilt": statement.rebuilt,
        "blocked_write_seconds": _seconds(statement.blocked_write_seconds),
    }


def _finding(finding: Finding) -> Json:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "message": _text(finding.message),
        "hint": _text(finding.hint),
        "step": None if finding.step is None else _text(finding.step),
        "file": None if finding.file is None else _text(finding.file),
        "line": finding.line,
        "url": finding.url,
    }


def _commit(commit: Commit) -> Json:
    return {"ref": _text(commit.ref), "commit": _text(commit.id)}


def _text(text: str) -> str:
    return plain.block(text, MOST_CHARACTERS)


def _seconds(value: float | None) -> float | None:
    value = measured(value)
    return None if value is None else round(float(value), 6)
