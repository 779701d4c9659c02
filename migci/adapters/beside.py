"""A file's new content is written beside it first, and then takes its place at once."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path

from migci.errors import UsageError


class Beside:
    """New contents in files beside the old ones; those that were not put in their place are gone on exit."""

    def __init__(self, contents: list[tuple[Path, bytes]]) -> None:
        self._contents = contents
        self._made: list[tuple[Path, Path]] = []

    def __enter__(self) -> list[tuple[Path, Path]]:
        try:
            for path, content in self._contents:
                self._made.append((_beside(path, content), path))
        except BaseException:
            self.__exit__()
            raise
        return self._made

    def __exit__(self, *exception: object) -> None:
        for temporary, _ in self._made:
            temporary.unlink(missing_ok=True)


def _beside(path: Path, content: bytes) -> Path:
    try:
        temporary, descriptor = _new_file(path, content)
    except OSError as error:
        raise UsageError(f"nothing can be written beside {path}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            mode = path.stat().st_mode if path.exists() else 0o644
            os.fchmod(descriptor, stat.S_IMODE(mode))
            stream.flush()
            os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise UsageError(f"nothing can be written beside {path}: {error.strerror}") from error
    return temporary


def _new_file(path: Path, content: bytes) -> tuple[Path, int]:
    """A new file beside `path`, for `content`.

    It is called after that, so what a killed process left of the same is known and taken away; nothing else is.
    """
    temporary = path.with_name(f".migci-{path.name}.{hashlib.sha256(content).hexdigest()[:16]}.tmp")
    with suppress(FileNotFoundError):
        if stat.S_ISREG(temporary.lstat().st_mode) and content.startswith(temporary.read_bytes()):
            temporary.unlink()
    return temporary, os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def write(path: Path, content: bytes) -> None:
    _beside(path, content).replace(path)
