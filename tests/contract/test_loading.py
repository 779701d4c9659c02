"""Dumps of the real tools, loaded: the same tables as when the server's own client loads them."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pymysql
import pytest
import zstandard
from pymysql.cursors import Cursor

from migci.adapters.dumps import crew, keys, loading
from migci.adapters.dumps.loading import Loaded, load
from migci.adapters.dumps.session import Session
from migci.ports import Database, RestoreFailed, ServerFailed
from tests.contract.flavors import MARK, Rows, ignored, mariadb, new_folder, owner_connection, rows, started

SCHEMA = """
SET NAMES utf8mb4;
CREATE TABLE authors (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL, bio TEXT, KEY by_name (name));
CREATE TABLE books (id INT AUTO_INCREMENT PRIMARY KEY, author INT, title VARCHAR(100), cover LONGBLOB,
  price DECIMAL(8,2), at TIMESTAMP NULL, twice INT GENERATED ALWAYS AS (author * 2) STORED,
  KEY by_title (title, at), KEY author (author),
  UNIQUE KEY one (id, author), CONSTRAINT by_author FOREIGN KEY (author) REFERENCES authors (id));
CREATE TABLE aisam (id INT PRIMARY KEY, t VARCHAR(20), KEY (t)) ENGINE=MyISAM;
CREATE TABLE aria (id INT PRIMARY KEY, t VARCHAR(20), KEY (t)) ENGINE=Aria;
CREATE TABLE empty_one (id INT);
CREATE TABLE log (id INT, what VARCHAR(20));
CREATE TABLE parted (id INT, KEY (id)) PARTITION BY HASH (id) PARTITIONS 3;
CREATE TABLE `od``d; name` (`a "b"` INT PRIMARY KEY, k INT, KEY `k; 'x'` (k));
CREATE TABLE counted (a INT, n INT AUTO_INCREMENT, b INT, KEY b (b), KEY n (n), KEY a (a));
INSERT INTO authors (name, bio) VALUES
  ('Zoë 🦊', 'it''s "quoted" \\\\ and `ticked`; -- no comment\\n# nor this\\r\\n/* nor this */'),
  ('', NULL), ('\\\\', '');
INSERT INTO books (author, title, cover, price, at) VALUES (1, 'a;b', x'00ff27225c0a0d1a', -1.5, '2020-01-01 10:00:00'),
  (2, 'DELIMITER ;;', NULL, NULL, NULL), (3, '\\\\''', '', 0, '2020-07-01 10:00:00');
INSERT INTO books (author, title, cover) SELECT 1, CONCAT('t', seq), UNHEX(SHA2(seq, 512)) FROM seq_1_to_3000;
INSERT INTO aisam SELECT seq, seq % 7 FROM seq_1_to_500;
INSERT INTO aria SELECT seq, seq % 7 FROM seq_1_to_500;
INSERT INTO parted SELECT seq FROM seq_1_to_500;
INSERT INTO `od``d; name` SELECT seq, -seq FROM seq_1_to_50;
INSERT INTO counted (a, b) SELECT seq, seq FROM seq_1_to_50;
CREATE VIEW zz_titles AS SELECT b.title, a.name FROM books b JOIN authors a ON a.id = b.author;
CREATE VIEW a_first AS SELECT title FROM zz_titles;
DELIMITER ;;
CREATE TRIGGER logged BEFORE INSERT ON books FOR EACH ROW BEGIN
  INSERT INTO log VALUES (NEW.id, 'it''s; in');
