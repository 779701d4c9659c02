"""`migci versions import`: numbered files become names and versions.json."""

from __future__ import annotations

from pathlib import Path

import click

from migci import config
from migci.adapters.scripts.trees import DiskFiles
from migci.adapters.scripts.versions_folder import FolderOnDisk
from migci.cli.options import project_option
from migci.core.mentions import mentions
from migci.core.naming import VERSIONS, Plan
from migci.detect import home_of_migrations, repositories
from migci.errors import UsageError
from migci.report import plain
from migci.versions.along import tests_along
from migci.versions.importing import carry_out, left_alone, planned


@click.command("import", short_help="Take the numbers out of migrations' names:  migci versions import --dry-run")
@project_option
@click.option(
    "--migrations",
    metavar="PATH",
    help="The folder with migrate.cfg; if not given, what migci.toml says, or what is found.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
def import_(project: Path, migrations: str | None, dry_run: bool) -> None:
    """Rename sqlalchemy-migrate's numbered scripts to names, and write their numbers to versions.json.

    007_add_users.py becomes add_users.py, and versions.json beside it says that it is number 7. Renames are staged in
    git, nothing is committed. Lines of the project that name a script as it was called are listed, and left to you.

    \b
    Examples:
      migci versions import --dry-run
      migci versions import --migrations nova/db/sqlalchemy/migrate_repo
    """
    top = config.nearest(project)
    if migrations is None and not (top / config.FILE_NAME).is_file():
        top = home_of_migrations(top)
    folder = FolderOnDisk(_versions(top, migrations) if migrations else _configured(top), top)
    work = planned(folder)
    _show(work.plan, folder.place)
    if left := left_alone(folder, work):
        click.echo(plain.line(f"no migrations, and left as they are: {', '.join(left)}", 800))
    if dry_run:
        click.echo("Nothing was done.")
    else:
        carry_out(folder, work)
        kept = folder.tracked() is not None
        click.echo(f"Done{', and staged: git diff --cached --find-renames shows it' if kept else ''}.")
    found = list(mentions(folder.lines(), work.plan))
    if found:
        click.echo(f"These lines name a script as it was called ({len(found)}):")
    for mention in found:
        move = mention.move
        click.echo("  " + plain.line(f"{mention.file}:{mention.line}: {move.old} is {move.new}", 500))
    for was, now in _tests(work.plan, folder.place, top):
        click.echo("  " + plain.line(f"{was} is to be called {now}, or it is no migration's test any more", 500))
    if not dry_run:
        click.echo(
            f"Now let the project's own commands read {VERSIONS}: import migci.versions.migrate, see docs/versions.md."
        )


def _show(plan: Plan, place: str) -> None:
    numbers = {move.number for move in plan.moves}
    what = f"{len(plan.moves)} scripts, {len(numbers)} numbers from {min(numbers)} to {max(numbers)}"
    click.echo(f"{plain.line(place)}: {what}")
    for move in plan.moves:
        click.echo("  " + plain.line(f"{move.old} -> {move.new}"))


def _tests(plan: Plan, place: str, top: Path) -> list[tuple[str, str]]:
    scripts: dict[int, list[str]] = {}
    for move in plan.moves:
        scripts.setdefault(move.number, []).append(f"{place}/{move.old}")
    renames = {f"{place}/{move.old}": f"{place}/{move.new}" for move in plan.moves}
    settings = config.load(top).project if (top / config.FILE_NAME).is_file() else None
    tests = settings.versions.tests if settings else None
    return list(tests_along(map(tuple, scripts.values()), renames, DiskFiles(top), tests))


def _configured(top: Path) -> Path:
    """The folder that migci.toml names; without one, what is found. Raises UsageError where that is not one."""
    if not (top / config.FILE_NAME).is_file():
        found = [path for tool, path in repositories(top) if tool == "sqlalchemy-migrate"]
        if len(found) == 1:
            return _versions(top, found[0])
        what = f"there are several in {top}: {', '.join(found)}" if found else f"there is no migrate.cfg in {top}"
        raise UsageError(what, hint="name the folder with --migrations")
    settings = config.load(top).project
    if settings.tool != "sqlalchemy-migrate":
        raise UsageError(
            f"an import is for sqlalchemy-migrate, and the tool of {top} is {settings.tool}",
            hint="alembic's revisions have no numbers in their names",
        )
    folders = settings.versions.folders
    if len(folders) > 1:
        raise UsageError(
            f"[project.versions] has several folders: {', '.join(folders)}", hint="name one of them with --migrations"
        )
    return _inside(top, top / folders[0]) if folders else _versions(top, settings.migrations)


def _versions(top: Path, migrations: str) -> Path:
    """The folder of the scripts: what it is asked for may be the one with migrate.cfg, or itself.

    Raises UsageError where there is none in the project.
    """
    named = top / migrations
    folder = named if (named.parent / "migrate.cfg").is_file() else named / "versions"
    if not (folder.parent / "migrate.cfg").is_file() or not folder.is_dir():
        raise UsageError(f"{named} is no repository of sqlalchemy-migrate", hint="name the folder with migrate.cfg")
    return _inside(top, folder)


def _inside(top: Path, folder: Path) -> Path:
    """Raises UsageError for a folder that is not there, or not in the project."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="see [project.versions] folders in migci.toml")
    if folder.is_symlink() or not folder.resolve().is_relative_to(top.resolve()):
        raise UsageError(f"{folder} leads out of the project", hint="go to the project that it is in")
    return folder.resolve()
