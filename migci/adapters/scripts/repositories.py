"""Which reader a migration repository needs: by its tool, or by what is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath

from migci.adapters.scripts.alembic import AlembicScripts
from migci.adapters.scripts.numbered import NumberedScripts
from migci.adapters.scripts.trees import normal
from migci.adapters.scripts.versions_json import FILE_NAME
from migci.errors import UsageError
from migci.ports import EntryKind, Files, NoMigrations, ScriptReader

READERS: dict[str, Callable[[str, tuple[str, ...]], tuple[ScriptReader, ...]]] = {
    "alembic": lambda migrations, folders: (AlembicScripts(migrations, folders),),
    "sqlalchemy-migrate": lambda migrations, folders: tuple(
        NumberedScripts(folder) for folder in folders or (f"{migrations}/versions",)
    ),
    "command": lambda migrations, folders: (),
}
"""By what `[project] tool` says, with its `migrations` and the `folders` of `[project.versions]`.

There is none for a command: how it reads its files is not known.
"""


_FIRST_SIGN = re.compile(rb"[{\[]")


def reader_of(files: Files, path: str) -> ScriptReader:
    """The reader of the repository at `path`: an ini file, a folder with migrate.cfg, or the scripts' own folder.

    Raises NoMigrations when nothing is there, UsageError when it is nothing of these.
    """
    path = normal(path)
    kind = files.kind(path)
    if kind is None:
        raise NoMigrations(f"{files.name} has no {path}", hint="it is relative to the project's root")
    if kind is EntryKind.FILE:
        return AlembicScripts(path)
    if files.kind(f"{path}/migrate.cfg") is not None:
        return NumberedScripts(f"{path}/versions")
    if files.kind(f"{path}/env.py") is not None:
        return AlembicScripts("", (f"{path}/versions",))
    names = [PurePosixPath(entry.path).name for entry in files.entries(path)]
    numbers = sum(re.match(r"\d{3,}", name) is not None for name in names)
    scripts = [name for name in names if name.endswith((".py", ".sql")) and name != "__init__.py"]
    if FILE_NAME in names:
        (content,) = files.read([f"{path}/{FILE_NAME}"])
        begins = _FIRST_SIGN.search(content or b"")  # a conflict's marks may stand before it
        if begins is not None and begins[0] == b"{":
            return NumberedScripts(path)
    if scripts and files.kind(f"{PurePosixPath(path).parent.as_posix()}/migrate.cfg") is not None:
        return NumberedScripts(path)
    if scripts and files.kind(f"{PurePosixPath(path).parent.as_posix()}/env.py") is not None:
        return AlembicScripts("", (path,))
    if not scripts:
        raise UsageError(
            f"{path} holds no migrations",
            hint="name alembic's ini file, the folder with migrate.cfg, or the folder of the scripts",
        )
    return NumberedScripts(path) if 2 * numbers >= len(scripts) else AlembicScripts("", (path,))
