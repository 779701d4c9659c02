"""`migci dataset` as a user runs it: on the shop, with MariaDB, and with all that can come in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from migci.adapters.instances import marked
from migci.demo.shop import CUSTOMERS, LINES, ORDERS, PRODUCTS, build
from tests.acceptance.command import MIGCI, Ran, demand, eventually, left, migci, replay

ROOT = Path(__file__).resolve().parents[2]
ROWS = CUSTOMERS + PRODUCTS + ORDERS + LINES + 1


@contextmanager
def place_of(store: Path) -> Iterator[Path]:
    """A store that is a test's own, with the environments of `store`. Short, because a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="migci-") as folder:
        (store / "environments").mkdir(exist_ok=True)
        place = Path(folder) / "s"
        place.mkdir()
        (place / "environments").symlink_to(store / "environments")
        yield place


@pytest.fixture
def fresh(store: Path) -> Iterator[Path]:
    """A store with nothing in it."""
    with place_of(store) as place:
        yield place


@pytest.fixture(scope="module")
def prepared(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with the shop's datasets; not for use, but to be copied."""
    demand("mariadb")
    shop = tmp_path_factory.mktemp("prepared") / "shop"
    build(shop, flavor="mariadb")
    with place_of(store) as place:
        ran = dataset(shop, place, "prepare")
        assert ran.status == 0, ran.err
        assert re.fullmatch(
            rf"shop: {ROWS:,} rows in 5 tables, \S+ MB, at 0006; mariadb \S+; made in \S+ s\n"
            r"empty: 0 rows in 0 tables, \S+ k?B, at no revision that the database tells; mariadb \S+; made in \S+ s\n",
            ran.out,
        ), ran.out
        assert left(place, ran.pid) == []
        yield place


@pytest.fixture
def place(prepared: Path, fresh: Path) -> Path:
    """A store of the test's own with the shop's datasets."""
    subprocess.run(["cp", "-a", "--", prepared / "snapshots", prepared / "locks", fresh], check=True)
    return fresh


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    demand("mariadb")
    build(tmp_path / "shop", flavor="mariadb")
    return tmp_path / "shop"


def dataset(project: Path, place: Path, *words: str) -> Ran:
    """`migci dataset` in `project`, on the store `place`."""
    with migci("dataset", *words, "--project", str(project), MIGCI_STORE=str(place)) as process:
        out, err = process.communicate()
        return Ran(process.returncode, out, err, process.pid, project)


def kept(place: Path) -> set[str]:
    """The ids of what is in the store."""
    return {path.name for path in place.glob("snapshots/*")}


def id_of(project: Path, place: Path, name: str, kind: str = "dataset") -> str:
    told = json.loads(dataset(project, place, "list", "--format", "json").out)
    (found,) = (str(one["id"]) for one in told if (one["dataset"], one["kind"]) == (name, kind))
    return found


OTHER = """\
CREATE TABLE `alembic_version` (`version_num` varchar(32) NOT NULL);
INSERT INTO `alembic_version` VALUES ('0008');
CREATE TABLE `things` (`id` int PRIMARY KEY);
INSERT INTO `things` VALUES (1), (2), (3);
"""

# add


def test_add_loads_the_dump_and_writes_its_entry_and_nothing_else(shop: Path, place: Path) -> None:
    (shop / "data" / "other.sql").write_text(OTHER)
    settings = shop / "migci.toml"
    before = settings.read_text()

    ran = dataset(shop, place, "add", "other", str(shop / "data" / "other.sql"), "--contents", "anonymized")

    assert ran.status == 0, ran.err
    assert re.fullmatch(r"other: 4 rows in 2 tables, \S+ kB, at 0008; mariadb \S+; made in \S+ s\n", ran.out), ran.out
    entry = '\n[datasets.other]\nsource = "data/other.sql"\ncontents = "anonymized"\n'
    assert settings.read_text() == before + entry
    again = dataset(shop, place, "prepare", "other")
    assert (again.status, again.out) == (0, ran.out)
    assert "restoring" not in again.err
    assert left(place, ran.pid) == []


REFUSED = {
    "not_sql": ("Dear colleague, here is the dump.\n", 2, "error 1064"),
    "at_no_revision": (
        "CREATE TABLE `things` (`id` int PRIMARY KEY);\n",
        2,
        "dataset 'other' holds tables, and does not say at which revision it is",
    ),
    "at_an_unknown_revision": (
        OTHER.replace("0008", "7777"),
        2,
        "dataset 'other' is at 7777, which trunk's history does not have",
    ),
    "cut_off": ("-- MariaDB dump 10.19\nSELECT 1;\n", 2, "cut off"),
    "not_there": (None, 2, "there is no file or folder"),
}


@pytest.mark.parametrize(("text", "status", "says"), list(REFUSED.values()), ids=list(REFUSED))
def test_add_writes_nothing_if_the_dump_cannot_be_used(
    shop: Path, place: Path, text: str | None, status: int, says: str
) -> None:
    before = (shop / "migci.toml").read_bytes()
    if text is not None:
        (shop / "other.sql").write_text(text)

    ran = dataset(shop, place, "add", "other", str(shop / "other.sql"))

    assert ran.status == status, ran.err
    assert says in ran.err
    assert "Traceback" not in ran.err
    assert (shop / "migci.toml").read_bytes() == before
    assert left(place, ran.pid) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shop", "there is a dataset 'shop' in migci.toml already"),
        ("a/b", "'a/b' is no name"),
    ],
    ids=["taken", "not_allowed"],
)
def test_add_refuses_a_name_before_anything_is_loaded(shop: Path, fresh: Path, name: str, says: str) -> None:
    ran = dataset(shop, fresh, "add", name, "data/shop.sql.zst")
    assert ran.status == 2, ran.err
    assert says in ran.err
    assert kept(fresh) == set()


