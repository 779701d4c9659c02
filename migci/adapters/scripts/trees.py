"""The files of a commit, and those on disk; no checkout is made, and no link is followed."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from migci.errors import MigciError
from migci.ports import Entry, EntryKind, Files

LONGEST_BYTES = 1 << 20
"""No script is longer; what pretends to be one is not read."""

_GIT_KINDS = {
    b"040000": EntryKind.FOLDER,
    b"100644": EntryKind.FILE,
    b"100755": EntryKind.FILE,
    b"120000": EntryKind.LINK,
}


def normal(path: str) -> str:
    """`path` without ".", ".." and doubled slashes, as far as these can go; "" is the project's own folder."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def contents(files: Files, paths: Sequence[str]) -> Iterator[tuple[str, bytes | None]]:
    """Each path with its content; of very many, only some are held at a time."""
    for begins in range(0, len(paths), _AT_A_TIME):
        batch = paths[begins : begins + _AT_A_TIME]
        yield from zip(batch, files.read(batch), strict=True)


_AT_A_TIME = 256


@dataclass(frozen=True)
class _Blob:
    kind: EntryKind
    id: bytes
    size: int


@dataclass(frozen=True)
class CommitFiles:
    """`Files` of a commit. `git` are the words that begin a git command on its repository, `inside` is the project's
    folder in it, "" for its top.
    """

    name: str
    commit: str
    git: tuple[str, ...]
    environment: dict[str, str]
    inside: str
    _seen: dict[str, _Blob] = field(default_factory=dict, repr=False, compare=False)
    _folders: dict[str, dict[str, _Blob]] = field(default_factory=dict, repr=False, compare=False)

    def kind(self, path: str) -> EntryKind | None:
        path = normal(path)
        return None if path.startswith("..") else self._kind(self._full(path))

    def entries(self, folder: str, *, below: bool = False) -> tuple[Entry, ...]:
        folder = normal(folder)
        full = self._full(folder)
        if folder.startswith("..") or self._kind(full) is not EntryKind.FOLDER:
            return ()
        found = self._list(full, "-r", "-t") if below else self._folder(full)
        entries = (
            Entry(self._relative(path), blob.kind)
            for path, blob in found.items()
            if full == "." or path.startswith(f"{full}/")
        )
        return tuple(sorted(entries, key=lambda entry: entry.path))

    def read(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        full = [self._full(normal(path)) for path in paths]
        blobs = [self._seen.get(path) if path in self._seen or self._kind(path) else None for path in full]
        wanted = {b.id: None for b in blobs if b and b.kind is EntryKind.FILE and b.size <= LONGEST_BYTES}
        content = self._contents(list(wanted))
        return tuple(content.get(blob.id) if blob else None for blob in blobs)

    def _kind(self, full: str) -> EntryKind | None:
        """What is there: each folder on the way is listed once. git goes through no link, and neither is it here."""
        here, parts = ".", [] if full == "." else full.split("/")
        for place in range(1, len(parts) + 1):
            path = "/".join(parts[:place])
            there = self._folder(here).get(path)
            if there is None:
                return None
            if there.kind is not EntryKind.FOLDER:
                return there.kind if path == full or there.kind is EntryKind.LINK else None
            here = path
        return EntryKind.FOLDER

    def _full(self, path: str) -> str:
        """The path in the repository of one in the project; "." is its top."""
        return "/".join(part for part in (self.inside, path) if part) or "."

    def _relative(self, full: str) -> str:
        return full.removeprefix(f"{self.inside}/" if self.inside else "")

    def _folder(self, full: str) -> dict[str, _Blob]:
        if full not in self._folders:
            self._folders[full] = self._list(full)
        return self._folders[full]

    def _list(self, full: str, *words: str) -> dict[str, _Blob]:
        paths = () if full == "." else (f"{full}/",)
        found = {}
        for line in self._run(("ls-tree", "-z", "-l", "--full-tree", *words, self.commit, "--", *paths)).split(b"\0"):
            if line:
                about, _, path = line.partition(b"\t")
                mode, _, id, size = about.split()
                blob = _Blob(_GIT_KINDS.get(mode, EntryKind.OTHER), id, int(size) if size.isdigit() else 0)
                found[os.fsdecode(path)] = blob
        self._seen.update(found)
        return found

    def _contents(self, ids: list[bytes]) -> dict[bytes, bytes]:
        if not ids:
            return {}
        told = self._run(("cat-file", "--batch", "--buffer"), b"".join(id + b"\n" for id in ids))
        found, at = {}, 0
        for id in ids:
            end = told.index(b"\n", at)
            words = told[at:end].split()
            at = end + 1
            if len(words) == 3:
                size = int(words[2])
                found[id] = told[at : at + size]
                at += size + 1
        return found

    def _run(self, arguments: tuple[str, ...], given: bytes = b"") -> bytes:
        words = [os.fsencode(word) for word in (*self.git, *arguments)]
        done = subprocess.run(words, input=given, env=self.environment, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise MigciError(
                f"git {arguments[0]} of {self.name} failed: {said[-1] if said else done.returncode}",
                hint="is all of it here? a partial clone lacks files that are not checked out: git fetch --refetch",
            )
        return done.stdout


@dataclass(frozen=True)
class DiskFiles:
    """`Files` as they lie in the folder `project`."""

    project: Path
    name: str = "working tree"

    def kind(self, path: str) -> EntryKind | None:
        path = normal(path)
        if path.startswith(".."):
            return None
        place = self.project
        found: EntryKind | None = EntryKind.FOLDER
        for part in PurePosixPath(path).parts:
            place /= part
            found = _kind(place)
            if found is not EntryKind.FOLDER:
                return found if place == self.project / path or found is EntryKind.LINK else None
        return found

    def entries(self, folder: str, *, below: bool = False) -> tuple[Entry, ...]:
        if self.kind(folder) is not EntryKind.FOLDER:
            return ()
        found: list[Entry] = []
        waiting = [normal(folder)]
        while waiting:
            here = waiting.pop()
            with suppress(OSError):
                for name in os.listdir(self.project / here):  # noqa: PTH208
                    path = f"{here}/{name}" if here else name
                    kind = _kind(self.project / path)
                    if kind is not None and name != ".git":
                        found.append(Entry(path, kind))
                        if below and kind is EntryKind.FOLDER:
                            waiting.append(path)
        return tuple(sorted(found, key=lambda entry: entry.path))

    def read(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        return tuple(self._read(path) for path in paths)

    def _read(self, path: str) -> bytes | None:
        if self.kind(path) is not EntryKind.FILE:
            return None
        with suppress(OSError):
            # It may have been exchanged for something else since: no link is followed, and no pipe waited for.
            descriptor = os.open(
                self.project / normal(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            )
            with os.fdopen(descriptor, "rb") as stream:
                content = stream.read(LONGEST_BYTES + 1)
            return content if len(content) <= LONGEST_BYTES else None
        return None


def _kind(path: Path) -> EntryKind | None:
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return None
    for test, kind in (
        (stat.S_ISREG, EntryKind.FILE),
        (stat.S_ISLNK, EntryKind.LINK),
        (stat.S_ISDIR, EntryKind.FOLDER),
    ):
        if test(mode):
            return kind
    return EntryKind.OTHER
