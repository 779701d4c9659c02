"""The raw log of a run: what migrations and servers print, bounded, and harmless on a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from migci.adapters.gate.gate import Gate

_HARMFUL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")

LIMIT_BYTES = 20_000_000


class Log:
    """Writes to one file, at most `limit_bytes` of what others print; migci's own headings are always written.

    All of it passes a gate.
    """

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._left = limit_bytes
        self._dropped = 0
        self._withheld = 0
        self._at_line_start = True
        self._waiting = b""
        self._gate = Gate(None)
        self._stream = self._gate.stream(self._keep)
        self._publishes = True

    @contextmanager
    def guarded(self, gate: Gate, *, publish: bool) -> Iterator[None]:
        """Let `gate` be the gate, until exit; without `publish` what is printed is looked at, and not kept."""
        before = self._gate, self._publishes
        self._pass(gate, publish=publish)
        try:
            yield
        finally:
            self._pass(before[0], publish=before[1])

    def _pass(self, gate: Gate, *, publish: bool) -> None:
        self._stream.flush()
        self._gate, self._stream, self._publishes = gate, gate.stream(self._keep), publish

    def clean(self, text: str) -> str:
        """`text` as it passes the gate."""
        return self._gate.clean(text)

    def exposed(self) -> tuple[str, ...]:
        """The columns whose values were removed since this was last asked; the file has all that was printed."""
        self._stream.flush()
        self._file.flush()
        return tuple(sorted({column for removal in self._gate.take() for column in removal.columns}))

    def heading(self, text: str) -> None:
        """A line of migci's own. What is printed is indented, so it cannot pass for one."""
        self._stream.flush()
        self._flush()
        if not self._at_line_start:
            self._file.write(b"\n")
        self._file.write(b"== " + _harmless(self.clean(text).encode()).replace(b"\n", b" ") + b"\n")
        self._file.flush()
        self._at_line_start = True

    def write(self, data: bytes) -> None:
        """What a process printed."""
        self._stream.write(data)

    def _keep(self, data: bytes) -> None:
        """What passed the gate."""
        if not self._publishes:
            self._withheld += len(data)
            return
        kept = data[: self._left]
        self._left -= len(kept)
        self._dropped += len(data) - len(kept)
        kept = self._waiting + kept
        # The first half of a character may be the first half of a control character.
        self._waiting = kept[-1:] if kept.endswith(b"\xc2") else b""
        self._put(kept.removesuffix(b"\xc2"))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, b""
        self._put(waiting)

    def _put(self, kept: bytes) -> None:
        if kept:
            text = _harmless(kept)
            lead = b"   " if self._at_line_start else b""
            self._at_line_start = text.endswith(b"\n")
            body = text[:-1] if self._at_line_start else text
            self._file.write(lead + body.replace(b"\n", b"\n   ") + (b"\n" if self._at_line_start else b""))

    def close(self) -> None:
        self._stream.flush()
        self._flush()
        if self._dropped:
            self.heading(f"{self._dropped} more bytes were printed and are not kept")
        if self._withheld:
            self.heading(f"{self._withheld} bytes were printed over real contents and are not kept (publish_log)")
        self._file.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()


def _harmless(data: bytes) -> bytes:
    return _HARMFUL.sub(lambda match: b"".join(b"\\x%02x" % byte for byte in match.group()), data)
