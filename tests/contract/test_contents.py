"""What every Database tells of its columns, and of what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from migci.adapters.gate.index import Builder, Index
from migci.core.markup import Column
from migci.ports import Database
from tests.contract.flavors import FLAVORS, PRODUCTS, emptied, migrate, new_folder, shared_server, started, under_test

KEY = bytes(range(16))
TABLES = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50), born DATE, note TEXT)",
    """INSERT INTO people VALUES (1, 'Ada Lovelace', '1815-12-10', 'first\tof\nall'),
    (2, 'Grace Hopper', '1906-12-09', NULL), (3, 'Zoë Świętosława 北京', '1990-01-01', 'a \\\\ and a '' mark')""",
    "CREATE TABLE logs (id INTEGER PRIMARY KEY, line VARCHAR(100))",
)


@pytest.fixture(scope="module", params=under_test(FLAVORS))
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def shared(flavor: str, store: Path) -> Iterator[Database | None]:
    if flavor not in PRODUCTS:
        yield None
        return
    with shared_server(flavor, store) as database:
        yield database


@pytest.fixture
def database(flavor: str, shared: Database | None, store: Path) -> Iterator[Database]:
    with started(FLAVORS[flavor](store), new_folder(store)) if shared is None else emptied(shared) as one:
        yield one


class Sink:
    """Keeps what a database without a client of its own gives."""

    def __init__(self, builder: Builder) -> None:
        self.add = builder.add
        self.add_rows = builder.add_rows


def index(database: Database, columns: Sequence[str], folder: Path) -> Index:
    builder = Builder(KEY, columns)
    database.pour(tuple(columns), Sink(builder))
    builder.write(folder / "values.index")
    return Index.open(folder / "values.index", KEY)


def test_all_columns_are_told_and_which_of_them_hold_text(database: Database) -> None:
    migrate(database, *TABLES)
    assert set(database.columns()) == {
        Column("people", "id", text=False),
        Column("people", "name", text=True),
        Column("people", "born", text=False),
        Column("people", "note", text=True),
        Column("logs", "id", text=False),
        Column("logs", "line", text=True),
    }


def test_what_a_column_refers_to_or_is_computed_from_others_is_told(database: Database) -> None:
    migrate(
        database,
        "CREATE TABLE people (id INTEGER, part INTEGER, name VARCHAR(50), PRIMARY KEY (id, part))",
        "CREATE TABLE logs (id INTEGER PRIMARY KEY, who INTEGER, which INTEGER, line VARCHAR(100), "
        "shown VARCHAR(100) GENERATED ALWAYS AS (concat(line, '!')) STORED, "
        "FOREIGN KEY (who, which) REFERENCES people (id, part))".replace(
            "concat(line, '!')", "concat(line, '!')" if database.address.flavor in PRODUCTS else "line || '!'"
        ),
    )
    told = {one.name: one for one in database.columns()}
    assert told["logs.who"].refers == (("people", "id"),)
    assert told["logs.which"].refers == (("people", "part"),)
    assert [name for name, one in told.items() if one.refers] == ["logs.who", "logs.which"]
    assert [name for name, one in told.items() if one.generated] == ["logs.shown"]
    assert told["logs.shown"].text


def test_all_values_of_the_named_columns_are_given_as_they_are_and_no_others(
    database: Database, tmp_path: Path
) -> None:
    migrate(database, *TABLES)
    backslash = "a \\\\ and" if database.address.flavor in ("sqlite", "fake") else "a \\ and"
    with index(database, ["people.name", "people.note"], tmp_path) as known:
        for value, column in (
            ("Ada Lovelace", "people.name"),
            ("Grace Hopper", "people.name"),
            ("Zoë Świętosława 北京", "people.name"),
            ("first\tof\nall", "people.note"),
            (f"{backslash} a ' mark", "people.note"),
        ):
            ((start, end, number),) = known.find(b"-- " + value.encode() + b" --")
            assert (start, end) == (3, 3 + len(value.encode())), value
            assert known.names(number) == (column,)
        assert known.find(b"1815-12-10 1906-12-09") == []


def test_values_that_are_no_text_are_given_as_they_are_written(database: Database, tmp_path: Path) -> None:
    migrate(database, *TABLES)
    with index(database, ["people.born"], tmp_path) as known:
        assert [names for *_, number in known.find(b"born 1815-12-10") for names in known.names(number)] == [
            "people.born"
        ]
