"""The ways of cloning a folder of files, and which of them is the best that works in a place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from migci.adapters.snapshots.copying import Copy
from migci.adapters.snapshots.overlay import RootOverlay, UserOverlay
from migci.adapters.snapshots.reflink import Reflink
from migci.adapters.snapshots.subvolume import Subvolume
from migci.ports import Clone, CloneFailed


class Way(Protocol):
    """One way of cloning a folder of files."""

    @property
    def name(self) -> str: ...

    @property
    def visible(self) -> bool:
        """Whether every process sees a clone's files, or only what its `command` starts."""

    def unusable(self, place: Path) -> str | None:
        """Why it does not work in `place` (a folder where clones will live), found out by trying it there.

        `None` if it works. Leaves nothing behind.
        """

    def hold(self, folder: Path) -> None:
        """Make `folder`, in which a snapshot's files can be put so that they can be cloned this way.

        Raises CloneFailed, DiskFull.
        """

    def clone(self, data: Path, folder: Path) -> Clone:
        """A writable copy of the files in `data`, a folder that `hold` made; it is never written.

        What belongs to the clone is in `folder`, an existing private folder, and deleting that (shutil.rmtree) after
        the clone's processes ended leaves nothing of it, also if cloning failed half-way. The files are at
        folder/"data". Raises CloneFailed with the way and the reason, and DiskFull.
        """


WAYS: tuple[Way, ...] = (Subvolume(), Reflink(), RootOverlay(), UserOverlay(), Copy())
"""Best first, by how soon a server answers on a clone (tests/benchmarks/ways_of_cloning.py measures it).

An overlay is no faster than a copy once every table was opened, and much faster as long as only a few were.
"""


@dataclass(frozen=True)
class Choice:
    """The way to use; `refused` has, for every better one, why it is not."""

    way: Way
    refused: tuple[tuple[str, str], ...]


def choose(place: Path, *, visible: bool) -> Choice:
    """The best way that works in `place`; with `visible` only of those whose clones every process sees.

    Raises CloneFailed when not even copying works.
    """
    refused: list[tuple[str, str]] = []
    for way in WAYS:
        if way.visible or not visible:
            reason = way.unusable(place)
            if reason is None:
                return Choice(way, tuple(refused))
            refused.append((way.name, reason))
    told = "; ".join(f"{name}: {reason}" for name, reason in refused)
    raise CloneFailed(
        f"no way of cloning works in {place}: {told}", hint="point MIGCI_STORE at a folder on a disk with room"
    )
