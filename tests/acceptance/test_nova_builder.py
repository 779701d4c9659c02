"""The demo's nova repository: what is in it, that it is repeatable, that a failure leaves nothing."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from migci.demo import fixtures
from migci.demo.nova import MIGRATIONS, SDIST, build
from migci.errors import MigciError, UsageError

ROWS = 10_000


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Nova's source is kept: MIGCI_TEST_CACHE if it is set, so that it outlives the session."""
    named = os.environ.get("MIGCI_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def repository(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("demo") / "nova"
    build(destination, rows=ROWS, remedy=True, cache=cache)
    return destination


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def revisions(repository: Path, branch: str) -> list[int]:
    names = git(repository, "ls-tree", "--name-only", branch, f"{MIGRATIONS}/versions/").splitlines()
    scripts = (re.fullmatch(r"(\d+)_.*\.py", Path(name).name) for name in names)
    return sorted(int(script[1]) for script in scripts if script)


def test_master_holds_nova_s_197_migrations_and_patch_one_more(repository: Path) -> None:
    assert revisions(repository, "master") == list(range(216, 413))
    assert revisions(repository, "patch") == list(range(216, 414))


def test_patch_is_checked_out_and_clean_and_adds_one_file(repository: Path) -> None:
    assert git(repository, "branch", "--show-current") == "patch\n"
    assert git(repository, "status", "--porcelain", "--ignored") == ""
    added = git(repository, "diff", "--name-status", "master", "patch").splitlines()
    assert added == [f"A\t{MIGRATIONS}/versions/413_add_instances_compute_id.py"]


def test_the_tree_is_small_and_holds_none_of_the_modules_that_drag_in_openstack(repository: Path) -> None:
    assert len(git(repository, "ls-files").splitlines()) < 240
    stubs = fixtures() / "nova" / "stubs"
    for stub in stubs.rglob("*.py"):
        assert (repository / stub.relative_to(stubs)).read_text() == stub.read_text()


def test_the_settings_name_only_files_and_revisions_that_exist(repository: Path) -> None:
    settings = tomllib.loads(git(repository, "show", "master:migci.toml"))
    releases = settings["project"]["releases"]
    ends = [int(release["until"]) for release in releases]
    assert ends == sorted(ends)
    assert set(ends) <= set(revisions(repository, "master"))
    named = [release["after"] for release in releases if "after" in release]
    assert named == ["fill.sql", *(f"remedy_{name}.sql" for name in ("kilo", "mitaka", "newton", "pike"))]
    assert settings["project"]["environment"]["requirements"] == ["-r", "migci-requirements.txt"]
    for name in [*named, "migci-requirements.txt", settings["project"]["migrations"]]:
        git(repository, "cat-file", "-e", f"master:{name}")


def test_the_fill_has_no_parameter_left_and_one_statement_an_end_of_line(repository: Path) -> None:
    for script in repository.glob("*.sql"):
        text = script.read_text()
        assert "${" not in text
        assert re.search(r";(?!\n)", text) is None
        assert re.search(r"\b(RAND|NOW|UUID)\(", text) is None


def test_without_remedies_only_the_fill_is_run(cache: Path, tmp_path: Path) -> None:
    build(tmp_path / "nova", rows=ROWS, remedy=False, cache=cache)
    assert [path.name for path in (tmp_path / "nova").glob("*.sql")] == ["fill.sql"]
    releases = tomllib.loads((tmp_path / "nova" / "migci.toml").read_text())["project"]["releases"]
    assert [release["after"] for release in releases if "after" in release] == ["fill.sql"]


def test_two_builds_make_the_same_commits(
    repository: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    build(tmp_path / "nova", rows=ROWS, remedy=True, cache=cache)
    for branch in ("master", "patch"):
        assert git(tmp_path / "nova", "rev-parse", branch) == git(repository, "rev-parse", branch)


def test_an_archive_with_another_sha256_is_refused_by_name_and_leaves_nothing(tmp_path: Path) -> None:
    archive = tmp_path / "cache" / SDIST
    archive.parent.mkdir()
    archive.write_bytes(b"not nova")
    said = re.escape(f"{archive} is not Nova's {SDIST}: its SHA-256 is ")
    with pytest.raises(MigciError, match=said) as refused:
        build(tmp_path / "demo" / "nova", rows=ROWS, remedy=True, cache=archive.parent)
    assert refused.value.hint == "delete it, so that it is downloaded again"
    assert not (tmp_path / "demo").exists()
    assert archive.read_bytes() == b"not nova"


def test_a_failure_of_git_is_told_and_leaves_nothing(
    cache: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\necho 'no space left' >&2\nexit 9\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    with pytest.raises(MigciError, match="git init failed with exit status 9: no space left"):
        build(tmp_path / "demo" / "nova", rows=ROWS, remedy=True, cache=cache)
    assert list((tmp_path / "demo").iterdir()) == []


def test_an_existing_destination_is_refused_and_kept(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exists already"):
        build(tmp_path, rows=ROWS, remedy=True, cache=cache)
    assert tmp_path.is_dir()


@pytest.mark.parametrize("rows", [0, 999, 20_000_001])
def test_a_number_of_rows_that_cannot_be_filled_is_refused(cache: Path, tmp_path: Path, rows: int) -> None:
    with pytest.raises(UsageError, match=f"cannot fill a nova database with {rows} rows"):
        build(tmp_path / "nova", rows=rows, remedy=True, cache=cache)
