"""How every command ends: with an exit status, and where something is wrong, with a message and what to do about it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import click

from anonymize.errors import AnonymizeError

_USAGE, _BROKEN, _INTERRUPTED = 2, 3, 130


def run(command: click.Command) -> NoReturn:
    """Run a command and exit: with the status that it returns, or with that of what went wrong."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    try:
        # Not standalone, click returns the status of context.exit() instead of exiting with it.
        status = command.main(standalone_mode=False) or 0
        sys.stdout.flush()  # here, where it can still be told that nobody reads it
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted; nothing was published")
        status = _INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = _USAGE
    except AnonymizeError as error:
        say(error.message, error.hint)
        status = error.status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left must not be tried again
        status = _BROKEN
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        # The text of an exception that nobody foresaw may hold a value of the dump, so it is not shown.
        say(
            f"this is a mistake in anonymize itself: {type(error).__name__} at {where.filename}:{where.lineno}",
            "nothing was published; please report it",
        )
        status = _BROKEN
    sys.exit(status)


def say(message: str, hint: str = "") -> None:
    """Tell the person at the keyboard."""
    click.echo(f"{click.style('anonymize:', bold=True)} {harmless(message)}", err=True)
    if hint:
        click.echo(indented(f"hint: {harmless(hint)}"), err=True)


def harmless(text: str) -> str:
    """Names come from the dump, and no terminal should obey them."""
    return "".join(character if character.isprintable() or character == "\n" else "�" for character in text)


def indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _terminated(number: int, frame: FrameType | None) -> None:
    """Leave as an interrupt does: through every context manager, so that nothing stays behind."""
    raise KeyboardInterrupt
