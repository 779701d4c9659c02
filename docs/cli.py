"""Writes docs/cli.md from the commands' own help: `python docs/cli.py`."""

from __future__ import annotations

from pathlib import Path

import click

from migci.cli import commands


def reference() -> str:
    """The whole page."""
    parts = ["# Command line\n\nWritten from `--help` by `python docs/cli.py`.\n"]
    parts += [f"## `{name}`\n\n```\n{text}\n```\n" for name, text in _helps(commands, "migci", None)]
    return "\n".join(parts)


def _helps(command: click.Command, name: str, parent: click.Context | None) -> list[tuple[str, str]]:
    context = click.Context(
        command, info_name=name.split()[-1], parent=parent, terminal_width=100, help_option_names=["-h", "--help"]
    )
    found = [(name, context.get_help())]
    if isinstance(command, click.Group):
        for sub in command.list_commands(context):
            inner = command.get_command(context, sub)
            assert inner is not None
            found += _helps(inner, f"{name} {sub}", context)
    return found


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(reference())
