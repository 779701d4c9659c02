"""Dumps of real servers go through byte for byte, and what is loaded from one differs in the marked columns alone."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from anonymize import kinds, markup_file, rewrite
from anonymize.dumps import live, statements
from anonymize.dumps.source import Source
from anonymize.errors import Unreadable
from anonymize.ops import Base32, Constant, Fold, Op, Template
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request
from migci.ports import Database
from tests.contract.flavors import emptied, owner_connection, rows, shared_server, under_test
from tests.unit.anonymize.dumping import Marked

EMAIL = Template(b"k" * 32, Fold.CASE, (Base32(16), b"@example.com"))
MARKS: Mapping[str, Op] = {
    "people.email": EMAIL,
    "people.name": Constant("Zoë".encode()),
    "blobs.bytes": Constant(b"\0'\\\n\xff"),
    "old.name": Constant("Zoë".encode()),
    "dates.at": Constant(b"2000-01-01"),
}
EVERY_BYTE = "".join(f"{byte:02x}" for byte in range(256))

SCHEMA = """
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
CREATE TABLE people (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, email varchar(99) DEFAULT NULL, name varchar(60)
  COMMENT 'it''s; a, (name', note text, kind enum('a','b;''c') DEFAULT 'a',
  UNIQUE KEY e (email)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE blobs (id int PRIMARY KEY, bytes longblob, bits bit(12), place geometry, extra json)
  DEFAULT CHARSET=utf8mb4;
CREATE TABLE numbers (id int PRIMARY KEY, f float, d double, m decimal(20,6), person int,
  twice int GENERATED ALWAYS AS (person * 2) VIRTUAL, thrice int GENERATED ALWAYS AS (person * 3) STORED,
  CONSTRAINT p FOREIGN KEY (person) REFERENCES people (id)) DEFAULT CHARSET=utf8mb4;
CREATE TABLE dates (id int NOT NULL, at date, stamp timestamp NULL, moment datetime(6), y year, t time(3)
  , PRIMARY KEY (id)) DEFAULT CHARSET=utf8mb4 PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (10),
  PARTITION b VALUES LESS THAN MAXVALUE);
CREATE TABLE old (id int PRIMARY KEY, name varchar(40)) DEFAULT CHARSET=latin1;
CREATE TABLE `we``ird; na"me` (`a'b` int PRIMARY KEY, `select` text) DEFAULT CHARSET=utf8mb4;
CREATE TABLE hidden (id int PRIMARY KEY, secret int {invisible} DEFAULT 7) DEFAULT CHARSET=utf8mb4;
CREATE TABLE nothing (id int PRIMARY KEY) DEFAULT CHARSET=utf8mb4;
INSERT INTO people VALUES (0,'zero@example.org','O''Brien \\\\ "x" `y`','a;b -- c\\n\\r\\t\\0\\Z\\b%_','a'),
  (1,'ann@example.org','Ünïcødé 🦆','),(', 'b;''c'),(2,NULL,NULL,NULL,NULL),(3,'','','','a');
INSERT INTO blobs VALUES (1,x'{bytes}',b'101010101010',ST_GeomFromText('POINT(1 2)'),
  '{{"a": "it''s", "b": [1, null]}}'),
  (2,NULL,NULL,NULL,NULL),(3,'',b'0',NULL,'[]');
INSERT INTO numbers (id,f,d,m,person) VALUES (1,1.5,-1e-300,-12345678901234.567890,1),(2,3e38,1e308,0,NULL),(3,0,0,0,0);
INSERT INTO dates VALUES (1,'2020-02-29','2020-02-29 12:00:00','2020-02-29 12:00:00.123456',2020,'-838:59:59.000'),
  (20,'0000-00-00',NULL,'0000-00-00 00:00:00',1901,'00:00:00.001'),(21,NULL,NULL,NULL,NULL,NULL);
