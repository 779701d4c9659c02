"""`migci versions import` as a person runs it: what it changes, what it refuses, and what a kill leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migci.adapters.agent.migci_agent import versions_file
from migci.adapters.scripts.versions_folder import FolderOnDisk
from migci.core.naming import is_numbered
from migci.versions.importing import carry_out, planned
from tests.acceptance.command import MIGCI, replay
from tests.contract.interpreters import OLD, built
from tests.contract.named import NAMES, SCRIPTS, VERSIONS, write_named, write_numbered

PLACE = "repository/versions"


def git(project: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=someone", "-c", "user.email=someone@example.org", *words]
    return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout


def committed(project: Path, message: str = "a change") -> Path:
    if not (project / ".git").exists():
        git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--allow-empty", "-m", message)
    return project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    versions = write_numbered(tmp_path / "shop")
    (versions / "001_users.py").chmod(0o755)
    (versions / "003_placeholder.py").write_bytes(b"def upgrade(engine):\r\n    pass\r\n")
    return committed(tmp_path / "shop")


def imported(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*MIGCI, "versions", "import", "--project", str(project), *(words or ("--migrations", "repository"))]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"})


def contents(project: Path) -> dict[str, tuple[bytes, int]]:
    """Every file of the versions folder with its bytes and its mode."""
    return {
        path.name: (path.read_bytes(), path.stat().st_mode)
        for path in (project / PLACE).iterdir()
        if not path.is_symlink() and path.is_file()
    }


def state(project: Path) -> tuple[object, ...]:
    """All that an import may change."""
    return contents(project), git(project, "status", "--porcelain", "--ignored"), git(project, "ls-files", "--stage")


# What it does


def test_every_script_keeps_its_bytes_and_its_mode_and_is_staged_as_renamed(project: Path) -> None:
    before, index = contents(project), git(project, "ls-files", "--stage", PLACE)
    ran = imported(project)
    assert (ran.returncode, ran.stderr) == (0, "")
    after = contents(project)
    assert after.pop("versions.json")[0].decode() == VERSIONS
    assert after == {NAMES.get(name, name): content for name, content in before.items()}
    staged = {line.split("\t")[1]: line.split("\t")[0] for line in index.splitlines()}
    renamed = {f"{PLACE}/{NAMES.get(Path(name).name, Path(name).name)}": about for name, about in staged.items()}
    now = {line.split("\t")[1]: line.split("\t")[0] for line in git(project, "ls-files", "-s", PLACE).splitlines()}
    del now[f"{PLACE}/versions.json"]
    assert now == renamed
    told = {line[0] for line in git(project, "status", "--porcelain").splitlines()}
    assert told <= {"R", "A", "D"}, "nothing is left that is not staged"
    assert git(project, "diff") == ""


def test_the_plan_and_what_names_old_files_are_told(project: Path) -> None:
    (project / "test_shop.py").write_text("\nload('versions.002_placeholder')\n")
    (project / "not_known.py").write_text("001_users\n")
    git(project, "add", "test_shop.py")
    (project / PLACE / "006_json.py").write_text(SCRIPTS["006_json.py"] + "# see 005_default_upgrade.sql\n")
    git(project, "add", PLACE)
    git(project, "commit", "--quiet", "-m", "more")
    ran = imported(project)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == f"{PLACE}: 10 scripts, 6 numbers from 1 to 6"
    assert lines[1:11] == [f"  {old} -> {NAMES[old]}" for old in sorted(NAMES)]
    assert lines[11:15] == [
        "Done, and staged: git diff --cached --find-renames shows it.",
        "These lines name a script as it was called (2):",
        f"  {PLACE}/json.py:8: 005_default_upgrade.sql is unnamed_default_upgrade.sql",
        "  test_shop.py:2: 002_placeholder.py is placeholder.py",
    ]


def test_a_migrations_own_test_that_is_to_be_renamed_is_told(project: Path) -> None:
    tests = project / PLACE / "tests"
    tests.mkdir()
    for name in ("001_users_test.py", "003_placeholder_test.py"):
        (tests / name).write_text("")
    committed(project)
    done = imported(project)
    assert f"{PLACE}/tests/001_users_test.py is to be called {PLACE}/tests/users_test.py" in done.stdout
    assert f"{PLACE}/tests/003_placeholder_test.py is to be called {PLACE}/tests/placeholder_2_test.py" in done.stdout


def test_a_dry_run_tells_the_same_and_does_nothing(project: Path) -> None:
    before = state(project)
    ran = imported(project, "--migrations", "repository", "--dry-run")
    assert ran.returncode == 0
    assert "  002_placeholder.py -> placeholder.py\n" in ran.stdout
    assert "Nothing was done." in ran.stdout
    assert state(project) == before


def test_the_repository_is_the_one_that_migci_toml_names(project: Path) -> None:
    (project / "migci.toml").write_text(SETTINGS.format(python="python"))
    committed(project)
    assert imported(project / "repository", "--dry-run").returncode == 0
    (project / "migci.toml").write_text(SETTINGS.format(python="python").replace("sqlalchemy-migrate", "alembic"))
    ran = imported(project, "--dry-run")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "an import is for sqlalchemy-migrate, and the tool of" in ran.stderr


def test_without_settings_the_repository_is_the_one_that_is_found(project: Path) -> None:
    assert imported(project, "--dry-run").returncode == 0
    shutil.copytree(project / "repository", project / "cells")
    ran = imported(project, "--dry-run")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert f"there are several in {project}: cells, repository" in ran.stderr
    for name in ("cells", "repository"):
        shutil.rmtree(project / name)
    assert f"there is no migrate.cfg in {project}" in imported(project, "--dry-run").stderr


def test_a_folder_of_a_repositorys_folder_is_imported(project: Path) -> None:
    (project / "inner").mkdir()
    git(project, "mv", "repository", "inner/repository")
    git(project, "commit", "--quiet", "-m", "moved")
    ran = imported(project / "inner", "--migrations", "repository/versions")
    assert ran.returncode == 0, ran.stderr
    assert "R  inner/repository/versions/001_users.py -> inner/repository/versions/users.py" in git(
        project, "status", "--porcelain"
    )
    assert git(project, "diff") == ""


def test_without_git_it_only_renames(project: Path) -> None:
    before = contents(project)
    shutil.rmtree(project / ".git")
    ran = imported(project)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Done.\n" in ran.stdout
    after = contents(project)
    assert after.pop("versions.json")[0].decode() == VERSIONS
    assert after == {NAMES.get(name, name): content for name, content in before.items()}


def test_what_was_no_migration_is_told_and_is_none_afterwards_to_whoever_reads_the_folder(project: Path) -> None:
    beside = ["7_short.py", "helper.py"]
    for name in (*beside, "users_test.py"):
        (project / PLACE / name).write_text("")
    committed(project)
    git(project, "checkout", "--quiet", "-b", "patch")
    ran = imported(project)
    assert "no migrations, and left as they are: 7_short.py, helper.py\n" in ran.stdout
    assert [
        name for names in versions_file.read(str(project / PLACE)).values() for name in names if name in beside
    ] == []
    check = [*MIGCI, "versions", "check", "--project", str(project)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("warning MC007: trunk itself: ") == 2
    committed(project)
    git(project, "branch", "--force", "main")
    assert subprocess.run([*check, "main"], capture_output=True).returncode == 0
    (project / PLACE / "mine.py").write_text("")
    assert subprocess.run(check, capture_output=True).returncode == 1


def test_the_folder_that_the_settings_name_is_imported(project: Path) -> None:
    git(project, "mv", PLACE, "scripts")
    settings = SETTINGS.format(python="python") + '[project.versions]\nfolders = ["scripts"]\n'
    (project / "migci.toml").write_text(settings)
    committed(project)
    ran = imported(project, "--dry-run")
    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "scripts: 10 scripts, 6 numbers from 1 to 6")
    (project / "migci.toml").write_text(settings.replace('["scripts"]', '["scripts", "more"]'))
    assert "has several folders: scripts, more" in imported(project, "--dry-run").stderr
    (project / "migci.toml").write_text(settings.replace('"scripts"', '"gone"'))
    assert f"there is no folder {project}/gone" in imported(project, "--dry-run").stderr


def test_from_a_folder_of_the_project_its_repository_is_found(project: Path) -> None:
    (project / "deep").mkdir()
    assert imported(project / "deep", "--dry-run").returncode == 0
    assert imported(project / PLACE, "--dry-run").returncode == 0


def test_gits_own_revert_takes_it_back(project: Path) -> None:
    before = contents(project)
    assert imported(project).returncode == 0
    git(project, "commit", "--quiet", "-m", "names")
    git(project, "revert", "--no-edit", "HEAD")
    assert contents(project) == before


# What it refuses


def _link(project: Path) -> None:
    (project / PLACE / "007_more.py").symlink_to("001_users.py")
    committed(project)


def _unreadable(project: Path) -> None:
    (project / PLACE / "versions.json").write_text("{")
    committed(project)


def _another(project: Path) -> None:
    (project / PLACE / "versions.json").write_text('{"1": ["users.py"]}')
    committed(project)


def _clash(project: Path) -> None:
    (project / PLACE / "users.py").write_text("")
    committed(project)


def _unknown(project: Path) -> None:
    (project / PLACE / "007_a.py").touch()


def _ignored(project: Path) -> None:
    (project / ".git/info/exclude").write_text("007*\n")
    _unknown(project)


def _added(project: Path) -> None:
    _unknown(project)
    git(project, "add", ".")


def _deleted(project: Path) -> None:
    (project / PLACE / "001_users.py").unlink()


def _folder(project: Path) -> None:
    (project / PLACE / "007_a.py").mkdir()


def _no_repository(project: Path) -> None:
    (project / "repository/migrate.cfg").unlink()


def _none(project: Path) -> None:
    for path in (project / PLACE).glob("0*"):
        path.unlink()
    committed(project)


CHANGED = f"{PLACE} has changes that are not committed"

REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link": (_link, f"{PLACE}/007_more.py is no file, but a link or a folder"),
    "a folder": (_folder, f"{PLACE}/007_a.py is no file, but a link or a folder"),
    "a versions.json of somebody's": (_unreadable, f"{PLACE}/versions.json is there already, and cannot be read"),
    "a versions.json of others": (_another, "versions.json is there already, and 002_placeholder.py is not in it"),
    "a name that is taken": (_clash, "001_users.py would be called users.py, and users.py is there already"),
    "a script that git does not know": (_unknown, f"git does not know {PLACE}/007_a.py"),
    "a script that git is told to ignore": (_ignored, f"git does not know {PLACE}/007_a.py"),
    "a script that was added": (_added, f"{CHANGED}: 007_a.py"),
    "a script that was edited": (lambda p: (p / PLACE / "001_users.py").write_text("new"), f"{CHANGED}: 001_users.py"),
    "a script that was deleted": (_deleted, f"git has {PLACE}/001_users.py, and it is not there"),
    "another file that was edited": (
        lambda p: (p / PLACE / "__init__.py").write_text("new"),
        f"{CHANGED}: __init__.py",
    ),
    "no repository": (_no_repository, "is no repository of sqlalchemy-migrate"),
    "no scripts": (_none, f"there is nothing to import in {PLACE}: it has no files such as 001_first.py"),
}


@pytest.mark.parametrize(("damage", "said"), REFUSED.values(), ids=REFUSED)
def test_what_it_does_not_understand_is_refused_and_nothing_is_changed(
    damage: Callable[[Path], object], said: str, project: Path
) -> None:
    damage(project)
    before = state(project)
    ran = imported(project)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert state(project) == before


def test_a_second_import_has_nothing_to_do(project: Path) -> None:
    assert imported(project).returncode == 0
    before = state(project)
    ran = imported(project)
    assert ran.returncode == 2
    assert f"there is nothing to import in {PLACE}: its numbers stand in versions.json already" in ran.stderr
    assert state(project) == before


def test_gits_hooks_and_a_locked_index_do_no_harm(project: Path) -> None:
    hook = project / ".git/hooks/post-index-change"
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    lock = project / ".git/index.lock"
    lock.touch()
    ran = imported(project)
    assert ran.returncode == 3
    assert "git update-index failed" in ran.stderr
    lock.unlink()
    assert imported(project).returncode == 0
    assert git(project, "diff") == ""
    assert not list(project.rglob("ran"))


# What a kill leaves

KILLED = """
import os, signal, sys
from pathlib import Path

