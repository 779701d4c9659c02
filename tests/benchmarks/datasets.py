"""What a dataset costs to prepare, and what its clones cost: through the store, as a replay does it.

The dataset has two InnoDB tables, with two secondary keys each, and a mariadb-dump of it. The store is an XFS image
with reflinks. Runs alternate, and the figures are medians.

- `chosen`: from a snapshot to the answer of a query over both tables, for the dataset and for one a tenth of its size,
  beside `mariadb < dump` into a server that runs already, and the same query.
- `prepared`: from a dump to a snapshot that is published, beside `mariadb < dump` into a running server: with the
  options of a replay's server, and with those that migci loads with.
- `thousand`: a thousand clones, each with a server that answers, by eight processes at once; what they leave.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pymysql

from migci.adapters.instances import instance
from migci.adapters.log import Log
from migci.adapters.markup import Markups
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.servers.mariadb import mariadb
from migci.adapters.snapshots import checksums, volume
from migci.adapters.snapshots.store import Store
from migci.adapters.snapshots.ways import choose
from migci.core.dataset import Dataset
from migci.core.snapshot import Snapshot
from migci.ports import Database
from migci.prepare import empty, prepared
from migci.tools import Tools
from tests.benchmarks.replay_overhead import Quiet
from tests.fakes import FakeClock, FakeGates, FakeRepository, FakeServer, FakeTool, FakeWarmClones

ROWS = int(os.environ.get("MIGCI_BENCH_ROWS", "6000000"))
CLONES = int(os.environ.get("MIGCI_BENCH_CLONES", "1000"))
AT_ONCE = 8
MOST_RESTORES = 3
"""A round of these takes minutes."""
IMAGE_BYTES = 24 << 30

TABLE = """
CREATE TABLE {name} (
    id BIGINT PRIMARY KEY, uuid VARCHAR(36) NOT NULL, project_id VARCHAR(32), host VARCHAR(64), created_at DATETIME,
    size INT, note VARCHAR(255), KEY ({first}), KEY ({second})
) ENGINE=InnoDB
"""
FILL = """
INSERT INTO {name} SELECT
    seq, INSERT(INSERT(INSERT(INSERT(MD5(seq), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'), MD5(seq MOD 5000),
    CONCAT('compute-', seq MOD 700, '.example.org'), '2020-01-01' + INTERVAL seq SECOND, seq MOD 1000,
    REPEAT(MD5(seq * 7), 1 + seq MOD 7)
FROM seq_1_to_{rows}
"""
QUERY = "SELECT i.uuid, m.note FROM instances i JOIN metadata m ON m.id = i.id WHERE i.id = 4711"


@contextmanager
def tools(store: Path, *options: str) -> Iterator[Tools]:
    with Log(Path(os.devnull)) as log, instance(store) as live:
        server, clock = mariadb(options, live, log, Bubblewrap()), FakeClock()
        yield Tools(
            repository=FakeRepository({}),
            server=server,
            tool=FakeTool(clock, FakeServer(), {}),
            snapshots=Store(store, live, log),
            warm=FakeWarmClones(),
            gates=FakeGates(),
            observer=Quiet(),
            markups=Markups(),
            clock=time.monotonic,
        )


@contextmanager
def running(at: Tools, snapshot: Snapshot, *, loading: bool = False) -> Iterator[Database]:
    with (
        at.snapshots.clone(snapshot, visible=False) as clone,
        at.server.start(clone, snapshot.database, loading=loading) as database,
    ):
        yield database


def ask(database: Database, *statements: str) -> None:
    at = database.address
    with (
        pymysql.connect(
            unix_socket=str(at.socket), user=at.user, password=at.password, database=at.database, autocommit=True
        ) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
            cursor.fetchall()


def client(database: Database, program: str, *words: str) -> list[str]:
    """A command of the server's owner on the database."""
    _, credentials, name = database.shell()
    return [program, credentials, *words, name]


def dump(at: Tools, rows: int, target: Path) -> None:
    with running(at, empty(at)) as database:
        for name, keys in (("instances", ("uuid", "project_id")), ("metadata", ("host", "created_at"))):
            ask(
                database, TABLE.format(name=name, first=keys[0], second=keys[1]), FILL.format(name=name, rows=rows // 2)
            )
        with target.open("wb") as file:
            subprocess.run(client(database, "mariadb-dump"), check=True, stdout=file)


def restored_by_client(at: Tools, source: Path, *, loading: bool) -> float:
    with running(at, empty(at), loading=loading) as database:
        began = time.monotonic()
        with source.open("rb") as file:
            subprocess.run(client(database, "mariadb"), check=True, stdin=file)
        ask(database, QUERY)
        return time.monotonic() - began


def restored_by_migci(place: Path, source: Path) -> float:
    with tools(place) as at:
        empty(at)
        source.touch()  # a file that was not seen before
        began = time.monotonic()
        snapshot = prepared(Dataset("bench", str(source)), None, at)
        spent = time.monotonic() - began
        at.snapshots.remove(snapshot)
        return spent


def chosen(at: Tools, snapshot: Snapshot) -> float:
    began = time.monotonic()
    with running(at, snapshot) as database:
        ask(database, QUERY)
        return time.monotonic() - began


def cloned_many(arguments: tuple[Path, Snapshot, int]) -> float:
    store, snapshot, count = arguments
    began = time.monotonic()
    with tools(store) as at:
        for _ in range(count):
            with running(at, snapshot) as database:
                ask(database, QUERY)
    return time.monotonic() - began


def note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(rounds: int) -> None:
    if os.geteuid() != 0:
        sys.exit("this benchmark mounts an image, which only root can")
    told: dict[str, object] = {"rows": ROWS, "rounds": rounds}
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mb-", ignore_cleanup_errors=True)))
        store = base / "s"
        volume.init(store, IMAGE_BYTES)
        stack.callback(subprocess.run, ["umount", str(store)], check=True)
        sources = {"whole": base / "whole.sql", "tenth": base / "tenth.sql"}
        with tools(store) as at:
            told["way"] = choose(store / "instances", visible=False).way.name
            for name, rows in (("whole", ROWS), ("tenth", ROWS // 10)):
                dump(at, rows, sources[name])
            snapshots = {name: prepared(Dataset(name, str(source)), None, at) for name, source in sources.items()}
            told["bytes"] = {name: snapshot.bytes for name, snapshot in snapshots.items()}
            told["dump_bytes"] = {name: source.stat().st_size for name, source in sources.items()}
            seconds: dict[str, list[float]] = {}
            for number in range(max(rounds, 3) + 1):
                for name, snapshot in snapshots.items():
                    spent = chosen(at, snapshot)
                    note(f"round {number}: chosen {name} {spent:.3f}")
                    if number:
                        seconds.setdefault(f"chosen_{name}", []).append(spent)
        for number in range(min(rounds, MOST_RESTORES)):
            with tools(store) as at:
                for name, loading in (("client", False), ("client_loading", True)):
                    seconds.setdefault(name, []).append(restored_by_client(at, sources["whole"], loading=loading))
                    note(f"round {number}: {name} {seconds[name][-1]:.1f}")
                at.snapshots.remove(snapshots["whole"])
            seconds.setdefault("prepared", []).append(restored_by_migci(store, sources["whole"]))
            note(f"round {number}: prepared {seconds['prepared'][-1]:.1f}")
        told["seconds"] = medians = {name: round(statistics.median(spent), 3) for name, spent in seconds.items()}
        told["ratios"] = {
            "client_to_chosen": medians["client"] / medians["chosen_whole"],
            "whole_to_tenth": medians["chosen_whole"] / medians["chosen_tenth"],
            "client_to_prepared": medians["client"] / medians["prepared"],
            "client_with_loading_options_to_prepared": medians["client_loading"] / medians["prepared"],
        }
        told["thousand"] = thousand(store, snapshots["tenth"])
        shutil.rmtree(store / "snapshots")
    json.dump(told, sys.stdout, indent=2)
    print()


def thousand(store: Path, snapshot: Snapshot) -> dict[str, object]:
    data = store / "snapshots" / snapshot.id / "data"
    before = checksums.taken(data)
    mounts = Path("/proc/self/mountinfo").read_text()
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(AT_ONCE) as pool:
        pool.map(cloned_many, [(store, snapshot, CLONES // AT_ONCE)] * AT_ONCE)
    return {
        "clones": CLONES // AT_ONCE * AT_ONCE,
        "seconds": round(time.monotonic() - began, 1),
        "left_folders": [path.name for path in (store / "instances").iterdir()],
        "mounts_unchanged": Path("/proc/self/mountinfo").read_text() == mounts,
        "snapshot_unchanged": checksums.taken(data) == before,
    }