# list


def test_list_tells_what_is_there_and_what_is_not_prepared(shop: Path, place: Path) -> None:
    with (shop / "migci.toml").open("a") as settings:
        settings.write('\n[datasets.more]\nsource = "data/more.sql"\n')
    (shop / "data" / "more.sql").write_text(OTHER)

    ran = dataset(shop, place, "list")

    assert ran.status == 0, ran.err
    head, *rows, missing = ran.out.splitlines()
    assert head.split() == ["DATASET", "KIND", "REVISION", "ROWS", "SIZE", "SERVER", "USED", "ID"]
    assert sorted(re.split(r"\s{2,}", row)[:4] for row in rows) == [
        ["empty", "empty", "-", "0"],
        ["shop", "dataset", "0006", f"{ROWS:,}"],
    ]
    assert missing == "more: not prepared; 'migci dataset prepare more' does it, and so does a replay"
    told = json.loads(dataset(shop, place, "list", "--format", "json").out)
    assert {one["id"] for one in told} == kept(place)


# verify


def test_verify_finds_a_damaged_file_and_what_was_removed_for_it_is_made_anew(shop: Path, place: Path) -> None:
    whole = dataset(shop, place, "verify")
    assert whole.status == 0, whole.err
    assert len(re.findall(": as it was kept$", whole.out, re.MULTILINE)) == 2
    id = id_of(shop, place, "shop")
    table = next((place / "snapshots" / id / "data").rglob("orders.ibd"))
    with table.open("r+b") as file:
        file.seek(100_000)
        file.write(b"harm")

    ran = dataset(shop, place, "verify")

    assert ran.status == 1, ran.err
    name = table.relative_to(place / "snapshots" / id / "data")
    assert f"shop, dataset at 0006 ({id[:12]}): {name} has other content\n" in ran.out
    assert re.search(r"^empty, empty \(\w+\): as it was kept$", ran.out, re.MULTILINE)
    assert "hint: 'migci dataset remove ID'" in ran.err
    settings = (shop / "migci.toml").read_bytes()
    assert dataset(shop, place, "remove", id[:12]).status == 0
    assert (shop / "migci.toml").read_bytes() == settings
    assert dataset(shop, place, "prepare").status == 0
    assert dataset(shop, place, "verify").status == 0


# refresh


