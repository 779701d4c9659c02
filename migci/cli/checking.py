"""`migci versions check`: what is wrong with the order of migrations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from migci.cli.histories import histories
from migci.cli.options import migrations_option, project_option, settings_option, trunk_option
from migci.core.finding import Finding
from migci.core.order import summary
from migci.core.scripts import Listing
from migci.errors import Exit, UsageError
from migci.report import plain
from migci.report.ranking import worst_first
from migci.versions.check import Checked, check_all, listing_or_none
from migci.versions.competing import Change, Clash, competing
from migci.versions.untested import with_tests

SCHEMA = "migci.versions/1"


@click.command(short_help="Say what is wrong with the history:  migci versions check")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@trunk_option
@project_option
@migrations_option
@settings_option
@click.option("--tests", is_flag=True, help="Tell also which migrations have no test of their own.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", help="What is printed.")
@click.pass_context
def check(
    context: click.Context,
    refs: tuple[str, ...],
    trunk: str | None,
    project: Path,
    migrations: tuple[str, ...],
    settings_ref: str | None,
    tests: bool,
    format_: str,
) -> None:
    """Read the migrations of REF (the working tree as it lies on disk, if none is named), and say what is wrong.

    No migration is run and nothing is checked out. What trunk has already is told, and counts as trunk's; the exit
    status is 1 if the patch itself brings something wrong.

    Of several REFs, each an open change, it says which take the same place: propose the same number, or follow the same
    migration. Then the exit status is 1 if any do; what else is wrong with one of them is not looked at.

    \b
    Examples:
      migci versions check                     the working tree, also in the middle of a merge
      migci versions check my-branch --trunk origin/main
      migci versions check one-branch another-branch
      migci versions check my-branch --settings origin/main
      migci versions check --tests             also what has no test of its own
      migci versions check --migrations api/alembic.ini --migrations jobs/migrate_repo
    """
    if len(refs) > 1:
        compete = _compared(project, refs, trunk, migrations, format_, settings_ref)
        context.exit(Exit.FAILED if compete else Exit.PASSED)
    known = histories(project, refs[0] if refs else None, trunk, migrations, settings_ref=settings_ref)
    checked = check_all(known.readers, known.trees, known.branches)
    if tests:
        pairs = zip(checked, known.readers, strict=True)
        checked = tuple(with_tests(one, reader, known.trees, known.tests) for one, reader in pairs)
    click.echo(_document(checked) if format_ == "json" else "\n".join(map(plain.unobeyed, _text(checked))))
    context.exit(Exit.PASSED if all(one.good for one in checked) else Exit.FAILED)


def _compared(
    project: Path,
    refs: tuple[str, ...],
    trunk: str | None,
    migrations: tuple[str, ...],
    format_: str,
    settings_ref: str | None,
) -> bool:
    """Print which of `refs` take the same place, and tell whether any do."""
    if repeated := sorted({ref for ref in refs if refs.count(ref) > 1}):
        raise UsageError(f"{', '.join(repeated)} is named twice")
    found: list[tuple[Listing, tuple[Clash, ...]]] = []
    known = histories(project, refs[0], trunk, migrations, settings_ref=settings_ref)
    trees = [(ref, known.at(ref)) for ref in refs]
    for reader in known.readers:
        landed = listing_or_none(reader, known.landed())
        listings = [
            (ref, listing_or_none(reader, one.proposed), listing_or_none(reader, one.base)) for ref, one in trees
        ]
        there = next((one for one in (landed, *(one for _, one, _ in listings)) if one is not None), None)
        if there is None:
            reader.read(trees[0][1].proposed)  # it tells what is not there
            continue
        for ref, one, _ in listings:
            if one is not None and not one.readable:
                wrong = next(finding for finding in one.findings if finding.file == one.order_file)
                raise UsageError(f"{ref}: {wrong.message}", hint=wrong.hint)
        changes = tuple(Change(ref, one, base) for ref, one, base in listings if one is not None)
        trunks = landed or Listing(there.kind, there.folders)
        found.append((there, competing(changes, trunks, known.branches)))
    compete = any(clashes for _, clashes in found)
    click.echo(_of_changes(found, refs) if format_ == "json" else "\n".join(map(plain.unobeyed, _told(found, refs))))
    return compete


def _told(found: list[tuple[Listing, tuple[Clash, ...]]], refs: tuple[str, ...]) -> Iterator[str]:
    yield f"verdict: {'failed' if any(clashes for _, clashes in found) else 'passed'}"
    for listing, clashes in found:
        places = f"{len(clashes)} place" if len(clashes) == 1 else f"{len(clashes)} places"
        many = f"{len(refs)} changes, {places} that several of them take"
        yield f"{plain.line(', '.join(listing.folders))}: {many}"
        for clash in clashes[:MOST_FINDINGS]:
            yield from _finding(clash.finding())


def _of_changes(found: list[tuple[Listing, tuple[Clash, ...]]], refs: tuple[str, ...]) -> str:
    histories = [
        {
            "folders": list(listing.folders),
            "kind": listing.kind,
            "findings": [{**_written(clash.finding()), "changes": list(clash.names)} for clash in clashes],
        }
        for listing, clashes in found
    ]
    verdict = "failed" if any(clashes for _, clashes in found) else "passed"
    return json.dumps({"schema": SCHEMA, "verdict": verdict, "changes": list(refs), "histories": histories}, indent=1)


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
                    "findings": [_written(finding) for finding in worst_first(one.findings)],
                }
                for one in checked
            ],
        },
        indent=1,
    )


def _written(finding: Finding) -> dict[str, object]:
    return {
        "id": finding.id,
        "severity": finding.severity.value,
        "message": finding.message,
        "hint": finding.hint,
        "file": finding.file,
        "line": finding.line,
        "url": finding.url,
    }
