"""Clones that are kept warm: taken once, given back however the taker ends, gone with their keeper."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from migci.adapters.instances import held_lock
from migci.adapters.warm import MOST, Keeper, address
from migci.demo.shop import build
from migci.errors import UsageError
from tests.acceptance.command import Ran, demand, eventually, migci, replay

SLOW = '''"""Waits until it is told to go on"""

import time

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
    while True:
        time.sleep(0.01)
'''


@pytest.fixture
def shop(tmp_path: Path, store: Path) -> Iterator[Path]:
    demand("mariadb")
    folder = tmp_path / "shop"
    build(folder, flavor="mariadb")
    assert dataset("warm", "shop", "--minutes", "30", project=folder).status == 0
    yield folder
    dataset("cool", project=folder)
    eventually(lambda: not address(store, folder, "shop").exists(), "the keeper has ended")


def dataset(*words: str, project: Path) -> Ran:
    with migci("dataset", *words, "--project", str(project)) as process:
        out, err = process.communicate()
        return Ran(process.returncode, out, err, process.pid, Path())


def way(ran: Ran) -> str:
    clone: dict[str, str] = ran.report["datasets"][0]["clone"]
    return clone["strategy"]


def keepers(project: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if {"--foreground", str(project)} <= set(process.info["cmdline"] or ())
    ]


def servers(keeper: psutil.Process) -> list[psutil.Process]:
    """Those that are alive; a child may end while it is looked at."""
    found = []
    for child in keeper.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            runs = child.status() != psutil.STATUS_ZOMBIE and "--version" not in child.cmdline()
            if child.name() == "mariadbd" and runs:
                found.append(child)
    return found


def gone(process: psutil.Process) -> bool:
    """Whether it has ended, waited for or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_replay_takes_the_clone_that_is_kept_warm_and_the_next_one_gets_another(shop: Path) -> None:
    (keeper,) = keepers(shop)
    (first,) = servers(keeper)
    ran = replay(shop, "shop")
    assert ran.status == 0, ran.err
    assert way(ran).endswith(", kept warm")
    eventually(lambda: servers(keeper) and servers(keeper) != [first], "another server is ready")
    assert gone(first)
    (second,) = servers(keeper)
    eventually(lambda: "kept warm" in way(replay(shop, "shop")), "the next one is lent")
    assert gone(second)


def test_a_dataset_is_kept_warm_by_one_keeper(shop: Path) -> None:
    ran = dataset("warm", "shop", project=shop)
    assert ran.status == 2
    assert "this dataset is kept warm already" in ran.err
    assert len(keepers(shop)) == 1


def test_cool_ends_the_keeper_its_server_and_its_folders(shop: Path, store: Path) -> None:
    (keeper,) = keepers(shop)
    (server,) = servers(keeper)
    ran = dataset("cool", "shop", project=shop)
    assert ran.out == "shop is not kept warm any longer\n"
    eventually(lambda: gone(keeper) and gone(server), "both have ended")
    assert list((store / "instances").glob(f"{keeper.pid}-*")) == []
    assert not way(replay(shop, "shop")).endswith("kept warm")


def test_after_a_keeper_was_killed_nothing_of_it_is_left_and_replays_go_on(shop: Path, store: Path) -> None:
    (keeper,) = keepers(shop)
    (server,) = servers(keeper)
    keeper.send_signal(signal.SIGKILL)
    eventually(lambda: gone(server), "its server has died with it")
    ran = replay(shop, "shop")
    assert ran.status == 0
    assert not way(ran).endswith("kept warm")
    assert list((store / "instances").glob(f"{keeper.pid}-*")) == []


def test_what_a_killed_replay_had_taken_is_given_back(shop: Path) -> None:
    (keeper,) = keepers(shop)
    (first,) = servers(keeper)
    (shop / "migrations/versions/0009_order_totals.py").write_text(SLOW)
    with migci("replay", "shop", "--project", str(shop)) as process:
        assert process.stderr is not None
        told = list(iter(process.stderr.readline, "proposed: 2 steps\n"))
        assert process.poll() is None, told
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    eventually(lambda: gone(first), "the server that it had taken is gone")
    eventually(lambda: servers(keeper), "another server is ready")


def test_a_server_that_died_while_it_was_kept_is_not_lent(shop: Path) -> None:
    (keeper,) = keepers(shop)
    (server,) = servers(keeper)
    server.kill()
    eventually(lambda: not servers(keeper), "it is dead")
    ran = replay(shop, "shop")
    assert ran.status == 0
    assert not way(ran).endswith("kept warm")


def test_no_more_than_so_many_datasets_are_kept_warm(tmp_path: Path) -> None:
    at = address(tmp_path, tmp_path, "one")
    at.parent.mkdir()
    with ExitStack() as stack:
        for number in range(MOST):
            assert stack.enter_context(held_lock(at.with_name(f"{number}.lock")))
        with pytest.raises(UsageError, match=rf"^{MOST} datasets are kept warm already"):
            Keeper(at, (), lambda snapshot: pytest.fail("nothing is made ready")).serve("id", 1.0, lambda: None)
    assert not at.exists()
