"""`anonymize plan`: what would happen to every column of a dump."""

from __future__ import annotations

import json

import click

from anonymize import kinds, rewrite, telling
from anonymize.cli.given import given, markup_options
from anonymize.cli.shown import harmless
from anonymize.decisions import name_of
from anonymize.errors import CheckFailed
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.schema import Schema

_NO_KEY = Key(bytes(32))
"""What is planned does not hang on the key."""


@click.command(short_help="What would happen to every column:  anonymize plan dump.sql --markup markup.toml")
@click.argument("source")
@markup_options
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="What is printed.",
)
@click.pass_context
def plan(
    context: click.Context,
    source: str,
    markups: tuple[str, ...],
    schemas: tuple[str, ...],
    python: str,
    static: bool,
    format_: str,
) -> None:
    """Say what would happen to every column of the dump SOURCE, and what would go wrong.

    Every column is kept, replaced, inherits from the one that it refers to, or is unmarked, which is an error that
    shows the line to add. Nothing is written. No key is needed.

    \b
    Example:
      anonymize plan dump.sql.zst --markup shop.models:Base --markup markup.toml --python .venv/bin/python
    """
    said = given(markups, schemas, python, static)
    declared = rewrite.read_tables(source).tables
    names = {table.name.lower() for table in declared.values()}
    known = {name_of(table): table for table in said.known if table.name.lower() not in names}
    if not declared and not known:
        raise CheckFailed(
            f"{source} declares no tables, so its columns are not known",
            "name a file of its CREATE TABLE statements with --schema",
        )
    made = Planner(said.markup, kinds.find, _NO_KEY).schema(Schema({**known, **declared}))
    if format_ == "json":
        click.echo(json.dumps(telling.data(made, said.notes), indent=2))
    else:
        click.echo(harmless(telling.text(made, said.notes)))
    context.exit(CheckFailed.status if made.errors else 0)
