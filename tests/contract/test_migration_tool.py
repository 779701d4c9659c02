"""What every MigrationTool keeps to, whatever a migration does; each test's name tells tool and interpreter."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from migci.adapters.environments import Environments, EnvironmentSettings
from migci.adapters.instances import Instance, marked
from migci.adapters.log import Log
from migci.adapters.markup import Markups
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Limits as SandboxLimits
from migci.adapters.scripts.repositories import READERS
from migci.adapters.scripts.trees import DiskFiles
from migci.adapters.tools.alembic import Alembic
from migci.adapters.tools.histories import Histories
from migci.adapters.tools.session import AgentTool, Surroundings
from migci.core.dataset import Dataset, Limits
from migci.core.history import Changes, compare
from migci.core.run import Commit, Part
from migci.core.step import Algorithm, Cause, Outcome, Stage, Step
from migci.ports import (
    Attempt,
    Database,
    DatabaseServer,
    EnvironmentFailed,
    HistoryFailed,
    OwnTestsFailed,
    Tree,
    VersionTable,
)
from migci.walk import walking
from tests.contract.flavors import eventually, mariadb, migrate, new_folder, sqlite, started
from tests.contract.interpreters import Interpreter, built
from tests.contract.named import NAMES, write_named, write_numbered
from tests.contract.projects import (
    ALEMBIC,
    COMMAND,
    ENV,
    IN_PROCESS,
    KITS,
    MIGRATE,
    NAMED,
    OLD_ALEMBIC,
    Kit,
    alembic_script,
    put,
    write_alembic,
)
from tests.fakes import RecordingObserver

THREE = {
    "1": 'run("CREATE TABLE shoe (id INTEGER PRIMARY KEY, name VARCHAR(50))")',
    "2": "run(\"INSERT INTO shoe VALUES (1, 'x'), (2, 'y')\")",
    "3": 'run("ALTER TABLE shoe ADD COLUMN price INTEGER")',
}

FOR_EVER = 1000.0
"""Seconds that no test waits for."""

_numbers = itertools.count(1)


def nothing() -> None:
    return


@dataclass(frozen=True)
class Rig:
    """A project of a kit, its tool, and a database to run it on."""

    kit: Kit
    project: Path
    tree: Tree
    database: Database
    log: Path
    mark: str
    make: Callable[..., AgentTool]
    """Of a kind and surroundings, and, where it has one, of the place of its migrations' tests."""

    @property
    def tool(self) -> AgentTool:
        return self.make(self.kit.kind(), Surroundings())

    def write(self, bodies: Mapping[str, str]) -> None:
        self.kit.write(self.project, bodies)

    def at(self) -> tuple[str, ...] | None:
        table = self.tool.version_table(self.tree)
        assert table is not None
        return self.database.versions(table)

    def first(self, body: str, timeout_seconds: float = FOR_EVER) -> Attempt:
        """How a first migration ends that does `body`."""
        self.write({"1": body})
        with self.tool.session(self.tree, self.database.address) as session:
            session.prepare(None)
            assert session.pending(()) == ("1",)
            return session.apply("1", timeout_seconds, nothing)

    def walk(self, bodies: Mapping[str, str], tool: AgentTool | None = None, **limits: float) -> list[Step]:
        """The steps of a walk through migrations that do `bodies`."""
        self.write(bodies)
        tool = tool or self.tool
        history = tool.history(self.tree)
        dataset = Dataset("empty", limits=Limits(**limits))  # type: ignore[arg-type]
        table = tool.version_table(self.tree)
        with walking(self.database, tool, dataset, table, RecordingObserver()) as walk:
            walk.stage(Stage.TRUNK, self.tree, history, frozenset(history.by_id))
            walk.leave()
            return walk.steps


@pytest.fixture(scope="session")
def interpreters(store: Path) -> Callable[[Interpreter], Path]:
    """Environments, each built once."""
    return lambda interpreter: built(interpreter, store / "interpreters")


@pytest.fixture
def kit() -> Kit:
    return ALEMBIC


@pytest.fixture
def flavor() -> str:
    return "sqlite"


@pytest.fixture
def rig(
    kit: Kit, flavor: str, store: Path, tmp_path: Path, interpreters: Callable[[Interpreter], Path]
) -> Iterator[Rig]:
    project = tmp_path / "project"
    project.mkdir()
    mark = f"contract-of-the-tools-{os.getpid()}-{next(_numbers)}"
    with ExitStack() as stack:
        server: DatabaseServer = sqlite() if flavor == "sqlite" else mariadb(store)
        database = stack.enter_context(started(server, new_folder(store)))
        log = stack.enter_context(Log(tmp_path / "log.txt", limit_bytes=100_000))
        python = interpreters(kit.interpreter)
        instance, sandbox, limits = Instance(mark, tmp_path / "instance"), Bubblewrap(), SandboxLimits()
        settings = EnvironmentSettings(str(python))
        environments = Environments(settings, project, store, sandbox, limits, instance, log)
        rest = (environments, sandbox, limits, instance, log, Histories(tmp_path / "histories"))
        yield Rig(
            kit,
            project,
            Tree(Commit("trunk", "0" * 40), project, project),
            database,
            tmp_path / "log.txt",
            mark,
            lambda kind, surroundings, own_tests=None: AgentTool(kind, surroundings, *rest, own_tests),
        )
    assert marked(mark) == []


every_kit = pytest.mark.parametrize("kit", KITS, ids=str)
in_process = pytest.mark.parametrize("kit", IN_PROCESS, ids=str)
named = pytest.mark.parametrize("kit", [NAMED], ids=str)
on_mariadb = pytest.mark.parametrize("flavor", ["mariadb"])


# Histories


@every_kit
def test_a_history_has_its_revisions_in_order_with_their_parents_and_files(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    history = rig.tool.history(rig.tree)
    assert [(one.id, one.parents, one.files) for one in history.revisions] == [
        ("1", (), (kit.file("1"),)),
        ("2", ("1",), (kit.file("2"),)),
        ("3", ("2",), (kit.file("3"),)),
    ]
    assert history.base == ("base" if kit.tool == "alembic" else "0")


def test_what_is_imported_from_a_folder_that_alembic_puts_on_the_path_counts(rig: Rig) -> None:
    rig.write({"1": "import helper"})
    ini = rig.project / "alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]", "[alembic]\nprepend_sys_path = %(here)s/lib"))
    put(rig.project, "lib/helper.py", "SIZE = 1")
    (before,) = rig.tool.history(rig.tree).revisions
    put(rig.project, "lib/helper.py", "SIZE = 2")
    (after,) = rig.tool.history(rig.tree).revisions
    assert before.imports != after.imports


