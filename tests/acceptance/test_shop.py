"""The shop through the command line: as the demo, with mistakes in what it is given, and with code that means harm."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import zstandard

from migci.demo.shop import CUSTOMERS, DUMPS, LINES, ORDERS, PRODUCTS, build
from tests.acceptance.command import MIGCI, Ran, demand, left, migci, replay, state

FLAVORS = pytest.mark.parametrize("flavor", list(DUMPS))

MIGRATION = '''"""What a test wants it to do"""

import os
import stat
import time

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
'''


@pytest.fixture(params=["mariadb", "sqlite"])
def flavor(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    demand(found)
    return found


@pytest.fixture
def shop(flavor: str, tmp_path: Path) -> Path:
    """The shop on this flavor."""
    build(tmp_path / "shop", flavor=flavor)
    return tmp_path / "shop"


@pytest.fixture
def small_shop(tmp_path: Path) -> Path:
    """A shop for what goes wrong before any server is started, which is the same on every flavor."""
    build(tmp_path / "shop", flavor="sqlite")
    return tmp_path / "shop"


def test_the_shop_passes_with_every_step_told_on_both_datasets(shop: Path, flavor: str, store: Path) -> None:
    ran = replay(shop)

    assert ran.status == 0, ran.err
    report = ran.report
    assert report["verdict"] == "passed"
    assert ran.findings == []
    filled, empty = report["datasets"]
    assert (filled["name"], empty["name"]) == ("shop", "empty")
    assert filled["server"]["flavor"] == flavor
    assert filled["rows"] == CUSTOMERS + PRODUCTS + ORDERS + LINES + 1
    assert [(s["stage"], s["to"]) for s in filled["steps"]] == [
        ("trunk", "0007"),
        ("trunk", "0008"),
        ("proposed", "0009"),
        ("proposed", "0010"),
    ]
    assert [s["stage"] for s in empty["steps"]] == ["trunk"] * 8 + ["proposed"] * 2
    for step in [*filled["steps"], *empty["steps"]]:
        assert step["outcome"] == "applied"
        assert step["statements"], step["to"]
    if flavor == "mariadb":
        assert [s["rows_changed"] for s in filled["steps"]][2:] == [ORDERS + 1, 1]
    for name in ("report.html", "junit.xml", "findings.sarif", "log.txt"):
        assert (ran.results / name).stat().st_size > 0
    assert left(store, ran.pid) == []


def test_the_demo_keeps_the_shop_where_it_is_told_and_the_report_where_it_was_started(
    store: Path, tmp_path: Path
) -> None:
    demand("mariadb")
    place = tmp_path / "shop"
    done = subprocess.run(
        [*MIGCI, "demo", "--folder", str(place)], cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("verdict: passed\n")
    assert "trunk" in done.stdout
    assert "proposed" in done.stdout
    assert (tmp_path / "migci-demo" / "shop" / "report.html").is_file()
    assert "run 'migci replay' there" in done.stderr
    assert state(place)["head"] == "refs/heads/patch\n"


@FLAVORS
def test_two_builds_make_the_same_commits_and_the_same_dump(
    flavor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(tmp_path / "one", flavor=flavor)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    build(tmp_path / "two", flavor=flavor)
    assert state(tmp_path / "one")["refs"] == state(tmp_path / "two")["refs"]
    assert (tmp_path / "one" / DUMPS[flavor]).read_bytes() == (tmp_path / "two" / DUMPS[flavor]).read_bytes()


def test_mariadb_s_dump_begins_and_ends_as_mariadb_dump_writes_it(tmp_path: Path) -> None:
    build(tmp_path / "shop", flavor="mariadb")
    lines = text_of(tmp_path / "shop" / DUMPS["mariadb"]).decode().splitlines()
    assert lines[0] == "/*M!999999\\- enable the sandbox mode */ "
    assert lines[1].startswith("-- MariaDB dump 10.19  Distrib 10.11.")
    assert lines[-1].startswith("-- Dump completed on ")


def test_mysql_s_dump_begins_and_ends_as_mysqldump_writes_it(tmp_path: Path) -> None:
    build(tmp_path / "shop", flavor="mysql")
    lines = text_of(tmp_path / "shop" / DUMPS["mysql"]).decode().splitlines()
    assert lines[0].startswith("-- MySQL dump 10.13  Distrib 9.")
    assert lines[-1].startswith("-- Dump completed on ")


# Mistakes in what it is given. Each ends with one clear sentence.


def test_the_history_of_a_tree_is_told_once(small_shop: Path, store: Path) -> None:
    (small_shop / "notes.txt").write_text(f"a tree like no other: {small_shop}\n")

    def asked() -> int:
        ran = replay(small_shop, "empty")
        assert ran.status == 0, ran.err
        return ran.log.count("history of working tree")

    assert [asked(), asked()] == [1, 0]
    last = max((small_shop / "migrations" / "versions").glob("00*"))
    last.write_text(last.read_text() + "\n# another word\n")
    assert [asked(), asked()] == [1, 0]


@pytest.mark.parametrize(
    ("addition", "sentence"),
    [
        (
            "[datasets.empty.limits]\nstep_second = 3\n",
            (
                r"migci: {shop}/migci.toml:\n  datasets.empty.limits.step_second: there is no such key; "
                r"did you mean 'step_seconds'\?\n"
            ),
        ),
        (
            "[datasets.other]\nsource = 'nowhere.sql'\n",
            (
                r"migci: \[datasets.other\] source: there is no file or folder {shop}/nowhere.sql\n"
                r"  hint: a path relative to migci.toml, a URL, or \"empty\"\n"
            ),
        ),
        (
            "[datasets.empty.limits]\nstep_seconds = '60'\n",
            (
                r"migci: {shop}/migci.toml:\n  datasets.empty.limits.step_seconds: input should be a valid number, "
                r"but it is '60'\n"
            ),
        ),
        (
            "[sandbox]\nvisible = ['nowhere']\n",
            (
                r"migci: \[sandbox\] visible: there is no file or folder {shop}/nowhere\n"
                r"  hint: a path relative to migci.toml, or an absolute one\n"
            ),
        ),
    ],
    ids=["an_unknown_key", "a_missing_source", "a_wrong_type", "nothing_to_be_seen"],
)
def test_a_mistake_in_migci_toml_is_named_with_its_place(
    small_shop: Path, store: Path, addition: str, sentence: str
) -> None:
    with (small_shop / "migci.toml").open("a") as settings:
        settings.write(f"\n{addition}")
    refused(replay(small_shop), sentence.format(shop=re.escape(str(small_shop))), store)


def test_a_dataset_that_is_not_there_is_named_with_the_nearest(small_shop: Path, store: Path) -> None:
    sentence = r"migci: there is no dataset 'shpo' in migci.toml\n  hint: did you mean 'shop'\?\n"
    refused(replay(small_shop, "shpo"), sentence, store)


@pytest.mark.parametrize("option", ["--proposed", "--trunk"])
def test_a_ref_that_is_not_there_is_named_with_the_repository(small_shop: Path, store: Path, option: str) -> None:
    sentence = rf"migci: there is no commit 'nope' in {re.escape(str(small_shop))}\n  hint: .*\n"
    refused(replay(small_shop, option, "nope"), sentence, store)


def test_a_folder_outside_of_git_is_refused_with_what_to_do(small_shop: Path, store: Path) -> None:
    (small_shop / ".git").rename(small_shop.with_name("elsewhere"))
    sentence = (
        rf"migci: {re.escape(str(small_shop))} is not in a git repository that can be read: .*\n"
        r"  hint: migci compares a trunk with a patch: git init && git add --all && git commit\n"
    )
    refused(replay(small_shop), sentence, store)


def test_an_interpreter_without_the_tool_leaves_the_patch_undecided(small_shop: Path, store: Path) -> None:
    bare = small_shop.with_name("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    settings = small_shop / "migci.toml"
    settings.write_text(
        re.sub(r"^requirements = .*$", f'python = "{bare}/bin/python"', settings.read_text(), flags=re.MULTILINE)
    )
    sentence = f"alembic cannot be loaded by {bare}/bin/python: ModuleNotFoundError: No module named 'alembic'"
    undecided(replay(small_shop), "MC904", re.escape(sentence), store)


def text_of(dump: Path) -> bytes:
    raw = dump.read_bytes()
    return gzip.decompress(raw) if dump.suffix == ".gz" else zstandard.decompress(raw)


def with_dump(shop: Path, name: str, content: bytes) -> None:
    """Give the shop another dump, `name`, as its dataset `other`."""
    (shop / "data" / name).write_bytes(content)
    with (shop / "migci.toml").open("a") as settings:
        settings.write(f'\n[datasets.other]\nsource = "data/{name}"\ncontents = "synthetic"\n')


def test_a_dump_that_is_not_sql_leaves_the_patch_undecided(shop: Path, flavor: str, store: Path) -> None:
    with_dump(shop, "other.sql", b"Dear colleague,\n\nhere is the dump; I hope you like it.\n")
    words = {"mariadb": "MariaDB .*: line 1: error 1064: .*", "sqlite": 'SQLite: near "Dear": syntax error'}[flavor]
    undecided(replay(shop, "other"), "MC903", f"the dump other.sql cannot be loaded into {words}", store)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
def test_a_compressed_dump_that_was_cut_off_leaves_the_patch_undecided(
    shop: Path, flavor: str, store: Path, suffix: str
) -> None:
    text = text_of(shop / DUMPS[flavor])
    whole = gzip.compress(text, 1) if suffix == "gz" else zstandard.compress(text)
    with_dump(shop, f"other.sql.{suffix}", whole[: len(whole) // 2])
    undecided(replay(shop, "other"), "MC903", f"the dump other.sql.{suffix} is damaged or cut off: .+", store)


def refused(ran: Ran, sentence: str, store: Path) -> None:
    """Nothing was run, and `sentence` is all that was said."""
    assert ran.status == 2, ran.err
    assert ran.out == ""
    assert re.fullmatch(sentence, ran.err), ran.err
    assert not ran.results.exists()
    assert left(store, ran.pid) == []


def undecided(ran: Ran, finding: str, sentence: str, store: Path) -> None:
    """It was no fault of the patch's, and `sentence` tells whose."""
    assert ran.status == 3, ran.err
    assert ran.report["verdict"] == "undecided"
    (found,) = (one for one in ran.findings if one["severity"] == "error")
    assert found["id"] == finding
    assert re.fullmatch(sentence, found["message"], re.DOTALL), found["message"]
    assert found["hint"]
    assert left(store, ran.pid) == []


