"""Repositories with branches that compete for a place, as real git makes them: what tests of repairs have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SETTINGS_OF_NOBODY = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    **{f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}
MIGCI = (sys.executable, "-m", "migci")

CFG = "[db_settings]\nrepository_id = shop\nversion_table = migrate_version\nrequired_dbs = []\n"
NUMBERED = "repository/versions"
ALEMBIC = "migrations/versions"
ORDER = f"{NUMBERED}/versions.json"
IDS = f"{ALEMBIC}/versions.json"


class Checkout:
    """A repository on the branch main."""

    def __init__(self, top: Path) -> None:
        self.top = top
        top.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, status: int | None = 0) -> str:
        """What git says; `status` is how it has to end, `None` for any way."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.top,
            env={**os.environ, **SETTINGS_OF_NOBODY},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert status is None or done.returncode == status, done.stdout
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: Mapping[str, str | bytes] | None = None) -> str:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, at: str = "main") -> None:
        self.git("checkout", "--quiet", "-b", name, at)

    def migci(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """What the command says; its status has to be `status`."""
        done = subprocess.run(
            [*MIGCI, "versions", *arguments],
            cwd=self.top,
            env={**os.environ, **SETTINGS_OF_NOBODY, "COLUMNS": "200", **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert "Traceback" not in done.stdout, done.stdout
        assert done.returncode == status, done.stdout
        return done.stdout

    def use_driver(self) -> None:
        """The two lines of set-up."""
        program = " ".join(MIGCI)
        self.write({".gitattributes": "versions.json merge=migci-versions\n"})
        self.git("config", "merge.migci-versions.driver", f"{program} versions merge-driver -- %O %A %B %P")

    def text(self, name: str) -> str:
        return (self.top / name).read_text()

    def state(self) -> dict[str, bytes]:
        """All files, by their paths, and git's index of them."""
        found = {
            path.relative_to(self.top).as_posix(): path.read_bytes()
            for path in sorted(self.top.rglob("*"))
            if path.is_file() and ".git" not in path.relative_to(self.top).parts
        }
        return {**found, "the index": self.git("ls-files", "--stage").encode()}

    def numbers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads(self.text(f"{NUMBERED}/versions.json"))
        return found


def listed(names: Sequence[str], first: int = 1) -> str:
    """A versions.json with these names, numbered on."""
    lines = [f'  "{number}": ["{name}.py"]' for number, name in enumerate(names, first)]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def script(name: str) -> str:
    """A script of sqlalchemy-migrate."""
    return f"def upgrade(engine):\n    engine.execute('CREATE TABLE {name} (id INTEGER)')\n"


def by_list(names: Sequence[str], new: Sequence[str] | None = None) -> dict[str, str]:
    """versions.json with all of `names`, and the scripts of `new`, or of all."""
    scripts = {f"{NUMBERED}/{name}.py": script(name) for name in (names if new is None else new)}
    return {**scripts, f"{NUMBERED}/versions.json": listed(names), "repository/migrate.cfg": CFG}


def numbered(names: Sequence[str], first: int = 1) -> dict[str, str]:
    """Scripts whose numbers stand in their names."""
    scripts = {f"{NUMBERED}/{number:03}_{name}.py": script(name) for number, name in enumerate(names, first)}
    return {**scripts, "repository/migrate.cfg": CFG}


def revision(id: str, parent: str | None) -> dict[str, str]:
    """A script of alembic, as its own template writes it."""
    text = f'''"""the migration {id}

Revision ID: {id}
Revises: {parent or ""}
Create Date: 2024-01-01

"""
from alembic import op

# revision identifiers, used by Alembic.
revision = "{id}"
down_revision = {f'"{parent}"' if parent else None}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE {id} (id INTEGER)")


def downgrade() -> None:
    op.execute("DROP TABLE {id}")
'''
    return {f"{ALEMBIC}/{id}.py": text}


def revisions(ids: Sequence[str], parent: str | None = None) -> dict[str, str]:
    """A chain of them, the first one behind `parent`."""
    found: dict[str, str] = {}
    for id in ids:
        found |= revision(id, parent)
        parent = id
    return found


def ids(order: Sequence[str]) -> str:
    """A versions.json of alembic's revisions."""
    return "[\n" + ",\n".join(f'  "{id}"' for id in order) + "\n]\n"


def alembic_listed(order: Sequence[str], parent: str | None = None) -> dict[str, str]:
    """A chain of revisions with its versions.json."""
    return {**revisions(order, parent), IDS: ids(order)}


ALEMBIC_PROJECT = {
    "alembic.ini": "[alembic]\nscript_location = migrations\n",
    "migrations/env.py": "",
}
