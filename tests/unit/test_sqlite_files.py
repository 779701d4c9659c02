"""SQLite's database files as sources of datasets."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from migci.adapters.sandboxes.none import NoSandbox
from migci.adapters.servers.onlooker import Onlooker
from migci.adapters.servers.sqlite import SqliteDatabase
from migci.ports import RestoreFailed
from tests.contract.flavors import ignored


def test_a_database_that_is_open_elsewhere_is_not_taken_without_its_log(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE orders (id INTEGER)")
        connection.commit()
        onlooker = Onlooker(tmp_path / "clone.sqlite", tmp_path / "look", NoSandbox(), "mark")
        clone = SqliteDatabase(tmp_path / "clone.sqlite", onlooker)
        with pytest.raises(
            RestoreFailed, match=r"^the database shop\.db is not at rest: shop\.db-wal holds some of it"
        ):
            clone.restore(str(tmp_path / "shop.db"), ignored)
    clone.restore(str(tmp_path / "shop.db"), ignored)
    assert clone.size().tables == 1
    onlooker.close()
