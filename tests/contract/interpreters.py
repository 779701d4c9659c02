"""Interpreters as projects have them: a new one with today's packages, an old one with those of its time."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import uv

OLDEST = (3, 8)
"""The agent's own limit is 3.7; no interpreter older than this one is looked for."""


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine and what is installed into an environment of it."""

    python: Path
    version: str
    packages: tuple[str, ...]


def _found() -> dict[tuple[int, ...], Path]:
    """This machine's interpreters by their version: pyenv's, and the one that runs the tests."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {tuple(sys.version_info[:3]): Path(sys.executable)}
    for python in root.glob("versions/*/bin/python"):
        numbers = python.parents[1].name.split(".")
        if all(number.isdigit() for number in numbers):
            found[tuple(map(int, numbers))] = python
    return {version: python for version, python in found.items() if version >= OLDEST}


def _interpreter(version: tuple[int, ...], *packages: str) -> Interpreter:
    return Interpreter(_found()[version], ".".join(map(str, version)), packages)


NEW = _interpreter(max(_found()), "SQLAlchemy>=2", "alembic", "PyMySQL")
OLD = _interpreter(
    min(_found()), "SQLAlchemy==1.4.54", "sqlalchemy-migrate==0.13.0", "alembic<=1.19.2", "setuptools<81", "PyMySQL"
)


def built(interpreter: Interpreter, folder: Path) -> Path:
    """The interpreter of an environment with these packages, in `folder`; built if it is not there."""
    packages = hashlib.sha256(" ".join(interpreter.packages).encode()).hexdigest()[:8]
    environment = folder / f"python-{interpreter.version}-{packages}"
    python = environment / "bin" / "python"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (environment / "complete").exists():
            program = uv.find_uv_bin()
            for command in (
                [program, "venv", "--quiet", "--clear", "--python", str(interpreter.python), str(environment)],
                [program, "pip", "install", "--quiet", "--python", str(python), *interpreter.packages],
            ):
                subprocess.run(command, check=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
            (environment / "complete").touch()
    return python
