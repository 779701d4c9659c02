"""What the MariaDB adapter keeps to beyond what all servers do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from migci.core.step import Algorithm
from migci.ports import Database, ServerFailed
from tests.contract.flavors import (
    FILL_BIG,
    emptied,
    mariadb,
    migrate,
    new_folder,
    shared_server,
    started,
    work_of,
)
from tests.contract.test_servers import REFUSED


@pytest.fixture(scope="module")
def shared(store: Path) -> Iterator[Database]:
    with shared_server("mariadb", store) as database:
        yield database


@pytest.fixture
def filled(shared: Database) -> Iterator[Database]:
    """A table `big` of FILLED_ROWS rows."""
    with emptied(shared) as database:
        migrate(database, *FILL_BIG)
        yield database


def test_a_versioned_table_counts(filled: Database) -> None:
    migrate(filled, "DROP TABLE big", "CREATE TABLE versioned (id INT) WITH SYSTEM VERSIONING",
            "INSERT INTO versioned VALUES (1)")  # fmt: skip
    assert filled.size().rows == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SET PASSWORD FOR root@localhost = PASSWORD('x')",
        "SELECT * FROM mysql.global_priv",
        "INSTALL SONAME 'server_audit'",
    ],
)
def test_the_migration_may_not(shared: Database, statement: str) -> None:
    with pytest.raises(pymysql.err.MySQLError) as refused:
        migrate(shared, statement)
    assert refused.value.args[0] in REFUSED, refused.value


def test_the_migration_may_choose_how_its_alters_are_carried_out(shared: Database) -> None:
    migrate(shared, "SET SESSION alter_algorithm = 'COPY'")


@pytest.mark.parametrize(
    ("alter", "truth"),
    [
        ("ALTER TABLE big CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", (Algorithm.INSTANT, False)),
        ("ALTER TABLE big ENGINE=Aria", (Algorithm.COPY, True)),
    ],
)
def test_the_algorithm_of_an_alter_is_told_truly(filled: Database, alter: str, truth: tuple[Algorithm, bool]) -> None:
    statement = work_of(filled, alter)
    assert (statement.algorithm, statement.rebuilt) == truth


def test_an_option_that_would_matter_to_its_files_and_that_it_does_not_know_is_named(store: Path) -> None:
    with (
        pytest.raises(ServerFailed, match=r"mariadb-install-db failed: .*no-such-option") as failed,
        started(mariadb(store, "--no-such-option=1"), new_folder(store)),
    ):
        pass
    assert "[server].options" in failed.value.hint
