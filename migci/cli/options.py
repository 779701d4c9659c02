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
