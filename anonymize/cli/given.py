"""The options that say what is confidential and what tables there are; several commands have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import click

from anonymize import kinds, markup_file, models, models_static
from anonymize.errors import UsageError
from anonymize.markup import Markup
from anonymize.merging import merged
from anonymize.rewrite import schema_of
from anonymize.schema import Table

_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--markup",
        "markups",
        multiple=True,
        required=True,
        metavar="FILE|MODULE:NAME",
        help="What is confidential: a TOML file, or SQLAlchemy models. May be given again; files win over models.",
    ),
    click.option(
        "--schema",
        "schemas",
        multiple=True,
        metavar="FILE|MODULE:NAME",
        help="Tables that the dump does not declare itself: CREATE TABLE statements, or models.",
    ),
    click.option(
        "--python", default="python3", show_default=True, metavar="PATH", help="The interpreter that models run on."
    ),
    click.option("--static", is_flag=True, help="Read the models' file for its markup instead of importing it."),
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the options say."""

    markup: Markup
    known: tuple[Table, ...]
    notes: tuple[str, ...]
    """Which rules take the place of others, and what was not read."""


def markup_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--markup, --schema, --python and --static; the command hands them to `given` as they come."""
    return reduce(lambda decorated, option: option(decorated), reversed(_OPTIONS), command)


def given(markups: Sequence[str], schemas: Sequence[str], python: str, static: bool) -> Given:
    """Markup and tables, from where the options name them. Raises UsageError, and Unreadable for a schema."""
    notes: list[str] = []
    said: list[Markup] = []
    read: dict[str, models.Models] = {}

    def imported(reference: str) -> models.Models:
        if reference not in read:
            read[reference] = models.read(reference, kinds.find, python=python)
        return read[reference]

    for one in sorted(markups, key=lambda one: not _are_models(one)):
        if not _are_models(one):
            said.append(markup_file.read(Path(one), kinds.find))
        elif static:
            found = models_static.read(one, kinds.find, Path())
            said.append(found.markup)
            notes += found.notes
        else:
            said.append(imported(one).markup)
    known: list[Table] = []
    for one in schemas:
        if not _are_models(one):
            known += schema_of([one])
        elif static:
            raise UsageError(
                f"the tables of the models {one} are not known without importing them", "leave out --static"
            )
        else:
            known += imported(one).schema.tables.values()
    markup, replaced = merged(said)
    return Given(markup, tuple(known), (*notes, *replaced))


def _are_models(reference: str) -> bool:
    return models.REFERENCE.fullmatch(reference) is not None and not Path(reference).exists()
