"""Folders and processes that are gone after any end of their command, a kill -9 included."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from migci.adapters.instances import MARKER, end_marked, instance, marked, sweep
from migci.errors import MigciError
from tests.contract.flavors import eventually

ROOT = Path(__file__).resolve().parents[2]

HOLD = """
import os, subprocess, sys
from pathlib import Path
from migci.adapters.instances import MARKER, bound, instance

with instance(Path(sys.argv[1])) as live:
    (live.folder / "datasets").mkdir()
    command = ["sleep", "1000"]
    worker = subprocess.Popen(
        bound(command) if sys.argv[2] == "bound" else command,
        env={**os.environ, MARKER: f"{live.id}/agent-1"},
        start_new_session=True,
    )
    print(live.id, worker.pid, flush=True)
    worker.wait()
"""


class Command:
    """A child that holds an instance in `store`, and a worker that carries its mark."""

    def __init__(self, store: Path, how: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(HOLD), str(store), how],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.id, worker = self.process.stdout.readline().split()
        self.worker = psutil.Process(int(worker))
        eventually(lambda: self.worker.name() == "sleep")
        self.folder = store / "instances" / self.id

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.kill()
        end_marked(self.id)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def unbound(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path, "unbound")
    yield command
    command.end()


@pytest.fixture
def bound_(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path, "bound")
    yield command
    command.end()


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:  # it was reaped between the two
        return True


def test_what_a_killed_command_left_is_swept(tmp_path: Path, unbound: Command) -> None:
    unbound.kill()
    assert unbound.folder.is_dir()
    assert not gone(unbound.worker)
    assert sweep(tmp_path) == [unbound.id]
    assert not unbound.folder.exists()
    assert gone(unbound.worker)
    assert sweep(tmp_path) == []


def test_the_next_command_sweeps_before_it_begins(tmp_path: Path, unbound: Command) -> None:
    unbound.kill()
    with instance(tmp_path) as live:
        assert not unbound.folder.exists()
        assert gone(unbound.worker)
        assert live.folder.is_dir()


def test_a_worker_that_is_bound_dies_with_its_command(bound_: Command) -> None:
    bound_.kill()
    eventually(lambda: gone(bound_.worker))


def test_a_command_that_is_alive_is_not_swept(tmp_path: Path, unbound: Command) -> None:
    assert sweep(tmp_path) == []
    assert unbound.folder.is_dir()
    assert not gone(unbound.worker)


def test_a_folder_that_nobody_holds_is_swept_even_if_its_pid_is_alive(tmp_path: Path) -> None:
    left = tmp_path / "instances" / f"{os.getpid()}-0123456789abcdef"
    left.mkdir(parents=True)
    assert sweep(tmp_path) == [left.name]
    assert not left.exists()


@pytest.mark.parametrize("name", ["a-b-c", "lost+found", "1-2", "notes.txt", "-1-2-3"])
def test_what_is_not_an_instance_is_left_alone(tmp_path: Path, name: str) -> None:
    other = tmp_path / "instances" / name
    other.mkdir(parents=True)
    assert sweep(tmp_path) == []
    assert other.exists()


def test_a_folder_is_private_and_gone_on_exit(tmp_path: Path) -> None:
    with instance(tmp_path) as live:
        assert live.folder.stat().st_mode & 0o777 == 0o700
        (live.folder / "data").mkdir()
        (live.folder / "data" / "file").write_text("x")
    assert not live.folder.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_folder_and_the_processes_are_gone_after_an_exception(tmp_path: Path, error: type[BaseException]) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def fail() -> None:
        with instance(tmp_path) as live:
            begun.append(
                subprocess.Popen(["sleep", "1000"], env={**os.environ, MARKER: live.id}, start_new_session=True)
            )
            raise error

    with pytest.raises(error):
        fail()
    assert begun[0].wait() == -9
    assert list((tmp_path / "instances").iterdir()) == []


def test_two_instances_of_one_command_are_two(tmp_path: Path) -> None:
    with instance(tmp_path) as one, instance(tmp_path) as other:
        assert one.id != other.id
        assert one.folder.is_dir()
    assert not one.folder.exists()


def test_a_mark_is_its_own_and_of_those_under_it_alone() -> None:
    environment = {**os.environ}
    marks = ["mark-of-this-test", "mark-of-this-test/agent-1", "mark-of-this-test-too"]
    workers = [subprocess.Popen(["sleep", "1000"], env={**environment, MARKER: mark}) for mark in marks]
    try:
        eventually(lambda: all(Path(f"/proc/{one.pid}/cmdline").read_bytes().startswith(b"sleep") for one in workers))
        assert sorted(marked("mark-of-this-test")) == sorted(one.pid for one in workers[:2])
        assert end_marked("mark-of-this-test") == 2
        assert workers[2].poll() is None
    finally:
        for one in workers:
            one.kill()
            one.wait()


def test_a_store_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MigciError) as failed, instance(tmp_path / "file"):
        pass
    assert failed.value.message == f"cannot write to {tmp_path}/file/instances: Not a directory"
    assert failed.value.hint == "point MIGCI_STORE at a folder on a disk with room"


def test_many_commands_that_start_and_end_at_once_are_not_in_each_others_way(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom migci.adapters.instances import instance\n"
        "for _ in range(40):\n    with instance(Path(sys.argv[1])):\n        pass\n"
    )
    commands = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(4)]
    assert [command.wait() for command in commands] == [0] * 4
    assert list((tmp_path / "instances").iterdir()) == []
