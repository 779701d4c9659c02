"""The agent's process: started in the project's interpreter, asked, listened to, and ended with all that it began."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migci.adapters import agent
from migci.adapters.instances import adopt_orphans, children, descendants, marked, our_own
from migci.adapters.log import Log
from migci.adapters.sandboxes.confinement import Confined, Sandbox, View, environment
from migci.adapters.tools.memory import in_use
from migci.ports import EnvironmentFailed

_TICK_SECONDS = 0.05
_KILL_SECONDS = 10.0
_LONGEST_REPLY = 32_000_000
_MOST_READS = 64


class AgentGone(Exception):
    """The process ended, or its channel did, before it answered. The message tells how, `seconds` when."""

    seconds = 0.0


class AgentLate(Exception):
    """It did not answer in time."""


@dataclass(frozen=True)
class Answer:
    """A reply, and how long it took from the request on, seen from here."""

    content: dict[str, Any]
    seconds: float


def _nothing() -> None:
    return


class AgentProcess:
    """One live agent. Use `agent_process`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        channel: socket.socket,
        log: Log,
        mark: str,
        siblings: set[int],
        confined: Confined,
        memory_bytes: int | None,
    ) -> None:
        self._process = process
        self._confined = confined
        self._channel = channel
        self._log = log
        self._mark = mark
        self._siblings = siblings
        self._buffer = bytearray()
        self._asked = 0
        self._pidfd = os.pidfd_open(process.pid)
        self._selector = selectors.DefaultSelector()
        assert process.stdout is not None
        self._output = process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._selector.register(channel, selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._pidfd, selectors.EVENT_READ)
        self._over = threading.Event()
        self._overran: str | None = None
        if memory_bytes is not None:
            threading.Thread(target=self._watch_memory, args=(memory_bytes,), daemon=True).start()

    def ask(
        self,
        request: Mapping[str, Any],
        timeout_seconds: float = 120.0,
        tick: Callable[[], None] = _nothing,
    ) -> Answer:
        """Send a request and wait for its reply. `tick` is called every 50 ms. Raises AgentGone, AgentLate."""
        began = time.monotonic()
        try:
            return self._ask(request, began, timeout_seconds, tick)
        except AgentGone as gone:
            gone.seconds = time.monotonic() - began
            raise

    def _ask(
        self, request: Mapping[str, Any], began: float, timeout_seconds: float, tick: Callable[[], None]
    ) -> Answer:
        self._asked += 1
        line = json.dumps({**request, "id": self._asked}).encode() + b"\n"
        try:
            self._channel.sendall(line)
        except OSError as error:
            raise AgentGone(self._ending()) from error
        ticked = began
        while True:
            left = began + timeout_seconds - time.monotonic()
            if left <= 0:
                raise AgentLate(f"it was still running after {timeout_seconds:g} s, and was killed")
            ready = {key.fd for key, _ in self._selector.select(min(left, _TICK_SECONDS))}
            if self._output in ready:
                self._drain()
            if self._channel.fileno() in ready:
                reply = self._receive()
                if reply is not None:
                    return Answer(reply, time.monotonic() - began)
            elif self._pidfd in ready:
                raise AgentGone(self._ending())
            if time.monotonic() - ticked >= _TICK_SECONDS:
                tick()
                ticked = time.monotonic()

    def _watch_memory(self, most_bytes: int) -> None:
        """As long as it lives, also while nothing is asked: what it began may still be at it."""
        while not self._over.wait(_TICK_SECONDS):
            if in_use(self._process.pid, most_bytes) > most_bytes:
                self._overran = f"it used more than {most_bytes >> 20} MB of memory, and was killed"
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                return

    def _receive(self) -> dict[str, Any] | None:
        """The awaited reply, once it is complete.

        The agent writes nothing else, so any other line means that something else has taken hold of the channel.
        """
        try:
            data = self._channel.recv(1 << 20)
        except OSError as error:
            raise AgentGone(self._ending()) from error
        if not data:
            raise AgentGone(self._ending())
        self._buffer += data
        if len(self._buffer) > _LONGEST_REPLY:
            raise AgentGone("its channel was flooded")
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            reply: object = None
            with suppress(ValueError, RecursionError):
                reply = json.loads(line)
            if not isinstance(reply, dict) or reply.get("id") != self._asked:
                raise AgentGone("something else than the agent wrote to its channel")
            return reply
        return None

    def finish(self, patience_seconds: float = 10.0) -> str | None:
        """End it in order; returns how it did not, or `None`."""
        try:
            self.ask({"op": "finish"}, patience_seconds)
        except (AgentGone, AgentLate) as error:
            return str(error)
        deadline = time.monotonic() + patience_seconds
        while (left := deadline - time.monotonic()) > 0:
            ready = {key.fd for key, _ in self._selector.select(left)}
            if self._output in ready:
                self._drain()
            if self._pidfd in ready:
                status = self._process.wait()
                return None if status == 0 else self._confined.told(status)
            if self._channel.fileno() in ready:
                self._selector.unregister(self._channel)
        return f"its process was still there {patience_seconds:g} s after it said that it was done"

    def leftovers(self) -> int:
        """How many processes that it began are alive, while it is."""
        return self._confined.strangers(self._family())

    def _family(self) -> set[int]:
        """It, and all that it began, whatever these did to hide: they carry its mark, or descend from it, or came to us
        when their parent ended."""
        orphans = children(os.getpid()) - self._siblings - our_own
        return set(marked(self._mark)) | descendants(orphans | {self._process.pid})

    def _ending(self) -> str:
        """How the process ended. Its channel is closed by now, so it has ended or will never answer."""
        if self._overran is not None:
            return self._overran
        with suppress(subprocess.TimeoutExpired):
            return self._confined.told(self._process.wait(timeout=1.0))
        return "its channel to migci was closed"

    def _drain(self) -> None:
        """Take what it has printed, and no more than that: it may print faster than it is read, for ever."""
        with suppress(BlockingIOError):
            for _ in range(_MOST_READS):
                data = os.read(self._output, 1 << 16)
                if not data:
                    self._selector.unregister(self._output)
                    return
                self._log.write(data)
                if len(data) < 1 << 16:
                    return

    def close_down(self) -> None:
        """Kill it, and all that it began."""
        deadline = time.monotonic() + _KILL_SECONDS
        while (family := self._family()) and time.monotonic() < deadline:
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.poll()
            for pid in family - {self._process.pid}:
                with suppress(ChildProcessError):  # those that came to us are ours to wait for
                    os.waitpid(pid, os.WNOHANG)
        self._process.wait()

    def close(self) -> None:
        """`close_down`, and let go of what belongs to it here."""
        self._over.set()
        self.close_down()
        with suppress(KeyError, OSError):
            self._drain()
        self._selector.close()
        os.close(self._pidfd)
        self._channel.close()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def agent_process(
    python: Path, sandbox: Sandbox, view: View, folder: Path, variables: Mapping[str, str], mark: str, log: Log
) -> Iterator[AgentProcess]:
    """An agent in the interpreter `python`, which sees `view`, and its own files. `folder` is its own to work in.

    Its environment holds `variables` and what every program needs, nothing of migci's own. On exit nothing of it is
    left. Raises EnvironmentFailed when the interpreter cannot be started.
    """
    seen = replace(view, read=(*view.read, agent.FOLDER))
    adopt_orphans()
    with sandbox.confined(seen, folder) as confined:
        memory_bytes = None if view.limits is None else view.limits.memory_bytes
        live = _started(python, confined, variables, mark, log, memory_bytes)
        try:
            yield live
        finally:
            live.close()


def _started(
    python: Path, confined: Confined, variables: Mapping[str, str], mark: str, log: Log, memory_bytes: int | None
) -> AgentProcess:
    siblings = children(os.getpid())
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = subprocess.Popen(
                confined.command([str(python), str(agent.FOLDER), str(theirs.fileno())]),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(theirs.fileno(), *confined.descriptors),
                start_new_session=True,
                env=environment(python, confined.home, variables, mark),
            )
        except OSError as error:
            ours.close()
            raise EnvironmentFailed(
                f"cannot run the project's interpreter {python}: {error.strerror}",
                hint="see [project.environment] in migci.toml",
            ) from error
    return AgentProcess(process, ours, log, mark, siblings, confined, memory_bytes)
