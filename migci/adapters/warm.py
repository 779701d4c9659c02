"""Clones that wait with a running server for the next replay: a keeper process lends them, one at a time.

A keeper owns what it lends. The borrower holds a connection to it; when that closes, however the borrower ended, the
server is killed and its clone deleted. Only then is the next one made ready, so that nothing disturbs a measurement.
"""

from __future__ import annotations

import hashlib
import json
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from migci.adapters.instances import held_lock
from migci.core.snapshot import Snapshot
from migci.errors import UsageError
from migci.ports import Database, ServerFailed, Warm

MOST = 8
"""How many keepers a store has at most."""

_ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class Loan:
    """What a borrower needs to work on a running server. It is told over the keeper's socket alone."""

    socket: str
    pid: int
    password: str
    database: str
    user: str
    user_password: str
    way: str


def address(store: Path, project: Path, dataset: str) -> Path:
    """Where the keeper of a project's dataset listens."""
    name = hashlib.sha256(f"{project}\n{dataset}".encode()).hexdigest()[:16]
    return store / "warm" / name


@contextmanager
def borrowed(at: Path, snapshot: str, options: tuple[str, ...]) -> Iterator[Loan | None]:
    """A loan of a fresh clone of `snapshot` whose server has these options; `None` if no keeper has one.

    A keeper that has another gets this one ready for the next time. On exit the clone and its server are gone.
    """
    _tidy(at)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        loan = None
        with suppress(OSError, ValueError, TypeError):
            connection.connect(str(at))
            connection.sendall(json.dumps({"snapshot": snapshot, "options": options}).encode() + b"\n")
            answer = json.loads(connection.makefile("rb").readline())
            loan = Loan(**answer) if answer else None
        yield loan
        if loan is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)  # until the keeper has cleaned up


class WarmClones:
    """What keepers have ready for the replays of one project. `attach` opens a database that is lent."""

    def __init__(
        self, store: Path, project: Path, options: tuple[str, ...], attach: Callable[[Loan], Database] | None
    ) -> None:
        self._store = store
        self._project = project
        self._options = options
        self._attach = attach

    @contextmanager
    def take(self, dataset: str, snapshot: Snapshot) -> Iterator[Warm | None]:
        if self._attach is None:
            yield None
            return
        with borrowed(address(self._store, self._project, dataset), snapshot.id, self._options) as loan:
            warm = None
            if loan is not None:
                with suppress(ServerFailed):  # it ended with its keeper a moment ago
                    warm = Warm(self._attach(loan), loan.way)
            yield warm


Ready = Callable[[str], AbstractContextManager[Loan]]
"""Makes a clone of the snapshot with this id ready to lend; it is gone on exit."""


class Keeper:
    """Listens at `at`, and lends what `ready` makes. `options` are those of its servers."""

    def __init__(self, at: Path, options: tuple[str, ...], ready: Ready) -> None:
        self._at = at
        self._options = options
        self._ready = ready

    def serve(self, snapshot: str, idle_seconds: float, started: Callable[[], None]) -> None:
        """Keep a clone of `snapshot` ready, then of what borrowers ask for, until nobody came for `idle_seconds`.

        `started` is called when the first one is ready. Raises UsageError when there is a keeper already, or too many.
        """
        with self._listening() as listener:
            wanted: str | None = snapshot
            while wanted is not None:
                with self._ready(wanted) as loan:
                    started()
                    started = _nothing
                    wanted = self._lend(listener, loan, wanted, idle_seconds)

    def _lend(self, listener: socket.socket, loan: Loan, held: str, idle_seconds: float) -> str | None:
        """Wait for a borrower, and until it is done; returns the snapshot to make ready next, `None` to stop."""
        while True:
            with _accepted(listener, idle_seconds) as connection:
                request = _request(connection) if connection else {"stop": True}
                if request is None or connection is None:
                    continue
                if request.get("stop"):
                    return None
                wanted = str(request.get("snapshot"))
                fits = wanted == held and request.get("options") == list(self._options) and _answers(loan.socket)
                with suppress(OSError):
                    connection.sendall(json.dumps(asdict(loan) if fits else None).encode() + b"\n")
                    self._await_return(listener, connection)
                return wanted

    def _await_return(self, listener: socket.socket, borrower: socket.socket) -> None:
        """Until the borrower's connection closes; who comes meanwhile is told that nothing is ready."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(borrower, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if borrower in ready and not borrower.recv(1):
                    return
                if listener in ready:
                    with _accepted(listener, 0.0) as other, suppress(OSError):
                        if other:
                            other.sendall(b"null\n")

    @contextmanager
    def _listening(self) -> Iterator[socket.socket]:
        folder = self._at.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            if not stack.enter_context(held_lock(self._at.with_suffix(".lock"))):
                raise UsageError("this dataset is kept warm already", hint="'migci dataset cool' ends that")
            if sum(_is_held(lock) for lock in folder.glob("*.lock")) > MOST:
                raise UsageError(f"{MOST} datasets are kept warm already", hint="'migci dataset cool NAME' ends one")
            self._at.unlink(missing_ok=True)
            listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listener.bind(str(self._at))
            stack.callback(self._at.unlink, missing_ok=True)
            listener.listen()
            yield listener


def stop(at: Path) -> bool:
    """Tell the keeper at `at` to stop; whether there was one. A clone that is lent is given back first."""
    _tidy(at)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(at))
        except OSError:
            return False
        connection.sendall(b'{"stop": true}\n')
        return True


def _tidy(at: Path) -> None:
    """Remove the socket of a keeper that was killed."""
    if at.exists():
        with held_lock(at.with_suffix(".lock")) as ours:
            if ours:
                at.unlink(missing_ok=True)


@contextmanager
def _accepted(listener: socket.socket, patience_seconds: float) -> Iterator[socket.socket | None]:
    """Whoever comes within that time."""
    listener.settimeout(patience_seconds)
    try:
        connection, _ = listener.accept()
    except (TimeoutError, BlockingIOError):
        yield None
        return
    with connection:
        connection.settimeout(None)
        yield connection


def _request(connection: socket.socket) -> dict[str, object] | None:
    connection.settimeout(_ANSWER_SECONDS)
    with suppress(OSError, ValueError):
        told = json.loads(connection.makefile("rb").readline())
        connection.settimeout(None)
        return told if isinstance(told, dict) else None
    return None


def _answers(server: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(OSError):
        connection.connect(server)
        return True
    return False


def _is_held(lock: Path) -> bool:
    with held_lock(lock) as ours:
        return not ours


def _nothing() -> None:
    return
