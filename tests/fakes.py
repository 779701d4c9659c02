"""Twins of the ports that need no server, no interpreter and no git: what use cases are tested with."""

from __future__ import annotations

import itertools
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from migci.adapters.dumps import sources
from migci.adapters.scripts.trees import LONGEST_BYTES, normal
from migci.core.history import History, Revision
from migci.core.markup import Column
from migci.core.own_tests import OwnTest, Places
from migci.core.run import Commit, Part, ServerFacts
from migci.core.scripts import Listing
from migci.core.snapshot import Snapshot
from migci.core.step import Cause, Step, StepError, Work
from migci.errors import MigciError, UsageError
from migci.ports import (
    Address,
    Attempt,
    Clone,
    Conflict,
    Entry,
    EntryKind,
    Files,
    HookFailed,
    RestoreFailed,
    Size,
    SnapshotGone,
    Tree,
    ValueSink,
    VersionTable,
)

UNMEASURED = Work()

Disk = dict[Path, str]
"""Folders of fake databases, by their paths: the statements that make what is in them."""

VERSIONS = VersionTable("fake_version", "revision")


class FakeClock:
    """Stands still until it is advanced."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class FakeDatabase:
    """A `Database` in memory. It is told what a step did to it, since nobody can see that here."""

    def __init__(self, data: Path, disk: Disk) -> None:
        self.disk = disk
        self.address = Address("fake", data / "db.sock", "main", "migration", "secret")
        self.work = Work()
        self.wrong: StepError | None = None
        self.settles: float | None = 0.0
        self.sessions_ended = 0
        self.scripts: list[str] = []
        self.planted: list[dict[str, str]] = []
        self._sql = sqlite3.connect(":memory:", isolation_level=None)
        self._sql.executescript(disk[data])

    def execute(self, sql: str, parameters: tuple[str, ...] = ()) -> list[tuple[object, ...]]:
        return self._sql.execute(sql, parameters).fetchall()

    def reach(self, revision: str, parents: Iterable[str] = ()) -> None:
        """What a tool does to its version table when a migration is done."""
        self.execute(f"CREATE TABLE IF NOT EXISTS {VERSIONS.table} ({VERSIONS.column} TEXT)")
        for parent in parents:
            self.execute(f"DELETE FROM {VERSIONS.table} WHERE {VERSIONS.column} = ?", (parent,))
        self.execute(f"INSERT INTO {VERSIONS.table} VALUES (?)", (revision,))

    def restore(self, source: str, progress: Callable[[int, int], None]) -> tuple[str, ...]:
        name = Path(source).name
        text = b"".join(sources.read(Path(source), progress))
        try:
            self._sql.executescript(text.decode())
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise RestoreFailed(f"the dump {name} cannot be loaded: {error}") from error
        if not self.schema():
            raise RestoreFailed(f"the dump {name} holds no tables")
        return ()

    def run(self, script: Path) -> None:
        self.scripts.append(script.name)
        try:
            self._sql.executescript(script.read_text())
        except (OSError, sqlite3.Error) as error:
            raise HookFailed(f"{script.name} cannot be run: {error}") from error

    def size(self) -> Size:
        rows = [self.execute(f"SELECT count(*) FROM {table}")[0][0] for table in self.schema()]
        return Size(len(rows), sum(int(str(count)) for count in rows), 4096 * len(rows))

    def schema(self) -> dict[str, str]:
        return {str(name): str(sql) for name, sql in self.execute("SELECT name, sql FROM sqlite_master")}

    def columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(
                table,
                str(name),
                str(kind).upper().startswith(("TEXT", "VARCHAR")),
                refers=tuple(
                    (str(other), str(its))
                    for _, _, other, own, its, *_ in self.execute(f"PRAGMA foreign_key_list({table})")
                    if own == name
                ),
                generated=hidden in (2, 3),
            )
            for table in sorted(self.schema())
            for _, name, kind, _, _, _, hidden in self.execute(f"PRAGMA table_xinfo({table})")
        )

    def pour(self, columns: tuple[str, ...], sink: ValueSink) -> None:
        for number, name in enumerate(columns):
            table, _, column = name.partition(".")
            for (value,) in self.execute(f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
                sink.add(number, str(value).encode())

    def plant(self, tokens: Mapping[str, str]) -> tuple[str, ...]:
        self.planted.append(dict(tokens))
        return tuple(tokens)

    def versions(self, table: VersionTable) -> tuple[str, ...] | None:
        if table.table not in self.schema():
            return None
        where = " AND ".join(f"{column} = ?" for column, _ in table.where) or "1"
        values = tuple(value for _, value in table.where)
        return tuple(
            str(value)
            for (value,) in self.execute(f"SELECT {table.column} FROM {table.table} WHERE {where}", values)
            if value is not None
        )

    def begin_work(self) -> None:
        self.work = Work()

    def settle(self, patience_seconds: float) -> float | None:
        return self.settles

    def sample(self) -> None: ...

    def end_work(self) -> Work:
        work, self.work = self.work, Work()
        return work

    def end_sessions(self) -> None:
        self.sessions_ended += 1

    def trouble(self) -> StepError | None:
        return self.wrong

    def shell(self) -> list[str]:
        return ["true"]

    def rest(self) -> None:
        self.disk[self.address.socket.parent] = "\n".join(self._sql.iterdump())


class FakeServer:
    """A `DatabaseServer`. `live` holds the running databases by their socket; `fails` is raised at a start.

    What a database holds is on the `disk` from the moment when it is at rest.
    """

    flavor = "fake"
    in_process = False

    def __init__(
        self,
        fails: MigciError | None = None,
        options: tuple[str, ...] = (),
        lasting_options: tuple[str, ...] = (),
        version: str = "1.0",
    ) -> None:
        self.fails = fails
        self.disk: Disk = {}
        self.live: dict[Path, FakeDatabase] = {}
        self.started: list[str] = []
        """For each start what it was for: to load a dump, or to measure."""
        self.planted: list[dict[str, str]] = []
        """The tokens that were to be planted, each time."""
        self._options = options
        self._lasting_options = lasting_options
        self._version = version

    def facts(self) -> ServerFacts:
        return ServerFacts(self.flavor, self._version)

    def options(self) -> tuple[str, ...]:
        return self._options

    def lasting_options(self) -> tuple[str, ...]:
        return self._lasting_options

    def initialize(self, data: Path) -> None:
        self.disk[data] = ""

    @contextmanager
    def start(self, clone: Clone, database: str | None = None, *, loading: bool = False) -> Iterator[FakeDatabase]:
        self.started.append("loading" if loading else "measuring")
        if self.fails and not loading:
            raise self.fails
        live = FakeDatabase(clone.data, self.disk)
        live.planted = self.planted
        self.live[live.address.socket] = live
        try:
            yield live
        finally:
            del self.live[live.address.socket]


@dataclass
class FakeClone:
    """A `Clone` on a fake disk."""

    data: Path
    disk: Disk
    way: str = "fake"

    def command(self, words: list[str]) -> list[str]:
        return words

    def move_to(self, folder: Path) -> None:
        self.disk[folder] = self.disk.pop(self.data)


class FakeStore:
    """A `SnapshotStore` on a fake disk. `kept` are its snapshots in the order in which they came."""

    def __init__(self, disk: Disk) -> None:
        self.kept: dict[str, Snapshot] = {}
        self._disk = disk
        self._numbers = itertools.count()
        self._in_use: list[str] = []

    def find(self, id: str) -> Snapshot | None:
        return self.kept.get(id)

    def all(self) -> tuple[Snapshot, ...]:
        return tuple(self.kept.values())

    def identity(self, source: str) -> str:
        path = Path(source)
        return path.read_text() if path.exists() else source

    @contextmanager
    def making(self, id: str, wait: Callable[[], None]) -> Iterator[None]:
        yield

    @contextmanager
    def new(self, *, visible: bool) -> Iterator[FakeClone]:
        clone = FakeClone(Path("/fake", str(next(self._numbers))), self._disk)
        try:
            yield clone
        finally:
            self._disk.pop(clone.data, None)

    @contextmanager
    def clone(self, snapshot: Snapshot, *, visible: bool) -> Iterator[FakeClone]:
        if snapshot.id not in self.kept:
            raise SnapshotGone(f"snapshot {snapshot.id} of {snapshot.dataset!r} is not in the store any more")
        self._in_use.append(snapshot.id)
        try:
            with self.new(visible=visible) as clone:
                self._disk[clone.data] = self._disk[Path(snapshot.id)]
                yield clone
        finally:
            self._in_use.remove(snapshot.id)

    def keep(self, clone: Clone, snapshot: Snapshot) -> None:
        clone.move_to(Path(snapshot.id))
        self.kept[snapshot.id] = snapshot

    def damage(self, snapshot: Snapshot) -> tuple[str, ...]:
        return ()

    def remove(self, snapshot: Snapshot) -> bool:
        if snapshot.id in self._in_use:
            return False
        self.kept.pop(snapshot.id, None)
        self._disk.pop(Path(snapshot.id), None)
        return True


class FakeWarmClones:
    """`WarmClones` that never have one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    @contextmanager
    def take(self, dataset: str, snapshot: Snapshot) -> Iterator[None]:
        self.asked.append((dataset, snapshot.id))
        yield None