@every_kit
def test_a_digest_changes_with_the_bytes_of_its_file_and_with_no_other(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    before = [one.digest for one in rig.tool.history(rig.tree).revisions]
    path = rig.project / kit.file("2")
    path.write_text(path.read_text() + "# one more line\n")
    after = [one.digest for one in rig.tool.history(rig.tree).revisions]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


@every_kit
def test_a_history_without_revisions_is_empty(rig: Rig, kit: Kit) -> None:
    rig.write({})
    if kit is COMMAND:
        (rig.project / "changes").mkdir()
    assert rig.tool.history(rig.tree).revisions == ()


@pytest.mark.parametrize("kit", [ALEMBIC, OLD_ALEMBIC], ids=str)
def test_branches_and_merges_come_in_the_order_in_which_alembic_runs_them(
    rig: Rig, kit: Kit, interpreters: Callable[[Interpreter], Path], tmp_path: Path
) -> None:
    write_alembic(rig.project, {})
    downs: dict[str, str | tuple[str, ...] | None] = {
        "a": None, "b1": "a", "b2": "b1", "c1": "a", "c2": "c1", "d": ("b2", "c2"), "e1": "d", "e2": "d", "z": None,
        "c3": "c2", "m": ("c3", "e1", "z"),
    }  # fmt: skip
    for id_, down in downs.items():
        body = f'run("CREATE TABLE IF NOT EXISTS ran (id VARCHAR(9))")\nrun("INSERT INTO ran VALUES (\'{id_}\')")'
        alembic_script(rig.project, id_, down, body)
    other = tmp_path / "other.sqlite"
    put(rig.project, "alembic.ini", f"[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///{other}\n")
    subprocess.run([interpreters(kit.interpreter), "-m", "alembic", "upgrade", "heads"], cwd=rig.project, check=True)
    with started(sqlite(), tmp_path / "looked-at") as looked_at:
        looked_at.restore(str(other), lambda done, total: None)
        alembics_own = [id_ for (id_,) in migrate(looked_at, "SELECT id FROM ran ORDER BY rowid")]

    history = rig.tool.history(rig.tree)
    assert [one.id for one in history.revisions] == alembics_own
    assert {one.id: set(one.parents) for one in history.revisions} == {
        id_: {down} if isinstance(down, str) else set(down or ()) for id_, down in downs.items()
    }
    dataset = Dataset("empty")
    with walking(rig.database, rig.tool, dataset, rig.tool.version_table(rig.tree), RecordingObserver()) as walk:
        walk.stage(Stage.TRUNK, rig.tree, history, frozenset(history.by_id))
        assert {step.outcome for step in walk.steps} == {Outcome.APPLIED}
    assert [id_ for (id_,) in migrate(rig.database, "SELECT id FROM ran ORDER BY rowid")] == alembics_own
    assert set(rig.at() or ()) == {"e2", "m"}


@named
def test_a_revision_whose_files_are_renamed_is_the_same_revision(rig: Rig) -> None:
    """What an import to versions.json does: the order in which the files are found differs too."""
    write_numbered(rig.project)
    numbered = rig.tool.history(rig.tree)
    shutil.rmtree(rig.project / "repository")
    write_named(rig.project)
    renamed = rig.tool.history(rig.tree)
    assert compare(numbered, renamed) == Changes((), (), ())
    assert [one.files for one in renamed.revisions] == [
        tuple(str(Path(file).with_name(NAMES[Path(file).name])) for file in one.files) for one in numbered.revisions
    ]
    assert renamed.base == "0"


@named
def test_sql_that_is_renamed_for_another_database_is_another_revision(rig: Rig) -> None:
    versions = write_named(rig.project)
    before = rig.tool.history(rig.tree)
    text = (versions / "versions.json").read_text()
    (versions / "versions.json").write_text(text.replace("counters_mysql", "counters_oracle"))
    (versions / "add_counters_mysql_upgrade.sql").rename(versions / "add_counters_oracle_upgrade.sql")
    assert [one.id for one in compare(before, rig.tool.history(rig.tree)).edited] == ["4"]


@named
def test_what_a_history_says_twice_is_no_part_of_its_surroundings(rig: Rig) -> None:
    """Else a checkpoint of trunk's would be of no use as soon as one more migration is listed."""
    rig.write({"1": "pass"})
    before = rig.tool.history(rig.tree).surroundings
    rig.write({"1": "pass", "2": "pass"})
    assert rig.tool.history(rig.tree).surroundings == before
    (rig.project / "repository/versions/helper.py").write_text("")
    assert rig.tool.history(rig.tree).surroundings != before


@named
def test_a_versions_json_that_is_broken_is_told_with_its_place(rig: Rig) -> None:
    rig.write(THREE)
    (rig.project / "repository/versions/versions.json").write_text('{"1": ["of_y.py"], "1": ["of_x.py"]}')
    with pytest.raises(HistoryFailed) as failed:
        rig.tool.history(rig.tree)
    assert failed.value.message == "BrokenVersions: repository/versions/versions.json: number 1 is there twice"


def read_as_told(rig: Rig) -> None:
    """That the files, read and not run, say what the tool tells."""
    history = rig.tool.history(rig.tree)
    (reader,) = READERS[rig.kit.tool](str(rig.kit.kind().spec()["migrations"]), ())
    listing = reader.read(DiskFiles(rig.project))
    assert {(one.id, frozenset(one.files)) for one in history.revisions} == {
        (one.id, frozenset(one.files)) for one in listing.scripts
    }
    assert {one.id: set(one.parents) for one in history.revisions} == {
        one.id: {*one.parents, *one.depends_on} for one in listing.scripts
    }
    assert set(history.heads) == set(listing.heads)
    assert not listing.findings


@in_process
def test_the_files_say_what_the_tool_tells(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    read_as_told(rig)


@pytest.mark.parametrize("kit", [MIGRATE], ids=str)
def test_the_files_say_what_sqlalchemy_migrate_tells_of_sql_and_of_other_files(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    for name in ("004_more_sqlite_upgrade.sql", "004_more_sqlite_downgrade.sql", "003_mysql_upgrade.sql", "helper.py"):
        put(rig.project, f"repository/versions/{name}", "")
    read_as_told(rig)


@pytest.mark.parametrize("kit", [ALEMBIC], ids=str)
@pytest.mark.parametrize(
    "locations",
    [
        "script_location = %(here)s/migrations",
        "script_location = ./migrations\nrecursive_version_locations = true",
        "script_location = migrations\nversion_locations = migrations/versions %(here)s/more",
        "script_location = migrations\npath_separator = newline\nversion_locations =\n  more\n  migrations/versions",
    ],
)
def test_the_files_say_what_alembic_tells_wherever_they_are(rig: Rig, kit: Kit, locations: str) -> None:
    rig.write(THREE)
    put(rig.project, "alembic.ini", f"[alembic]\n{locations}\n")
    if "version_locations" not in locations.replace("recursive_version_locations", ""):
        place = "migrations/versions/deep" if "recursive" in locations else "migrations/versions"
    else:
        place = "more"
    put(
        rig.project,
        f"{place}/x.py",
        "revision: str = 'x'\ndown_revision = ('2', '3')\ndepends_on = '1'\ndef upgrade(): pass\n",
    )
    put(
        rig.project,
        f"{place}/y.py",
        "WAS = 'x'\nrevision = 'y'\ndown_revision = WAS\nbranch_labels = ['b']\ndef upgrade(): pass\n",
    )
    put(rig.project, "migrations/versions/__init__.py", "")
    put(rig.project, "migrations/versions/notes.sql", "")
    read_as_told(rig)


@in_process
def test_a_tree_that_cannot_be_read_is_told_in_the_tools_own_words(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    (rig.project / kit.file("2")).write_text("def upgrade(:\n")
    if kit is MIGRATE:
        (rig.project / "repository" / "versions" / "002_twin.py").write_text("")
    with pytest.raises(HistoryFailed) as failed:
        rig.tool.history(rig.tree)
    assert ("002" in failed.value.message) if kit is MIGRATE else ("2_of.py, line 1" in failed.value.message)


def test_a_revision_that_follows_nothing_known_is_told(rig: Rig) -> None:
    rig.write(THREE)
    alembic_script(rig.project, "5", "4")
    with pytest.raises(HistoryFailed, match="4"):
        rig.tool.history(rig.tree)


def test_a_tool_that_is_not_installed_is_told_with_its_interpreter(
    rig: Rig, interpreters: Callable[[Interpreter], Path]
) -> None:
    MIGRATE.write(rig.project, THREE)
    with pytest.raises(EnvironmentFailed, match=r"^sqlalchemy-migrate cannot be loaded by .*No module named 'migrate'"):
        rig.make(MIGRATE.kind(), Surroundings()).history(rig.tree)


# What is pending, and where a database is put


@every_kit
def test_what_is_pending_is_what_comes_after_what_was_seen(rig: Rig) -> None:
    rig.write(THREE)
    with rig.tool.session(rig.tree, rig.database.address) as session:
        assert session.pending(()) == ("1", "2", "3")
        assert session.pending(("1",)) == ("2", "3")
        assert session.pending(("3",)) == ()


@pytest.mark.parametrize("flavor", ["sqlite", "mariadb"])
@every_kit
def test_every_migration_runs_and_the_database_says_so(rig: Rig, kit: Kit, flavor: str) -> None:
    rig.write(THREE)
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        for revision in session.pending(()):
            attempt = session.apply(revision, FOR_EVER, nothing)
            assert attempt.error is None
            assert rig.at() == (revision,)
        assert session.finish().error is None
    assert migrate(rig.database, "SELECT id, name, price FROM shoe ORDER BY id") == [(1, "x", None), (2, "y", None)]


@pytest.mark.parametrize("kit", [ALEMBIC, OLD_ALEMBIC, MIGRATE], ids=str)
def test_a_database_that_the_tool_does_not_know_is_put_at_a_revision(rig: Rig) -> None:
    rig.write(THREE)
    migrate(rig.database, "CREATE TABLE shoe (id INTEGER PRIMARY KEY, name VARCHAR(50))")
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare("2")
        assert rig.at() == ("2",)
        assert session.apply("3", FOR_EVER, nothing).error is None
    assert rig.at() == ("3",)


@in_process
def test_the_statements_of_a_migration_are_told_with_their_count_and_without_their_parameters(rig: Rig) -> None:
    body = """
from sqlalchemy import text
run("CREATE TABLE shoe (name VARCHAR(50))")
connection = op.get_bind() if "op" in locals() else engine.connect()
for name in ("Alice Confidential", "Bob Confidential"):
    connection.execute(text("INSERT INTO shoe VALUES (:name)"), {"name": name})
"""
    attempt = rig.first(body)
    assert attempt.error is None
    told = {one.sql: (one.count, one.rows) for one in attempt.statements if "INSERT INTO shoe" in one.sql}
    assert list(told.values()) == [(2, 2)]
    assert "Confidential" not in repr(attempt)


# How a migration ends


@in_process
def test_an_exception_is_told_with_its_type_and_the_line_of_the_migrations_file(rig: Rig, kit: Kit) -> None:
    attempt = rig.first("a = 1\nraise KeyError('uuid')")
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (Cause.RAISED, "KeyError: 'uuid'")
    lines = (rig.project / kit.file("1")).read_text().splitlines()
    assert lines[(attempt.error.line or 0) - 1].strip() == "raise KeyError('uuid')"


@in_process
def test_a_statement_that_fails_is_told_without_its_parameters(rig: Rig, kit: Kit) -> None:
    attempt = rig.first(
        """
from sqlalchemy import text
connection = op.get_bind() if "op" in locals() else engine.connect()
connection.execute(text("INSERT INTO nowhere VALUES (:name)"), {"name": "Alice Confidential"})
"""
    )
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (Cause.RAISED, "OperationalError: no such table: nowhere")
    lines = (rig.project / kit.file("1")).read_text().splitlines()
    assert lines[(attempt.error.line or 0) - 1].startswith("    connection.execute")


def test_a_command_that_fails_is_told_with_its_status(rig: Rig) -> None:
    other = replace(rig, kit=COMMAND)
    attempt = other.first("raise SystemExit(7)")
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (
        Cause.RAISED,
        "CommandFailed: python exited with status 7",
    )


@in_process
@pytest.mark.parametrize("status", [0, 1])
def test_an_exit_is_an_exception_like_any_other(rig: Rig, status: int) -> None:
    attempt = rig.first(f"raise SystemExit({status})")
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (Cause.RAISED, f"SystemExit: {status}")


@in_process
def test_a_step_after_one_that_raised_is_run_in_the_same_session(rig: Rig) -> None:
    rig.write({"1": "raise KeyError('uuid')"})
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        for _ in range(2):
            attempt = session.apply("1", FOR_EVER, nothing)
            assert attempt.error is not None
            assert attempt.error.cause is Cause.RAISED


@in_process
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import os; os._exit(0)", "its process ended with status 0"),
        ("import os; os._exit(3)", "its process ended with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "its process was killed by SIGKILL"),
        ("import os; os.abort()", "its process was killed by SIGABRT"),
        ("import os; os.closerange(0, 4096)\nimport time; time.sleep(1000)", "its channel to migci was closed"),
        ("import os; os.execvp('true', ['true'])", "its process ended with status 0"),
        ("import os, sys; sys.stdout.flush(); os.closerange(0, 4096); os._exit(0)", "its process ended with status 0"),
    ],
)
def test_a_migration_that_ends_its_process_is_told_by_how_that_ended(rig: Rig, body: str, message: str) -> None:
    attempt = rig.first(body)
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (Cause.ENDED, message)
    assert marked(rig.mark) == []


@every_kit
def test_a_migration_that_does_not_end_is_killed_with_all_that_it_began(rig: Rig, kit: Kit) -> None:
    attempt = rig.first(
        "import subprocess, time\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\ntime.sleep(1000)",
        timeout_seconds=2.0,
    )
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (
        Cause.TIMEOUT,
        "it was still running after 2 s, and was killed",
    )
    assert attempt.seconds == 2.0
    assert marked(rig.mark) == []


def test_it_is_ticked_while_a_migration_runs(rig: Rig) -> None:
    """The migration waits until it was seen to be running."""
    flag = rig.project / "flag"
    rig.write({"1": f"import os, time\nwhile not os.path.exists({str(flag)!r}): time.sleep(0.01)"})
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        session.pending(())
        assert session.apply("1", FOR_EVER, flag.touch).error is None


DAEMON = """
import os, subprocess
subprocess.Popen(["sleep", "{seconds}"], start_new_session=True, env={environment}, cwd="/",
                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""

FORKED = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 4096)
        time.sleep(1000)
    os._exit(0)
os.wait()
"""


@in_process
@pytest.mark.parametrize(
    "body",
    [DAEMON.format(seconds=1000, environment="None"), FORKED],
    ids=["a program in a session of its own", "a fork in a session of its own"],
)
def test_a_daemon_that_a_migration_leaves_is_told_and_dead(rig: Rig, body: str) -> None:
    (step,) = rig.walk({"1": body})
    assert step.error is not None
    assert step.error.message == "left 1 process running, which had to be killed"
    assert (step.outcome, step.error.cause) == (Outcome.APPLIED, Cause.LEFTOVERS)
    assert marked(rig.mark) == []


def test_a_daemon_that_has_thrown_its_environment_away_is_told_and_dead(rig: Rig) -> None:
    seconds = f"1000.{os.getpid()}"
    (step,) = rig.walk({"1": DAEMON.format(seconds=seconds, environment="{}")})
    left = [one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", seconds]]
    for one in left:
        one.kill()
    assert not left, "it outlived the session"
    assert step.error is not None
    assert step.error.cause is Cause.LEFTOVERS


@in_process
def test_a_process_that_dies_at_its_end_makes_its_last_step_fail(rig: Rig) -> None:
    (step,) = rig.walk({"1": "import atexit, os\natexit.register(os._exit, 5)"})
    assert step.error is not None
    assert (step.outcome, step.error.cause) == (Outcome.FAILED, Cause.ENDED)
    assert step.error.message == "its process ended with status 5"


# Lies


ENGINES = {"alembic": "op.get_bind().engine", "sqlalchemy-migrate": "engine"}
"""How a migration of each tool gets at its engine."""


SAYS_DONE = """
import json, os, stat
for number in range(1, 20):
    reply = json.dumps({"id": number, "seconds": 0.0, "statements": [], "revisions": [], "error": None}) + "\\n"
    print(reply)
    for descriptor in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, reply.encode())
        except OSError:
            pass
"""


@in_process
@pytest.mark.parametrize(
    "then", ["raise KeyError('uuid')", "os._exit(0)", "import time; time.sleep(1000)", "os.kill(os.getpid(), 9)"]
)
def test_a_migration_that_says_it_is_done_and_is_not_fails(rig: Rig, then: str) -> None:
    (step,) = rig.walk({"1": SAYS_DONE + then})
    assert step.error is not None
    assert (step.outcome, step.error.cause) == (Outcome.FAILED, Cause.ENDED)
    assert step.error.message == "something else than the agent wrote to its channel"
    assert marked(rig.mark) == []


@in_process
def test_lines_that_look_like_replies_on_the_terminal_are_only_logged(rig: Rig) -> None:
    body = "import json, sys\nfor i in range(1, 500):\n    print(json.dumps({'id': i, 'error': {'message': 'forged'}}))"
    (step,) = rig.walk({"1": body})
    assert (step.outcome, step.error) == (Outcome.APPLIED, None)


@in_process
def test_a_channel_that_is_flooded_is_the_migrations_end(rig: Rig) -> None:
    body = """
import os, stat
for descriptor in range(3, 256):
    try:
        found = stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        continue
    while found:
        os.write(descriptor, b"x" * 65536)
"""
    attempt = rig.first(body)
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message) == (Cause.ENDED, "its channel was flooded")


@in_process
def test_replies_of_another_shape_do_no_harm(rig: Rig) -> None:
    body = """
import json, os, stat
for reply in ('{"id": %d, "error": 7}', '{"id": %d, "error": {"message": {}, "line": "x"}}', '{"id": %d, "error": []}',
              '{"id": %d, "statements": {"a": 1}}', '{"id": %d, "statements": [[1], null, ["a", 1, 1e999, 2]]}'):
    for number in range(1, 50):
        for descriptor in range(3, 256):
            try:
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    os.write(descriptor, (reply % number).encode() + b"\\n")
            except OSError:
                pass
"""
    rig.first(body)


# env.py


def environment_failure(rig: Rig, env: str) -> str:
    """What is said of a project whose env.py is `env`."""
    write_alembic(rig.project, THREE, env)
    with pytest.raises(EnvironmentFailed) as failed, rig.tool.session(rig.tree, rig.database.address):
        pass
    assert rig.database.size().rows == 0
    return failed.value.message


def test_an_env_that_connects_elsewhere_is_told_and_nothing_is_sent_there(rig: Rig, tmp_path: Path) -> None:
    other = tmp_path / "production.sqlite"
    url = 'context.config.get_main_option("sqlalchemy.url")'
    told = environment_failure(rig, ENV.replace(url, repr(f"sqlite:///{other}")))
    assert told == (
        "the project's tool cannot be used on the clone: WrongDatabase: the project's code connects to another "
        f"database (sqlite, {other}) than the one it was given; nothing was sent to it"
    )
    assert not other.exists()


def test_an_env_that_connects_to_a_server_of_its_own_is_told(rig: Rig) -> None:
    url = 'context.config.get_main_option("sqlalchemy.url")'
    told = environment_failure(rig, ENV.replace(url, repr("mysql+pymysql://root@db.example.org/production")))
    assert "connects to another database (mysql, db.example.org)" in told


def test_an_env_that_never_runs_migrations_is_told(rig: Rig) -> None:
    told = environment_failure(rig, ENV.replace("context.run_migrations()", "pass"))
    assert "env.py did not run any migrations: it never called context.run_migrations()" in told


def test_an_env_that_keeps_its_revision_in_another_table_is_told(rig: Rig) -> None:
    told = environment_failure(rig, ENV.replace("connection=connection", 'connection=connection, version_table="v"'))
    assert "env.py keeps the revision in the table 'v', and migci looks for it in 'alembic_version'" in told


def test_an_env_that_raises_is_told(rig: Rig) -> None:
    assert environment_failure(rig, "raise KeyError('DATABASE_URL')").endswith("KeyError: 'DATABASE_URL'")


def test_an_env_with_another_version_table_works_when_that_is_said(rig: Rig) -> None:
    write_alembic(rig.project, THREE, ENV.replace("connection=connection", 'connection=connection, version_table="v"'))
    tool = rig.make(Alembic("alembic.ini", table="v"), Surroundings())
    with tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        assert session.apply("1", FOR_EVER, nothing).error is None
    assert rig.database.versions(VersionTable("v", "version_num")) == ("1",)


def applied(rig: Rig, tool: AgentTool) -> None:
    """Run the first migration with `tool`, and see that it ran on the clone."""
    with tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        attempt = session.apply("1", FOR_EVER, nothing)
    assert attempt.error is None
    assert rig.at() == ("1",)


def test_a_neutral_env_takes_the_place_of_the_projects(rig: Rig) -> None:
    write_alembic(rig.project, THREE, "raise KeyError('DATABASE_URL')")
    applied(rig, rig.make(Alembic("alembic.ini", neutral_env=True), Surroundings()))


def env_with(expression: str, imports: str = "") -> str:
    return imports + ENV.replace('context.config.get_main_option("sqlalchemy.url")', expression)


def test_an_env_finds_its_database_in_an_x_argument(rig: Rig) -> None:
    write_alembic(rig.project, THREE, env_with('context.get_x_argument(as_dictionary=True)["db"]'))
    applied(rig, rig.make(Alembic("alembic.ini", x=("db={url}",)), Surroundings()))


def test_an_env_finds_its_database_in_a_variable(rig: Rig) -> None:
    write_alembic(rig.project, THREE, env_with('os.environ["DATABASE_URL"]', "import os"))
    applied(rig, rig.make(Alembic("alembic.ini"), Surroundings(variables={"DATABASE_URL": "{url}"})))


def test_an_env_finds_its_database_in_a_file(rig: Rig) -> None:
    write_alembic(
        rig.project,
        THREE,
        env_with('json.load(open(os.environ["SHOP_CONF"]))["db"]', "import json, os"),
    )
    surroundings = Surroundings(
        variables={"SHOP_CONF": "{files}/shop.json"}, files={"shop.json": '{"db": "{url}", "other": {}}'}
    )
    applied(rig, rig.make(Alembic("alembic.ini"), surroundings))


def test_a_project_whose_packages_are_in_src_is_imported(rig: Rig) -> None:
    write_alembic(rig.project, THREE, "import shop" + ENV)
    put(rig.project, "src/shop.py", "")
    applied(rig, rig.tool)


def test_the_users_environment_is_not_the_migrations(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GERRIT_PASSWORD", "hunter2")
    attempt = rig.first("import os\nraise RuntimeError(sorted(set(os.environ) - {'LC_CTYPE'}))")
    assert attempt.error is not None
    assert attempt.error.message == ("RuntimeError: ['HOME', 'LANG', 'MIGCI_INSTANCE', 'PATH', 'PWD', 'TMPDIR']")


# Output


@in_process
def test_much_output_is_bounded_in_the_log_and_stalls_nothing(rig: Rig) -> None:
    attempt = rig.first("import sys\nfor _ in range(50):\n    sys.stdout.write('x' * 1_000_000)")
    assert attempt.error is None
    assert rig.log.stat().st_size < 1_000_000


def test_much_output_of_a_command_between_releases_is_bounded_in_the_log(rig: Rig) -> None:
    rig.write(THREE)
    command = ("python", "-c", "import sys\nfor _ in range(50): sys.stdout.write('x' * 1_000_000)")
    rig.tool.run(rig.tree, rig.database.address, command)
    assert rig.log.stat().st_size < 1_000_000


@pytest.mark.timeout(15)
def test_a_command_between_releases_that_leaves_a_daemon_with_its_output_open_does_not_stall(rig: Rig) -> None:
    rig.write(THREE)
    rig.tool.run(rig.tree, rig.database.address, ("sh", "-c", "setsid sleep 1000 & exit 0"))
    eventually(lambda: marked(rig.mark) == [])


# Migrations' own tests

TEST = """
from sqlalchemy import text

def pre_upgrade(engine):
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO shoe VALUES (7, 'z')"))
    return {"ids": [7]}

def check(engine, data):
    with engine.connect() as connection:
        found = connection.execute(text("SELECT id FROM shoe WHERE name = 'z'")).fetchall()
    assert [id_ for (id_,) in found] == data["ids"], found
"""


def parts(rig: Rig, file: str, text: str, tool: AgentTool | None = None) -> list[Attempt]:
    """How the parts of the test of the second revision end, which stands in `file`, around its step."""
    revision = "2"
    rig.write(THREE)
    put(rig.project, file, text)
    tool = tool or rig.tool
    (own,) = tool.own_tests(rig.tree, tool.history(rig.tree))
    assert (own.revision, own.file) == (revision, file)
    with tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        for one in sorted(THREE):
            if one == revision:
                imported = session.test(own, Part.IMPORT, FOR_EVER, nothing)
                assert (imported.error, imported.skipped) == (None, "")
                before = session.test(own, Part.BEFORE, FOR_EVER, nothing)
                assert session.apply(one, FOR_EVER, nothing).error is None
                return [before, session.test(own, Part.AFTER, FOR_EVER, nothing)]
            assert session.apply(one, FOR_EVER, nothing).error is None
    raise AssertionError("there is no such revision")


def beside(kit: Kit) -> str:
    """Where the test of the second revision is, in the folder that no tool reads."""
    folder, _, name = kit.file("2").rpartition("/")
    return f"{folder}/tests/{name.removesuffix('.py')}_test.py"


@every_kit
def test_a_migrations_test_runs_around_its_step_with_what_it_remembers(rig: Rig, kit: Kit) -> None:
    assert [attempt.error for attempt in parts(rig, beside(kit), TEST)] == [None, None]
    assert migrate(rig.database, "SELECT name FROM shoe WHERE id = 7") in ([("z",)], (("z",),))


FORGETS = """
from sqlalchemy import text

LEFT = []

def pre_upgrade(engine):
    LEFT.append(engine.connect())
    LEFT[0].execute(text("SELECT * FROM shoe"))

def check(engine, data):
    with engine.connect() as connection:
        connection.execute(text("SELECT price FROM shoe"))
"""


@on_mariadb
@every_kit
def test_a_step_does_not_wait_for_a_transaction_that_its_test_forgot(rig: Rig, kit: Kit, flavor: str) -> None:
    rig.write(THREE)
    folder, _, name = kit.file("3").rpartition("/")
    put(rig.project, f"{folder}/tests/{name.removesuffix('.py')}_test.py", FORGETS)
    (own,) = rig.tool.own_tests(rig.tree, rig.tool.history(rig.tree))
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        for revision in ("1", "2"):
            assert session.apply(revision, FOR_EVER, nothing).error is None
        ends = (
            session.test(own, Part.BEFORE, FOR_EVER, nothing),
            session.apply("3", 30.0, nothing),
            session.test(own, Part.AFTER, FOR_EVER, nothing),
        )
    assert [end.error for end in ends] == [None, None, None]


@every_kit
def test_the_test_of_a_migration_that_does_less_than_it_should_fails_with_its_line(rig: Rig, kit: Kit) -> None:
    before, after = parts(rig, beside(kit), TEST.replace("return {", "return {'ids': [8]} or {"))
    assert before.error is None
    assert after.error is not None
    assert (after.error.cause, after.error.line) == (Cause.RAISED, 12)
    assert after.error.message.startswith("AssertionError: [(7,)]")


def test_a_test_that_takes_its_process_with_it_is_told_as_a_migration_is(rig: Rig) -> None:
    before, _ = ended_in_a_test(rig, "import os\nos._exit(0)")
    assert before.error is not None
    assert (before.error.cause, before.error.message) == (Cause.ENDED, "its process ended with status 0")


def ended_in_a_test(rig: Rig, text: str, part: Part = Part.BEFORE) -> tuple[Attempt, str]:
    rig.write(THREE)
    put(rig.project, beside(ALEMBIC), text)
    (own,) = rig.tool.own_tests(rig.tree, rig.tool.history(rig.tree))
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        return session.test(own, part, 3.0, nothing), own.file


def test_a_test_that_does_not_end_is_killed(rig: Rig) -> None:
    before, _ = ended_in_a_test(rig, "while True: pass")
    assert before.error is not None
    assert before.error.cause is Cause.TIMEOUT


def test_a_file_that_is_called_a_test_and_has_none_is_told(rig: Rig) -> None:
    before, _ = ended_in_a_test(rig, "def test_it(): pass")
    assert before.error is not None
    assert before.error.message == "NotATest: there is neither pre_upgrade nor check"


def test_what_a_test_imports_and_is_not_there_is_told_before_anything_of_it_runs(rig: Rig) -> None:
    imported, _ = ended_in_a_test(rig, "import nowhere\ndef check(engine, data): pass", Part.IMPORT)
    assert imported.error is not None
    assert imported.error.message == "ModuleNotFoundError: No module named 'nowhere'"
    assert imported.error.line == 1


def test_a_test_that_skips_itself_says_why(rig: Rig) -> None:
    before, _ = ended_in_a_test(rig, "import unittest\nraise unittest.SkipTest('only on MySQL')")
    assert (before.error, before.skipped) == (None, "only on MySQL")


WALK = """
import unittest
from sqlalchemy import text
from tests.walks.names import NAME

class TestWalk(unittest.TestCase):
    def setUp(self):
        raise AssertionError("it would make a database of its own")

    def _pre_upgrade_002(self, engine):
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO shoe VALUES (7, '%s')" % NAME))
        return 7

    def _check_002(self, engine, data):
        with self.engine.connect() as connection:
            found = connection.execute(text("SELECT id FROM shoe WHERE name = '%s'" % NAME)).scalar()
        self.assertEqual(data, found)
"""


@every_kit
def test_methods_of_a_test_case_are_run_without_its_set_up(rig: Rig, kit: Kit) -> None:
    for package in ("tests", "tests/walks"):
        put(rig.project, f"{package}/__init__.py", "")
    put(rig.project, "tests/walks/names.py", "NAME = 'z'")
    tool = rig.make(kit.kind(), Surroundings(), "tests/walks/test_all.py:TestWalk")
    attempts = parts(rig, "tests/walks/test_all.py", WALK, tool)
    assert [attempt.error for attempt in attempts] == [None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "tests/walk.py of trunk cannot be read: .*No such file"),
        ("class TestWalk(:", "tests/walk.py, line 1, is not Python"),
        ("class Walk: pass", "tests/walk.py has no class TestWalk"),
    ],
)
def test_a_class_of_tests_that_cannot_be_read_is_told(rig: Rig, text: str | None, message: str) -> None:
    rig.write(THREE)
    if text is not None:
        put(rig.project, "tests/walk.py", text)
    tool = rig.make(ALEMBIC.kind(), Surroundings(), "tests/walk.py:TestWalk")
    with pytest.raises(OwnTestsFailed, match=message):
        tool.own_tests(rig.tree, tool.history(rig.tree))


def test_a_link_is_no_test(rig: Rig, tmp_path: Path) -> None:
    rig.write(THREE)
    outside = put(tmp_path, "outside.py", TEST)
    inside = put(rig.project, beside(ALEMBIC), "")
    inside.unlink()
    inside.symlink_to(outside)
    assert rig.tool.own_tests(rig.tree, rig.tool.history(rig.tree)) == ()


@every_kit
def test_a_test_changes_nothing_that_a_checkpoint_is_known_by(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    put(rig.project, beside(kit), TEST)
    before = rig.tool.history(rig.tree)
    put(rig.project, beside(kit), TEST + "# another\n")
    assert rig.tool.history(rig.tree) == before


def test_alembic_itself_takes_a_test_among_its_migrations_for_one(rig: Rig) -> None:
    rig.write(THREE)
    put(rig.project, "migrations/versions/2_of_test.py", TEST)
    with pytest.raises(HistoryFailed, match=r"Could not determine revision id from filename 2_of_test\.py"):
        rig.tool.history(rig.tree)


# Back

DOWN = {
    "alembic": "\ndef downgrade():\n    from alembic import op\n    op.execute('DROP TABLE shoe')\n",
    "sqlalchemy-migrate": "\ndef downgrade(engine):\n    engine.execute('DROP TABLE shoe')\n",
}


def taken_back(rig: Rig, down: str) -> Attempt:
    rig.write({"1": THREE["1"]})
    path = rig.project / rig.kit.file("1")
    path.write_text(path.read_text() + down)
    with rig.tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        assert session.apply("1", FOR_EVER, nothing).error is None
        attempt = session.revert("1", FOR_EVER, nothing)
        if attempt.error is None:
            assert "shoe" not in rig.database.schema()
            assert session.pending(rig.at() or ()) == ("1",)
            assert session.apply("1", FOR_EVER, nothing).error is None
        return attempt


@in_process
def test_a_migration_is_taken_back_and_run_again(rig: Rig, kit: Kit) -> None:
    assert taken_back(rig, DOWN[kit.tool]).error is None
    assert "shoe" in rig.database.schema()


@every_kit
def test_a_migration_without_a_way_back_says_so_and_nothing_is_run(rig: Rig, kit: Kit) -> None:
    attempt = taken_back(rig, "")
    assert attempt.error is not None
    assert attempt.error.cause is Cause.IRREVERSIBLE
    assert "shoe" in rig.database.schema()


@in_process
def test_a_way_back_that_is_not_implemented_is_none(rig: Rig, kit: Kit) -> None:
    argument = "" if kit.tool == "alembic" else "engine"
    attempt = taken_back(rig, f"\ndef downgrade({argument}):\n    raise NotImplementedError('there are backups')\n")
    assert attempt.error is not None
    assert (attempt.error.cause, attempt.error.message.endswith("there are backups")) == (Cause.IRREVERSIBLE, True)


@in_process
def test_a_way_back_that_fails_is_an_error_as_of_any_step(rig: Rig, kit: Kit) -> None:
    attempt = taken_back(rig, DOWN[kit.tool].replace("DROP TABLE shoe", "DROP TABLE show"))
    assert attempt.error is not None
    assert attempt.error.cause is Cause.RAISED


# Models

MODELS = """
from sqlalchemy import Column, Integer, MetaData, String, Table
metadata = MetaData()
Table("shoe", metadata, Column("id", Integer, primary_key=True), Column("name", String(50)), Column("price", Integer))
"""
IN_ENV = ENV.replace("configure(connection=connection)", "configure(connection=connection, target_metadata=metadata)")


MADE = {**THREE, "1": 'run("CREATE TABLE shoe (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(50))")'}


def compared(rig: Rig, models: str | None, tool: AgentTool | None = None) -> tuple[str, ...] | None:
    tool = tool or rig.tool
    with tool.session(rig.tree, rig.database.address) as session:
        session.prepare(None)
        for revision in session.pending(()):
            assert session.apply(revision, FOR_EVER, nothing).error is None
        return session.compare(models)


@pytest.mark.parametrize("kit", [ALEMBIC, OLD_ALEMBIC], ids=str)
@pytest.mark.parametrize("flavor", ["sqlite", "mariadb"])
def test_models_that_match_the_database_have_no_difference(rig: Rig, kit: Kit, flavor: str) -> None:
    rig.write(MADE)
    put(rig.project, "shop/models.py", MODELS)
    assert compared(rig, "shop.models:metadata") == ()


@pytest.mark.parametrize("kit", [ALEMBIC, OLD_ALEMBIC], ids=str)
def test_what_only_the_models_or_only_the_database_have_is_told(rig: Rig, kit: Kit) -> None:
    rig.write(MADE)
    models = MODELS.replace('Column("price"', 'Column("cost", Integer), Column("size"')
    models = models.replace('Column("name", String(50))', 'Column("name", String(50), nullable=False)')
    put(rig.project, "models.py", models + 'Table("hat", metadata, Column("id", Integer, primary_key=True))\n')
    told = compared(rig, "models:metadata")
    assert told is not None
    assert sorted(told) == [
        "add_column shoe.cost",
        "add_column shoe.size",
        "add_table hat",
        "modify_nullable shoe.name: True in the database, False in the models",
        "remove_column shoe.price",
    ]


def test_without_a_name_the_models_are_those_of_env(rig: Rig) -> None:
    rig.write(MADE)
    put(rig.project, "models.py", MODELS.replace('Column("price", Integer)', ""))
    put(rig.project, "migrations/env.py", "from models import metadata\n" + IN_ENV)
    assert compared(rig, None) == ("remove_column shoe.price",)


@every_kit
def test_without_models_there_is_nothing_to_compare_with(rig: Rig, kit: Kit) -> None:
    rig.write(MADE)
    assert compared(rig, None) is None


@pytest.mark.parametrize(
    ("name", "message"), [("models:Base", "No module named 'models'"), ("os:path", "os:path has no models")]
)
def test_models_that_cannot_be_loaded_are_told(rig: Rig, name: str, message: str) -> None:
    rig.write(MADE)
    with pytest.raises(HistoryFailed, match=message):
        compared(rig, name)


SAYING = """
import os

from sqlalchemy import Column, Integer, MetaData, String, Table

metadata = MetaData()
kind = "null" if os.path.exists({log!r}) else "name"
Table("shoe", metadata, Column("id", Integer), Column("name", String(50), info={"anonymize": kind}))
"""


@pytest.mark.parametrize("kit", [ALEMBIC, COMMAND], ids=str)
def test_what_models_say_of_their_columns_is_told_in_the_sandbox_of_the_migrations(rig: Rig, kit: Kit) -> None:
    rig.write(THREE)
    put(rig.project, "models.py", SAYING.replace("{log!r}", repr(str(rig.log))))
    tool = rig.tool
    marked = Markups().read(None, ("models:metadata", tool.models(rig.tree, "models:metadata")))
    assert marked.markup.columns == (("shoe", "name", "name"),)
    assert {one.column.name: one.module for one in marked.modelled} == {"shoe.id": "models", "shoe.name": "models"}
    (rig.project / "models.py").unlink()
    assert tool.models(rig.tree, "models:metadata"), "they are asked once"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "No module named 'models'"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("import os\nos._exit(3)", "the project's tool could not be asked: its process ended with status 3"),
        ("import os\n[os.write(n, b'{}\\n') for n in range(3, 20) if os.path.exists(f'/proc/self/fd/{n}')]",
         "something else than the agent wrote to its channel"),
        ("metadata = 7", "models:metadata is neither a declarative base nor a registry nor a MetaData"),
    ],
)  # fmt: skip
def test_models_that_tell_nothing_are_a_failure_with_its_reason(rig: Rig, text: str, message: str) -> None:
    rig.write(THREE)
    if text:
        put(rig.project, "models.py", text)
    with pytest.raises(HistoryFailed, match=message):
        rig.tool.models(rig.tree, "models:metadata")


# On MariaDB


@on_mariadb
@every_kit
def test_what_a_migration_did_is_measured_by_the_server(rig: Rig, kit: Kit, flavor: str) -> None:
    steps = rig.walk(THREE)
    assert [step.outcome for step in steps] == [Outcome.APPLIED] * 3
    (alter,) = [one for one in steps[2].work.statements if one.digest.startswith("ALTER")]
    assert (alter.table, alter.algorithm) == ("shoe", Algorithm.INSTANT)
    (insert,) = [one for one in steps[1].work.statements if one.table == "shoe"]
    assert insert.rows_changed == 2


@on_mariadb
@in_process
def test_a_statement_that_does_not_end_is_ended_on_the_server_too(rig: Rig, flavor: str) -> None:
    (step,) = rig.walk({"1": 'run("SELECT SLEEP(1000)")'}, timeout_seconds=2.0)
    assert step.error is not None
    assert (step.outcome, step.error.cause) == (Outcome.TIMEOUT, Cause.TIMEOUT)
    ((running,),) = migrate(
        rig.database, "SELECT count(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(1000)'"
    )
    assert running == 0


@on_mariadb
@in_process
def test_a_step_that_is_said_to_be_done_while_its_statement_runs_is_found_out(rig: Rig, flavor: str) -> None:
    says_done_for_the_first_request = """
import json, os, stat
for descriptor in range(3, 256):
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            for number in range(4, 9):
                os.write(descriptor, (json.dumps({"id": number}) + "\\n").encode())
    except OSError:
        pass
run("SELECT SLEEP(2)")
raise KeyError("uuid")
"""
    (step,) = rig.walk({"1": says_done_for_the_first_request})
    assert step.error is not None
    assert (step.outcome, step.error.cause) == (Outcome.FAILED, Cause.ENDED)


@on_mariadb
@in_process
def test_what_a_migration_leaves_for_the_end_of_its_process_is_its_step_s_work(rig: Rig, flavor: str) -> None:
    body = f"""
import atexit
run("CREATE TABLE late (id INT)")
engine = {ENGINES[rig.kit.tool]}
def at_the_end():
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO late SELECT seq FROM seq_1_to_5000")
atexit.register(at_the_end)
"""
    (step,) = rig.walk({"1": body})
    assert (step.outcome, step.error) == (Outcome.APPLIED, None)
    assert step.work.rows_changed is not None
    assert step.work.rows_changed > 5000


@on_mariadb
@in_process
def test_rows_that_a_migration_hides_from_its_own_process_are_counted(rig: Rig, flavor: str) -> None:
    body = """
from sqlalchemy import event
connection = op.get_bind() if "op" in locals() else engine.connect()
raw = connection.connection.cursor()
raw.execute("CREATE TABLE hidden (id INT)")
raw.execute("INSERT INTO hidden SELECT seq FROM seq_1_to_1000")
"""
    (step,) = rig.walk({"1": body})
    assert step.error is None
    assert step.work.rows_changed is not None
    assert step.work.rows_changed >= 1000
