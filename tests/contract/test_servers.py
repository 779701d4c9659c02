"""What all real servers keep to beyond the contract: dumps as they come, a contained account, true measures."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import fsspec
import psutil
import pymysql
import pytest

from migci.adapters.instances import children, marked
from migci.adapters.log import Log
from migci.adapters.servers.performance import Observation
from migci.adapters.servers.server import Server
from migci.core.step import Algorithm, Cause
from migci.errors import MigciError, UsageError
from migci.ports import Database, DiskFull, RestoreFailed, ServerFailed, VersionTable
from tests.contract.flavors import (
    FILL_BIG,
    FILLED_ROWS,
    MARK,
    PRODUCTS,
    Background,
    emptied,
    eventually,
    ignored,
    migrate,
    migration_connection,
    new_folder,
    owner_connection,
    rows,
    shared_server,
    started,
    under_test,
    work_of,
)

REFUSED = (1044, 1045, 1142, 1227, 3948, 4166)
"""The servers' numbers for: that is not for you."""


@pytest.fixture(scope="module", params=under_test(PRODUCTS))
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def server(flavor: str) -> Callable[..., Server]:
    """Makes a server: of the store, and options."""
    return PRODUCTS[flavor]


@pytest.fixture
def own(server: Callable[..., Server], store: Path) -> Iterator[Database]:
    """A server for one test alone."""
    with started(server(store), new_folder(store)) as database:
        yield database


@pytest.fixture(scope="module")
def shared(flavor: str, store: Path) -> Iterator[Database]:
    with shared_server(flavor, store) as database:
        yield database


@pytest.fixture
def database(shared: Database) -> Iterator[Database]:
    """An empty database, of a server that others had before."""
    with emptied(shared) as database:
        yield database


@pytest.fixture
def filled(database: Database) -> Database:
    """A database with a table `big` of FILLED_ROWS rows."""
    migrate(database, *FILL_BIG)
    return database


def restore(database: Database, folder: Path, sql: str | bytes) -> None:
    source = folder / "dump.sql"
    source.write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    database.restore(str(source), ignored)


def servers() -> list[int]:
    """The pids of the servers that run, without those of what confines them."""
    return [pid for pid in marked(MARK) if not children(pid)]


def server_pid() -> int:
    (pid,) = servers()
    return pid


