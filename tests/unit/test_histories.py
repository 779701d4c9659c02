"""A history that was told once is told again from what was kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migci.adapters.tools.histories import Histories
from migci.core.finding import Silence
from migci.core.history import History, Revision

HISTORY = History(
    (
        Revision("1", (), ("a/001.py", "a/001.sql"), "d1", "i1", "the first", (Silence("MC201", "at night"),)),
        Revision("2", ("1",), ("a/002.py",), "d2"),
    ),
    base="0",
    surroundings="s",
)


def test_what_was_kept_is_found_as_it_was(tmp_path: Path) -> None:
    histories = Histories(tmp_path / "histories")
    assert histories.find("one") is None
    histories.keep("one", HISTORY)
    assert histories.find("one") == HISTORY
    assert histories.find("other") is None


def test_a_damaged_one_is_none(tmp_path: Path) -> None:
    histories = Histories(tmp_path)
    histories.keep("one", HISTORY)
    whole = (tmp_path / "one.json").read_bytes()
    for damage in (b"", whole[:-9], whole.replace(b'"1"', b"[1]")):
        (tmp_path / "one.json").write_bytes(damage)
        assert histories.find("one") is None


def test_a_kill_while_one_is_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    histories = Histories(tmp_path)
    histories.keep("one", HISTORY)
    monkeypatch.setattr(Path, "write_bytes", killed)
    for id in ("one", "other"):
        with pytest.raises(KeyboardInterrupt):
            histories.keep(id, History(HISTORY.revisions[:1]))
    assert histories.find("one") == HISTORY
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]


def test_what_was_not_used_for_longest_is_forgotten(tmp_path: Path) -> None:
    histories = Histories(tmp_path)
    for number in range(200):
        histories.keep(str(number), HISTORY)
        os.utime(tmp_path / f"{number}.json", (number, number))
    assert histories.find("0") == HISTORY
    histories.keep("new", HISTORY)
    assert histories.find("0") == HISTORY
    assert histories.find("1") is None


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    histories = Histories(tmp_path / "file" / "histories")
    histories.keep("one", HISTORY)
    assert histories.find("one") is None
