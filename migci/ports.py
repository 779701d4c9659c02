"""What the use cases need from the world outside; each adapter implements one of these, and so does its fake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from migci.core.history import History, Revision
from migci.core.markup import Column, Markup, Modelled
from migci.core.naming import Move
from migci.core.own_tests import OwnTest, Places
from migci.core.run import Commit, Part, ServerFacts
from migci.core.scripts import Listing
from migci.core.snapshot import Snapshot
from migci.core.step import Step, StepError, Work
from migci.errors import Exit, MigciError, UsageError


class ServerFailed(MigciError):
    """A throwaway database server did not start, or went away."""


class RestoreFailed(MigciError):
    """A dataset's source could not be loaded."""


class CloneFailed(MigciError):
    """A snapshot could not be cloned, so there was nothing to migrate."""


class SnapshotGone(CloneFailed):
    """A snapshot is not there any more, or not as it was kept. Made anew, it is there."""


class StoreFailed(MigciError):
    """The place where snapshots are kept cannot be used."""


class HookFailed(MigciError):
    """What is run between two releases failed on the clone."""


class DiskFull(MigciError):
    """The disk that holds the clones is full."""


class EnvironmentFailed(MigciError):
    """The project's environment could not be built, or its tool could not be started in it."""


class HistoryFailed(MigciError):
    """The tool could not read a tree's migrations. `message` holds what it said."""


class OwnTestsFailed(MigciError):
    """The place that a project names for the tests of its migrations cannot be read."""


@dataclass(frozen=True)
class Address:
    """Where a migration finds its database, and as whom.

    `socket` is the server's unix socket; with flavor "sqlite" it is the database's file.
    """

    flavor: str
    socket: Path
    database: str
    user: str = ""
    password: str = ""


@dataclass(frozen=True)
class Size:
    """How much a database holds. `rows` are counted; `bytes` come from the server's own statistics."""

    tables: int
    rows: int
    bytes: int


class ValueSink(Protocol):
    """Takes confidential values, each with the place of its column in a list that both sides know."""

    def add(self, column: int, value: bytes) -> None: ...

    def add_rows(self, columns_of_the_fields: Sequence[int], chunk: bytes) -> None:
        """Any piece of what `mariadb --batch --skip-column-names` prints."""


@dataclass(frozen=True)
class VersionTable:
    """Where a tool keeps the revision of a database; `where` picks the rows that are this project's."""

    table: str
    column: str
    where: tuple[tuple[str, str], ...] = ()


class Database(Protocol):
    """A running throwaway database, as its owner sees it. Every call raises ServerFailed when it does not answer.

    The migration gets `address`, an account that owns one database and nothing else; all that is told here comes
    over an account of migci's own.
    """

    address: Address

    def restore(self, source: str, progress: Callable[[int, int], None]) -> tuple[str, ...]:
        """Load the dump `source`, a path or a URL. `progress` is told bytes done and bytes in all.

        Returns what the server warned of, a sentence each, without values. Raises RestoreFailed with the place and
        the server's own words, UsageError, and DiskFull.
        """

    def run(self, script: Path) -> None:
        """Execute a SQL file in the database. Raises HookFailed with the server's own words."""

    def size(self) -> Size: ...

    def schema(self) -> dict[str, str]:
        """Each table's name and its definition, without what changes by itself (such as the next AUTO_INCREMENT)."""

    def columns(self) -> tuple[Column, ...]:
        """All columns of its tables."""

    def pour(self, columns: tuple[str, ...], sink: ValueSink) -> None:
        """Give all values of these columns (`table.column`) to `sink`, by their places in `columns`."""

    def plant(self, tokens: Mapping[str, str]) -> tuple[str, ...]:
        """Put tokens into columns, in place of one value each, where no migration should mind; returns which columns.

        Those are left alone that are part of a key, of a table that has no row or a trigger, or hold what has a shape.
        """

    def versions(self, table: VersionTable) -> tuple[str, ...] | None:
        """The revisions that the database says it is at; `None` if there is no such table."""

    def begin_work(self) -> None:
        """Start counting what the migration's account does from here on."""

    def settle(self, patience_seconds: float) -> float | None:
        """Wait until nothing is running that the migration's account began, whoever said that it is done.

        Returns the seconds that it took, or `None` if something still runs after `patience_seconds`.
        """

    def sample(self) -> None:
        """Look at what is going on right now; the more often it is called, the finer is what it measures.

        Only what cannot be known afterwards is measured so: for how long writes were blocked.
        """

    def end_work(self) -> Work:
        """What the migration's account did since `begin_work`, or since this was last asked: nothing falls between."""

    def end_sessions(self) -> None:
        """End all that the migration's account is doing, and its connections."""

    def trouble(self) -> StepError | None:
        """What, seen from outside, keeps this database from working: no answer (SERVER), a full disk (DISK).

        `None` if all is well. A full disk counts if a statement met it since `begin_work`, also when its space is
        free again.
        """

    def shell(self) -> list[str]:
        """The command that opens the flavor's own client on the database."""

    def rest(self) -> None:
        """Shut down in order, so that the files on disk are the whole database and can be cloned.

        Nothing that was made for this run alone is left in them. Nothing else may be called afterwards.
        """


