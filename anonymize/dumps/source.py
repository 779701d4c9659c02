"""A dump's bytes: from a file or the standard input, decompressed as its first bytes tell, complete or an error."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

import zstandard
from isal import igzip, isal_zlib
from typing_extensions import Buffer

from anonymize.errors import Unreadable, UsageError

STANDARD = "-"
"""What stands for the standard input and output on the command line."""

_MAGIC_BYTES = 6
_COMPRESSED_BLOCK = 1 << 15
_ISAL = cast("type[Exception]", isal_zlib.error)  # its stubs say that it is an instance
_DAMAGED = (EOFError, _ISAL, zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile)
_NOT_READ = {
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"7z\xbc\xaf\x27\x1c": "7z",
}


class Readable(Protocol):
    """What gives bytes: at most `size` of them, none only at the end."""

    def read(self, size: int, /) -> bytes: ...


class Source:
    """The decompressed bytes of one file, front to back."""

    def __init__(self, name: str, raw: Readable, size: int | None = None) -> None:
        """`name` is what errors call it; `size` is how long it is as it lies there, if that is known."""
        self.name = name
        self.size = size
        self.watch: Callable[[int, int | None], None] | None = None
        """Is told after each read how many bytes of the file were read, and how many it has."""
        self._counted = _Counted(raw)
        try:
            self._text = _decompressed(name, self._counted)
        except OSError as error:
            raise self._failed(error) from error

    @property
    def done(self) -> int:
        """How many of the file's `size` bytes were read."""
        return self._counted.done

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none only at the end. Raises Unreadable for what is damaged or out of reach."""
        try:
            data = self._text.read(size)
        except _DAMAGED as error:
            reason = "it is cut off" if isinstance(error, EOFError) else str(error)
            raise Unreadable(
                f"{self.name} cannot be decompressed: {reason}", "copy it again, or make the dump again"
            ) from error
        except OSError as error:
            raise self._failed(error) from error
        if self.watch is not None:
            self.watch(self.done, self.size)
        return data

    def _failed(self, error: OSError) -> Unreadable:
        return Unreadable(f"{self.name} cannot be read: {error.strerror or error}", "see that it is there and readable")


@contextmanager
def opened(path: str | Path) -> Iterator[Source]:
    """The file at `path`, or the standard input. Raises UsageError if it cannot be opened, Unreadable later on."""
    if str(path) == STANDARD:
        with open(0, "rb", buffering=0, closefd=False) as file:
            yield Source("standard input", cast("Readable", file))
        return
    try:
        file = Path(path).open("rb", buffering=0)
        size = Path(path).stat().st_size
    except OSError as error:
        raise UsageError(
            f"{path} cannot be opened: {error.strerror}", "name a file, a folder, or - for input"
        ) from error
    with file:
        yield Source(str(path), cast("Readable", file), size)


class _Counted(io.RawIOBase):
    """`raw` from its first byte, of which a few may have been looked at."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self._seen = b""
        self.done = 0

    def peek(self, count: int) -> bytes:
        while len(self._seen) < count and (more := self._raw.read(count - len(self._seen))):
            self._seen += more
        return self._seen

    def read(self, size: int = -1, /) -> bytes:
        data = self._seen[:size] or self._raw.read(size) or b""
        self._seen = self._seen[size:]
        self.done += len(data)
        return data

    def readinto(self, buffer: Buffer, /) -> int:
        view = memoryview(buffer)
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def _decompressed(name: str, raw: _Counted) -> Readable:
    magic = raw.peek(_MAGIC_BYTES)
    if magic.startswith(b"\x1f\x8b"):
        unpacked: Readable = igzip.IGzipFile(fileobj=raw, mode="rb")  # type: ignore[no-untyped-call]
        return unpacked
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(cast("IO[bytes]", raw))
    if magic.startswith(b"\x28\xb5\x2f\xfd") or (magic[1:4] == b"\x2a\x4d\x18" and magic[:1] in b"PQRSTUVWXYZ[\\]^_"):
        return _Frames(raw)
    for beginning, program in _NOT_READ.items():
        if magic.startswith(beginning):
            raise Unreadable(f"{name} is compressed by {program}, which is not read", "use gzip, zstd or xz, or none")
    return raw


class _Frames:
    """The frames of a zstd file, one after the other, each checked to be whole."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self._frame: Any = None
        self._packed = b""
        self._text = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        while self._at == len(self._text):
            if not self._packed and not (packed := self._raw.read(_COMPRESSED_BLOCK)):
                if self._frame is not None:
                    raise EOFError
                return b""
            self._packed = self._packed or packed
            self._unpack()
        text = self._text[self._at : self._at + size] if self._at or len(self._text) > size else self._text
        self._at += len(text)
        return text

    def _unpack(self) -> None:
        # One frame at a time: a reader across frames does not tell a file that ends inside of one.
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()
        self._text, self._at = self._frame.decompress(self._packed[:_COMPRESSED_BLOCK]), 0
        self._packed = self._packed[_COMPRESSED_BLOCK:]
        if self._frame.eof:
            self._packed = self._frame.unused_data + self._packed
            self._frame = None
