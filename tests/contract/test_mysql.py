"""What the MySQL adapter keeps to beyond what all servers do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.none import NoSandbox
from migci.adapters.servers.database import Admin
from migci.adapters.servers.mysql import MYSQL, mysql
from migci.core.step import Algorithm
from migci.errors import UsageError
from migci.ports import Database
from tests.contract.flavors import (
    FILL_BIG,
    FILLED_ROWS,
    emptied,
    migrate,
    migration_connection,
    needs_mysql,
    owner_connection,
    rows,
    shared_server,
    work_of,
)
from tests.contract.test_servers import REFUSED


@pytest.fixture(scope="module")
def shared(store: Path) -> Iterator[Database]:
    with shared_server("mysql", store) as database:
        yield database


@pytest.fixture
def filled(shared: Database) -> Iterator[Database]:
    """A table `big` of FILLED_ROWS rows."""
    with emptied(shared) as database:
        migrate(database, *FILL_BIG)
        yield database


def quiet() -> Log:
    return Log(Path("/dev/null"))


# Which server it is


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4"),
        ("/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.36"),
        ("/usr/sbin/mysqld  Ver 5.7.44 for Linux on x86_64 (MySQL Community Server (GPL))", None),
        ("mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", None),
        ("", None),
    ],
)
def test_the_version_is_told_of_mysql_8_and_later_and_of_nothing_else(told: str, version: str | None) -> None:
    assert MYSQL.version(told) == version


def test_mariadb_under_the_name_of_mysqld_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "mysqld"
    program.write_text("#!/bin/sh\necho 'mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64'\n")
    program.chmod(0o755)
    with pytest.raises(UsageError) as refused:
        mysql((), Instance("", tmp_path / "work"), quiet(), NoSandbox(), tmp_path).facts()
    assert refused.value.message.startswith(f"{program} is not MySQL 8.0 or later: it says 'mysqld  Ver 10.11.19-")
    assert refused.value.hint == "install Oracle MySQL's server, and name its folder in [server] programs"


def test_a_folder_without_its_programs_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"^mysqld is not in {tmp_path};") as refused:
        mysql((), Instance("", tmp_path / "work"), quiet(), NoSandbox(), tmp_path).facts()
    assert "[server] programs" in refused.value.hint


# What it is started with


@needs_mysql
def test_nothing_runs_by_itself_and_nothing_listens_beside_the_socket(shared: Database) -> None:
    told = migrate(shared, "SELECT @@event_scheduler, @@persisted_globals_load, @@skip_networking, @@log_bin")
    assert told == [("OFF", 0, 1, 0)]
    with owner_connection(shared) as owner:
        listening = rows(owner, "SELECT 1 FROM information_schema.plugins WHERE plugin_name = 'mysqlx' "
                                "AND plugin_status = 'ACTIVE'")  # fmt: skip
        assert not listening


@needs_mysql
@pytest.mark.parametrize(
    "statement",
    [
        "SET PASSWORD FOR root@localhost = 'x'",
        "SELECT * FROM mysql.global_grants",
        "SET PERSIST max_connections = 1",
        "INSTALL PLUGIN x SONAME 'auth_socket.so'",
        "INSTALL COMPONENT 'file://component_query_attributes'",
        "ALTER INSTANCE DISABLE INNODB REDO_LOG",
        "CLONE LOCAL DATA DIRECTORY = '/tmp/owned'",
        "LOCK INSTANCE FOR BACKUP",
        "RESTART",
    ],
)
def test_the_migration_may_not(shared: Database, statement: str) -> None:
    with pytest.raises(pymysql.err.MySQLError) as refused:
        migrate(shared, statement)
    assert refused.value.args[0] in REFUSED, refused.value


# Measures


@needs_mysql
@pytest.mark.parametrize(
    ("alter", "truth"),
    [
        ("ALTER TABLE big CONVERT TO CHARACTER SET latin1", (Algorithm.COPY, True)),
        ("ALTER TABLE big ADD CHECK (id > 0)", (Algorithm.COPY, True)),
        ("ALTER TABLE big DROP COLUMN name", (Algorithm.INSTANT, False)),
    ],
)
def test_the_algorithm_of_an_alter_is_told_truly(filled: Database, alter: str, truth: tuple[Algorithm, bool]) -> None:
    statement = work_of(filled, alter)
    assert (statement.algorithm, statement.rebuilt) == truth


@needs_mysql
def test_rows_that_a_cascade_and_a_trigger_change_are_counted(filled: Database) -> None:
    migrate(
        filled,
        "CREATE TABLE child (id INT, parent INT, FOREIGN KEY (parent) REFERENCES big (id) ON DELETE CASCADE)",
        "INSERT INTO child SELECT id, 1 + id % 10 FROM big WHERE id <= 100",
        "CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY)",
        "CREATE TRIGGER noted AFTER DELETE ON big FOR EACH ROW INSERT INTO log VALUES ()",
    )
    filled.begin_work()
    migrate(filled, "DELETE FROM big WHERE id = 1")
    assert filled.end_work().rows_changed == 1 + 10 + 1


@needs_mysql
def test_the_reads_of_the_data_dictionary_are_few(filled: Database) -> None:
    """They are counted, because the calls of the storage engine are what an account is known to have caused."""
    filled.begin_work()
    migrate(filled, "ALTER TABLE big ADD COLUMN added INT")
    assert (filled.end_work().rows_read or 0) < 200
    migrate(filled, "SELECT count(*) FROM big WHERE name LIKE '%9'")
    assert FILLED_ROWS <= (filled.end_work().rows_read or 0) < FILLED_ROWS + 10


def test_the_dictionarys_rows_are_not_subtracted_where_they_are_not_counted_apart() -> None:
    """As on servers before 8.0.19: what InnoDB counts there is no more exact than the calls of the account."""

    class Old(Admin):
        def rows(self, sql: str, parameters: tuple[object, ...] = ()) -> tuple[tuple[object, ...], ...]:
            if "status_by_user" in sql:
                return (("Handler_write", "7"), ("Handler_read_next", "3"))
            if "log_status" in sql:
                return (('{"InnoDB": {"LSN": 11}}',),)
            return (("Innodb_rows_inserted", "900"), ("Innodb_rows_updated", "0"), ("Innodb_rows_deleted", "0"))

    told = MYSQL.counters(Old(None, "", Path()), "migration")  # type: ignore[arg-type]
    assert (told.rows_read, told.rows_changed, told.bytes_logged) == (3, 7, 11)


@needs_mysql
def test_statements_of_a_session_that_goes_on_are_all_told(filled: Database) -> None:
    """The server answers before it has noted what it did."""
    with migration_connection(filled) as migration:
        filled.begin_work()
        for number in range(1, 301):
            rows(migration, f"UPDATE big SET name = 'x' WHERE id = {number}")
            work = filled.end_work()
            assert [(one.count, one.rows_changed) for one in work.statements] == [(1, 1)], number
            assert work.rows_changed == 1
