"""Asks a SQLite file that a migration has written, from a sandbox of its own."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from migci.adapters.instances import our_own
from migci.adapters.sandboxes.confinement import Limits, Sandbox, View, environment
from migci.adapters.sandboxes.interpreters import seen_by
from migci.adapters.servers import look
from migci.ports import ServerFailed

_PROGRAM = Path(look.__file__)
_LIMITS = Limits(memory_bytes=1 << 30, temporary_bytes=1 << 30, processes=16)
_MOST_ROWS = 1_000_000
_LONGEST_ANSWER = 64_000_000

Rows = list[list[object]]


class Unreadable(ServerFailed):
    """The file does not answer: it is none, or not one of SQLite's, or a question to it does not end.

    `code` is SQLite's own number for that, if it has one.
    """

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(f"the database cannot be read: {why}")
        self.code = code


class Onlooker:
    """One process that looks, started when it is first asked and whenever the folder of `file` has changed hands.

    `folder` is its own to work in, and nothing that a migration can write to.
    """

    def __init__(self, file: Path, folder: Path, sandbox: Sandbox, mark: str) -> None:
        self._file = file
        self._folder = folder
        self._sandbox = sandbox
        self._mark = mark
        self._owner: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._life = ExitStack()

    def ask(
        self, sql: str, parameters: Sequence[str] = (), *, patience_seconds: float = 10.0, most: int = _MOST_ROWS
    ) -> Rows:
        """At most `most` rows of the answer. Raises Unreadable, also for one that takes longer than that."""
        process = self._live()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps([sql, list(parameters), most]).encode() + b"\n")
            process.stdin.flush()
            told = json.loads(self._line(process, time.monotonic() + patience_seconds))
            if "error" not in told:
                rows: Rows = told["rows"]
                return rows
            raise Unreadable(str(told["error"]), told.get("code"))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            self.close()
            why = f"no answer in {patience_seconds:g} s" if isinstance(error, TimeoutError) else "it makes no sense"
            raise Unreadable(why) from error

    def _live(self) -> subprocess.Popen[bytes]:
        owner = self._file.parent.stat().st_uid
        if self._process is None or self._process.poll() is not None or owner != self._owner:
            self.close()
            python = Path(sys.executable)
            seen = seen_by(python)
            view = View((*seen.read, _PROGRAM), (self._file.parent,), seen.links, _LIMITS, as_owner=True)
            confined = self._life.enter_context(self._sandbox.confined(view, self._folder))
            self._process = subprocess.Popen(
                confined.command([str(python), "-I", "-S", "-B", str(_PROGRAM), str(self._file)]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=confined.descriptors,
                start_new_session=True,
                env=environment(python, confined.home, {}, self._mark),
            )
            our_own.add(self._process.pid)
            self._owner = owner
        return self._process

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> bytes:
        """Raises TimeoutError, and ValueError for one that is not whole or too long."""
        assert process.stdout is not None
        found = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not found.endswith(b"\n"):
                if not selector.select(max(deadline - time.monotonic(), 0.0)):
                    raise TimeoutError
                data = os.read(process.stdout.fileno(), 1 << 16)
                found += data
                if not data or len(found) > _LONGEST_ANSWER:
                    raise ValueError("no answer")
        return bytes(found)

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            our_own.discard(process.pid)
            for stream in (process.stdin, process.stdout):
                assert stream is not None
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._life.close()
        self._life = ExitStack()
