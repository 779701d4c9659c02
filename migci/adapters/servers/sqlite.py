"""SQLite: a file in a folder. It stands in where there is no server, and shows nothing of locks or algorithms."""

from __future__ import annotations

import codecs
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from migci.adapters.dumps import sources
from migci.adapters.sandboxes.confinement import Sandbox
from migci.adapters.servers import sqlite_planting
from migci.adapters.servers.onlooker import Onlooker, Rows, Unreadable
from migci.core.markup import Column
from migci.core.run import ServerFacts
from migci.core.step import Cause, StepError, Work
from migci.ports import Address, Clone, DiskFull, HookFailed, RestoreFailed, Size, ValueSink, VersionTable

_LOW_DISK_BYTES = 4 << 20
_LONG_SECONDS = 86_400.0
_MOST_REVISIONS = 1000
_LONGEST_REVISION = 255
_FILE_HEAD = b"SQLite format 3\0"


class SqliteServer:
    """A `DatabaseServer` without a server."""

    flavor = "sqlite"
    in_process = True

    def facts(self) -> ServerFacts:
        return ServerFacts(self.flavor, sqlite3.sqlite_version)

    def options(self) -> tuple[str, ...]:
        return ()

    def lasting_options(self) -> tuple[str, ...]:
        return ()

    def initialize(self, data: Path) -> None:
        """An empty folder is an empty database."""

    def __init__(self, sandbox: Sandbox, mark: str) -> None:
        self._sandbox = sandbox
        self._mark = mark

    @contextmanager
    def start(self, clone: Clone, database: str | None = None, *, loading: bool = False) -> Iterator[SqliteDatabase]:
        file = clone.data / "clone.sqlite"
        onlooker = Onlooker(file.resolve(), clone.data.parent / "look", self._sandbox, self._mark)
        try:
            yield SqliteDatabase(file, onlooker)
        finally:
            onlooker.close()


