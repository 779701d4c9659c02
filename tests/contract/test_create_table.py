"""CREATE TABLE, as real servers write it, is read as they understand it themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymize.dumps.create import create
from anonymize.schema import Column, ForeignKey
from tests.contract.flavors import PRODUCTS, owner_connection, rows, shared_server, under_test

BOTH = (
    "CREATE TABLE orgs (id bigint unsigned NOT NULL, code char(3), PRIMARY KEY (id), UNIQUE (code, id))",
    """CREATE TABLE users (
      id int NOT NULL AUTO_INCREMENT COMMENT 'it''s, (the) `id` \\\\ "x"',
      `na``me` varchar(40) CHARACTER SET latin1 COLLATE latin1_bin DEFAULT 'a,(b''c\\\\',
      role enum('admin','it''s, (x)','ü') NOT NULL DEFAULT 'admin',
      flags set('a','b'), one char, text1 tinytext, text2 longtext COLLATE utf8mb4_bin, raw varbinary(16), b blob,
      price decimal(10,2) unsigned DEFAULT '1.50', ratio float(7,3), big double, bits bit(3) DEFAULT b'101', y year,
      born date, seen timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), took time(3),
      small smallint(5) unsigned zerofill, ok bool, place point NOT NULL, extra json, org bigint unsigned,
      low varchar(60) AS (lower(concat(`na``me`, 'email)'))) VIRTUAL, twice int GENERATED ALWAYS AS (small * 2) STORED,
      hidden int DEFAULT 7 INVISIBLE, made int DEFAULT (1 + 2),
      CONSTRAINT positive CHECK (price > 0 AND `na``me` <> 'CHECK ('),
      PRIMARY KEY (id), UNIQUE KEY u (`na``me`(10), role) COMMENT 'of, (both)', UNIQUE KEY (org), SPATIAL KEY (place),
      FULLTEXT KEY (text2), KEY (price DESC, y),
      CONSTRAINT `to, orgs` FOREIGN KEY (org) REFERENCES orgs (id) ON DELETE SET NULL ON UPDATE CASCADE
    ) ENGINE=InnoDB COMMENT='COLLATE=latin1_bin, PARTITION' ROW_FORMAT=DYNAMIC""",
    """CREATE TABLE `by, year` (`select` int NOT NULL, y int NOT NULL, UNIQUE (y, `select`))
      PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (2000), PARTITION p1 VALUES LESS THAN MAXVALUE)""",
)
OWN = {
    "mariadb": (
        """CREATE TABLE own (a int WITHOUT SYSTEM VERSIONING, i inet6, u uuid DEFAULT uuid(), t text COMPRESSED,
          s timestamp(6) GENERATED ALWAYS AS ROW START, e timestamp(6) GENERATED ALWAYS AS ROW END,
          PERIOD FOR SYSTEM_TIME (s, e), d date DEFAULT (current_date() + interval 1 day)) WITH SYSTEM VERSIONING""",
        "CREATE SEQUENCE numbers",
        """CREATE TABLE numbered (id int DEFAULT nextval(numbers), p1 date, p2 date, PERIOD FOR p (p1, p2),
          UNIQUE (id, p WITHOUT OVERLAPS))""",
        """CREATE TABLE lists (a varchar(9)) COLLATE latin1_german2_ci PARTITION BY LIST COLUMNS (a)
          (PARTITION p0 VALUES IN ('x', 'y)'), PARTITION rest DEFAULT)""",
    ),
    "mysql": (
        """CREATE TABLE own (a int NOT NULL /*!80023 INVISIBLE */, b varchar(9), g geometry NOT NULL SRID 4326, v json,
          KEY ((lower(b))), UNIQUE KEY e ((concat(b, 'x'))), KEY many ((CAST(v->'$[*]' AS UNSIGNED ARRAY))),
          CONSTRAINT c CHECK (a > 0) NOT ENFORCED)""",
    ),
}
_COLUMNS = """SELECT column_name, data_type, column_type, character_maximum_length, numeric_precision, numeric_scale,
  is_nullable, character_set_name, collation_name, extra, generation_expression
  FROM information_schema.columns WHERE table_schema = database() AND table_name = %r ORDER BY ordinal_position"""
_TABLES = (
    "SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND table_type <> 'SEQUENCE'"
)


def expected(told: tuple[object, ...]) -> dict[str, object]:
    """What the server itself says of a column."""
    name, type, whole, length, precision, scale, nullable, charset, collation, extra, expression = map(_plain, told)
    length, scale = (precision, scale) if type == "decimal" else (length or None, None)
    return {
        "name": name,
        "type": type,
        "length": length,
        "scale": scale,
        "unsigned": "unsigned" in str(whole),
        "nullable": nullable == "YES",
        "charset": charset,
        "collation": collation,
        "generated": bool(expression) or str(extra).startswith(("STORED G", "VIRTUAL G")),
        "invisible": "INVISIBLE" in str(extra),
    }


def _plain(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def read(column: Column, told: dict[str, object]) -> dict[str, object]:
    """What was read, as far as the server's own account can be compared with it."""
    text = column.charset not in (None, "binary") and column.type != "json"
    limited = column.type in ("char", "varchar", "decimal", "binary", "varbinary") or column.type.endswith(
        ("text", "blob")
    )
    type = {"geomcollection": "geometrycollection"}.get(column.type, column.type)
    return {
        "name": column.name,
        "type": type,
        "length": column.length if limited else told["length"],
        "scale": column.scale if column.type == "decimal" else None,
        "unsigned": column.unsigned,
        "nullable": column.nullable,
        "charset": column.charset if text else told["charset"],
        "collation": (column.collation if text else None) or told["collation"],
        "generated": column.generated is not None,
        "invisible": column.invisible,
    }


@pytest.mark.parametrize("flavor", under_test(PRODUCTS))
def test_every_column_is_read_as_the_server_that_wrote_it_understands_it(flavor: str, store: Path) -> None:
    with shared_server(flavor, store) as database, owner_connection(database) as owner:
        for statement in (*BOTH, *OWN[flavor]):
            rows(owner, statement)
        written = {}
        for (name,) in rows(owner, _TABLES):
            written[name] = rows(owner, f"SHOW CREATE TABLE `{name}`")[0][1]
            table = create(written[name])
            told = [expected(one) for one in rows(owner, _COLUMNS % name)]
            assert [read(*pair) for pair in zip(table.columns, told, strict=True)] == told, written[name]
    users = create(written["users"])
    assert users.unique[0] == ("id",)
    assert set(users.unique[1:]) == {("org",), ("na`me", "role")}
    assert users.foreign_keys == (ForeignKey(("org",), "orgs", ("id",)),)
    assert next(one.members for one in users.columns if one.name == "role") == ("admin", "it's, (x)", "ü")
    assert create(written["orgs"]).unique == (("id",), ("code", "id"))
    assert create(written["by, year"]).unique == (("y", "select"),)
