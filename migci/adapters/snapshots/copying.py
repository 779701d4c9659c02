"""Cloning by copying every byte: works everywhere, and takes as long as the files are large."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.instances import bound
from migci.adapters.snapshots.trial import trouble
from migci.ports import CloneFailed, DiskFull

_LOW_BYTES = 8 << 20


class NotCloned(CloneFailed):
    """`way` did not clone `data`; `reason` says why, for whoever knows both already."""

    def __init__(self, data: Path, way: str, reason: str) -> None:
        super().__init__(
            f"cannot clone {data} by {way}: {reason}",
            hint="run 'migci doctor' to see which ways of cloning work here",
        )
        self.reason = reason


@dataclass(frozen=True)
class FolderClone:
    """A `Clone` that is a folder like any other."""

    data: Path
    way: str

    def command(self, words: list[str]) -> list[str]:
        return list(words)

    def move_to(self, folder: Path) -> None:
        moved(self.data, folder, self.way)


@dataclass(frozen=True)
class Copy:
    """A `Way`. One `cp` is as fast as any number of them: a copy from memory is bound by the memory, not by a core."""

    name: str = "copy"
    visible: bool = True

    def unusable(self, place: Path) -> str | None:
        return trouble(self, place)

    def hold(self, folder: Path) -> None:
        made(folder, self.name)

    def clone(self, data: Path, folder: Path) -> FolderClone:
        cloned(data, folder / "data", self.name, reflink="auto")
        return FolderClone(folder / "data", self.name)


def cloned(data: Path, target: Path, way: str, *, reflink: str) -> None:
    """As `copied`; of a folder that cannot be read nothing is made, which could then not be deleted."""
    try:
        next(data.iterdir(), None)
    except OSError as error:
        raise NotCloned(data, way, error.strerror or str(error)) from error
    copied(["cp"], data, target, way, reflink=reflink)


def copied(cp: list[str], data: Path, target: Path, way: str, *, reflink: str) -> None:
    """Make `target` a copy of `data`: bytes, holes, modes, owners, times, links. `cp` is how the program is started.

    Raises NotCloned with the program's own words, and DiskFull; what it made so far stays.
    """
    done = subprocess.run(
        bound([*cp, "-a", f"--reflink={reflink}", "-T", "--", str(data), str(target)]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"cp ended with status {done.returncode}"]
        raise explained(NotCloned(data, way, lines[0].removeprefix("cp: ")), target.parent)


def made(folder: Path, way: str) -> None:
    """Make `folder`. Raises NotCloned, DiskFull."""
    try:
        folder.mkdir()
    except OSError as error:
        raise explained(NotCloned(folder, way, error.strerror or str(error)), folder.parent) from error


def moved(data: Path, folder: Path, way: str) -> None:
    """Rename `data` to `folder`. Raises NotCloned, DiskFull."""
    try:
        data.rename(folder)
    except OSError as error:
        raise explained(NotCloned(data, way, f"it cannot become {folder}: {error.strerror}"), folder.parent) from error


def explained(error: NotCloned, folder: Path) -> NotCloned | DiskFull:
    """`error`, or DiskFull if nothing more can be written into `folder`, be it for the disk or for a quota."""
    if not _full(folder):
        return error
    return DiskFull(
        f"the disk of {folder} is full: {error.message}",
        hint="free some space, or point MIGCI_STORE at a larger disk",
    )


def _full(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            os.posix_fallocate(probe.fileno(), 0, _LOW_BYTES)
    except OSError as error:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return False
