"""The command line: one file a command."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import traceback
from types import FrameType

import click

import migci
from migci.errors import Exit, MigciError

COMMANDS = ("init", "doctor", "demo", "dataset", "replay", "explore", "versions")
"""Each is a module beside this one, and in it the command of that name."""


class Commands(click.Group):
    """Imports the one command that is run, and no other."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        found: click.Command = getattr(importlib.import_module(f"migci.cli.{cmd_name}"), cmd_name)
        return found


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(migci.__version__, prog_name="migci")
@click.option(
    "--sandbox",
    type=click.Choice(["bubblewrap", "none"]),
    help="What migrations are kept in; MIGCI_SANDBOX, else bubblewrap. With none they can do all that you can.",
)
def commands(sandbox: str | None) -> None:
    """Replay a patch's database migrations on real data before it merges.

    \b
    Begin with:
      migci demo          see it at work on a small shop
      migci init          write a migci.toml for your project
      migci replay        replay trunk's migrations, then yours

    Exit codes: 0 passed, 1 failed, 2 usage or configuration, 3 undecided (migci, its machine or trunk broke).
    """
    if sandbox is not None:
        os.environ["MIGCI_SANDBOX"] = sandbox  # for what goes on when this command has ended, too


def main() -> None:
    """Run the command line, and exit with one of `migci.errors.Exit`."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    try:
        # Not standalone, click returns the status of context.exit() instead of exiting with it.
        sys.exit(commands.main(standalone_mode=False) or Exit.PASSED)
    except click.exceptions.Abort:
        _say("interrupted; nothing is left running")
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(Exit.USAGE)
    except MigciError as error:
        _say(error.message, error.hint)
        sys.exit(error.exit)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.UNDECIDED)
    except Exception:
        click.echo(_clean(traceback.format_exc()), err=True, nl=False)
        _say("this is a mistake in migci itself, so nothing can be said of the patch")
        sys.exit(Exit.UNDECIDED)


def _terminated(number: int, frame: FrameType | None) -> None:
    """Leave as an interrupt does: through every context manager, so that nothing stays behind."""
    raise KeyboardInterrupt


def _clean(text: str) -> str:
    from migci.adapters.gate.gate import Gate  # most commands end without it

    return Gate(None).clean(text)


def _say(message: str, hint: str = "") -> None:
    from migci.report import plain  # most commands end without it

    # Lines of a message may be somebody else's: none of them is obeyed by a screen, or by who runs a job.
    first, *more = (plain.unobeyed(plain.line(line, 2000)) for line in _clean(message).split("\n"))
    click.echo("\n  ".join([f"{click.style('migci:', bold=True)} {first}", *more]), err=True)
    if hint:
        click.echo(f"  hint: {plain.unobeyed(plain.line(_clean(hint), 2000))}", err=True)