class Clone(Protocol):
    """A writable copy of a snapshot's files."""

    @property
    def data(self) -> Path:
        """Where the files are, for a command started by `command`; for every other process too if its way shows them.

        What belongs to the clone besides its files may be put beside it.
        """

    @property
    def way(self) -> str:
        """How it was made."""

    def command(self, words: list[str]) -> list[str]:
        """`words`, so started that they see the files at `data`."""

    def move_to(self, folder: Path) -> None:
        """Make the files, as they are now, the content of `folder`, which is not there yet; the clone is used up.

        `folder` is on the same filesystem. Nothing may have the files open.
        """


class DatabaseServer(Protocol):
    """One flavor of database server, able to run privately on a clone."""

    flavor: str

    in_process: bool
    """Whether it has no process of its own: its files are opened by whoever asks, so all must see them."""

    def facts(self) -> ServerFacts:
        """Which server it is. Raises UsageError when there is none on this machine, with how to get one."""

    def lasting_options(self) -> tuple[str, ...]:
        """Those of its options that what it writes may depend on."""

    def options(self) -> tuple[str, ...]:
        """All options that it is given by the settings."""

    def initialize(self, data: Path) -> None:
        """Fill the empty folder `data` with what a server needs to start. Raises ServerFailed, DiskFull."""

    def start(
        self, clone: Clone, database: str | None = None, *, loading: bool = False
    ) -> AbstractContextManager[Database]:
        """A server on `clone`, with `database`, or an empty one where `None` is named; it has ended on exit.

        It is reached over one unix socket and in no other way. With `loading` it is set up for nothing but `restore`
        and `rest`, and measures nothing. Raises ServerFailed with the end of its log.
        """


class SnapshotStore(Protocol):
    """Where snapshots are kept: immutable, found by their ids, whole or not there at all."""

    def find(self, id: str) -> Snapshot | None:
        """The snapshot of this id, if it is there and whole."""

    def all(self) -> tuple[Snapshot, ...]: ...

    def identity(self, source: str) -> str:
        """What tells the content of a dump from every other. Raises RestoreFailed, UsageError."""

    def making(self, id: str, wait: Callable[[], None]) -> AbstractContextManager[None]:
        """Be the only one that makes the snapshot `id`; `wait` is called once if somebody else is at it already.

        Look for it again when it is your turn: it may be there.
        """

    def new(self, *, visible: bool) -> AbstractContextManager[Clone]:
        """A clone of nothing: an empty folder, gone on exit, whose files can be kept."""

    def clone(self, snapshot: Snapshot, *, visible: bool) -> AbstractContextManager[Clone]:
        """A writable copy of `snapshot`, gone on exit whatever happened; with `visible`, every process sees its files.

        The snapshot is never written, and not removed meanwhile. Raises CloneFailed with the way and the reason, and
        DiskFull.
        """

    def keep(self, clone: Clone, snapshot: Snapshot) -> None:
        """Make the files of `clone` the snapshot; nothing of it is there before all of it is.

        Nothing may have the files open. Raises StoreFailed, DiskFull.
        """

    def damage(self, snapshot: Snapshot) -> tuple[str, ...]:
        """Read all its files, and tell which are not as they were kept, a sentence each."""

    def remove(self, snapshot: Snapshot) -> bool:
        """Take it out of the store, unless it is in use; returns whether it is gone."""


