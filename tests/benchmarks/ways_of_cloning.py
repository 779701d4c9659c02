"""What each way of cloning takes: from a snapshot to a server that has answered a query over every table.

The datadir has two InnoDB tables of 3 million rows each, 2.2 GB in all, read once before each round, so that it is in
memory. The ways alternate; the figures are medians. `clone` is the call, `started` the server's start on the clone,
`answered` the query, which reads one row of each table, `all` these three, `removed` the deletion of the clone. Two
ways are done by hand as well, with nothing but `cp`, or `unshare` and `mount`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pymysql

from migci.adapters.instances import bound, delete
from migci.adapters.servers.mariadb import MARIADB
from migci.adapters.snapshots.copying import FolderClone
from migci.adapters.snapshots.ways import WAYS, Way
from migci.ports import Clone
from tests.contract.filesystems import filesystem, plain_folder

ROWS = int(os.environ.get("MIGCI_BENCH_ROWS", "6000000")) // 2
ROOM_BYTES = 20 << 30
KINDS = {"btrfs-subvolume": "btrfs", "reflink": "xfs"}
"""The filesystem of each way, in an image; the others work on the disk as it is."""


class ByHand:
    """A `Way` as one would write it into a shell, without what makes it safe: to compare with."""

    visible = True

    def __init__(self, name: str, script: str, enter: tuple[str, ...] = ()) -> None:
        self.name = name
        self._script = script
        self._enter = enter

    def unusable(self, place: Path) -> str | None:
        return None

    def hold(self, folder: Path) -> None:
        folder.mkdir()

    def clone(self, data: Path, folder: Path) -> Clone:
        subprocess.run(["sh", "-ec", self._script, "sh", str(data)], cwd=folder, check=True)
        return Entered(folder / "data", self.name, tuple(word.format(data=data) for word in self._enter))


@dataclass(frozen=True)
class Entered(FolderClone):
    """Commands on it are started by `enter`."""

    enter: tuple[str, ...] = ()

    def command(self, words: list[str]) -> list[str]:
        return [*self.enter, *words]


_MOUNT = "mount -t overlay -o lowerdir={data},upperdir=upper,workdir=work,userxattr,volatile none data"
BY_HAND: tuple[Way, ...] = (
    ByHand(
        "by-hand-overlay-userns",
        "mkdir data upper work",
        ("unshare", "--user", "--map-root-user", "--mount", "sh", "-ec", f'{_MOUNT}; exec "$@"', "sh"),
    ),
    ByHand("by-hand-copy", 'cp -a "$1" data'),
)

FIGURES = ("clone", "started", "answered", "all", "removed")


@contextlib.contextmanager
def server(clone: Clone, folder: Path, *options: str) -> Iterator[str]:
    """The socket of a mariadbd on `clone` that has answered."""
    program = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
    assert program is not None
    socket = folder / "socket"
    words = [
        program,
        "--no-defaults",
        *MARIADB.defaults,
        f"--datadir={clone.data}",
        f"--socket={socket}",
        "--skip-networking",
    ]
    words += [f"--pid-file={folder / 'pid'}", "--user=root", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(bound(clone.command(words)), stdout=log, stderr=log, cwd=folder)
    try:
        while True:
            with contextlib.suppress(pymysql.err.OperationalError):
                ask(str(socket), "SELECT 1")
                break
            assert process.poll() is None, (folder / "log").read_text(errors="replace")
            time.sleep(0.005)
        yield str(socket)
        if "--innodb-fast-shutdown=0" in options:
            ask(str(socket), "SHUTDOWN")
            process.wait()
    finally:
        process.kill()
        process.wait()


def ask(socket: str, *statements: str) -> None:
    with (
        pymysql.connect(unix_socket=socket, user="root", autocommit=True) as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)


def make_datadir(folder: Path) -> Path:
    data = folder / "datadir"
    words = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    words += ["--skip-test-db", "--skip-name-resolve", "--force", "--innodb-log-file-size=96M"]
    words += ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(words, check=True, capture_output=True)
    with server(FolderClone(data, ""), folder, "--innodb-fast-shutdown=0") as socket:
        ask(socket, "CREATE DATABASE d")
        for table in ("a", "b"):
            ask(socket, f"CREATE TABLE d.{table} (id INT PRIMARY KEY, note VARCHAR(300)) ENGINE=InnoDB")
            ask(socket, f"INSERT INTO d.{table} SELECT seq, REPEAT(MD5(seq), 9) FROM d.seq_1_to_{ROWS}")
    return data


def measure(way: Way, held: Path, folder: Path) -> tuple[float, ...]:
    folder.mkdir(mode=0o700)
    began = time.monotonic()
    clone = way.clone(held, folder)
    cloned = time.monotonic()
    with server(clone, folder) as socket:
        started = time.monotonic()
        ask(socket, "SELECT * FROM d.a WHERE id = 7", "SELECT * FROM d.b WHERE id = 7")
        answered = time.monotonic()
    ended = time.monotonic()
    delete(folder)
    removed = time.monotonic()
    return cloned - began, started - cloned, answered - started, answered - began, removed - ended


def main(rounds: int) -> None:
    found: dict[str, list[tuple[float, ...]]] = {}
    with ExitStack() as stack:
        base = stack.enter_context(plain_folder())
        datadir = make_datadir(base)
        kinds = sorted({*KINDS.values()}) if os.geteuid() == 0 else []
        places = {kind: stack.enter_context(filesystem(kind, ROOM_BYTES)) for kind in kinds}
        held: dict[str, tuple[Way, Path]] = {}
        for way in (*WAYS, *BY_HAND):
            place = places.get(KINDS.get(way.name, ""), base)
            reason = way.unusable(place)
            if reason is not None:
                print(f"{way.name}: {reason}", file=sys.stderr)
                continue
            held[way.name] = (way, place / way.name)
            way.hold(place / way.name)
            subprocess.run(["cp", "-a", "-T", str(datadir), str(place / way.name)], check=True)
        shutil.rmtree(datadir)
        for number in range(rounds + 1):
            for name, (way, original) in held.items():
                subprocess.run(["tar", "-C", str(original), "-cf", "-", "."], check=True, stdout=subprocess.DEVNULL)
                os.sync()
                spent = measure(way, original, original.with_name("clone"))
                if number:
                    found.setdefault(name, []).append(spent)
                print(f"round {number}: {name} {spent}", file=sys.stderr)
    seconds = {
        name: {figure: statistics.median(one[index] for one in spents) for index, figure in enumerate(FIGURES)}
        for name, spents in found.items()
    }
    best = min(seconds, key=lambda name: seconds[name]["all"])
    against = {
        name: statistics.median(one[3] / other[3] for one, other in zip(spents, found[best], strict=True))
        for name, spents in found.items()
    }
    json.dump({"rounds": rounds, "seconds": seconds, f"against_{best}": against}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
