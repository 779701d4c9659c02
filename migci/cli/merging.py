"""`migci versions merge-driver`: what git calls where both sides have changed versions.json."""

from __future__ import annotations

import os
from pathlib import Path

import click

from migci.errors import Exit

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="merge-driver", short_help="Let git merge versions.json:  migci versions merge-driver %O %A %B %P")
@click.argument("base", type=_FILE)
@click.argument("ours", type=_FILE)
@click.argument("theirs", type=_FILE)
@click.argument("path", required=False, default="versions.json")
@click.pass_context
def merge_driver(context: click.Context, base: Path, ours: Path, theirs: Path, path: str) -> None:
    """Merge BASE, OURS and THEIRS (git's %O, %A, %B) into the file OURS; PATH (%P) is the file's own.

    What has landed keeps its number, and what has not comes behind it. A conflict that is not only about order is left
    as one, with the usual marks, and the exit status 1. git is told of it by two lines:

    \b
      echo 'versions.json merge=migci-versions' >> .gitattributes
      git config merge.migci-versions.driver 'migci versions merge-driver -- %O %A %B %P'
    """
    from migci.adapters import merge_driver as driver  # --help needs none of it
    from migci.core.merging import Unmergeable

    try:
        found = driver.merged(base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), _top(), path)
    except Exception as error:  # whatever it is, git must get marks in the file, or a side would be lost unseen
        found = Unmergeable(str(error) or type(error).__name__)
    if isinstance(found, Unmergeable):
        from migci.report.plain import line, unobeyed

        click.echo(unobeyed(line(f"migci: {path} is not merged: {found.reason}", 800)), err=True)
        ours.write_bytes(driver.in_conflict(base, ours, theirs))
        context.exit(Exit.FAILED)
    ours.write_bytes(found)


def _top() -> Path:
    """git calls its drivers in the top folder of the checkout."""
    return Path(os.getcwd())  # noqa: PTH109
