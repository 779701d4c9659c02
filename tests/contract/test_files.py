"""What `Files` promises, of a commit and of the working tree: the same files are the same, and no link is followed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from migci.adapters.git import opened
from migci.adapters.scripts.trees import LONGEST_BYTES, DiskFiles
from migci.demo import repository
from migci.ports import Entry, EntryKind, Files
from tests.fakes import FakeFiles

Look = Callable[[Path, Path], AbstractContextManager[Files]]


@contextmanager
def on_disk(project: Path, aside: Path) -> Iterator[Files]:
    yield DiskFiles(project)


@contextmanager
def in_a_commit(project: Path, aside: Path) -> Iterator[Files]:
    top = next(one for one in (project, *project.parents) if (one / ".git").exists())
    repository.commit(top, "all of it", "2026-01-05T12:00:00+00:00")
    with opened(project, aside / "git") as opened_:
        yield opened_.files(opened_.commit("HEAD"))


@contextmanager
def in_memory(project: Path, aside: Path) -> Iterator[Files]:
    found: dict[str, bytes | None] = {}
    for path in project.rglob("*"):
        name = path.relative_to(project).as_posix()
        if path.is_symlink():
            found[name] = None
        elif path.is_file() and ".git" not in path.parts:
            found[name] = path.read_bytes()
    yield FakeFiles("fake", found)


@pytest.fixture(params=[on_disk, in_a_commit, in_memory], ids=["disk", "commit", "fake"])
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


@pytest.fixture(params=["", "services/api"], ids=["top", "inside"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project: the top of a repository, or a folder in it."""
    top = tmp_path / "repository"
    top.mkdir()
    repository.begin(top, "main")
    (top / "beside.py").write_text("not the project's")
    found: Path = top / request.param
    found.mkdir(parents=True, exist_ok=True)
    (found / "m").mkdir()
    (found / "m" / "one.py").write_bytes(b"1\r\n")
    (found / "m" / "empty.py").write_bytes(b"")
    (found / "m" / "deep").mkdir()
    (found / "m" / "deep" / "two.py").write_bytes(b"\xff\xfe")
    (found / "m" / "link.py").symlink_to("one.py")
    (found / "way").symlink_to("m")
    return found


FILE, LINK, FOLDER = EntryKind.FILE, EntryKind.LINK, EntryKind.FOLDER


def test_a_folder_is_listed_with_what_each_name_is(look: Look, project: Path, tmp_path: Path) -> None:
    with look(project, tmp_path) as files:
        assert files.entries("m") == (
            Entry("m/deep", FOLDER),
            Entry("m/empty.py", FILE),
            Entry("m/link.py", LINK),
            Entry("m/one.py", FILE),
        )
        assert files.entries("./m/deep/../") == files.entries("m")
        assert Entry("m/deep/two.py", FILE) in files.entries("m", below=True)
        assert Entry("m/deep", FOLDER) in files.entries("m", below=True)
        assert {entry.path for entry in files.entries("")} >= {"m", "way"}
        assert not any(entry.path.startswith("..") for entry in files.entries("", below=True))
        assert files.entries("nowhere") == files.entries("m/one.py") == files.entries("..") == ()


def test_what_is_at_a_path_is_told_and_a_link_above_it_is_that(look: Look, project: Path, tmp_path: Path) -> None:
    with look(project, tmp_path) as files:
        assert files.kind("m/one.py") is FILE
        assert files.kind("m/link.py") is LINK
        assert files.kind("m/deep") is files.kind("m/") is files.kind("") is files.kind(".") is FOLDER
        assert files.kind("way") is files.kind("way/one.py") is LINK
        assert files.kind("m/nowhere.py") is files.kind("m/one.py/x") is files.kind("../beside.py") is None


def test_files_are_read_in_the_order_in_which_they_are_asked_for(look: Look, project: Path, tmp_path: Path) -> None:
    with look(project, tmp_path) as files:
        wanted = ["m/deep/two.py", "m/one.py", "m/nowhere.py", "m/empty.py", "m/one.py", "m/link.py", "m", "way/one.py"]
        assert files.read(wanted) == (b"\xff\xfe", b"1\r\n", None, b"", b"1\r\n", None, None, None)
        assert files.read([]) == ()


def test_names_that_are_no_utf8_or_hold_a_line_break_are_names(look: Look, project: Path, tmp_path: Path) -> None:
    odd = [b"caf\xe9.py", b"two\nlines.py", "naïve ☃.py".encode(), b'quo"te.py', b":(top)x.py", b"st*r.py"]
    for name in odd:
        Path(os.fsdecode(os.fsencode(project / "m") + b"/" + name)).write_bytes(name)
    with look(project, tmp_path) as files:
        paths = [f"m/{os.fsdecode(name)}" for name in odd]
        assert set(paths) <= {entry.path for entry in files.entries("m")}
        assert files.read(paths) == tuple(odd)
        assert [files.kind(path) for path in paths] == [FILE] * len(odd)


def test_what_is_longer_than_any_script_is_not_read(look: Look, project: Path, tmp_path: Path) -> None:
    (project / "m" / "long.py").write_bytes(b"#" * (LONGEST_BYTES + 1))
    (project / "m" / "just.py").write_bytes(b"#" * LONGEST_BYTES)
    with look(project, tmp_path) as files:
        long, just = files.read(["m/long.py", "m/just.py"])
        assert long is None
        assert just is not None


def test_a_pipe_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "m" / "pipe.py")
    files = DiskFiles(project)
    assert files.kind("m/pipe.py") is EntryKind.OTHER
    assert files.read(["m/pipe.py"]) == (None,)


def test_a_commit_is_read_as_it_is_and_not_as_the_disk_is(project: Path, tmp_path: Path) -> None:
    with in_a_commit(project, tmp_path) as files:
        (project / "m" / "one.py").write_bytes(b"2")
        (project / "m" / "new.py").write_bytes(b"")
        assert files.read(["m/one.py", "m/new.py"]) == (b"1\r\n", None)


def test_the_attributes_of_a_tree_start_no_program_and_change_no_byte(project: Path, tmp_path: Path) -> None:
    top = next(one for one in (project, *project.parents) if (one / ".git").exists())
    (top / ".gitattributes").write_text("*.py text eol=crlf filter=mine\n")
    started = tmp_path / "started"
    subprocess.run(["git", "-C", str(top), "config", "filter.mine.smudge", f"touch {started}"], check=True)
    (project / "m" / "new.py").write_bytes(b"1\n")
    with in_a_commit(project, tmp_path) as files:
        assert files.read(["m/new.py"]) == (b"1\n",)
    assert not started.exists()
