"""The raw log of a run: what migrations and servers print, bounded, and harmless on a terminal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

_HARMFUL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")

LIMIT_BYTES = 20_000_000


class Log:
    """Writes to one file, at most `limit_bytes` of what others print; migci's own headings are always written."""

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._file: IO[bytes] = path.open("wb")
        self._left = limit_bytes
        self._dropped = 0
        self._at_line_start = True
        self._waiting = b""

    def heading(self, text: str) -> None:
        """A line of migci's own. What is printed is indented, so it cannot pass for one."""
        self._flush()
        if not self._at_line_start:
            self._file.write(b"\n")
        self._file.write(b"== " + _harmless(text.encode()).replace(b"\n", b" ") + b"\n")
        self._file.flush()
        self._at_line_start = True

    def write(self, data: bytes) -> None:
        """What a process printed."""
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
        self._flush()
        if self._dropped:
            self.heading(f"{self._dropped} more bytes were printed and are not kept")
        self._file.close()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.close()


def _harmless(data: bytes) -> bytes:
    return _HARMFUL.sub(lambda match: b"".join(b"\\x%02x" % byte for byte in match.group()), data)
