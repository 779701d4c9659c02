"""Cloning by a snapshot of a btrfs subvolume, which takes the same time whatever is in it."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.snapshots.copying import FolderClone, NotCloned, explained
from migci.adapters.snapshots.reflink import Reflink
from migci.adapters.snapshots.trial import trouble

# <linux/btrfs.h>. The calls need no privilege, and the program `btrfs` does nothing else.
_SNAP_CREATE = 0x50009401
_SUBVOL_CREATE = 0x5000940E
_ARGUMENT = struct.Struct("=q4088s")
_ROOT_INODE = 256


@dataclass(frozen=True)
class Subvolume:
    """A `Way`. Files that are not held in a subvolume are cloned by reflinks, and the clone says so."""

    name: str = "btrfs-subvolume"
    visible: bool = True

    def unusable(self, place: Path) -> str | None:
        return trouble(self, place)

    def hold(self, folder: Path) -> None:
        try:
            _call(_SUBVOL_CREATE, folder, None)
        except OSError as error:
            raise explained(NotCloned(folder, self.name, _reason(error)), folder.parent) from error

    def clone(self, data: Path, folder: Path) -> FolderClone:
        try:
            # Every subvolume's own folder has this number; so may any file of another filesystem, which then fails.
            if data.stat().st_ino != _ROOT_INODE:
                return Reflink().clone(data, folder)
            _call(_SNAP_CREATE, folder / "data", data)
        except OSError as error:
            raise explained(NotCloned(data, self.name, _reason(error)), folder) from error
        return FolderClone(folder / "data", self.name)


def _call(request: int, new: Path, source: Path | None) -> None:
    with ExitStack() as stack:

        def opened(folder: Path) -> int:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            return descriptor

        of = opened(source) if source else 0
        fcntl.ioctl(opened(new.parent), request, bytearray(_ARGUMENT.pack(of, os.fsencode(new.name))))


def _reason(error: OSError) -> str:
    return "not a btrfs filesystem" if error.errno == errno.ENOTTY else error.strerror or str(error)