@dataclass(frozen=True)
class Migration:
    """One migration of a fake tool: what it does when it runs, and what the server tells of that afterwards.

    `makes` is a statement that it executes, `forgets` are revisions that it takes out of the version table.
    """

    id: str
    seconds: float = 1.0
    parents: tuple[str, ...] | None = None
    text: str = ""
    error: StepError | None = None
    work: Work = UNMEASURED
    trouble: StepError | None = None
    reaches: bool = True
    forgets: tuple[str, ...] = ()
    makes: str = ""
    at_finish: StepError | None = None
    reversible: bool = True


def chain(*migrations: Migration | str) -> tuple[Migration, ...]:
    """Migrations that follow one another, as far as they do not name their parents; a bare name is one that is well."""
    return tuple(one if isinstance(one, Migration) else Migration(one) for one in migrations)


def history_of(migrations: Iterable[Migration], surroundings: str = "") -> History:
    revisions: list[Revision] = []
    for one in migrations:
        parents = one.parents if one.parents is not None else tuple(r.id for r in revisions[-1:])
        revisions.append(Revision(one.id, parents, (f"versions/{one.id}.py",), digest=f"digest of {one.id}{one.text}"))
    return History(tuple(revisions), surroundings=surroundings)


@dataclass
class FakeTool:
    """A `MigrationTool`. `trees` tells, by the id of a commit, its migrations, or why they cannot be read."""

    clock: FakeClock
    server: FakeServer
    trees: Mapping[str, tuple[Migration, ...] | MigciError]
    table: VersionTable | None = VERSIONS
    cannot_start: MigciError | None = None
    name: str = "fake"
    surroundings: str = ""
    tests: Places = field(default_factory=Places)
    tested: Mapping[str, dict[Part, StepError | str | None]] = field(default_factory=dict)
    """The revisions that have a test, and how its parts end: well, with an error, or with a reason to skip."""
    ran: list[tuple[str, str]] = field(default_factory=list)
    """The commit and the revision of every migration that was run."""
    prepared: list[str | None] = field(default_factory=list)
    commands: list[tuple[str, ...]] = field(default_factory=list)
    modelled: Mapping[str, Mapping[str, Any] | MigciError] = field(default_factory=dict)
    """What the models of a commit say, or why they cannot be asked."""

    def models(self, tree: Tree, name: str) -> Mapping[str, Any]:
        found = self.modelled[tree.commit.id]
        if isinstance(found, MigciError):
            raise found
        return found

    def history(self, tree: Tree) -> History:
        return history_of(self.migrations(tree), self.surroundings)

    def migrations(self, tree: Tree) -> tuple[Migration, ...]:
        found = self.trees[tree.commit.id]
        if isinstance(found, MigciError):
            raise found
        return found

    def texts(self, tree: Tree) -> Iterable[bytes]:
        return ()

    def own_tests(self, tree: Tree, history: History) -> tuple[OwnTest, ...]:
        known = (revision.id for revision in history.revisions)
        return tuple(OwnTest(id_, f"versions/tests/{id_}_test.py") for id_ in known if id_ in self.tested)

    def version_table(self, tree: Tree) -> VersionTable | None:
        return self.table

    @contextmanager
    def session(self, tree: Tree, address: Address) -> Iterator[FakeSession]:
        if self.cannot_start:
            raise self.cannot_start
        yield FakeSession(self, tree, self.server.live[address.socket])

    def run(self, tree: Tree, address: Address, command: tuple[str, ...]) -> None:
        self.commands.append(command)
        if command == ("false",):
            raise HookFailed("'false', run between releases, exited with status 1")


