"""How much memory a process and what it began hold: an account that outlives the processes that it is of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from migci.adapters.tools.memory import in_use


def test_a_process_holds_something_and_one_that_is_not_there_nothing() -> None:
    assert in_use(os.getpid(), enough=0) > 1 << 20
    assert in_use(1 << 30, enough=0) == 0


def test_a_process_that_ends_while_it_is_looked_at_ends_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Path, pattern: str) -> Iterator[Path]:
        raise FileNotFoundError(2, "No such file or directory", str(self))
        yield self

    monkeypatch.setattr(Path, "glob", gone)
    assert in_use(os.getpid(), enough=0) > 0
