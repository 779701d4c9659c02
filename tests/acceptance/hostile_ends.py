"""Migrations that end badly, on purpose: each dataset names one in its table `attack`, and this does it.

It lies in the project under test, and runs in the project's own interpreter.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

Attack = Callable[[Any], None]

ON_SQLITE: dict[str, Attack] = {}
ON_MARIADB: dict[str, Attack] = {}

F_SETPIPE_SZ = 1031
FOR_EVER = 1000.0


def on_sqlite(function: Attack) -> Attack:
    ON_SQLITE[function.__name__] = function
    return function


def on_mariadb(function: Attack) -> Attack:
    ON_MARIADB[function.__name__] = function
    return function


def run(op: Any) -> None:
    attack = op.get_bind().exec_driver_sql("SELECT name FROM attack").scalar()
    {**ON_SQLITE, **ON_MARIADB}[attack](op)


def _another(op: Any) -> Any:
    """A connection that nobody else knows."""
    import pymysql

    url = op.get_bind().engine.url
    return pymysql.connect(
        unix_socket=url.query["unix_socket"], user=url.username, password=url.password,
        database=url.database, autocommit=True,
    )  # fmt: skip


def _ask(connection: Any, *statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


# What a process uses


@on_sqlite
def fills_its_memory(op: Any) -> None:
    held = []
    while True:
        held.append(b"x" * (1 << 20))


@on_sqlite
def fills_the_memory_of_many(op: Any) -> None:
    for _ in range(30):
        if os.fork() == 0:
            held = b"x" * (100 << 20)
            time.sleep(FOR_EVER + len(held))
    time.sleep(FOR_EVER)


@on_sqlite
def fills_every_folder(op: Any) -> None:
    for folder in ("/tmp", "/dev/shm"):
        try:
            with open(os.path.join(folder, "large"), "wb") as file:
                while True:
                    file.write(b"x" * (1 << 20))
        except OSError as error:
            sys.stdout.write(str(error))
    raise RuntimeError("they are full")


@on_sqlite
def opens_files_without_end(op: Any) -> None:
    held = []
    while True:
        held.append(open("/dev/null"))


@on_sqlite
def forks_without_end(op: Any) -> None:
    while True:
        os.fork()


@on_sqlite
def prints_without_end(op: Any) -> None:
    fcntl.fcntl(1, F_SETPIPE_SZ, 1 << 20)
    for _ in range(3):
        os.fork()
    while True:
        os.write(1, b"x" * (1 << 20))


@on_sqlite
def prints_more_than_is_kept(op: Any) -> None:
    for _ in range(100):
        os.write(1, (b"x" * 63 + b"\n") * (1 << 14))
    raise RuntimeError("printed")


@on_sqlite
def raises_a_message_without_end(op: Any) -> None:
    raise RuntimeError("x" * (2 << 20))


@on_sqlite
def raises_a_message_for_the_reader(op: Any) -> None:
    raise RuntimeError(
        "\udcff\ud800 \x1b]0;title\x07\x1b[2J \x00\x9b </script><script>alert(1)</script> \u202e ]]> & \ufffe"
    )


@on_sqlite
def tells_figures_that_nobody_can_write(op: Any) -> None:
    from migci_agent import statements

    number = 10**4299
    statements.stop = lambda: [["INSERT INTO a VALUES (1)", number, 1e308, number * 9]] * 50


@on_sqlite
def tells_texts_that_nobody_can_write(op: Any) -> None:
    from migci_agent import statements

    statements.stop = lambda: [["\udcff\x00\x1b INSERT INTO `\ud800` VALUES (1)", 1, 0.0, 1]]


@on_sqlite
def kills_all_that_it_can(op: Any) -> None:
    os.kill(-1, signal.SIGKILL)


@on_sqlite
def stops_itself(op: Any) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


@on_sqlite
def stays_as_a_daemon(op: Any) -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
            for number in range(1, 32):
                if number not in (signal.SIGKILL, signal.SIGSTOP):
                    signal.signal(number, signal.SIG_IGN)
            words = [sys.executable, "-c", f"import time; time.sleep({FOR_EVER})"]
            os.closerange(0, 4096)
            os.execve(words[0], words, {})
        os._exit(0)
    os.wait()


# What migci reads afterwards, where the database is a file


def _file(op: Any) -> str:
    return str(op.get_bind().engine.url.database)


@on_sqlite
def puts_a_link_where_its_database_was(op: Any) -> None:
    def replace() -> None:
        os.unlink(_path)
        os.symlink("/etc/hostname", _path)

    _path = _file(op)
    atexit.register(replace)


@on_sqlite
def puts_a_pipe_where_its_database_was(op: Any) -> None:
    def replace() -> None:
        os.unlink(_path)
        os.mkfifo(_path)

    _path = _file(op)
    atexit.register(replace)


@on_sqlite
def puts_a_folder_where_its_database_was(op: Any) -> None:
    def replace() -> None:
        os.unlink(_path)
        os.mkdir(_path)
        os.chmod(_path, 0)

    _path = _file(op)
    atexit.register(replace)


@on_sqlite
def leaves_a_journal_that_names_a_file_of_the_machine(op: Any) -> None:
    """SQLite deletes what a journal names as the one above it, when it has rolled it back."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "bait.json")) as file:
        victim = json.load(file)["file"].encode()
    magic = bytes.fromhex("d9d505f920a163d7")

    def plant() -> None:
        size = 4096
        with open(_path, "rb") as file:
            pages = struct.unpack(">I", file.read(32)[28:32])[0]
        head = (magic + struct.pack(">IIIII", 0, 1, pages, 512, size)).ljust(512, b"\0")
        above = (
            struct.pack(">I", 0x40000000 // size + 1) + victim + struct.pack(">II", len(victim), sum(victim)) + magic
        )
        with open(f"{_path}-journal", "wb") as file:
            file.write(head + above)

    _path = _file(op)
    atexit.register(plant)


@on_sqlite
def makes_its_version_a_view_without_end(op: Any) -> None:
    import sqlite3

    def replace() -> None:
        with sqlite3.connect(_path) as connection:
            connection.execute("DROP TABLE alembic_version")
            connection.execute(
                "CREATE VIEW alembic_version AS WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
                "SELECT x AS version_num FROM c"
            )

    _path = _file(op)
    atexit.register(replace)


@on_sqlite
def leaves_folders_without_end(op: Any) -> None:
    os.chdir(os.path.dirname(_file(op)))
    for _ in range(1500):
        os.mkdir("d" * 50)
        os.chdir("d" * 50)


# What migci asks the server afterwards


@on_mariadb
def makes_its_version_a_view_that_sleeps(op: Any) -> None:
    def replace() -> None:
        _ask(other, "DROP TABLE alembic_version",
             "CREATE VIEW alembic_version AS SELECT '0009' AS version_num, SLEEP(1000) AS s")  # fmt: skip
        _ask(other, "CREATE OR REPLACE VIEW alembic_version AS SELECT IF(SLEEP(1000), 1, '0009') AS version_num")

    other = _another(op)
    atexit.register(replace)


@on_mariadb
def makes_its_version_a_view_that_acts_for_who_looks(op: Any) -> None:
    def replace() -> None:
        _ask(
            other,
            "DROP TABLE alembic_version",
            "CREATE FUNCTION act () RETURNS VARCHAR(32) SQL SECURITY INVOKER MODIFIES SQL DATA "
            "BEGIN SET GLOBAL general_log_file = 'acted.log'; SET GLOBAL general_log = 1; RETURN '0009'; END",
            "CREATE SQL SECURITY INVOKER VIEW alembic_version AS SELECT act() AS version_num",
        )

    other = _another(op)
    atexit.register(replace)


@on_mariadb
def makes_its_version_a_column_that_sleeps(op: Any) -> None:
    def replace() -> None:
        _ask(
            other,
            "DROP TABLE alembic_version",
            "CREATE TABLE alembic_version (a INT, version_num VARCHAR(32) AS (IF(SLEEP(1000), 1, '0009')) VIRTUAL)",
            "INSERT INTO alembic_version (a) VALUES (1)",
        )

    other = _another(op)
    atexit.register(replace)


@on_mariadb
def makes_more_versions_than_can_be_held(op: Any) -> None:
    def replace() -> None:
        _ask(other, "DROP TABLE alembic_version", "CREATE TABLE alembic_version (version_num LONGTEXT)",
             "INSERT INTO alembic_version SELECT REPEAT('x', 1000000) FROM seq_1_to_300")  # fmt: skip

    other = _another(op)
    atexit.register(replace)


@on_mariadb
def renames_its_versions_column(op: Any) -> None:
    other = _another(op)
    atexit.register(_ask, other, "ALTER TABLE alembic_version RENAME COLUMN version_num TO x")


@on_mariadb
def drops_its_database(op: Any) -> None:
    other = _another(op)
    atexit.register(_ask, other, f"DROP DATABASE {op.get_bind().engine.url.database}")


@on_mariadb
def locks_its_version(op: Any) -> None:
    """When alembic has written it, and before migci is told."""
    from migci_agent import statements

    def stop() -> object:
        _ask(other, "LOCK TABLES alembic_version WRITE")
        return stopped()

    other, stopped = _another(op), statements.stop
    statements.stop = stop


@on_mariadb
def fills_its_memory_behind_a_statement(op: Any) -> None:
    """When it is said to be done, and migci waits for what still runs on the server."""
    other = _another(op)
    threading.Thread(target=_ask, args=(other, "SELECT SLEEP(3)"), daemon=True).start()
    if os.fork() == 0:
        time.sleep(0.5)
        for _ in range(20):
            if os.fork() == 0:
                held = b"x" * (100 << 20)
                time.sleep(FOR_EVER + len(held))
        time.sleep(FOR_EVER)
