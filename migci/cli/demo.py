"""`migci demo`: the main job, on a project that comes along."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from migci import report, wiring
from migci.cli.replay import EXITS, run_replay
from migci.core.run import Run
from migci.core.verdict import judge
from migci.demo import nova as nova_project
from migci.demo import shop as shop_project
from migci.errors import UsageError
from migci.replay import Change


@click.group(
    invoke_without_command=True,
    short_help="See it at work on a project that comes along:  migci demo",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to make the project and keep it; a temporary folder that is deleted if not given.",
)
@click.pass_context
def demo(context: click.Context, folder: Path | None) -> None:
    """Replay a project that comes along: a small shop, or `nova`.

    \b
    Examples:
      migci demo                          a shop, within a minute
      migci demo nova                     OpenStack Nova's 197 migrations
      migci demo --folder /tmp/shop       keep the shop, to play with it
    """
    context.obj = folder
    if context.invoked_subcommand is None:
        _show(context, folder, "shop", lambda place: shop_project.build(place, flavor=_flavor()))


@demo.command(short_help="Nova's own 197 migrations and a patch:  migci demo nova --rows 200000")
@click.option(
    "--rows", type=click.IntRange(1000, 20_000_000), default=200_000, show_default=True, help="How many rows."
)
@click.option(
    "--no-remedy", is_flag=True, help="Leave out what deployers run between releases, and see where it stops."
)
@click.pass_context
def nova(context: click.Context, rows: int, no_remedy: bool) -> None:
    """Replay OpenStack Nova's own 197 migrations on synthetic rows, then a patch that adds one more.

    The package nova is downloaded for it, and kept in the store.
    """
    if wiring.available("mariadb") is None:
        raise UsageError(
            "Nova's migrations need MariaDB, and mariadbd is not on this machine",
            hint="apt-get install mariadb-server-core mariadb-client-core",
        )
    cache = wiring.store() / "downloads"

    def build(place: Path) -> None:
        nova_project.build(place, rows=rows, remedy=not no_remedy, cache=cache)

    _show(context, context.obj, "nova", build)


def _flavor() -> str:
    """MariaDB where it can be had, else SQLite, said aloud."""
    if wiring.available("mariadb") is not None:
        return "mariadb"
    click.echo(
        "mariadbd is not on this machine, so the demo runs on SQLite. That cannot show: rows read, how an ALTER TABLE "
        "was carried out, for how long writes were blocked, and errors that only MariaDB raises.\n"
        "To see them: apt-get install mariadb-server-core mariadb-client-core\n",
        err=True,
    )
    return "sqlite"


def _show(context: click.Context, folder: Path | None, name: str, build: object) -> None:
    assert callable(build)
    with tempfile.TemporaryDirectory(prefix="migci-demo-") as temporary:
        place = folder if folder is not None else Path(temporary) / name
        if folder is not None and folder.exists() and any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty", hint="name a folder that is not there yet")
        click.echo(f"Making the project {name} …", err=True)
        build(place)
        output = Path("migci-demo")
        run, results = run_replay(place, (), Change(), output=output / name)
    click.echo(report.FORMATS["text"](run))
    _next(run, results, folder)
    context.exit(EXITS[judge(run).verdict])


def _next(run: Run, results: Path, folder: Path | None) -> None:
    click.echo(f"\nOpen {results / 'report.html'} in a browser; what is there for programs lies beside it.", err=True)
    if folder is not None:
        click.echo(f"The project is in {folder}: change the patch, and run 'migci replay' there.", err=True)
