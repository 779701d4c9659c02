"""What the commands that verify have in common."""

from __future__ import annotations

from pathlib import Path

import click

from anonymize.errors import UsageError
from anonymize.verify.searching import STATEMENTS

explain_option = click.option(
    "--explain",
    "explained",
    multiple=True,
    metavar="TABLE.COLUMN=REASON",
    help="Originals may stand in this column, or in `statements`; the report says why. May be given again.",
)


def explanations(texts: tuple[str, ...]) -> dict[str, str]:
    """The reasons, by column. Raises UsageError."""
    return dict(map(_explanation, texts))


def _explanation(text: str) -> tuple[str, str]:
    name, equals, reason = text.partition("=")
    if not equals or not ("." in name or name.strip() == STATEMENTS) or not reason.strip():
        raise UsageError(f"--explain {text} has no column or no reason", "write --explain TABLE.COLUMN=REASON")
    return name.strip(), reason.strip()


def write(file: Path, text: str) -> None:
    """Write a report. Raises UsageError if that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", "name another file") from error