# Code that means harm, and ends that come too early.

FORGE_ONE = '    forge(b\'{"id": 2, "statements": []}\\n\')\n'
FORGE_ALL = (
    '    for number in range(100):\n        forge(b\'{"id": %d, "seconds": 0.1, "statements": []}\\n\' % number)\n'
)
VANISH = """\
    os.closerange(0, 1024)
    if os.fork() == 0:
        time.sleep(600)
"""
FORGE = """

def forge(line):
    print(line.decode(), flush=True)
    for descriptor in range(3, 1024):
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # SQLite's file is left whole
                os.write(descriptor, line)
        except OSError:
            pass
"""


def write_migration(shop: Path, body: str, rest: str = "") -> None:
    """Let the working tree's only new migration do `body`."""
    for script in (shop / "migrations" / "versions").glob("00[01][09]_*.py"):
        if not script.name.startswith("0001"):
            script.unlink()
    (shop / "migrations" / "versions" / "0009_by_a_test.py").write_text(MIGRATION + body + rest)


@pytest.mark.parametrize("forged", [FORGE_ONE, FORGE_ALL], ids=["one_reply", "every_reply"])
def test_a_migration_that_forges_replies_closes_everything_and_forks_has_failed(
    shop: Path, store: Path, forged: str
) -> None:
    write_migration(shop, forged + VANISH, FORGE)
    before = state(shop)

    ran = replay(shop, "empty")

    assert ran.status == 1, ran.err
    assert ran.report["verdict"] == "failed"
    (found,) = (one for one in ran.findings if one["severity"] == "error")
    assert (found["id"], found["step"]) in {("MC103", "0008->0009"), ("MC104", "0008->0009")}
    assert ran.report["datasets"][0]["steps"][-1]["outcome"] == "failed"
    assert '"id": ' in ran.log
    assert left(store, ran.pid) == []
    assert state(shop) == before


