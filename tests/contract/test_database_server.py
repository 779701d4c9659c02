"""What every DatabaseServer keeps to, the real ones and the fake."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import zstandard

from migci.adapters.instances import marked
from migci.core.step import Work
from migci.ports import Database, DatabaseServer, HookFailed, RestoreFailed, VersionTable
from tests.contract.flavors import (
    FLAVORS,
    MARK,
    PRODUCTS,
    emptied,
    ignored,
    migrate,
    new_folder,
    shared_server,
    started,
    under_test,
)

ROWS = 2000
DUMP = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(50));\n" + "".join(
    "INSERT INTO customers VALUES "
    + ",\n".join(f"({number}, 'name; of -- {number * number}')" for number in range(start, start + 100))
    + ";\n"
    for start in range(0, ROWS, 100)
)

COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".sql": bytes,
    ".sql.gz": gzip.compress,
    ".sql.zst": lambda data: zstandard.ZstdCompressor().compress(data),
    ".sql.xz": lzma.compress,
    ".sql.bz2": bz2.compress,
}
COMPRESSED = [suffix for suffix in COMPRESSIONS if suffix != ".sql"]


@pytest.fixture(scope="module", params=under_test(FLAVORS))
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def server(flavor: str, store: Path) -> DatabaseServer:
    return FLAVORS[flavor](store)


@pytest.fixture
def folder(store: Path) -> Path:
    return new_folder(store)


@pytest.fixture(scope="module")
def shared(flavor: str, store: Path) -> Iterator[Database | None]:
    """The server that is running for this module; `None` where one is started as quickly."""
    if flavor not in PRODUCTS:
        yield None
        return
    with shared_server(flavor, store) as database:
        yield database


@pytest.fixture
def database(shared: Database | None, server: DatabaseServer, folder: Path) -> Iterator[Database]:
    with started(server, folder) if shared is None else emptied(shared) as database:
        yield database


def names(database: Database) -> int:
    return int(migrate(database, "SELECT count(DISTINCT name) FROM customers")[0][0])


def test_facts_name_the_flavor_and_a_version(server: DatabaseServer) -> None:
    facts = server.facts()
    assert facts.flavor == server.flavor
    assert facts.version[0].isdigit()


def test_a_database_starts_empty(server: DatabaseServer, folder: Path) -> None:
    with started(server, folder) as database:
        assert database.schema() == {}


def test_two_databases_of_one_server_do_not_see_each_other(server: DatabaseServer, store: Path) -> None:
    with started(server, new_folder(store)) as one, started(server, new_folder(store)) as other:
        migrate(one, "CREATE TABLE only_here (id INTEGER)")
        assert list(one.schema()) == ["only_here"]
        assert other.schema() == {}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_restore_loads_every_row_of_a_dump(database: Database, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"dump{suffix}"
    source.write_bytes(COMPRESSIONS[suffix](DUMP.encode()))
    database.restore(str(source), ignored)
    assert names(database) == ROWS


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_the_compression_is_told_by_the_content_and_not_by_the_name(
    database: Database, tmp_path: Path, suffix: str
) -> None:
    source = tmp_path / "nightly-backup"
    source.write_bytes(COMPRESSIONS[suffix](DUMP.encode()))
    database.restore(str(source), ignored)
    assert names(database) == ROWS


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_dump_of_two_compressed_parts_is_loaded_to_its_end(database: Database, tmp_path: Path, suffix: str) -> None:
    half = DUMP.index(";\n", len(DUMP) // 2) + 2
    source = tmp_path / f"dump{suffix}"
    compress = COMPRESSIONS[suffix]
    source.write_bytes(compress(DUMP[:half].encode()) + compress(DUMP[half:].encode()))
    database.restore(str(source), ignored)
    assert names(database) == ROWS


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("part", ["its last byte", "its second half"])
def test_a_truncated_file_is_refused_and_named(database: Database, tmp_path: Path, suffix: str, part: str) -> None:
    whole = COMPRESSIONS[suffix](DUMP.encode())
    source = tmp_path / f"dump{suffix}"
    source.write_bytes(whole[:-1] if part == "its last byte" else whole[: len(whole) // 2])
    with pytest.raises(RestoreFailed, match=rf"^the dump dump{suffix} is damaged or cut off: "):
        database.restore(str(source), ignored)


@pytest.mark.parametrize("head", ["-- MySQL dump 10.13", "-- MariaDB dump 10.19"])
def test_a_dump_whose_tool_did_not_finish_it_is_refused(database: Database, tmp_path: Path, head: str) -> None:
    source = tmp_path / "cut.sql"
    source.write_text(f"{head}  Distrib 10.11\n{DUMP}")
    with pytest.raises(RestoreFailed, match=r"^the dump cut.sql is cut off: it does not end with '-- Dump completed'"):
        database.restore(str(source), ignored)


@pytest.mark.parametrize("sandbox", ["", "/*M!999999\\- enable the sandbox mode */ \n"])
def test_a_dump_whose_tool_finished_it_is_loaded(database: Database, tmp_path: Path, sandbox: str) -> None:
    source = tmp_path / "whole.sql"
    source.write_text(f"{sandbox}-- MariaDB dump 10.19\n{DUMP}-- Dump completed on 2026-01-01\n")
    database.restore(str(source), ignored)
    assert names(database) == ROWS


def test_a_file_that_is_not_sql_is_refused_and_named(database: Database, tmp_path: Path) -> None:
    source = tmp_path / "holiday.png"
    source.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    with pytest.raises(RestoreFailed, match=r"holiday\.png"):
        database.restore(str(source), ignored)


def test_a_dump_that_fails_in_its_middle_is_refused_with_the_servers_own_words(
    database: Database, tmp_path: Path
) -> None:
    source = tmp_path / "dump.sql"
    source.write_text(f"{DUMP}INSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(RestoreFailed, match="nowhere"):
        database.restore(str(source), ignored)


@pytest.mark.parametrize("text", ["", "-- nothing but a comment\n", "SELECT 1;\n"])
def test_a_dump_without_tables_is_refused(database: Database, tmp_path: Path, text: str) -> None:
    source = tmp_path / "empty.sql"
    source.write_text(text)
    with pytest.raises(RestoreFailed, match=r"^the dump empty\.sql holds no tables"):
        database.restore(str(source), ignored)


def test_a_dump_that_is_not_there_is_refused_with_its_path(database: Database, tmp_path: Path) -> None:
    with pytest.raises(RestoreFailed, match=rf"cannot read the dump {tmp_path}/gone\.sql: No such file"):
        database.restore(str(tmp_path / "gone.sql"), ignored)


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_progress_grows_and_reaches_the_files_size(database: Database, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"dump{suffix}"
    source.write_bytes(COMPRESSIONS[suffix](DUMP.encode()))
    told: list[tuple[int, int]] = []
    database.restore(str(source), lambda done, total: told.append((done, total)))
    size = source.stat().st_size
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_size_tells_the_rows_and_the_bytes(database: Database, tmp_path: Path) -> None:
    source = tmp_path / "dump.sql"
    source.write_text(DUMP)
    database.restore(str(source), ignored)
    size = database.size()
    assert size.rows == ROWS
    assert size.bytes > 0


def test_the_schema_changes_with_an_alter_and_in_that_table_alone(database: Database) -> None:
    migrate(database, "CREATE TABLE a (id INTEGER)", "CREATE TABLE b (id INTEGER)")
    before = database.schema()
    migrate(database, "ALTER TABLE a ADD COLUMN added INTEGER")
    after = database.schema()
    assert "added" in after["a"]
    assert "added" not in before["a"]
    assert after["b"] == before["b"]


def test_the_schema_does_not_change_with_rows(database: Database) -> None:
    counting = "INTEGER PRIMARY KEY AUTO_INCREMENT" if database.address.flavor in PRODUCTS else "INTEGER PRIMARY KEY"
    migrate(database, f"CREATE TABLE a (id {counting}, name VARCHAR(9))")
    before = database.schema()
    migrate(database, "INSERT INTO a (name) VALUES ('x'), ('y')")
    assert database.schema() == before


def test_versions_are_none_where_there_is_no_such_table(database: Database) -> None:
    assert database.versions(VersionTable("alembic_version", "version_num")) is None


def test_versions_are_empty_where_the_table_is(database: Database) -> None:
    migrate(database, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
    assert database.versions(VersionTable("alembic_version", "version_num")) == ()


def test_versions_are_all_the_rows_as_texts(database: Database) -> None:
    migrate(database, "CREATE TABLE v (at INTEGER)", "INSERT INTO v VALUES (7), (8), (NULL)")
    assert sorted(database.versions(VersionTable("v", "at")) or ()) == ["7", "8"]


def test_versions_are_those_of_one_project_where_several_share_a_table(database: Database) -> None:
    migrate(
        database,
        "CREATE TABLE migrate_version (repository_id VARCHAR(20), version INTEGER)",
        "INSERT INTO migrate_version VALUES ('nova', 133), ('o''brien', 7)",
    )

    def at(repository: str) -> tuple[str, ...] | None:
        return database.versions(VersionTable("migrate_version", "version", (("repository_id", repository),)))

    assert (at("nova"), at("o'brien"), at("glance")) == (("133",), ("7",), ())


def test_a_script_is_run_whole(database: Database, tmp_path: Path) -> None:
    script = tmp_path / "after.sql"
    script.write_text("CREATE TABLE a (id INTEGER);\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2)\n")
    database.run(script)
    assert migrate(database, "SELECT count(*) FROM a")[0][0] == 2


def test_a_script_that_fails_is_named_with_the_servers_own_words(database: Database, tmp_path: Path) -> None:
    script = tmp_path / "after.sql"
    script.write_text("UPDATE nowhere SET a = 1;\n")
    with pytest.raises(HookFailed, match=r"after\.sql.*nowhere"):
        database.run(script)


def test_a_script_that_is_not_there_is_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(HookFailed, match=r"after\.sql"):
        database.run(tmp_path / "after.sql")


def test_what_one_step_did_is_counted_and_what_was_before_it_is_not(database: Database) -> None:
    migrate(database, "CREATE TABLE a (id INTEGER PRIMARY KEY, name VARCHAR(9))", "INSERT INTO a VALUES (1, 'x')")
    database.begin_work()
    migrate(database, "INSERT INTO a VALUES (2, 'x'), (3, 'x'), (4, 'x')", "UPDATE a SET name = 'y' WHERE id > 2")
    work = database.end_work()
    if database.address.flavor in PRODUCTS:
        assert work.rows_changed == 5
    else:
        assert work == Work()


def test_a_step_that_does_nothing_did_nothing(database: Database) -> None:
    migrate(database, "CREATE TABLE a (id INTEGER)")
    database.begin_work()
    database.sample()
    work = database.end_work()
    assert not work.rows_changed
    assert not work.blocked_write_seconds
    assert work.statements == ()


def test_nothing_is_wrong_with_a_database_that_is_well_also_after_its_sessions_were_ended(database: Database) -> None:
    database.begin_work()
    assert database.trouble() is None
    database.end_sessions()
    assert database.trouble() is None
    migrate(database, "CREATE TABLE a (id INTEGER)")
    assert list(database.schema()) == ["a"]


def test_nobody_can_reach_a_database_over_the_network(server: DatabaseServer, folder: Path) -> None:
    with started(server, folder):
        for pid in marked(MARK):
            assert psutil.Process(pid).net_connections(kind="inet") == []


def test_the_folder_and_the_processes_are_gone_on_exit(server: DatabaseServer, folder: Path) -> None:
    with started(server, folder) as database:
        migrate(database, "CREATE TABLE a (id INTEGER)")
    assert not folder.exists()
    assert marked(MARK) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_the_folder_and_the_processes_are_gone_after_an_exception(
    server: DatabaseServer, folder: Path, error: type[BaseException]
) -> None:
    with pytest.raises(error), started(server, folder):
        raise error
    assert not folder.exists()
    assert marked(MARK) == []


def test_a_folder_is_used_again_after_it_is_gone(server: DatabaseServer, folder: Path) -> None:
    for _ in range(2):
        with started(server, folder) as database:
            migrate(database, "CREATE TABLE a (id INTEGER)")