END;;
CREATE FUNCTION one() RETURNS INT DETERMINISTIC BEGIN DECLARE x INT; SET x = 1; RETURN x; END;;
CREATE PROCEDURE fill() BEGIN INSERT INTO log VALUES (1, 'p;q'); SELECT 1; END;;
CREATE EVENT sweep ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE DO BEGIN DELETE FROM log; END;;
DELIMITER ;
"""

OPTIONS = [
    (),
    ("--skip-extended-insert",),
    ("--hex-blob",),
    ("--databases",),
    ("--routines", "--triggers", "--events"),
    ("--skip-opt",),
    ("--no-autocommit",),
    ("--skip-tz-utc",),
    ("--replace", "--complete-insert"),
    ("--insert-ignore", "--skip-quote-names", "--ignore-table=origin.od`d; name"),
    ("--skip-comments",),
    ("--single-transaction", "--order-by-primary", "--add-drop-trigger", "--routines"),
]


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Database]:
    with started(mariadb(store, mark=f"{MARK}-loading"), new_folder(store)) as database:
        with owner_connection(database) as owner:
            rows(owner, "SET GLOBAL local_infile = 1")
            rows(owner, "CREATE DATABASE origin")
        client(database, "origin", SCHEMA.encode())
        yield database


@pytest.fixture
def target(server: Database) -> Iterator[str]:
    with owner_connection(server) as owner:
        rows(owner, "CREATE DATABASE target")
    yield "target"
    with owner_connection(server) as owner:
        rows(owner, "DROP DATABASE IF EXISTS target")


MYDUMPER_SECONDS = 60
"""A dump of a few rows takes far less than one."""


def credentials(server: Database) -> str:
    return next(word for word in server.shell() if word.startswith("--defaults-extra-file="))


def client(server: Database, database: str, sql: bytes) -> None:
    words = ["mariadb", credentials(server), "--binary-mode", "--default-character-set=utf8mb4", database]
    subprocess.run(words, input=sql, check=True)


def dumped(server: Database, *options: str) -> bytes:
    program = shutil.which("mariadb-dump")
    if program is None:
        pytest.skip("needs mariadb-dump (Debian: mariadb-client)")
    return subprocess.run([program, credentials(server), *options, "origin"], check=True, stdout=subprocess.PIPE).stdout


def connections(server: Database, database: str = "target") -> Callable[[], pymysql.Connection[Cursor]]:
    return lambda: pymysql.connect(
        read_default_file=credentials(server).partition("=")[2], database=database, autocommit=True, local_infile=True
    )


def put(server: Database, source: Path) -> Loaded:
    return load(str(source), connections(server), ignored)


def put_text(server: Database, folder: Path, text: str) -> Loaded:
    (folder / "dump.sql").write_text(text)
    return put(server, folder / "dump.sql")


def contents(server: Database, database: str) -> dict[str, object]:
    """All that is in a database: definitions, and checksums of all rows."""
    found: dict[str, object] = {}
    with connections(server, database)() as owner:
        for (name,) in rows(owner, "SHOW TABLES"):
            quoted = f"`{str(name).replace('`', '``')}`"
            found[f"table {name}"] = rows(owner, f"SHOW CREATE TABLE {quoted}")[0][1]
            found[f"rows of {name}"] = rows(owner, f"CHECKSUM TABLE {quoted}")[0][1]
        found["triggers"] = rows(owner, "SHOW TRIGGERS").__repr__().partition("datetime")[0]
        for kind in ("FUNCTION", "PROCEDURE"):
            for routine in rows(owner, f"SHOW {kind} STATUS WHERE db = DATABASE()"):
                found[f"{kind} {routine[1]}"] = rows(owner, f"SHOW CREATE {kind} {routine[1]}")
        for event in rows(owner, "SHOW EVENTS"):
            found[f"event {event[1]}"] = rows(owner, f"SHOW CREATE EVENT {event[1]}")
    return found


def emptied(server: Database, name: str) -> None:
    with owner_connection(server) as owner:
        rows(owner, f"DROP DATABASE IF EXISTS {name}")
        rows(owner, f"CREATE DATABASE {name}")


def asked(server: Database, sql: str) -> Rows:
    with connections(server)() as owner:
        return rows(owner, sql)


@pytest.mark.parametrize("large", [0, 8 << 20], ids=["keys after the rows", "keys with the rows"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: " ".join(options) or "default")
def test_a_dump_fills_a_database_as_the_servers_own_client_does(
    server: Database,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    large: int,
) -> None:
    monkeypatch.setattr(crew, "LARGE_BYTES", large)
    text = dumped(server, *options)
    named = "--databases" in options
    if named:
        text = text.replace(b"`origin`", b"`target`")
    client(server, target, text)
    wanted = contents(server, target)
    assert wanted["rows of books"]
    emptied(server, target)
    (tmp_path / "dump.sql").write_bytes(text)
    loaded = put(server, tmp_path / "dump.sql")
    assert contents(server, target) == wanted
    assert loaded.statements > 10


def test_keys_of_a_large_table_are_made_after_its_rows_and_all_of_them(
    server: Database, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "LARGE_BYTES", 0)
    made: list[str] = []
    defer = keys.defer

    def noted(session: Session, table: str) -> keys.Deferred | None:
        deferred = defer(session, table)
        made.extend(deferred.definitions if deferred is not None else ())
        return deferred

    monkeypatch.setattr(crew, "defer", noted)
    (tmp_path / "dump.sql").write_bytes(dumped(server))
    put(server, tmp_path / "dump.sql")
    assert sorted(made) == [
        "KEY `a` (`a`)",
        "KEY `author` (`author`)",
        "KEY `by_name` (`name`)",
        "KEY `by_title` (`title`,`at`)",
        "KEY `k; 'x'` (`k`)",
    ]
    with pytest.raises(pymysql.err.IntegrityError):
        asked(server, "INSERT INTO books (author) VALUES (99)")


def test_a_row_that_is_there_twice_is_an_error_with_its_place(server: Database, target: str, tmp_path: Path) -> None:
    text = dumped(server).replace(b"INSERT INTO `aria` VALUES\n(1,", b"INSERT INTO `aria` VALUES\n(2,'x'),\n(1,")
    (tmp_path / "dump.sql").write_bytes(text)
    with pytest.raises(RestoreFailed, match=r"the dump dump\.sql cannot be loaded .*: line \d+: error 1062: Duplicate"):
        put(server, tmp_path / "dump.sql")


def test_values_that_were_cut_are_told_and_not_shown(server: Database, target: str, tmp_path: Path) -> None:
    loaded = put_text(
        server,
        tmp_path,
        "-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n"
        "CREATE TABLE `t` (a VARCHAR(3));\nINSERT INTO `t` VALUES ('secret'),('two'),('three');\n-- Dump completed\n",
    )
    assert loaded.warnings == {1265: 2}
    assert loaded.tables == {1265: ("t",)}
    assert "sec" not in repr(loaded)


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("CREATE TABLE t (a TEXT) COLLATE utf8mb4_0900_ai_ci;", "error 1273", 'flavor = "mysql"'),
        ("CREATE TABLE t (a INT) ENGINE=RocksDB;", "error 1286", "--plugin-load-add"),
        (
            "SET sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE'; CREATE TABLE t (a DATE DEFAULT '0000-00-00');",
            "1067",
            "sql_mode",
        ),
    ],
)
def test_refusals_say_who_refused_what_and_what_to_do(
    server: Database, target: str, tmp_path: Path, sql: str, message: str, hint: str
) -> None:
    head = "-- MySQL dump 10.13  Distrib 8.0.36, for Linux\n-- Server version\t8.0.36\n"
    head += "SET sql_mode='NO_ENGINE_SUBSTITUTION';\n"
    with pytest.raises(RestoreFailed) as refused:
        put_text(server, tmp_path, f"{head}{sql}\n-- Dump completed\n")
    assert message in refused.value.message
    assert "line 4" in refused.value.message
    assert "into MariaDB 1" in refused.value.message
    assert "dumped from MySQL 8.0.36" in refused.value.message
    assert hint in refused.value.hint


def test_a_statement_that_is_too_large_names_the_option(server: Database, target: str, tmp_path: Path) -> None:
    with owner_connection(server) as owner:
        ((before,),) = rows(owner, "SELECT @@GLOBAL.max_allowed_packet")
        rows(owner, "SET GLOBAL max_allowed_packet = 1048576")
    try:
        with pytest.raises(RestoreFailed, match="max_allowed_packet of 1048576"):
            put_text(server, tmp_path, f"CREATE TABLE t (a LONGTEXT);\nINSERT INTO t VALUES ('{'x' * 2_000_000}');\n")
    finally:
        with owner_connection(server) as owner:
            rows(owner, f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.parametrize("head", ["", "-- MariaDB dump 10.19  Distrib 10.11.2-MariaDB, for Linux\n"])
@pytest.mark.parametrize("comment", ["", "/*!50000 ", "/* x */ "])
def test_no_dump_gets_a_file_of_this_machine_even_where_the_server_would_take_it(
    server: Database, target: str, tmp_path: Path, head: str, comment: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("confidential\n")
    close = " */" if comment.startswith("/*!") else ""
    text = f"{head}CREATE TABLE t (a TEXT);\n{comment}LOAD DATA LOCAL INFILE '{secret}' INTO TABLE t{close};\n"
    with pytest.raises(RestoreFailed, match="is not carried out"):
        put_text(server, tmp_path, f"{text}-- Dump completed\n")
    assert asked(server, "SELECT count(*) FROM t WHERE a LIKE '%conf%'") == [(0,)]


def test_no_table_is_put_beside_the_clone(server: Database, target: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    engines = ("InnoDB", "Aria", "MyISAM")
    text = "".join(f"CREATE TABLE {one} (id INT) ENGINE={one} DATA DIRECTORY='{outside}';\n" for one in engines)

    put_text(server, tmp_path, text)

    assert list(outside.rglob("*")) == []


def test_statements_of_hand_written_sql_run_in_their_order(server: Database, target: str, tmp_path: Path) -> None:
    put_text(
        server,
        tmp_path,
        "CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY, n INT);\nCREATE TABLE b (id INT, last INT);\n"
        + "".join(
            f"INSERT INTO a (n) VALUES ({n});\nSET @last = LAST_INSERT_ID();\nINSERT INTO b VALUES ({n}, @last);\n"
            "INSERT INTO b SELECT n, id FROM a WHERE id = @last;\n"
            for n in range(50)
        ),
    )
    assert asked(server, "SELECT count(*) FROM b WHERE last = id + 1") == [(100,)]


def test_no_backslash_escapes_is_obeyed_as_the_server_obeys_it(server: Database, target: str, tmp_path: Path) -> None:
    put_text(
        server,
        tmp_path,
        "CREATE TABLE t (a TEXT);\nSET @old = @@sql_mode;\n"
        "SET sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES');\n"
        "INSERT INTO t VALUES ('\\');\nSET sql_mode = @old;\nINSERT INTO t VALUES ('\\';');\n",
    )
    assert asked(server, "SELECT a FROM t") == [("\\",), ("';",)]


@pytest.mark.parametrize("read_ahead", [1000, 1 << 30])
def test_what_waits_is_bounded(
    server: Database, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_ahead: int
) -> None:
    monkeypatch.setattr(loading, "_READ_AHEAD_BYTES", read_ahead)
    monkeypatch.setattr(crew, "LARGE_BYTES", 500)
    monkeypatch.setattr("migci.adapters.dumps.spool._MEMORY_BYTES", 5000)
    monkeypatch.setattr("migci.adapters.dumps.spool._SEGMENT_BYTES", 20_000)
    (tmp_path / "dump.sql").write_bytes(dumped(server, "--net-buffer-length=4096"))
    put(server, tmp_path / "dump.sql")
    assert contents(server, target)["rows of books"] == contents(server, "origin")["rows of books"]


def test_progress_grows_and_ends_at_the_size(server: Database, target: str, tmp_path: Path) -> None:
    source = tmp_path / "dump.sql.gz"
    source.write_bytes(gzip.compress(dumped(server, "--net-buffer-length=4096")))
    told: list[tuple[int, int]] = []
    load(str(source), connections(server), lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (source.stat().st_size, source.stat().st_size)


def test_a_server_that_is_not_there_is_no_fault_of_the_dump(tmp_path: Path) -> None:
    (tmp_path / "dump.sql").write_text("SELECT 1;")
    with pytest.raises(ServerFailed):
        load(str(tmp_path / "dump.sql"), lambda: pymysql.connect(unix_socket=str(tmp_path / "none")), ignored)


# mydumper


@pytest.fixture
def mydumped(server: Database, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if shutil.which("mydumper") is None:
        pytest.skip("needs mydumper")
    folder = tmp_path / "md"
    words = ["mydumper", "-S", str(server.address.socket), "-u", "root", "-p", password(server), "-B", "origin"]
    words += ["-o", str(folder), "--triggers", "--routines", "--events", "--regex", r"^origin\.(?!od`)"]
    words += getattr(request, "param", ())
    for last in (False, True):
        try:
            subprocess.run(words, check=True, timeout=MYDUMPER_SECONDS)
            break
        except subprocess.TimeoutExpired:  # it has been seen to wait for ever, with nothing to wait for
            if last:
                pytest.fail(f"mydumper did not end within {MYDUMPER_SECONDS} s, twice: {shutil.which('mydumper')}")
            shutil.rmtree(folder, ignore_errors=True)
    return folder


def password(server: Database) -> str:
    text = Path(credentials(server).partition("=")[2]).read_text()
    return next(line.partition("=")[2].strip().strip('"') for line in text.splitlines() if line.startswith("password"))


def moved(folder: Path) -> None:
    """As if the database that was dumped were called target."""
    for path in sorted(folder.iterdir()):
        compressed = path.suffix == ".gz"
        text = gzip.decompress(path.read_bytes()) if compressed else path.read_bytes()
        text = text.replace(b"DATABASE `origin`", b"DATABASE `target`")
        path.write_bytes(gzip.compress(text) if compressed else text)
        path.rename(folder / path.name.replace("origin", "target", 1))


@pytest.mark.parametrize("mydumped", [(), ("--compress",), ("--rows", "500")], indirect=True, ids=str)
@pytest.mark.parametrize("large", [0, 8 << 20])
def test_a_mydumper_folder_is_loaded(
    server: Database, target: str, mydumped: Path, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(crew, "LARGE_BYTES", large)
    moved(mydumped)
    put(server, mydumped)
    wanted, found = contents(server, "origin"), contents(server, target)
    differing = {what for what in wanted if found.get(what) != wanted[what]}
    # It does not dump the table whose name holds a backtick, and views and events name their database.
    assert {what for what in differing if what.startswith("rows")} == {"rows of od`d; name"}
    assert set(wanted) - set(found) == {"rows of od`d; name", "table od`d; name"}
    assert not {what for what in differing & set(found) if what.startswith("table") and "VIEW" not in str(wanted[what])}
    assert asked(server, "SELECT one()") == [(1,)]
    assert asked(server, "SELECT count(*) FROM log") == [(0,)]


def test_an_unfinished_mydumper_folder_is_refused(server: Database, target: str, mydumped: Path) -> None:
    metadata = mydumped / "metadata"
    metadata.write_text("".join(line for line in metadata.open() if "Finished" not in line))
    with pytest.raises(RestoreFailed, match="the dump md is not finished"):
        put(server, mydumped)
    metadata.rename(mydumped / "metadata.partial")
    with pytest.raises(RestoreFailed, match="the dump md is not finished"):
        put(server, mydumped)


def test_a_file_that_no_mydumper_wrote_is_refused(server: Database, target: str, mydumped: Path) -> None:
    (mydumped / "origin.books.00000.dat").touch()
    with pytest.raises(RestoreFailed, match=r"md/origin\.books\.00000\.dat is no file"):
        put(server, mydumped)


# MySQL Shell


def escaped(value: bytes | None) -> bytes:
    if value is None:
        return b"\\N"
    for raw, written in ((b"\\", b"\\\\"), (b"\0", b"\\0"), (b"\n", b"\\n"), (b"\r", b"\\r"), (b"\t", b"\\t")):
        value = value.replace(raw, written)
    return value.replace(b"\x1a", b"\\Z")


TABLE_ROWS: list[list[bytes | None]] = [
    [str(number).encode(), text.encode(), blob]
    for number, (text, blob) in enumerate(
        [("plain", b"\0\xff"), ("tab\tline\nback\\slash", None), ("Zoë 🦊", b""), ("\\N", bytes(range(256)))] * 300
    )
]


@pytest.fixture
def shell_folder(tmp_path: Path) -> Path:
    """As util.dumpSchemas() writes it, by its documented format: one table in three files, a view, a trigger."""
    folder = tmp_path / "shell"
    folder.mkdir()

    def write(name: str, content: object) -> None:
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))

    write("@.json", {"version": "2.0.1", "schemas": ["target"], "basenames": {"target": "target"}, "tzUtc": True})
    write("@.sql", "-- MySQLShell dump 2.0.1\n")
    write("@.post.sql", "-- MySQLShell dump 2.0.1\n")
    write(
        "target.json",
        {"schema": "target", "tables": ["t"], "views": ["v"], "basenames": {"t": "target@t", "v": "target@v"}},
    )
    write("target.sql", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `target`;\n")
    write(
        "target@t.sql", "CREATE TABLE IF NOT EXISTS `t` (id INT PRIMARY KEY, name TEXT, data BLOB) CHARSET utf8mb4;\n"
    )
    write(
        "target@t.triggers.sql",
        "DELIMITER ;;\n/*!50003 CREATE TRIGGER tr BEFORE INSERT ON `t` FOR EACH ROW BEGIN SET NEW.name = ''; END */;;\n"
        "DELIMITER ;\n",
    )
    write("target@v.pre.sql", "CREATE VIEW `v` AS SELECT 1 AS `id`;\n")
    write("target@v.sql", "/*!50001 DROP VIEW IF EXISTS `v`*/;\nCREATE VIEW `v` AS SELECT id FROM t;\n")
    options: dict[str, object] = {
        "schema": "target",
        "table": "t",
        "columns": ["id", "name", "data"],
        "decodeColumns": {"data": "UNHEX"},
    }
    options |= {
        "defaultCharacterSet": "utf8mb4",
        "fieldsTerminatedBy": "\t",
        "fieldsEnclosedBy": "",
        "linesTerminatedBy": "\n",
    }
    options |= {"fieldsOptionallyEnclosed": False, "fieldsEscapedBy": "\\"}
    about = {"options": options, "triggers": ["tr"], "includesData": True, "includesDdl": True, "extension": "tsv.zst"}
    write("target@t.json", about | {"chunking": True, "compression": "zstd"})
    sizes = {}
    for start, name in ((0, "target@t@0.tsv.zst"), (400, "target@t@1.tsv.zst"), (800, "target@t@@2.tsv.zst")):
        text = b"".join(
            b"\t".join([escaped(one), escaped(two), escaped(three and three.hex().upper().encode())]) + b"\n"
            for one, two, three in TABLE_ROWS[start : start + 400]
        )
        (folder / name).write_bytes(zstandard.ZstdCompressor().compress(text))
        (folder / f"{name}.idx").write_bytes(struct.pack(">Q", len(text)))
        sizes[name] = len(text)
    write("@.done.json", {"end": "2026-01-01", "dataBytes": sum(sizes.values()), "chunkFileBytes": sizes})
    return folder


def test_a_mysql_shell_folder_is_loaded(server: Database, target: str, shell_folder: Path) -> None:
    put(server, shell_folder)
    found = asked(server, "SELECT id, name, data FROM t ORDER BY id")
    assert [[str(number).encode(), name.encode(), data] for number, name, data in found] == TABLE_ROWS
    assert asked(server, "SELECT count(*) FROM v") == [(1200,)]
    asked(server, "INSERT INTO t VALUES (-1, 'x', NULL)")
    assert asked(server, "SELECT name FROM t WHERE id = -1") == [("",)]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("@.done.json", "not finished"),
        ("target@t@1.tsv.zst", "files of its rows are missing"),
        ("target@t@@2.tsv.zst", "files of its rows are missing"),
        ("target@t.sql", "the file is missing"),
        ("target@v.sql", "the file is missing"),
        ("target@t.json", "the file is missing"),
    ],
)
def test_a_mysql_shell_folder_without_one_of_its_files_is_refused(
    server: Database, target: str, shell_folder: Path, name: str, match: str
) -> None:
    (shell_folder / name).unlink()
    with pytest.raises(RestoreFailed, match=match):
        put(server, shell_folder)


def test_rows_of_mysql_shell_that_are_fewer_than_it_wrote_are_refused(
    server: Database, target: str, shell_folder: Path
) -> None:
    (shell_folder / "target@t@1.tsv.zst").write_bytes(zstandard.ZstdCompressor().compress(b"1\ta\t00\n"))
    with pytest.raises(RestoreFailed, match=r"target@t@1\.tsv\.zst holds 7 bytes and not \d+"):
        put(server, shell_folder)


def test_a_row_of_mysql_shell_that_the_server_would_skip_is_an_error(
    server: Database, target: str, shell_folder: Path
) -> None:
    shutil.copy(shell_folder / "target@t@0.tsv.zst", shell_folder / "target@t@1.tsv.zst")
    done = json.loads((shell_folder / "@.done.json").read_text())
    del done["chunkFileBytes"]
    (shell_folder / "@.done.json").write_text(json.dumps(done))
    with pytest.raises(RestoreFailed, match="error 1062"):
        put(server, shell_folder)


@pytest.mark.parametrize("change", [{"fieldsNew": 1}, {"decodeColumns": {"data": "ROT13"}}])
def test_what_is_not_understood_of_mysql_shell_is_refused(
    server: Database, target: str, shell_folder: Path, change: dict[str, object]
) -> None:
    about = json.loads((shell_folder / "target@t.json").read_text())
    about["options"] |= change
    (shell_folder / "target@t.json").write_text(json.dumps(about))
    with pytest.raises(RestoreFailed, match=r"not known"):
        put(server, shell_folder)


def test_a_folder_that_is_no_dump_is_refused(server: Database, target: str, tmp_path: Path) -> None:
    with pytest.raises(RestoreFailed, match="is no dump"):
        put(server, tmp_path)


def test_a_folder_behind_a_url_is_loaded(server: Database, target: str, shell_folder: Path) -> None:
    system = fsspec.filesystem("memory")
    for path in shell_folder.iterdir():
        system.pipe_file(f"/bucket/shell/{path.name}", path.read_bytes())
    load("memory://bucket/shell", connections(server), ignored)
    assert asked(server, "SELECT count(*) FROM t") == [(1200,)]
