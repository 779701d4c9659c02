"""`anonymize discover`: markup, proposed for the columns of a dump that look confidential."""

from __future__ import annotations

import json
from pathlib import Path

import click

from anonymize import progress
from anonymize.cli.given import given, optional_markup
from anonymize.cli.shown import harmless, say
from anonymize.discover import people, presidio, writing
from anonymize.discover.discovery import proposals
from anonymize.discover.sampling import sampled
from anonymize.errors import CheckFailed, UsageError


@click.command(short_help="Propose markup to review:  anonymize discover dump.sql -o markup.toml")
@click.argument("source")
@optional_markup
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there; it must not exist.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    default=5000,
    show_default=True,
    metavar="ROWS",
    help="How many rows of each table are looked at from its beginning on, besides some of every megabyte.",
)
@click.option("--locale", metavar="L", help="For names of people and places, as Faker has it: de_DE.")
@click.option("--presidio", "with_presidio", is_flag=True, help="Ask Presidio, too, about what nobody knows.")
@click.option("--partial", is_flag=True, help="The dump is meant to lack its end.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="TOML to review, or JSON for programs.",
)
def discover(
    source: str,
    markups: tuple[str, ...],
    schemas: tuple[str, ...],
    python: str,
    static: bool,
    output: Path | None,
    sample: int,
    locale: str | None,
    with_presidio: bool,
    partial: bool,
    format_: str,
) -> None:
    """Propose markup for the dump SOURCE: what looks confidential by its name, its type or a sample of its values.

    Every column gets a line that says why, and never a value. What cannot be judged is left for you to decide. Of
    tables that --markup knows, only what it does not say is proposed.

    \b
    Example:
      anonymize discover dump.sql.zst -o markup.toml
      anonymize plan dump.sql.zst --markup markup.toml
    """
    if output is not None and output.exists():
        raise UsageError(f"{output} is there already", "name another file, or move it away: it may hold your decisions")
    second = presidio.Opinion(presidio.analyzer()) if with_presidio else None
    known_people = people.known(tuple(dict.fromkeys((*people.LOCALES, *([locale] if locale else [])))))
    said = given(markups, schemas, python, static)
    for note in said.notes:
        say(note)
    with progress.shown(harmless(source)) as watch:
        read = sampled(source, said.known, sample, watch, partial=partial)
    if not read.tables:
        raise CheckFailed(
            f"{source} declares no tables, so its columns are not known",
            "name a file of its CREATE TABLE statements with --schema",
        )
    found = proposals(read, said.markup, known_people, locale=locale, second=second)
    text = json.dumps(writing.data(found), indent=2) + "\n" if format_ == "json" else writing.toml(found)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
    say(writing.summary(found))


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}", "name a file in a folder of yours") from error
