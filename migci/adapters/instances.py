"""Folders and processes that live no longer than the command that made them, a killed command's included."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import secrets
import shutil
import signal
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from migci.errors import MigciError

MARKER = "MIGCI_INSTANCE"
"""The environment variable by which every process that belongs to an instance is known, whoever its parent is."""

our_own: set[int] = set()
"""The pids of children that were begun for migci's own sake while a project's processes were alive."""

_PR_SET_CHILD_SUBREAPER = 36  # <sys/prctl.h>
_NAME = re.compile(r"\d+-[0-9a-f]{16}")


@dataclass(frozen=True)
class Instance:
    """One command's private folder, and the id that marks its processes."""

    id: str
    folder: Path


@contextmanager
def instance(store: Path) -> Iterator[Instance]:
    """A private folder under `store`; on exit it is gone, and so is every process marked with its id.

    What an earlier command left because it was killed is swept first. A folder belongs to whoever holds its lock, so
    the store may be shared between containers, which do not know each other's processes.
    """
    parent = store / "instances"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        sweep(store)
        with _locked(store / "instances.lock"):
            folder = parent / f"{os.getpid()}-{secrets.token_hex(8)}"
            folder.mkdir(mode=0o700)
            held = _lock(folder / "lock", wait=False)
    except OSError as error:
        raise MigciError(
            f"cannot write to {parent}: {error.strerror}",
            hint="point MIGCI_STORE at a folder on a disk with room",
        ) from error
    try:
        yield Instance(folder.name, folder)
    finally:
        _end(folder)
        if held is not None:
            os.close(held)


def sweep(store: Path) -> list[str]:
    """End and delete every instance whose command is no longer alive; returns their ids."""
    swept = []
    with _locked(store / "instances.lock"):
        for folder in sorted((store / "instances").iterdir()):
            if _NAME.fullmatch(folder.name) is None:
                continue
            try:
                held = _lock(folder / "lock", wait=False)
            except FileNotFoundError:
                continue  # its command has just ended, and deleted it
            if held is not None:
                _end(folder)
                os.close(held)
                swept.append(folder.name)
    return swept


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    held = _lock(file, wait=True)
    assert held is not None
    try:
        yield
    finally:
        os.close(held)


def _lock(file: Path, *, wait: bool) -> int | None:
    """The descriptor that holds the lock on `file`, or `None` if somebody else holds it. It ends with its process."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held_lock(file: Path) -> Iterator[bool]:
    """Whether the lock on `file` is ours now; nobody is waited for."""
    held = _lock(file, wait=False)
    try:
        yield held is not None
    finally:
        if held is not None:
            os.close(held)


def _end(folder: Path, patience_seconds: float = 10.0) -> None:
    """Its command's unmarked children, such as a `cp`, die with it, but may do so only after the first look."""
    deadline = time.monotonic() + patience_seconds
    while True:
        end_marked(folder.name)
        delete(folder)
        if not folder.exists() or time.monotonic() > deadline:
            return
        time.sleep(0.005)


def delete(folder: Path) -> None:
    """Delete a folder with all that is in it, as far as that can be done.

    Also folders without any rights, as an overlay's mount makes them, and folders in folders without end, as somebody
    makes who means harm: what is deep down is moved up, so no path is too long and nothing is called in itself.
    """
    aside = f".{secrets.token_hex(8)}-"
    waiting, found = [(str(folder), str(folder))], []
    while waiting:
        place, top = waiting.pop()
        found.append(place)
        for inner in _emptied(place):
            moved = inner if place == top else f"{top}/{aside}{len(found)}-{len(waiting)}"
            with suppress(OSError):
                Path(inner).rename(moved)
            # What lies on another filesystem, or is a volume of its own, stays where it is and is a top itself.
            waiting.append((moved, top) if os.path.lexists(moved) else (inner, inner))
    for place in reversed(found):
        with suppress(OSError):
            Path(place).rmdir()


def _emptied(place: str) -> list[str]:
    """The folders in `place`, each with rights for us; all else in it is gone."""
    folders = []
    with suppress(OSError), os.scandir(place) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                    if entry.stat(follow_symlinks=False).st_mode & stat.S_IRWXU != stat.S_IRWXU:
                        Path(entry).chmod(stat.S_IRWXU)
                else:
                    Path(entry).unlink()
    return folders


def bound(command: list[str]) -> list[str]:
    """`command`, so started that it is killed the moment that this process dies. Start it from the main thread."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else command


def marked(mark: str) -> list[int]:
    """The pids of all live processes that carry `mark`, or whose mark begins with `mark` and a slash."""
    wanted = f"{MARKER}={mark}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                environment = Path("/proc", entry.name, "environ").read_bytes()
                values = environment.split(b"\0")
                if any(value == wanted or value.startswith(wanted + b"/") for value in values):
                    found.append(int(entry.name))
    return found


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none is lost by becoming a daemon."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(parent: int) -> set[int]:
    """The pids of the live processes that `parent` is the parent of."""
    return {pid for pid, of in _parents().items() if of == parent}


def descendants(ancestors: set[int]) -> set[int]:
    """The pids of `ancestors` and of all that descend from them, of those that are alive."""
    parents = _parents()
    found = {pid for pid in ancestors if pid in parents}
    while more := {pid for pid, of in parents.items() if of in found} - found:
        found |= more
    return found


def _parents() -> dict[int, int]:
    """Each live process's parent; one that has ended and was not waited for is not alive."""
    found = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                state, parent = Path("/proc", entry.name, "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if state != "Z":
                    found[int(entry.name)] = int(parent)
    return found


def end_marked(mark: str, patience_seconds: float = 10.0) -> int:
    """Kill every process that carries `mark`, also those that they start meanwhile; returns how many there were."""
    killed: set[int] = set()
    deadline = time.monotonic() + patience_seconds
    while pids := [pid for pid in marked(mark) if pid != os.getpid()]:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        if time.monotonic() > deadline:
            break
        time.sleep(0.005)
    # One that is ending tells its mark no more, and still holds what it had open.
    while killed & _parents().keys() and time.monotonic() < deadline:
        time.sleep(0.001)
    return len(killed)
