"""Several connections that fill tables at once: each table's rows on one of them, in their order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from migci.adapters.dumps.keys import Deferred, defer
from migci.adapters.dumps.session import Connect, Session, Tally, opened
from migci.errors import MigciError

LARGE_BYTES = 8 << 20
"""Text of rows from which on a table's keys are worth making afterwards."""

Translate = Callable[[Exception, str, int], MigciError]
"""(the driver's error, where in the dump, the statement's size) → what to raise."""


@dataclass(frozen=True)
class Task:
    """Something that a session does: `do` runs it. `settings` is how many of the crew's settings come before it.

    `rows` says that it fills the portion's table, `after` that it needs the rows before it and their keys.
    """

    do: Callable[[Session], None]
    where: str
    size: int = 0
    settings: int = 0
    rows: bool = True
    after: bool = False


class Tasks(Protocol):
    """The tasks of one portion. `large` may wait until it is known; `next` waits for the next, None is the end."""

    def large(self) -> bool: ...

    def next(self) -> Task | None: ...


@dataclass(eq=False)
class Portion:
    """Rows of one table that follow each other in the dump. `table` is its name as SQL writes it."""

    table: str
    tasks: Tasks
    after: Portion | None = None
    done: threading.Event = field(default_factory=threading.Event)


class Crew:
    """Connections are made when there is something to do.

    A failure on one of them ends the work of all; it is raised, translated, by the next call.
    """

    def __init__(self, connect: Connect, tally: Tally, workers: int, translate: Translate) -> None:
        self._connect = connect
        self._tally = tally
        self._workers = workers
        self._translate = translate
        self.changed = threading.Condition()
        """Notified whenever something was done; all of the crew's state is changed under it."""
        self.failure: BaseException | None = None
        self.settings: list[bytes] = []
        self._waiting: deque[Portion] = deque()
        self._unfinished = 0
        self._latest: dict[str, Portion] = {}
        self._threads: list[threading.Thread] = []
        self._sessions: list[Session] = []
        self._closed = False

    def add(self, key: str, table: str, tasks: Tasks) -> None:
        """Portions of one `key` are done one after the other; others at the same time."""
        with self.changed:
            portion = Portion(table, tasks, self._latest.get(key))
            self._latest[key] = portion
            self._waiting.append(portion)
            self._unfinished += 1
            self.changed.notify_all()
        if len(self._threads) < min(self._workers, self._unfinished):
            thread = threading.Thread(target=self._work, daemon=True)
            self._threads.append(thread)
            thread.start()

    def pending(self, key: str) -> bool:
        with self.changed:
            portion = self._latest.get(key)
            return portion is not None and not portion.done.is_set()

    def wait(self, heard: Callable[[], None], until: Callable[[], bool] | None = None) -> None:
        """Wait until `until` holds, or else until all is done; `heard` is called in between."""
        while True:
            with self.changed:
                if self.failure is not None:
                    raise self.failure
                if until() if until is not None else not self._unfinished:
                    return
                self.changed.wait(0.5)
            heard()

    def close(self) -> None:
        """End all work, done or not, and the connections."""
        with self.changed:
            self._closed = True
            self._waiting.clear()
            busy = self._unfinished > 0
            sessions = list(self._sessions)
            self.changed.notify_all()
        if busy:
            for session in sessions:
                session.abort()
        for thread in self._threads:
            thread.join()

    def stopped(self) -> bool:
        return self._closed or self.failure is not None

    def _work(self) -> None:
        try:
            session = opened(self._connect, self._tally)
            try:
                with self.changed:
                    self._sessions.append(session)
                self._portions(session)
            finally:
                session.close()
        except BaseException as error:
            self._fail(error)

    def _portions(self, session: Session) -> None:
        applied = 0
        while (portion := self._next()) is not None:
            while portion.after is not None and not portion.after.done.wait(0.5):
                if self.stopped():
                    return
            portion.after = None
            applied = self._fill(session, portion, applied)
            with self.changed:
                portion.done.set()
                self._unfinished -= 1
                self.changed.notify_all()

    def _next(self) -> Portion | None:
        with self.changed:
            while not self._waiting:
                if self.stopped():
                    return None
                self.changed.wait()
            return None if self.stopped() else self._waiting.popleft()

    def _fill(self, session: Session, portion: Portion, applied: int) -> int:
        """Do a portion's tasks. The number of settings that the session has then got."""
        deferred: Deferred | None = None
        first = True
        where, size = portion.table, 0
        try:
            while (task := portion.tasks.next()) is not None:
                where, size = task.where, task.size
                while applied < task.settings:
                    session.run(self.settings[applied], statements=0)
                    applied += 1
                if first and task.rows:
                    first = False
                    if portion.tasks.large():
                        deferred = defer(session, portion.table)
                if task.after and deferred is not None:
                    deferred.restore(session)
                    deferred = None
                task.do(session)
                with self.changed:
                    self.changed.notify_all()
            if not self.stopped():
                if deferred is not None:
                    deferred.restore(session)
                session.run(b"COMMIT", statements=0)
        except MigciError:
            raise
        except Exception as error:
            raise self._translate(error, where, size) from error
        return applied

    def _fail(self, error: BaseException) -> None:
        with self.changed:
            if self.failure is None and not self._closed:
                self.failure = error
            self._waiting.clear()
            self.changed.notify_all()


class Spooled:
    """Tasks that one thread adds while another does them."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._tasks: deque[Task] = deque()
        self._bytes = 0
        self._closed = False

    def add(self, task: Task) -> None:
        with self._crew.changed:
            self._tasks.append(task)
            self._bytes += task.size
            self._crew.changed.notify_all()

    def close(self) -> None:
        with self._crew.changed:
            self._closed = True
            self._crew.changed.notify_all()

    def large(self) -> bool:
        with self._crew.changed:
            while self._bytes < LARGE_BYTES and not self._closed and not self._crew.stopped():
                self._crew.changed.wait()
            return self._bytes >= LARGE_BYTES

    def next(self) -> Task | None:
        with self._crew.changed:
            while not self._tasks and not self._closed and not self._crew.stopped():
                self._crew.changed.wait()
            return self._tasks.popleft() if self._tasks and not self._crew.stopped() else None


class Listed:
    """Tasks that are made one after the other; `size` is what they come to, in bytes of text."""

    def __init__(self, tasks: Iterator[Task], size: int, crew: Crew) -> None:
        self._tasks = tasks
        self._size = size
        self._crew = crew

    def large(self) -> bool:
        return self._size >= LARGE_BYTES

    def next(self) -> Task | None:
        return None if self._crew.stopped() else next(self._tasks, None)
