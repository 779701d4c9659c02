"""A run's results on disk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from migci.errors import MigciError


def new_folder(project: Path) -> Path:
    """A folder for a run's results under the project's `.migci`, which git is told to ignore."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder = own_folder(project) / "runs" / name
    folder.mkdir(parents=True)
    return folder


def own_folder(project: Path) -> Path:
    """The project's `.migci`, which git is told to ignore."""
    own = project / ".migci"
    own.mkdir(exist_ok=True)
    ignored = own / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")
    return own


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write each of `files` into `folder`, each whole or not at all. Raises MigciError."""
    for name, text in files.items():
        whole, part = folder / name, folder / f".{name}.part"
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(whole)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise MigciError(
                f"cannot write {whole}: {error.strerror}", hint="choose another folder with --output"
            ) from error
