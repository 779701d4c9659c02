"""The run's findings as SARIF 2.1.0, which code review systems show beside the lines that they are about."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote

from migci import __version__
from migci.core.finding import TITLES, Finding, Severity
from migci.core.run import Run
from migci.core.verdict import Verdict, judge, judge_replay
from migci.report import plain

Json = dict[str, object]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(run: Run) -> str:
    """The log as indented JSON in ASCII, with every rule that migci knows, broken or not."""
    found = list(_found(run))
    ids = sorted(TITLES | dict.fromkeys(finding.id for _, finding in found))
    driver = {"name": "migci", "version": __version__, "rules": [_rule(id_) for id_ in ids]}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": judge(run).verdict is not Verdict.UNDECIDED}],
                "columnKind": "unicodeCodePoints",
                "results": list(_results(found, ids)),
            }
        ],
    }
    return json.dumps(log, indent=1) + "\n"


def _found(run: Run) -> Iterator[tuple[str | None, Finding]]:
    for finding in run.findings:
        yield None, finding
    for replay in run.replays:
        for finding in judge_replay(replay, run).findings:
            yield replay.dataset.name, finding


def _rule(id_: str) -> Json:
    title = TITLES.get(id_, id_)
    return {
        "id": id_,
        "shortDescription": {"text": title},
        "fullDescription": {"text": f"{title}."},
        "helpUri": Finding(id_, Severity.INFO, "").url,
    }


def _results(found: list[tuple[str | None, Finding]], ids: list[str]) -> Iterator[Json]:
    seen: Counter[str] = Counter()
    for dataset, finding in found:
        fingerprint = _fingerprint(dataset, finding)
        seen[fingerprint] += 1
        result: Json = {
            "ruleId": finding.id,
            "ruleIndex": ids.index(finding.id),
            "level": _LEVELS[finding.severity],
            "message": {"text": _message(dataset, finding)},
            "partialFingerprints": {"migciFinding/v1": f"{fingerprint}:{seen[fingerprint]}"},
            "properties": {
                "dataset": None if dataset is None else plain.line(dataset, 120),
                "step": None if finding.step is None else plain.arrow(finding.step),
            },
        }
        if finding.file is not None:
            result["locations"] = [{"physicalLocation": _location(finding.file, finding.line)}]
        yield result


def _message(dataset: str | None, finding: Finding) -> str:
    on = "" if dataset is None else f"on dataset {plain.line(dataset, 120)}: "
    hint = f" Hint: {plain.line(finding.hint, 400)}" if finding.hint else ""
    # SARIF reads "[text](url)" in a message as a link; apart, the two are plain text.
    text = f"{on}{plain.line(finding.message, 1000)}.{hint}"
    return text.replace("](", "] (")


def _location(file: str, line: int | None) -> Json:
    # Quoted whole, so that no file's name can be read as another scheme, host or folder than the checkout's.
    uri = quote(plain.line(file, 300).lstrip("/"), safe="/")
    location: Json = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    if line is not None and line > 0:
        location["region"] = {"startLine": line}
    return location


def _fingerprint(dataset: str | None, finding: Finding) -> str:
    """The same for the same fault in the next run: no message, seconds or line, which all change."""
    parts = (dataset, finding.id, finding.step, finding.file)
    text = "\0".join("" if part is None else part for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
