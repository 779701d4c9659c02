"""One migration tool, whichever, driven through the agent."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from migci.adapters import agent as agents
from migci.adapters.environments import Environments
from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.markup import MODELS_AGENT
from migci.adapters.sandboxes.confinement import Limits, Sandbox, View
from migci.adapters.tools.histories import Histories
from migci.adapters.tools.imports import Imports
from migci.adapters.tools.process import AgentGone, AgentLate, AgentProcess, agent_process
from migci.core.finding import silences
from migci.core.history import History, Revision
from migci.core.own_tests import Class, OwnTest, Places, names_of, of_class, said
from migci.core.run import Part
from migci.core.snapshot import digest
from migci.core.step import Cause, StepError
from migci.errors import UsageError
from migci.ports import (
    Address,
    AgentStatement,
    Attempt,
    EnvironmentFailed,
    HistoryFailed,
    HookFailed,
    OwnTestsFailed,
    ToolSession,
    Tree,
    VersionTable,
)

_SPEAKING = ("alembic", "migrate", "sqlalchemy", "pymysql", "MySQLdb", "oslo_db")
"""The packages whose words stand in the log of every migration."""
_LONGEST_MESSAGE = 10_000
_MOST_STATEMENTS = 10_000
_MOST = 1 << 53
"""What is counted stays far below it; a figure beyond is made up, and may be one that nobody can write."""
_HOOK_SECONDS = 86_400.0
_MOST_DIFFERENCES = 1000
_LONGEST_TEST_BYTES = 1 << 20
_LOG_HINT = "what it printed is in log.txt"


class Kind(Protocol):
    """What is particular to one tool, on this side of the channel."""

    @property
    def name(self) -> str: ...

    def spec(self) -> dict[str, Any]:
        """What its part of the agent wants to know; see `migci/adapters/agent`."""

    def version_table(self, tree: Tree) -> VersionTable | None: ...


@dataclass(frozen=True)
class Surroundings:
    """How a clone's address reaches the project's code.

    In the values of `variables` and the texts of `files`, `{url}` stands for the clone's SQLAlchemy URL and `{files}`
    for the folder that `files` are written to. `paths` are put first on the path for imports, relative to the project.
    `visible` are files and folders of this machine that the project's code may read.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = (".", "src")
    visible: tuple[Path, ...] = ()


