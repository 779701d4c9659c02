"""What a confined process may see and use, and what holds it to that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from migci.adapters.instances import MARKER


@dataclass(frozen=True)
class Limits:
    """What code that nobody has reviewed may use.

    `memory_bytes` is meant for each process and for all of them together; what lies in temporary files counts against
    `temporary_bytes` instead. `file_bytes` is the size of any one file.
    """

    memory_bytes: int = 4 << 30
    temporary_bytes: int = 1 << 30
    file_bytes: int = 4 << 30
    processes: int = 256
    open_files: int = 1024
    cpu_seconds: int = 86_400


@dataclass(frozen=True)
class View:
    """What is seen, besides the system's programs, at the paths where it is outside.

    A path in `read` or `write` is a folder or a file with all that it holds, or a socket; `links` are symbolic links,
    their paths and what they say.

    Without `limits` the process is a program of this machine's that may be misled: it keeps its user and uses what it
    wants. With them it is code that nobody has reviewed, and gets a user of its own where migci may give it one.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    links: tuple[tuple[Path, str], ...] = ()
    limits: Limits | None = None
    as_owner: bool = False
    """Its user is the one whom the first path in `write` belongs to now, and nothing changes hands."""


class Confined(Protocol):
    """A view that is laid out, for as long as processes use it."""

    @property
    def home(self) -> Path:
        """A folder that the processes may write to, and that nobody else sees; a path as they see it."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What is to be handed down to the command, besides its own."""

    def command(self, words: list[str]) -> list[str]:
        """`words`, so started that they see the view and nothing else. They die with the process that starts them.

        The next command is asked for when the last one has ended.
        """

    def strangers(self, pids: Iterable[int]) -> int:
        """How many of the live processes `pids` are neither the command itself nor what confines it."""

    def told(self, status: int) -> str:
        """How the command ended, in words, by the status of the process that was started."""


class Sandbox(Protocol):
    """One way to hold processes to a view."""

    name: str

    def trouble(self) -> str | None:
        """Why it does not work on this machine, found out by using it; `None` if it does."""

    def confined(self, view: View, folder: Path) -> AbstractContextManager[Confined]:
        """Lay out `view`. `folder`, which is private to it, is there for what that needs, and emptied on exit.

        Raises EnvironmentFailed.
        """


def environment(python: Path, home: Path, variables: Mapping[str, str], mark: str) -> dict[str, str]:
    """The whole environment of a process of the project's."""
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        **variables,
        MARKER: mark,
    }