@dataclass(frozen=True)
class Warm:
    """A database that runs already, on a fresh clone; `way` is how that was cloned."""

    database: Database
    way: str


class Gate(Protocol):
    """What must not be seen does not pass it."""

    def clean(self, text: str, *, literals: bool = True) -> str:
        """`text` without the dataset's confidential values, secrets, and, with `literals`, those of statements."""

    def exposed(self) -> tuple[str, ...]:
        """The columns whose values were removed since this was last asked, from texts and from what was printed."""

    @property
    def tokens(self) -> Mapping[str, str]:
        """Values to plant, each with its column: the gate knows them as it knows the others."""


class Gates(Protocol):
    """Where gates come from.

    What they know of a dataset is an index, which is kept by an id that begins with that of its snapshot, and a dash.
    """

    def has(self, id: str) -> bool: ...

    def make(self, id: str, columns: tuple[str, ...], pour: Callable[[ValueSink], None]) -> None:
        """Keep an index of the values that `pour` gives. Raises StoreFailed, DiskFull."""

    def guard(
        self, id: str | None, *, publish: bool, public: Callable[[], Iterable[bytes]] = tuple
    ) -> AbstractContextManager[Gate]:
        """A gate that knows an index, or none; until exit all that is logged passes it.

        What processes print is looked at, and kept only with `publish`.
        """

    def leaked(self, data: bytes) -> bool:
        """Whether `data` holds a token that one of the gates had to plant, in whatever encoding."""


@dataclass(frozen=True)
class Marked:
    """What a file and the models say together. Where both speak of a column the file wins, and a note says so.

    `modelled` are the columns of the models; nothing where these say nothing.
    """

    markup: Markup
    modelled: tuple[Modelled, ...] = ()
    notes: tuple[str, ...] = ()


class MarkupReader(Protocol):
    """Reads markup; what it reads may be a patch's."""

    def read(self, file: tuple[str, str] | None, told: tuple[str, Mapping[str, Any]] | None) -> Marked:
        """The markup of a file (its name and text), and of models (their name and what `MigrationTool.models` gave).

        Raises UsageError for what is not understood.
        """


class WarmClones(Protocol):
    """Clones that were made ready ahead of time."""

    def take(self, dataset: str, snapshot: Snapshot) -> AbstractContextManager[Warm | None]:
        """A clone of `snapshot` that nobody else has had, if one is ready; it and its server are gone on exit."""


@dataclass(frozen=True)
class Tree:
    """One commit's files on disk, and the folder in them that holds the project."""

    commit: Commit
    root: Path
    project: Path


@dataclass(frozen=True)
class Conflict:
    """The files on which a patch and trunk cannot be merged."""

    files: tuple[str, ...]


class Repository(Protocol):
    """The git repository of the project under test; never written to."""

    def commit(self, ref: str) -> Commit:
        """Raises UsageError when there is no such ref."""

    def working_tree(self) -> Commit:
        """The working tree as a commit: HEAD where nothing is changed, else HEAD with what is not committed."""

    def merge(self, trunk: Commit, proposed: Commit) -> Commit | Conflict:
        """What would land: `proposed` merged onto the tip of `trunk`."""

    def tree(self, commit: Commit) -> Tree:
        """The files of `commit`, in a temporary folder that lives as long as the repository is open."""

    def texts(self, tree: Tree) -> Iterable[bytes]:
        """What stands in the project's files of `tree`, as far as these are text, and not so large as to be data."""

    def files(self, commit: Commit) -> Files:
        """The project's files as they are in `commit`, for as long as the repository is open."""

    def parting(self, trunk: Commit, proposed: Commit) -> Commit | None:
        """The newest commit that both come from: where the patch left trunk. `None` where there is none."""

    def added(self, trunk: Commit, landed: Commit) -> tuple[str, ...]:
        """The files of the project that `landed` has and `trunk` has not, relative to the project."""

    def added_in(self, commit: Commit, file: str) -> Commit:
        """The commit, up to `commit`, that brought `file`."""


