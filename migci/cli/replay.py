"""`migci replay`: the main job."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from migci import config, report, wiring
from migci.adapters import commits, publish
from migci.cli.options import project_option, settings_option
from migci.cli.progress import watching
from migci.core.run import Run
from migci.core.verdict import Verdict, judge
from migci.errors import Exit, UsageError
from migci.ports import Gates
from migci.replay import Change
from migci.replay import replay as replay_change

EXITS = {Verdict.PASSED: Exit.PASSED, Verdict.FAILED: Exit.FAILED, Verdict.UNDECIDED: Exit.UNDECIDED}


@click.command(short_help="Replay trunk's migrations, then the patch's:  migci replay --proposed my-branch")
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@project_option
@click.option("--trunk", metavar="REF", help="What the patch would land on; [project] trunk if not given.")
@click.option(
    "--proposed", metavar="REF", help="The patch; the working tree, uncommitted changes included, if not given."
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the results go; .migci/runs/<id> if not given.",
)
@click.option(
    "--format", "format_", type=click.Choice(list(report.FORMATS)), default="text", help="What is printed at the end."
)
@click.option("--no-merge", is_flag=True, help="Take the patch as it stands, not merged onto trunk's tip.")
@click.option("--no-cache", is_flag=True, help="Run trunk's migrations anew, whatever checkpoint is kept.")
@settings_option
@click.option("--only-trunk", is_flag=True, help="Judge trunk's own migrations; there is no patch.")
@click.pass_context
def replay(
    context: click.Context,
    datasets: tuple[str, ...],
    project: Path,
    trunk: str | None,
    proposed: str | None,
    output: Path | None,
    format_: str,
    no_merge: bool,
    no_cache: bool,
    settings_ref: str | None,
    only_trunk: bool,
) -> None:
    """Replay trunk's migrations, then those that the patch proposes, on every DATASET (all of them if none is named).

    What is tested is what would land: the patch merged onto trunk's tip, in a temporary tree. Results go into the
    output folder: replay.json, report.html, junit.xml, findings.sarif, log.txt.

    \b
    Examples:
      migci replay                            the working tree, on all datasets
      migci replay user_001 --proposed fix    the branch fix, on one
      migci replay --only-trunk               trunk alone
    """
    if only_trunk and (proposed or no_merge):
        raise click.UsageError("--only-trunk has no patch, so it goes with neither --proposed nor --no-merge")
    change = Change(proposed=proposed, only_trunk=only_trunk, merge=not no_merge, cache=not no_cache)
    run, folder = run_replay(project, datasets, change, trunk=trunk, output=output, settings_ref=settings_ref)
    click.echo(report.FORMATS[format_](run))
    click.echo(f"Report: {folder / 'report.html'}", err=True)
    context.exit(EXITS[judge(run).verdict])


def run_replay(
    project: Path,
    datasets: tuple[str, ...],
    change: Change,
    *,
    trunk: str | None = None,
    output: Path | None = None,
    settings_ref: str | None = None,
) -> tuple[Run, Path]:
    """Replay `change` and write its results; returns them and their folder.

    The settings are those of the commit `settings_ref`, if one is named. Raises UsageError, and then leaves no folder
    that was not there.
    """
    project = config.nearest(project)
    if settings_ref is None:
        settings = config.load(project)
        chosen = settings.as_datasets(project, datasets)
    else:
        text_of = partial(commits.file_at, project, settings_ref)
        settings = config.parse(text_of(config.FILE_NAME), project / f"{config.FILE_NAME} at {settings_ref}")
        chosen = settings.as_datasets(project, datasets, text_of)
    if not chosen:
        raise UsageError("migci.toml has no dataset", hint='add [datasets.empty] with source = "empty"')
    made = output is None or not output.exists()
    try:
        if output is not None and output.is_symlink():
            raise UsageError(f"--output {output} is a link", hint="name the folder that it leads to")
        folder = publish.new_folder(project) if output is None else output.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"cannot write the results to {output or project / '.migci'}: {error.strerror}",
            hint="choose a folder with --output",
        ) from error
    about = settings.as_project()
    if trunk is not None:
        about = replace(about, trunk=trunk)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    gates: Gates | None = None
    # It has no name, so nobody sees it before it was looked through, and nothing of it is left by a sudden end.
    with tempfile.TemporaryFile() as log:
        try:
            place = Path(f"/proc/self/fd/{log.fileno()}")
            with watching() as observer, wiring.tools(settings, project, place, observer) as tools:
                gates = tools.gates
                run = replay_change(about, change, chosen, tools)
        except UsageError:
            if made:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        except BaseException:
            if gates is not None:
                publish.write(folder, {"log.txt": log.read()}, gates.leaked)
            raise
        run = replace(run, started=started)
        files = {name: render(run).encode() for name, render in report.FILES.items()}
        publish.write(folder, {**files, "log.txt": log.read()}, tools.gates.leaked)
    return run, folder
