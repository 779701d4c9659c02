"""The interpreters that projects' migrations run in: the project's own, or one built from its requirements."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from migci.adapters import package_index
from migci.adapters.build import Builder
from migci.adapters.instances import Instance, delete, held_lock
from migci.adapters.log import Log
from migci.adapters.requirements import Plan, planned
from migci.adapters.sandboxes.confinement import Limits, Sandbox, View, environment
from migci.adapters.sandboxes.interpreters import seen_by
from migci.errors import UsageError
from migci.ports import EnvironmentFailed, Tree


@dataclass(frozen=True)
class EnvironmentSettings:
    """`python` is an interpreter, relative to the project; `requirements` are pip's arguments.

    With both, `python` is what the environment is built on.
    """

    python: str | None = None
    requirements: tuple[str, ...] = ()


@dataclass(frozen=True)
class Interpreter:
    """An interpreter, and what must be seen of the machine for it to run.

    `built` stands for all that it was built from; `None` if it was not built here, and may change.
    """

    python: Path
    view: View
    built: str | None = None


class Environments:
    """Finds or builds the interpreter for a tree. What is built is kept in the store, by all that it is made of.

    Whoever is built from the same things has the same environment, so nothing else can be seen while it is built; it
    is never written to again.
    """

    def __init__(
        self,
        settings: EnvironmentSettings,
        project: Path,
        store: Path,
        sandbox: Sandbox,
        limits: Limits,
        instance: Instance,
        log: Log,
        build_seconds: float = 1800.0,
    ) -> None:
        self._settings = settings
        self._project = project
        self._folder = store / "environments"
        self._sandbox = sandbox
        self._limits = limits
        self._instance = instance
        self._log = log
        self._build_seconds = build_seconds
        self._versions: dict[Path, str] = {}

    def interpreter(self, tree: Tree) -> Interpreter:
        """The interpreter for `tree`.

        Raises UsageError when there is none where the settings say, EnvironmentFailed when it cannot be built, and
        DiskFull.
        """
        base = self._base()
        if not self._settings.requirements:
            return Interpreter(base, seen_by(base))
        # An environment's own files may be the tree's, and what it is made on is what counts.
        base = base.resolve()
        if self._settings.python is not None and base.is_relative_to(self._project.resolve()):
            raise UsageError(
                f"[project.environment] python: {base} is a file of the project, and environments are built on it",
                hint="name an interpreter of the machine, or leave requirements out",
            )
        plan = planned(tree, self._settings.requirements)
        digest = plan.digest(str(base), self._version_of(base), *package_index.named(os.environ))
        environment, complete = self._folder / digest, self._folder / f"{digest}.complete"
        if not complete.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._folder / f"{digest}.lock"):
                if not complete.exists():
                    self._build(environment, base, plan)
                    complete.touch()
        # What was built may say of itself what it wants: what it is made on is known from here.
        on = seen_by(base)
        return Interpreter(environment / "bin" / "python", replace(on, read=(*on.read, environment)), digest)

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

    def _version_of(self, base: Path) -> str:
        """What `base` says that it is; asked once for all."""
        if base not in self._versions:
            self._versions[base] = self._version(base)
        return self._versions[base]

    def _version(self, base: Path) -> str:
        view = replace(seen_by(base), limits=self._limits)
        with self._sandbox.confined(view, self._instance.folder / "version") as room:
            done = subprocess.run(
                room.command([str(base), "-I", "-S", "-c", "import sys; print(sys.version, sys.prefix)"]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                pass_fds=room.descriptors,
                env=environment(base, room.home, {}, self._instance.id),
            )
        if done.returncode:
            raise EnvironmentFailed(
                f"cannot run the project's interpreter {base}: {done.stderr.strip() or room.told(done.returncode)}",
                hint="see [project.environment] in migci.toml",
            )
        return done.stdout

    def _build(self, environment: Path, base: Path, plan: Plan) -> None:
        self._log.heading("building the project's environment")
        self._sweep()
        delete(environment)
        environment.mkdir()
        work = self._instance.folder / "environment"
        delete(work)
        try:
            source = plan.laid_out(work)
            builder = Builder(self._sandbox, self._limits, self._instance, self._log, self._build_seconds)
            builder.build(base, self._settings.requirements, environment, source, work)
        except EnvironmentFailed as error:
            delete(environment)
            raise EnvironmentFailed(
                f"the project's environment cannot be built at {plan.tree.commit.ref}: {error.message}",
                hint=error.hint or "what uv said is in log.txt; see requirements in [project.environment]",
            ) from error
        except BaseException:
            delete(environment)
            raise
        finally:
            delete(work)

    def _sweep(self) -> None:
        """Delete what builds left that were killed."""
        for lock in self._folder.glob("*.lock"):
            if lock.with_suffix("").exists() and not lock.with_suffix(".complete").exists():
                with held_lock(lock) as ours:
                    if ours and not lock.with_suffix(".complete").exists():
                        delete(lock.with_suffix(""))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
