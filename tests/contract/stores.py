"""The snapshot stores under contract, each with a way to write and read the files of a clone."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from migci.adapters.instances import Instance, instance
from migci.adapters.log import Log
from migci.adapters.snapshots.copying import Copy
from migci.adapters.snapshots.store import DEFAULT_LIMIT_BYTES, Store
from migci.adapters.snapshots.ways import Choice
from migci.core.run import ServerFacts
from migci.core.snapshot import Kind, Snapshot, digest
from migci.ports import Clone, SnapshotStore
from tests.fakes import Disk, FakeStore

Content = Mapping[str, bytes]
"""Files by their paths."""

CONTENT: Content = {"ibdata1": b"first" * 1000, "main/thing.ibd": bytes(range(256)) * 64, "main/db.opt": b""}


def snapshot(name: str = "user_001") -> Snapshot:
    id = digest(name)
    return Snapshot(id, Kind.DATASET, name, ServerFacts("fake", "1.0"), "main", id, revision=("7",), rows=3)


class Place(Protocol):
    """A store, and what stands for a database server: whoever writes a clone's files."""

    @property
    def store(self) -> SnapshotStore: ...

    def write(self, clone: Clone, content: Content) -> None: ...

    def read(self, clone: Clone) -> Content: ...

    def clones(self) -> list[str]:
        """What there is of clones, whoever has them."""


@dataclass
class FakePlace:
    """A fake disk holds one text for a folder."""

    store: FakeStore
    disk: Disk

    def write(self, clone: Clone, content: Content) -> None:
        there = json.loads(self.disk.get(clone.data, "{}"))
        self.disk[clone.data] = json.dumps({**there, **{name: text.hex() for name, text in content.items()}})

    def read(self, clone: Clone) -> Content:
        return {name: bytes.fromhex(text) for name, text in json.loads(self.disk[clone.data]).items()}

    def clones(self) -> list[str]:
        return [str(path) for path in self.disk if str(path) not in self.store.kept]


@dataclass
class RealPlace:
    """Files are written and read by a process that the clone started, for nobody else may see them."""

    store: Store
    folder: Path
    instance: Instance

    def write(self, clone: Clone, content: Content) -> None:
        for name, text in content.items():
            script = 'mkdir -p -- "$(dirname -- "$1")" && cat >"$1"'
            command = clone.command(["sh", "-c", script, "sh", str(clone.data / name)])
            subprocess.run(command, input=text, check=True, capture_output=True)

    def read(self, clone: Clone) -> Content:
        command = clone.command(["tar", "--create", "--directory", str(clone.data), "."])
        packed = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True).stdout
        return dict(_unpacked(packed))

    def clones(self) -> list[str]:
        return sorted(str(path) for path in self.instance.folder.glob("c/*"))

    def beside(self, kept: Snapshot) -> Path:
        """The folder that holds a snapshot's files and what is known of them."""
        return self.folder / "snapshots" / kept.id

    def keep(self, kept: Snapshot, content: Content = CONTENT) -> Snapshot:
        with self.store.new(visible=False) as clone:
            self.write(clone, content)
            self.store.keep(clone, kept)
        return kept


def _unpacked(packed: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                yield member.name.removeprefix("./"), file.read()


@contextmanager
def real(folder: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Iterator[RealPlace]:
    """What one command makes of the store in `folder`."""
    with instance(folder) as live, Log(Path(os.devnull)) as log:
        yield RealPlace(Store(folder, live, log, limit_bytes), folder, live)


@contextmanager
def _copying(folder: Path) -> Iterator[Place]:
    with real(folder) as place:
        place.store._choices = dict.fromkeys((False, True), Choice(Copy(), ()))
        yield place


@contextmanager
def _chosen(folder: Path) -> Iterator[Place]:
    with real(folder) as place:
        yield place


@contextmanager
def _fake(folder: Path) -> Iterator[Place]:
    disk: Disk = {}
    yield FakePlace(FakeStore(disk), disk)


PLACES: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "fake": _fake,
    "copy": _copying,
    "chosen": _chosen,
}

LIMITED_BYTES = 400_000
"""A store of that size has room for a few snapshots of CONTENT."""