def test_after_a_refresh_replays_start_there_and_have_fewer_steps(shop: Path, place: Path) -> None:
    before = (shop / "migci.toml").read_text()
    trunk = subprocess.run(
        ["git", "-C", str(shop), "rev-parse", "main"], check=True, capture_output=True, text=True
    ).stdout.strip()

    ran = dataset(shop, place, "refresh", "shop")

    assert ran.status == 0, ran.err
    assert ran.out == f"shop: from 0006 to 0008, {ROWS:,} rows; replays start there now\n"
    after = (shop / "migci.toml").read_text()
    assert after.replace(f'refreshed = "{trunk}"\n', "") == before != after
    replayed = replay(shop, "shop", MIGCI_STORE=str(place))
    assert replayed.status == 0, replayed.err
    assert [step["to"] for step in replayed.report["datasets"][0]["steps"]] == ["0009", "0010"]
    again = dataset(shop, place, "prepare", "shop")
    assert again.status == 0, again.err
    assert " at 0008; " in again.out
    assert "trunk 0006->0007" not in again.err


def test_refresh_refuses_a_commit_that_is_not_there_and_writes_nothing(shop: Path, place: Path) -> None:
    before = (shop / "migci.toml").read_bytes()
    ran = dataset(shop, place, "refresh", "shop", "--to", "nope")
    assert ran.status == 2, ran.err
    assert "there is no commit 'nope'" in ran.err
    assert (shop / "migci.toml").read_bytes() == before


# remove

HOLDS = """
import sys
from pathlib import Path
from tests.contract.stores import real

with real(Path(sys.argv[1])) as place:
    with place.store.clone(place.store.find(sys.argv[2]), visible=False):
        print("cloned", flush=True)
        sys.stdin.readline()
"""


@contextmanager
def holding(place: Path, id: str) -> Iterator[None]:
    """While it lasts another process has a clone of that snapshot."""
    command = [sys.executable, "-c", HOLDS, str(place), id]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "cloned\n"
            yield
        finally:
            process.kill()


def test_remove_takes_the_dataset_out_unless_it_is_in_use(shop: Path, place: Path) -> None:
    id = id_of(shop, place, "shop")
    before, there = (shop / "migci.toml").read_text(), kept(place)
    with holding(place, id):
        ran = dataset(shop, place, "remove", "shop")
        assert ran.status == 2, ran.err
        assert ran.err == (
            f"migci: shop, dataset at 0006 ({id[:12]}) is in use\n  hint: try again when no migci works on it; "
            "'migci dataset cool' ends what is kept warm\n"
        )
        assert (shop / "migci.toml").read_text() == before
        assert kept(place) == there

    ran = dataset(shop, place, "remove", "shop")

    assert ran.status == 0, ran.err
    assert ran.out == (f"removed shop, dataset at 0006 ({id[:12]})\nremoved [datasets.shop] from migci.toml\n")
    assert kept(place) == there - {id}
    after = (shop / "migci.toml").read_text()
    assert "[datasets.shop" not in after
    assert '[datasets.empty]\nsource = "empty"\n' in after
    assert after.startswith(before[: before.index("# A dump of the shop")])
    assert dataset(shop, place, "remove", "shop").status == 2


def test_remove_takes_out_an_entry_that_is_not_prepared_and_no_snapshot_whose_id_begins_like_its_name(
    shop: Path, place: Path
) -> None:
    there = kept(place)
    name = id_of(shop, place, "shop")[0]
    before = (shop / "migci.toml").read_text()
    (shop / "migci.toml").write_text(f'{before}\n[datasets.{name}]\nsource = "empty"\n')

    ran = dataset(shop, place, "remove", name)

    assert (ran.status, ran.out) == (0, f"removed [datasets.{name}] from migci.toml\n"), ran.err
    assert kept(place) == there
    assert dataset(shop, place, "remove", name).status == 2
    assert kept(place) == there


# Many at once, and ends that come too early