INSERT INTO old VALUES (1,'Jürgen €'),(2,NULL);
INSERT INTO `we``ird; na"me` VALUES (1,'DELIMITER ;;\\n;'),(2,'/*!40000 x */');
INSERT INTO hidden (id, secret) VALUES (1,2),(3,4);
CREATE VIEW seen AS SELECT id, email FROM people WHERE note <> ';';
CREATE TRIGGER before_people BEFORE INSERT ON people FOR EACH ROW
BEGIN IF NEW.note = ';' THEN SET NEW.note = 'x;'; END IF; END;
CREATE PROCEDURE clean() BEGIN DELETE FROM nothing WHERE id = 1; INSERT INTO nothing VALUES (1); END;
CREATE FUNCTION two() RETURNS int DETERMINISTIC RETURN 2;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO BEGIN DELETE FROM nothing; END
"""

COMMON = (
    "",
    "--skip-extended-insert",
    "--complete-insert --hex-blob",
    "--insert-ignore --order-by-primary",
    "--replace",
    "--compact",
    "--skip-opt",
    "--no-create-info",
    "--default-character-set=latin1",
    "--skip-comments --skip-add-locks --add-drop-trigger --no-autocommit",
    "--routines --triggers --events --single-transaction",
    "--databases",
)
OPTIONS = {
    "mariadb": (*COMMON, "--compatible=no_table_options", "--tz-utc=0 --delayed-insert", "--skip-dump-date"),
    "mysql": (*COMMON, "--compatible=ansi --skip-triggers", "--set-gtid-purged=OFF --column-statistics=0"),
}


@pytest.fixture(scope="module", params=under_test(OPTIONS))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with shared_server(request.param, tmp_path_factory.getbasetemp().parent) as database, emptied(database):
        fill(database)
        yield database


def fill(database: Database) -> None:
    with owner_connection(database, None) as owner:
        rows(owner, "CREATE DATABASE origin DEFAULT CHARACTER SET utf8mb4")
        rows(owner, "USE origin")
        invisible = "INVISIBLE" if database.address.flavor == "mariadb" else ""
        text = SCHEMA.format(invisible=invisible, bytes=EVERY_BYTE)
        for statement in text.replace("END IF; END;", "END IF\\; END;").split(";\n"):
            rows(owner, statement.replace("\\; END", "; END"))


def program(database: Database) -> str:
    if database.address.flavor == "mysql":
        return str(Path(os.environ["MIGCI_MYSQL"]) / "mysqldump")
    return shutil.which("mariadb-dump") or pytest.skip("needs mariadb-dump")


def login(database: Database) -> str:
    return next(word for word in database.shell() if word.startswith("--defaults-extra-file="))


def dumped(database: Database, options: str, *tables: str) -> bytes:
    words = [program(database), login(database).replace("-extra", ""), *options.split(), "origin", *tables]
    done = subprocess.run(words, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def load(database: Database, name: str, dump: bytes) -> None:
    with owner_connection(database, None) as owner:
        rows(owner, f"DROP DATABASE IF EXISTS {name}")
        rows(owner, f"CREATE DATABASE {name} DEFAULT CHARACTER SET utf8mb4")
    words = [
        *database.shell()[:-1],
        "--binary-mode",
        "--init-command=SET foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO'",
        name,
    ]
    done = subprocess.run(words, input=dump, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def rewritten(dump: bytes, marks: Mapping[str, Op], tables: Marked | None = None) -> bytes:
    out = io.BytesIO()
    statements.rewrite(Source("dump.sql", io.BytesIO(dump)), out, tables or Marked(marks))
    return out.getvalue()


def declared(database: Database, marks: Mapping[str, Op]) -> Marked:
    """The tables of the dump, for those dumps that have none."""
    tables = Marked(marks)
    rewritten(dumped(database, "--no-data --skip-triggers"), {}, tables)
    return tables


def content(database: Database, name: str) -> dict[str, list[tuple[object, ...]]]:
    """The rows of each table, with names of columns in the first."""
    with owner_connection(database, name) as owner:
        names = [str(row[0]) for row in rows(owner, "SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")]
        found: dict[str, list[tuple[object, ...]]] = {}
        for table in names:
            quoted = "`" + table.replace("`", "``") + "`"
            columns = [row[0] for row in rows(owner, f"SHOW COLUMNS FROM {quoted}")]
            chosen = ", ".join("`" + str(column) + "`" for column in columns)
            found[table] = [tuple(columns), *rows(owner, f"SELECT {chosen} FROM {quoted} ORDER BY 1")]
        return found


def test_every_dump_comes_out_byte_for_byte_where_nothing_is_marked(server: Database) -> None:
    for options in OPTIONS[server.address.flavor]:
        dump = dumped(server, options)
        assert rewritten(dump, {}, declared(server, {})) == dump, options


def test_names_without_quotes_are_read(server: Database) -> None:
    dump = dumped(server, "--skip-quote-names", "people", "numbers")
    assert rewritten(dump, {}) == dump
    assert b"@example.com" in rewritten(dump, MARKS)


def test_what_is_loaded_differs_in_the_marked_columns_alone(server: Database) -> None:
    load(server, "plain", dumped(server, "--hex-blob"))
    plain = content(server, "plain")
    for options in OPTIONS[server.address.flavor]:
        if {"--databases", "--no-create-info"} & set(options.split()):
            continue
        code = "" if "ansi" in options else "--routines --events"  # of which mysqldump cannot load its own
        load(server, "result", rewritten(dumped(server, f"{code} {options}"), MARKS))
        result = content(server, "result")
        assert result.keys() == plain.keys()
        for table, (columns, *before) in plain.items():
            assert result[table][0] == columns
            after = result[table][1:]
            assert len(after) == len(before), (options, table)
            for place, column in enumerate(columns):
                old, new = [row[place] for row in before], [row[place] for row in after]
                if f"{table}.{column}" not in MARKS:
                    assert new == old, (options, table, column)
                    continue
                assert [value is None for value in new] == [value is None for value in old]
                assert not {value for value in new if value} & {value for value in old if value}, (
                    options,
                    table,
                    column,
                )


def test_rows_without_a_create_table_are_replaced_by_what_is_known_otherwise(server: Database) -> None:
    dump = dumped(server, "--no-create-info --skip-triggers")
    result = rewritten(dump, MARKS, declared(server, MARKS))
    assert b"ann@example.org" in dump
    assert b"ann@example.org" not in result


def test_a_live_server_is_dumped_at_one_moment(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if server.address.flavor != "mariadb":
        pytest.skip("the program that PATH has is MariaDB's")
    monkeypatch.setenv(live.PASSWORD_VARIABLE, password(server))
    with live.dumped(f"mariadb://root@localhost/origin?socket={server.address.socket}") as stream:
        out = io.BytesIO()
        counts = statements.rewrite(stream, out, Marked(MARKS))
    assert counts[None, "people"].replaced["email"] == 2
    assert b"ann@example.org" not in out.getvalue()
    assert b"`two`" in out.getvalue()
    monkeypatch.setenv(live.PASSWORD_VARIABLE, "wrong")
    with (
        pytest.raises(Unreadable, match=r"ended with status 2: .*Access denied"),
        live.dumped(f"mariadb://root@localhost/origin?socket={server.address.socket}") as stream,
    ):
        stream.read(1)


def password(database: Database) -> str:
    text = Path(login(database).partition("=")[2]).read_text()
    return next(line.partition("=")[2].strip(' "') for line in text.splitlines() if line.startswith("password"))


@pytest.mark.parametrize("options", [(), ("--compress", "--rows", "2")], ids=["whole tables", "compressed parts"])
def test_a_folder_of_mydumper_comes_out_byte_for_byte_and_its_rows_are_replaced(
    server: Database, tmp_path: Path, options: tuple[str, ...]
) -> None:
    if server.address.flavor != "mariadb" or shutil.which("mydumper") is None:
        pytest.skip("needs mydumper, and MariaDB, which the one of Debian is made for")
    folder = tmp_path / "in"
    words = [
        "mydumper",
        "-S",
        str(server.address.socket),
        "-u",
        "root",
        "-p",
        password(server),
        "-B",
        "origin",
        "-o",
        str(folder),
    ]
    subprocess.run(
        [*words, "--triggers", "--routines", "--events", "--regex", r"^origin\.(?!we)", *options],
        check=True,
        capture_output=True,
    )
    keep = "".join(
        f'[tables."{table}"]\n"*" = "keep"\n' for table in content(server, "origin") if table[:2] != "we"
    )  # it cannot dump that one
    kept = folder_dumped(folder, tmp_path / "kept", keep)
    assert unpacked(kept) == unpacked(folder)
    marked = '[tables.people]\nemail = "email"\n"*" = "keep"\n'
    result = folder_dumped(
        folder,
        tmp_path / "result",
        marked + keep.replace('[tables."people"]\n"*" = "keep"\n', ""),
    )
    before, after = unpacked(folder), unpacked(result)
    different = {name for name in before if before[name] != after[name]}
    assert different
    assert all(name.startswith("origin.people.") for name in different)
    assert b"ann@example.org" not in b"".join(after.values())


def folder_dumped(source: Path, output: Path, markup: str) -> Path:
    planner = Planner(markup_file.parse(markup, "markup.toml", kinds.find), kinds.find, Key(b"k" * 16))
    rewrite.dump(Request(str(source), str(output), jobs=2), planner, lambda done, total: None)
    return output


def unpacked(folder: Path) -> dict[str, bytes]:
    return {
        path.name: gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in folder.iterdir()
    }
