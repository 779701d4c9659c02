"""Dumps of MySQL Shell: rows are replaced, and what stands beside them about their bytes is true again."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import pytest
import zstandard

from anonymize import kinds, markup_file, rewrite
from anonymize.audit import Audit
from anonymize.errors import Unreadable
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request

USERS = b"""-- MySQLShell dump 2.0.1  Distrib Ver 9.1.0
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE IF NOT EXISTS `users` (
  `id` int NOT NULL,
  `email` varchar(99) DEFAULT NULL,
  `token` varbinary(64) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
"""
LAYOUT = {
    "options": {
        "schema": "shop",
        "table": "users",
        "columns": ["id", "email", "token"],
        "decodeColumns": {"token": "FROM_BASE64"},
        "defaultCharacterSet": "utf8mb4",
        "fieldsTerminatedBy": "\t",
        "fieldsEnclosedBy": "",
        "fieldsOptionallyEnclosed": False,
        "fieldsEscapedBy": "\\",
        "linesTerminatedBy": "\n",
    },
    "extension": "tsv.zst",
    "compression": "zstd",
}
TOKEN = base64.b64encode(b"\0secret")
FIRST = b"".join(b"%d\tann%d@bank.test\t%s\n" % (number, number, TOKEN) for number in range(60_000))
LAST = b"70000\t\\N\t\\N\n70001\tbob\\t@bank.test\t%s\n" % TOKEN
FILES = {
    "@.json": b'{"version": "2.0.1"}',
    "@.sql": b"-- MySQLShell dump\n",
    "@.post.sql": b"-- MySQLShell dump\n",
    "@.done.json": b'{"end": "2026-11-21 12:00:00", "dataBytes": 1, "tableDataBytes": {}, "chunkFileBytes": {}}',
    "shop.json": b'{"schema": "shop", "tables": ["users"]}',
    "shop.sql": b"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n",
    "shop@users.json": json.dumps(LAYOUT).encode(),
    "shop@users.sql": USERS,
    "shop@seen.pre.sql": b"CREATE TABLE IF NOT EXISTS `seen`(\n`id` tinyint NOT NULL\n)ENGINE=MyISAM;\n",
    "shop@seen.sql": b"DROP TABLE IF EXISTS `seen`;\nCREATE VIEW `seen` AS select 1 AS `id`;\n",
    "shop@users@0.tsv.zst": zstandard.compress(FIRST),
    "shop@users@0.tsv.zst.idx": b"old",
    "shop@users@@1.tsv.zst": zstandard.compress(LAST),
    "shop@users@@1.tsv.zst.idx": b"old",
}
MARKUP = '[tables.users]\nid = "keep"\nemail = "email"\ntoken = { kind = "constant", value = "x" }\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes(text)
    return folder


def dump(source: Path, markup: str = MARKUP) -> Audit:
    planner = Planner(markup_file.parse(markup, "m.toml", kinds.find), kinds.find, Key(b"k" * 16))
    return rewrite.dump(Request(str(source), str(source.parent / "out"), jobs=2), planner, lambda done, total: None)


def unpacked(file: Path) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())


def test_marked_fields_are_replaced_and_all_else_stays(source: Path) -> None:
    audit = dump(source)
    out = source.parent / "out"
    assert {path.name for path in out.iterdir()} == set(FILES)
    for name, text in FILES.items():
        if "users@" not in name and name != "@.done.json":
            assert (out / name).read_bytes() == text
    rows = unpacked(out / "shop@users@0.tsv.zst") + unpacked(out / "shop@users@@1.tsv.zst")
    assert b"@bank.test" not in rows
    assert [row.split(b"\t")[0] for row in rows.splitlines()] == [
        row.split(b"\t")[0] for row in (FIRST + LAST).splitlines()
    ]
    assert b"\n70000\t\\N\t\\N\n" in rows
    assert base64.b64decode(rows.splitlines()[-1].split(b"\t")[2]) == b"x"
    users = audit.tables["shop.users"]
    assert (users.rows, users.columns["email"].replaced, users.columns["email"].others) == (60_002, 60_001, 1)


def test_what_stands_beside_rows_tells_the_bytes_that_they_have_now(source: Path) -> None:
    dump(source)
    out = source.parent / "out"
    first, last = unpacked(out / "shop@users@0.tsv.zst"), unpacked(out / "shop@users@@1.tsv.zst")
    index = (out / "shop@users@0.tsv.zst.idx").read_bytes()
    offsets = struct.unpack(f">{len(index) // 8}Q", index)
    assert len(offsets) == len(first) // (1 << 20) + 1
    assert offsets[-1] == len(first)
    assert all(first[offset - 1 : offset] == b"\n" for offset in offsets)
    assert all(number << 20 <= offset < (number << 20) + 100 for number, offset in enumerate(offsets[:-1], start=1))
    assert (out / "shop@users@@1.tsv.zst.idx").read_bytes() == struct.pack(">Q", len(last))
    assert json.loads((out / "@.done.json").read_text()) == {
        "end": "2026-11-21 12:00:00",
        "dataBytes": len(first) + len(last),
        "tableDataBytes": {"shop": {"users": len(first) + len(last)}},
        "chunkFileBytes": {"shop@users@0.tsv.zst": len(first), "shop@users@@1.tsv.zst": len(last)},
    }


def test_where_nothing_is_marked_all_rows_stay(source: Path) -> None:
    dump(source, '[tables.users]\n"*" = "keep"\n')
    assert unpacked(source.parent / "out" / "shop@users@0.tsv.zst") == FIRST


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("@.users.sql", b"CREATE USER 'a'@'%' IDENTIFIED BY 'b';", "is not known in a dump of MySQL Shell"),
        ("@.checksums.json", b"{}", "is not known in a dump of MySQL Shell"),
        ("shop@people@@0.tsv.zst", b"", "is not known in a dump of MySQL Shell"),
        ("shop@users.json", b"{}", "does not tell the layout"),
        ("shop@users.json", b"{", "cannot be read as JSON"),
        (
            "shop@users.json",
            json.dumps({"options": {**LAYOUT["options"], "fieldsEnclosedBy": '"'}}).encode(),  # type: ignore[dict-item]
            "fieldsEnclosedBy is not ''",
        ),
        (
            "shop@users.json",
            json.dumps({"options": {**LAYOUT["options"], "columns": ["id", "mail", "token"]}}).encode(),  # type: ignore[dict-item]
            "column mail",
        ),
        ("shop@users@@1.tsv.zst", zstandard.compress(b"1\tann@bank.test\n"), "tsv.zst:1: the row has not 3 fields"),
        (
            "shop@users@@1.tsv.zst",
            zstandard.compress(b"1\tann@bank.test\tno base64!?=\n"),
            "column token: it is not encoded",
        ),
        ("shop@users@@1.tsv.zst", zstandard.compress(LAST)[:-5], "cannot be decompressed"),
    ],
)
def test_what_is_not_understood_leaves_nothing(source: Path, name: str, text: bytes, what: str) -> None:
    (source / name).write_bytes(text)
    with pytest.raises(Unreadable, match=what) as raised:
        dump(source)
    assert "bank.test" not in raised.value.message
    assert [path.name for path in source.parent.iterdir()] == ["in"]


def test_a_dump_that_is_not_finished_is_refused(source: Path) -> None:
    (source / "@.done.json").unlink()
    with pytest.raises(Unreadable, match=r"is not finished: it has no @\.done\.json"):
        dump(source)
