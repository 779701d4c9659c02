"""The files that are compared: read front to back, with their hash, in step with what the other one says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from typing_extensions import Buffer

from anonymize import engine
from anonymize.dumps.source import STANDARD, Readable, Source
from anonymize.errors import UsageError
from anonymize.verify.report import File

_BLOCK_BYTES = 1 << 18


class Different(Exception):
    """The dumps have no longer the same form; says how, never with a value."""

    def __init__(self, what: str, line: int) -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        """In the result."""


class Hashed:
    """A file's bytes, and the hash of those that have been read."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self._hash = hashlib.sha256()
        self._bytes = 0

    def read(self, size: int, /) -> bytes:
        data = self._raw.read(size) or b""
        self._hash.update(data)
        self._bytes += len(data)
        return data

    def file(self, name: str) -> File:
        """All of it, the rest is read now."""
        while self.read(_BLOCK_BYTES):
            pass
        return File(name, self._bytes, self._hash.hexdigest())


@contextmanager
def opened(path: str) -> Iterator[tuple[Source, Hashed]]:
    """A dump and its hash. Raises UsageError for what is no file: it is read twice."""
    if path == STANDARD or not Path(path).is_file():
        raise UsageError(
            f"{path} is not a file, and what is verified is read more than once",
            "name a file; of a folder, verify the files one by one",
        )
    try:
        raw = Path(path).open("rb", buffering=0)
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}", "see that it is there and readable") from error
    with raw:
        hashed = Hashed(cast("Readable", raw))
        yield Source(path, hashed, Path(path).stat().st_size), hashed


class Follower:
    """The result, in step with the original: a sink that takes what has to be the same."""

    def __init__(self, source: Source) -> None:
        self.data = b""
        self.at = 0
        self._source = source
        self._lines = 0

    @property
    def line(self) -> int:
        return self.line_of(self.at)

    def line_of(self, place: int) -> int:
        return self._lines + engine.lines(self.data, 0, place) + 1

    def more(self) -> bool:
        """Get more into `data`, whose places change. False at the end."""
        left = len(self.data) - self.at
        block = self._source.read(max(_BLOCK_BYTES, left))
        if not block:
            return False
        self._lines += engine.lines(self.data, 0, self.at)
        self.data = self.data[self.at :] + block if left else block
        self.at = 0
        return True

    def write(self, data: Buffer, /) -> None:
        """The same bytes must come next. Raises Different."""
        expected = memoryview(data)
        while expected:
            if self.at == len(self.data) and not self.more():
                raise Different("the result ends where the original goes on", self.line)
            there = memoryview(self.data)[self.at : self.at + len(expected)]
            if there != expected[: len(there)]:
                while self.data[self.at] == expected[0]:
                    expected = expected[1:]
                    self.at += 1
                raise Different("the result differs where nothing is replaced", self.line)
            self.at += len(there)
            expected = expected[len(there) :]

    def finish(self) -> None:
        """Raises Different if there is more."""
        if self.at < len(self.data) or self.more():
            raise Different("the result goes on where the original ends", self.line)
