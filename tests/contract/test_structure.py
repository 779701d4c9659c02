"""What two databases are compared by, on the servers themselves: what makes a difference, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from migci.ports import Database, DatabaseServer
from migci.testing.structure import differences, structure_of
from tests.contract.flavors import mariadb, migrate, new_folder, sqlite, started


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, store: Path) -> Iterator[Database]:
    server: DatabaseServer = sqlite() if request.param == "sqlite" else mariadb(store)
    with ExitStack() as stack:
        live = stack.enter_context(started(server, new_folder(store)))
        migrate(live, "CREATE TABLE customer (id INTEGER NOT NULL PRIMARY KEY)", ORDERS)
        yield live


ORDERS = """
CREATE TABLE orders (
  id INTEGER NOT NULL PRIMARY KEY,
  customer INTEGER NOT NULL,
  status VARCHAR(20) DEFAULT 'new',
  CONSTRAINT fk_customer FOREIGN KEY (customer) REFERENCES customer (id)
)
"""


def again(database: Database, sql: str) -> tuple[str, ...]:
    """What makes a difference if `orders` was made by `sql`."""
    before = structure_of(database)
    migrate(database, "DROP TABLE orders", sql)
    return differences(before, structure_of(database))


def test_a_table_is_the_same_however_its_statement_was_written(database: Database) -> None:
    assert again(database, " ".join(ORDERS.replace("CREATE TABLE", "create  table").split())) == ()


def test_the_order_of_its_columns_does_not_count(database: Database) -> None:
    status = "  status VARCHAR(20) DEFAULT 'new',\n"
    assert again(database, ORDERS.replace(status, "").replace("  id INT", f"{status}  id INT")) == ()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("VARCHAR(20)", "VARCHAR(30)"),
        ("DEFAULT 'new'", "DEFAULT 'old'"),
        ("DEFAULT 'new'", ""),
        ("DEFAULT 'new'", "NOT NULL DEFAULT 'new'"),
        ("status", "state"),
        ("DEFAULT 'new',", "DEFAULT 'new', note VARCHAR(9),"),
        ("DEFAULT 'new',", "DEFAULT 'new', UNIQUE (status),"),
        ("REFERENCES customer (id)", "REFERENCES customer (id) ON DELETE CASCADE"),
        (",\n  CONSTRAINT fk_customer FOREIGN KEY (customer) REFERENCES customer (id)", ""),
    ],
)
def test_what_a_table_is_made_of_makes_a_difference(database: Database, old: str, new: str) -> None:
    assert old in ORDERS
    found = again(database, ORDERS.replace(old, new))
    assert found
    assert all(line.startswith(("+ orders: ", "- orders: ")) for line in found)


def test_an_index_and_a_table_more_are_told(database: Database) -> None:
    before = structure_of(database)
    migrate(database, "CREATE INDEX ix_status ON orders (status, id)")
    (told,) = differences(before, structure_of(database))
    assert told.startswith("+ orders: ")
    assert "ix_status" in told
    migrate(database, "CREATE TABLE hat (id INTEGER)")
    assert any(line.startswith("+ hat: ") for line in differences(before, structure_of(database)))
