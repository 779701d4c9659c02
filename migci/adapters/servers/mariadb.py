"""MariaDB: a private mariadbd on one unix socket, and what it knows of the migrations that ran on it."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from migci.adapters.instances import MARKER, bound
from migci.adapters.log import Log
from migci.adapters.servers import sources
from migci.adapters.servers.performance import Observation, quoted
from migci.core.run import ServerFacts
from migci.core.step import Cause, StepError, Work
from migci.errors import UsageError
from migci.ports import Address, DiskFull, HookFailed, RestoreFailed, ServerFailed, Size, VersionTable

MIGRATION_USER = "migration"
"""The throwaway account that migrations run as; it owns one database."""

_DATABASE = "migci"
_START_SECONDS = 120.0
_KILL_SECONDS = 10.0
_LONGEST_SOCKET = 107
_SYSTEM = ("mysql", "information_schema", "performance_schema", "sys")
_DUMP_HINT = "it must be SQL that this server understands, dumped from the same kind of server"
_HOOK_HINT = "it runs on the clone as it is after the release's last step; try it there with 'migci explore --shell'"
_DISK_ERRORS = (3, 1021, 1026)
_LOW_DISK_BYTES = 32 << 20

DEFAULTS = (
    # As large as a server has at least; [server].options tells what the production server has.
    "--innodb-buffer-pool-size=256M",
    "--innodb-log-file-size=96M",
    # A throwaway server need not survive a crash, and this machine's fsync says nothing of a production disk.
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-load-at-startup=0",
    "--innodb-buffer-pool-dump-at-shutdown=0",
    "--max-allowed-packet=1G",
    # As Debian and most others configure it; the program alone would still take latin1.
    "--character-set-server=utf8mb4",
)
_MEASURING = (
    "--performance-schema=ON",
    "--performance-schema-consumer-events-statements-current=ON",
    "--performance-schema-consumer-events-statements-history-long=ON",
    "--performance-schema-consumer-events-stages-current=ON",
    "--performance-schema-consumer-events-stages-history-long=ON",
    "--performance-schema-events-statements-history-long-size=10000",
    "--performance-schema-events-stages-history-long-size=10000",
    "--performance-schema-instrument=stage/sql/copy to tmp table=ON",
    "--performance-schema-instrument=stage/sql/preparing for alter table=ON",
    "--performance-schema-instrument=stage/innodb/alter table%=ON",
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
)


class MariadbServer:
    """A `DatabaseServer`. `options` are mariadbd's own, and win over `DEFAULTS`."""

    flavor = "mariadb"

    def __init__(self, options: tuple[str, ...], store: Path, mark: str, log: Log) -> None:
        self._options = options
        self._store = store
        self._mark = mark
        self._log = log

    def facts(self) -> ServerFacts:
        told = subprocess.run([_program("mariadbd"), "--version"], capture_output=True, text=True)
        found = re.search(r"Ver (\d+\.\d+\.\d+)", told.stdout)
        if found is None:
            raise UsageError(f"mariadbd does not tell its version: {told.stdout.strip() or told.stderr.strip()}")
        return ServerFacts(self.flavor, found.group(1))

    @contextmanager
    def start(self, folder: Path) -> Iterator[MariadbDatabase]:
        socket = folder / "db.sock"
        if len(str(socket)) > _LONGEST_SOCKET:
            raise UsageError(
                f"the path of the server's socket is longer than {_LONGEST_SOCKET} characters: {socket}",
                hint="point MIGCI_STORE at a folder with a shorter path",
            )
        template = self._template(folder)
        try:
            folder.mkdir(parents=True)
            _copy(template, folder / "data")
        except (OSError, subprocess.CalledProcessError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise _disk_or(ServerFailed(f"cannot make a database folder in {folder}: {error}"), folder) from error
        process: subprocess.Popen[bytes] | None = None
        errors = folder / "error.log"
        try:
            with errors.open("wb") as stream:
                process = subprocess.Popen(
                    bound([_program("mariadbd"), *self._arguments(folder, socket)]),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    start_new_session=True,
                    cwd=folder,
                    env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", MARKER: self._mark},
                )
            yield _connected(process, socket, folder, errors)
        finally:
            if process is not None:
                # Nothing of it is kept, so it is not worth the seconds of an orderly shutdown.
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                process.wait()
                _keep_errors(errors, self._log)
            shutil.rmtree(folder, ignore_errors=True)

    def _arguments(self, folder: Path, socket: Path) -> list[str]:
        return [
            "--no-defaults",
            *_as_this_user(),
            *DEFAULTS,
            *self._options,
            *_MEASURING,
            f"--datadir={folder / 'data'}",
            f"--socket={socket}",
            f"--pid-file={folder / 'pid'}",
            f"--tmpdir={folder}",
            f"--secure-file-priv={folder / 'data'}",
            "--skip-networking",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--local-infile=0",
            "--log-warnings=1",
        ]

    def _template(self, folder: Path) -> Path:
        """An empty datadir of this version, made once; two processes that make it at once do no harm.

        It is made beside `folder`, which is swept if this process is killed meanwhile.
        """
        template = self._store / "templates" / f"{self.flavor}-{self.facts().version}"
        if template.is_dir():
            return template
        making = folder.parent / f"template-{secrets.token_hex(4)}"
        try:
            template.parent.mkdir(parents=True, exist_ok=True)
            making.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                [
                    _program("mariadb-install-db"),
                    "--no-defaults",
                    *_as_this_user(),
                    f"--datadir={making}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--skip-name-resolve",
                    "--force",  # it would look up this machine's name, which need not have an address
                    "--innodb-log-file-size=4M",
                    "--innodb-flush-method=nosync",
                ],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", MARKER: self._mark},
            )
            if done.returncode:
                raise _disk_or(
                    ServerFailed(f"mariadb-install-db failed: {_first_lines(done.stdout + done.stderr)}"), making.parent
                )
            with suppress(OSError):  # somebody else was quicker
                making.rename(template)
        except OSError as error:
            raise _disk_or(ServerFailed(f"cannot make {making}: {error.strerror}"), self._store) from error
        finally:
            shutil.rmtree(making, ignore_errors=True)
        return template


