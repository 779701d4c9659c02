"""Snapshots in a folder: each is written beside the others, and appears among them when it is whole."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from migci.adapters.disk import disk_or
from migci.adapters.instances import Instance, delete
from migci.adapters.log import Log
from migci.adapters.snapshots import checksums
from migci.adapters.snapshots.identities import Identities
from migci.adapters.snapshots.ways import Choice, choose
from migci.core.snapshot import Snapshot
from migci.ports import Clone, CloneFailed, SnapshotGone, StoreFailed

DEFAULT_LIMIT_BYTES = 50 << 30

_FORMAT = 1
_MANIFEST = "snapshot.json"
_IN_USE = "in-use"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Manifest:
    """What stands beside a snapshot's files.

    They were whole in memory when they were kept, and reach the disk when the kernel sees fit; `boot` is the run of
    the machine that kept them. In a later one they are checked once, before they are first used.
    """

    format: int
    snapshot: Snapshot
    checksums: dict[str, str]
    room_bytes: int
    boot: str


_manifests = TypeAdapter(Manifest)


@dataclass(frozen=True)
class Kept:
    """A snapshot as it lies in the store. `used` is when it was last cloned, in seconds since 1970."""

    snapshot: Snapshot
    room_bytes: int
    used: float


class Store:
    """A `SnapshotStore` in the folder `place`. What belongs to this command alone is in its `instance`."""

    def __init__(self, place: Path, instance: Instance, log: Log, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._snapshots = place / "snapshots"
        self._locks = place / "locks"
        self._work = instance.folder / "c"  # short: the paths of sockets are in it
        self._log = log
        self._limit_bytes = limit_bytes
        self._identities = Identities(place)
        self._numbers = itertools.count()
        self._choices: dict[bool, Choice] = {}
        for folder in (self._snapshots, self._locks, self._work):
            try:
                folder.mkdir(mode=0o700, exist_ok=True)  # data of real people may be in it
            except OSError as error:
                raise disk_or(StoreFailed(f"cannot write to {folder}: {error.strerror}"), place) from error

    def choice(self, *, visible: bool) -> Choice:
        """The way of cloning that is used here, and why not a better one."""
        if visible not in self._choices:
            self._choices[visible] = choose(self._work, visible=visible)
        return self._choices[visible]

    def find(self, id: str) -> Snapshot | None:
        manifest = self._manifest(id)
        if manifest is None:
            return None
        folder = self._snapshots / id
        if manifest.boot != _boot() and not (folder / "checked").exists():
            damage = checksums.differences(folder / "data", manifest.checksums)
            if damage:
                self._log.heading(f"snapshot {id} did not survive the machine's restart: {'; '.join(damage)}")
                self._take_out(folder)
                return None
            with suppress(OSError):  # then it is checked again
                (folder / "checked").touch()
        return manifest.snapshot

    def all(self) -> tuple[Snapshot, ...]:
        return tuple(kept.snapshot for kept in self.kept())

    def kept(self) -> tuple[Kept, ...]:
        """All snapshots, the one used last first."""
        found = []
        for folder in self._snapshots.iterdir():
            manifest = self._manifest(folder.name)
            if manifest is not None:
                with suppress(FileNotFoundError):
                    used = (folder / _IN_USE).stat().st_mtime
                    found.append(Kept(manifest.snapshot, manifest.room_bytes, used))
        return tuple(sorted(found, key=lambda kept: kept.used, reverse=True))

    def unreadable(self) -> tuple[str, ...]:
        """The ids under which there is something that cannot be read as a snapshot."""
        return tuple(
            sorted(
                folder.name
                for folder in self._snapshots.iterdir()
                if self._manifest(folder.name) is None and not _of_another_migci(folder)
            )
        )

    def remove_unreadable(self, id: str) -> bool:
        """Take out what `unreadable` told of, unless it is in use; returns whether it is gone."""
        return self._take_out(self._snapshots / id)

    def identity(self, source: str) -> str:
        return self._identities.of(source)

    @contextmanager
    def making(self, id: str, wait: Callable[[], None]) -> Iterator[None]:
        try:
            descriptor = os.open(self._locks / id, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise disk_or(StoreFailed(f"cannot write to {self._locks}: {error.strerror}"), self._locks) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                wait()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def new(self, *, visible: bool) -> Iterator[Clone]:
        with self._folder() as folder:
            way = self.choice(visible=visible).way
            try:
                way.hold(folder / "data")
            except OSError as error:
                raise disk_or(StoreFailed(f"cannot make a folder in {folder}: {error.strerror}"), folder) from error
            yield _Folder(folder / "data")

    @contextmanager
    def clone(self, snapshot: Snapshot, *, visible: bool) -> Iterator[Clone]:
        source = self._snapshots / snapshot.id
        way = self.choice(visible=visible).way
        with self._used(source) as there:
            if not there:
                raise SnapshotGone(f"snapshot {snapshot.id} of {snapshot.dataset!r} is not in the store any more")
            if not (source / "data").is_dir():
                raise CloneFailed(
                    f"the files of snapshot {snapshot.id} of {snapshot.dataset!r} are gone",
                    hint="'migci dataset verify' tells which snapshots are damaged, 'migci dataset remove' removes one",
                )
            self._count_as_used(snapshot)
            with self._folder() as folder:
                yield way.clone(source / "data", folder)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self._work / str(next(self._numbers))
        try:
            folder.mkdir(mode=0o700)  # one becomes a snapshot: nobody else may read what it holds
        except OSError as error:
            raise disk_or(StoreFailed(f"cannot make a folder in {self._work}: {error.strerror}"), folder) from error
        try:
            yield folder
        finally:
            delete(folder)

    @contextmanager
    def _used(self, folder: Path) -> Iterator[bool]:
        """Keep the snapshot in `folder` from being removed; whether it is there."""
        descriptor = _locked(folder / _IN_USE, fcntl.LOCK_SH)
        if descriptor is None:
            yield False
            return
        try:
            with suppress(OSError):
                os.utime(descriptor)
            yield True
        finally:
            os.close(descriptor)

    def _count_as_used(self, snapshot: Snapshot) -> None:
        """What `snapshot` was made on is asked for as well by whoever clones it, and would have to be made anew."""
        ahead: list[str | None] = [snapshot.root, snapshot.origin]
        seen: set[str] = {snapshot.id}
        while ahead:
            id = ahead.pop()
            if id is not None and id not in seen:
                seen.add(id)
                with suppress(OSError):
                    os.utime(self._snapshots / id / _IN_USE)
                manifest = self._manifest(id)
                ahead.append(None if manifest is None else manifest.snapshot.origin)

    def keep(self, clone: Clone, snapshot: Snapshot) -> None:
        with self._folder() as making:
            try:
                clone.move_to(making / "data")
                taken = checksums.taken(making / "data", punch_holes=True)
                manifest = Manifest(_FORMAT, snapshot, taken, checksums.room(making / "data"), _boot())
                (making / _IN_USE).touch()
                with (making / _MANIFEST).open("wb") as file:
                    file.write(_manifests.dump_json(manifest, indent=1))
                    file.flush()
                    os.fsync(file.fileno())
                target = self._snapshots / snapshot.id
                if target.exists():
                    self._discard(target)  # what cannot be read: `find` did not find it
                making.rename(target)
                _sync(self._snapshots)
            except OSError as error:
                raise disk_or(
                    StoreFailed(f"cannot keep a snapshot of {snapshot.dataset!r}: {error}"), self._snapshots
                ) from error
        self.make_room(self._limit_bytes, besides=snapshot.id)

    def make_room(self, limit_bytes: int, besides: str = "") -> tuple[Snapshot, ...]:
        """Remove what was not used for longest, until all takes at most `limit_bytes`; returns what is gone.

        What is in use stays, and so does `besides`. What cannot be read as a snapshot goes first.
        """
        for id in self.unreadable():
            self._take_out(self._snapshots / id)
        kept = list(self.kept())
        total = sum(one.room_bytes for one in kept)
        gone = []
        while total > limit_bytes and kept:
            oldest = kept.pop()
            if oldest.snapshot.id != besides and self.remove(oldest.snapshot):
                total -= oldest.room_bytes
                gone.append(oldest.snapshot)
        return tuple(gone)

    def damage(self, snapshot: Snapshot) -> tuple[str, ...]:
        manifest = self._manifest(snapshot.id)
        if manifest is None:
            return (f"{_MANIFEST} cannot be read",)
        return checksums.differences(self._snapshots / snapshot.id / "data", manifest.checksums)

    def remove(self, snapshot: Snapshot) -> bool:
        return self._take_out(self._snapshots / snapshot.id)

    def _take_out(self, folder: Path) -> bool:
        try:
            descriptor = _locked(folder / _IN_USE, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if descriptor is None:
            self._discard(folder)  # nobody can be using it
            return True
        try:
            self._discard(folder)
        finally:
            os.close(descriptor)
        return True

    def _discard(self, folder: Path) -> None:
        """First out of sight at once, then deleted: whoever looks sees it whole or not at all."""
        with self._folder() as bin_, suppress(FileNotFoundError):
            folder.rename(bin_ / "gone")

    def _manifest(self, id: str) -> Manifest | None:
        folder = self._snapshots / id
        try:
            manifest = _manifests.validate_json((folder / _MANIFEST).read_bytes())
        except (OSError, ValidationError):
            return None
        # Without the file that is locked, it could be neither cloned nor removed.
        return manifest if manifest.format == _FORMAT and (folder / _IN_USE).exists() else None


class _Folder:
    """A `Clone` of nothing."""

    way = "new"

    def __init__(self, data: Path) -> None:
        self.data = data

    def command(self, words: list[str]) -> list[str]:
        return words

    def move_to(self, folder: Path) -> None:
        self.data.rename(folder)


def _locked(file: Path, how: int) -> int | None:
    """The descriptor that holds the lock on `file`; `None` if there is no such file. Raises BlockingIOError."""
    while True:
        try:
            descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(descriptor, how)
            if os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was taken away before it was locked, and another may have been put there


def _of_another_migci(folder: Path) -> bool:
    """Whether its manifest is of a format that another version of migci writes."""
    try:
        told = json.loads((folder / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and told.get("format") != _FORMAT


def _boot() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
