"""`anonymize dump`: a dump in, a dump out, with everything replaced that the markup says, or nothing at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import click

from anonymize import engine, kinds, progress, rewrite
from anonymize.audit import Audit
from anonymize.cli.given import given, markup_options
from anonymize.cli.reporting import explain_option, explanations, write
from anonymize.cli.shown import harmless, say
from anonymize.dumps.publish import COMPRESSIONS
from anonymize.errors import CheckFailed, UsageError
from anonymize.lines import LinesOf
from anonymize.plan import Planner
from anonymize.pseudonym import Key, key_of_text, read_key
from anonymize.rewrite import Request
from anonymize.verify import page
from anonymize.verify import report as reports
from anonymize.verify.verifying import Request as Verification
from anonymize.verify.verifying import verify as verified

KEY_VARIABLE = "ANONYMIZE_KEY"


@click.command(
    short_help="Write the dump that may be shared:  anonymize dump IN OUT --markup markup.toml --key-file key"
)
@click.argument("source")
@click.argument("output")
@markup_options
@click.option(
    "--key-file", type=click.Path(path_type=Path), metavar="FILE", help=f"The key; else it is in {KEY_VARIABLE}."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Statements, or files of a folder, at the same time.",
)
@click.option("--compress", type=click.Choice(COMPRESSIONS), help="How OUTPUT is compressed; else its name says.")
@click.option("--table", metavar="NAME", help="SOURCE is CSV or TSV: the rows of this table.")
@click.option("--columns", metavar="A,B,…", help="The columns of --table, if the first line does not name them.")
@click.option("--force", is_flag=True, help="Replace OUTPUT if it is there already.")
@click.option("--partial", is_flag=True, help="The dump is meant to lack its end.")
@click.option(
    "--audit", "audit_file", type=click.Path(path_type=Path), metavar="FILE", help="Write what was done, as JSON."
)
@click.option("--verify", is_flag=True, help="Publish OUTPUT only if `anonymize verify` passes.")
@explain_option
@click.option(
    "--page", "page_file", type=click.Path(path_type=Path), metavar="FILE", help="Write what was verified as HTML."
)
def dump(
    source: str,
    output: str,
    markups: tuple[str, ...],
    schemas: tuple[str, ...],
    python: str,
    static: bool,
    key_file: Path | None,
    jobs: int,
    compress: str | None,
    table: str | None,
    columns: str | None,
    force: bool,
    partial: bool,
    audit_file: Path | None,
    verify: bool,
    explained: tuple[str, ...],
    page_file: Path | None,
) -> None:
    """Read the dump SOURCE and write OUTPUT, in which everything is replaced that the markup says.

    SOURCE is a file (SQL, also compressed by gzip, zstd or xz), a folder, - for the standard input, or a
    live server: mysql://user@host/database. OUTPUT is a file, a folder, or -. What is not understood ends the command
    with the line named, and without OUTPUT.

    \b
    Example:
      anonymize dump dump.sql.zst shared.sql.zst --markup markup.toml --key-file key
    """
    key = read_key(key_file) if key_file is not None else _key_of_the_environment()
    said = given(markups, schemas, python, static)
    for note in said.notes:
        say(note)
    engine.warn_if_slow()
    lines = _lines(table, columns)
    if verify and lines is not None:
        raise UsageError("rows of CSV and TSV cannot be verified", "leave out --verify")
    if (explained or page_file) and not verify:
        raise UsageError("--explain and --page belong to --verify", "add --verify")

    def check(made: Path) -> None:
        asked = Verification(source, str(made), said.markup, markups, said.known, partial, explanations(explained))
        with progress.shown(harmless(f"verifying {output}")) as its_watch:
            report = verified(asked, its_watch)
        report = replace(report, result=replace(report.result, name=output))
        if page_file is not None:
            write(page_file, page.page(report))
        click.echo(harmless(reports.text(report)), err=True)
        if not report.passed:
            raise CheckFailed(f"{output} is not what it should be", "see the report; nothing was published")

    request = Request(source, output, said.known, partial, force, compress, lines, jobs, check if verify else None)
    with progress.shown(harmless(source)) as watch:
        done = rewrite.dump(request, Planner(said.markup, kinds.find, key), watch)
    click.echo(harmless(table_of(done)), err=True)
    if audit_file is not None:
        done.write(audit_file)


def table_of(audit: Audit) -> str:
    """The audit to be read: a line for each column that is replaced."""
    lines = [("column", "kind", "replaced", "others")]
    for table, its in audit.tables.items():
        for name, column in its.columns.items():
            lines.append((f"{table}.{name}", column.kind, f"{column.replaced:,}", f"{column.others:,}"))
    if len(lines) == 1:
        return "nothing was replaced: no column with rows is marked as anything but keep"
    widths = [max(len(line[place]) for line in lines) for place in range(4)]
    return "\n".join(
        f"{column:<{widths[0]}}  {kind:<{widths[1]}}  {replaced:>{widths[2]}}  {others:>{widths[3]}}"
        for column, kind, replaced, others in lines
    )


def _lines(table: str | None, columns: str | None) -> LinesOf | None:
    if table is None:
        if columns is not None:
            raise UsageError("--columns says nothing without --table", "name the table whose rows SOURCE has")
        return None
    return LinesOf(table, None if columns is None else tuple(name.strip() for name in columns.split(",")))


def _key_of_the_environment() -> Key:
    text = os.environ.get(KEY_VARIABLE)
    if text is None:
        raise UsageError(
            "there is no key to draw pseudonyms with",
            f"name a file of at least 16 bytes with --key-file, or put the key into the variable {KEY_VARIABLE}",
        )
    return key_of_text(text.encode(errors="surrogateescape"), KEY_VARIABLE)
