"""`migci versions`: one linear history."""

from __future__ import annotations

import importlib

import click

COMMANDS = {
    "check": ("migci.cli.checking", "check"),
    "add": ("migci.cli.adding", "add"),
    "import": ("migci.cli.importing", "import_"),
    "rebase": ("migci.cli.rebasing", "rebase"),
    "merge-driver": ("migci.cli.merging", "merge_driver"),
}
"""Each with its module, and its name there. git calls one of them for every file: only that one is imported."""


class Versions(click.Group):
    """Imports the one command that is run, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(cls=Versions, short_help="Check and repair the order of migrations:  migci versions check")
def versions() -> None:
    """One linear history of migrations: checked, and repaired, without running any of them."""
