"""What tells a dump's content from every other, remembered as long as its files are not touched."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migci.adapters.dumps import loading

_SETTLED_NANOSECONDS = 2_000_000_000
"""A file that was written to just now may be written to again without another time of writing."""


class Identities:
    """Remembers in the folder `place`."""

    def __init__(self, place: Path) -> None:
        self._file = place / "identities.json"
        self._lock = place / "identities.lock"

    def of(self, source: str) -> str:
        """Raises RestoreFailed when it cannot be read, UsageError when its kind of URL is not known here."""
        path = Path(source)
        if "://" in source or not path.exists():
            return loading.digest(source)
        seen = _seen(path)
        known = self._read().get(source)
        if known is not None and known[0] == seen:
            return known[1]
        digest = loading.digest(source)
        if _seen(path) == seen and time.time_ns() - _newest(path) > _SETTLED_NANOSECONDS:
            # To forget it costs time, and nothing else.
            with suppress(OSError), self._locked():
                self._write({**self._read(), source: [seen, digest]})
        return digest

    def _read(self) -> dict[str, list[str]]:
        try:
            known = json.loads(self._file.read_text())
            return {str(source): [str(seen), str(digest)] for source, (seen, digest) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _write(self, known: dict[str, list[str]]) -> None:
        fresh = self._file.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_text(json.dumps(known, indent=1))
            fresh.replace(self._file)
        finally:
            fresh.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def _seen(path: Path) -> str:
    """What changes when a file is written, replaced, or put beside the others."""
    digest = hashlib.sha256()
    for file in _files(path):
        at = file.stat()
        digest.update(f"{file} {at.st_dev} {at.st_ino} {at.st_size} {at.st_mtime_ns} {at.st_ctime_ns}\n".encode())
    return digest.hexdigest()


def _newest(path: Path) -> int:
    return max((max(file.stat().st_mtime_ns, file.stat().st_ctime_ns) for file in _files(path)), default=0)
