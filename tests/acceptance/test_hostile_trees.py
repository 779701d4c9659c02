"""Patches whose files mean harm to who reads them: to migci itself, outside of any sandbox."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from migci.demo.shop import build
from tests.acceptance.command import MIGCI, Ran, left, replay

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