class EntryKind(StrEnum):
    """What a name in a tree stands for."""

    FILE = "file"
    LINK = "link"
    FOLDER = "folder"
    OTHER = "other"


@dataclass(frozen=True)
class Entry:
    """A name in a tree; `path` is relative to the project."""

    path: str
    kind: EntryKind


class Files(Protocol):
    """The project's files of one commit, or of the working tree as it lies on disk, also in the middle of a merge.

    Nothing is checked out, and no link is followed. Paths are relative to the project, with slashes; what is no UTF-8
    in them is as `os.fsdecode` gives it.
    """

    @property
    def name(self) -> str:
        """What people call it: a ref, or "working tree"."""

    def kind(self, path: str) -> EntryKind | None:
        """What is at `path`; `None` where nothing is. Where a folder above it is a link, that is what is there."""

    def entries(self, folder: str, *, below: bool = False) -> tuple[Entry, ...]:
        """What is in `folder`, by its path; with `below`, also what is in the folders in it. Empty where none is."""

    def read(self, paths: Sequence[str]) -> tuple[bytes | None, ...]:
        """The bytes of each file; `None` for what is no file, cannot be read or is longer than a script is."""


class NoMigrations(UsageError):
    """A tree has no migrations where they should be."""


class NotRebased(MigciError):
    """A branch's own migrations cannot be put behind trunk's; nothing was changed."""

    exit = Exit.FAILED


class ScriptReader(Protocol):
    """Reads one history of a project: it looks at its files, and runs none of them."""

    def read(self, files: Files, *, thorough: bool = True) -> Listing:
        """The migrations of a tree. What is wrong in a script or in versions.json is a finding of the listing.

        If not `thorough`, what has been read already, and what was not looked at here before, is only read as far as
        its place in the history needs it. Raises NoMigrations, and UsageError for settings that cannot be understood.
        """


@dataclass(frozen=True)
class AgentStatement:
    """One distinct statement text, as the process that ran the migration saw it."""

    sql: str
    count: int
    seconds: float
    rows: int


@dataclass(frozen=True)
class Attempt:
    """How one migration's run ended, seen from outside the process that ran it.

    `error` is `None` when the process says that it is done; whether it is, the database shows. `statements` and
    `sql_seconds` are the process's own words: detail, never proof. `exposed` are the columns whose values it showed.
    `skipped` is why a migration's own test did not want to run.
    """

    seconds: float
    error: StepError | None
    statements: tuple[AgentStatement, ...] = ()
    sql_seconds: float | None = None
    exposed: tuple[str, ...] = ()
    skipped: str = ""


