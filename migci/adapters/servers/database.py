"""One database of a private MariaDB or MySQL server, as its owner sees it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql
from pymysql.constants import ER

from migci.adapters.disk import disk_full, disk_or, is_full
from migci.adapters.dumps import loading
from migci.adapters.dumps.places import place
from migci.adapters.dumps.refusals import lost
from migci.adapters.servers.contents import Contents
from migci.adapters.servers.daemon import Daemon, Foreign, last_line
from migci.adapters.servers.performance import Observation
from migci.adapters.servers.programs import Programs
from migci.adapters.servers.tables import Tables, quoted
from migci.adapters.warm import Loan
from migci.core.markup import Column
from migci.core.step import Cause, StepError, Work
from migci.ports import Address, HookFailed, RestoreFailed, ServerFailed, Size, ValueSink, VersionTable

MIGRATION_USER = "migration"
"""The throwaway account that migrations run as; it owns one database."""

READER = "migci_reader"
"""The account that looks at what migrations have written. It may read, and call nothing.

A view or a function can act for whoever looks, so nothing of theirs is looked at as the server's owner.
"""

OWN_DATABASE = "migci"
"""The database of a dataset whose dump does not name its own."""

if TYPE_CHECKING:
    from migci.adapters.servers.daemon import Connection

_KILL_SECONDS = 10.0
_READ_SECONDS = 10
"""How long the database may take to say where it is; a migration can make that a view which never ends."""
_MOST_REVISIONS = 1000
_LONGEST_REVISION = 255
_NO_SPACE = (b"error number 28", b"error 28", b"Errcode: 28", b"errno: 28", b"No space left on device")
_SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
_HOOK_HINT = "it runs on the clone as it is after the release's last step; try it there with 'migci explore --shell'"


class ServerDatabase:
    """A `Database`. Use `opened`."""

    def __init__(self, daemon: Daemon, programs: Programs, admin: Admin, address: Address) -> None:
        self._daemon = daemon
        self._programs = programs
        self._product = product = programs.product
        self._admin = admin
        self.address = address
        self._observation = Observation(admin, product, MIGRATION_USER, address.database)

    def restore(self, source: str, progress: Callable[[int, int], None]) -> tuple[str, ...]:
        with self._explained(f"while {place(source).name} was loaded"):
            loaded = loading.load(source, self._loader, progress, spool=self._daemon.folder)
        self._adopt(source)
        self._admit_definers()
        return tuple(_warning(code, count, loaded.tables.get(code, ())) for code, count in loaded.warnings.items())

    def _loader(self) -> Connection:
        return self._daemon.connection("root", self._admin.password, self.address.database, local_infile=True)

    def run(self, script: Path) -> None:
        if not script.is_file():
            raise HookFailed(f"cannot read {script.name}: there is no such file")
        with self._explained(f"while {script.name} ran"):
            try:
                loading.load(
                    str(script),
                    self._loader,
                    lambda done, total: None,
                    spool=self._daemon.folder,
                    kind="the script",
                    checked=True,
                )
            except RestoreFailed as error:
                raise HookFailed(error.message, hint=_HOOK_HINT) from error

    @contextmanager
    def _explained(self, when: str) -> Iterator[None]:
        """What the server's own state explains is not blamed on what it was given."""
        try:
            yield
        except (RestoreFailed, HookFailed, ServerFailed) as error:
            trouble = self.trouble()
            if trouble is not None and trouble.cause is Cause.DISK:
                raise disk_full(error, self._daemon.folder) from error
            if trouble is not None:
                raise ServerFailed(f"{when}: {trouble.message}") from error
            raise disk_or(error, self._daemon.folder) from error

    def _adopt(self, source: str) -> None:
        """Take the database that the dump filled for the clone's: a dump may name its own."""
        name = place(source).name  # without what a URL is signed with
        filled = [
            name
            for (name,) in self._admin.rows(
                "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema NOT IN %s", (_SYSTEM,)
            )
        ]
        if not filled:
            raise RestoreFailed(f"the dump {name} holds no tables", hint="is it the right file?")
        if len(filled) > 1:
            raise RestoreFailed(
                f"the dump {name} fills several databases: {', '.join(sorted(filled))}",
                hint="dump the one that the migrations are for, without --databases",
            )
        if filled[0] != self.address.database:
            self._admin.grant(filled[0])
            self.address = replace(self.address, database=filled[0])
            self._observation = Observation(self._admin, self._product, MIGRATION_USER, filled[0])

    def _admit_definers(self) -> None:
        """Make the accounts that the dump's triggers, views and routines run as: dumps name them and do not hold them.

        They are locked, and own this database alone.
        """
        definers: set[str] = set()
        for table, schema in (
            ("TRIGGERS", "trigger_schema"),
            ("VIEWS", "table_schema"),
            ("ROUTINES", "routine_schema"),
            ("EVENTS", "event_schema"),
        ):
            found = self._admin.rows(
                f"SELECT DISTINCT definer FROM information_schema.{table} WHERE {schema} = %s", (self.address.database,)
            )
            definers.update(str(definer) for (definer,) in found)
        for definer in definers - {"root@localhost", f"{MIGRATION_USER}@localhost"}:
            user, _, host = definer.rpartition("@")
            self._admin.rows("CREATE USER IF NOT EXISTS %s@%s ACCOUNT LOCK", (user, host or "%"))
            name = _pattern(self.address.database).replace("%", "%%")
            self._admin.rows(f"GRANT ALL ON {name}.* TO %s@%s", (user, host or "%"))

    def size(self) -> Size:
        """Rows are counted, because the engine's own figure is an estimate that can be off by half.

        The tables are analyzed for their bytes, of which MySQL would tell what it knew a day ago.
        """
        tables = Tables(self._admin, self._product, self.address.database).with_rows_of_their_own()
        for name in tables:
            self._admin.rows(f"ANALYZE TABLE {quoted(self.address.database)}.{quoted(name)}")
        rows = 0
        for name in tables:
            counted = self._admin.rows(f"SELECT COUNT(*) FROM {quoted(self.address.database)}.{quoted(name)}")
            rows += int(counted[0][0])
        length = self._admin.rows(
            "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = %s",
            (self.address.database,),
        )[0][0]
        return Size(len(tables), rows, int(length or 0))

    def schema(self) -> dict[str, str]:
        found = {}
        for name, kind in self._admin.rows(
            "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = %s ORDER BY 1",
            (self.address.database,),
        ):
            what = "VIEW" if kind == "VIEW" else "TABLE"
            told = self._admin.rows(f"SHOW CREATE {what} {quoted(self.address.database)}.{quoted(name)}")
            found[str(name)] = re.sub(r" AUTO_INCREMENT=\d+", "", str(told[0][1]))
        return found

    def columns(self) -> tuple[Column, ...]:
        return self._contents().columns()

    def pour(self, columns: tuple[str, ...], sink: ValueSink) -> None:
        self._contents().pour(columns, sink)

    def plant(self, tokens: Mapping[str, str]) -> tuple[str, ...]:
        return self._contents().plant(tokens)

    def _contents(self) -> Contents:
        return Contents(self._admin, self.address.database, self._programs, self._daemon.folder)

    def versions(self, table: VersionTable) -> tuple[str, ...] | None:
        where = " AND ".join(f"{quoted(column)} = %s" for column, _ in table.where) or "TRUE"
        sql = (
            f"SELECT LEFT({quoted(table.column)}, {_LONGEST_REVISION}) "
            f"FROM {quoted(self.address.database)}.{quoted(table.table)} WHERE {where} LIMIT {_MOST_REVISIONS}"
        )
        try:
            found = self._read(sql, tuple(value for _, value in table.where))
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == ER.NO_SUCH_TABLE:
                return None
            with self._asked():  # the server answers its owner, so it is the database that does not say
                self._product.end_sessions(self._admin, READER)
                self._admin.rows("SELECT 1")
            return ()
        return tuple(str(value) for (value,) in found if value is not None)

    def _read(self, sql: str, parameters: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
        """What a migration may have written, or be holding. Raises pymysql's errors, and soon."""
        reader = self._daemon.connection(READER, self._admin.password, patience_seconds=_READ_SECONDS)
        with closing(reader), reader.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return tuple(cursor.fetchall())

    def begin_work(self) -> None:
        self._observation.begin()

    def sample(self) -> None:
        with suppress(ServerFailed):  # the step's end will tell that the server is gone
            self._observation.sample()

    def end_work(self) -> Work:
        with self._asked():
            return self._observation.end()

    def settle(self, patience_seconds: float) -> float | None:
        with self._asked():
            return self._observation.settle(patience_seconds)

    def end_sessions(self) -> None:
        with suppress(ServerFailed):
            self._product.end_sessions(self._admin, MIGRATION_USER)
            self._observation.settle(_KILL_SECONDS)

    def trouble(self) -> StepError | None:
        full = StepError(Cause.DISK, "no space is left for the clone")
        try:
            self._admin.rows("SELECT 1")
            if is_full(self._daemon.folder) or self._observation.met(self._product.disk_errors):
                return full
            if self._observation.met(self._product.full_table_errors) and self._had_no_space():
                return full
        except ServerFailed:
            status = self._daemon.ended(1.0)  # one that is ending need not have ended yet
            told = "it does not answer" if status is None else f"it ended with status {status}"
            if is_full(self._daemon.folder) or self._had_no_space():
                return full
            return StepError(Cause.SERVER, f"{told}; the last line of its log: {last_line(self._daemon.log())}")
        return None

    def _had_no_space(self) -> bool:
        """Whether the server was ever refused space: what it could not use it may have given back since."""
        log = self._daemon.log()
        return any(words in log for words in _NO_SPACE)

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """A server that ran out of space can end after its answer, and after it was asked for trouble."""
        try:
            yield
        except ServerFailed as error:
            self._daemon.ended(1.0)  # its log is whole then
            if self._had_no_space():
                raise disk_full(error, self._daemon.folder) from error
            raise

    def shell(self) -> list[str]:
        return [self._product.client_program(), f"--defaults-extra-file={self._admin.credentials}",
                self.address.database]  # fmt: skip

    def read_all(self) -> None:
        """Read every row once, so that they are in the server's memory as far as they fit."""
        for name in Tables(self._admin, self._product, self.address.database).with_rows_of_their_own():
            self._admin.rows(f"CHECKSUM TABLE {quoted(self.address.database)}.{quoted(name)} EXTENDED")

    def loan(self, way: str) -> Loan:
        """What `attached` needs to work on it from another process."""
        at = self.address
        return Loan(str(at.socket), self._daemon.pid, self._admin.password, at.database, at.user, at.password, way)

    def rest(self) -> None:
        self._admin.rows(f"DROP USER IF EXISTS {MIGRATION_USER}@localhost, {READER}@localhost")
        self._admin.rows("ALTER USER root@localhost IDENTIFIED BY ''")
        # What was deleted is purged now, and not in each clone while something is measured there.
        self._admin.rows("SET GLOBAL innodb_fast_shutdown = 0")
        self._admin.rows("SHUTDOWN")
        self._daemon.await_end()


@dataclass(frozen=True)
class Admin:
    """migci's own connection, as the server's owner."""

    connection: Connection
    password: str
    credentials: Path

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], ...]:
        """Raises ServerFailed when the server does not answer, or refuses."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, parameters or None)  # without any, a % is a %
                return tuple(cursor.fetchall())
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError) as error:
            what = "does not answer" if lost(error) or isinstance(error, OSError) else "refuses"
            raise ServerFailed(f"the database server {what} migci's own query: {error}") from error

    def settle_in(self) -> None:
        """Stay connected however long a migration takes, and wait for no lock for long."""
        self.rows("SET SESSION wait_timeout = 2419200, SESSION lock_wait_timeout = 10")

    def refusal(self, sql: str, *expected: int) -> int | None:
        """The server's number for its refusal of a statement, if it is one of `expected`; `None` when it is done.

        Raises ServerFailed as `rows` does.
        """
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] in expected:
                return int(error.args[0])
            raise ServerFailed(f"the database server does not answer migci's own query: {error}") from error
        return None

    def grant(self, database: str) -> None:
        """Let the migration's account own `database`, and the reader's read it."""
        self.rows(f"GRANT ALL ON {_pattern(database)}.* TO {MIGRATION_USER}@localhost")
        self.rows(f"GRANT SELECT ON {_pattern(database)}.* TO {READER}@localhost")


def opened(daemon: Daemon, programs: Programs, database: str | None, *, measuring: bool) -> ServerDatabase:
    """The database of a server that is starting, with an owner and a migration's account that nobody else knows."""
    connection = daemon.first_connection("root")
    ours, theirs = secrets.token_hex(16), secrets.token_hex(16)
    admin = Admin(connection, ours, daemon.folder / "client.cnf")
    name = database or OWN_DATABASE
    try:
        admin.settle_in()
        if database is None:
            admin.rows(f"CREATE DATABASE IF NOT EXISTS {quoted(name)}")
        admin.rows(f"DROP USER IF EXISTS {MIGRATION_USER}@localhost, {READER}@localhost")
        admin.rows(f"CREATE USER {MIGRATION_USER}@localhost IDENTIFIED BY %s", (theirs,))
        admin.rows(f"CREATE USER {READER}@localhost IDENTIFIED BY %s", (ours,))
        admin.grant(name)
        if measuring:
            admin.rows("DELETE FROM performance_schema.setup_actors")
            admin.rows(
                "INSERT INTO performance_schema.setup_actors (HOST, USER, ROLE, ENABLED, HISTORY) "
                "VALUES ('%%', %s, '%%', 'YES', 'YES')",
                (MIGRATION_USER,),
            )
            admin.rows("UPDATE performance_schema.threads SET INSTRUMENTED = 'NO' WHERE PROCESSLIST_USER = 'root'")
        admin.rows("ALTER USER root@localhost IDENTIFIED BY %s", (ours,))
    except pymysql.err.MySQLError as error:  # its files are not what they were
        raise ServerFailed(f"the database server cannot be set up: {error}") from error
    admin.credentials.touch(mode=0o600)
    admin.credentials.write_text(f"[client]\nuser=root\npassword={ours}\nsocket={daemon.socket}\n")
    address = Address(programs.product.flavor, daemon.socket, name, MIGRATION_USER, theirs)
    return ServerDatabase(daemon, programs, admin, address)


def attached(loan: Loan, programs: Programs) -> ServerDatabase:
    """A database that another process has opened and lends. Raises ServerFailed when its server does not answer."""
    daemon = Daemon(Foreign(loan.pid), Path(loan.socket))
    try:
        admin = Admin(daemon.connection("root", loan.password), loan.password, daemon.folder / "client.cnf")
    except pymysql.err.MySQLError as error:
        raise ServerFailed(f"a server that was kept warm does not answer: {error}") from error
    admin.settle_in()
    address = Address(programs.product.flavor, daemon.socket, loan.database, loan.user, loan.user_password)
    return ServerDatabase(daemon, programs, admin, address)


def _pattern(database: str) -> str:
    """A database's name as GRANT takes it, for this database alone."""
    return quoted(database.replace("_", r"\_").replace("%", r"\%"))


def _warning(code: int, count: int, tables: tuple[str, ...]) -> str:
    """The server's own text names values of the data, so it is not told."""
    name = next((name for name, value in vars(pymysql.constants.ER).items() if value == code), "")
    where = f" in {', '.join(tables)}" if tables else ""
    return f"{count} times {code}{f' {name}' if name else ''}{where}"
