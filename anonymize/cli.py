"""The command line of anonymize."""

from __future__ import annotations

from importlib.metadata import version

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("migci"), prog_name="anonymize")
def main() -> None:
    """Make a database dump that may be shared. There is no command yet."""