left = 0

def count(event, arguments):
    global left
    if event in ("os.link", "os.rename", "os.remove", "subprocess.Popen"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
from migci.adapters.scripts.versions_folder import FolderOnDisk
from migci.versions.importing import carry_out, planned

project = Path(sys.argv[1])
folder = FolderOnDisk(project / "repository/versions", project)
work = planned(folder)
left = int(sys.argv[2])
carry_out(folder, work)
"""


@pytest.mark.parametrize("with_git", [True, False], ids=["in git", "without git"])
def test_killed_at_any_moment_it_leaves_a_whole_history_and_is_carried_on(
    with_git: bool, project: Path, tmp_path: Path
) -> None:
    """At each thing that it does to the disk or asks of git, one process is killed for good."""
    for name in SCRIPTS:
        if name.startswith(("004", "006")):
            (project / PLACE / name).unlink()
    committed(project)
    if not with_git:
        shutil.rmtree(project / ".git")
    whole = shutil.copytree(project, tmp_path / "whole")
    carry_on(whole)
    numbered = contents(project)
    moments = 0
    while _killed(torn := shutil.copytree(project, tmp_path / f"torn-{moments}"), moments + 1):
        moments += 1
        there = contents(torn)
        if "versions.json" in there:
            assert {NAMES.get(name, name) for name in numbered} <= there.keys()
        else:
            assert {name: there[name] for name in numbered} == numbered
        carry_on(torn)
        assert contents(torn) == contents(whole)
        if with_git:
            assert git(torn, "status", "--porcelain") == git(whole, "status", "--porcelain")
            assert git(torn, "ls-files", "--stage") == git(whole, "ls-files", "--stage")
    assert moments >= 5 + 1 + 5 + (4 if with_git else 0)


def _killed(project: Path, moment: int) -> bool:
    """Whether an import was killed at its moment of that number; if it has not so many, it is done."""
    ran = subprocess.run([sys.executable, "-c", KILLED, str(project), str(moment)], capture_output=True, text=True)
    assert ran.returncode in (0, -signal.SIGKILL), ran.stderr
    return ran.returncode != 0


def carry_on(project: Path) -> None:
    """What the command does in a folder where one was killed; there may be nothing left to do."""
    folder = FolderOnDisk(project / PLACE, project)
    if any(is_numbered(name) for name in folder.files() | (folder.tracked() or frozenset())):
        carry_out(folder, planned(folder))


@pytest.mark.parametrize("edited", ["001_users.py", "users.py"])
def test_what_was_interrupted_is_not_carried_on_over_what_somebody_changed(edited: str, project: Path) -> None:
    for old, new in NAMES.items():
        shutil.copy2(project / PLACE / old, project / PLACE / new)
    (project / PLACE / "versions.json").write_text(VERSIONS)
    (project / PLACE / edited).write_text("edited")
    before = state(project)
    ran = imported(project)
    assert ran.returncode == 2
    assert f"{PLACE} has a versions.json already, and 001_users.py is not what it lists as users.py" in ran.stderr
    assert state(project) == before


# Replayed

SETTINGS = """
[project]
name = "shop"
tool = "sqlalchemy-migrate"
migrations = "repository"
trunk = "main"
[project.environment]
python = "{python}"
[server]
flavor = "sqlite"
[datasets.empty]
source = "empty"
contents = "synthetic"
"""


@pytest.fixture
def replayed(project: Path, store: Path) -> Path:
    """The project with settings, its trunk numbered, and the branch patch checked out."""
    (project / "migci.toml").write_text(SETTINGS.format(python=built(OLD, store / "interpreters")))
    (project / ".gitignore").write_text(".migci\n__pycache__\n")
    committed(project)
    git(project, "checkout", "--quiet", "-b", "patch")
    return project


def test_a_patch_that_imports_edits_nothing_and_adds_what_it_adds(replayed: Path) -> None:
    assert imported(replayed, "--migrations", "repository").returncode == 0
    ran = replay(replayed)
    assert ran.status == 0, ran.err
    assert [finding["id"] for finding in ran.findings] == ["MC006"]
    committed(replayed)
    more = replayed / PLACE / "more_users.py"
    more.write_text(SCRIPTS["001_users.py"].replace("users", "more_users"))
    listing = replayed / PLACE / "versions.json"
    listing.write_text(listing.read_text().replace('["json.py"]', '["json.py"],\n  "7": ["more_users.py"]'))
    ran = replay(replayed)
    assert ran.status == 0, ran.err
    assert ran.findings == []
    (dataset,) = ran.report["datasets"]
    steps = dataset["steps"]
    assert [(step["stage"], step["to"], step["file"]) for step in steps][-2:] == [
        ("trunk", "6", f"{PLACE}/006_json.py"),
        ("proposed", "7", f"{PLACE}/more_users.py"),
    ]


def test_a_patch_that_imports_and_edits_is_told_so(replayed: Path) -> None:
    assert imported(replayed, "--migrations", "repository").returncode == 0
    (replayed / PLACE / "users.py").write_text(SCRIPTS["001_users.py"] + "# edited\n")
    ran = replay(replayed)
    assert [finding["id"] for finding in ran.findings] == ["MC001", "MC006"]
    assert ran.findings[0]["file"] == f"{PLACE}/users.py"


def test_a_script_that_is_not_listed_is_none(replayed: Path) -> None:
    shutil.rmtree(replayed / "repository")
    write_named(replayed)
    committed(replayed)
    git(replayed, "branch", "--force", "main")
    (replayed / PLACE / "late.py").write_text(SCRIPTS["001_users.py"].replace("users", "late"))
    ran = replay(replayed)
    assert ran.status == 1
    assert {finding["id"]: finding["file"] for finding in ran.findings}["MC007"] == f"{PLACE}/late.py"


def test_a_versions_json_that_is_broken_is_the_patchs_history_that_cannot_be_read(replayed: Path) -> None:
    assert imported(replayed, "--migrations", "repository").returncode == 0
    listing = replayed / PLACE / "versions.json"
    listing.write_text(listing.read_text().replace('"6"', '"5"'))
    ran = replay(replayed)
    assert ran.status == 1
    assert {(one["id"], one["file"], one["line"]) for one in ran.findings} >= {("MC012", f"{PLACE}/versions.json", 7)}
    (finding,) = [one for one in ran.findings if one["id"] == "MC005"]
    assert f"{PLACE}/versions.json: number 5 is there twice" in finding["message"]
