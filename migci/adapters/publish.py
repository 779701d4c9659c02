"""A run's results on disk."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from migci.errors import MigciError, UsageError


def new_folder(project: Path) -> Path:
    """A folder for a run's results under the project's `.migci`, which git is told to ignore."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    folder = own_folder(project) / "runs" / name
    folder.mkdir(parents=True)
    return folder


def own_folder(project: Path) -> Path:
    """The project's `.migci`, which git is told to ignore.

    Raises UsageError where something else is there: a link that a patch brings would lead what is written elsewhere.
    """
    own = project / ".migci"
    own.mkdir(exist_ok=True)
    ignored = own / ".gitignore"
    for path, right in ((own, Path.is_dir), (own / "runs", Path.is_dir), (ignored, Path.is_file)):
        if os.path.lexists(path) and (path.is_symlink() or not right(path)):
            raise UsageError(f"{path} is not what migci makes there", hint="remove it, or name a folder with --output")
    if not ignored.exists():
        ignored.write_text("*\n")
    return own


class Leaked(MigciError):
    """A honeytoken came through the gate."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"a value that was planted in the clone stands in {name}, so nothing of this run is published",
            hint="something shows data in a way that migci does not know; replay on synthetic or anonymized data, "
            "and see what the migration prints",
        )


def write(folder: Path, files: Mapping[str, bytes], leaked: Callable[[bytes], bool]) -> None:
    """Write each of `files` into `folder`, each whole or not at all, and none if one has `leaked`.

    Raises Leaked, MigciError.
    """
    for name, content in files.items():
        if leaked(content):
            raise Leaked(name)
    for name, content in files.items():
        # A name that nobody knew: a link that lay there would lead what is written elsewhere.
        whole, part = folder / name, folder / f".{name}.{secrets.token_hex(8)}"
        try:
            with part.open("xb") as file:
                file.write(content)
            part.replace(whole)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise MigciError(
                f"cannot write {whole}: {error.strerror}", hint="choose another folder with --output"
            ) from error
