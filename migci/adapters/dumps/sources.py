"""Dumps as text: opened whatever their compression, read with progress, checked for their end."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import secrets
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import zstandard

from migci.adapters.dumps.places import Place
from migci.ports import RestoreFailed

_CHUNK = 1 << 19
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError)
_DUMP_HEADS = (b"-- MySQL dump", b"-- MariaDB dump")
_DUMP_END = b"-- Dump completed"
_SANDBOX_LINE = b"/*M!999999\\- enable the sandbox mode */"
_SEAL = secrets.token_bytes(16) * 256


def read(source: Path | Place, progress: Callable[[int, int], None]) -> Iterator[bytes]:
    """The dump's text in pieces of at most half a megabyte, decompressed as its first bytes tell.

    `progress` is told the bytes of the file that were read, and its size. Raises RestoreFailed when the file cannot
    be read, when its compressed data end too early, and when it begins as the work of mysqldump or mariadb-dump and
    does not end with the line that these write last.
    """
    where = source if isinstance(source, Place) else Place(str(source))
    total = where.size()
    with where.open() as raw:
        head = tail = b""
        try:
            for chunk in _decompressed(raw):
                head = (head + chunk[:200])[:200]
                tail = (tail + chunk[-200:])[-200:]
                yield chunk
                progress(min(raw.tell(), total), total)
        except _DAMAGED as error:
            raise RestoreFailed(
                f"the dump {where.name} is damaged or cut off: {error}", hint="make or copy it again"
            ) from error
        except Exception as error:
            if where.system is None:
                raise
            raise RestoreFailed(f"the dump {where.name} could not be read to its end: {error}") from error
    if head.removeprefix(_SANDBOX_LINE).lstrip().startswith(_DUMP_HEADS) and _DUMP_END not in tail:
        raise RestoreFailed(
            f"the dump {where.name} is cut off: it does not end with {_DUMP_END.decode()!r}",
            hint="make or copy it again",
        )


def _decompressed(raw: IO[bytes]) -> Iterator[bytes]:
    first = raw.read(6)
    raw.seek(0)
    if first.startswith(b"\x1f\x8b"):
        yield from _pieces(gzip.GzipFile(fileobj=raw))
    elif first.startswith(b"\xfd7zXZ\x00"):
        yield from _pieces(lzma.LZMAFile(raw))
    elif first.startswith(b"BZh"):
        yield from _pieces(bz2.BZ2File(raw))
    elif first.startswith(b"\x28\xb5\x2f\xfd"):
        yield from _zstd(raw)
    else:
        yield from _pieces(raw)


def _pieces(stream: IO[bytes] | gzip.GzipFile | lzma.LZMAFile | bz2.BZ2File) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _zstd(raw: IO[bytes]) -> Iterator[bytes]:
    """Frame after frame, in bounded pieces.

    The library's bounded reader does not tell a file that ends inside a frame, so a frame with a seal is put behind
    the file: if the file ends inside a frame, the seal is read as part of that and does not come out. The seal
    compresses to something that does not hold it, so it does not come out as the bytes of an uncompressed block either.
    """
    reader = zstandard.ZstdDecompressor().stream_reader(
        _Sealed(raw),  # type: ignore[arg-type]  # it is only read
        read_across_frames=True,
    )
    held = b""
    while chunk := reader.read(_CHUNK):
        held += chunk
        if len(held) > len(_SEAL):
            yield held[: -len(_SEAL)]
            held = held[-len(_SEAL) :]
    if held != _SEAL:
        raise EOFError("the last zstd frame is not complete")


class _Sealed:
    """`raw`, and behind it the seal's frame."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._seal = io.BytesIO(zstandard.ZstdCompressor().compress(_SEAL))

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size) or self._seal.read(size)
