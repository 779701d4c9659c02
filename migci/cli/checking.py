"""`migci versions check`: what is wrong with the order of migrations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from migci.cli.histories import histories
from migci.cli.options import migrations_option, project_option, trunk_option
from migci.core.finding import Finding
from migci.core.order import summary
from migci.errors import Exit
from migci.report import plain
from migci.report.ranking import worst_first
from migci.versions.check import Checked, check_all

SCHEMA = "migci.versions/1"


@click.command(short_help="Say what is wrong with the history:  migci versions check")
@click.argument("ref", required=False)
@trunk_option
@project_option
@migrations_option
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="What is printed.")
@click.pass_context
def check(
    context: click.Context, ref: str | None, trunk: str | None, project: Path, migrations: tuple[str, ...], format_: str
) -> None:
    """Read the migrations of REF (the working tree as it lies on disk, if none is named), and say what is wrong.

    No migration is run and nothing is checked out. What trunk has already is told, and counts as trunk's; the exit
    status is 1 if the patch itself brings something wrong.

    \b
    Examples:
      migci versions check                     the working tree, also in the middle of a merge
      migci versions check my-branch --trunk origin/main
      migci versions check --migrations api/alembic.ini --migrations jobs/migrate_repo
    """
    with histories(project, ref, trunk, migrations) as known:
        checked = check_all(known.readers, known.trees, known.branches)
    click.echo(_document(checked) if format_ == "json" else "\n".join(map(plain.unobeyed, _text(checked))))
    context.exit(Exit.PASSED if all(one.good for one in checked) else Exit.FAILED)


MOST_FINDINGS = 100
"""That are printed as text, of each history; the rest is counted."""


def _text(checked: tuple[Checked, ...]) -> Iterator[str]:
    yield f"verdict: {_verdict(checked)}"
    for one in checked:
        yield f"{plain.line(', '.join(one.listing.folders))}: {plain.line(summary(one.listing))}"
        findings = worst_first(one.findings)
        for finding in findings[:MOST_FINDINGS]:
            yield from _finding(finding)
        if len(findings) > MOST_FINDINGS:
            yield f"  {len(findings) - MOST_FINDINGS} more; --format json has all of them"


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {finding.severity} {finding.id}: {plain.line(finding.message, 800)}"
    if finding.file is not None:
        yield f"    at {plain.place(finding)}"
    if finding.hint:
        yield f"    hint: {plain.line(finding.hint, 400)}"


def _verdict(checked: tuple[Checked, ...]) -> str:
    return "passed" if all(one.good for one in checked) else "failed"


def _document(checked: tuple[Checked, ...]) -> str:
    return json.dumps(
        {
            "schema": SCHEMA,
            "verdict": _verdict(checked),
            "histories": [
                {
                    "folders": list(one.listing.folders),
                    "kind": one.listing.kind,
                    "migrations": len(one.listing.by_id),
                    "heads": sorted(one.listing.heads),
                    "findings": [
                        {
                            "id": finding.id,
                            "severity": finding.severity.value,
                            "message": finding.message,
                            "hint": finding.hint,
                            "file": finding.file,
                            "line": finding.line,
                            "url": finding.url,
                        }
                        for finding in worst_first(one.findings)
                    ],
                }
                for one in checked
            ],
        },
        indent=1,
    )