class AgentTool:
    """A `MigrationTool` whose work is done by the agent."""

    def __init__(
        self,
        kind: Kind,
        surroundings: Surroundings,
        environments: Environments,
        sandbox: Sandbox,
        limits: Limits,
        instance: Instance,
        log: Log,
        histories: Histories,
        own_tests: str | None = None,
    ) -> None:
        """`own_tests` is where the project says that its migrations' tests are, besides their usual places."""
        self.name = kind.name
        where = said(own_tests or "")
        self._class = where if isinstance(where, Class) else None
        # alembic takes every file among its migrations for one of them.
        self.tests = Places(beside=kind.name != "alembic", folder="" if isinstance(where, Class) else where)
        self._kind = kind
        self._surroundings = surroundings
        self._environments = environments
        self._sandbox = sandbox
        self._limits = limits
        self._instance = instance
        self._log = log
        self._histories = histories
        self._numbers = itertools.count(1)
        self._models: dict[tuple[str, str], Mapping[str, Any]] = {}

    def history(self, tree: Tree) -> History:
        migrations = str(self._kind.spec()["migrations"])
        if not (tree.project / migrations).exists():
            raise UsageError(
                f"[project] migrations: {tree.commit.ref} has no {migrations}",
                hint="it is relative to the project's root, and must be committed",
            )
        id = self._history_id(tree)
        history = None if id is None else self._histories.find(id)
        if history is None:
            history = self._told_history(tree)
            if id is not None:
                self._histories.keep(id, history)
        return history

    def _history_id(self, tree: Tree) -> str | None:
        """Stands for all that a tree's history depends on; `None` if some of it may change."""
        built = self._environments.interpreter(tree).built
        around = self._surroundings
        if built is None or around.visible:
            return None
        project = str(tree.project.relative_to(tree.root))
        settings = (self._kind.name, self._kind.spec(), dict(around.variables), dict(around.files), around.paths)
        tests = (self.tests.beside, self.tests.folder)
        return digest(_how_it_is_told(), tree.commit.id, project, built, *settings, *tests)

    def _told_history(self, tree: Tree) -> History:
        self._log.heading(f"history of {tree.commit.ref} ({tree.commit.id[:12]})")
        with self._opened(tree, None) as agent:
            told = _ask_history(agent)
        try:
            imports = Imports(_within(tree.project, [*self._paths(tree), *told["paths"]]), tree.project)
            revisions = tuple(_revision(one, tree.project, imports) for one in told["revisions"])
            surroundings = self._digest(told, tree.project, revisions)
            return History(revisions, base=_name(told["base"]), surroundings=surroundings)
        except (KeyError, TypeError, ValueError, OSError, RuntimeError) as error:  # the last for links in a circle
            raise HistoryFailed("the project's tool told a history that makes no sense", _LOG_HINT) from error

    def _digest(self, told: Mapping[str, Any], project: Path, revisions: tuple[Revision, ...]) -> str:
        """Of all that the revisions' effect depends on besides themselves, as far as it is known."""
        known = {file for revision in revisions for file in revision.files}
        for choices in self.tests.of({revision.id: revision.files for revision in revisions}).values():
            known.update(choices)  # no test is run on what a checkpoint is kept of
        beside = [str(file) for file in told["beside"] if file not in known]
        around = self._surroundings
        return digest(
            self._kind.name,
            self._kind.spec(),
            dict(around.variables),
            dict(around.files),
            around.paths,
            [str(package) for package in told["packages"]],
            [(file, hashlib.sha256(_inside(project, file).read_bytes()).hexdigest()) for file in beside],
        )

    def texts(self, tree: Tree) -> Iterator[bytes]:
        libraries = self.interpreter(tree).parent.parent
        for name in _SPEAKING:
            for file in libraries.glob(f"lib*/python3*/site-packages/{name}/**/*.py"):
                if file.is_file() and not file.is_symlink():
                    yield file.read_bytes()

    def own_tests(self, tree: Tree, history: History) -> tuple[OwnTest, ...]:
        files = {revision.id: revision.files for revision in history.revisions}
        choices = {choice for some in self.tests.of(files).values() for choice in some}
        there = {choice for choice in choices if _is_file(tree.project, choice)}
        beside = self.tests.found(files, there)
        methods = {} if self._class is None else _methods(files, self._class, tree)
        return tuple(one[id_] for id_ in files for one in (beside, methods) if id_ in one)

    def interpreter(self, tree: Tree) -> Path:
        """The project's interpreter for `tree`."""
        return self._environments.interpreter(tree).python

    def version_table(self, tree: Tree) -> VersionTable | None:
        return self._kind.version_table(tree)

    def models(self, tree: Tree, name: str) -> Mapping[str, Any]:
        asked = (tree.commit.id, name)
        if asked not in self._models:
            self._log.heading(f"models {name} of {tree.commit.ref} ({tree.commit.id[:12]})")
            with self._opened(tree, None, MODELS_AGENT) as agent:
                answer = _answered(agent, {"op": "models", "program": str(MODELS_AGENT), "models": name})
            told = answer.get("models")
            if "error" in answer:
                raise HistoryFailed(_message(answer), hint="the whole traceback is in log.txt")
            if not isinstance(told, dict):
                raise HistoryFailed("what they say makes no sense", _LOG_HINT)
            self._models[asked] = told
        return self._models[asked]

    @contextmanager
    def session(self, tree: Tree, address: Address) -> Iterator[ToolSession]:
        with self._opened(tree, address) as agent:
            answer = _answered(agent, {"op": "check"})
            if "error" in answer:
                raise EnvironmentFailed(
                    f"the project's tool cannot be used on the clone: {_message(answer)}",
                    hint="'migci doctor' tells which setting of [project.environment] it needs",
                )
            yield _Session(agent, self._log)

    def run(self, tree: Tree, address: Address, command: tuple[str, ...]) -> None:
        self._log.heading(f"between releases: {' '.join(command)}")
        with self._opened(tree, address) as agent:
            try:
                answer = agent.ask({"op": "run", "command": list(command)}, _HOOK_SECONDS).content
            except (AgentGone, AgentLate) as error:
                raise HookFailed(f"{command[0]!r}, run between releases, did not end well: {error}") from error
        if "error" in answer:
            raise HookFailed(f"cannot run {command[0]!r} between releases: {_message(answer)}")
        if answer.get("status") != 0:
            raise HookFailed(
                f"{command[0]!r}, run between releases, exited with status {answer.get('status')}",
                hint="what it printed is in log.txt",
            )

    @contextmanager
    def _opened(self, tree: Tree, address: Address | None, *programs: Path) -> Iterator[AgentProcess]:
        """An agent that has the tool open. It may read `programs`, too."""
        variables = {k: v for k, v in self._surroundings.variables.items() if "{" not in v}
        interpreter = self._environments.interpreter(tree)
        python = interpreter.python
        number = next(self._numbers)
        mark, folder = f"{self._instance.id}/agent-{number}", self._instance.folder / f"agent-{number}"
        view = self._view(interpreter.view, tree, address)
        view = replace(view, read=(*view.read, *programs))
        with agent_process(python, self._sandbox, view, folder, variables, mark, self._log) as agent:
            answer = _answered(
                agent,
                {
                    "op": "open",
                    "tool": self.name,
                    "project": str(tree.project),
                    "paths": self._paths(tree),
                    "variables": dict(self._surroundings.variables),
                    "files": dict(self._surroundings.files),
                    "database": None if address is None else _database(address),
                    **self._kind.spec(),
                },
            )
            if "error" in answer:
                error = answer["error"]
                kind = error.get("type") if isinstance(error, dict) else None
                if kind in ("ModuleNotFoundError", "ImportError", "DriverMissing") and address is None:
                    raise EnvironmentFailed(
                        f"{self.name} cannot be loaded by {python}: {_message(answer)}",
                        hint="install it there, or name another interpreter in [project.environment]",
                    )
                raise HistoryFailed(_message(answer), hint="the whole traceback is in log.txt")
            yield agent

    def _paths(self, tree: Tree) -> list[str]:
        return [str(tree.project / path) for path in self._surroundings.paths if (tree.project / path).is_dir()]

    def _view(self, interpreter: View, tree: Tree, address: Address | None) -> View:
        """The interpreter, the tree and the database; with a database that is a file, the folder where it lies."""
        read, write = (*interpreter.read, tree.root, *self._surroundings.visible), interpreter.write
        if address is not None and address.flavor == "sqlite":
            write = (*write, address.socket.parent)
        elif address is not None:
            read = (*read, address.socket)
        return replace(interpreter, read=read, write=write, limits=self._limits)


