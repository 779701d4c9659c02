"""What is written: seen under its name when it is whole, and never before."""

from __future__ import annotations

import lzma
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol, cast

import zstandard
from isal import igzip
from typing_extensions import Buffer

from anonymize.dumps.source import STANDARD
from anonymize.errors import AnonymizeError, UsageError

COMPRESSIONS = ("none", "gz", "zst", "xz")
_GZIP_LEVEL, _ZSTD_LEVEL, _XZ_LEVEL = 2, 3, 3


class Sink(Protocol):
    """What takes bytes."""

    def write(self, data: Buffer, /) -> object: ...


def compression(name: str, asked: str | None = None) -> str:
    """How a file of this name is compressed: as asked for, or as its suffix says."""
    suffix = Path(name).suffix.removeprefix(".").lower()
    return asked or (suffix if suffix in COMPRESSIONS else "none")


def check(source: str, destination: str, *, force: bool) -> None:
    """Raises UsageError if `destination` is the source, holds it or lies in it, or is there and not to be replaced."""
    if destination == STANDARD:
        return
    path = Path(destination)
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder, so {path.name} cannot be written there", "make the folder first")
    if source != STANDARD and "://" not in source:
        ends = (Path(source).resolve(), path.resolve())
        same = path.exists() and Path(source).exists() and path.samefile(source)
        if same or ends[1] in (ends[0], *ends[0].parents) or ends[0] in ends[1].parents:
            raise UsageError(f"the output {path} is the source, or one lies in the other", "name another output")
    if os.path.lexists(path) and not force:
        raise UsageError(f"{path} is there already", "name another output, or add --force to replace it")


@contextmanager
def published(
    destination: str,
    *,
    force: bool = False,
    compress: str = "none",
    check: Callable[[Path], None] | None = None,
) -> Iterator[Sink]:
    """A sink whose bytes are in the file `destination` if the block ends well; if not, nothing is left of them.

    `check` sees the whole file before anybody else does; what it raises goes through. What is there already is replaced
    only with `force`. The standard output cannot be taken back: what was written before an error stays written. Raises
    AnonymizeError when nothing can be written.
    """
    if destination == STANDARD:
        with _compressing(sys.stdout.buffer, compress) as sink:
            yield sink
        sys.stdout.buffer.flush()
        return
    path = Path(destination)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with _translated(path), part.open("xb", buffering=1 << 18) as file:
            with _compressing(file, compress) as sink:
                yield sink
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(part)
        with _translated(path):
            put(part, path, force=force)
    finally:
        part.unlink(missing_ok=True)


def put(part: Path, path: Path, *, force: bool) -> None:
    """`part`, a file, under the name `path`, for good. Raises UsageError if there is one and no `force`."""
    if force:
        part.replace(path)
    else:
        try:
            path.hardlink_to(part)  # unlike a rename, it fails where somebody else was quicker
        except FileExistsError as error:
            raise UsageError(f"{path} is there already", "name another output, or add --force to replace it") from error
        except OSError:
            part.rename(path)  # the file system has no links
    sync(path.parent)


def sync(folder: Path) -> None:
    """What has been renamed in `folder` stays so if the power fails."""
    with suppress(OSError):  # not every file system can
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AnonymizeError(
            f"{path} cannot be written: {error.strerror or error}", "nothing was published; see to the disk, try again"
        ) from error


@contextmanager
def _compressing(file: IO[bytes], how: str) -> Iterator[Sink]:
    if how == "gz":
        with igzip.IGzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as packed:  # type: ignore[no-untyped-call]
            yield packed
    elif how == "xz":
        with lzma.open(file, "wb", preset=_XZ_LEVEL) as packed:
            yield packed
    elif how == "zst":
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True)
        with compressor.stream_writer(file, closefd=False) as frames:
            yield cast("Sink", frames)
    else:
        yield file
