"""Dumps on disk: opened whatever their compression, read with progress, checked for their end."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import zstandard

from migci.ports import RestoreFailed

_CHUNK = 1 << 18
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError)
_DUMP_HEADS = (b"-- MySQL dump", b"-- MariaDB dump")
_DUMP_END = b"-- Dump completed"
_SANDBOX_LINE = b"/*M!999999\\- enable the sandbox mode */"


def read(source: Path, progress: Callable[[int, int], None]) -> Iterator[bytes]:
    """The dump's text in pieces, decompressed as its first bytes tell.

    `progress` is told the bytes of the file that were read, and its size. Raises RestoreFailed when the file cannot
    be read, when its compressed data end too early, and when it begins as the work of mysqldump or mariadb-dump and
    does not end with the line that these write last.
    """
    try:
        total = source.stat().st_size
        raw = source.open("rb")
    except OSError as error:
        raise RestoreFailed(
            f"cannot read the dump {source}: {error.strerror}", hint="see 'source' in migci.toml"
        ) from error
    with raw:
        head = tail = b""
        try:
            for chunk in _decompressed(raw):
                head = (head + chunk[:200])[:200]
                tail = (tail + chunk[-200:])[-200:]
                yield chunk
                progress(min(raw.tell(), total), total)
        except _DAMAGED as error:
            raise RestoreFailed(
                f"the dump {source.name} is damaged or cut off: {error}", hint="make or copy it again"
            ) from error
    if head.removeprefix(_SANDBOX_LINE).lstrip().startswith(_DUMP_HEADS) and _DUMP_END not in tail:
        raise RestoreFailed(
            f"the dump {source.name} is cut off: it does not end with {_DUMP_END.decode()!r}",
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
    """Frame after frame; the library's own reader does not tell a file that ends inside one."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    while chunk := raw.read(_CHUNK):
        while chunk:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            if piece := frame.decompress(chunk):
                yield piece
            chunk = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise EOFError("the last zstd frame is not complete")
