"""CREATE TABLE and ALTER TABLE statements."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymize.dumps.columns import mentions
from anonymize.dumps.create import altered, create
from anonymize.errors import Unreadable
from anonymize.schema import Column, ForeignKey, Table

MYSQL = """\
CREATE TABLE `users` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(40) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'a,(b''c\\'' COMMENT 'it''s (old), \\\\',
  `role` enum('admin','it''s, x') NOT NULL DEFAULT 'admin',
  `lower_name` varchar(40) GENERATED ALWAYS AS (lower(`name`)) VIRTUAL /*!80023 INVISIBLE */,
  `price` decimal(10,2) DEFAULT '-1.50',
  `seen` timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  `extra` json DEFAULT (json_object(_utf8mb4'a',1)),
  `place` point NOT NULL /*!80003 SRID 4326 */,
  `org` int DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`name`(10) DESC,`org`) USING BTREE COMMENT 'x',
  UNIQUE KEY `e` ((lower(`role`))),
  SPATIAL KEY `s` (`place`),
  FULLTEXT KEY `f` (`name`) /*!50100 WITH PARSER `ngram` */ ,
  CONSTRAINT `fk` FOREIGN KEY (`org`) REFERENCES `orgs` (`id`) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT `c` CHECK ((`price` > 0)) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='COLLATE=x'
