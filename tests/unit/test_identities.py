"""What tells the content of a dump from every other: read when it may be another, remembered when it cannot be."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from migci.adapters.dumps import loading
from migci.adapters.snapshots import identities
from migci.adapters.snapshots.identities import Identities

Reads = list[str]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """The sources that were read, in their order."""
    found: Reads = []
    read = loading.digest

    def noted(source: str) -> str:
        found.append(Path(source).name)
        return read(source)

    monkeypatch.setattr(loading, "digest", noted)
    return found


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all that is written had been written long ago."""
    monkeypatch.setattr(identities, "_SETTLED_NANOSECONDS", -(10**12))


def dump(folder: Path, text: str = "SELECT 1;\n", name: str = "dump.sql") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_same_content_elsewhere_has_the_same_identity(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    known = Identities(tmp_path)
    one, same = dump(tmp_path), dump(tmp_path / "elsewhere", name="copy.sql")
    assert known.of(one) == known.of(same) != known.of(dump(tmp_path, "SELECT 2;\n", "other.sql"))


def test_a_file_that_was_not_touched_is_read_once_by_all_commands(tmp_path: Path, reads: Reads, settled: None) -> None:
    source = dump(tmp_path)
    assert len({Identities(tmp_path).of(source) for _ in range(3)}) == 1
    assert reads == ["dump.sql"]


def test_a_file_that_was_written_just_now_is_read_again(tmp_path: Path, reads: Reads) -> None:
    source = dump(tmp_path)
    for _ in range(2):
        Identities(tmp_path).of(source)
    assert reads == ["dump.sql"] * 2


def test_a_file_that_is_rewritten_within_the_same_tick_and_size_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A filesystem's clock ticks a few hundred times a second; here it does not tick at all."""
    monkeypatch.setattr(identities, "_seen", lambda path: "always the same")
    source = dump(tmp_path, "SELECT 1;\n")
    known = Identities(tmp_path)
    before = known.of(source)
    dump(tmp_path, "SELECT 2;\n")
    assert known.of(source) != before


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_file_that_is_rewritten_with_its_size_is_another(tmp_path: Path, settled: None, keep_times: bool) -> None:
    source = dump(tmp_path, "SELECT 1;\n")
    known = Identities(tmp_path)
    before, at = known.of(source), Path(source).stat()
    # Not sooner than its clock's next tick.
    while Path(source).stat().st_ctime_ns == at.st_ctime_ns:
        dump(tmp_path, "SELECT 2;\n")
    if keep_times:
        os.utime(source, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert known.of(source) != before


def test_a_file_that_takes_its_place_is_another(tmp_path: Path, settled: None) -> None:
    source, other = dump(tmp_path, "SELECT 1;\n"), dump(tmp_path, "SELECT 2;\n", "new.sql")
    known = Identities(tmp_path)
    before, at = known.of(source), Path(source).stat()
    os.utime(other, ns=(at.st_atime_ns, at.st_mtime_ns))
    Path(other).rename(source)
    assert known.of(source) != before


def test_a_file_that_is_written_while_it_is_read_is_not_remembered(
    tmp_path: Path, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = dump(tmp_path, "SELECT 1;\n")
    read = loading.digest

    def slow(name: str) -> str:
        found = read(name)
        dump(tmp_path, "SELECT 12;\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(loading, "digest", slow)
        before = Identities(tmp_path).of(source)
    assert Identities(tmp_path).of(source) != before


@pytest.mark.parametrize("text", ["", "{", "[]", '{"SOURCE": 7}', '{"SOURCE": ["a"]}', "null", "\x00"])
def test_a_memory_that_came_to_harm_is_begun_anew(tmp_path: Path, reads: Reads, settled: None, text: str) -> None:
    source = dump(tmp_path)
    before = Identities(tmp_path).of(source)
    (tmp_path / "identities.json").write_text(text.replace("SOURCE", source))
    assert Identities(tmp_path).of(source) == before
    assert Identities(tmp_path).of(source) == before
    assert reads == ["dump.sql"] * 2


def test_a_place_that_cannot_be_written_is_done_without(tmp_path: Path, reads: Reads, settled: None) -> None:
    source = dump(tmp_path)
    place = tmp_path / "gone"
    assert Identities(place).of(source) == Identities(place).of(source)
    assert reads == ["dump.sql"] * 2


def test_what_one_command_learns_does_not_take_away_what_another_did(
    tmp_path: Path, reads: Reads, settled: None
) -> None:
    one, two = dump(tmp_path), dump(tmp_path, "SELECT 2;\n", "two.sql")
    first, second = Identities(tmp_path), Identities(tmp_path)
    first.of(one)
    second.of(two)
    first.of(two)
    second.of(one)
    assert reads == ["dump.sql", "two.sql"]
    assert sorted(path.name for path in tmp_path.glob("identities*")) == ["identities.json", "identities.lock"]


def test_what_is_written_to_now_is_settled_after_some_time_only(tmp_path: Path, reads: Reads) -> None:
    source = dump(tmp_path)
    long_ago = time.time_ns() - 10**12
    os.utime(source, ns=(long_ago, long_ago))
    Identities(tmp_path).of(source)
    Identities(tmp_path).of(source)  # it was written long ago, it says; its inode was changed just now
    assert reads == ["dump.sql"] * 2
