"""A sample is a bounded part of a dump, of which every row may be one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from anonymize.discover.sample import VALUES, Reservoir
from anonymize.discover.sampling import Sampled, sampled
from anonymize.dumps.create import create
from anonymize.errors import Unreadable
from tests.unit.anonymize.test_shell_dump import FILES

TABLE = "CREATE TABLE `t` (`id` int, `a` text, `b` varchar(9), `g` int AS (`id` + 1));\n"


def read(folder: Path, text: str | bytes, rows: int = 10, **more: bool) -> Sampled:
    file = folder / "dump.sql"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return sampled(str(file), (), rows, lambda done, total: None, **more)


def values(found: Sampled, column: str, table: str = "t") -> list[bytes]:
    (one,) = (one for one in found.tables if one.name == table)
    return found.of(one).of(column).values


def rows(numbers: range, size: int = 1) -> str:
    return ",".join(f"({i},'{'x' * size}{i}',NULL)" for i in numbers)


def test_a_reservoir_holds_no_more_than_its_bounds_and_counts_all() -> None:
    many, long = Reservoir("a"), Reservoir("b")
    for number in range(20_000):
        many.add(b"%d" % number)
    for number in range(3000):
        long.add(b"%d " % number + b"x" * 20_000)
    assert (many.seen, len(many.values)) == (20_000, VALUES)
    assert long.seen == 3000
    assert len(long.values) > 10
    assert sum(map(len, long.values)) <= 1 << 20


def test_every_value_is_as_likely_to_be_in_a_reservoir_as_another() -> None:
    reservoir = Reservoir("a")
    for number in range(100_000):
        reservoir.add(b"%d" % number)
    tenths = Counter(int(value) // 10_000 for value in reservoir.values)
    assert all(60 <= tenths[tenth] <= 140 for tenth in range(10)), tenths


def test_a_values_beginning_is_kept_of_one_that_is_very_long() -> None:
    reservoir = Reservoir("a")
    reservoir.add(b"x" * 10_000_000)
    assert [len(value) for value in reservoir.values] == [1 << 16]


def test_a_short_table_is_looked_at_whole(tmp_path: Path) -> None:
    found = read(
        tmp_path, TABLE + f"INSERT INTO t (id, a, b) VALUES {rows(range(7))};\nINSERT INTO `t` (a) VALUES ('é\\'');\n"
    )
    assert values(found, "a") == [*(b"x%d" % i for i in range(7)), "é'".encode()]
    assert values(found, "b") == []
    assert found.of(found.tables[0]).rows == 8


def test_values_are_plain_whatever_they_are_written_like(tmp_path: Path) -> None:
    found = read(tmp_path, TABLE + "INSERT INTO t (a) VALUES ('a''b'),(_binary 'c\\n'),(0x64),(X'65');\n")
    assert values(found, "a") == [b"a'b", b"c\n", b"d", b"e"]


@pytest.mark.parametrize("written", ["one statement", "a statement a row", "many statements"])
def test_of_a_long_table_the_first_rows_and_some_of_every_megabyte_are_looked_at(tmp_path: Path, written: str) -> None:
    size = {"one statement": 100_000, "a statement a row": 1, "many statements": 1000}[written]
    numbers = range(100_000)
    parts = [
        f"INSERT INTO t (id, a, b) VALUES {rows(numbers[at : at + size], 60)};\n" for at in range(0, 100_000, size)
    ]
    found = read(tmp_path, TABLE + "".join(parts) + f"INSERT INTO t (id, a, b) VALUES {rows(range(3), 3)};\n", rows=100)
    seen = sorted(int(value.lstrip(b"x")) for value in values(found, "a"))
    assert found.of(found.tables[0]).rows >= 100
    assert set(range(100)) - set(seen) == set() or len(seen) == VALUES
    if written != "one statement":  # inside of one there is no telling where a row begins
        assert {number // 20_000 for number in seen} == {0, 1, 2, 3, 4}
    assert found.of(found.tables[0]).rows < 20_000


def test_a_row_that_is_longer_than_what_is_looked_at_is_found_whole(tmp_path: Path) -> None:
    long = "y" * 3_000_000
    found = read(tmp_path, TABLE + f"INSERT INTO t (id, a) VALUES (1,'{long}'),(2,'short'),(3,'{long}');\n", rows=5)
    assert [len(value) for value in values(found, "a")] == [1 << 16, 5, 1 << 16]


def test_a_column_with_a_computed_value_is_not_looked_at_and_the_others_are(tmp_path: Path) -> None:
    found = read(tmp_path, TABLE + "INSERT INTO t (id, a) VALUES (1,'x'),(2,CONCAT('a','b')),(3,'z');\n")
    assert found.of(found.tables[0]).computed == {"a"}
    assert set(values(found, "id")) == {b"1", b"2", b"3"}  # the first ones may count twice


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TABLE + "INSERT INTO t (id, a) VALUES (1,'x", "cut off"),
        (TABLE + "INSERT INTO t (id, a) VALUES (1,'secret','secret');\n", "dump.sql:2: table t"),
        ("INSERT INTO t VALUES (1);\n", "of which no CREATE TABLE has been seen"),
        (TABLE + "FROBNICATE secret;\n", "dump.sql:2"),
    ],
)
def test_what_is_not_understood_is_refused_without_a_value(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(said)) as caught:
        read(tmp_path, text)
    assert "secret" not in caught.value.message + caught.value.hint


def test_tables_that_the_dump_does_not_declare_are_taken_from_those_that_are_known(tmp_path: Path) -> None:
    file = tmp_path / "dump.sql"
    file.write_text("INSERT INTO t (id, a) VALUES (1,'x');\n")
    found = sampled(str(file), [create(TABLE)], 10, lambda done, total: None)
    assert values(found, "a") == [b"x"]


def test_the_files_of_a_folder_are_all_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "metadata").write_text("# Finished dump at: 2024-01-01 00:00:00\n")
    (folder / "shop.t-schema.sql").write_text(TABLE)
    (folder / "shop.t.00000.sql").write_text("INSERT INTO `t` (`id`,`a`) VALUES (1,'x');\n")
    (folder / "shop.t.00001.sql").write_text("INSERT INTO `t` (`id`,`a`) VALUES (2,'y');\n")
    found = sampled(str(folder), (), 10, lambda done, total: None)
    assert values(found, "a") == [b"x", b"y"]
    assert [table.database for table in found.tables] == ["shop"]


def test_the_lines_of_a_folder_of_mysql_shell_are_looked_at_decoded(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text)
    found = sampled(str(tmp_path), (), 10, lambda done, total: None)
    assert set(values(found, "token", "users")) == {b"\0secret"}
    assert b"ann1@bank.test" in values(found, "email", "users") or len(values(found, "email", "users")) == VALUES
    (users,) = (table for table in found.tables if table.name == "users")
    assert 20_000 < found.of(users).rows < 60_000
