"""The report for CI systems that draw test results."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as Xml

from migci.core.finding import Finding, Severity
from migci.core.run import Run
from migci.core.step import Cause, Stage
from migci.report import junit
from tests.unit.report import samples


def suites(run: Run) -> list[Xml.Element]:
    return list(Xml.fromstring(junit.render(run).encode()))


def cases(run: Run) -> list[Xml.Element]:
    return [case for suite in suites(run) for case in suite]


def test_a_dataset_is_a_testsuite_that_counts_its_steps() -> None:
    [suite] = suites(samples.failing())
    assert suite.attrib == {
        "name": "user_001",
        "time": "14.200000",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }


def test_a_step_is_a_testcase_under_its_project_and_stage() -> None:
    first, second = cases(samples.passing())
    assert first.attrib == {"classname": "nova.trunk", "name": "215->216", "time": "1.234567"}
    assert second.attrib == {"classname": "nova.proposed", "name": "216->217", "time": "2.500000"}
    assert list(first) == list(second) == []


def test_a_fault_of_the_patch_is_a_failure() -> None:
    [failure] = cases(samples.failing())[0]
    assert failure.tag == "failure"
    assert failure.attrib == {"message": "step 216->217 failed: no such column: cleaned", "type": "MC101"}
    assert failure.text is not None
    assert failure.text.splitlines()[1] == f"at {samples.FOLDER}/217_havana.py:12"


def test_a_skipped_step_is_a_skipped_testcase() -> None:
    [skipped] = cases(samples.failing())[1]
    assert (skipped.tag, skipped.get("message")) == ("skipped", "a step before it did not end well")


def test_trunks_own_failure_is_an_error() -> None:
    run = samples.run(samples.replay(samples.failed(samples.step("1", "2", Stage.TRUNK))))
    [error] = cases(run)[0]
    assert (error.tag, error.get("type")) == ("error", "MC901")


def test_a_lost_server_is_an_error_even_under_the_patch() -> None:
    run = samples.run(samples.replay(samples.failed(samples.step("1", "2"), cause=Cause.SERVER)))
    [error] = cases(run)[0]
    assert (error.tag, error.get("type")) == ("error", "MC902")


def test_a_step_that_is_too_slow_is_a_failure_though_it_was_applied() -> None:
    [failure] = cases(samples.run(samples.replay(samples.step("1", "2", seconds=61.5))))[0]
    assert (failure.tag, failure.get("message")) == ("failure", "step 1->2 took 61.5 s; its limit is 60 s")


def test_a_warning_leaves_the_testcase_passed_and_is_told_as_its_output() -> None:
    [output] = cases(samples.run(samples.replay(samples.step("1", "2", Stage.TRUNK, seconds=61.5))))[0]
    assert output.tag == "system-out"
    assert output.text is not None
    assert output.text.startswith("warning MC201: step 1->2 took 61.5 s")


def test_what_no_step_tells_is_a_testcase_of_its_own() -> None:
    trouble = Finding("MC903", Severity.ERROR, "the dump ends in the middle of a statement")
    [case] = cases(samples.run(samples.replay(trouble=(trouble,))))
    assert case.get("name") == "MC903 The dataset could not be prepared"
    assert [child.tag for child in case] == ["error"]


def test_the_changes_own_findings_are_a_testsuite_named_like_the_project() -> None:
    edited = Finding("MC001", Severity.ERROR, "migration 133 was edited", file="133.py", line=3)
    [suite, dataset] = suites(replace(samples.passing(), findings=(edited,)))
    assert (suite.get("name"), suite.get("failures"), dataset.get("name")) == ("nova", "1", "user_001")


def test_hostile_text_leaves_valid_and_bounded_xml() -> None:
    text = junit.render(samples.hostile())
    root = Xml.fromstring(text.encode())
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "skipped",
        "system-out",
    }
    assert len(text) < 20_000
    assert not set("\x1b\x00\ufffe\ud800") & set(text)
