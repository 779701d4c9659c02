"""Tokens are planted in a database where no migration minds: in place of one value each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migci.ports import Database
from tests.contract.flavors import (
    PRODUCTS,
    emptied,
    migrate,
    new_folder,
    shared_server,
    sqlite,
    started,
    under_test,
)

TABLES = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50), note TEXT)",
    "INSERT INTO people VALUES (1, 'Ada Lovelace', NULL), (2, 'Grace Hopper', NULL), (3, 'Mary Jackson', NULL)",
)


TRIGGERS = {
    "sqlite": "CREATE TRIGGER changed UPDATE ON people BEGIN UPDATE people SET note = 'changed'; END",
    "server": "CREATE TRIGGER changed BEFORE UPDATE ON people FOR EACH ROW SET NEW.note = 'changed'",
}


@pytest.fixture(scope="module", params=under_test({"sqlite": sqlite, **PRODUCTS}))
def shared(request: pytest.FixtureRequest, store: Path) -> Iterator[Database | None]:
    if request.param == "sqlite":
        yield None
        return
    with shared_server(request.param, store) as database:
        yield database


@pytest.fixture
def database(shared: Database | None, store: Path) -> Iterator[Database]:
    with started(sqlite(), new_folder(store)) if shared is None else emptied(shared) as one:
        yield one


@pytest.fixture
def of_a_server(database: Database) -> Database:
    if database.address.flavor == "sqlite":
        pytest.skip("SQLite has no such thing")
    return database


def test_a_token_takes_the_place_of_one_value(database: Database) -> None:
    migrate(database, *TABLES)
    assert database.plant({"people.name": "k3jx9w2m5p8q1z7v4t6r"}) == ("people.name",)
    names = sorted(str(name) for (name,) in migrate(database, "SELECT name FROM people"))
    assert len(names) == 3
    assert names.count("k3jx9w2m5p 8q1z7v4t6r") == 1  # two words, as it was


def test_an_address_keeps_its_domain(database: Database) -> None:
    migrate(
        database,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(255))",
        "INSERT INTO users VALUES (1, 'ada.lovelace.of.london@example.org'), (2, 'grace@example.org')",
    )
    assert database.plant({"users.email": "k3jx9w2m5p8q1z7v4t6r"}) == ("users.email",)
    emails = {str(email) for (email,) in migrate(database, "SELECT email FROM users")}
    assert "k3jx9w2m5p8q1z7v4t6r@example.org" in emails


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(50), UNIQUE (v))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(50), UNIQUE (id, v))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(12))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(50), CHECK (v IN ('Ada Lovelace', 'Grace Hopper')))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v JSON)",
    ],
    ids=["part of a unique key", "part of a key", "too short", "of a fixed set", "JSON"],
)
def test_a_column_is_left_alone(database: Database, table: str) -> None:
    quote = '"' if "JSON" in table else ""
    migrate(
        database, table, f"INSERT INTO t VALUES (1, '{quote}Ada Lovelace{quote}'), (2, '{quote}Grace Hopper{quote}')"
    )
    assert database.plant({"t.v": "k3jx9w2m5p8q1z7v4t6r"}) == ()


def test_an_enumeration_is_left_alone(of_a_server: Database) -> None:
    migrate(of_a_server, "CREATE TABLE t (v ENUM('Ada Lovelace', 'Grace Hopper'))", "INSERT INTO t VALUES (1), (2)")
    assert of_a_server.plant({"t.v": "k3jx9w2m5p8q1z7v4t6r"}) == ()


@pytest.mark.parametrize(
    "values",
    [
        ["active build"] * 9 + ["deleted one"],
        ['{"a": "b"}', '{"c": "d"}'],
        ["a,b,c,d,e,f", "1;2;3;4;5"],
        ["a3f2b1c4-11aa-4f00-9c1e-000000000001", "compute-01.example.org", "deadbeefdeadbeef"],
        ["Ada King Lovelace", "x"],
        [],
    ],
    ids=["the same again and again", "what is a document", "lists", "identifiers", "of another shape", "none"],
)
def test_values_are_left_alone(database: Database, values: list[str]) -> None:
    migrate(database, "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(50))")
    for number, value in enumerate(values):
        migrate(database, f"INSERT INTO t VALUES ({number}, '{value}')")
    assert database.plant({"t.v": "k3jx9w2m5p8q1z7v4t6r"}) == ()


def test_a_table_with_a_trigger_is_left_alone(database: Database) -> None:
    migrate(database, *TABLES)
    migrate(database, TRIGGERS.get(database.address.flavor, TRIGGERS["server"]))
    assert database.plant({"people.name": "k3jx9w2m5p8q1z7v4t6r"}) == ()


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t (v TEXT); CREATE TRIGGER changed UPDATE ON T BEGIN SELECT 1; END",
        "CREATE TABLE t (v TEXT, w TEXT REFERENCES T (V), UNIQUE (V))",
        "CREATE TABLE t (v TEXT REFERENCES u (v))",
        "CREATE TABLE t (v TEXT, FOREIGN KEY (V) REFERENCES u (v))",
        "CREATE TABLE t (v TEXT, initials TEXT AS (substr(v, 1, 1)))",
        "CREATE TABLE t (v TEXT, initials TEXT AS (substr(v, 1, 1)) STORED)",
        "CREATE TABLE t (v TEXT, rowid INT)",
        "CREATE TABLE t (v TEXT, OID INT)",
        "CREATE TABLE t (v TEXT, _RowId_ INT)",
    ],
    ids=[
        "a trigger, spelt otherwise", "a key, spelt otherwise", "a reference", "a reference, spelt otherwise",
        "a generated column", "a stored one", "a column called rowid", "one called oid", "one called _rowid_",
    ],
)  # fmt: skip
def test_a_table_is_left_alone_in_sqlite(store: Path, table: str) -> None:
    with started(sqlite(), new_folder(store)) as database:
        migrate(database, *table.split("; CREATE", 1)[:1])
        for trigger in table.split("; CREATE", 1)[1:]:
            migrate(database, f"CREATE{trigger}")
        migrate(database, "INSERT INTO t (v) VALUES ('Ada Lovelace')")
        assert database.plant({"t.v": "k3jx9w2m5p8q1z7v4t6r"}) == ()


def test_what_a_key_or_an_expression_leads_to_is_left_alone_in_sqlite(store: Path) -> None:
    tables = (
        "CREATE TABLE cities (name TEXT UNIQUE, about TEXT)",
        "CREATE TABLE people (name TEXT, city TEXT REFERENCES cities (name))",
        "CREATE TABLE shops (name TEXT)",
        "CREATE INDEX by_lower ON shops (lower(name))",
        "INSERT INTO cities VALUES ('New York', 'Big Apple')",
        "INSERT INTO people (name, city) VALUES ('Ada Lovelace', 'New York')",
        "INSERT INTO shops VALUES ('Corner Shop')",
    )
    with started(sqlite(), new_folder(store)) as database:
        migrate(database, *tables)
        names = ("cities.name", "cities.about", "people.name", "people.city", "shops.name")
        assert database.plant(dict.fromkeys(names, "k3jx9w2m5p8q1z7v4t6r")) == ("cities.about", "people.name")


def test_what_changes_by_itself_with_its_row_stays_as_it_is(of_a_server: Database) -> None:
    database = of_a_server
    migrate(
        database,
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(50), at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE "
        "CURRENT_TIMESTAMP)",
        "INSERT INTO t VALUES (1, 'Ada Lovelace', '2020-01-01 00:00:00')",
    )
    assert database.plant({"t.v": "k3jx9w2m5p8q1z7v4t6r"}) == ("t.v",)
    assert str(migrate(database, "SELECT at FROM t")[0][0]) == "2020-01-01 00:00:00"


def test_what_is_planted_is_not_counted_as_the_migrations_work(of_a_server: Database) -> None:
    database = of_a_server
    migrate(database, *TABLES)
    database.plant({"people.name": "k3jx9w2m5p8q1z7v4t6r"})
    database.begin_work()
    migrate(database, "SELECT 1")
    assert database.end_work().rows_changed == 0
