"""Whether a file in conflict was edited: any style of conflicts, any marks and line ends are git's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migci.adapters.conflict import as_git_left
from migci.adapters.worktree import Stages

BASE = b'{\n  "1": ["a.py"]\n}\n'
OURS = b'{\n  "1": ["a.py"],\n  "2": ["b.py"]\n}\n'
THEIRS = b'{\n  "1": ["a.py"],\n  "2": ["c.py"],\n  "3": ["d.py"]\n}\n'


def conflict(folder: Path, stages: Stages, *words: str) -> bytes:
    for name, content in (("ours", stages.ours), ("base", stages.base), ("theirs", stages.theirs)):
        (folder / name).write_bytes(content or b"")
    done = subprocess.run(
        ["git", "merge-file", "-p", *words, "ours", "base", "theirs"], cwd=folder, capture_output=True
    )
    assert done.returncode < 128
    return done.stdout


@pytest.mark.parametrize("style", [(), ("--diff3",), ("--zdiff3",)], ids=str)
@pytest.mark.parametrize("marks", [(), ("--marker-size=11",), ("-L", "HEAD", "-L", "x y", "-L", "1f2e (a)")], ids=str)
@pytest.mark.parametrize("base", [BASE, None], ids=["a base", "no base"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"], ids=repr)
def test_what_git_left_is_known_and_every_edit_of_it_seen(
    style: tuple[str, ...], marks: tuple[str, ...], base: bytes | None, ends: bytes, tmp_path: Path
) -> None:
    stages = Stages(base, OURS, THEIRS)
    left = conflict(tmp_path, stages, *style, *marks).replace(b"\n", ends)
    assert left.startswith(b"{") or base is None
    assert as_git_left(left, stages)
    for said in (b'"b.py"', b'"c.py"', b'"d.py"'):
        assert said in left
        assert not as_git_left(left.replace(said, said + b', "x.sql"'), stages)
    lines = left.splitlines(keepends=True)
    assert not as_git_left(b"".join(lines[:-1]), stages)
    assert not as_git_left(b"".join(line for line in lines if not line.startswith(b"=======")), stages)


def test_all_of_both_sides_is_what_the_driver_leaves() -> None:
    left = b"<<<<<<< ours\n" + OURS + b"=======\n" + THEIRS + b">>>>>>> theirs\n"
    assert as_git_left(left, Stages(BASE, OURS, THEIRS))


def test_what_was_resolved_is_not_what_git_left() -> None:
    assert not as_git_left(OURS.replace(b"b", b"e"), Stages(BASE, OURS, THEIRS))
    assert not as_git_left(b"", Stages(BASE, OURS, THEIRS))


lines = st.lists(st.sampled_from([b"{", b"}", b"a", b"b", b"c", b""]), max_size=8)
contents = st.builds(lambda found, end: b"\n".join(found) + end, lines, st.sampled_from([b"", b"\n"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents, contents, contents, st.sampled_from([(), ("--diff3",), ("--zdiff3",)]))
def test_whatever_the_sides_are_a_conflict_of_gits_is_known(
    tmp_path: Path, base: bytes, ours: bytes, theirs: bytes, style: tuple[str, ...]
) -> None:
    stages = Stages(base, ours, theirs)
    left = conflict(tmp_path, stages, *style)
    if b"<<<<<<<" in left:
        assert as_git_left(left, stages)