class SqliteDatabase:
    """A `Database`: one file. Each look at it is a connection of its own, so that no lock of ours is in the way.

    What a migration may have made of the file is looked at by the onlooker alone. A dump that is loaded, and what runs
    between releases, are not the patch's.
    """

    def __init__(self, file: Path, onlooker: Onlooker) -> None:
        self._file = file
        self._onlooker = onlooker
        self.address = Address("sqlite", file.resolve(), "main")
        with closing(sqlite3.connect(file, timeout=10.0)) as connection:
            connection.execute("SELECT 1")

    def _query(self, sql: str, parameters: tuple[str, ...] = ()) -> Rows:
        """Raises Unreadable."""
        return self._onlooker.ask(sql, parameters, patience_seconds=_LONG_SECONDS)

    def restore(self, source: str, progress: Callable[[int, int], None]) -> tuple[str, ...]:
        path = Path(source)
        with suppress(OSError):
            with path.open("rb") as file:
                is_database = file.read(len(_FILE_HEAD)) == _FILE_HEAD
            if is_database:
                for log in (path.with_name(f"{path.name}{end}") for end in ("-wal", "-journal")):
                    if log.exists() and log.stat().st_size:
                        raise RestoreFailed(
                            f"the database {path.name} is not at rest: {log.name} holds some of it",
                            hint="close it where it is open, or dump it with '.dump' of SQLite's shell",
                        )
                shutil.copyfile(path, self._file)
                return ()
        try:
            self._execute(sources.read(path, progress))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._disk_or(
                RestoreFailed(
                    f"the dump {path.name} cannot be loaded into SQLite: {error}",
                    hint="it must be SQL that SQLite understands, as '.dump' of its shell writes it",
                )
            ) from error
        if not self.schema():
            raise RestoreFailed(f"the dump {path.name} holds no tables", hint="is it the right file?")
        return ()

    def run(self, script: Path) -> None:
        try:
            self._execute(iter([script.read_bytes()]))
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise HookFailed(
                f"{script.name} cannot be run by SQLite: {error}",
                hint="it runs on the clone as it is after the release's last step",
            ) from error

    def _execute(self, chunks: Iterator[bytes]) -> None:
        """Statement by statement, so that a dump of any size passes through in bounded memory."""
        with closing(sqlite3.connect(self._file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            waiting = ""
            decoder = codecs.getincrementaldecoder("utf-8")()
            for chunk in chunks:
                waiting += decoder.decode(chunk)
                *whole, waiting = _statements(waiting)
                for statement in whole:
                    connection.execute(statement)
            waiting += decoder.decode(b"", final=True)
            if waiting.strip():
                connection.execute(waiting)
            if connection.in_transaction:
                connection.commit()

    def _disk_or(self, error: RestoreFailed) -> RestoreFailed | DiskFull:
        if self._low_disk():
            return DiskFull(f"the disk of {self._file.parent} is full: {error.message}", hint="free some space")
        return error

    def _low_disk(self) -> bool:
        return shutil.disk_usage(self._file.parent).free < _LOW_DISK_BYTES

    def size(self) -> Size:
        tables = self._query(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        rows = 0
        for (name,) in tables:
            ((count,),) = self._query(f"SELECT COUNT(*) FROM {_quoted(str(name))}")
            rows += int(str(count))
        return Size(len(tables), rows, self._file.lstat().st_size)

    def schema(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, sql in self._query(
            "SELECT tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            "ORDER BY tbl_name, type DESC, name"
        ):
            found[str(name)] = "\n".join(filter(None, (found.get(str(name)), f"{sql};")))
        return found

    def columns(self) -> tuple[Column, ...]:
        found = self._query(
            "SELECT t.name, c.name, upper(c.type), c.hidden FROM sqlite_schema t, pragma_table_xinfo(t.name) c "
            "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND c.hidden <> 1 "
            "ORDER BY t.name, c.cid"
        )
        refers = self._refers()
        return tuple(
            Column(
                str(table),
                str(column),
                any(word in str(kind) for word in ("CHAR", "TEXT", "CLOB", "BLOB", "JSON")),
                refers=tuple(refers.get((str(table), str(column).lower()), ())),
                generated=hidden in (2, 3),
            )
            for table, column, kind, hidden in found
        )

    def _refers(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """What the foreign keys of each column, by its name in lower case, refer to."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for table, column, other, its in self._query(
            'SELECT t.name, f."from", f."table", COALESCE(f."to", '
            '(SELECT p.name FROM pragma_table_info(f."table") p WHERE p.pk = f.seq + 1)) '
            "FROM sqlite_schema t, pragma_foreign_key_list(t.name) f "
            "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY t.name, f.id, f.seq"
        ):
            if its is not None:
                found.setdefault((str(table), str(column).lower()), []).append((str(other), str(its)))
        return found

    def pour(self, columns: tuple[str, ...], sink: ValueSink) -> None:
        place = {name: number for number, name in enumerate(columns)}
        with closing(sqlite3.connect(self._file, timeout=10.0)) as connection:
            connection.text_factory = bytes
            for one in self.columns():
                if one.name in place:
                    for (value,) in connection.execute(f"SELECT {_quoted(one.column)} FROM {_quoted(one.table)}"):
                        if value is not None:
                            sink.add(place[one.name], value if isinstance(value, bytes) else str(value).encode())

    def plant(self, tokens: Mapping[str, str]) -> tuple[str, ...]:
        with closing(sqlite3.connect(self._file, timeout=10.0)) as connection:
            return sqlite_planting.plant(connection, tokens)

    def versions(self, table: VersionTable) -> tuple[str, ...] | None:
        where = " AND ".join(f"{_quoted(column)} = ?" for column, _ in table.where) or "1"
        column = f"CAST({_quoted(table.column)} AS TEXT)"
        try:
            exists = self._onlooker.ask(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table.table,), most=1
            )
            if not exists:
                return None
            found = self._onlooker.ask(
                f"SELECT substr({column}, 1, {_LONGEST_REVISION}) FROM {_quoted(table.table)} "
                f"WHERE {where} AND {_quoted(table.column)} IS NOT NULL",
                tuple(value for _, value in table.where),
                most=_MOST_REVISIONS,
            )
        except Unreadable as unreadable:
            if unreadable.code == sqlite3.SQLITE_IOERR:
                raise
            return ()  # so it is said to be nowhere, which is what became of it
        return tuple(str(value) for (value,) in found)

    def begin_work(self) -> None:
        """Nothing is counted: SQLite keeps no account of what a connection did."""

    def settle(self, patience_seconds: float) -> float | None:
        """Nothing runs but in the migration's own process."""
        return 0.0

    def sample(self) -> None:
        """See `begin_work`."""

    def end_work(self) -> Work:
        return Work()

    def end_sessions(self) -> None:
        """There are none but those of the migration's processes, which have been ended."""

    def trouble(self) -> StepError | None:
        if self._low_disk():
            return StepError(Cause.DISK, "no space is left for the clone")
        try:
            self._onlooker.ask("SELECT COUNT(*) FROM sqlite_master")
        except Unreadable as unreadable:
            # Everything else is what a migration can make of a file, and it does not say where it is any more.
            if unreadable.code == sqlite3.SQLITE_IOERR:
                return StepError(Cause.SERVER, unreadable.message)
        return None

    def shell(self) -> list[str]:
        return [shutil.which("sqlite3") or sys.executable, *([] if shutil.which("sqlite3") else ["-m", "sqlite3"]),
                str(self._file)]  # fmt: skip

    def rest(self) -> None:
        """A file at rest is the whole database: nobody has it open."""


def _statements(text: str) -> list[str]:
    """`text` cut after each complete statement; the last part is what is not complete yet."""
    parts: list[str] = []
    start = 0
    end = text.find(";")
    while end >= 0:
        if sqlite3.complete_statement(text[start : end + 1]):
            parts.append(text[start : end + 1])
            start = end + 1
        end = text.find(";", end + 1)
    return [*parts, text[start:]]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
