"""`migci explore`: one step at a time."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import click

from migci import config, wiring
from migci.cli.options import project_option
from migci.cli.progress import PlainLines
from migci.core.step import Step
from migci.errors import Exit, UsageError
from migci.explore import Difference
from migci.explore import explore as explore_dataset
from migci.report import plain


class _Quiet(PlainLines):
    """Only what is not a step: steps are told with what they changed."""

    def step_ended(self, step: Step) -> None:
        pass


@click.command(short_help="See what each step does to the schema:  migci explore empty --at 217")
@click.argument("dataset")
@click.option("--at", "revision", required=True, metavar="REVISION", help="Where to go.")
@click.option("--schema", "table", metavar="TABLE", help="Show only this table, and its definition at the end.")
@click.option("--shell", is_flag=True, help="Open the database's own client at the end.")
@click.option("--as-added", is_flag=True, help="Run each migration in the tree of the commit that added it.")
@project_option
@click.pass_context
def explore(
    context: click.Context,
    dataset: str,
    revision: str,
    table: str | None,
    shell: bool,
    as_added: bool,
    project: Path,
) -> None:
    """Bring a clone of DATASET to REVISION, one step at a time, and show what each step made of the schema.

    \b
    Examples:
      migci explore empty --at 217
      migci explore user_001 --at 217 --schema instances --shell
    """
    project = config.nearest(project)
    settings = config.load(project)
    (chosen,) = settings.as_datasets(project, (dataset,))

    told: list[Step] = []

    def seen(step: Step, differences: tuple[Difference, ...]) -> None:
        told.append(step)
        name, file = plain.arrow(step.name), plain.line(step.file)
        click.echo(f"{click.style(name, bold=True)}  {step.outcome}  {step.seconds:.3f} s  {file}")
        if step.error is not None:
            click.echo(f"  {plain.line(step.error.message, 2000)}")
        for difference in differences:
            if table in (None, difference.table):
                for line in difference.lines:
                    click.echo(f"  {_coloured(plain.block(line, 2000))}")

    with wiring.tools(settings, project, Path(os.devnull), _Quiet()) as tools:
        about = settings.as_project()
        with explore_dataset(chosen, revision, about, tools, as_added=as_added, seen=seen) as arrival:
            if not told:
                click.echo(f"No step was needed: the dataset is at {revision} already, or past it.", err=True)
            if table is not None:
                if table not in arrival.schema:
                    raise UsageError(f"there is no table {table!r} at {revision}")
                click.echo(plain.block(arrival.schema[table], 100_000))
            if shell:
                click.echo("The clone lives until you leave this shell.", err=True)
                subprocess.run(arrival.database.shell())
            context.exit(Exit.PASSED if arrival.at_revision else Exit.FAILED)


def _coloured(line: str) -> str:
    colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
    return click.style(line, fg=colour) if colour else line
