"""Statements without their values: nothing that a literal holds may come through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migci.core.sql import LONGEST_DIGEST, normalize, table_of

SECRET = "Zq7Confidential"

around = st.text(alphabet="abc '\"\\`;,()/*-#\n\t%_:?0x1é🦊", max_size=12)


def quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, quote * 2) + quote


@st.composite
def literals(draw: st.DrawFn) -> str:
    """A literal, as MySQL writes it, that holds SECRET in one form or another."""
    text = draw(around) + SECRET + draw(around)
    kind = draw(st.sampled_from(["'", '"', "introduced", "national", "hex string", "hex number", "bits"]))
    hexed = SECRET.encode().hex()
    match kind:
        case "introduced":
            return draw(st.sampled_from(["_utf8", "_utf8mb4 ", "_binary ", "_BINARY", "_latin1"])) + quoted(text, "'")
        case "national":
            return draw(st.sampled_from("nN")) + quoted(text, "'")
        case "hex string":
            return draw(st.sampled_from("xX")) + f"'{hexed}'"
        case "hex number":
            return f"0x{hexed}"
        case "bits":
            return f"b'{int(hexed, 16):b}'"
        case quote:
            return quoted(text, quote)


@st.composite
def statements(draw: st.DrawFn) -> str:
    values = draw(st.lists(literals(), min_size=1, max_size=4))
    return draw(
        st.sampled_from(
            [
                "SELECT * FROM `t` WHERE a IN ({})",
                "INSERT INTO t VALUES ({})",
                "INSERT INTO t (a, b) VALUES ({0}), ({0})",
                "UPDATE t SET a = {} /* why */ WHERE id = 4711",
                "ALTER TABLE t COMMENT = {}",
                "CREATE TABLE t (a VARCHAR(9) DEFAULT {} -- so\n)",
                "SELECT {} # the end",
            ]
        )
    ).format(",".join(values))


def leaks(text: str) -> bool:
    hexed = SECRET.encode().hex()
    return any(part.lower() in text.lower() for part in (SECRET, hexed, f"{int(hexed, 16):b}"))


@given(statements())
@example(f"SELECT '{SECRET}\\' {SECRET}', 1")
@example(f"SELECT 'a''{SECRET}'")
@example(f'SELECT "a\\"{SECRET}", \'{SECRET}\'')
@example(f"SELECT `a'b`, '{SECRET}', `c'd`")
@example(f"SELECT 1 -- it's\n, '{SECRET}'")
@example(f"SELECT 1 --\n, 'it''s {SECRET}'")
@example(f"SELECT 1 # it's\n, '{SECRET}'")
@example(f"SELECT 5--'{SECRET}'")
@example(f"SELECT _utf8mb4 '{SECRET}'")
@example(f"SELECT _utf8mb4  '{SECRET}' COLLATE utf8mb4_bin")
@example(f"SELECT 'one' '{SECRET}'")
@example(f"SELECT /* it's */ '{SECRET}' /* isn't it */")
@example(f"SELECT /*!50003 '{SECRET}' */")
def test_no_literal_survives(sql: str) -> None:
    assert not leaks(normalize(sql))


@given(statements(), st.data())
def test_no_literal_survives_in_a_statement_that_is_cut_off(sql: str, data: st.DataObject) -> None:
    assert not leaks(normalize(sql[: data.draw(st.integers(0, len(sql)))]))


@pytest.mark.parametrize("quote", ["'", '"'])
def test_no_literal_survives_that_is_cut_off_behind_a_backslash(quote: str) -> None:
    assert normalize(f"SELECT {quote}{SECRET}\\") == "SELECT ?"


@given(st.text(alphabet="0123456789", min_size=6, max_size=20).filter(lambda digits: not digits.startswith("0")))
def test_no_number_survives(digits: str) -> None:
    for sql in (f"SELECT {digits}", f"WHERE a={digits}", f"LIMIT {digits},{digits}", f"a > -{digits}.{digits}e5"):
        assert digits not in normalize(sql)


@given(statements())
def test_what_is_normal_stays_as_it_is(sql: str) -> None:
    assert normalize(normalize(sql)) == normalize(sql)


@given(st.text(max_size=300))
def test_any_text_becomes_one_short_line(text: str) -> None:
    normal = normalize(text)
    assert len(normal) <= LONGEST_DIGEST
    assert "\n" not in normal


@given(st.integers(1, 50), st.integers(1, 50))
def test_lists_of_any_length_are_alike(one: int, other: int) -> None:
    def listed(count: int) -> str:
        return normalize(f"SELECT a FROM t WHERE id IN ({', '.join(map(str, range(count)))})")

    def inserted(count: int) -> str:
        return normalize(f"INSERT INTO t VALUES {', '.join('(1, 2)' for _ in range(count))}")

    assert listed(one) == listed(other)
    assert inserted(one) == inserted(other)


@pytest.mark.parametrize(
    ("sql", "normal"),
    [
        ("SELECT  *\n FROM t\tWHERE a = 'x' AND b = 1.5e-3", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("SELECT * FROM `a 'quoted' name` WHERE b = 'x'", "SELECT * FROM `a 'quoted' name` WHERE b = ?"),
        ("SELECT _utf8'x', _utf8mb4 'y', N'z', x'ff', 0xFF, b'101'", "SELECT ?, ?, ?, ?, ?, ?"),
        ("SELECT 'it''s', 'it\\'s', \"it's\"", "SELECT ?, ?, ?"),
        ("SELECT 1 -- a comment\n, 2 # another\n, 3 /* a third */", "SELECT ? , ? , ?"),
        ("SELECT a FROM t WHERE id IN (1, 2, 3)", "SELECT a FROM t WHERE id IN (?)"),
        ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?)"),
        ("SELECT table2.col3 FROM table2", "SELECT table2.col3 FROM table2"),
        ("UPDATE t SET a = %s, b = %(name)s, c = :d, e = ?", "UPDATE t SET a = ?, b = ?, c = ?, e = ?"),
        ("ALTER TABLE t ADD COLUMN c VARCHAR(255) DEFAULT 'x'", "ALTER TABLE t ADD COLUMN c VARCHAR(?) DEFAULT ?"),
        ("SELECT 'never closed", "SELECT ?"),
        ("SELECT /* never closed 'x'", "SELECT"),
        ("", ""),
    ],
)
def test_a_statement_is_written_so(sql: str, normal: str) -> None:
    assert normalize(sql) == normal


def test_a_long_statement_is_cut() -> None:
    assert len(normalize("SELECT " + " + a" * 100_000)) == LONGEST_DIGEST


def test_a_literal_over_the_place_where_a_long_statement_is_cut_does_not_survive() -> None:
    for padding in range(16 * LONGEST_DIGEST - 40, 16 * LONGEST_DIGEST + 2):
        assert not leaks(normalize("SELECT" + " " * padding + f"'{SECRET}'"))


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("ALTER TABLE `instances` ADD COLUMN `a` INTEGER", "instances"),
        ("ALTER IGNORE TABLE instances DROP a", "instances"),
        ("CREATE TABLE IF NOT EXISTS t (id INTEGER)", "t"),
        ("CREATE TEMPORARY TABLE t (id INTEGER)", "t"),
        ("DROP TABLE IF EXISTS `t`", "t"),
        ("CREATE UNIQUE INDEX i ON t (a)", "t"),
        ("DROP INDEX i ON `t`", "t"),
        ("INSERT INTO nova.instances VALUES (?)", "instances"),
        ("INSERT IGNORE INTO `nova` . `instances` VALUES (?)", "instances"),
        ("REPLACE INTO t VALUES (?)", "t"),
        ("UPDATE t SET a = ?", "t"),
        ("UPDATE LOW_PRIORITY t SET a = ?", "t"),
        ("DELETE FROM t WHERE a = ?", "t"),
        ("SELECT a FROM t JOIN u", "t"),
        ("TRUNCATE t", "t"),
        ("TRUNCATE TABLE t", "t"),
        ("OPTIMIZE TABLE t", "t"),
        ("RENAME TABLE a TO b", "a"),
        ("alter table t add a integer", "t"),
        ("SELECT ?", None),
        ("BEGIN", None),
        ("SET NAMES utf8", None),
        ("", None),
        ("ALTER TABLE", None),
    ],
)
def test_the_table_that_a_statement_is_about(sql: str, table: str | None) -> None:
    assert table_of(sql) == table


@given(st.text(max_size=200))
def test_the_table_of_any_text_is_a_name_or_none(text: str) -> None:
    table = table_of(text)
    assert table is None or isinstance(table, str)
