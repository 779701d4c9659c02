"""Commits are read where they lie: whatever form the repository has, and without a trace."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from migci.adapters.commits import commits_of, file_at, likely_trunk
from migci.cli.histories import histories
from migci.errors import MigciError
from tests.repositories import ALEMBIC_PROJECT, SETTINGS_OF_NOBODY, Checkout, revisions


@pytest.fixture
def shop(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit({**ALEMBIC_PROJECT, **revisions("ab")})
    return checkout


def cloned(source: Checkout, place: Path, *words: str) -> Path:
    command = [
        "git",
        "-c",
        "protocol.file.allow=always",
        "clone",
        "--quiet",
        *words,
        f"file://{source.top}",
        str(place),
    ]
    subprocess.run(command, check=True, env={**SETTINGS_OF_NOBODY, "PATH": "/usr/bin:/bin"}, capture_output=True)
    return place


def test_nothing_is_written_to_a_folder_for_temporary_files_that_a_kill_would_leave(
    shop: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> str:
        raise AssertionError("a folder was made")

    shop.commit({"migci.toml": SETTINGS})
    shop.branch("mine")
    shop.commit(revisions("c", "b"))
    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    known = histories(shop.top, "mine", "main", (), settings_ref="main")
    assert known.trees.trunk is not None
    read = [[one.id for one in reader.read(known.trees.proposed).chain] for reader in known.readers]
    assert read == [["a", "b", "c"]]


SETTINGS = """
[project]
name = "shop"
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"
[datasets.empty]
source = "empty"
"""


def test_a_linked_worktree_and_a_bare_looking_folder_are_read_like_any_other(shop: Checkout, tmp_path: Path) -> None:
    shop.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    assert file_at(tmp_path / "linked", "other", "alembic.ini") == ALEMBIC_PROJECT["alembic.ini"].strip()
    commits = commits_of(tmp_path / "linked" / "migrations")
    assert commits.files(commits.commit("HEAD")).read(["env.py"]) == (b"",)


def test_a_partial_clone_is_not_filled_up_over_the_network(shop: Checkout, tmp_path: Path) -> None:
    shop.git("config", "uploadpack.allowFilter", "true")
    clone = cloned(shop, tmp_path / "partial", "--filter=blob:none", "--no-checkout")
    before = sorted((clone / ".git" / "objects").rglob("*"))
    commits = commits_of(clone)
    with pytest.raises(MigciError, match="partial clone") as failed:
        commits.files(commits.commit("HEAD")).read(["alembic.ini"])
    assert "git fetch --refetch" in failed.value.hint
    assert sorted((clone / ".git" / "objects").rglob("*")) == before


# The branch that patches land on


def test_trunk_is_what_origin_says_if_that_is_there(shop: Checkout, tmp_path: Path) -> None:
    shop.git("branch", "develop")
    shop.git("checkout", "--quiet", "develop")
    clone = cloned(shop, tmp_path / "clone")
    assert likely_trunk(clone) == "origin/develop"
    gone = ["git", "-C", str(clone), "update-ref", "-d", "refs/remotes/origin/develop"]
    subprocess.run(gone, check=True)
    assert likely_trunk(clone) == "origin/main"


def test_of_one_branch_that_was_cloned_that_is_trunk(shop: Checkout, tmp_path: Path) -> None:
    shop.git("branch", "--move", "stable")
    clone = cloned(shop, tmp_path / "clone")
    for words in (("symbolic-ref", "-d", "refs/remotes/origin/HEAD"), ("checkout", "-q", "--detach")):
        subprocess.run(["git", "-C", str(clone), *words], check=True)
    assert likely_trunk(clone) == "origin/stable"
    subprocess.run(["git", "-C", str(clone), "remote", "remove", "origin"], check=True)
    assert likely_trunk(clone) == "stable"


def test_a_tag_or_a_folder_that_is_called_main_is_no_branch(shop: Checkout) -> None:
    shop.git("branch", "--move", "work")
    shop.git("tag", "main")
    assert likely_trunk(shop.top) == "work"


def test_a_local_main_is_trunk_where_there_is_no_origin(shop: Checkout) -> None:
    shop.branch("mine")
    assert likely_trunk(shop.top) == "main"
