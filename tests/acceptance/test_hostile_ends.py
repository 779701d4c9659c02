"""Migrations that end badly, on purpose: nothing gets out, nothing waits for ever, and the patch answers for it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migci.demo.shop import build
from tests.acceptance import hostile_ends
from tests.acceptance.command import Ran, demand, left, replay

TIMEOUT_SECONDS = 6

MIGRATION = '''"""Ends badly"""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
    import hostile_ends

    hostile_ends.run(op)
'''

NOWHERE = "every step ran, and the database is at no revision, which is not the newest revision"

ENDS: dict[str, tuple[str, str]] = {
    "fills_its_memory": ("MC10[13]", "failed: MemoryError|it used more than 400 MB of memory, and was killed"),
    "fills_the_memory_of_many": ("MC103", "it used more than 400 MB of memory, and was killed"),
    "fills_every_folder": ("MC101", "failed: RuntimeError: they are full"),
    "opens_files_without_end": ("MC101", r"failed: OSError: \[Errno 24\] Too many open files"),
    "forks_without_end": ("MC10[13]", "step 0008->0009 (failed: BlockingIOError|ended its process: )"),
    "prints_without_end": ("MC102", f"it was still running after {TIMEOUT_SECONDS} s, and was killed"),
    "prints_more_than_is_kept": ("MC101", "failed: RuntimeError: printed"),
    "raises_a_message_without_end": ("MC101", "failed: RuntimeError: x{1000}"),
    "raises_a_message_for_the_reader": ("MC101", "failed: RuntimeError: "),
    "kills_all_that_it_can": ("MC103", "its process was killed by SIGKILL"),
    "stops_itself": ("MC102", f"it was still running after {TIMEOUT_SECONDS} s, and was killed"),
    "stays_as_a_daemon": ("MC107", "left 1 process running, which had to be killed"),
    "puts_a_link_where_its_database_was": ("MC105", NOWHERE),
    "puts_a_pipe_where_its_database_was": ("MC105", NOWHERE),
    "puts_a_folder_where_its_database_was": ("MC105", NOWHERE),
    "makes_its_version_a_view_without_end": ("MC105", NOWHERE),
    "makes_its_version_a_view_that_sleeps": ("MC105", NOWHERE),
    "makes_its_version_a_view_that_acts_for_who_looks": ("MC105", NOWHERE),
    "makes_its_version_a_column_that_sleeps": ("MC105", NOWHERE),
    "makes_more_versions_than_can_be_held": ("MC105", "the database is at x{255}, x"),
    "renames_its_versions_column": ("MC105", NOWHERE),
    "drops_its_database": ("MC105", NOWHERE),
    "locks_its_version": ("MC104", "its tool said that it was done, and the database is at no revision"),
    "fills_its_memory_behind_a_statement": ("MC103", "it used more than 400 MB of memory, and was killed"),
}
"""The finding that each comes to. What is not here has done nothing wrong that anybody could see, and passes."""


@dataclass(frozen=True)
class Told:
    ran: Ran
    datasets: dict[str, Any]
    victim: Path


def ended(flavor: str, folder: Path, names: list[str]) -> Told:
    """One run of a patch on a dataset for each of `names`."""
    demand(flavor)
    shop = folder / "shop"
    build(shop, flavor=flavor)
    for script in (shop / "migrations" / "versions").glob("00*"):
        if script.name >= "0009":
            script.unlink()
    (shop / "migrations" / "versions" / "0009_ends_badly.py").write_text(MIGRATION)
    shutil.copyfile(hostile_ends.__file__, shop / "hostile_ends.py")
    victim = folder / "victim"
    victim.write_text("precious")
    (shop / "bait.json").write_text(json.dumps({"file": str(victim)}))
    settings = (shop / "migci.toml").read_text().partition("# A dump")[0]
    settings += '[sandbox]\nmemory = "400MB"\ntemporary = "50MB"\nprocesses = 64\n'
    for name in names:
        dump = shop / "data" / f"{name}.sql"
        dump.write_text(f"CREATE TABLE attack (name VARCHAR(99));\nINSERT INTO attack VALUES ('{name}');\n")
        settings += f'[datasets.{name}]\nsource = "data/{name}.sql"\nrevision = "0008"\ncontents = "synthetic"\n'
        settings += f"[datasets.{name}.limits]\ntimeout_seconds = {TIMEOUT_SECONDS}\n"
    (shop / "migci.toml").write_text(settings)
    ran = replay(shop)
    assert ran.status == 1, ran.err
    return Told(ran, {dataset["name"]: dataset for dataset in ran.report["datasets"]}, victim)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return ended("sqlite", tmp_path_factory.mktemp("sqlite"), list(hostile_ends.ON_SQLITE))


@pytest.fixture(scope="module")
def on_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return ended("mariadb", tmp_path_factory.mktemp("mariadb"), list(hostile_ends.ON_MARIADB))


def is_told(told: Told, name: str) -> None:
    dataset = told.datasets[name]
    if name not in ENDS:
        assert (dataset["verdict"], dataset["findings"]) == ("passed", [])
        return
    id_, message = ENDS[name]
    (found,) = dataset["findings"]
    assert re.fullmatch(id_, found["id"]), found
    assert re.search(message, found["message"]), found
    assert dataset["verdict"] == ("passed" if found["severity"] == "warning" else "failed")


@pytest.mark.parametrize("name", hostile_ends.ON_SQLITE)
def test_on_sqlite_it_is_told_for_what_it_is(on_sqlite: Told, name: str) -> None:
    is_told(on_sqlite, name)


@pytest.mark.parametrize("name", hostile_ends.ON_MARIADB)
def test_on_mariadb_it_is_told_for_what_it_is(on_mariadb: Told, name: str) -> None:
    is_told(on_mariadb, name)


def test_a_file_that_a_journal_names_is_there(on_sqlite: Told) -> None:
    assert on_sqlite.victim.read_text() == "precious"


def test_nothing_is_left(on_sqlite: Told, on_mariadb: Told, store: Path) -> None:
    assert left(store, on_sqlite.ran.pid) == []
    assert left(store, on_mariadb.ran.pid) == []


def test_a_message_does_nothing_to_who_reads_it(on_sqlite: Told) -> None:
    page = (on_sqlite.ran.results / "report.html").read_text()
    assert "<script>alert" not in page
    for text in (on_sqlite.ran.out, on_sqlite.ran.log, page):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text)


def test_the_log_is_bounded(on_sqlite: Told) -> None:
    assert (on_sqlite.ran.results / "log.txt").stat().st_size < 25_000_000
