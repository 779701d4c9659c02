"""`anonymize dump`, as it is called: what it writes, what it says, and how it ends."""

from __future__ import annotations

import gzip
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from anonymize import cli, progress
from anonymize.dumps import live
from anonymize.errors import Unreadable, UsageError

DUMP = b"""-- MySQL dump 10.13
CREATE TABLE `users` (`id` int PRIMARY KEY, `email` varchar(99));
INSERT INTO `users` VALUES (1,'ann@example.org'),(2,NULL);
CREATE TABLE `logs` (`at` int, `email` varchar(99));
INSERT INTO `logs` VALUES (1,'ann@example.org');
-- Dump completed on 2026-11-21
"""
MARKUP = """
[tables.users]
id = "keep"
email = "email"
[tables.logs]
at = "keep"
email = "email"
"""


@dataclass
class Desk:
    """A folder with a dump, markup and a key, and the command line."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def run(self, *words: str, markup: str = MARKUP) -> tuple[int, str]:
        """The exit status, and what was said."""
        (self.folder / "markup.toml").write_text(markup)
        self.monkeypatch.setattr(sys, "argv", ["anonymize", "dump", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self.capfd.readouterr()
        assert "Traceback" not in said.err
        return int(ended.value.code or 0), said.err + said.out

    def dump(self, *words: str, source: bytes = DUMP, markup: str = MARKUP) -> tuple[int, str]:
        Path("dump.sql").write_bytes(source)
        return self.run("dump.sql", "out.sql", "--markup", "markup.toml", "--key-file", "key", *words, markup=markup)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANONYMIZE_KEY", raising=False)
    Path("key").write_text("a key of more than sixteen bytes\n")
    return Desk(tmp_path, monkeypatch, capfd)


def test_a_marked_column_is_replaced_by_the_same_in_every_table_and_the_audit_says_so(desk: Desk) -> None:
    status, said = desk.dump("--audit", "audit.json")
    assert status == 0
    result = Path("out.sql").read_bytes()
    assert b"ann@example.org" not in result
    first, second = (line.split(b"'")[1] for line in result.splitlines() if line.startswith(b"INSERT"))
    assert first == second
    assert result.replace(first, b"ann@example.org") == DUMP
    assert "users.email  email         1       1" in said
    assert json.loads(Path("audit.json").read_text()) == {
        "schema": "anonymize.audit/1",
        "tables": {
            "logs": {"rows": 1, "columns": {"email": {"kind": "email", "replaced": 1, "others": 0}}},
            "users": {"rows": 2, "columns": {"email": {"kind": "email", "replaced": 1, "others": 1}}},
        },
    }


def test_the_key_may_be_in_the_environment_and_another_key_gives_other_pseudonyms(desk: Desk) -> None:
    desk.dump()
    first = Path("out.sql").read_bytes()
    desk.monkeypatch.setenv("ANONYMIZE_KEY", "a key of more than sixteen bytes")
    assert desk.run("dump.sql", "same.sql", "--markup", "markup.toml")[0] == 0
    assert Path("same.sql").read_bytes() == first
    desk.monkeypatch.setenv("ANONYMIZE_KEY", "another key of more than sixteen bytes")
    assert desk.run("dump.sql", "other.sql", "--markup", "markup.toml")[0] == 0
    assert Path("other.sql").read_bytes() != first


@pytest.mark.parametrize(
    ("markup", "source", "words", "status", "what"),
    [
        (MARKUP.replace('email = "email"', "", 1), DUMP, (), 1, "email"),
        (MARKUP + 'nmae = "text"\n', DUMP, (), 1, "nmae"),
        (MARKUP + '[tables.people]\n"*" = "keep"\n', DUMP, (), 1, "people"),
        (MARKUP.replace('"email"', '"mail"'), DUMP, (), 2, "there is no kind 'mail'"),
        (MARKUP, DUMP.replace(b"-- Dump completed", b"-- "), (), 3, "dump.sql:7: the dump is cut off"),
        (MARKUP, DUMP[:120], (), 3, "dump.sql:3: the dump is cut off"),
        (MARKUP, DUMP + b"UPDATE users SET id = 3;", (), 3, "dump.sql:7: UPDATE is not known in a dump"),
        (MARKUP, DUMP.replace(b"(2,NULL)", b"(2)"), (), 3, "dump.sql:3: table users"),
        (MARKUP, gzip.compress(DUMP, mtime=0)[:-9], (), 3, "dump.sql cannot be decompressed"),
        (MARKUP, DUMP, ("--key-file", "none"), 2, "the key file none cannot be read"),
    ],
)
def test_what_goes_wrong_is_told_and_leaves_no_output(
    desk: Desk, markup: str, source: bytes, words: tuple[str, ...], status: int, what: str
) -> None:
    found, said = desk.dump(*words, source=source, markup=markup)
    assert found == status, said
    assert what in said
    assert "hint:" in said
    assert "ann@" not in said
    assert sorted(path.name for path in desk.folder.iterdir()) == ["dump.sql", "key", "markup.toml"]


def test_an_output_that_is_there_is_replaced_with_force_alone(desk: Desk) -> None:
    Path("out.sql").write_text("old")
    assert desk.dump()[0] == 2
    assert Path("out.sql").read_text() == "old"
    assert desk.dump("--force")[0] == 0
    assert Path("out.sql").read_bytes() != b"old"


def test_a_dump_without_tables_takes_them_from_a_schema(desk: Desk) -> None:
    tables = b"\n".join(line for line in DUMP.splitlines() if line.startswith(b"CREATE"))
    rows = b"\n".join(line for line in DUMP.splitlines() if line.startswith(b"INSERT"))
    Path("schema.sql").write_bytes(tables)
    status, said = desk.dump(source=rows)
    assert (status, "--schema" in said) == (3, True)
    assert desk.dump("--schema", "schema.sql", source=rows)[0] == 0
    assert b"ann@example.org" not in Path("out.sql").read_bytes()


def test_a_column_inherits_from_a_table_that_comes_later_in_the_dump(desk: Desk) -> None:
    child = b"CREATE TABLE a (owner varchar(99), CONSTRAINT c FOREIGN KEY (owner) REFERENCES b (email));\n"
    parent = b"CREATE TABLE b (email varchar(99) PRIMARY KEY);\n"
    rows = b"INSERT INTO %s VALUES ('ann@example.org');\n"
    source = child + rows % b"a" + parent + rows % b"b"
    status, said = desk.dump(source=source, markup='[tables.b]\nemail = "email"\n[tables.a]\n')
    assert status == 0, said
    first, second = (line.split(b"'")[1] for line in Path("out.sql").read_bytes().splitlines() if b"'" in line)
    assert first == second != b"ann@example.org"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("users.csv", b'id,email\r\n1,"ann@example.org"\r\n2,\r\n', ()),
        ("users.csv.gz", gzip.compress(b"id,email\n1,ann@example.org\n", mtime=0), ("--compress", "none")),
        ("users.tsv", b"1\tann@example.org\n2\t\\N\n", ("--columns", "id,email")),
    ],
)
def test_lines_of_fields_are_rewritten_as_the_rows_of_a_table(
    desk: Desk, name: str, text: bytes, words: tuple[str, ...]
) -> None:
    Path(name).write_bytes(text)
    markup = MARKUP.partition("[tables.logs]")[0]
    options = ("--markup", "markup.toml", "--key-file", "key", "--table", "users", *words)
    status, said = desk.run(name, "out", *options, markup=markup)
    assert status == 0, said
    result = Path("out").read_bytes()
    plain = gzip.decompress(text) if name.endswith("gz") else text
    assert b"ann@example.org" not in result
    before, after = plain.split(b"ann@example.org")
    assert result.startswith(before)
    assert result.endswith(after)
    assert "users.email  email" in said


def test_lines_without_the_names_of_marked_columns_are_refused(desk: Desk) -> None:
    Path("users.csv").write_bytes(b"id,mail\n1,ann@example.org\n")
    options = ("--markup", "markup.toml", "--key-file", "key", "--table", "users")
    status, said = desk.run("users.csv", "out", *options, markup=MARKUP.partition("[tables.logs]")[0])
    assert status == 1
    assert "mail" in said
    assert not Path("out").exists()


def test_progress_is_a_line_every_ten_seconds_with_the_rate_and_the_time_left() -> None:
    out, now = io.StringIO(), 0.0
    watch = progress.lines("dump.sql", out, lambda: now)
    for now in (1.0, 9.0, 10.0, 15.0, 20.0):
        watch(int(now) * 10_000_000, 1_000_000_000)
    watch(1, None)
    assert out.getvalue().splitlines() == [
        "dump.sql: 100 MB of 1000 MB (10 %), 10 MB/s, 1 min 30 s left",
        "dump.sql: 200 MB of 1000 MB (20 %), 10 MB/s, 1 min 20 s left",
    ]


def stand_in(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "mysqldump"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_a_live_server_is_read_by_its_dump_program_with_the_password_in_a_private_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, 'file=${1#*=}\nstat -c %a "$file"\ncat "$file"\nshift\necho "$@"\n', monkeypatch)
    monkeypatch.setenv("ANONYMIZE_PASSWORD", 'p"w')
    with live.dumped("mysql://ann@db:3307/shop") as source:
        said = source.read(10_000).decode() + source.read(10_000).decode()
    assert said.startswith('600\n[client]\nuser="ann"\npassword="p\\"w"\nhost="db"\nport="3307"\n')
    assert "--single-transaction --quick" in said
    assert said.endswith(" -- shop\n")
    assert 'p"w' not in said.splitlines()[-1]


def test_a_dump_program_that_fails_is_an_error_even_after_a_whole_dump(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, "echo '-- a whole dump'; echo 'mysqldump: Error 2013: Lost connection' >&2; exit 3", monkeypatch)
    with (
        live.dumped("mysql://ann@db/shop") as source,
        pytest.raises(Unreadable, match="mysqldump ended with status 3: mysqldump: Error 2013: Lost connection"),
    ):
        list(iter(lambda: source.read(1000), b""))


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/shop", "mysql://db", "mysql://db/a?sokcet=1", "mysql://db:x/a"])
def test_an_address_that_cannot_be_used_is_refused_and_no_password_is_shown(url: str) -> None:
    with pytest.raises(UsageError) as raised, live.dumped(url):
        pass
    assert "secret" not in raised.value.message + raised.value.hint


LEAKS = DUMP.replace(b"`at` int, `email` varchar(99)", b"`at` varchar(99), `email` varchar(99)").replace(
    b"(1,'ann@example.org');\n-- Dump", b"('seen: ann@example.org','x@example.org');\n-- Dump"
)
"""An original stands in a column that is kept."""


def test_what_is_verified_is_published_with_a_report(desk: Desk) -> None:
    status, said = desk.dump("--verify", "--page", "page.html")
    assert status == 0
    assert "out.sql, made of dump.sql: passed" in said
    assert Path("out.sql").is_file()
    assert "passed" in Path("page.html").read_text()


def test_what_does_not_pass_is_not_published(desk: Desk) -> None:
    status, said = desk.dump("--verify", source=LEAKS)
    assert status == 1
    assert "logs, column at, row 1" in said
    assert "ann@example.org" not in said
    assert not [one for one in Path().iterdir() if "out.sql" in one.name]


def test_what_is_explained_is_published(desk: Desk) -> None:
    status, said = desk.dump("--verify", "--explain", "logs.at=they are public", source=LEAKS)
    assert status == 0, said
    assert Path("out.sql").is_file()


def test_only_a_file_made_of_a_file_can_be_verified(desk: Desk) -> None:
    Path("dump.sql").write_bytes(DUMP)
    words = ("--markup", "markup.toml", "--key-file", "key", "--verify")
    assert desk.run("dump.sql", "-", *words)[0] == 2
    assert desk.dump("--page", "page.html")[0] == 2
