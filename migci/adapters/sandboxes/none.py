"""No sandbox: a migration can do all that migci's user can. It must be asked for by name."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.instances import bound
from migci.adapters.sandboxes.confinement import View

NAME = "none"


@dataclass(frozen=True)
class Unconfined:
    """A `Confined` that confines nothing."""

    home: Path
    descriptors: tuple[int, ...] = ()

    def command(self, words: list[str]) -> list[str]:
        return bound(words)

    def strangers(self, pids: Iterable[int]) -> int:
        return len(set(pids)) - 1

    def told(self, status: int) -> str:
        if status < 0:
            with suppress(ValueError):
                return f"its process was killed by {signal.Signals(-status).name}"
        return f"its process ended with status {status}"


class NoSandbox:
    """A `Sandbox` that is none."""

    name = NAME

    def trouble(self) -> str | None:
        return None

    @contextmanager
    def confined(self, view: View, folder: Path) -> Iterator[Unconfined]:
        home = folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        try:
            yield Unconfined(home)
        finally:
            shutil.rmtree(home, ignore_errors=True)
