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

sandbox_option = click.option(
    "--sandbox",
    type=click.Choice(["bubblewrap", "none"]),
    default="bubblewrap",
    show_default=True,
    envvar="MIGCI_SANDBOX",
    show_envvar=True,
    help="What migrations are kept in. With none they can do all that you can.",
)
