"""The `migci.replay/1` document keeps the contract that other programs read it by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from migci.core import dataset, finding, step, verdict
from migci.core.run import Run
from migci.core.step import Outcome
from migci.report import document
from tests.unit.report import samples

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/replay.schema.json").read_text("utf-8"))


def rendered(run: Run) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(document.render(run))
    return loaded


@pytest.mark.parametrize(
    "run",
    [
        samples.passing(),
        samples.failing(),
        samples.hostile(),
        samples.run(samples.tried()),
        samples.nova(Outcome.FAILED),
        samples.run(replace(samples.replay(), server=None, clone=None, rows=None, bytes=None)),
        replace(samples.passing(), proposed=None),
    ],
    ids=["passing", "failing", "hostile", "tests", "nova", "not started", "only trunk"],
)
def test_every_document_is_valid_by_the_published_schema(run: Run) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(rendered(run))] == []


def test_a_report_that_was_written_before_honeytokens_is_valid_too() -> None:
    earlier = rendered(samples.passing())
    for one in earlier["datasets"]:
        del one["planted"]
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(earlier)] == []


def test_the_schema_knows_every_value_of_the_enumerations() -> None:
    found: set[frozenset[str]] = set()

    def collect(node: object) -> None:
        if isinstance(node, dict):
            found.update([frozenset(node["enum"])] if "enum" in node else [])
            list(map(collect, node.values()))
        elif isinstance(node, list):
            list(map(collect, node))

    collect(SCHEMA)
    steps = (step.Stage, step.Outcome, step.Cause, step.Algorithm)
    for kind in (verdict.Verdict, dataset.Contents, finding.Severity, *steps):
        assert frozenset(member.value for member in kind) in found, kind


def test_a_migrations_own_test_has_its_outcome_and_its_error() -> None:
    tests = rendered(samples.run(samples.tried()))["datasets"][0]["tests"]
    assert [(one["step"], one["outcome"], one["part"]) for one in tests] == [
        ("215->216", "passed", "check"),
        ("216->217", "failed", "check"),
        ("216->217", "not run", "check"),
    ]
    assert tests[1]["error"] == {"cause": "raised", "message": "AssertionError", "line": 3}


def test_the_first_keys_say_what_it_is_and_how_it_ended() -> None:
    found = rendered(samples.passing())
    assert (found["schema"], found["project"], found["tool"]) == (
        "migci.replay/1",
        "nova",
        "sqlalchemy-migrate",
    )
    assert (found["verdict"], found["datasets"][0]["verdict"]) == ("passed", "passed")
    assert found["proposed"] == {"ref": "HEAD", "commit": samples.PROPOSED.id}


def test_a_step_has_the_keys_and_figures_of_the_contract() -> None:
    one = rendered(samples.passing())["datasets"][0]["steps"][0]
    assert (one["from"], one["to"], one["revision"], one["stage"]) == ("215", "216", "216", "trunk")
    assert (one["cached"], one["seconds"], one["rows_changed"]) == (True, 1.234567, 250_000)
    assert one["statements"][1]["algorithm"] == "COPY"
    assert one["statements"][1]["rebuilt"] is True


def test_seconds_have_six_decimals() -> None:
    found = rendered(samples.run(samples.replay(samples.step("1", "2", seconds=1 / 3))))
    assert found["datasets"][0]["steps"][0]["seconds"] == 0.333333


def test_an_error_has_its_cause_message_and_line() -> None:
    found = rendered(samples.failing())
    assert found["verdict"] == "failed"
    assert found["datasets"][0]["steps"][0]["error"] == {
        "cause": "raised",
        "message": "no such column: cleaned",
        "line": 12,
    }
    assert found["datasets"][0]["steps"][1]["error"] is None


def test_a_finding_names_its_step_file_line_and_page() -> None:
    finding = rendered(samples.failing())["datasets"][0]["findings"][0]
    assert finding == {
        "id": "MC101",
        "severity": "error",
        "message": "step 216->217 failed: no such column: cleaned",
        "hint": "the whole traceback is in log.txt",
        "step": "216->217",
        "file": f"{samples.FOLDER}/217_havana.py",
        "line": 12,
        "url": "docs/findings/MC101.md",
    }


def test_a_run_of_trunk_alone_has_no_proposed_commit() -> None:
    assert rendered(replace(samples.passing(), proposed=None))["proposed"] is None


def test_what_the_process_could_not_have_measured_is_null() -> None:
    one = rendered(samples.hostile())["datasets"][0]["steps"][0]
    assert one["sql_seconds"] is None
    assert one["statements"][0]["seconds"] is None


def test_a_hostile_message_is_bounded_and_holds_nothing_that_a_screen_obeys() -> None:
    text = document.render(samples.hostile())
    message = json.loads(text)["datasets"][0]["steps"][0]["error"]["message"]
    assert len(message) <= 10_000
    assert message.endswith("more characters)")
    assert not set("\x1b\x00\x07\u202e\ud800") & set(message)
    assert text.isascii()
