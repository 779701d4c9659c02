"""Looks at a project's folder and guesses the settings that `migci init` writes."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from migci.errors import UsageError

_SKIPPED = {".git", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", "site-packages"}
_TOOL_ALEMBIC = re.compile(rb"^\[tool\.alembic\]", re.MULTILINE)
_INTERPRETERS = (".venv/bin/python", "venv/bin/python", "env/bin/python")


@dataclass(frozen=True)
class Detected:
    """What a project seems to be. `found` lists every migration repository; the first is the one that is meant.

    `sqlite` is whether alembic's own settings name a database of that kind.
    """

    name: str
    tool: str
    migrations: str
    found: tuple[str, ...]
    python: str | None
    requirements: tuple[str, ...]
    sqlite: bool = False


def detect(project: Path) -> Detected:
    """Raises UsageError when there is neither an alembic.ini nor a migrate.cfg."""
    found = repositories(project)
    if not found:
        raise UsageError(
            f"there is no alembic.ini and no migrate.cfg in {project}",
            hint='go to the project\'s root, or write migci.toml by hand with tool = "command"',
        )
    tool, migrations = found[0]
    python = next((name for name in _INTERPRETERS if os.access(project / name, os.X_OK)), None)
    return Detected(
        name=re.sub(r"[^A-Za-z0-9._-]+", "-", project.name) or "project",
        tool=tool,
        migrations=migrations,
        found=tuple(path for _, path in found),
        python=python,
        requirements=() if python else _requirements(project, tool),
        sqlite=tool == "alembic" and _speaks_to_sqlite(project / migrations),
    )


def repositories(project: Path) -> list[tuple[str, str]]:
    """Each migration repository in `project`, as its tool and what `migrations` would be; the nearest first."""
    return _nearest_first(_repositories(project))


def home_of_migrations(folder: Path) -> Path:
    """`folder`, or the nearest above it that has migrations; no higher than the top of the git checkout it is in."""
    above = (folder, *folder.parents)
    top = next((place for place, one in enumerate(above) if (one / ".git").exists()), 0)
    return next((one for one in above[: top + 1] if repositories(one) or _has_tool_alembic(one)), folder)


def says_tool_alembic(pyproject: bytes) -> bool:
    """Whether a pyproject.toml has alembic's settings in it."""
    return _TOOL_ALEMBIC.search(pyproject) is not None


def repositories_of(files: Iterable[str], text_of: Callable[[str], str]) -> list[tuple[str, str]]:
    """As `repositories`, of a tree that need not lie on disk: all its `files`, and what the text of one is."""
    files = tuple(files)
    holding = {above.as_posix() for file in files for above in PurePosixPath(file).parents}
    found: list[tuple[str, str]] = []
    for path in files:
        folder, _, name = path.rpartition("/")
        if _SKIPPED & set(folder.split("/")):
            continue
        if name == "alembic.ini" and _says(text_of(path), "alembic"):
            found.append(("alembic", path))
        elif name == "migrate.cfg" and f"{folder}/versions".lstrip("/") in holding:
            found.append(("sqlalchemy-migrate", folder or "."))
    return _nearest_first(found)


def _nearest_first(found: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(found, key=lambda one: (one[1].count("/"), one[1]))


def _repositories(project: Path) -> Iterator[tuple[str, str]]:
    for folder, folders, files in os.walk(project):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        here = Path(folder)
        if "alembic.ini" in files and _has_section(here / "alembic.ini", "alembic"):
            yield "alembic", (here / "alembic.ini").relative_to(project).as_posix()
        if "migrate.cfg" in files and (here / "versions").is_dir():
            yield "sqlalchemy-migrate", here.relative_to(project).as_posix()


def _has_tool_alembic(folder: Path) -> bool:
    try:
        return says_tool_alembic((folder / "pyproject.toml").read_bytes())
    except OSError:
        return False


def _has_section(path: Path, section: str) -> bool:
    try:
        return _says(path.read_text(encoding="utf-8"), section)
    except (OSError, UnicodeDecodeError):
        return False


def _says(text: str, section: str) -> bool:
    file = configparser.RawConfigParser(strict=False)
    try:
        file.read_string(text)
    except configparser.Error:
        return False
    return file.has_section(section)


def _speaks_to_sqlite(ini: Path) -> bool:
    file = configparser.RawConfigParser(strict=False)
    try:
        file.read_string(ini.read_text(encoding="utf-8"))
        url = file.get("alembic", "sqlalchemy.url", fallback="")
    except (OSError, UnicodeDecodeError, configparser.Error):
        return False
    return re.match(r"\s*sqlite[+:]", url) is not None


def _requirements(project: Path, tool: str) -> tuple[str, ...]:
    """pip's arguments for an environment that has the project's packages, its tool and a driver."""
    found: tuple[str, ...] = ()
    if (project / "requirements.txt").is_file():
        found = ("-r", "requirements.txt")
    elif (project / "pyproject.toml").is_file() or (project / "setup.py").is_file():
        found = (".",)
    return (*found, tool, "PyMySQL")
