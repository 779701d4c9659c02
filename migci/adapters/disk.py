"""Whether a disk is full, asked of the disk itself."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from migci.errors import MigciError
from migci.ports import DiskFull

_LOW_BYTES = 32 << 20
"""A server stops working before its disk has nothing left at all."""

_FEW_FILES = 256
"""What fails because there is no room for one more often deletes some of its own before it ends."""


def is_full(folder: Path) -> bool:
    """Whether the disk of `folder`, or of the nearest folder above it that is there, has no room to work in."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    with suppress(OSError):
        disk = os.statvfs(there)
        no_more_files = disk.f_files > 0 and disk.f_favail < _FEW_FILES
        return disk.f_bavail * disk.f_frsize < _LOW_BYTES or no_more_files
    return False


def disk_or(error: MigciError, folder: Path) -> MigciError:
    """`error`, or DiskFull if the disk of `folder` explains it."""
    return disk_full(error, folder) if is_full(folder) else error


def disk_full(error: MigciError, folder: Path) -> DiskFull:
    """What to say instead of `error` when it is known that the disk of `folder` explains it."""
    return DiskFull(
        f"the disk of {folder} is full: {error.message}",
        hint="free some space, or point MIGCI_STORE at a larger disk",
    )