def kill_server() -> None:
    """As the kernel does when memory is short; on return it has ended."""
    server = psutil.Process(server_pid())
    server.kill()
    eventually(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


# Dumps


def test_a_dump_that_names_its_own_database_is_adopted_and_the_migration_owns_it(own: Database, tmp_path: Path) -> None:
    restore(
        own,
        tmp_path,
        "CREATE DATABASE `my_shop`;\nUSE `my_shop`;\nCREATE TABLE `orders` (id INT);\nINSERT INTO orders VALUES (1);\n",
    )
    assert own.address.database == "my_shop"
    assert list(own.schema()) == ["orders"]
    assert own.size().rows == 1
    own.begin_work()
    migrate(own, "CREATE TABLE added (id INT)", "INSERT INTO orders VALUES (2)")
    assert own.end_work().rows_changed == 1
    assert sorted(own.schema()) == ["added", "orders"]


def test_a_script_runs_in_the_database_that_a_dump_named(own: Database, tmp_path: Path) -> None:
    restore(own, tmp_path, "CREATE DATABASE shop;\nUSE shop;\nCREATE TABLE orders (id INT);\n")
    script = tmp_path / "after.sql"
    script.write_text("INSERT INTO orders VALUES (1);")
    own.run(script)
    assert migrate(own, "SELECT id FROM orders") == [(1,)]


def test_a_script_that_deletes_a_row_deletes_along_its_foreign_keys(database: Database, tmp_path: Path) -> None:
    migrate(
        database,
        "CREATE TABLE orders (id INT PRIMARY KEY)",
        "CREATE TABLE notes (id INT PRIMARY KEY, o INT, FOREIGN KEY (o) REFERENCES orders (id) ON DELETE CASCADE)",
        "INSERT INTO orders VALUES (1), (2)",
        "INSERT INTO notes VALUES (10, 1), (20, 2)",
    )
    script = tmp_path / "after.sql"
    script.write_text("DELETE FROM orders WHERE id = 1;\n")
    database.run(script)
    assert migrate(database, "SELECT id FROM notes") == [(20,)]


def test_the_migration_owns_the_adopted_database_and_none_that_is_called_alike(own: Database, tmp_path: Path) -> None:
    restore(own, tmp_path, "CREATE DATABASE my_shop;\nUSE my_shop;\nCREATE TABLE orders (id INT);\n")
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        migrate(own, "CREATE DATABASE myxshop")


def test_what_a_url_is_signed_with_is_in_no_message(database: Database) -> None:
    fsspec.filesystem("memory").pipe("/empty.sql?signature=secret", b"SELECT 1;\n")
    with pytest.raises(RestoreFailed, match=r"^the dump empty\.sql holds no tables") as error:
        database.restore("memory://empty.sql?signature=secret", ignored)
    assert "secret" not in str(error.value)


def test_a_dump_with_two_databases_is_refused_with_both_named(database: Database, tmp_path: Path) -> None:
    both = "".join(f"CREATE DATABASE {name};\nUSE {name};\nCREATE TABLE t (id INT);\n" for name in ("shop", "blog"))
    with pytest.raises(RestoreFailed) as refused:
        restore(database, tmp_path, both)
    assert refused.value.message == "the dump dump.sql fills several databases: blog, shop"
    assert refused.value.hint == "dump the one that the migrations are for, without --databases"


def test_triggers_and_routines_between_delimiters_are_loaded(database: Database, tmp_path: Path) -> None:
    restore(
        database,
        tmp_path,
        """
        CREATE TABLE t (id INT, twice INT);
        DELIMITER ;;
        /*!50003 CREATE*/ /*!50017 DEFINER=`app`@`%`*/ /*!50003 TRIGGER doubled BEFORE INSERT ON t FOR EACH ROW
        BEGIN
          SET NEW.twice = 2 * NEW.id;
        END */;;
        CREATE FUNCTION unity() RETURNS INT DETERMINISTIC BEGIN RETURN 1; END;;
        CREATE PROCEDURE fill() BEGIN INSERT INTO t (id) VALUES (7); END;;
        DELIMITER ;
        """,
    )
    with owner_connection(database) as owner:
        told = rows(
            owner, "SELECT trigger_name, definer FROM information_schema.triggers WHERE trigger_schema = DATABASE()"
        )
    assert told == [("doubled", "app@%")]
    assert migrate(database, "SELECT unity()") == [(1,)]


BYTES = bytes(range(256)) + b"\\" * 3 + b"\\n\\0\\'" + b"\r\n\r\n" + b"\xff\xfe\x00\x00\x1a;--'\"`"


def escaped(data: bytes) -> bytes:
    """As mysqldump writes a binary column without --hex-blob."""
    for raw, written in ((b"\\", b"\\\\"), (b"\0", b"\\0"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"'", b"\\'")):
        data = data.replace(raw, written)
    return data


@pytest.mark.parametrize(
    "literal",
    [b"_binary '" + escaped(BYTES) + b"'", b"0x" + BYTES.hex().encode(), b"'" + escaped(BYTES) + b"'"],
    ids=["_binary", "hexadecimal", "plain"],
)
def test_every_byte_of_a_blob_is_restored(database: Database, tmp_path: Path, literal: bytes) -> None:
    restore(
        database,
        tmp_path,
        b"/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE t (b LONGBLOB);\nINSERT INTO t VALUES (" + literal + b");\n",
    )
    assert migrate(database, "SELECT b FROM t") == [(BYTES,)]


def test_bytes_that_were_not_escaped_are_restored_as_they_are(database: Database, tmp_path: Path) -> None:
    restore(
        database, tmp_path, b"CREATE TABLE t (b LONGBLOB);\nINSERT INTO t VALUES (_binary 'a\0b\r\nc\rd\n\x1ae');\n"
    )
    assert migrate(database, "SELECT b FROM t") == [(b"a\0b\r\nc\rd\n\x1ae",)]


def test_text_in_four_byte_unicode_is_restored(database: Database, tmp_path: Path) -> None:
    restore(
        database,
        tmp_path,
        "/*!40101 SET NAMES utf8mb4 */;\nCREATE TABLE t (name VARCHAR(20)) CHARSET utf8mb4;\n"
        "INSERT INTO t VALUES ('Zoë 🦊');\n",
    )
    assert migrate(database, "SELECT HEX(name) FROM t") == [("Zoë 🦊".encode().hex().upper(),)]


def test_a_view_is_part_of_the_schema_and_its_rows_are_not_counted_twice(database: Database, tmp_path: Path) -> None:
    restore(
        database,
        tmp_path,
        "CREATE TABLE t (id INT);\nINSERT INTO t VALUES (1), (2);\n"
        "CREATE DEFINER=`app`@`%` SQL SECURITY DEFINER VIEW v AS SELECT id FROM t;\n",
    )
    assert " VIEW " in database.schema()["v"]
    assert database.size().rows == 2


def test_the_schema_is_told_also_when_a_view_has_lost_its_table(database: Database) -> None:
    migrate(database, "CREATE TABLE t (id INT)", "CREATE VIEW v AS SELECT id FROM t", "DROP TABLE t")
    assert list(database.schema()) == ["v"]


def test_a_table_whose_name_has_a_percent_sign_counts(database: Database) -> None:
    migrate(database, "CREATE TABLE `50%s off` (id INT)", "INSERT INTO `50%s off` VALUES (1)")
    assert (database.size().tables, database.size().rows) == (1, 1)
    assert list(database.schema()) == ["50%s off"]


def test_every_kind_of_table_with_rows_counts(database: Database) -> None:
    migrate(
        database,
        "CREATE TABLE plain (id INT)",
        "CREATE TABLE parted (id INT) PARTITION BY HASH (id) PARTITIONS 3",
        "INSERT INTO plain VALUES (1)",
        "INSERT INTO parted VALUES (1), (2)",
    )
    assert database.size().rows == 3


def test_a_foreign_key_to_a_table_that_comes_later_is_loaded(database: Database, tmp_path: Path) -> None:
    restore(
        database,
        tmp_path,
        "CREATE TABLE a (id INT PRIMARY KEY, b INT, FOREIGN KEY (b) REFERENCES b (id));\nINSERT INTO a VALUES (1, 1);\n"
        "CREATE TABLE b (id INT PRIMARY KEY);\nINSERT INTO b VALUES (1);\n",
    )
    assert sorted(database.schema()) == ["a", "b"]


@pytest.mark.parametrize(
    "command",
    [
        "\\! touch {owned}",
        "system touch {owned}",
        "SELECT 1 \\! touch {owned}\n;",
        "\\T {owned}\nSELECT 1;",
        "tee {owned}\nSELECT 1;",
        "SELECT 1 INTO OUTFILE '{owned}';",
        "SELECT 1 INTO DUMPFILE '{owned}';",
    ],
)
def test_what_a_dump_asks_of_this_machine_is_not_done(database: Database, tmp_path: Path, command: str) -> None:
    owned = tmp_path / "owned"
    with suppress(RestoreFailed):
        restore(database, tmp_path, f"CREATE TABLE t (id INT);\n{command.format(owned=owned)}\n")
    assert not owned.exists()


@pytest.mark.parametrize("command", ["source {other}", "\\. {other}"])
def test_a_dump_cannot_read_another_file(database: Database, tmp_path: Path, command: str) -> None:
    other = tmp_path / "other.sql"
    other.write_text("CREATE TABLE of_another_file (id INT);\n")
    with suppress(RestoreFailed):
        restore(database, tmp_path, f"CREATE TABLE t (id INT);\n{command.format(other=other)}\n")
    assert "of_another_file" not in database.schema()


def test_a_dump_cannot_load_a_local_file_as_data(database: Database, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("confidential\n")
    with pytest.raises(RestoreFailed):
        restore(
            database,
            tmp_path,
            f"CREATE TABLE t (line TEXT);\nLOAD DATA LOCAL INFILE '{secret}' INTO TABLE t;\n",
        )
    with pytest.raises(RestoreFailed):
        restore(database, tmp_path, f"CREATE TABLE u (line TEXT);\nLOAD DATA INFILE '{secret}' INTO TABLE u;\n")


# The migration's account


@pytest.mark.parametrize(
    "statement",
    [
        "SET GLOBAL max_connections = 1",
        "SET GLOBAL general_log_file = '/tmp/general.log'",
        "CREATE USER intruder@localhost",
        "GRANT ALL ON *.* TO migration@localhost",
        "SELECT * FROM mysql.user",
        "CREATE DATABASE mine",
        "SELECT * FROM elsewhere.secrets",
        "CREATE TABLE elsewhere.mine (id INT)",
        "SELECT 1 INTO OUTFILE '/tmp/owned'",
        "LOAD DATA INFILE '/etc/passwd' INTO TABLE here",
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE here",
        "TRUNCATE performance_schema.events_statements_summary_by_digest",
        "UPDATE performance_schema.setup_consumers SET enabled = 'NO'",
        "UPDATE performance_schema.threads SET instrumented = 'NO'",
        "CREATE FUNCTION evil RETURNS STRING SONAME 'evil.so'",
        "SHUTDOWN",
        "FLUSH STATUS",
        "SET SESSION sql_log_bin = 0",
    ],
)
def test_the_migration_may_not(database: Database, statement: str) -> None:
    with owner_connection(database) as owner:
        rows(owner, "CREATE DATABASE elsewhere")
        rows(owner, "CREATE TABLE elsewhere.secrets (id INT)")
    migrate(database, "CREATE TABLE here (line TEXT)")
    with pytest.raises(pymysql.err.MySQLError) as refused:
        migrate(database, statement)
    assert refused.value.args[0] in REFUSED, refused.value


def test_the_migration_may_not_end_migcis_own_connection(shared: Database) -> None:
    with owner_connection(shared) as owner:
        ((ours,),) = rows(owner, "SELECT CONNECTION_ID()")
        with pytest.raises(pymysql.err.OperationalError, match="not owner"):
            migrate(shared, f"KILL {ours}")
        assert rows(owner, "SELECT 1")


def test_the_migration_reads_no_file_of_this_machine(shared: Database) -> None:
    assert migrate(shared, "SELECT LOAD_FILE('/etc/passwd')") == [(None,)]


def test_the_migration_sees_nothing_of_migcis_own_connection(shared: Database) -> None:
    assert {user for _, user, *_ in migrate(shared, "SHOW PROCESSLIST")} == {"migration"}


def test_the_migration_may_do_with_its_own_database_as_it_likes(database: Database) -> None:
    migrate(
        database,
        "CREATE TABLE mine (id INT)",
        "CREATE TRIGGER watch BEFORE INSERT ON mine FOR EACH ROW SET NEW.id = NEW.id + 1",
        "CREATE VIEW seen AS SELECT id FROM mine",
        "CREATE TEMPORARY TABLE passing (id INT)",
        "LOCK TABLES mine WRITE",
        "UNLOCK TABLES",
        "SET SESSION sql_mode = ''",
        "CREATE PROCEDURE fill() INSERT INTO mine VALUES (1)",
        "CALL fill()",
        "DROP VIEW seen",
        "DROP PROCEDURE fill",
        "DROP TABLE mine",
    )


def test_the_passwords_are_others_for_every_server_and_the_owners_is_for_the_owner_alone(
    shared: Database, own: Database
) -> None:
    assert shared.address.password != own.address.password
    assert len(own.address.password) >= 32
    file = Path(next(word for word in own.shell() if word.startswith("--defaults-extra-file=")).split("=")[1])
    assert file.stat().st_mode & 0o077 == 0
    password = next(line for line in file.read_text().splitlines() if line.startswith("password=")).split("=")[1]
    assert len(password) >= 32
    server = psutil.Process(server_pid())
    for secret in (password, own.address.password):
        assert secret not in " ".join(server.cmdline())
        assert secret not in " ".join(server.environ().values())


def test_a_shell_is_the_owners_in_the_clones_database(database: Database) -> None:
    said = subprocess.run(
        [*database.shell(), "--batch", "--skip-column-names", "--execute=SELECT CURRENT_USER(), DATABASE()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["root@localhost", database.address.database]


# Measures


ALTERS = {
    "ALTER TABLE big ADD COLUMN added INT": (Algorithm.INSTANT, False),
    "ALTER TABLE big ADD COLUMN added INT NOT NULL DEFAULT 7 FIRST": (Algorithm.INSTANT, False),
    "ALTER TABLE big MODIFY name VARCHAR(60) NOT NULL": (Algorithm.INSTANT, False),
    "ALTER TABLE big ALTER name SET DEFAULT 'x'": (Algorithm.INSTANT, False),
    "ALTER TABLE big ADD INDEX by_name (name)": (Algorithm.INPLACE, False),
    "CREATE INDEX by_name ON big (name)": (Algorithm.INPLACE, False),
    "CREATE UNIQUE INDEX by_name ON big (name)": (Algorithm.INPLACE, False),
    "ALTER TABLE big FORCE": (Algorithm.INPLACE, True),
    "ALTER TABLE big ADD COLUMN added INT, ALGORITHM=INPLACE, FORCE": (Algorithm.INPLACE, True),
    "ALTER TABLE big ENGINE=InnoDB": (Algorithm.INPLACE, True),
    "OPTIMIZE TABLE big": (Algorithm.INPLACE, True),
    "ALTER TABLE big MODIFY id BIGINT": (Algorithm.COPY, True),
    "ALTER TABLE big MODIFY name VARCHAR(300) NOT NULL": (Algorithm.COPY, True),
    "ALTER TABLE big ADD COLUMN added INT, ALGORITHM=COPY": (Algorithm.COPY, True),
    "ALTER TABLE big ENGINE=MyISAM": (Algorithm.COPY, True),
    "ALTER TABLE big ADD FULLTEXT (name)": (Algorithm.INPLACE, True),
    "ALTER TABLE big FORCE, LOCK=SHARED": (Algorithm.INPLACE, True),
    "ALTER TABLE big ADD INDEX by_name (name), LOCK=SHARED": (Algorithm.INPLACE, False),
}


@pytest.mark.parametrize(("alter", "truth"), ALTERS.items(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_algorithm_of_an_alter_is_told_truly(filled: Database, alter: str, truth: tuple[Algorithm, bool]) -> None:
    statement = work_of(filled, alter)
    assert (statement.table, statement.algorithm, statement.rebuilt) == ("big", *truth)


def test_a_copy_of_an_empty_table_is_still_a_copy(filled: Database) -> None:
    migrate(filled, "DELETE FROM big")
    statement = work_of(filled, "ALTER TABLE big MODIFY id BIGINT")
    assert (statement.algorithm, statement.rebuilt) == (Algorithm.COPY, True)


def test_an_index_on_an_empty_table_is_never_called_instant(filled: Database) -> None:
    """It is in place while the rows that were deleted are there to be read, and nobody can tell afterwards."""
    migrate(filled, "DELETE FROM big")
    assert work_of(filled, "ALTER TABLE big ADD INDEX by_name (name)").algorithm in (Algorithm.INPLACE, None)


def test_only_the_first_fulltext_index_rebuilds_its_table(filled: Database) -> None:
    migrate(filled, "ALTER TABLE big ADD FULLTEXT (name)")
    statement = work_of(filled, "ALTER TABLE big ADD FULLTEXT another (name)")
    assert (statement.algorithm, statement.rebuilt) == (Algorithm.INPLACE, False)


def test_a_rebuilt_table_is_told_by_step_also_where_nothing_was_begun_anew(filled: Database) -> None:
    filled.begin_work()
    told = []
    for name in ("one", "two"):
        migrate(
            filled, f"CREATE TABLE `{name}-Zo` (id INT, name VARCHAR(9))", f"INSERT INTO `{name}-Zo` VALUES (1, '')"
        )
        filled.end_work()
        migrate(filled, f"ALTER TABLE `{name}-Zo` ADD FULLTEXT (name)")
        told += [(one.table, one.algorithm, one.rebuilt) for one in filled.end_work().statements if one.table]
    assert told == [("one-Zo", Algorithm.INPLACE, True), ("two-Zo", Algorithm.INPLACE, True)]


def test_a_table_is_told_by_its_name_also_if_that_is_a_word_of_sql(database: Database) -> None:
    """Servers write such names in capitals where they tell of statements."""
    migrate(database, "CREATE TABLE events (id INT)", "INSERT INTO events VALUES (1)")
    statement = work_of(database, "ALTER TABLE events ADD COLUMN added INT")
    assert (statement.table, statement.algorithm) == ("events", Algorithm.INSTANT)


def test_the_algorithm_of_a_dropped_index_reads_no_rows(filled: Database) -> None:
    migrate(filled, "CREATE INDEX by_name ON big (name)")
    statement = work_of(filled, "DROP INDEX by_name ON big")
    assert (statement.table, statement.algorithm, statement.rebuilt) == ("big", Algorithm.INSTANT, False)


def test_the_worse_of_two_alike_alters_is_told(filled: Database) -> None:
    """They are one statement in the report, because their texts differ only in a value."""
    filled.begin_work()
    migrate(
        filled,
        "ALTER TABLE big ALTER name SET DEFAULT 'x'",
        "SET SESSION old_alter_table = 1",
        "ALTER TABLE big ALTER name SET DEFAULT 'y'",
    )
    (alter,) = [one for one in filled.end_work().statements if one.digest.startswith("ALTER")]
    assert (alter.count, alter.algorithm) == (2, Algorithm.COPY)


@pytest.mark.parametrize(
    "statement", ["SELECT count(*) FROM big", "UPDATE big SET name = 'x'", "CREATE TABLE IF NOT EXISTS big (id INT)"]
)
def test_what_alters_no_table_has_no_algorithm(filled: Database, statement: str) -> None:
    told = work_of(filled, statement)
    assert (told.algorithm, told.rebuilt) == (None, None)


def test_a_copy_changes_every_row_of_its_table(filled: Database) -> None:
    filled.begin_work()
    migrate(filled, "ALTER TABLE big MODIFY id BIGINT")
    work = filled.end_work()
    assert work.rows_changed == FILLED_ROWS
    assert work.rows_read is not None
    assert work.rows_read >= FILLED_ROWS
    assert work.statements[-1].rows_changed == FILLED_ROWS


@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("UPDATE big SET name = 'x' WHERE id <= 10", 10),
        ("DELETE FROM big WHERE id <= 7", 7),
        ("INSERT INTO big SELECT id + 1000000, name FROM big WHERE id <= 3", 3),
        ("ALTER TABLE big ADD COLUMN added INT", 0),
        ("SELECT name FROM big WHERE id = 5", 0),
        ("SELECT LEFT(name, 6), count(*) FROM big GROUP BY 1", 0),
        ("CREATE TABLE other (id INT PRIMARY KEY)", 0),
        ("CREATE INDEX by_name ON big (name)", 0),
        ("ALTER TABLE big FORCE", 0),
        ("CREATE TABLE other AS SELECT * FROM big", FILLED_ROWS),
        ("DROP TABLE big", 0),
    ],
)
def test_rows_changed_are_exact(filled: Database, statement: str, changed: int) -> None:
    filled.begin_work()
    migrate(filled, statement)
    assert filled.end_work().rows_changed == changed


def test_what_migci_itself_asks_is_not_counted(filled: Database) -> None:
    filled.begin_work()
    for _ in range(3):
        filled.size()
        filled.schema()
        filled.sample()
    work = filled.end_work()
    assert (work.rows_read, work.rows_changed, work.statements) == (0, 0, ())


def test_statements_come_in_the_order_in_which_each_first_ran_without_their_values(filled: Database) -> None:
    filled.begin_work()
    migrate(
        filled,
        "UPDATE big SET name = 'Alice Confidential' WHERE id = 1",
        "SELECT name FROM big WHERE id = 1",
        "UPDATE big SET name = 'Bob Confidential' WHERE id = 2",
        "DELETE FROM big WHERE id IN (3, 4, 5)",
    )
    told = filled.end_work().statements
    ours = [one for one in told if not one.digest.upper().startswith("SET ")]
    assert [one.table for one in ours] == ["big", "big", "big"]
    assert [one.digest.split()[0] for one in ours] == ["UPDATE", "SELECT", "DELETE"]
    assert [one.count for one in ours] == [2, 1, 1]
    assert [one.rows_changed for one in ours] == [2, 0, 3]
    assert "Confidential" not in repr(told)


def test_a_larger_change_writes_a_longer_log(filled: Database) -> None:
    def logged(statement: str) -> int:
        filled.begin_work()
        migrate(filled, statement)
        return filled.end_work().bytes_logged or 0

    assert logged("UPDATE big SET name = 'y'") > logged("UPDATE big SET name = 'z' WHERE id = 1")


UPGRADING = (
    "SELECT 1 FROM performance_schema.metadata_locks "
    "WHERE object_name = 'big' AND lock_type = 'EXCLUSIVE' AND lock_status = 'PENDING'"
)
"""An ALTER has done its work, and waits to have the table for itself."""


def alter_held_up(database: Database, alter: str, while_held: int) -> None:
    """Run `alter` while somebody else reads the table: it cannot end before it was sampled `while_held` times."""
    with owner_connection(database) as reader:
        rows(reader, "BEGIN")
        rows(reader, "SELECT count(*) FROM big")
        database.begin_work()
        migration = Background(database, alter)
        with owner_connection(database) as watcher:
            eventually(lambda: rows(watcher, UPGRADING))
        for _ in range(while_held):
            database.sample()
        rows(reader, "COMMIT")
    migration.join()
    assert migration.error is None


def test_writes_are_blocked_while_a_copy_is_held_up_and_its_statement_is_named(filled: Database) -> None:
    alter_held_up(filled, "ALTER TABLE big MODIFY id BIGINT", while_held=3)
    work = filled.end_work()
    assert work.blocked_write_seconds is not None
    assert work.blocked_write_seconds > 0
    (alter,) = [one for one in work.statements if one.table == "big"]
    assert alter.blocked_write_seconds == work.blocked_write_seconds


def test_an_alter_does_not_answer_for_the_time_before_it(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while the session of a project's tool starts, in which nobody looks; nor for that of a look that is slow."""
    settled = Observation._settled_tables

    def slowly(self: Observation) -> frozenset[str]:
        rows(watcher, "DO SLEEP(0.5)")
        return settled(self)

    monkeypatch.setattr(Observation, "_settled_tables", slowly)
    with owner_connection(filled) as reader, owner_connection(filled) as watcher:
        rows(reader, "BEGIN")
        rows(reader, "SELECT count(*) FROM big")
        filled.begin_work()
        rows(watcher, "DO SLEEP(0.5)")
        migration = Background(filled, "ALTER TABLE big MODIFY id BIGINT")
        eventually(lambda: rows(watcher, UPGRADING))
        filled.sample()
        filled.sample()
        rows(reader, "COMMIT")
        migration.join()
    work = filled.end_work()
    (alter,) = [one for one in work.statements if one.table == "big"]
    assert work.blocked_write_seconds is not None
    assert 0 < work.blocked_write_seconds <= alter.seconds


def test_blocked_seconds_are_those_between_the_looks_at_it(filled: Database) -> None:
    with owner_connection(filled) as owner, migration_connection(filled) as migration:
        filled.begin_work()
        rows(migration, "LOCK TABLES big WRITE")
        filled.sample()
        began = time.monotonic()
        rows(owner, "DO SLEEP(0.2)")
        ended = time.monotonic()
        filled.sample()
        rows(migration, "UNLOCK TABLES")
        filled.sample()
    work = filled.end_work()
    assert work.blocked_write_seconds is not None
    assert work.blocked_write_seconds >= ended - began


def test_a_transaction_that_holds_rows_blocks_no_other_writes(filled: Database) -> None:
    with migration_connection(filled) as migration:
        filled.begin_work()
        rows(migration, "BEGIN")
        rows(migration, "UPDATE big SET name = 'x' WHERE id = 1")
        filled.sample()
        filled.sample()
        rows(migration, "COMMIT")
    assert filled.end_work().blocked_write_seconds == 0


def test_a_lock_on_a_table_that_the_step_has_made_blocks_nobody(database: Database) -> None:
    with migration_connection(database) as migration:
        database.begin_work()
        rows(migration, "CREATE TABLE fresh (id INT)")
        rows(migration, "LOCK TABLES fresh WRITE")
        database.sample()
        database.sample()
        rows(migration, "UNLOCK TABLES")
    assert database.end_work().blocked_write_seconds == 0


# Ends


def test_end_sessions_ends_a_statement_that_would_run_for_ever(shared: Database) -> None:
    migration = Background(shared, "SELECT SLEEP(1000)")
    with owner_connection(shared) as watcher:
        running = "SELECT 1 FROM performance_schema.threads WHERE processlist_info = 'SELECT SLEEP(1000)'"
        eventually(lambda: rows(watcher, running))
        shared.end_sessions()
        migration.join()
        assert isinstance(migration.error, pymysql.err.OperationalError)
        assert not rows(watcher, running)


def test_a_lock_that_a_session_left_is_gone_after_end_sessions(filled: Database) -> None:
    with migration_connection(filled) as left:
        rows(left, "LOCK TABLES big WRITE")
        filled.end_sessions()
        migrate(filled, "UPDATE big SET name = 'x' WHERE id = 1")


def test_a_server_that_was_killed_is_said_to_be_gone(own: Database) -> None:
    own.begin_work()
    kill_server()
    own.sample()
    own.end_sessions()
    trouble = own.trouble()
    assert trouble is not None
    assert trouble.cause is Cause.SERVER
    assert trouble.message.startswith("it ended with status -9; the last line of its log: ")


@pytest.mark.parametrize("said", ["Operating system error number 28.", "returned -1, operating system error 28"])
def test_a_server_that_ended_for_want_of_space_is_told_by_its_log(own: Database, said: str) -> None:
    """What it could not use it may have given back: then only its log tells."""
    own.begin_work()
    log = own.address.socket.with_name("error.log")
    kill_server()
    log.write_bytes(log.read_bytes() + f"[ERROR] [InnoDB] Write to file ./x.ibd failed, {said}\n".encode())
    trouble = own.trouble()
    assert trouble is not None
    assert trouble.cause is Cause.DISK
    with pytest.raises(DiskFull):
        own.settle(1.0)
    with pytest.raises(DiskFull):
        own.end_work()
    with pytest.raises(DiskFull):
        own.versions(VersionTable("v", "at"))


def test_what_a_killed_server_is_asked_raises_server_failed(own: Database) -> None:
    kill_server()
    for ask in (own.size, own.schema, own.begin_work, own.end_work, lambda: own.versions(VersionTable("v", "at"))):
        with pytest.raises(ServerFailed):
            ask()


def test_a_server_that_is_killed_during_a_restore_is_not_taken_for_a_bad_dump(own: Database, tmp_path: Path) -> None:
    source = tmp_path / "dump.sql"
    source.write_text("CREATE TABLE t (id INT);\n" + "-- more\n" * 200_000 + "INSERT INTO t VALUES (1);\n")

    def kill(done: int, total: int) -> None:
        if marked(MARK):
            kill_server()

    with pytest.raises(MigciError) as failed:
        own.restore(str(source), kill)
    assert isinstance(failed.value, ServerFailed)


def test_an_option_that_the_server_does_not_know_is_named(server: Callable[..., Server], store: Path) -> None:
    folder = new_folder(store)
    with (
        pytest.raises(ServerFailed, match=r"^the database server did not start: .*innodb-log-nonsense") as failed,
        started(server(store, "--innodb-log-nonsense=1"), folder),
    ):
        pass
    assert "[server].options" in failed.value.hint
    assert not folder.exists()
    assert marked(MARK) == []


def test_the_options_of_the_settings_win(server: Callable[..., Server], store: Path) -> None:
    chosen = ("--innodb-buffer-pool-size=64M", "--max_connections=37")
    with started(server(store, *chosen), new_folder(store)) as database:
        assert migrate(database, "SELECT @@innodb_buffer_pool_size DIV 1048576, @@max_connections") == [(64, 37)]


def test_no_option_opens_the_server_or_moves_its_files(server: Callable[..., Server], store: Path) -> None:
    options = ("--skip-networking=0", "--port=0", "--local-infile=1", "--secure-file-priv=", "--datadir=/nonexistent")
    assert server(store, *options).lasting_options() == ()
    folder = new_folder(store)
    with started(server(store, *options), folder) as database:
        assert psutil.Process(server_pid()).net_connections(kind="inet") == []
        told = migrate(database, "SELECT @@skip_networking, @@local_infile, @@secure_file_priv, @@datadir")
    assert told == [(1, 0, f"{folder}/nothing/", f"{folder}/data/")]


def test_a_folder_whose_socket_would_have_too_long_a_path_is_refused(
    server: Callable[..., Server], store: Path
) -> None:
    with (
        pytest.raises(UsageError, match=r"^the path of the server's socket is longer than 107 characters: ") as refused,
        started(server(store), new_folder(store).with_name("x" * 120)),
    ):
        pass
    assert refused.value.hint == "point MIGCI_STORE at a folder with a shorter path"


def test_two_servers_run_at_once_and_one_of_them_ends_alone(server: Callable[..., Server], store: Path) -> None:
    with started(server(store), new_folder(store)) as one:
        with started(server(store), new_folder(store)) as other:
            migrate(other, "CREATE TABLE t (id INT)")
            assert len(servers()) == 2
        assert len(servers()) == 1
        assert one.trouble() is None
        assert one.schema() == {}


def test_the_servers_log_is_kept(server: Callable[..., Server], store: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    with Log(path) as log, started(server(store, log=log), new_folder(store)):
        pass
    assert "== log of the database server\n" in path.read_text()
    assert "ready for connections" in path.read_text()


def test_a_server_is_not_seen_by_its_users_environment(
    server: Callable[..., Server], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GERRIT_PASSWORD", "hunter2")
    with started(server(store), new_folder(store)):
        assert "hunter2" not in Path(f"/proc/{server_pid()}/environ").read_text()
