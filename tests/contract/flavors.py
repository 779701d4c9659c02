"""The database servers under contract, each with a way to speak to it as a migration does."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest
from _pytest.mark import ParameterSet
from pymysql.cursors import Cursor

from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.servers import mariadb as mariadb_server
from migci.adapters.servers import mysql as mysql_server
from migci.adapters.servers.server import Server
from migci.adapters.servers.sqlite import SqliteServer
from migci.core.step import Statement
from migci.ports import Database, DatabaseServer
from tests.fakes import FakeClone, FakeDatabase, FakeServer

MARK = f"contract-of-the-servers-{os.getpid()}"
"""The mark of every server process that these tests start; another run of them at the same time has another."""

PATIENCE_SECONDS = 60.0

_numbers = itertools.count(1)

Rows = list[tuple[Any, ...]]


def mariadb(store: Path, *options: str, mark: str = MARK, log: Log | None = None) -> Server:
    return mariadb_server.mariadb(options, Instance(mark, store / mark), log or Log(Path("/dev/null")), Bubblewrap())


def mysql(store: Path, *options: str, mark: str = MARK, log: Log | None = None) -> Server:
    return mysql_server.mysql(
        options,
        Instance(mark, store / mark),
        log or Log(Path("/dev/null")),
        Bubblewrap(),
        Path(os.environ["MIGCI_MYSQL"]),
    )


def sqlite(mark: str = MARK) -> SqliteServer:
    return SqliteServer(Bubblewrap(), mark)


PRODUCTS: dict[str, Callable[..., Server]] = {"mariadb": mariadb, "mysql": mysql}
"""The flavors that are servers, and that measure what a migration does."""

FLAVORS: dict[str, Callable[[Path], DatabaseServer]] = {
    **PRODUCTS,
    "sqlite": lambda store: sqlite(),
    "fake": lambda store: FakeServer(),
}

needs_mysql = pytest.mark.skipif(
    "MIGCI_MYSQL" not in os.environ,
    reason="NO MYSQL: " + os.environ.get("MIGCI_MYSQL_WHY", "MIGCI_MYSQL names no folder with its programs"),
)


def under_test(flavors: Iterable[str]) -> list[ParameterSet]:
    """Parameters for a test of each; MySQL is left out, and said to be, where there is none."""
    return [pytest.param(flavor, marks=[needs_mysql] if flavor == "mysql" else []) for flavor in flavors]


class Files:
    """A `Clone` that is a folder."""

    way = "files"

    def __init__(self, data: Path) -> None:
        self.data = data

    def command(self, words: list[str]) -> list[str]:
        return words

    def move_to(self, folder: Path) -> None:
        self.data.rename(folder)


@contextmanager
def started(server: DatabaseServer, folder: Path, *, loading: bool = False) -> Iterator[Database]:
    """A server on an empty database in `folder`, which is gone on exit."""
    if isinstance(server, FakeServer):
        clone = FakeClone(folder / "data", server.disk)
        server.initialize(clone.data)
        with server.start(clone, loading=loading) as fake:
            yield fake
        return
    folder.mkdir(parents=True)
    try:
        shutil.copytree(_initialized(server, folder.parent), folder / "data", symlinks=True)
        with server.start(Files(folder / "data"), loading=loading) as database:
            yield database
    finally:
        shutil.rmtree(folder)


def _initialized(server: DatabaseServer, beside: Path) -> Path:
    """Files that a server can start on, made once for each kind of them."""
    facts = server.facts()
    kind = hashlib.sha256(repr((facts, server.lasting_options())).encode()).hexdigest()[:8]
    files = beside / f"initialized-{facts.flavor}-{kind}"
    if not files.exists():
        making = beside / f"initializing-{os.getpid()}-{next(_numbers)}"
        making.mkdir(parents=True)
        server.initialize(making)
        with suppress(OSError):  # somebody else was quicker
            making.rename(files)
    return files


@contextmanager
def shared_server(flavor: str, store: Path) -> Iterator[Database]:
    """A server for several tests, in turn; what each leaves is for `emptied` to take away."""
    with started(PRODUCTS[flavor](store, mark=f"{MARK}-shared"), new_folder(store)) as database:
        yield database


@contextmanager
def emptied(database: Database) -> Iterator[Database]:
    """`database`, and on exit nothing is left of what was done to its server meanwhile."""
    yield database
    database.end_sessions()
    with owner_connection(database, None) as owner:
        for (name,) in rows(owner, "SELECT schema_name FROM information_schema.schemata"):
            if name not in ("mysql", "information_schema", "performance_schema", "sys"):
                rows(owner, f"DROP DATABASE `{name}`")
        rows(owner, f"CREATE DATABASE `{database.address.database}`")


def new_folder(store: Path) -> Path:
    """Not there yet, and short: a socket's path is at most 107 characters long."""
    return store / "servers" / f"{os.getpid()}-{next(_numbers)}"


def migrate(database: Database, *statements: str) -> Rows:
    """What the last of `statements` answers to the migration's account."""
    if isinstance(database, FakeDatabase):
        return [database.execute(statement) for statement in statements][-1]
    if database.address.flavor == "sqlite":
        with closing(sqlite3.connect(database.address.socket, isolation_level=None)) as connection:
            return [connection.execute(statement).fetchall() for statement in statements][-1]
    with migration_connection(database) as connection_:
        return [rows(connection_, statement) for statement in statements][-1]


@contextmanager
def migration_connection(database: Database) -> Iterator[pymysql.Connection[Cursor]]:
    at = database.address
    with pymysql.connect(
        unix_socket=str(at.socket), user=at.user, password=at.password, database=at.database, autocommit=True
    ) as connection:
        yield connection


@contextmanager
def owner_connection(database: Database, name: str | None = "") -> Iterator[pymysql.Connection[Cursor]]:
    """A connection of the server's owner, by the same file of credentials that a shell is given.

    It is in the database `name`, the clone's if none is named, or in none.
    """
    option = next(word for word in database.shell() if word.startswith("--defaults-extra-file="))
    with pymysql.connect(
        read_default_file=option.partition("=")[2],
        database=database.address.database if name == "" else name,
        autocommit=True,
    ) as connection:
        yield connection


FILLED_ROWS = 5000
FILL_BIG = (
    "CREATE TABLE big (id INT PRIMARY KEY, name VARCHAR(50) NOT NULL)",
    "INSERT INTO big VALUES " + ", ".join(f"({number}, 'name {number}')" for number in range(1, FILLED_ROWS + 1)),
)
"""A table of FILLED_ROWS rows."""


def work_of(database: Database, *statements: str) -> Statement:
    """What was measured of the last of `statements`."""
    database.begin_work()
    migrate(database, *statements)
    return database.end_work().statements[-1]


def rows(connection: pymysql.Connection[Cursor], sql: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def eventually(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds. The deadline is only there so that a broken test ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for never came to be"
        time.sleep(0.005)


class Background:
    """Runs `statement` as the migration in a thread; `error` is what it ended with."""

    def __init__(self, database: Database, statement: str) -> None:
        self.error: Exception | None = None
        self._database = database
        self._statement = statement
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            migrate(self._database, self._statement)
        except Exception as error:
            self.error = error

    def join(self) -> None:
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), f"{self._statement} did not end"


def ignored(done_bytes: int, total_bytes: int) -> None:
    """A progress that nobody looks at."""