def test_two_that_prepare_the_same_do_it_once(shop: Path, fresh: Path) -> None:
    command = ("dataset", "prepare", "shop", "--project", str(shop))
    with migci(*command, MIGCI_STORE=str(fresh)) as one, migci(*command, MIGCI_STORE=str(fresh)) as two:
        told = [process.communicate() for process in (one, two)]
        assert (one.returncode, two.returncode) == (0, 0), told
    (first, _), (second, _) = told
    assert first == second
    assert sum("restoring" in err for _, err in told) == 1
    # Each may have to wait once: what a server needs to start is a snapshot of its own, which both make it on.
    assert any("waiting for another migci that prepares it" in err for _, err in told)
    assert len(kept(fresh)) == 2
    assert left(fresh, one.pid) == left(fresh, two.pid) == []


def servers(place: Path, pid: int) -> list[int]:
    """The pids of the servers of the migci of that pid, but for one that only tells its version."""
    found = []
    for folder in place.glob(f"instances/{pid}-*"):
        for other in marked(folder.name):
            try:
                process = psutil.Process(other)
                if process.name() == "mariadbd" and "--version" not in process.cmdline():
                    found.append(other)
            except psutil.NoSuchProcess:
                pass
    return found


def nth_server(number: int) -> Callable[[Path, int], bool]:
    """Whether this many servers have been seen."""
    seen: set[int] = set()

    def look(place: Path, pid: int) -> bool:
        seen.update(servers(place, pid))
        return len(seen) >= number

    return look


def something_kept(number: int) -> Callable[[Path, int], bool]:
    return lambda place, pid: len(kept(place)) >= number


def wait_until(reached: Callable[[Path, int], bool], place: Path, process: subprocess.Popen[str], what: str) -> None:
    eventually(lambda: process.poll() is not None or reached(place, process.pid), f"it was {what}")


POINTS = [
    ("making_the_system_s_tables", nth_server(1)),
    ("when_the_empty_one_is_kept", something_kept(1)),
    ("loading", nth_server(1)),
    ("looking_at_what_was_loaded", nth_server(2)),
]
"""Where `prepare` is killed, one time after another: each goes on from what the one before has kept."""


