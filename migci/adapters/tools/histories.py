"""Histories that projects' tools have told already: the same tree tells the same one again."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from migci.core.history import History

_MOST = 200
_HISTORY = TypeAdapter(History)


class Histories:
    """Remembers in `folder`, each by what stands for all that it was told from. To forget one costs time alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, id: str) -> History | None:
        file = self._file(id)
        with suppress(OSError, ValidationError):
            found = _HISTORY.validate_json(file.read_bytes())
            file.touch()
            return found
        return None

    def keep(self, id: str, history: History) -> None:
        """Nothing of it is there before all of it is."""
        file = self._file(id)
        making = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                making.write_bytes(_HISTORY.dump_json(history))
                making.replace(file)
            finally:
                making.unlink(missing_ok=True)
            self._forget()

    def _forget(self) -> None:
        """The oldest, and what was being written by who was killed."""
        files = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in files[_MOST:]:
            file.unlink(missing_ok=True)

    def _file(self, id: str) -> Path:
        return self._folder / f"{id}.json"
