"""A folder of numbered migrations on disk, with what git has of it; here it is written to, and git's index too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from migci.adapters.commits import users_command
from migci.core.naming import VERSIONS, Move
from migci.errors import MigciError, UsageError

_UNDER_WAY = f"{VERSIONS}.new"
"""What a file is called while it is written: a call that was killed leaves no other."""
_NO_DIFFERENCE, _FOUND_NONE = 0, 1


class FolderOnDisk:
    """A `VersionsFolder`. `project` is the folder that `folder` is in."""

    def __init__(self, folder: Path, project: Path) -> None:
        self._folder = folder
        self._project = project

    @property
    def place(self) -> str:
        return self._folder.relative_to(self._project).as_posix()

    def files(self) -> frozenset[str]:
        return frozenset(name for name, is_file in self._entries() if is_file) - {_UNDER_WAY}

    def others(self) -> frozenset[str]:
        return frozenset(name for name, is_file in self._entries() if not is_file)

    def _entries(self) -> list[tuple[str, bool]]:
        with _translated(self._folder), os.scandir(self._folder) as found:
            return [(entry.name, entry.is_file(follow_symlinks=False)) for entry in found]

    def tracked(self) -> frozenset[str] | None:
        return frozenset(self._index) if self._in_git else None

    @cached_property
    def _in_git(self) -> bool:
        return any((place / ".git").exists() for place in (self._folder, *self._folder.parents))

    @cached_property
    def _prefix(self) -> str:
        """The folder's path in the repository, with a slash behind it; "" for the repository itself."""
        return os.fsdecode(self._git("rev-parse", "--show-prefix").rstrip(b"\n"))

    @property
    def _index(self) -> dict[str, tuple[str, str]]:
        """The mode and the object of each of its files."""
        found = {}
        for entry in self._git("ls-files", "--stage", "-z").split(b"\0")[:-1]:
            about, _, name = os.fsdecode(entry).partition("\t")
            mode, id_, _ = about.split(" ")
            if "/" not in name:
                found[name] = (mode, id_)
        return found

    def changed(self) -> frozenset[str]:
        if not self._in_git:
            return frozenset()
        told = self._git("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", ".")
        paths = [os.fsdecode(entry)[3:] for entry in told.split(b"\0")[:-1]]
        names = {path.removeprefix(self._prefix) for path in paths if path.startswith(self._prefix)}
        return frozenset(name for name in names if "/" not in name) - {_UNDER_WAY}

    def listed(self) -> Mapping[str, Sequence[str]]:
        path = self._folder / VERSIONS
        with _translated(path):
            content = path.read_bytes()
        try:
            found = json.loads(content.decode("utf-8-sig"))
            return {str(number): [str(name) for name in names] for number, names in found.items()}
        except (ValueError, RecursionError, AttributeError, TypeError) as error:
            raise UsageError(
                f"{self.place}/{VERSIONS} is there already, and cannot be read: {error}",
                hint="migci versions check tells what is wrong with it",
            ) from error

    def alike(self, moves: Sequence[Move]) -> frozenset[Move]:
        files = self.files()
        there = [move for move in moves if move.new in files]
        gone = [move for move in there if move.old not in files]
        index = self._index if gone and self._in_git else {}
        known = [move for move in gone if move.old in index]
        paths = "".join(f"{self._prefix}{move.new}\n" for move in known)
        ids = self._git("hash-object", "--stdin-paths", told=os.fsencode(paths)).split() if known else []
        same = {move for move, id_ in zip(known, ids, strict=True) if index[move.old][1] == id_.decode()}
        with _translated(self._folder):
            return frozenset(same).union(
                move
                for move in there
                if move.old in files
                and (self._folder / move.old).read_bytes() == (self._folder / move.new).read_bytes()
            )

    def copy(self, move: Move) -> None:
        old, new, under_way = (self._folder / name for name in (move.old, move.new, _UNDER_WAY))
        with _translated(new):
            try:
                os.link(old, new)
            except FileExistsError:
                return  # of an earlier call, and seen to be the same
            except OSError:  # a filesystem without links
                shutil.copyfile(old, under_way)
                shutil.copystat(old, under_way)
                under_way.replace(new)

    def write(self, text: str) -> None:
        under_way = self._folder / _UNDER_WAY
        with _translated(under_way):
            with under_way.open("wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            self._sync()
            under_way.replace(self._folder / VERSIONS)
            self._sync()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, name: str) -> None:
        with _translated(self._folder / name):
            (self._folder / name).unlink(missing_ok=True)

    def stage(self, moves: Sequence[Move]) -> None:
        if not self._in_git:
            return
        index = self._index
        listing = (
            self._git("hash-object", "-w", "--stdin", told=(self._folder / VERSIONS).read_bytes()).decode().strip()
        )
        entries = [("100644", listing, VERSIONS)]
        for move in moves:
            if move.old in index:
                entries += [("0", "0" * len(listing), move.old), (*index[move.old], move.new)]
        lines = [f"{mode} {id_}\t{self._prefix}{name}\0" for mode, id_, name in entries]
        self._git("update-index", "-z", "--index-info", told=os.fsencode("".join(lines)))
        self._git("update-index", "-q", "--refresh", allowed=(_NO_DIFFERENCE, _FOUND_NONE))

    def lines(self) -> Iterator[tuple[str, int, str]]:
        if not self._in_git:
            return
        form = ("-z", "-n", "-I", "-E", "--no-color", "--no-column", "--no-full-name")
        told = self._git("grep", *form, "-e", "[0-9]{3}", "--", ".", at=self._project, allowed=(0, _FOUND_NONE))
        for line in told.split(b"\n"):
            match line.split(b"\0", 2):
                case [file, number, text] if number.isdigit():
                    yield os.fsdecode(file), int(number), text.decode(errors="replace")

    def _git(self, *words: str, told: bytes = b"", at: Path | None = None, allowed: tuple[int, ...] = (0,)) -> bytes:
        command, environment = users_command(at or self._folder)
        done = subprocess.run([*command, *words], env=environment, input=told, capture_output=True)
        if done.returncode not in allowed:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["it did not say why"]
            raise MigciError(
                f"git {words[0]} failed: {said[-1]}",
                hint="nothing is lost: when git works again, migci versions import goes on where it was",
            )
        return done.stdout


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Raises MigciError for an error of the disk."""
    try:
        yield
    except OSError as error:
        raise MigciError(
            f"{path}: {error.strerror}", hint="when that is mended, migci versions import goes on where it was"
        ) from error
