"""Patches whose files mean harm to who reads them: to migci itself, outside of any sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from migci.adapters.servers.mariadb import MARIADB
from migci.demo.shop import build
from tests.acceptance.command import MIGCI, Ran, check_versions, demand, left, replay

VERSIONS = "migrations/versions"
LAST = f"{VERSIONS}/0010_orders_by_status.py"

EMPTY = '''"""Does nothing"""

revision = {id}
down_revision = "0010"


def upgrade():
    pass
'''

BOUNDED = ("prlimit", "--data=5000000000", "--")
"""Begins a command that shall not take the machine with it."""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    build(tmp_path / "shop", flavor="sqlite")
    return tmp_path / "shop"


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def git(shop: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(shop), *words], check=True, capture_output=True)


def unreadable(ran: Ran, store: Path) -> str:
    """What is said of a patch whose history cannot be read: that it is to blame."""
    assert ran.status == 1, ran.err
    (found,) = (one for one in ran.findings if one["id"] == "MC005")
    assert {one["id"] for one in ran.findings} <= {"MC005", "MC013"}  # the second by what the files show
    assert left(store, ran.pid) == []
    return str(found["message"])


@pytest.mark.timeout(60)
@pytest.mark.parametrize("target", ["/etc/shadow", "/dev/zero", "/proc/kmsg", "PIPE"])
def test_an_ini_file_that_leads_elsewhere_is_none(shop: Path, store: Path, pipe: Path, target: str) -> None:
    (shop / "alembic.ini").unlink()
    (shop / "alembic.ini").symlink_to(target.replace("PIPE", str(pipe)))
    assert "No config file" in unreadable(replay(shop, "empty", start=BOUNDED), store)


def test_a_migration_that_is_a_file_of_the_machine_is_none(shop: Path, store: Path) -> None:
    (shop / VERSIONS / "0011_of_the_machine.py").symlink_to("/etc/shadow")
    assert "makes no sense" in unreadable(replay(shop, "empty"), store)


def test_links_in_a_circle_are_the_patch_s(shop: Path, store: Path) -> None:
    (shop / "migrations" / "circle").symlink_to("circle")
    assert "makes no sense" in unreadable(replay(shop, "empty"), store)


def test_a_revision_that_nobody_can_write_is_the_patch_s(shop: Path, store: Path) -> None:
    (shop / VERSIONS / "0011_half_a_character.py").write_text(EMPTY.format(id='"0011\\udcff"'))
    assert "makes no sense" in unreadable(replay(shop, "empty"), store)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("target", ["/proc/kmsg", "PIPE", "/etc/shadow"])
def test_a_module_that_leads_elsewhere_is_not_read(shop: Path, store: Path, pipe: Path, target: str) -> None:
    """It is imported where its migration never comes, so migci alone would read it."""
    (shop / "elsewhere.py").symlink_to(target.replace("PIPE", str(pipe)))
    (shop / LAST).write_text((shop / LAST).read_text() + "\n\ndef downgrade():\n    import elsewhere\n")
    ran = replay(shop, "empty", start=BOUNDED)
    assert ran.status == 0, ran.err
    assert left(store, ran.pid) == []


@pytest.mark.timeout(60)
@pytest.mark.parametrize("target", ["/dev/zero", "PIPE"])
def test_settings_that_lead_elsewhere_are_none(shop: Path, pipe: Path, target: str) -> None:
    (shop / "migci.toml").unlink()
    (shop / "migci.toml").symlink_to(target.replace("PIPE", str(pipe)))
    ran = replay(shop, start=BOUNDED)
    assert (ran.status, ran.out) == (2, "")
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("place", [".migci", ".migci/runs", ".migci/.gitignore"])
def test_results_are_not_written_through_a_link(shop: Path, tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    if place != ".migci/.gitignore":
        elsewhere.mkdir()
    (shop / place).parent.mkdir(exist_ok=True)
    (shop / place).symlink_to(elsewhere)
    done = subprocess.run([*MIGCI, "replay", "empty", "--project", str(shop)], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "is not what migci makes there" in done.stderr
    assert not elsewhere.exists() or list(elsewhere.iterdir()) == []


def test_a_folder_that_looks_like_a_repository_is_none(shop: Path, tmp_path: Path) -> None:
    inner = shop / "inner"
    inner.mkdir()
    for path in shop.iterdir():
        if path.name not in (".git", "inner", "data"):
            path.rename(inner / path.name)
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "It lies in a folder")
    git(shop, "branch", "--force", "main")
    ran_outside = tmp_path / "ran-outside"
    for name in ("objects", "refs"):
        (inner / name).mkdir()
    (inner / "HEAD").write_text("ref: refs/heads/main\n")
    (inner / "config").write_text(
        f'[core]\nbare = false\nworktree = ..\nfsmonitor = "touch {ran_outside}"\n'
        f'[filter "evil"]\nclean = "touch {ran_outside}; cat"\n'
    )
    (inner / ".gitattributes").write_text("* filter=evil\n")
    ran = replay(inner, "empty")
    assert ran.status == 2
    assert "is not in a git repository that can be read" in ran.err
    assert not ran_outside.exists()


@pytest.mark.parametrize("sandbox", ["bubblewrap", "none"])
def test_a_server_that_the_patch_brings_reaches_nothing(tmp_path: Path, store: Path, sandbox: str) -> None:
    """Without a sandbox each of its programs does what it wants, so these do try."""
    demand("mariadb")
    shop, outside = tmp_path / "shop", tmp_path / "outside"
    build(shop, flavor="mariadb")
    outside.mkdir(mode=0o777)
    (shop / "tools" / "bin").mkdir(parents=True)
    for name in ("mariadbd", "mariadb", "mariadb-install-db"):
        real = MARIADB.program(name)
        program = shop / "tools" / "bin" / name
        program.write_text(f'#!/bin/sh\n(: >{outside}/{name}) 2>/dev/null\nexec {real} "$@"\n')
        program.chmod(0o755)
    settings = (shop / "migci.toml").read_text()
    options = f'"--table-open-cache={1000 + len(sandbox)}"'  # with which nothing is ready yet
    settings = settings.replace("options = [", f'programs = "tools/bin"\noptions = [{options}, ')
    settings += '[datasets.ours]\nsource = "ours.sql"\nrevision = "0008"\ncontents = "real"\n'
    (shop / "migci.toml").write_text(settings)
    for script in (shop / VERSIONS).glob("*"):
        if script.name >= "0009":
            script.unlink()
    (shop / "ours.sql").write_text(f"CREATE TABLE ours (name TEXT);\nINSERT INTO ours VALUES ('{sandbox}');\n")
    ran = replay(shop, "ours", MIGCI_SANDBOX=sandbox)
    assert ran.status == 0, ran.err
    done = sorted(path.name for path in outside.iterdir())
    assert done == ([] if sandbox == "bubblewrap" else ["mariadb", "mariadb-install-db", "mariadbd"])
    assert left(store, ran.pid) == []


@pytest.mark.parametrize("hidden", ["sys._getframe().f_globals.update(", "__builtins__['globals']().update("])
def test_an_order_that_only_who_runs_the_scripts_can_see_is_told(shop: Path, store: Path, hidden: str) -> None:
    """It would never run on a database that is at trunk's newest, which is what a replay is there to find."""
    for id, parent, really in (("0007b", "0008", "0007"), ("0008", "0007", "0007b")):
        path = next((shop / VERSIONS).glob(f"{id}_*"), shop / VERSIONS / f"{id}_hidden.py")
        text = path.read_text() if path.exists() else EMPTY.format(id=f'"{id}"').replace('"0010"', f'"{parent}"')
        path.write_text(f"{text}\n\nimport sys\n\n{hidden}down_revision='{really}')\n")
    for script in (shop / VERSIONS).glob("00*"):
        if script.name >= "0009":
            script.unlink()
    ran = replay(shop, "empty")
    assert ran.status == 1, ran.err
    assert "MC003" in {one["id"] for one in ran.findings}
    assert left(store, ran.pid) == []


def test_a_second_head_is_told_where_trunk_has_a_script_that_cannot_be_read(tmp_path: Path, store: Path) -> None:
    shop = tmp_path / "shop"
    build(shop, flavor="sqlite", trait="second-head")
    git(shop, "checkout", "--quiet", "main")
    (script,) = (shop / VERSIONS).glob("0004_*")
    script.write_text(script.read_text().replace('down_revision = "0003"', 'down_revision = f"{3:04}"'))
    git(shop, "commit", "--quiet", "--all", "--message", "What nobody can read")
    git(shop, "checkout", "--quiet", "patch")
    git(shop, "merge", "--quiet", "--no-edit", "main")
    checked = check_versions(shop)
    assert (checked.status, "MC008" in checked.out) == (1, True)
    shutil.rmtree(checked.results)
    ran = replay(shop, "empty")
    assert ran.status == 1, ran.err
    assert "MC008" in {one["id"] for one in ran.findings}