class MariadbDatabase:
    """A `Database`: one database of a private mariadbd."""

    def __init__(
        self, process: subprocess.Popen[bytes], admin: Admin, folder: Path, errors: Path, address: Address
    ) -> None:
        self._process = process
        self._admin = admin
        self._folder = folder
        self._errors = errors
        self._observation = Observation(admin.rows, admin.granted, MIGRATION_USER, address.database)
        self.address = address

    def restore(self, source: Path, progress: Callable[[int, int], None]) -> None:
        self._feed(sources.read(source, progress), RestoreFailed, f"the dump {source.name}", _DUMP_HINT)
        self._adopt(source)
        self._admit_definers()

    def run(self, script: Path) -> None:
        try:
            text = script.read_bytes()
        except OSError as error:
            raise HookFailed(f"cannot read {script.name}: {error.strerror}") from error
        self._feed(iter([text]), HookFailed, script.name, _HOOK_HINT)

    def _feed(
        self, chunks: Iterator[bytes], failure: type[RestoreFailed] | type[HookFailed], what: str, hint: str
    ) -> None:
        """Send SQL through the server's own client, which knows DELIMITER and conditional comments."""
        client = subprocess.Popen(
            bound(
                [
                    _program("mariadb"),
                    f"--defaults-extra-file={self._admin.credentials}",
                    "--sandbox",
                    "--binary-mode",
                    "--init-command=SET foreign_key_checks=0, unique_checks=0, sql_log_bin=0",
                    self.address.database,
                ]
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        assert client.stdin is not None
        assert client.stderr is not None
        said: list[bytes] = []
        errors = client.stderr
        listener = threading.Thread(target=lambda: said.append(errors.read(100_000)), daemon=True)
        listener.start()
        try:
            with suppress(BrokenPipeError):  # the client stops at the first error, and tells it
                for chunk in chunks:
                    client.stdin.write(chunk)
            with suppress(BrokenPipeError):
                client.stdin.close()
            status = client.wait()
        finally:
            client.kill()
            client.wait()
            listener.join()
            client.stderr.close()
        if status:
            if (trouble := self.trouble()) is not None:
                raise (DiskFull if trouble.cause is Cause.DISK else ServerFailed)(
                    f"while {what} was loaded: {trouble.message}"
                )
            message = _error_line(b"".join(said)) or f"the client exited with status {status}"
            raise _disk_or(failure(f"{what} cannot be loaded into MariaDB: {message}", hint=hint), self._folder)

    def _adopt(self, source: Path) -> None:
        """Take the database that the dump filled for the clone's: a dump may name its own."""
        filled = [
            name
            for (name,) in self._admin.rows(
                "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_schema NOT IN %s", (_SYSTEM,)
            )
        ]
        if not filled:
            raise RestoreFailed(f"the dump {source.name} holds no tables", hint="is it the right file?")
        if len(filled) > 1:
            raise RestoreFailed(
                f"the dump {source.name} fills several databases: {', '.join(sorted(filled))}",
                hint="dump the one that the migrations are for, without --databases",
            )
        if filled[0] != self.address.database:
            self._admin.grant(filled[0])
            self.address = Address(
                self.address.flavor, self.address.socket, filled[0], self.address.user, self.address.password
            )
            self._observation = Observation(self._admin.rows, self._admin.granted, MIGRATION_USER, filled[0])

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
            self._admin.rows(f"GRANT ALL ON {quoted(self.address.database)}.* TO %s@%s", (user, host or "%"))

    def size(self) -> Size:
        """Rows are counted, because the engine's own figure is an estimate that can be off by half."""
        tables = self._admin.rows(
            "SELECT table_name, data_length + index_length FROM information_schema.tables "
            "WHERE table_schema = %s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            (self.address.database,),
        )
        rows = 0
        for name, _ in tables:
            counted = self._admin.rows(f"SELECT COUNT(*) FROM {quoted(self.address.database)}.{quoted(name)}")
            rows += int(counted[0][0])
        return Size(rows, sum(int(length or 0) for _, length in tables))

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

    def versions(self, table: VersionTable) -> tuple[str, ...] | None:
        where = " AND ".join(f"{quoted(column)} = %s" for column, _ in table.where) or "TRUE"
        try:
            found = self._admin.rows(
                f"SELECT {quoted(table.column)} FROM {quoted(self.address.database)}.{quoted(table.table)} "
                f"WHERE {where}",
                tuple(value for _, value in table.where),
            )
        except pymysql.err.ProgrammingError as error:
            if error.args[0] == pymysql.constants.ER.NO_SUCH_TABLE:
                return None
            raise
        return tuple(str(value) for (value,) in found if value is not None)

    def begin_work(self) -> None:
        self._observation.begin()

    def sample(self) -> None:
        with suppress(ServerFailed):  # the step's end will tell that the server is gone
            self._observation.sample()

    def end_work(self) -> Work:
        return self._observation.end()

    def settle(self, patience_seconds: float) -> float | None:
        return self._observation.settle(patience_seconds)

    def end_sessions(self) -> None:
        with suppress(ServerFailed):
            self._admin.rows(f"KILL CONNECTION USER {MIGRATION_USER}@localhost")
            self._observation.settle(_KILL_SECONDS)

    def trouble(self) -> StepError | None:
        try:
            self._admin.rows("SELECT 1")
            if shutil.disk_usage(self._folder).free < _LOW_DISK_BYTES or self._observation.met(_DISK_ERRORS):
                return StepError(Cause.DISK, "no space is left for the clone")
        except ServerFailed:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)  # one that is ending need not have ended yet
            status = self._process.poll()
            last = _last_line(self._errors.read_bytes()[-4000:])
            told = "it does not answer" if status is None else f"it ended with status {status}"
            if shutil.disk_usage(self._folder).free < _LOW_DISK_BYTES:
                return StepError(Cause.DISK, "no space is left for the clone")
            return StepError(Cause.SERVER, f"{told}; the last line of its log: {last}")
        return None

    def shell(self) -> list[str]:
        return [_program("mariadb"), f"--defaults-extra-file={self._admin.credentials}", self.address.database]


@dataclass(frozen=True)
class Admin:
    """migci's own connection, as the server's owner."""

    connection: pymysql.Connection[Cursor]
    credentials: Path

    def rows(self, sql: str, parameters: tuple[Any, ...] = ()) -> tuple[tuple[Any, ...], ...]:
        """Raises ServerFailed when the server does not answer, or refuses."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return tuple(cursor.fetchall())
        except (pymysql.err.OperationalError, pymysql.err.InterfaceError, OSError) as error:
            raise ServerFailed(f"the database server does not answer migci's own query: {error}") from error

    def granted(self, sql: str) -> bool:
        """Whether a statement that asks for a lock gets it at once. Raises ServerFailed as `rows` does."""
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql)
            return True
        except pymysql.err.MySQLError as error:
            if error.args[0] == pymysql.constants.ER.LOCK_WAIT_TIMEOUT:
                return False
            if error.args[0] == pymysql.constants.ER.NO_SUCH_TABLE:
                return True
            raise ServerFailed(f"the database server does not answer migci's own query: {error}") from error

    def grant(self, database: str) -> None:
        """Let the migration's account own `database`."""
        pattern = database.replace("_", r"\_").replace("%", r"\%")
        self.rows(f"GRANT ALL ON {quoted(pattern)}.* TO {MIGRATION_USER}@localhost")


def _connected(process: subprocess.Popen[bytes], socket: Path, folder: Path, errors: Path) -> MariadbDatabase:
    """Wait for the server, lock it up, and make the one database and the one account."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            connection = pymysql.connect(
                unix_socket=str(socket), user="root", password="", autocommit=True, charset="utf8mb4"
            )
            break
        except pymysql.err.OperationalError as error:
            status = process.poll()
            if status is None and time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            why = f"it ended with status {status}" if status is not None else f"no answer in {_START_SECONDS:g} s"
            raise _disk_or(
                ServerFailed(
                    f"mariadbd did not start: {why}: {_first_error(errors.read_bytes())}",
                    hint="see [server].options; the server's log is at the end of log.txt",
                ),
                folder,
            ) from error
    ours, theirs = secrets.token_hex(16), secrets.token_hex(16)
    credentials = folder / "client.cnf"
    credentials.touch(mode=0o600)
    credentials.write_text(f"[client]\nuser=root\npassword={ours}\nsocket={socket}\n")
    admin = Admin(connection, credentials)
    admin.rows("SET SESSION wait_timeout = 2419200, SESSION lock_wait_timeout = 10")
    admin.rows(f"CREATE DATABASE {_DATABASE}")
    admin.rows(f"CREATE USER {MIGRATION_USER}@localhost IDENTIFIED BY %s", (theirs,))
    admin.grant(_DATABASE)
    admin.rows("DELETE FROM performance_schema.setup_actors")
    admin.rows(
        "INSERT INTO performance_schema.setup_actors (HOST, USER, ROLE, ENABLED, HISTORY) "
        "VALUES ('%%', %s, '%%', 'YES', 'YES')",
        (MIGRATION_USER,),
    )
    admin.rows("UPDATE performance_schema.threads SET INSTRUMENTED = 'NO' WHERE PROCESSLIST_USER = 'root'")
    admin.rows("ALTER USER root@localhost IDENTIFIED BY %s", (ours,))
    address = Address("mariadb", socket, _DATABASE, MIGRATION_USER, theirs)
    return MariadbDatabase(process, admin, folder, errors, address)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/libexec:/sbin")
    if found is None:
        raise UsageError(
            f"{name} is not on this machine",
            hint='apt-get install mariadb-server-core mariadb-client-core, or flavor = "sqlite" in [server]',
        )
    return found


def _as_this_user() -> list[str]:
    """mariadbd refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _copy(template: Path, datadir: Path) -> None:
    subprocess.run(
        ["cp", "-a", "--reflink=auto", str(template), str(datadir)], check=True, capture_output=True, text=True
    )


def _disk_or(error: Any, folder: Path) -> Any:
    """`error`, or DiskFull if the disk of `folder` explains it."""
    with suppress(OSError):
        if shutil.disk_usage(folder).free < _LOW_DISK_BYTES:
            return DiskFull(
                f"the disk of {folder} is full: {error.message}",
                hint="free some space, or point MIGCI_STORE at a larger disk",
            )
    return error


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _error_line(text: bytes) -> str:
    """The client's own line about an error; before it stands the statement, which may hold anything."""
    lines = text.decode(errors="replace").splitlines()
    return next((line.strip() for line in lines if line.startswith("ERROR ")), _last_line(text))


def _first_lines(text: bytes) -> str:
    lines = [line.strip() for line in text.decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[:5])


def _first_error(text: bytes) -> str:
    """The first line that the server itself calls an error, else its last."""
    for line in text.splitlines():
        if b"[ERROR]" in line:
            return line.split(b"[ERROR]", 1)[1].decode(errors="replace").strip()
    return _last_line(text)


def _keep_errors(errors: Path, log: Log) -> None:
    log.heading("log of the database server")
    with suppress(OSError):
        log.write(errors.read_bytes()[-100_000:])
