"""Files as they were kept: every difference is seen, and zeros give back their room without one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.snapshots.checksums import differences, room, taken

PIECE = 1 << 20

FILES = {"ibdata1": b"abc" * 50_000, "main/thing.ibd": bytes(PIECE) + b"x", "main/empty": b"", "a b/ü\n": b"odd"}


def fill(folder: Path) -> None:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "link").symlink_to("ibdata1")
    (folder / "folder-link").symlink_to("main")
    (folder / "dangling").symlink_to("nowhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    fill(made)
    return made


def test_every_file_and_every_link_is_taken_by_its_path(folder: Path) -> None:
    assert taken(folder).keys() == FILES.keys() | {"link", "folder-link", "dangling"}


def test_a_file_s_checksum_is_that_of_its_content_and_not_of_its_name(folder: Path) -> None:
    (folder / "copy").write_bytes(FILES["ibdata1"])
    found = taken(folder)
    assert found["copy"] == found["ibdata1"] == hashlib.sha256(FILES["ibdata1"]).hexdigest()
    assert found["link"] not in (found["ibdata1"], found["dangling"], found["folder-link"])


def test_what_was_not_touched_differs_in_nothing(folder: Path) -> None:
    assert differences(folder, taken(folder)) == ()


def rewrite(path: Path) -> None:
    """The same size and the same times."""
    at = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    os.utime(path, ns=(at.st_atime_ns, at.st_mtime_ns))


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("main/empty")


def spell_out(path: Path) -> None:
    """A file that says where the link led, in its place."""
    leads = str(path.readlink())
    path.unlink()
    path.write_text(leads)


def exchange(path: Path) -> None:
    """A link to the same content in place of the file."""
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


CHANGES: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "rewritten": (lambda data: rewrite(data / "ibdata1"), ("ibdata1 has other content",)),
    "longer": (lambda data: os.truncate(data / "ibdata1", 150_001), ("ibdata1 has other content",)),
    "emptied": (lambda data: os.truncate(data / "main/thing.ibd", 0), ("main/thing.ibd has other content",)),
    "removed": (lambda data: (data / "main/empty").unlink(), ("main/empty is missing",)),
    "added": (lambda data: (data / "main/new").touch(), ("main/new was not there",)),
    "renamed": (
        lambda data: (data / "main/empty").rename(data / "main/other"),
        ("main/empty is missing", "main/other was not there"),
    ),
    "a_link_elsewhere": (lambda data: relink(data / "link"), ("link has other content",)),
    "a_folder_link_elsewhere": (lambda data: relink(data / "folder-link"), ("folder-link has other content",)),
    "a_file_for_a_link": (lambda data: spell_out(data / "dangling"), ("dangling has other content",)),
    "a_link_for_a_file": (
        lambda data: exchange(data / "ibdata1"),
        ("moved was not there", "ibdata1 has other content"),
    ),
}


@pytest.mark.parametrize(("change", "told"), list(CHANGES.values()), ids=list(CHANGES))
def test_a_change_is_told(folder: Path, change: Callable[[Path], object], told: tuple[str, ...]) -> None:
    kept = taken(folder)
    change(folder)
    assert differences(folder, kept) == told


def test_a_folder_that_is_gone_misses_all_its_files(tmp_path: Path, folder: Path) -> None:
    told = differences(tmp_path / "nowhere", taken(folder))
    assert len(told) == len(FILES) + 3
    assert all(one.endswith(" is missing") for one in told)


def test_whole_pieces_of_zeros_give_back_their_room(tmp_path: Path) -> None:
    content = b"begin" + bytes(PIECE * 4) + b"end"
    (tmp_path / "log").write_bytes(content)
    before = taken(tmp_path)
    full = room(tmp_path)
    assert taken(tmp_path, punch_holes=True) == before
    assert room(tmp_path) <= full - 3 * PIECE
    assert (tmp_path / "log").read_bytes() == content
    assert taken(tmp_path) == before


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, PIECE + 100)), max_size=5))
def test_no_file_reads_otherwise_for_its_holes(
    tmp_path_factory: pytest.TempPathFactory, stretches: list[tuple[bool, int]]
) -> None:
    folder = tmp_path_factory.mktemp("holes")
    content = b"".join((bytes(length) if zero else b"\x01" * length) for zero, length in stretches)
    (folder / "file").write_bytes(content)
    before = taken(folder)
    assert taken(folder, punch_holes=True) == before
    assert (folder / "file").read_bytes() == content


def test_without_being_asked_to_it_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "zeros").write_bytes(bytes(PIECE * 2))
    (tmp_path / "zeros").chmod(0o400)
    before = (tmp_path / "zeros").stat()
    taken(tmp_path)
    assert (tmp_path / "zeros").stat().st_mtime_ns == before.st_mtime_ns
    assert room(tmp_path) == before.st_blocks * 512
