"""`anonymize verify`: the proof that an anonymized dump is what it should be."""

from __future__ import annotations

import json
from pathlib import Path

import click

from anonymize import engine, progress
from anonymize.cli.given import given, markup_options
from anonymize.cli.reporting import explain_option, explanations, write
from anonymize.cli.shown import harmless, say
from anonymize.errors import CheckFailed
from anonymize.verify import page
from anonymize.verify import report as reports
from anonymize.verify.verifying import Request
from anonymize.verify.verifying import verify as verified


@click.command(short_help="Prove that nothing leaks:  anonymize verify dump.sql shared.sql --markup markup.toml")
@click.argument("original")
@click.argument("result")
@markup_options
@click.option("--partial", is_flag=True, help="The dumps are meant to lack their end.")
@explain_option
@click.option(
    "--report", "json_file", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as JSON."
)
@click.option(
    "--page", "page_file", type=click.Path(path_type=Path), metavar="FILE", help="Write it as a page of HTML."
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@click.pass_context
def verify(
    context: click.Context,
    original: str,
    result: str,
    markups: tuple[str, ...],
    schemas: tuple[str, ...],
    python: str,
    static: bool,
    partial: bool,
    explained: tuple[str, ...],
    json_file: Path | None,
    page_file: Path | None,
    format_: str,
) -> None:
    """Compare the dump ORIGINAL with RESULT, which was made of it, and search RESULT for originals.

    No key is needed. Values are never shown. Exits with 1 if a check failed.

    \b
    Example:
      anonymize verify dump.sql.zst shared.sql.zst --markup markup.toml --page report.html
    """
    said = given(markups, schemas, python, static)
    for note in said.notes:
        say(note)
    engine.warn_if_slow()
    request = Request(original, result, said.markup, markups, said.known, partial, explanations(explained))
    with progress.shown(harmless(f"{original}, {result}")) as watch:
        report = verified(request, watch)
    if json_file is not None:
        write(json_file, json.dumps(report.data(), indent=1) + "\n")
    if page_file is not None:
        write(page_file, page.page(report))
    click.echo(json.dumps(report.data(), indent=2) if format_ == "json" else harmless(reports.text(report)))
    context.exit(0 if report.passed else CheckFailed.status)
