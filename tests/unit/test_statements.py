"""SQL text cut into statements: what is one, whatever pieces the text comes in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.dumps.statements import NotSql, Splitter


def split(text: bytes, piece: int = 1 << 20, *, backslashes: bool = True, delimiter: bytes = b";") -> list[bytes]:
    splitter = Splitter((text[at : at + piece] for at in range(0, len(text), piece)), delimiter=delimiter)
    splitter.backslashes = backslashes
    return [statement.text for statement in splitter]


_CONTENT = st.lists(
    st.sampled_from(
        ["a", ";", "''", '""', "\\'", '\\"', "\\\\", "`", "-- ", "#", "/*", "*/", "\n", "é", "\\n", "$$", "\0"]
    ),
    max_size=6,
).map("".join)
_STRINGS = st.one_of(
    _CONTENT.map(lambda text: f"'{text}'"),
    _CONTENT.map(lambda text: f'"{text}"'),
    _CONTENT.map(lambda text: "`" + text.replace("`", "``") + "`"),
)
_BETWEEN = st.sampled_from(
    [
        " ",
        "\n",
        ",",
        "(",
        ")",
        " 1 ",
        "-1",
        " - ",
        "/2",
        " /* ; ' */ ",
        " -- ;'\n",
        " # `;\n",
        "/*!50000 x */",
        " \\N ",
        "/*M! y */",
    ]
)
_TOKENS = st.lists(st.one_of(_STRINGS, _BETWEEN), max_size=8).map("".join)
_STATEMENTS = st.one_of(
    _TOKENS.map(lambda tokens: "SELECT x" + tokens + "z"),
    _TOKENS.map(lambda tokens: "/*!40101 SET x" + tokens + "*/"),
    st.lists(_STRINGS.filter(lambda text: text[0] != "`"), min_size=1, max_size=4).map(
        lambda texts: "INSERT INTO `t` VALUES\n(" + ",-1.5e+3,NULL,0xAF,_binary ".join(texts) + "),\n(1)"
    ),
)


@settings(deadline=None)
@given(st.lists(_STATEMENTS, max_size=6), st.integers(1, 40), st.sampled_from([b";", b";;", b"$$", b"//"]))
def test_any_statements_in_any_pieces_come_out_as_they_went_in(
    statements: list[str], piece: int, delimiter: bytes
) -> None:
    if delimiter in (b"$$", b"//"):
        statements = [text for text in statements if "$$" not in text and "//" not in text]
    wanted = [text.encode() for text in statements]
    text = b"DELIMITER " + delimiter + b"\n" + b"".join(each + b" " + delimiter + b"\n" for each in wanted)
    assert [each.rstrip() for each in split(text, piece)] == [each.rstrip() for each in wanted]


_ROWS = st.lists(st.tuples(st.integers(-5, 5), _CONTENT), min_size=1, max_size=8)


@settings(deadline=None)
@given(_ROWS, st.integers(1, 40))
def test_rows_that_are_joined_are_the_same_rows_in_their_order(rows: list[tuple[int, str]], piece: int) -> None:
    values = [f"({number},'{text}')" for number, text in rows]
    text = "".join(f"INSERT INTO `t` VALUES {value};\n" for value in values).encode()
    splitter = Splitter((text[at : at + piece] for at in range(0, len(text), piece)), join_rows=True)
    (joined,) = splitter
    assert joined.text == ("INSERT INTO `t` VALUES " + ",".join(values)).encode()
    assert joined.rows == len(rows)
    assert joined.table == b"`t`"


def test_rows_of_other_tables_or_columns_are_not_joined() -> None:
    starts = (b"a VALUES (1)", b"a VALUES (2)", b"b VALUES (1)", b"b (x) VALUES (1)")
    text = b"".join(b"INSERT INTO " + each + b";\n" for each in starts)
    assert [(each.text, each.rows) for each in Splitter([text], join_rows=True)] == [
        (b"INSERT INTO a VALUES (1),(2)", 2),
        (b"INSERT INTO b VALUES (1)", 1),
        (b"INSERT INTO b (x) VALUES (1)", 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t VALUES ((SELECT max(id) FROM u))",
        b"INSERT INTO t VALUES (@a)",
        b"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a = 1",
        b"INSERT INTO t VALUES (1) /* a comment */",
        b"INSERT INTO u.t VALUES (1)",
        b"INSERT INTO t VALUES (RAND())",
        b"INSERT INTO t VALUES (LAST_INSERT_ID())",
    ],
)
@pytest.mark.parametrize("piece", [7, 1000])
def test_an_insert_of_anything_but_literals_is_not_taken_for_rows(text: bytes, piece: int) -> None:
    whole = text + b";\nSELECT 1;\n"
    found = list(Splitter([whole[at : at + piece] for at in range(0, len(whole), piece)], join_rows=True))
    assert [(each.text, each.table) for each in found] == [(text, None), (b"SELECT 1", None)]


def test_with_no_backslash_escapes_a_backslash_is_a_letter() -> None:
    text = b"INSERT INTO t VALUES ('\\');\nSELECT '\\', 'b';\n"
    assert split(text, backslashes=False) == [b"INSERT INTO t VALUES ('\\')", b"SELECT '\\', 'b'"]


def test_the_rule_for_backslashes_may_change_between_two_statements() -> None:
    splitter = Splitter([b"SET x;SELECT '\\';SELECT 2;"])
    found = []
    for statement in splitter:
        splitter.backslashes = False
        found.append(statement.text)
    assert found == [b"SET x", b"SELECT '\\'", b"SELECT 2"]


def test_statements_know_their_lines() -> None:
    text = b"-- one\n\nSELECT\n1;\n/* a\nb */ SELECT 2;\nDELIMITER ;;\nSELECT 3;;\n" + b"SELECT 'x';;\n" * 9000
    lines = [each.line for each in Splitter([text[at : at + 999] for at in range(0, len(text), 999)])]
    assert lines[:4] == [3, 6, 8, 9]
    assert lines[-1] == 9008


def test_a_body_ends_where_a_line_does_when_that_is_the_delimiter() -> None:
    text = b"CREATE TRIGGER x BEGIN \nINSERT INTO t VALUES (';\n'); \nEND;\nSET a;"
    assert split(text, 3, delimiter=b";\n")[0] == b"CREATE TRIGGER x BEGIN \nINSERT INTO t VALUES (';\n'); \nEND"


@pytest.mark.parametrize(
    "command",
    [
        "\\! id",
        "system id",
        "SOURCE x",
        "\\. x",
        "SELECT 1 \\G",
        "SELECT 1 \\! id\n",
        "tee x",
        "\\u x",
        "/*! \\! id */",
        "pager x",
    ],
)
def test_a_command_of_the_client_is_an_error_with_its_line(command: str) -> None:
    with pytest.raises(NotSql) as refused:
        split(f"SELECT 1;\n{command};\n".encode(), 5)
    assert refused.value.line == 2
    assert "is a command of the client" in refused.value.what


def test_the_sandbox_line_of_mariadb_dump_is_none() -> None:
    assert split(b"/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\nSELECT 1;\n", 3) == [b"SELECT 1"]


@pytest.mark.parametrize(
    "text", ["SELECT 'a", 'SELECT "a\\"', "SELECT `a", "SELECT /* a", "/* a", "INSERT INTO t VALUES ('a"]
)
def test_what_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(NotSql, match="not closed"):
        split(text.encode(), 3)


@pytest.mark.parametrize("text", ["", " \n", "-- a", "# a", "/* a */", ";;;", "DELIMITER $$\n", "\ufeff", "--"])
def test_there_may_be_no_statement_at_all(text: str) -> None:
    assert split(text.encode(), 1) == []


def test_the_last_statement_needs_no_delimiter_and_a_byte_order_mark_is_none() -> None:
    assert split(b"\xef\xbb\xbfSELECT 1;\nSELECT 2", 1) == [b"SELECT 1", b"SELECT 2"]


def test_a_string_of_many_pieces_is_read_once() -> None:
    """Were it read again for each piece, this would take hours."""
    text = b"INSERT INTO t VALUES ('" + b"ab\\'" * 5_000_000 + b"');\n"
    (found,) = Splitter(text[at : at + 4096] for at in range(0, len(text), 4096))
    assert found.text == text[:-2]
