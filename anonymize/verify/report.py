"""What a verification states: data that says what was compared, with what outcome, and what was not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA = "anonymize.verify/1"


@dataclass(frozen=True, slots=True)
class File:
    """Something that was read."""

    name: str
    bytes: int
    sha256: str
    """Of the file as it lies there, compressed or not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something is not as it should be; never a value."""

    text: str
    table: str | None = None
    column: str | None = None
    row: int | None = None
    """From 1, among the table's rows."""
    original_line: int | None = None
    result_line: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared."""

    name: str
    statement: str
    """What holds if it passed."""
    passed: bool
    compared: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    count: int = 0
    """How many findings there are; the first ones are told."""


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """What became of the values of one replaced column."""

    table: str
    column: str
    kind: str
    values: int
    nulls: int
    empty: int
    unchanged: int
    """Of those that are neither; each for one of the reasons, if the check passed."""
    reasons: Mapping[str, int]
    """How many different values are unchanged, by why they may be."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Originals that were found where they may be."""

    original: str
    """The column that they are of."""
    found_in: str
    values: int
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    passed: bool
    version: str
    original: File
    result: File
    markup: tuple[File, ...]
    checks: tuple[Check, ...]
    columns: tuple[ColumnReport, ...]
    rows: Mapping[str, int]
    """Of each table of which a column is replaced."""
    explained: tuple[Explained, ...]
    not_checked: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """What JSON is made of."""
        return {"schema": SCHEMA, **asdict(self)}


def text(report: Report) -> str:
    """The report as lines."""
    lines = [f"{report.result.name}, made of {report.original.name}: {'passed' if report.passed else 'FAILED'}"]
    for check in report.checks:
        compared = ", ".join(f"{count:,} {what}" for what, count in check.compared.items())
        lines.append(
            f"  {'ok  ' if check.passed else 'FAIL'} {check.name}: {check.statement}"
            + f" ({compared})" * bool(compared)
        )
        lines += [f"       {where(one)}{one.text}" for one in check.findings]
        if check.count > len(check.findings):
            lines.append(f"       … {check.count:,} in all")
    lines += [f"  column {one.table}.{one.column} ({one.kind}): {told(one)}" for one in report.columns]
    lines += [
        f"  explained: originals of {one.original} in {one.found_in}, {one.values:,} times: {one.reason}"
        for one in report.explained
    ]
    lines += [f"  not checked: {one}" for one in report.not_checked]
    return "\n".join(lines)


def told(column: ColumnReport) -> str:
    """The counts of a column in words."""
    reasons = "; ".join(f"{reason}: {count:,} different" for reason, count in column.reasons.items())
    return (
        f"{column.values:,} values, {column.nulls:,} NULL, {column.empty:,} empty, {column.unchanged:,} unchanged"
        + f" ({reasons})" * bool(reasons)
    )


def where(finding: Finding) -> str:
    """Where it is, with a colon behind it."""
    parts = [finding.table or ""]
    if finding.column is not None:
        parts.append(f"column {finding.column}")
    if finding.row is not None:
        parts.append(f"row {finding.row:,}")
    if finding.original_line is not None:
        parts.append(f"line {finding.original_line:,} of the original")
    if finding.result_line is not None:
        parts.append(f"line {finding.result_line:,} of the result")
    said = ", ".join(part for part in parts if part)
    return f"{said}: " if said else ""