def test_a_migration_that_writes_its_own_revision_forges_its_reply_and_vanishes_has_failed(
    shop: Path, store: Path
) -> None:
    own = """\
    op.execute("UPDATE alembic_version SET version_num = '0009'")
    op.get_bind().commit()
"""
    write_migration(shop, own + FORGE_ALL + VANISH, FORGE)

    ran = replay(shop, "empty")

    assert ran.status == 1, ran.err
    assert "MC103" in {one["id"] for one in ran.findings}
    assert left(store, ran.pid) == []


def arguments(shop: Path) -> list[str]:
    return ["replay", "empty", "--project", str(shop), "--output", str(shop.with_name("results"))]


def wait_for_the_step(shop: Path, process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    told = list(iter(process.stderr.readline, "proposed: 1 step\n"))
    assert process.poll() is None, told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_in_the_middle_of_a_step_ends_it_with_nothing_left(
    shop: Path, store: Path, number: signal.Signals
) -> None:
    write_migration(shop, "    time.sleep(600)\n")
    before = state(shop)

    with migci(*arguments(shop)) as process:
        wait_for_the_step(shop, process)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)

    assert process.returncode not in (0, 1, 2)
    assert "migci: interrupted; nothing is left running\n" in err
    assert "Traceback" not in err
    assert left(store, process.pid) == []
    assert state(shop) == before


def test_what_a_killed_migci_left_is_swept_by_the_next(shop: Path, store: Path) -> None:
    write_migration(shop, "    time.sleep(600)\n")
    before = state(shop)

    with migci(*arguments(shop)) as process:
        wait_for_the_step(shop, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert left(store, process.pid) != []
    ran = replay(shop, "empty", "--only-trunk")

    assert ran.status == 0, ran.err
    assert left(store, process.pid) == []
    assert left(store, ran.pid) == []
    assert state(shop) == before


def test_a_user_without_rights_replays_on_clones_as_well(tmp_path: Path, store: Path) -> None:
    demand("mariadb")
    shop = tmp_path / "shop"
    build(shop, flavor="mariadb")
    results = tmp_path / "results"
    with tempfile.TemporaryDirectory(prefix="migci-store-") as own:
        (store / "environments").mkdir(exist_ok=True)
        Path(own, "environments").symlink_to(store / "environments")
        done = subprocess.run(
            ["unshare", "--user", "--map-user=1000", "--map-group=1000", *MIGCI,
             "replay", "shop", "--project", str(shop), "--output", str(results)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, "MIGCI_STORE": own},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert list(Path(own, "instances").iterdir()) == []
    told = json.loads((results / "replay.json").read_text())["datasets"][0]
    assert told["clone"]["strategy"] in ("overlay-userns", "reflink", "btrfs-subvolume", "copy")
    assert [step["outcome"] for step in told["steps"]] == ["applied"] * 4
