"""The run as JUnit XML: a testsuite for each dataset and a testcase for each of its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as Xml

from migci.core.finding import TITLES, Finding, Severity
from migci.core.run import Replay, Run
from migci.core.step import Outcome, Stage
from migci.core.verdict import judge_replay
from migci.report import plain

MOST_CHARACTERS = 4_000
"""Of one failure's text."""


def render(run: Run) -> str:
    """The XML. A fault of the patch is a *failure*; one of trunk, of migci or its machine is an *error*."""
    root = Xml.Element("testsuites", name="migci", time=_seconds(run.seconds))
    if run.findings:
        suite = _suite(root, run.project, run.seconds)
        _cases_of_findings(suite, _name(run.project), run.findings)
        _count(suite)
    for replay in run.replays:
        _replay(root, replay, run)
    _count(root)
    Xml.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _replay(root: Xml.Element, replay: Replay, run: Run) -> None:
    suite = _suite(root, replay.dataset.name, replay.seconds)
    findings = judge_replay(replay, run).findings
    for step in replay.steps:
        case = _case(suite, f"{_name(run.project)}.{step.stage}", plain.arrow(step.name), step.seconds)
        own = [finding for finding in findings if finding.step == step.name]
        if step.outcome is Outcome.SKIPPED:
            Xml.SubElement(case, "skipped", message="a step before it did not end well")
        elif not _complain(case, own) and step.outcome is not Outcome.APPLIED:
            judged = run.proposed is None or step.stage is Stage.PROPOSED
            Xml.SubElement(case, "failure" if judged else "error", message=step.outcome.value)
    names = {step.name for step in replay.steps if step.outcome is not Outcome.SKIPPED}
    _cases_of_findings(
        suite, f"{_name(run.project)}.replay", [finding for finding in findings if finding.step not in names]
    )
    _count(suite)


def _cases_of_findings(suite: Xml.Element, classname: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        title = f"{finding.id} {TITLES.get(finding.id, '')}".strip()
        _complain(_case(suite, classname, title, 0.0), [finding])


def _complain(case: Xml.Element, findings: Sequence[Finding]) -> bool:
    """Writes the findings into the testcase; whether any of them was an error."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    faults = [finding for finding in errors if not finding.id.startswith("MC9")]
    if errors:
        # Readers expect one verdict in a testcase, so all of its errors share one element.
        verdict = Xml.SubElement(case, "failure" if faults else "error")
        worst = (faults or errors)[0]
        verdict.set("message", plain.line(worst.message, 500))
        verdict.set("type", worst.id)
        verdict.text = _text(errors)
    remarks = [finding for finding in findings if finding.severity is not Severity.ERROR]
    if remarks:
        Xml.SubElement(case, "system-out").text = _text(remarks)
    return bool(errors)


def _text(findings: Iterable[Finding]) -> str:
    parts = []
    for finding in findings:
        parts.append(f"{finding.severity} {finding.id}: {finding.message}"[: 2 * MOST_CHARACTERS])
        parts += [f"at {plain.place(finding)}"] if finding.file is not None else []
        parts += [f"hint: {finding.hint}"] if finding.hint else []
    return plain.block("\n".join(parts), MOST_CHARACTERS)


def _suite(root: Xml.Element, name: str, seconds: float) -> Xml.Element:
    return Xml.SubElement(root, "testsuite", name=_name(name), time=_seconds(seconds))


def _case(suite: Xml.Element, classname: str, name: str, seconds: float) -> Xml.Element:
    return Xml.SubElement(suite, "testcase", classname=classname, name=name, time=_seconds(seconds))


def _count(element: Xml.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(element.findall(f".//{tag}"))))


def _name(text: str) -> str:
    return plain.line(text, 120)


def _seconds(value: float) -> str:
    return f"{value:.6f}"
