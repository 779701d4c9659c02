"""A clone holds what its snapshot holds, and that is what the dump does: to the last byte, on every kind of server."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from migci.adapters.instances import instance
from migci.adapters.log import Log
from migci.adapters.markup import Markups
from migci.adapters.snapshots.copying import Copy
from migci.adapters.snapshots.store import Store
from migci.adapters.snapshots.ways import WAYS, Choice, Way
from migci.core.dataset import Dataset
from migci.core.snapshot import Kind, Snapshot, digest
from migci.ports import Database
from migci.prepare import prepared
from migci.tools import Tools
from tests.contract.filesystems import cannot, filesystem
from tests.contract.flavors import PRODUCTS, ignored, new_folder, owner_connection, rows, started, under_test
from tests.fakes import FakeClock, FakeGates, FakeRepository, FakeServer, FakeTool, FakeWarmClones, RecordingObserver

DUMP = """\
-- MySQL dump 10.13  Distrib 9.7.4, for Linux (x86_64)
SET NAMES utf8mb4;
CREATE TABLE `authors` (`id` int NOT NULL AUTO_INCREMENT, `name` varchar(60) NOT NULL, `born` date DEFAULT NULL,
  PRIMARY KEY (`id`), UNIQUE KEY `name` (`name`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `authors` WRITE;
{authors}
UNLOCK TABLES;
CREATE TABLE `books` (`id` bigint NOT NULL, `author` int DEFAULT NULL, `title` text, `cover` longblob,
  `price` decimal(9,3), `weight` double, `at` datetime(6), `twice` int GENERATED ALWAYS AS (`author` * 2) STORED,
  KEY `by_title` (`title`(40)), PRIMARY KEY (`id`),
  CONSTRAINT `by` FOREIGN KEY (`author`) REFERENCES `authors` (`id`)) ENGINE=InnoDB
  DEFAULT CHARSET=utf8mb4;
LOCK TABLES `books` WRITE;
{books}
UNLOCK TABLES;
CREATE TABLE `nothing` (`id` int NOT NULL) ENGINE=InnoDB;
CREATE TRIGGER `upper` BEFORE INSERT ON `authors` FOR EACH ROW SET NEW.`name` = UPPER(NEW.`name`);
-- Dump completed on 2026-01-01  0:00:00
"""
AUTHORS = "INSERT INTO `authors` VALUES " + ",".join(
    f"({number},'Ayşe \\'{number}\\' — 🦆','19{number % 90 + 10}-02-03')" for number in range(1, 400)
)
BOOKS = "\n".join(
    "INSERT INTO `books` (`id`, `author`, `title`, `cover`, `price`, `weight`, `at`) VALUES "
    + ",".join(
        f"({book},{book % 399 + 1},'a; b\\\\ -- {book}',0x{book * 7919:016x}00ff27,{book}.125,{book}e-3,"
        f"'2026-01-01 00:00:00.{book:06}')"
        for book in range(start, start + 500)
    )
    + ";"
    for start in range(0, 5000, 500)
)


@pytest.fixture(params=under_test(PRODUCTS))
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    source = tmp_path / "dump.sql"
    source.write_text(DUMP.format(authors=AUTHORS + ";", books=BOOKS))
    return source


DISKS = {"btrfs-subvolume": "btrfs", "reflink": "xfs"}


class OneWay(Store):
    """A store that clones in one way, whatever would be better."""

    way: Way = Copy()

    def choice(self, *, visible: bool) -> Choice:
        return Choice(self.way, ())


@contextmanager
def tools(flavor: str, store: Path, way: Way) -> Iterator[Tools]:
    with Log(Path("/dev/null")) as log, instance(store) as live:
        snapshots = OneWay(store, live, log)
        snapshots.way = way
        server = PRODUCTS[flavor](store, mark=live.id, log=log)
        fakes = FakeRepository({}), FakeTool(FakeClock(), FakeServer(), {})
        warm, gates = FakeWarmClones(), FakeGates()
        yield Tools(fakes[0], server, fakes[1], snapshots, warm, gates, RecordingObserver(), Markups(), time.monotonic)


def checksums(database: Database) -> dict[str, object]:
    """Each table's definition, and the server's own checksum of its rows."""
    with owner_connection(database) as owner:
        return {
            table: (definition, rows(owner, f"CHECKSUM TABLE `{table}` EXTENDED")[0][1])
            for table, definition in database.schema().items()
        }


@contextmanager
def disk_for(way: Way, store: Path) -> Iterator[Path]:
    """A place where `way` works: the store's own disk, or one that is made for it."""
    if way.unusable(store) is None:
        yield store
        return
    if way.name not in DISKS or os.geteuid() != 0:
        cannot(f"data of clones by {way.name}: {way.unusable(store)}")
    with filesystem(DISKS[way.name], 1 << 30) as place:
        yield place


def loaded_by_the_client(flavor: str, store: Path, dump: Path) -> dict[str, object]:
    with started(PRODUCTS[flavor](store), new_folder(store)) as database:
        program, credentials, name = database.shell()
        words = [program, credentials, "--default-character-set=utf8mb4", name]
        subprocess.run(words, check=True, input=dump.read_bytes())
        return checksums(database)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_clone_snapshot_and_dump_are_the_same(flavor: str, way: Way, store: Path, dump: Path) -> None:
    expected = loaded_by_the_client(flavor, store, dump)
    assert sorted(expected) == ["authors", "books", "nothing"]
    with disk_for(way, store) as place, tools(flavor, place, way) as at:
        snapshot = prepared(Dataset("books", str(dump)), None, at)
        assert (snapshot.tables, snapshot.rows) == (3, 399 + 5000)
        assert cloned(snapshot, at) == expected
        assert kept_again(snapshot, at) == expected
        assert cloned(snapshot, at) == expected
        assert at.snapshots.damage(snapshot) == ()


def cloned(snapshot: Snapshot, at: Tools) -> dict[str, object]:
    with (
        at.snapshots.clone(snapshot, visible=False) as clone,
        at.server.start(clone, snapshot.database) as database,
    ):
        return checksums(database)


def kept_again(snapshot: Snapshot, at: Tools) -> dict[str, object]:
    """Of a snapshot of a clone: what a checkpoint is."""
    after = replace(snapshot, id=digest(snapshot.id, "again"), kind=Kind.CHECKPOINT)
    with at.snapshots.clone(snapshot, visible=False) as clone:
        with at.server.start(clone, snapshot.database) as database:
            database.rest()
        at.snapshots.keep(clone, after)
    try:
        return cloned(after, at)
    finally:
        assert at.snapshots.remove(after)


def test_a_server_that_was_killed_leaves_the_snapshot_as_it_was(flavor: str, store: Path, dump: Path) -> None:
    with tools(flavor, store, Copy()) as at:
        snapshot = prepared(Dataset("books", str(dump)), None, at)
        with (
            at.snapshots.clone(snapshot, visible=False) as clone,
            at.server.start(clone, snapshot.database) as database,
        ):
            database.restore(str(_more(dump)), ignored)
        assert at.snapshots.damage(snapshot) == ()


def _more(dump: Path) -> Path:
    source = dump.with_name("more.sql")
    source.write_text("DELETE FROM books WHERE id % 2 = 0; ALTER TABLE authors ADD COLUMN died DATE;\n")
    return source
