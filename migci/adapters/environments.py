"""The interpreters that projects' migrations run in: the project's own, or one built from its requirements."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uv

from migci.adapters.instances import MARKER, bound
from migci.adapters.log import Log
from migci.errors import UsageError
from migci.ports import EnvironmentFailed, Tree


@dataclass(frozen=True)
class EnvironmentSettings:
    """`python` is an interpreter, relative to the project; `requirements` are pip's arguments.

    With both, `python` is what the environment is built on.
    """

    python: str | None = None
    requirements: tuple[str, ...] = ()


_LONGEST_REASON = 500
_ORNAMENTS = " │╰─▶\N{MULTIPLICATION SIGN}"


class Environments:
    """Finds or builds the interpreter for a tree. What is built is kept in the store, by all that it is made of."""

    def __init__(self, settings: EnvironmentSettings, project: Path, store: Path, log: Log, mark: str) -> None:
        self._settings = settings
        self._project = project
        self._folder = store / "environments"
        self._log = log
        self._mark = mark

    def python(self, tree: Tree) -> Path:
        """The interpreter for `tree`.

        Raises UsageError when there is none where the settings say, and EnvironmentFailed when it cannot be built.
        """
        base = self._base()
        if not self._settings.requirements:
            return base
        digest = self._digest(tree, base)
        environment = self._folder / digest
        python = environment / "bin" / "python"
        complete = environment / "complete"
        if complete.exists():
            return python
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(self._folder / f"{digest}.lock"):
            if not complete.exists():
                self._build(environment, base, tree)
                complete.touch()
        return python

    def _base(self) -> Path:
        if self._settings.python is None:
            if self._settings.requirements:
                return Path(sys.executable)
            raise UsageError(
                "migci.toml does not say which interpreter has the project's migration tool",
                hint='add [project.environment] with python = ".venv/bin/python", '
                'or with requirements = ["-r", "requirements.txt"]',
            )
        python = (self._project / Path(self._settings.python).expanduser()).absolute()
        found = shutil.which(self._settings.python)
        if "/" not in self._settings.python and found:
            python = Path(found)
        if not os.access(python, os.X_OK):
            raise UsageError(
                f"[project.environment] python: there is no interpreter at {python}",
                hint="create it, or name requirements to have one built",
            )
        return python

    def _digest(self, tree: Tree, base: Path) -> str:
        """What the environment is made of, as a name for it."""
        version = subprocess.run(
            [base, "-c", "import sys; print(sys.version, sys.prefix)"], capture_output=True, check=False
        ).stdout
        digest = hashlib.sha256(version)
        for argument in self._settings.requirements:
            digest.update(argument.encode() + b"\0")
        for file in _files(tree.project, self._settings.requirements):
            digest.update(file.read_bytes() + b"\0")
        if any(_is_local(tree.project, argument) for argument in self._settings.requirements):
            digest.update(tree.commit.id.encode())
        return digest.hexdigest()[:24]

    def _build(self, environment: Path, base: Path, tree: Tree) -> None:
        self._log.heading("building the project's environment")
        shutil.rmtree(environment, ignore_errors=True)
        program = uv.find_uv_bin()
        variables = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": "", MARKER: self._mark}
        for arguments in (
            [program, "venv", "--no-project", "--seed", "--python", str(base), str(environment)],
            [
                program,
                "pip",
                "install",
                "--python",
                str(environment / "bin" / "python"),
                "--compile-bytecode",
                *self._settings.requirements,
            ],
        ):
            try:
                done = subprocess.run(
                    bound(arguments),
                    cwd=tree.project,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise EnvironmentFailed(f"cannot run uv: {error}") from error
            self._log.write(done.stdout)
            if done.returncode:
                shutil.rmtree(environment, ignore_errors=True)
                said = [line.strip(_ORNAMENTS) for line in done.stdout.decode(errors="replace").splitlines()]
                begins = next((at for at, line in enumerate(said) if line.startswith("error:")), 0)
                why = " ".join(line for line in said[begins:] if line)[:_LONGEST_REASON]
                raise EnvironmentFailed(
                    f"the project's environment cannot be built at {tree.commit.ref}: {why}",
                    hint="what uv said is in log.txt; see requirements in [project.environment]",
                )


def _files(project: Path, arguments: tuple[str, ...]) -> Iterator[Path]:
    """The requirement and constraint files that `arguments` name, and those that these include."""
    wanted = [
        project / following
        for argument, following in itertools.pairwise(arguments)
        if argument in ("-r", "-c", "--requirement", "--constraint")
    ]
    known: set[Path] = set()
    while wanted:
        file = wanted.pop()
        if not file.is_file():
            raise UsageError(
                f"[project.environment] requirements: there is no file {file.name} in the project's tree",
                hint="it must be committed, relative to the project's root",
            )
        if file not in known:
            known.add(file)
            yield file
            text = file.read_text(encoding="utf-8", errors="replace")
            included = re.findall(r"^\s*(?:-r|-c|--requirement|--constraint)[ =]\s*(\S+)", text, re.MULTILINE)
            wanted.extend(file.parent / name for name in included)


def _is_local(project: Path, argument: str) -> bool:
    return argument in ("-e", "--editable") or argument.startswith(".") or (project / argument).is_dir()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
