"""A private database server as a process: on one clone and one socket, until it is stopped or killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pymysql
from pymysql.cursors import Cursor

from migci.adapters.disk import disk_or
from migci.adapters.instances import descendants
from migci.adapters.log import Log
from migci.adapters.sandboxes.confinement import Confined, View
from migci.adapters.servers.programs import Programs
from migci.errors import UsageError
from migci.ports import Clone, ServerFailed

_START_SECONDS = 120.0
_STOP_SECONDS = 3600.0  # before it ends it purges what was deleted, which can take as long as the deleting did
_LONGEST_SOCKET = 107
_REFUSED = (1045, 1698)  # a wrong password, and an account that needs none
_KEPT_LOG_BYTES = 100_000
_SIGNALLED = 128  # to this a sandbox adds the number of the signal that ended what is in it

NOTHING = "nothing"
"""The name of an empty folder beside a clone's files, for what a server may use no folder for."""

if TYPE_CHECKING:
    Connection = pymysql.Connection[Cursor]


class Process(Protocol):
    """What is asked of a server's process, our own child or not."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


class Foreign:
    """A process that is not our child: all that is seen of it is whether it runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or 0.0)
        while self.poll() is None:
            if timeout is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a server", timeout)
            time.sleep(0.005)
        return 0

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


class Daemon:
    """One running server. Use `daemon`."""

    def __init__(self, process: Process, socket: Path) -> None:
        self._process = process
        self._errors = socket.with_name("error.log")
        self.socket = socket
        self.folder = socket.parent

    @property
    def pid(self) -> int:
        """Of the process that was started; the server ends with it."""
        return self._process.pid

    def first_connection(self, user: str) -> Connection:
        """A connection of an account without a password, as soon as the server takes it. Raises ServerFailed."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self.connection(user, "")
            except pymysql.err.OperationalError as error:
                if error.args[0] in _REFUSED:
                    raise ServerFailed(
                        f"the database server does not let its owner in: {error.args[1]}",
                        hint="does the dump hold the server's own tables? dump the one database that is meant",
                    ) from error
                status = self._process.poll()
                if status is None and time.monotonic() < deadline:
                    time.sleep(0.005)
                    continue
                why = f"it ended with status {status}" if status is not None else f"no answer in {_START_SECONDS:g} s"
                raise disk_or(
                    ServerFailed(
                        f"the database server did not start: {why}: {first_error(self.log())}",
                        hint="see [server].options and 'migci dataset verify'; the server's log ends log.txt",
                    ),
                    self.folder,
                ) from error

    def connection(
        self,
        user: str,
        password: str,
        database: str | None = None,
        *,
        local_infile: bool = False,
        patience_seconds: int | None = None,
    ) -> Connection:
        """Another connection, on which no answer is waited for longer than that. Raises pymysql's OperationalError."""
        return pymysql.connect(
            unix_socket=str(self.socket),
            user=user,
            password=password,
            database=database,
            local_infile=local_infile,
            read_timeout=patience_seconds,
            autocommit=True,
            charset="utf8mb4",
        )

    def ended(self, patience_seconds: float = 0.0) -> int | None:
        """The status that it ended with, or `None` while it runs; that of a signal is negative."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_seconds)
        status = self._process.poll()
        return status if status is None or status <= _SIGNALLED else _SIGNALLED - status

    def log(self) -> bytes:
        """The end of what it wrote into its log."""
        with suppress(OSError):
            return self._errors.read_bytes()[-_KEPT_LOG_BYTES:]
        return b""

    def await_end(self) -> None:
        """Wait for it to end, once it was told to shut down. Raises ServerFailed when it does not end well."""
        status = self.ended(_STOP_SECONDS)
        if status != 0:
            why = f"it still runs after {_STOP_SECONDS:g} s" if status is None else f"it ended with status {status}"
            raise disk_or(
                ServerFailed(f"the database server did not shut down: {why}: {last_line(self.log())}"), self.folder
            )

    def kill(self) -> None:
        """End it at once, with what confines it: what it has not written yet is not wanted."""
        family = descendants({self._process.pid})
        self._process.kill()
        self._process.wait()
        while left := descendants(family):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)


@contextmanager
def daemon(words: list[str], clone: Clone, programs: Programs, log: Log) -> Iterator[Daemon]:
    """The server that `words` start, on `clone`; if it still runs on exit, it is killed.

    It sees the clone and its programs, and nothing else of this machine. `words` lack where it is to listen
    and write: it gets a socket, a place for temporary files, a log and `NOTHING` beside the clone's data.

    Raises UsageError when the path of the socket would be too long.
    """
    folder = clone.data.parent
    socket = folder / "db.sock"
    if len(str(socket)) > _LONGEST_SOCKET:
        raise UsageError(
            f"the path of the server's socket is longer than {_LONGEST_SOCKET} characters: {socket}",
            hint="point MIGCI_STORE at a folder with a shorter path",
        )
    with suppress(FileNotFoundError):
        socket.unlink()  # of a server that ran on this clone before, and was killed
    view = View(read=(programs.installed,), write=(folder,))
    with programs.sandbox.confined(view, folder / "view") as confined:
        live = Daemon(_started(words, clone, confined, programs.environment), socket)
        try:
            yield live
        finally:
            live.kill()
            log.heading("log of the database server")
            log.write(live.log())


def _started(
    words: list[str], clone: Clone, confined: Confined, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    folder = clone.data.parent
    temporary, nothing = folder / "tmp", folder / NOTHING
    try:
        temporary.mkdir(exist_ok=True)
        nothing.mkdir(exist_ok=True)
        with (folder / "error.log").open("wb") as stream:
            return subprocess.Popen(
                # The order matters: entering a clone's namespace may undo the promise to die with us.
                clone.command(
                    confined.command(
                        [
                            *words,
                            f"--datadir={clone.data}",
                            f"--socket={folder / 'db.sock'}",
                            f"--pid-file={folder / 'pid'}",
                            f"--tmpdir={temporary}",
                        ]
                    )
                ),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                cwd=folder,
                env=environment,
            )
    except OSError as error:
        raise disk_or(ServerFailed(f"cannot start a database server in {folder}: {error}"), folder) from error


def last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def first_error(text: bytes) -> str:
    """The first line that the server itself calls an error, else its last."""
    for line in text.splitlines():
        if b"[ERROR]" in line and not line.endswith(b"Aborting"):  # which says that there was one before
            return line.split(b"[ERROR]", 1)[1].decode(errors="replace").strip()
    return last_line(text)