class ToolSession(Protocol):
    """A project's migration tool, alive in the project's interpreter for a whole stage, on one database."""

    def pending(self, seen: Iterable[str]) -> tuple[str, ...]:
        """The revisions that the tool would run on a database at `seen`, in its order. Raises HistoryFailed."""

    def prepare(self, revision: str | None) -> None:
        """Put a database that the tool does not know yet under its control, at `revision` or at the beginning."""

    def apply(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        """Run one migration. `tick` is called often while it runs.

        Never raises for what the migration does. After an attempt with an error of any cause but RAISED the
        session's processes are gone.
        """

    def revert(self, revision: str, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        """Take back one migration, the last that was run; else as `apply`.

        The error is of cause IRREVERSIBLE when it has nothing that does so.
        """

    def test(self, own: OwnTest, part: Part, timeout_seconds: float, tick: Callable[[], None]) -> Attempt:
        """Run one part of a migration's own test; what BEFORE returned is kept for AFTER. Else as `apply`.

        IMPORT is first: without it, BEFORE does that, too.

        That it went well is its process's word, and the test is the patch's, as the migration is.
        """

    def compare(self, models: str | None) -> tuple[str, ...] | None:
        """How the database differs from `models` (`package.module:Base`), a sentence each.

        Without a name, from those that the project gave its tool; `None` where it gave none, or the tool cannot tell.
        Raises HistoryFailed when they cannot be loaded.
        """

    def finish(self) -> Attempt:
        """End the session in order; the error is of cause ENDED when its process does not end well."""


class MigrationTool(Protocol):
    """One kind of migration tool."""

    name: str

    tests: Places
    """Where the tests of its migrations are looked for."""

    def own_tests(self, tree: Tree, history: History) -> tuple[OwnTest, ...]:
        """The tests of the migrations of `tree`, in their order. Nothing of them is run. Raises OwnTestsFailed."""

    def history(self, tree: Tree) -> History:
        """The migrations of `tree`. Raises EnvironmentFailed, HistoryFailed."""

    def texts(self, tree: Tree) -> Iterable[bytes]:
        """The sources of the tool itself, in whose words it speaks of what it does."""

    def version_table(self, tree: Tree) -> VersionTable | None:
        """Where databases of this project keep their revision; `None` when they keep none."""

    def models(self, tree: Tree, name: str) -> Mapping[str, Any]:
        """What the models `name` (`package.module:Base`) say of their columns: JSON, in words of the tree's own code.

        Raises HistoryFailed when they cannot be loaded, EnvironmentFailed when nothing can.
        """

    def session(self, tree: Tree, address: Address) -> AbstractContextManager[ToolSession]:
        """Start the tool on a database. No process of it is left on exit. Raises EnvironmentFailed."""

    def run(self, tree: Tree, address: Address, command: tuple[str, ...]) -> None:
        """Run a command as the project's tool is run. Raises HookFailed with its exit status."""


class Observer(Protocol):
    """Whoever watches a run: a terminal's progress display, a log, a test."""

    def dataset_started(self, name: str, position: int, total: int) -> None: ...

    def restoring(self, done_bytes: int, total_bytes: int) -> None: ...

    def stage_started(self, stage: str, revisions: tuple[Revision, ...]) -> None: ...

    def step_started(self, name: str) -> None: ...

    def step_ended(self, step: Step) -> None: ...

    def note(self, sentence: str) -> None: ...


class VersionsFolder(Protocol):
    """The folder of a project's numbered migrations: what lies in it, and what git has of it.

    Names are those of its own files, not of folders in it. Every call raises MigciError where disk or git fails.
    """

    @property
    def place(self) -> str:
        """What it is called, relative to the project."""

    def files(self) -> frozenset[str]: ...

    def others(self) -> frozenset[str]:
        """Links, folders and what else is no file."""

    def tracked(self) -> frozenset[str] | None:
        """What git's index has; `None` where there is no git."""

    def changed(self) -> frozenset[str]:
        """What differs from the last commit, what git does not know included; nothing where there is no git."""

    def listed(self) -> Mapping[str, Sequence[str]]:
        """What versions.json says, number by number. Raises UsageError where it cannot be read."""

    def alike(self, moves: Sequence[Move]) -> frozenset[Move]:
        """Those whose file is there under its new name, as it is under the old one, on disk or else in the index."""

    def copy(self, move: Move) -> None:
        """Let the old file be there under its new name, too: whole or not at all."""

    def write(self, text: str) -> None:
        """Make `text` the content of versions.json: whole or not at all, and so that it outlives a power cut."""

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""

    def stage(self, moves: Sequence[Move]) -> None:
        """Let git's index have the new names for the old ones, and versions.json: all at once. Nothing without git."""

    def lines(self) -> Iterable[tuple[str, int, str]]:
        """Every line with three digits in it, of the text files of the project that git knows: file, number, text."""
