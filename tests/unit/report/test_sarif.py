"""The findings for code review systems."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from migci.core.finding import TITLES, Finding, Severity
from migci.core.run import Run
from migci.core.step import Stage
from migci.report import sarif
from tests.unit.report import samples


def log(run: Run) -> dict[str, Any]:
    document = json.loads(sarif.render(run))
    assert document["version"] == "2.1.0"
    found: dict[str, Any] = document["runs"][0]
    return found


def test_every_finding_that_migci_makes_is_a_rule_with_its_page() -> None:
    rules = log(samples.passing())["tool"]["driver"]["rules"]
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules} == TITLES
    assert rules[0]["helpUri"] == "docs/findings/MC001.md"


def test_a_finding_is_a_result_at_its_file_and_line() -> None:
    [result] = log(samples.failing())["results"]
    assert (result["ruleId"], result["level"]) == ("MC101", "error")
    assert list(TITLES)[result["ruleIndex"]] == "MC101"
    assert result["message"]["text"].startswith(
        "on dataset user_001: step 216->217 failed: no such column: cleaned. Hint: "
    )
    assert result["properties"] == {"dataset": "user_001", "step": "216->217"}
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": f"{samples.FOLDER}/217_havana.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 12},
            }
        }
    ]


def test_a_finding_without_a_line_has_no_region_and_one_without_a_file_no_location() -> None:
    findings = (Finding("MC001", Severity.WARNING, "a", file="a b.py"), Finding("MC006", Severity.INFO, "b"))
    first, second = log(samples.run(findings=findings))["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"}
    }
    assert "locations" not in second
    assert (first["level"], second["level"]) == ("warning", "note")
    assert second["properties"]["dataset"] is None


def test_a_fingerprint_outlives_other_seconds_and_lines_but_not_another_dataset() -> None:
    slow, slower = samples.step("1", "2", seconds=61), samples.step("1", "2", seconds=62)
    first, again, elsewhere = (
        log(samples.run(one))["results"][0]["partialFingerprints"]
        for one in (samples.replay(slow), samples.replay(slower), samples.replay(slow, name="user_002"))
    )
    assert first == again != elsewhere


def test_two_findings_alike_have_two_fingerprints() -> None:
    twice = (Finding("MC001", Severity.ERROR, "a", file="a.py", line=1),) * 2
    prints = {
        result["partialFingerprints"]["migciFinding/v1"] for result in log(samples.run(findings=twice))["results"]
    }
    assert len(prints) == 2


def test_an_undecided_run_is_an_unsuccessful_invocation() -> None:
    undecided = samples.run(samples.replay(samples.failed(samples.step("1", "2", Stage.TRUNK))))
    assert log(undecided)["invocations"] == [{"executionSuccessful": False}]
    assert log(samples.failing())["invocations"] == [{"executionSuccessful": True}]


def test_hostile_text_makes_no_links_and_no_places_outside_of_the_checkout() -> None:
    text = sarif.render(samples.hostile())
    assert text.isascii()
    assert len(text) < 23_000
    for result in json.loads(text)["runs"][0]["results"]:
        assert "](" not in result["message"]["text"]
        assert result["message"]["text"].isprintable()
    odd = Finding("MC001", Severity.ERROR, "a", file="javascript:alert(1)//evil")
    [result] = log(replace(samples.passing(), findings=(odd,)))["results"]
    assert ":" not in result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
