"""`migci versions add`: the next place for a script."""

from __future__ import annotations

from pathlib import Path

import click

from migci.adapters.scripts import versions_json
from migci.adapters.scripts.rebasing import written
from migci.adapters.worktree import Edit, Worktree
from migci.cli.histories import Histories, histories
from migci.cli.options import migrations_option, project_option
from migci.core.scripts import ALEMBIC, Listing
from migci.errors import UsageError
from migci.ports import ScriptReader
from migci.report import plain
from migci.versions.add import add as with_one_more
from migci.versions.check import listing_or_none


@click.command(short_help="Give a script the next number:  migci versions add versions/add_counters.py")
@click.argument("file", type=click.Path(path_type=Path))
@project_option
@migrations_option
def add(file: Path, project: Path, migrations: tuple[str, ...]) -> None:
    """Give FILE, a script that lies beside versions.json, the next number there.

    All of the script's variants (NAME_mysql_upgrade.sql) get the same number. For alembic, the id of the script's
    revision is appended, if there is a versions.json. Nothing else is changed; and nothing at all if versions.json
    could not be read then. A script that trunk lists is not new, and gets no other number; where git does not tell
    what trunk has, that is not looked at.
    """
    known = histories(project, None, None, migrations, trunk_needed=False)
    listing, path, reader = _where(known, file)
    order, new = with_one_more(listing, path, listing_or_none(reader, known.trees.trunk))
    (was,) = known.trees.proposed.read([listing.order_file])
    assert was is not None
    now = written(order, was, ids=listing.kind == ALEMBIC)
    if wrong := versions_json.read(now).mistakes:
        raise UsageError(f"{listing.order_file} would be one that {wrong[0].message}", hint=wrong[0].hint)
    Worktree(known.project).apply([Edit(listing.order_file, was, now)], ())
    told = f"number {new.id}: {', '.join(new.files)}" if new.files else new.id
    click.echo(plain.unobeyed(plain.line(f"{listing.order_file}: {told}", 800)))


def _where(known: Histories, file: Path) -> tuple[Listing, str, ScriptReader]:
    """The history whose folder holds the file, its path in the project, and who reads that history."""
    place = file.parent.resolve() / file.name
    folders: list[str] = []
    for reader in known.readers:
        listing = reader.read(known.trees.proposed, thorough=False)
        for folder in listing.folders:
            if place.parent == known.project / folder or (
                listing.kind == ALEMBIC and place.is_relative_to(known.project / folder)
            ):
                path = place.relative_to(known.project).as_posix()
                if known.trees.proposed.kind(path) is None:
                    raise UsageError(f"there is no {path}")
                return listing, path, reader
        folders += listing.folders
    raise UsageError(f"{file} lies in none of the folders of migrations", hint=f"they are {', '.join(folders)}")