class FakeSession:
    """A `ToolSession` whose migrations take their time on the fake clock."""

    def __init__(self, tool: FakeTool, tree: Tree, database: FakeDatabase) -> None:
        self._tool = tool
        self._tree = tree
        self._database = database
        self._end: StepError | None = None

    def pending(self, seen: Iterable[str]) -> tuple[str, ...]:
        history = self._tool.history(self._tree)
        applied = history.applied(seen)
        return tuple(revision.id for revision in history.revisions if revision.id not in applied)

    def prepare(self, revision: str | None) -> None:
        self._tool.prepared.append(revision)
        if revision is not None and self._tool.table:
            self._database.reach(revision)

    def apply(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        migration = next(one for one in self._tool.migrations(self._tree) if one.id == revision)
        self._tool.ran.append((self._tree.commit.id, revision))
        self._tool.clock.advance(min(migration.seconds, timeout_seconds))
        tick()
        if migration.seconds > timeout_seconds:
            late = f"it was still running after {timeout_seconds:g} s, and was killed"
            return Attempt(timeout_seconds, StepError(Cause.TIMEOUT, late))
        self._database.work = migration.work
        self._database.wrong = migration.trouble
        self._end = migration.at_finish
        if migration.makes:
            self._database.execute(migration.makes)
        if migration.error is None and migration.reaches and self._tool.table:
            parents = self._tool.history(self._tree).by_id[revision].parents
            self._database.reach(revision, (*parents, *migration.forgets))
        return Attempt(migration.seconds, migration.error)

    def revert(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        migration = next(one for one in self._tool.migrations(self._tree) if one.id == revision)
        self._tool.ran.append((self._tree.commit.id, f"{revision} taken back"))
        if not migration.reversible:
            return Attempt(0.0, StepError(Cause.IRREVERSIBLE, "it has no downgrade()"))
        self._database.execute(f"DELETE FROM {VERSIONS.table} WHERE {VERSIONS.column} = ?", (revision,))
        for parent in self._tool.history(self._tree).by_id[revision].parents:
            self._database.reach(parent)
        return Attempt(migration.seconds, None)

    def test(self, own: OwnTest, part: Part, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        end = self._tool.tested[own.revision].get(part)
        seconds = 0.0 if part is Part.IMPORT else 0.25
        if part is not Part.IMPORT:
            self._tool.ran.append((self._tree.commit.id, f"{part} of {own.revision}"))
        return Attempt(seconds, None, skipped=end) if isinstance(end, str) else Attempt(seconds, end)

    def compare(self, models: str | None) -> tuple[str, ...] | None:
        return None

    def finish(self) -> Attempt:
        return Attempt(0.0, self._end)


class FakeGate:
    """A `Gate` that holds the values themselves. What is printed is what `said` is told."""

    def __init__(self, values: Mapping[str, str], tokens: Mapping[str, str]) -> None:
        self.values = dict(values)
        self.tokens = tokens
        self._exposed: set[str] = set()

    def clean(self, text: str, *, literals: bool = True) -> str:
        for value, column in self.values.items():
            if value in text:
                self._exposed.add(column)
                text = text.replace(value, f"[removed: {column}]")
        return text

    def exposed(self) -> tuple[str, ...]:
        found, self._exposed = tuple(sorted(self._exposed)), set()
        return found


class FakeGates:
    """`Gates` in memory. `guards` are the gates that were asked for, and whether what is printed was kept."""

    def __init__(self) -> None:
        self.indexes: dict[str, dict[str, str]] = {}
        self.columns: dict[str, tuple[str, ...]] = {}
        self.guards: list[tuple[str | None, bool]] = []

    def has(self, id: str) -> bool:
        return id in self.indexes

    def make(self, id: str, columns: tuple[str, ...], pour: Callable[[ValueSink], None]) -> None:
        self.columns[id], self.indexes[id] = columns, {}
        pour(_Sink(columns, self.indexes[id]))

    @contextmanager
    def guard(
        self, id: str | None, *, publish: bool, public: Callable[[], Iterable[bytes]] = tuple
    ) -> Iterator[FakeGate]:
        self.guards.append((id, publish))
        tokens = {} if id is None else {column: f"token of {column}" for column in self.columns[id]}
        yield FakeGate({} if id is None else self.indexes[id], tokens)

    def leaked(self, data: bytes) -> bool:
        return b"token of " in data


@dataclass(frozen=True)
class _Sink:
    columns: tuple[str, ...]
    values: dict[str, str]

    def add(self, column: int, value: bytes) -> None:
        self.values[value.decode()] = self.columns[column]

    def add_rows(self, columns_of_the_fields: Sequence[int], chunk: bytes) -> None:
        raise AssertionError("a fake database has no client")


@dataclass(frozen=True)
class FakeFiles:
    """`Files` in memory: each path with its bytes, or with `None` for a link."""

    name: str
    files: Mapping[str, bytes | None] = field(default_factory=dict)

    def kind(self, path: str) -> EntryKind | None:
        path = normal(path)
        for above in (path, *map(str, PurePosixPath(path).parents)):
            if above in self.files and self.files[above] is None:
                return EntryKind.LINK
        if path in self.files:
            return EntryKind.FILE
        return EntryKind.FOLDER if not path or any(file.startswith(f"{path}/") for file in self.files) else None

    def entries(self, folder: str, *, below: bool = False) -> tuple[Entry, ...]:
        own = PurePosixPath(normal(folder))
        if self.kind(folder) is not EntryKind.FOLDER:
            return ()
        found = {}
        for file in self.files:
            for path in (PurePosixPath(file), *PurePosixPath(file).parents):
                kind = self.kind(str(path))
                if kind is not None and own in path.parents and (below or path.parent == own):
                    found[str(path)] = Entry(str(path), kind)
        return tuple(found[path] for path in sorted(found))

    def read(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        contents = (self.files.get(normal(path)) for path in paths)
        return tuple(one if one is None or len(one) <= LONGEST_BYTES else None for one in contents)


class FakeScripts:
    """A `ScriptReader` that knows its listings by the ids of commits; an error in the place of one is raised."""

    def __init__(self, listings: Mapping[str, Listing | MigciError]) -> None:
        self.listings = listings

    def read(self, files: Files, *, thorough: bool = True) -> Listing:
        found = self.listings[files.name]
        if isinstance(found, MigciError):
            raise found
        return found


class FakeRepository:
    """A `Repository` of commits without content. The id of a commit is what its ref is called in `refs`."""

    def __init__(self, refs: Mapping[str, str], merged: Commit | Conflict | None = None) -> None:
        self.brings: tuple[str, ...] = ()
        self.holds: dict[str, dict[str, bytes | None]] = {}
        self.left: Commit | None = None
        self.refs = refs
        self.merged = merged
        self.merges: list[tuple[Commit, Commit]] = []
        self.birthplaces: dict[str, Commit] = {}

    def commit(self, ref: str) -> Commit:
        if ref not in self.refs:
            raise UsageError(f"there is no commit {ref!r}")
        return Commit(ref, self.refs[ref])

    def working_tree(self) -> Commit:
        return self.commit("working tree")

    def merge(self, trunk: Commit, proposed: Commit) -> Commit | Conflict:
        self.merges.append((trunk, proposed))
        return self.merged or proposed

    def tree(self, commit: Commit) -> Tree:
        return Tree(commit, Path("/trees", commit.id), Path("/trees", commit.id))

    def texts(self, tree: Tree) -> Iterable[bytes]:
        return ()

    def added(self, trunk: Commit, landed: Commit) -> tuple[str, ...]:
        return self.brings

    def files(self, commit: Commit) -> FakeFiles:
        return FakeFiles(commit.id, self.holds.get(commit.id, {}))

    def parting(self, trunk: Commit, proposed: Commit) -> Commit | None:
        return self.left

    def added_in(self, commit: Commit, file: str) -> Commit:
        return self.birthplaces.get(file, commit)


class RecordingObserver:
    """Keeps what it is told, in the order in which it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def dataset_started(self, name: str, position: int, total: int) -> None:
        self.heard.append(f"dataset {name}, {position + 1} of {total}")

    def restoring(self, done_bytes: int, total_bytes: int) -> None:
        self.heard.append(f"restoring {done_bytes} of {total_bytes}")

    def stage_started(self, stage: str, revisions: tuple[Revision, ...]) -> None:
        self.heard.append(f"stage {stage}: {' '.join(revision.id for revision in revisions)}")

    def step_started(self, name: str) -> None:
        self.heard.append(f"step {name}")

    def step_ended(self, step: Step) -> None:
        self.heard.append(f"step {step.name} {step.outcome}")

    def note(self, sentence: str) -> None:
        self.heard.append(sentence)


def dump_at(folder: Path, *revisions: str, rows: int = 3) -> Path:
    """A dump of a fake database at `revisions`: a table `thing` with rows, and a version table."""
    name = re.sub(r"\W", "-", "-".join(revisions)) or "nowhere"
    lines = ["CREATE TABLE thing (id INTEGER);"]
    lines += [f"INSERT INTO thing VALUES ({number});" for number in range(rows)]
    if revisions:
        lines.append(f"CREATE TABLE {VERSIONS.table} ({VERSIONS.column} TEXT);")
    lines += [f"INSERT INTO {VERSIONS.table} VALUES ('{revision}');" for revision in revisions]
    path = folder / f"at-{name}.sql"
    path.write_text("\n".join(lines) + "\n")
    return path
