"""A folder in the making: it gets its name when it is whole, and one that was interrupted is gone on with."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anonymize.dumps.publish import sync
from anonymize.errors import AnonymizeError, UsageError

_STATE = ".state"


class WorkFolder:
    """What is finished so far: a file that is in it under its name is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def has(self, name: str) -> bool:
        return (self.path / name).exists() and self.note(name).exists()

    def note(self, name: str) -> Path:
        """Where something may be kept about a finished file; it is not published."""
        return self.path / _STATE / f"{name}.json"


@contextmanager
def working(destination: Path, fingerprint: str, *, force: bool) -> Iterator[WorkFolder]:
    """A folder that becomes `destination` if the block ends well.

    It is made beside it. If the block is interrupted, or the machine fails, what is finished stays there and is found
    again under the same fingerprint; what has another one is thrown away. If the block raises an AnonymizeError,
    nothing is left. Raises UsageError if another process works on the same folder.
    """
    path = destination.with_name(f".{destination.name}.anonymizing")
    path.mkdir(exist_ok=True)
    lock = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"{destination} is being written by another process", "wait until that has ended"
            ) from error
        _prepare(path, fingerprint)
        try:
            yield WorkFolder(path)
        except AnonymizeError:
            shutil.rmtree(path)
            raise
        shutil.rmtree(path / _STATE)
        _put(path, destination, force=force)
    finally:
        os.close(lock)


def _prepare(path: Path, fingerprint: str) -> None:
    state = path / _STATE
    told = state / "fingerprint"
    if not (told.is_file() and told.read_text() == fingerprint):
        for entry in path.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        state.mkdir()
        told.write_text(fingerprint)
    for part in path.glob(".*.part"):
        part.unlink()


def _put(path: Path, destination: Path, *, force: bool) -> None:
    old = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.old")
    sync(path)
    if os.path.lexists(destination):
        if not force:
            shutil.rmtree(path)
            raise UsageError(f"{destination} is there already", "name another output, or add --force to replace it")
        destination.rename(old)
    path.rename(destination)
    sync(destination.parent)
    if old.is_dir() and not old.is_symlink():
        shutil.rmtree(old)
    else:
        old.unlink(missing_ok=True)