def test_a_prepare_that_is_killed_anywhere_is_swept_by_the_next_command(
    shop: Path, fresh: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = ("dataset", "prepare", "shop", "--project", str(shop))
    for name, reached in POINTS:
        with migci(*command, MIGCI_STORE=str(fresh), TMPDIR=str(temporary)) as process:
            wait_until(reached, fresh, process, name)
            assert process.poll() is None, f"it ended before it was {name}"
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        assert left(fresh, process.pid) != [], name

        ran = dataset(shop, fresh, "verify")

        assert ran.status == 0, f"{name}: {ran.out}{ran.err}"
        assert left(fresh, process.pid) == left(fresh, ran.pid) == [], name
        assert len(kept(fresh)) == ran.out.count(": as it was kept"), name
        assert list(temporary.iterdir()) == [], name
    ran = dataset(shop, fresh, "prepare", "shop")
    assert ran.status == 0, ran.err
    assert dataset(shop, fresh, "verify").status == 0
    assert len(kept(fresh)) == 2


@pytest.mark.parametrize("number", [1, 2], ids=["loading", "looking_at_what_was_loaded"])
def test_a_server_that_is_killed_while_a_dataset_is_prepared_is_told_and_nothing_is_kept(
    shop: Path, place: Path, number: int
) -> None:
    assert dataset(shop, place, "remove", id_of(shop, place, "shop")).status == 0
    there, reached = kept(place), nth_server(number)
    with migci("dataset", "prepare", "shop", "--project", str(shop), MIGCI_STORE=str(place)) as process:
        wait_until(reached, place, process, "served")
        for server in servers(place, process.pid):
            os.kill(server, signal.SIGKILL)
        _, err = process.communicate()
    assert process.returncode == 3, err
    assert re.search(r"^migci: .+$", err, re.MULTILINE), err
    assert "Traceback" not in err
    assert kept(place) == there
    assert left(place, process.pid) == []


# Disks

NAMESPACE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def apart(script: str, *words: str) -> str:
    """What a shell script prints in a namespace where its mounts are its own, and end with it."""
    done = subprocess.run(
        [*NAMESPACE, "sh", "-c", f"set -e\n{script}", "sh", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_store_that_cannot_be_written_is_told(shop: Path, place: Path) -> None:
    there = kept(place)
    script = f"""
        mount --bind {place} {place} && mount -o remount,bind,ro {place}
        export MIGCI_STORE={place}
        for verb in list prepare verify "remove shop"; do
            status=0
            "$@" dataset $verb --project {shop} || status=$?
            echo "status $status"
        done
    """
    out = apart(script, *MIGCI)
    told = (
        f"migci: cannot write to {place}/instances: Read-only file system\n"
        "  hint: point MIGCI_STORE at a folder on a disk with room\n"
        "status 3\n"
    )
    assert out == told * 4
    assert kept(place) == there


ON_A_DISK = """
    disk=$1 place=$2 shop=$3 megabytes=$4 results=$5
    shift 5
    if [ "$(id -u)" = 0 ] && [ "$(cat /proc/self/uid_map | tr -s ' ')" = " 0 0 4294967295" ]; then
        truncate -s ${megabytes}M $results/image
        mkfs.ext4 -q -m 0 $results/image
        mount -o loop $results/image $disk
    else
        mount -t tmpfs -o size=${megabytes}m none $disk
    fi
    ln -s $place/environments $disk/environments
    export MIGCI_STORE=$disk
    told() {
        name=$1
        shift
        status=0
        "$@" --project $shop >$results/$name.out 2>$results/$name.err || status=$?
        echo "$name: $status; snapshots: $(ls $disk/snapshots 2>/dev/null | wc -l);" \
            "instances: $(ls $disk/instances 2>/dev/null | wc -l)"
    }
"""


@contextmanager
def disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="migci-disk-") as folder:
        yield Path(folder)


FULL = re.compile(r"^migci: the disk of \S+ is full: .+\n  hint: free some space, or .+$", re.MULTILINE)


def test_a_disk_that_is_too_small_for_a_dataset_is_told_and_nothing_of_it_is_kept(
    shop: Path, place: Path, tmp_path: Path
) -> None:
    with disk() as at:
        script = ON_A_DISK + 'told prepare "$@" dataset prepare shop; told verify "$@" dataset verify'
        out = apart(script, str(at), str(place), str(shop), "70", str(tmp_path), *MIGCI)
    assert out == "prepare: 3; snapshots: 0; instances: 0\nverify: 0; snapshots: 0; instances: 0\n"
    said = (tmp_path / "prepare.err").read_text()
    assert FULL.search(said), said
    assert "Traceback" not in said


def test_a_disk_that_becomes_full_leaves_the_patch_undecided_and_every_snapshot_whole(
    shop: Path, place: Path, tmp_path: Path
) -> None:
    """With no room at all, with too little for the server to start, and with too little for its steps."""
    with disk() as at:
        script = f"""{ON_A_DISK}
            cp -a $place/snapshots $place/locks $disk
            mkdir $disk/instances
            for room in 0 200 45000; do
                fallocate -l $(($(df -k --output=avail $disk | tail -n 1) - room))K $disk/ballast 2>/dev/null || true
                told replay-$room "$@" replay shop --output $results/report-$room
                rm $disk/ballast
            done
            told verify "$@" dataset verify
        """
        out = apart(script, str(at), str(place), str(shop), "220", str(tmp_path), *MIGCI)
    assert out == (
        "replay-0: 3; snapshots: 2; instances: 0\n"
        "replay-200: 3; snapshots: 2; instances: 0\n"
        "replay-45000: 3; snapshots: 2; instances: 0\n"
        "verify: 0; snapshots: 2; instances: 0\n"
    )
    assert "No space left on device" in (tmp_path / "replay-0.err").read_text()
    for room in ("200", "45000"):
        report = json.loads((tmp_path / f"report-{room}" / "replay.json").read_text())
        assert report["verdict"] == "undecided"
        (found,) = (one for one in report["datasets"][0]["findings"] if one["severity"] == "error")
        assert found["id"] == "MC905"
        assert found["hint"] == "free some space, or point MIGCI_STORE at a larger disk"
