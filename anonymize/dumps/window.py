"""What is in sight of a dump: a block of it, with what was left of the one before in front."""

from __future__ import annotations

from typing_extensions import Buffer

from anonymize import engine
from anonymize.dumps.publish import Sink
from anonymize.dumps.source import Source
from anonymize.errors import Unreadable

BLOCK_BYTES = 1 << 18
_MOST_BYTES = 1 << 30  # no server takes a longer statement
_END_BYTES = 256


class Window:
    """`data` is in sight, and `at` is how far it has been dealt with; what is before `at` is on its way to the sink."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self.source = source
        self.data = b""
        self.at = 0
        self.end = b""
        """The last bytes that were read, a few hundred."""
        self._sink = sink
        self._line = 1
        self._kept = 0

    def more(self, most: int = _MOST_BYTES) -> bool:
        """Get more into sight behind what is left of `data`; `at` is 0 then. False at the input's end.

        Raises Unreadable if more than `most` bytes are in sight already.
        """
        left = len(self.data) - self.at
        if left > most:
            raise self.unreadable(
                self.at, f"something has no end in {left >> 20} MB", "make the dump again, with a smaller packet"
            )
        self.flush()
        self._line += engine.lines(self.data, 0, self.at)
        rest = self.data[self.at :]
        self.data = b""  # its memory is taken for the next block, which spares the kernel the work of finding more
        self.at = self._kept = 0
        # What is read grows with what is left, so a long row is not copied again for each block.
        block = self.source.read(max(BLOCK_BYTES, left))
        self.data = rest + block if left else block
        self.end = block[-_END_BYTES:] if len(block) >= _END_BYTES else (self.end + block)[-_END_BYTES:]
        return bool(block)

    def has(self, size: int) -> bool:
        """Whether `size` bytes are in sight; it looks for them."""
        while len(self.data) - self.at < size:
            if not self.more():
                return False
        return True

    def keep(self, end: int) -> None:
        """What is before `end` goes out as it is."""
        self.at = end

    def replace(self, end: int, new: Buffer) -> None:
        """`new` goes out in place of what lies between `at` and `end`; it is not needed behind this call."""
        self.flush()
        self._sink.write(new)
        self.at = self._kept = end

    def passed(self, end: int) -> None:
        """What lies between `at` and `end` goes out by another way, behind all that has been dealt with."""
        self.flush()
        self.at = self._kept = end

    def flush(self) -> None:
        """Write all that has been dealt with."""
        if self._kept < self.at:
            whole = self._kept == 0 and self.at == len(self.data)
            self._sink.write(self.data if whole else memoryview(self.data)[self._kept : self.at])
        self._kept = self.at

    def line(self, place: int) -> int:
        """The line, from 1, of a place in `data` that is not before `at`."""
        return self._line + engine.lines(self.data, 0, place)

    def unwritten_line(self) -> int:
        """The line of what is written next."""
        return self.line(self._kept)

    def unreadable(self, place: int, what: str, hint: str) -> Unreadable:
        """An error about a place in `data`."""
        return Unreadable(f"{self.source.name}:{self.line(place)}: {what}", hint)
