"""Cloning by copies that share their blocks until one is written to: XFS and btrfs have them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migci.adapters.snapshots.copying import FolderClone, cloned, made
from migci.adapters.snapshots.trial import trouble


@dataclass(frozen=True)
class Reflink:
    """A `Way`. What it takes grows with the number of files and of their extents, not with their size."""

    name: str = "reflink"
    visible: bool = True

    def unusable(self, place: Path) -> str | None:
        return trouble(self, place)

    def hold(self, folder: Path) -> None:
        made(folder, self.name)

    def clone(self, data: Path, folder: Path) -> FolderClone:
        cloned(data, folder / "data", self.name, reflink="always")
        return FolderClone(folder / "data", self.name)
