"""The command line of anonymize: one file a command."""

from __future__ import annotations

import importlib

import click

from anonymize.cli.shown import run

COMMANDS = ("discover", "plan", "dump", "verify")
"""Each is a module beside this one, and in it the command of that name."""


class Commands(click.Group):
    """Imports the one command that is run, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"anonymize.cli.{cmd_name}"), cmd_name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="migci", prog_name="anonymize")
def commands() -> None:
    """Make a dump of a production database into one that may be shared.

    \b
    Begin with:
      anonymize discover dump.sql -o markup.toml                         propose what is confidential
      anonymize plan dump.sql --markup markup.toml                       what would happen to every column
      anonymize dump dump.sql out.sql --markup markup.toml --key-file key    write the one that may be shared
      anonymize verify dump.sql out.sql --markup markup.toml             prove that nothing of it leaks

    Exit codes: 0; 1 a check failed; 2 usage or configuration; 3 the input or the machine broke.
    """


def main() -> None:
    """Run the command line."""
    run(commands)