class _Session:
    """A `ToolSession`."""

    def __init__(self, agent: AgentProcess, log: Log) -> None:
        self._agent = agent
        self._log = log

    def pending(self, seen: Iterable[str]) -> tuple[str, ...]:
        answer = _answered(self._agent, {"op": "pending", "seen": list(seen)})
        if "error" in answer:
            raise HistoryFailed(_message(answer))
        revisions = answer.get("revisions")
        if not isinstance(revisions, list):
            raise HistoryFailed("the project's tool did not tell what is pending", _LOG_HINT)
        return tuple(str(revision) for revision in revisions)

    def prepare(self, revision: str | None) -> None:
        answer = _answered(self._agent, {"op": "prepare", "revision": revision})
        if "error" in answer:
            raise EnvironmentFailed(f"the tool cannot take control of the database: {_message(answer)}")

    def apply(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        self._log.heading(f"revision {revision}")
        return self._attempt({"op": "apply", "revision": revision}, timeout_seconds, tick)

    def revert(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        self._log.heading(f"revision {revision}, taken back")
        return self._attempt({"op": "revert", "revision": revision}, timeout_seconds, tick)

    def test(self, own: OwnTest, part: Part, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        self._log.heading(f"{part.value} of the test of revision {own.revision}")
        names = [[part.value] for part in (Part.BEFORE, Part.AFTER)]
        if own.owner:
            names = [[f"_{name}_{id_}" for id_ in names_of(own.revision)] for [name] in names]
        request = {"revision": own.revision, "file": own.file, "owner": own.owner, "part": part.value, "names": names}
        return self._attempt({"op": "test", **request}, timeout_seconds, tick)

    def _attempt(self, request: Mapping[str, Any], timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        before = 0.0
        try:
            answer = self._agent.ask(request, timeout_seconds, tick)
            before = answer.seconds
            # A reply that the migration wrote itself is found out here: the agent's own comes after it.
            after = self._agent.ask({"op": "ping"}, max(timeout_seconds - before, 1.0), tick)
        except AgentLate as late:
            self._agent.close_down()
            return Attempt(timeout_seconds, StepError(Cause.TIMEOUT, str(late)), exposed=self._log.exposed())
        except AgentGone as gone:
            self._agent.close_down()
            return Attempt(before + gone.seconds, StepError(Cause.ENDED, str(gone)), exposed=self._log.exposed())
        error = answer.content.get("error")  # what it says is untrusted, and so is its shape
        statements = tuple(_statements(answer.content.get("statements")))
        raised = None
        if error is not None:
            back = request["op"] == "revert" and answer.content.get("irreversible") is True
            cause = Cause.IRREVERSIBLE if back else Cause.RAISED
            raised = StepError(cause, self._log.clean(_message(answer.content)), _line(error))
        skipped = str(answer.content.get("skipped") or "")[:_LONGEST_MESSAGE]
        return Attempt(
            answer.seconds + after.seconds,
            raised,
            statements,
            sum(statement.seconds for statement in statements),
            self._log.exposed(),
            self._log.clean(skipped),
        )

    def compare(self, models: str | None) -> tuple[str, ...] | None:
        self._log.heading(f"comparison with {models or 'the models that env.py names'}")
        answer = _answered(self._agent, {"op": "compare", "models": models})
        if "error" in answer:
            raise HistoryFailed(
                f"the database cannot be compared with the models: {_message(answer)}",
                hint="[project] models names them: package.module:Base",
            )
        told = answer.get("differences")
        if not isinstance(told, list):
            return None
        return tuple(self._log.clean(str(one)[:_LONGEST_MESSAGE]) for one in told[:_MOST_DIFFERENCES])

    def finish(self) -> Attempt:
        self._log.heading("end of the stage")
        left = self._agent.leftovers()  # with the agent's own end a sandbox ends them all
        began = time.monotonic()
        told = self._agent.finish()
        seconds = time.monotonic() - began
        self._agent.close_down()
        error = None
        if told is not None:
            error = StepError(Cause.ENDED, told)
        elif left:
            noun = "process" if left == 1 else "processes"
            error = StepError(Cause.LEFTOVERS, f"left {left} {noun} running, which had to be killed")
        return Attempt(seconds, error, exposed=self._log.exposed())


@cache
def _how_it_is_told() -> str:
    """Changes with the code that a history comes from."""
    files = [*sorted(agents.FOLDER.rglob("*.py")), *sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _within(project: Path, folders: Iterable[object]) -> list[Path]:
    """Those of `folders` that are in the project's tree, each once."""
    places = [Path(str(folder)) for folder in folders]
    every = {place.resolve(): place for place in reversed(places)}  # where it came first
    return [every[at] for at in dict.fromkeys(map(Path.resolve, places)) if at.is_relative_to(project.resolve())]


def _is_file(project: Path, file: str) -> bool:
    """Whether it is one, and its own: no link may lead a test to what the patch does not bring."""
    path = project / file
    try:
        return path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(project.resolve())
    except OSError:  # a name that is too long for any file
        return False


def _methods(revisions: Iterable[str], where: Class, tree: Tree) -> dict[str, OwnTest]:
    """The tests that a class holds. Raises OwnTestsFailed."""
    hint = "[project.versions] tests names a file and a class in it: tests/test_migrations.py:TestWalk"
    try:
        with _inside(tree.project, where.file).open("rb") as file:
            source = file.read(_LONGEST_TEST_BYTES + 1)
        if len(source) > _LONGEST_TEST_BYTES:
            raise OwnTestsFailed(f"{where.file} is longer than {_LONGEST_TEST_BYTES >> 10} KB", hint)
        return of_class(revisions, where, source.decode())
    except SyntaxError as error:
        raise OwnTestsFailed(f"{where.file}, line {error.lineno or 1}, is not Python: {error.msg}", hint) from error
    except LookupError as error:
        raise OwnTestsFailed(f"{where.file} has no class {where.name}", hint) from error
    except (OSError, ValueError) as error:
        raise OwnTestsFailed(f"{where.file} of {tree.commit.ref} cannot be read: {error}", hint) from error


def _inside(project: Path, file: str) -> Path:
    """A file that the agent named. Raises ValueError if it is not in the project's tree."""
    if not (project / file).resolve().is_relative_to(project.resolve()):
        raise ValueError("what a history is made of is in the project's tree")
    return project / file


def _revision(told: Mapping[str, Any], project: Path, imports: Imports) -> Revision:
    """What the agent told of one revision, with what its files say.

    Raises KeyError, TypeError, ValueError, OSError, RuntimeError.
    """
    files = tuple(str(file) for file in told["files"])
    paths = [_inside(project, file) for file in files]
    if not paths:
        raise ValueError("a revision has a file")
    texts = [path.read_bytes() for path in paths]
    content = hashlib.sha256()
    roles = told.get("roles", [""] * len(texts))  # what a file is for, where its name says more than who it is
    for role, text in zip(roles, texts, strict=True):
        content.update(f"{role} {len(text)}\n".encode() + text)
    return Revision(
        id=_name(told["id"]),
        parents=tuple(_name(parent) for parent in told["parents"]),
        files=files,
        digest=content.hexdigest(),
        imports=imports.digest(paths),
        summary=str(told["summary"]),
        silences=tuple(silence for text in texts for silence in silences(text.decode(errors="replace"))),
    )


def _name(told: object) -> str:
    """What a revision is called. Raises ValueError for what nobody can write."""
    name = str(told)
    name.encode()
    return name


def _database(address: Address) -> dict[str, str]:
    return {
        "flavor": address.flavor,
        "socket": str(address.socket),
        "database": address.database,
        "user": address.user,
        "password": address.password,
    }


def _answered(agent: AgentProcess, request: Mapping[str, Any]) -> dict[str, Any]:
    """A reply to a question about the tree. Its code runs for that, so it can go wrong in every way."""
    try:
        return agent.ask(request).content
    except (AgentGone, AgentLate) as error:
        raise HistoryFailed(
            f"the project's tool could not be asked: {error}", hint="what it printed is in log.txt"
        ) from error


def _ask_history(agent: AgentProcess) -> dict[str, Any]:
    answer = _answered(agent, {"op": "history"})
    if "error" in answer:
        raise HistoryFailed(_message(answer), hint="the whole traceback is in log.txt")
    return answer


def _message(answer: Mapping[str, Any]) -> str:
    error = answer["error"]
    text = str(error.get("message")) if isinstance(error, dict) else "it did not say why"
    return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " …"


def _line(error: object) -> int | None:
    line = error.get("line") if isinstance(error, dict) else None
    return line if isinstance(line, int) and 0 < line <= _MOST else None


def _statements(told: object) -> Iterator[AgentStatement]:
    """What the agent told of its statements, as far as it has the shape of that."""
    for one in told[:_MOST_STATEMENTS] if isinstance(told, list) else ():
        match one:
            case [str(sql), int(count), float(seconds), int(rows)] if max(abs(count), abs(seconds), abs(rows)) < _MOST:
                yield AgentStatement(sql, count, seconds, rows)
