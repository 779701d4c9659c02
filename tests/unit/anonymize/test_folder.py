"""The files of a folder are rewritten each by itself; an interrupted run goes on; the folder is whole or not there."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from anonymize import kinds, markup_file, rewrite
from anonymize.audit import Audit
from anonymize.errors import AnonymizeError, CheckFailed, Unreadable, UsageError
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request

HEAD = b"/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n\n"
USERS = b"CREATE TABLE `users` (\n  `id` int(11),\n  `email` varchar(99)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;\n"
FILES = {
    "metadata": b"Started dump at: 2026-11-21 12:00:00\nFinished dump at: 2026-11-21 12:00:01\n",
    "shop-schema-create.sql": b"CREATE DATABASE `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n",
    "shop.users-schema.sql": HEAD + USERS,
    "shop.seen-schema.sql": b"CREATE TABLE IF NOT EXISTS `seen`(\n`email` int\n)ENGINE=MyISAM;\n",
    "shop.seen-schema-view.sql": b"DROP TABLE IF EXISTS `seen`;\nCREATE VIEW `seen` AS select `email` from `users`;\n",
    "shop.users.00000.sql": HEAD + b'INSERT INTO `users` VALUES\n(1,"ann@bank.test"),\n(2,NULL);\n',
    "shop.users.00001.sql": HEAD + b'INSERT INTO `users` VALUES\n(3,"bob@bank.test");\n',
}
MARKUP = '[tables.users]\nid = "keep"\nemail = "email"\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes(text)
    return folder


def planner(markup: str = MARKUP, key: bytes = b"k" * 16) -> Planner:
    return Planner(markup_file.parse(markup, "m.toml", kinds.find), kinds.find, Key(key))


def dump(
    source: Path, made: Planner | None = None, *, jobs: int = 1, partial: bool = False, force: bool = False
) -> Audit:
    request = Request(str(source), str(source.parent / "out"), jobs=jobs, partial=partial, force=force)
    return rewrite.dump(request, made or planner(), lambda done, total: None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_file_comes_out_with_its_rows_replaced(source: Path, jobs: int) -> None:
    audit = dump(source, jobs=jobs)
    out = source.parent / "out"
    assert names(out) == names(source)
    for name, text in FILES.items():
        if ".0000" not in name:
            assert (out / name).read_bytes() == text
    rows = (out / "shop.users.00000.sql").read_bytes() + (out / "shop.users.00001.sql").read_bytes()
    assert b"@bank.test" not in rows
    assert rows.count(b"(2,NULL)") == 1
    assert {name: (its.rows, its.columns["email"].replaced) for name, its in audit.tables.items()} == {
        "shop.users": (3, 2)
    }
    assert names(source.parent) == ["in", "out"]


def test_a_file_is_compressed_as_it_was(source: Path) -> None:
    file = source / "shop.users.00001.sql"
    (source / "shop.users.00001.sql.gz").write_bytes(gzip.compress(file.read_bytes()))
    file.unlink()
    dump(source)
    assert b"bob@" not in gzip.decompress((source.parent / "out" / "shop.users.00001.sql.gz").read_bytes())


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("metadata", b"Started dump at: 2026\n", "is not finished: its metadata names no end"),
        ("shop.users.dat", b"1\tann@bank.test\n", "is not known in a dump of mydumper"),
        ("shop.users.00001.sql", b"LOAD DATA LOCAL INFILE 'x' INTO TABLE users;", "LOAD is not known"),
        ("shop.users.00001.sql", b"INSERT INTO `users` VALUES\n(1,'ann@exa", "the dump is cut off"),
        ("shop.people.sql", b"INSERT INTO people VALUES (1);", "rows of table people"),
    ],
)
def test_what_is_not_understood_leaves_nothing(source: Path, name: str, text: bytes, what: str) -> None:
    (source / name).write_bytes(text)
    with pytest.raises(Unreadable, match=what):
        dump(source, jobs=2)
    assert names(source.parent) == ["in"]


def test_a_folder_without_metadata_is_not_finished_unless_it_is_meant_so(source: Path) -> None:
    (source / "metadata").unlink()
    with pytest.raises(Unreadable, match="it has no file called metadata"):
        dump(source)
    assert dump(source, partial=True).tables["shop.users"].rows == 3


def test_an_unmarked_column_is_an_error_before_anything_is_written(source: Path) -> None:
    with pytest.raises(CheckFailed, match="email"):
        dump(source, planner('[tables.users]\nid = "keep"\n'))
    assert names(source.parent) == ["in"]


def interrupted(source: Path, made: Planner) -> Path:
    """The folder that an interrupt in the last file leaves."""

    def watch(done: int, total: int | None) -> None:
        assert total is not None
        if done == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rewrite.dump(Request(str(source), str(source.parent / "out")), made, watch)
    assert names(source.parent) == [".out.anonymizing", "in"]
    return source.parent / ".out.anonymizing"


def test_an_interrupted_run_goes_on_and_does_not_do_again_what_is_finished(source: Path) -> None:
    work = interrupted(source, planner())
    assert not (work / "metadata").exists()
    (work / "shop.users.00000.sql").write_bytes(b"done before")
    assert dump(source).tables["shop.users"].rows == 3
    assert (source.parent / "out" / "shop.users.00000.sql").read_bytes() == b"done before"
    assert names(source.parent) == ["in", "out"]


@pytest.mark.parametrize("change", ["key", "markup", "file"])
def test_what_another_plan_key_or_file_left_is_thrown_away(source: Path, change: str) -> None:
    work = interrupted(source, planner())
    (work / "shop.users.00000.sql").write_bytes(b"done before")
    if change == "file":
        (source / "shop.users.00001.sql").write_bytes(HEAD)
    dump(source, {"key": planner(key=b"o" * 16), "markup": planner(MARKUP.replace('"email"', '"text"'))}.get(change))
    assert (source.parent / "out" / "shop.users.00000.sql").read_bytes() != b"done before"


def test_a_folder_that_is_there_is_replaced_with_force_alone(source: Path) -> None:
    (source.parent / "out").mkdir()
    (source.parent / "out" / "old").touch()
    with pytest.raises(UsageError):
        dump(source)
    dump(source, force=True)
    assert names(source.parent / "out") == names(source)
    assert names(source.parent) == ["in", "out"]


def test_a_mistake_in_one_file_stops_the_others(source: Path) -> None:
    (source / "shop.users.00000.sql").write_bytes(b"UPDATE users SET email = NULL;")
    with pytest.raises(AnonymizeError, match=r"shop\.users\.00000\.sql:1: UPDATE"):
        dump(source, jobs=2)
