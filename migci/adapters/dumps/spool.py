"""Statements that were read and not yet run: in memory while they are few, else in files that have no name."""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from migci.ports import DiskFull

_SEGMENT_BYTES = 64 << 20
_MEMORY_BYTES = 32 << 20


class _Segment:
    def __init__(self, folder: Path | None) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(dir=folder)
        self.size = 0
        self.pending = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """A text in the spool. It is taken once."""

    size: int
    text: bytes | None
    segment: _Segment | None = None
    offset: int = 0


class Spool:
    """One thread puts, any take. What was taken takes no room any more, segment by segment.

    Raises DiskFull where there is no room for the files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._in_memory = 0
        self._segments: set[_Segment] = set()
        self._last: _Segment | None = None

    def put(self, text: bytes) -> Piece:
        with self._lock:
            if self._in_memory + len(text) <= _MEMORY_BYTES:
                self._in_memory += len(text)
                return Piece(len(text), text)
            try:
                return self._written(text)
            except OSError as error:
                raise DiskFull(f"no room for the statements that wait to be loaded: {error.strerror}") from error

    def _written(self, text: bytes) -> Piece:
        segment = self._last
        if segment is None or segment.size >= _SEGMENT_BYTES:
            self._last = None
            if segment is not None:
                self._drop_taken(segment)
            segment = self._last = _Segment(self._folder)
            self._segments.add(segment)
        piece = Piece(len(text), None, segment, segment.size)
        left = memoryview(text)
        while left:
            written = os.pwrite(segment.file.fileno(), left, segment.size)
            segment.size += written
            left = left[written:]
        segment.pending += 1
        return piece

    def take(self, piece: Piece) -> bytes:
        if piece.text is not None:
            with self._lock:
                self._in_memory -= piece.size
            return piece.text
        assert piece.segment is not None
        text = bytearray()
        while len(text) < piece.size:  # one read gives at most two gigabytes
            text += os.pread(piece.segment.file.fileno(), piece.size - len(text), piece.offset + len(text))
        with self._lock:
            piece.segment.pending -= 1
            self._drop_taken(piece.segment)
        return bytes(text)

    def _drop_taken(self, segment: _Segment) -> None:
        if not segment.pending and segment is not self._last:
            segment.file.close()
            self._segments.discard(segment)

    def close(self) -> None:
        """Let go of all. No thread takes any more."""
        for segment in self._segments:
            segment.file.close()
        self._segments.clear()
