"""The user's checkout, as a command that repairs something in it sees and changes it: files and index, never HEAD."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.beside import Beside, write
from migci.adapters.commits import users_environment
from migci.errors import MigciError, UsageError

_JOURNAL = "migci-versions-rebase"

_UNDER_WAY = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("MERGE_HEAD", "merge"),
)


@dataclass(frozen=True)
class Edit:
    """A file that gets other bytes; `was` is what it has to have until then, `None` where it must not be there."""

    path: str
    was: bytes | None
    now: bytes


@dataclass(frozen=True)
class Stages:
    """The three versions of a file that is in conflict, as git's index keeps them; `None` where a side has none."""

    base: bytes | None
    ours: bytes | None
    theirs: bytes | None

    @property
    def both(self) -> bool:
        """Whether neither side has deleted it."""
        return self.ours is not None and self.theirs is not None


class Worktree:
    """The files of the folder `project`, and git's index of them. Paths are relative to the project."""

    def __init__(self, project: Path) -> None:
        self.project = project

    def operation(self) -> str | None:
        """What git is in the middle of: "rebase", "cherry-pick", "revert", "merge"; `None` if nothing."""
        names = [name for name, _ in _UNDER_WAY]
        words = [word for name in names for word in ("--git-path", name)]
        places = self._git("rev-parse", *words).decode(errors="surrogateescape").splitlines()
        for (_, what), place in zip(_UNDER_WAY, places, strict=True):
            if (self.project / place).exists():
                return what
        return None

    def stages(self, path: str) -> Stages | None:
        """The versions of a file that git could not merge; `None` if it is in no conflict."""
        found: dict[str, bytes] = {}
        for entry in self._listed(path):
            if entry.stage != "0":
                found[entry.stage] = self._git("cat-file", "blob", entry.id)
        return Stages(found.get("1"), found.get("2"), found.get("3")) if found else None

    def texts_named(self, part: str) -> tuple[str, ...]:
        """The files that git knows whose path has `part` in it."""
        told = self._git("ls-files", "-z", "--", f":(glob,icase)**/*{part}*/**", f":(glob,icase)**/*{part}*")
        return tuple(sorted({os.fsdecode(path) for path in told.split(b"\0") if path}))

    def apply(self, edits: Sequence[Edit], renames: Sequence[tuple[str, str]], stage: Iterable[str] = ()) -> None:
        """Change all of these files, or none; `stage` are those of them that go into the index, too.

        Renamed files are renamed in the index as well. A process that is killed in the middle leaves files that are
        either as they were or as they have to be; renames that it began are ended by `finish`. Raises UsageError when
        a file is not what it was or cannot be written.
        """
        for edit in edits:
            self._check(edit)
        for was, now in renames:
            self._check_rename(was, now, {old for old, _ in renames})
        with self._written(edits) as written:
            if renames:
                index = [
                    (entry.mode, entry.id, os.fsdecode(entry.name), _renamed(os.fsdecode(entry.name), was, now))
                    for was, now in renames
                    for entry in self._listed(was)
                ]
                write(
                    self._journal(), json.dumps({"head": self._head(), "files": list(renames), "index": index}).encode()
                )
            for temporary, path in written:
                temporary.replace(path)
        if renames:
            self.finish()
        if staged := [path for path in stage if any(edit.path == path for edit in edits)]:
            self._git("add", "--", *(f":(literal){path}" for path in staged))

    def begun(self) -> bool:
        """Whether there are renames that a killed process had begun."""
        return self._journal().exists()

    def finish(self) -> tuple[tuple[str, str], ...]:
        """End the renames that a killed process had begun; returns them.

        Where something else is checked out by now, what had begun is forgotten.
        """
        journal = self._journal()
        try:
            said = json.loads(journal.read_bytes())
            renames = [(str(was), str(now)) for was, now in said["files"]]
            index = [(str(mode), str(id), str(was), str(now)) for mode, id, was, now in said["index"]]
            head = str(said["head"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{journal} cannot be read: {error}", hint="delete it") from error
        # Each new name was free when its turn came: what comes before one that is done, is done.
        done = max((place for place, (was, _) in enumerate(renames, 1) if not self._there(was)), default=0)
        if head != self._head() or not all(self._there(now) for _, now in renames[:done]):
            journal.unlink()  # something else is checked out now
            return ()
        for was, now in renames[done:]:
            if self._there(now):
                raise UsageError(
                    f"{was} was to become {now}, and both are there now",
                    hint=f"see which of them is the right one, and delete {journal}",
                )
            os.rename(self.project / was, self.project / now)  # noqa: PTH104  # links are files here, too
        self._rename_in_index(index)
        journal.unlink()
        return tuple(renames)

    def _head(self) -> str:
        return self._git("rev-parse", "HEAD").decode().strip()

    def _there(self, path: str) -> bool:
        return os.path.lexists(self.project / path)

    def clean(self, path: str) -> bool:
        """Whether the file on disk is the one in the index."""
        known = [entry for entry in self._listed(path) if entry.stage == "0"]
        return bool(known) and not self._git("diff-files", "--name-only", "-z", "--", f":(literal){path}")

    def _journal(self) -> Path:
        place = self._git("rev-parse", "--git-path", _JOURNAL).decode(errors="surrogateescape").rstrip("\n")
        return self.project / place

    def _check(self, edit: Edit) -> None:
        path = self.project / edit.path
        try:
            mode = path.lstat().st_mode
            there: bytes | None = path.read_bytes() if stat.S_ISREG(mode) else None
        except FileNotFoundError:
            mode, there = stat.S_IFREG | 0o644, None
        except OSError as error:
            raise UsageError(f"{edit.path} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(mode):
            raise UsageError(f"{edit.path} is no plain file", hint="put the file itself there")
        if not mode & 0o222:
            raise UsageError(f"{edit.path} is read-only", hint=f"chmod u+w {edit.path}")
        if there != edit.was:
            raise UsageError(f"{edit.path} was changed just now", hint="call this again")

    def _check_rename(self, was: str, now: str, leaving: set[str]) -> None:
        if any(entry.stage != "0" for entry in self._listed(was)):
            raise UsageError(f"{was} is in conflict", hint="resolve it, and call this again")
        try:
            mode = (self.project / was).lstat().st_mode
        except OSError as error:
            raise UsageError(f"{was} cannot be read: {error.strerror}") from error
        if not stat.S_ISREG(mode):
            raise UsageError(f"{was} is no plain file", hint="put the file itself there")
        if now not in leaving and self._there(now):
            raise UsageError(f"{was} is to become {now}, which is there already", hint="give one another name")
        if not os.access((self.project / was).parent, os.W_OK):
            raise UsageError(f"{was} lies in a folder that cannot be written to")

    def _written(self, edits: Sequence[Edit]) -> Beside:
        return Beside([(self.project / edit.path, edit.now) for edit in edits])

    def _rename_in_index(self, entries: Sequence[tuple[str, str, str, str]]) -> None:
        """So that a second time changes nothing: first all old names go, and then all new ones come."""
        lines = [f"0 {'0' * len(id)}\t{was}" for _, id, was, _ in entries]
        lines += [f"{mode} {id} 0\t{now}" for mode, id, _, now in entries]
        if lines:
            given = b"".join(os.fsencode(line) + b"\0" for line in lines)
            self._git("update-index", "-z", "--index-info", given=given)

    def _listed(self, path: str) -> list[_Listed]:
        told = self._git("ls-files", "--stage", "--full-name", "-z", "--", f":(literal){path}")
        found = []
        for line in told.split(b"\0"):
            if line:
                about, _, name = line.partition(b"\t")
                mode, id, stage = about.decode().split()
                found.append(_Listed(mode, id, stage, name))
        return found

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        words = [os.fsencode(word) for word in ("git", "-c", "core.quotePath=false", *arguments)]
        environment = {**users_environment(), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(words, cwd=self.project, input=given, env=environment, capture_output=True)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise MigciError(f"git {arguments[0]} failed: {said[-1] if said else done.returncode}")
        return done.stdout


@dataclass(frozen=True)
class _Listed:
    """An entry of the index; `name` is its path from the repository's top."""

    mode: str
    id: str
    stage: str
    name: bytes


def _renamed(full: str, was: str, now: str) -> str:
    return full[: -len(was)] + now
