"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

project_option = click.option(
    "--project",
    "project",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    default=".",
    metavar="DIR",
    help="A folder of the project; the current one if not given. migci.toml is in it or above it.",
)

migrations_option = click.option(
    "--migrations",
    multiple=True,
    metavar="PATH",
    help="A migration repository, relative to the project: alembic's ini file, or the folder with migrate.cfg; it may "
    "be given more than once. [project] migrations if not given.",
)
settings_option = click.option(
    "--settings",
    "settings_ref",
    metavar="REF",
    help="Take migci.toml from this commit: a pipeline takes trunk's, and not what a patch made of it.",
)
trunk_option = click.option(
    "--trunk", metavar="REF", help="What the patch would land on; [project] trunk if not given."
)
