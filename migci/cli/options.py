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
    help="The folder with migci.toml; the current one if not given.",
)