/*!50100 PARTITION BY RANGE (`id`)
(PARTITION p0 VALUES LESS THAN (10) ENGINE = InnoDB,
 PARTITION p1 VALUES LESS THAN MAXVALUE ENGINE = InnoDB) */;"""


def column(definition: str, options: str = "") -> Column:
    return create(f"CREATE TABLE t (a int, {definition}) {options}").columns[1]


def test_a_table_of_mysqldump_is_read_with_types_keys_and_expressions() -> None:
    table = create(MYSQL, "dump.sql", 12)
    text: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_0900_ai_ci"}
    assert table == Table(
        "users",
        (
            Column("id", "int", unsigned=True, nullable=False),
            Column("name", "varchar", 40, charset="latin1", collation="latin1_bin"),
            Column("role", "enum", nullable=False, members=("admin", "it's, x"), **text),
            Column("lower_name", "varchar", 40, generated="lower(`name`)", invisible=True, **text),
            Column("price", "decimal", 10, 2),
            Column("seen", "timestamp", nullable=False),
            Column("extra", "json", charset="utf8mb4", collation="utf8mb4_bin"),
            Column("place", "point", nullable=False, charset="binary"),
            Column("org", "int"),
        ),
        (("id",), ("name", "org"), ("role",)),
        (ForeignKey(("org",), "orgs", ("id",)),),
        None,
        "dump.sql:12",
    )


@pytest.mark.parametrize(
    "head",
    ["create table shop.people", 'CREATE TABLE "shop"."people"', "CREATE OR REPLACE TABLE IF NOT EXISTS `shop`.people"],
)
def test_names_may_be_quoted_in_any_way_or_not_at_all(head: str) -> None:
    table = create(f'-- before\n/* a comment */ {head} ("id" int # behind\n primary key, 2nd char)')
    assert (table.database, table.name) == ("shop", "people")
    assert [one.name for one in table.columns] == ["id", "2nd"]
    assert table.unique == (("id",),)
    assert not table.columns[0].nullable


@pytest.mark.parametrize(
    ("definition", "options", "charset", "collation"),
    [
        ("b varchar(9)", "", None, None),
        ("b varchar(9)", "COLLATE latin1_swedish_ci", "latin1", "latin1_swedish_ci"),
        ("b varchar(9)", "CHARSET=utf8mb4 COLLATE=uca1400_ai_ci", "utf8mb4", "uca1400_ai_ci"),
        ("b text COLLATE utf8mb4_bin", "CHARSET latin1", "utf8mb4", "utf8mb4_bin"),
        ("b text CHARACTER SET latin1", "CHARSET utf8mb4 COLLATE utf8mb4_bin", "latin1", None),
        ("b varchar(9) BINARY", "CHARSET utf8mb4", "utf8mb4", "utf8mb4_bin"),
        ("b national varchar(9)", "CHARSET utf8mb4", "utf8mb3", None),
        ("b blob", "CHARSET utf8mb4", "binary", None),
        ("b int", "CHARSET utf8mb4 COLLATE utf8mb4_bin", None, None),
    ],
)
def test_texts_character_set_is_its_own_or_its_tables(
    definition: str, options: str, charset: str | None, collation: str | None
) -> None:
    found = column(definition, options)
    assert (found.charset, found.collation) == (charset, collation)


@pytest.mark.parametrize(
    ("written", "type", "length", "scale"),
    [
        ("INTEGER(11)", "int", None, None), ("bool", "tinyint", None, None), ("double precision", "double", None, None),
        ("numeric", "decimal", 10, 0), ("dec(5)", "decimal", 5, 0), ("character varying(7)", "varchar", 7, None),
        ("char", "char", 1, None), ("varchar(5) character set binary", "varbinary", 5, None),
        ("tinytext", "tinytext", 255, None), ("long varchar", "mediumtext", 0xFFFFFF, None),
        ("inet6", "inet6", None, None), ("uuid DEFAULT uuid()", "uuid", None, None),
        ("longtext CHECK (json_valid(`b`))", "longtext", 0xFFFFFFFF, None),
        ("bigint(20) unsigned zerofill", "bigint", None, None), ("year(4)", "year", None, None),
        ("timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE", "timestamp", None, None),
        ("int DEFAULT (1 + 2) COLUMN_FORMAT FIXED STORAGE DISK", "int", None, None),
        ("int DEFAULT nextval(`d`.`s`) CONSTRAINT `c` CHECK (b > 0)", "int", None, None),
        ("date DEFAULT current_timestamp() + interval 1 day COMMENT 'x' 'y'", "date", None, None),
    ],
)  # fmt: skip
def test_types_have_one_name_and_their_limits(written: str, type: str, length: int, scale: int) -> None:
    found = column(f"b {written}")
    assert (found.type, found.length, found.scale) == (type, length, scale)


def test_a_reference_inside_a_column_is_a_foreign_key_and_may_leave_out_the_columns() -> None:
    table = create("CREATE TABLE t (a int REFERENCES o (id) ON DELETE CASCADE NOT NULL, b int REFERENCES d.p)")
    assert table.foreign_keys == (ForeignKey(("a",), "o", ("id",)), ForeignKey(("b",), "p", (), "d"))


def test_a_table_like_another_has_its_columns_and_unique_keys() -> None:
    users = create(MYSQL)
    like = create("CREATE TABLE `copy` LIKE `users`;", "x", 3, like=lambda database, name: users)
    assert (like.name, like.columns, like.unique, like.foreign_keys) == ("copy", users.columns, users.unique, ())
    with pytest.raises(Unreadable, match=r"line 1: .*it is like users, and no CREATE TABLE of that has been seen"):
        create("CREATE TABLE copy (LIKE users)")


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("CREATE TABLE t (\n a int,\n b varchar(10 NOT NULL\n)", 3, r"a '\)' should come next"),
        ("CREATE TABLE t (\n a int FROBNICATE)", 2, "'FROBNICATE': it is no part of column a that is known"),
        ("CREATE TABLE t (a int)\nSELECT 1", 2, "a table made by a SELECT has columns that are not told"),
        ("CREATE TABLE t (a int) PARTITION BY KEY(a)\nSELECT 1", 2, "a table made by a SELECT"),
        ("CREATE TABLE t (a int, A text)", 1, "table t has two columns of one name"),
        ("CREATE TABLE t (a int DEFAULT 'x", 1, "a ' without its end"),
        ("CREATE TABLE t (a int /*!80000 INVISIBLE )", 1, "a comment without its end"),
        ("CREATE TABLE t (a int", 1, "at the end: a '\\)' should come next"),
        ("CREATE TABLE t (a enum('x', 5))", 1, "a string should come next"),
        ("CREATE TABLE t ()", 1, "a name should come next"),
        ("CREATE TABLE t (a int DEFAULT " + "(" * 5000, 1, "it ends too early"),
        ("CREATE TABLE t (a int); DROP TABLE t", 1, "'DROP': nothing should come behind it"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(Unreadable, match=why) as caught:
        create(text, "d.sql")
    assert caught.value.message.startswith(f"d.sql:{line}: ")


def test_without_backslash_escapes_a_backslash_ends_no_string() -> None:
    assert create("CREATE TABLE t (a enum('\\','b'))", backslash=False).columns[0].members == ("\\", "b")


def test_keys_that_come_later_belong_to_the_table() -> None:
    table = create("CREATE TABLE t (id int, org int, name text)")
    table = altered(
        table, "ALTER TABLE `t`\n  ADD PRIMARY KEY (`id`),\n  ADD UNIQUE KEY `u` (`name`(9)),\n  ADD KEY (org);"
    )
    table = altered(table, "ALTER TABLE `t` MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=9;")
    table = altered(
        table, "ALTER TABLE `t` ADD CONSTRAINT `x` FOREIGN KEY (`org`) REFERENCES `o` (`id`) ON DELETE CASCADE;"
    )
    assert table.unique == (("id",), ("name",))
    assert table.foreign_keys == (ForeignKey(("org",), "o", ("id",)),)
    assert not table.columns[0].nullable
    with pytest.raises(Unreadable, match="only keys can be added"):
        altered(table, "ALTER TABLE t ADD COLUMN email text")
    with pytest.raises(Unreadable, match="in a way that is not known"):
        altered(table, "ALTER TABLE t DROP COLUMN name")


def test_an_expression_mentions_columns_in_any_case_and_not_what_its_strings_hold() -> None:
    columns = ("Name", "email", "lower", "key")
    assert mentions("lower(concat(name, 'email', `KEY`, _utf8mb4'it''s'))", columns) == {"Name", "key"}
    assert mentions('"Email" -> "$.name"', columns) == {"email"}


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


def string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def name(text: str) -> str:
    return "`" + text.replace("`", "``") + "`"


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, str]:
    """A table and how a server would write it."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique_by=str.lower))
    columns, lines = [], []
    for one in names:
        nullable, invisible = draw(st.booleans()), draw(st.booleans())
        sort = draw(st.sampled_from(["varchar", "enum", "int", "decimal", "generated"]))
        known: dict[str, Any] = {"nullable": nullable, "invisible": invisible}
        text: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}
        if sort == "enum":
            members = tuple(draw(st.lists(TEXTS, min_size=1, max_size=3)))
            column, type = (
                Column(one, sort, members=members, **text, **known),
                f"enum({','.join(map(string, members))})",
            )
        elif sort == "decimal":
            column, type = Column(one, sort, 9, 2, **known), "decimal(9,2)"
        elif sort == "int":
            column, type = Column(one, sort, unsigned=True, **known), "int(10) unsigned"
        else:
            length = draw(st.integers(0, 65535))
            made = f"concat({name(draw(NAMES))},{string(draw(TEXTS))})" if sort == "generated" else None
            column, type = Column(one, "varchar", length, generated=made, **text, **known), f"varchar({length})"
            type += f" GENERATED ALWAYS AS ({made}) STORED" if made else ""
        columns.append(column)
        default = f" DEFAULT {string(draw(TEXTS))}" if draw(st.booleans()) else ""
        lines.append(
            f"  {name(one)} {type}{'' if nullable else ' NOT NULL'}{default}"
            f"{' /*!80023 INVISIBLE */' if invisible else ''} COMMENT {string(draw(TEXTS))}"
        )
    unique = draw(st.lists(st.lists(st.sampled_from(names), min_size=1, max_size=3).map(tuple), max_size=2))
    lines += [f"  UNIQUE KEY {name(draw(NAMES))} ({','.join(map(name, key))})" for key in unique]
    called = draw(NAMES)
    body = ",\n".join(lines)
    options = f"ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT={string(draw(TEXTS))}"
    sql = f"CREATE TABLE {name(called)} (\n{body}\n) {options};\n"
    return Table(called, tuple(columns), tuple(unique), place="line 1"), sql


@given(tables())
def test_what_is_written_as_a_server_writes_it_is_read_as_it_was(pair: tuple[Table, str]) -> None:
    table, sql = pair
    assert create(sql) == table


@given(st.text("CREATE TABLE t (a int, `'\"\\/*!-#);= \n", max_size=60))
def test_whatever_it_is_given_it_reads_or_refuses(text: str) -> None:
    with suppress(Unreadable):
        create("CREATE TABLE t " + text)
