"""Files as they were kept, and as they are now."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)
_FALLOC_FL_KEEP_SIZE = 1  # <linux/falloc.h>
_FALLOC_FL_PUNCH_HOLE = 2
_THREADS = 2

Checksums = Mapping[str, str]
"""Each file's path, relative to its folder, and the SHA-256 of its content; a link's is of where it leads."""


def taken(folder: Path, *, punch_holes: bool = False) -> dict[str, str]:
    """The checksums of all files in `folder`.

    With `punch_holes`, whole pieces of zeros give back their room on the disk, where the filesystem can: a new redo
    log is made of them, and every copy of it would carry them along.
    """
    names = sorted(_files(folder))
    with ThreadPoolExecutor(_THREADS) as pool:
        digests = pool.map(lambda name: _digest(folder / name, punch_holes), names)
        return dict(zip(names, digests, strict=True))


def differences(folder: Path, kept: Checksums) -> tuple[str, ...]:
    """How the files of `folder` differ from what was kept, a sentence each."""
    now = taken(folder)
    return tuple(
        [f"{name} is missing" for name in sorted(kept.keys() - now.keys())]
        + [f"{name} was not there" for name in sorted(now.keys() - kept.keys())]
        + [f"{name} has other content" for name in sorted(kept.keys() & now.keys()) if kept[name] != now[name]]
    )


def room(folder: Path) -> int:
    """The bytes that the files of `folder` take on their disk."""
    return sum((folder / name).lstat().st_blocks * 512 for name in _files(folder))


def _files(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        for name in files:
            yield str(Path(place, name).relative_to(folder))
        for name in folders:
            if Path(place, name).is_symlink():
                yield str(Path(place, name).relative_to(folder))


def _digest(path: Path, punch_holes: bool) -> str:
    if path.is_symlink():
        return hashlib.sha256(b"-> " + os.fsencode(path.readlink())).hexdigest()
    digest = hashlib.sha256()
    with path.open("r+b" if punch_holes else "rb", buffering=0) as file:
        at = 0
        piece = bytearray(_PIECE)
        while read := file.readinto(piece):
            digest.update(memoryview(piece)[:read])
            if punch_holes and read == _PIECE and piece == _ZEROS:
                _punch(file.fileno(), at)
            at += read
    return digest.hexdigest()


_libc = ctypes.CDLL(None, use_errno=True)


def _punch(descriptor: int, at: int) -> None:
    """Without effect where the filesystem has no holes: then the zeros stay."""
    _libc.fallocate(
        descriptor,
        _FALLOC_FL_PUNCH_HOLE | _FALLOC_FL_KEEP_SIZE,
        ctypes.c_longlong(at),
        ctypes.c_longlong(_PIECE),
    )
