"""`migci versions`: one linear history."""

from __future__ import annotations

import click

from migci.cli.versions_import import import_


@click.group(short_help="Keep the order of migrations:  migci versions import")
def versions() -> None:
    """Keep a project's migrations in one line."""


versions.add_command(import_)
