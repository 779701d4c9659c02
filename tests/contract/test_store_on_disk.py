"""The store on a real disk: with other processes, with files that come to harm, and killed at any point."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

from migci.adapters.instances import Instance, sweep
from migci.adapters.snapshots import store as stores
from migci.core.snapshot import Snapshot
from migci.ports import CloneFailed
from tests.contract.flavors import eventually
from tests.contract.stores import CONTENT, RealPlace, real, snapshot

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RealPlace]:
    with real(tmp_path) as made:
        yield made


# What is used


def test_what_a_checkpoint_was_made_on_is_used_with_it(place: RealPlace) -> None:
    base, other = snapshot("base"), snapshot("other")
    data = replace(snapshot("data"), origin=base.id)
    later = replace(snapshot("later"), origin=data.id, root=data.id)
    for number, one in enumerate((base, data, later, other)):
        with place.store.new(visible=False) as clone:
            place.write(clone, CONTENT)
            place.store.keep(clone, one)
        os.utime(place.folder / "snapshots" / one.id / "in-use", (number, number))
    with place.store.clone(later, visible=False):
        pass
    room = sum(one.room_bytes for one in place.store.kept())
    assert place.store.make_room(room - 1) == (other,)


# Other users


def test_a_snapshot_is_its_users_alone(place: RealPlace) -> None:
    before = os.umask(0o022)
    try:
        with place.store.new(visible=True) as clone:
            place.store.keep(clone, snapshot())
    finally:
        os.umask(before)
    (folder,) = (place.folder / "snapshots").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


# Other processes

PROGRAM = """
import sys
from pathlib import Path
from tests.contract.stores import real, snapshot

with real(Path(sys.argv[1])) as place:
    print("begun", flush=True)
    sys.stdin.readline()
"""

MAKES = """
    with place.store.making(snapshot().id, lambda: print("waiting", flush=True)):
        print("in", flush=True)
        sys.stdin.readline()
    print("out", flush=True)
"""

HOLDS = """
    with place.store.clone(snapshot(), visible=False) as clone:
        print("cloned", flush=True)
        sys.stdin.readline()
    print("out", flush=True)
"""

TAKES_TURNS = """
    for _ in range(10):
        with place.store.making(snapshot().id, lambda: None):
            (place.folder / "inside").touch(exist_ok=False)
            (place.folder / "inside").unlink()
    print("out", flush=True)
"""


class Other:
    """Another migci, in a process of its own, that has begun and waits to be told to go on."""

    def __init__(self, store: Path, does: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(PROGRAM) + does, str(store)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def others(store: Path, *does: str) -> Iterator[list[Other]]:
    with ExitStack() as stack:
        made = []
        for one in does:
            made.append(Other(store, one))
            stack.callback(made[-1].kill)
        assert [one.says() for one in made] == ["begun"] * len(made)
        yield made


def test_a_snapshot_is_made_by_one_process_at_a_time_and_the_next_is_told_once_that_it_waits(tmp_path: Path) -> None:
    with others(tmp_path, MAKES, MAKES) as (first, second):
        first.go()
        assert first.says() == "in"
        second.go()
        assert second.says() == "waiting"
        first.go()
        assert first.says() == "out"
        assert second.says() == "in"
        second.go()
        assert second.says() == "out"
        assert second.says() == ""


def test_no_two_of_many_are_ever_inside_at_once(tmp_path: Path) -> None:
    with others(tmp_path, *[TAKES_TURNS] * 3) as all_:
        for one in all_:
            one.go()
        assert [one.says() for one in all_] == ["out"] * 3


def test_whoever_is_killed_while_making_lets_the_next_in(tmp_path: Path) -> None:
    with others(tmp_path, MAKES, MAKES) as (first, second):
        first.go()
        assert first.says() == "in"
        second.go()
        assert second.says() == "waiting"
        first.kill()
        assert second.says() == "in"


def test_nothing_that_another_process_s_clone_lives_on_is_removed_until_it_ends(
    place: RealPlace, tmp_path: Path
) -> None:
    one = place.keep(snapshot())
    with others(tmp_path, HOLDS) as (other,):
        other.go()
        assert other.says() == "cloned"
        assert not place.store.remove(one)
        assert place.store.damage(one) == ()
        other.kill()
    assert place.store.remove(one)


# The limit


def used(place: RealPlace, one: Snapshot, seconds: int) -> None:
    """As if it had been used last at that time."""
    os.utime(place.beside(one) / "in-use", (seconds, seconds))


BYTES = {"file": os.urandom(1 << 20)}
LIMIT_BYTES = 5 << 19
"""Two and a half of them."""


@contextmanager
def limited(folder: Path) -> Iterator[tuple[RealPlace, Snapshot, Snapshot]]:
    """A store with room for two, and two in it, the first of which was used earlier."""
    with real(folder, LIMIT_BYTES) as place:
        one, two = (place.keep(snapshot(name), BYTES) for name in ("one", "two"))
        used(place, one, 1000)
        used(place, two, 2000)
        assert set(place.store.all()) == {one, two}
        yield place, one, two


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    with limited(tmp_path) as (place, one, two):
        three = place.keep(snapshot("three"), BYTES)
        assert place.store.all() == (three, two)
        assert not place.beside(one).exists()
        assert place.clones() == []


def test_to_clone_is_to_use(tmp_path: Path) -> None:
    with limited(tmp_path) as (place, one, _):
        with place.store.clone(one, visible=False):
            pass
        three = place.keep(snapshot("three"), BYTES)
        assert set(place.store.all()) == {three, one}


def test_what_is_in_use_does_not_make_room(tmp_path: Path) -> None:
    with limited(tmp_path) as (place, one, _), place.store.clone(one, visible=False) as clone:
        used(place, one, 1000)
        three = place.keep(snapshot("three"), BYTES)
        assert set(place.store.all()) == {three, one}
        assert place.read(clone) == BYTES


def test_what_was_just_kept_stays_however_large_it_is(tmp_path: Path) -> None:
    with limited(tmp_path) as (place, _, _):
        large = place.keep(snapshot("large"), {"file": os.urandom(LIMIT_BYTES * 2)})
        used(place, large, 500)
        assert place.store.all() == (large,)


def test_room_can_be_made_for_less_than_the_limit(tmp_path: Path) -> None:
    with limited(tmp_path) as (place, one, two):
        assert place.store.make_room(3 << 19) == (one,)
        assert place.store.all() == (two,)
        assert place.store.make_room(0, besides=two.id) == ()
        assert place.store.make_room(0) == (two,)


# What comes between looking and locking


def between(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let it happen the next time that something was opened and is about to be locked."""
    lock = fcntl.flock

    def late(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        happens()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)


def test_what_is_taken_away_while_its_lock_is_waited_for_is_not_cloned(
    place: RealPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = place.keep(snapshot())
    place.store.choice(visible=False)
    between(monkeypatch, lambda: place.store.remove(one))
    with pytest.raises(CloneFailed), place.store.clone(one, visible=False):
        raise AssertionError("there is nothing to clone")


def test_what_is_made_anew_while_its_lock_is_waited_for_is_locked_itself(
    place: RealPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = place.keep(snapshot())
    place.store.choice(visible=False)
    between(monkeypatch, lambda: place.store.remove(one) and place.keep(one))
    with place.store.clone(one, visible=False) as clone:
        assert not place.store.remove(one)
        assert place.read(clone) == CONTENT


def test_what_is_made_anew_and_cloned_while_it_was_to_be_removed_stays(
    place: RealPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = place.keep(snapshot())
    place.store.choice(visible=False)
    with ExitStack() as stack:

        def happens() -> None:
            place.store.remove(one)
            place.keep(one)
            stack.enter_context(place.store.clone(one, visible=False))

        between(monkeypatch, happens)
        assert not place.store.remove(one)
        assert place.store.damage(one) == ()


# Harm that comes to files

MANIFESTS = {
    "gone": None,
    "empty": b"",
    "cut_off": b'{"format": 1, "snapshot": {"id": "',
    "not_json": b"\x00" * 100,
    "something_else": b'{"format": 1}',
}


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS)
def test_a_snapshot_whose_manifest_came_to_harm_is_not_there_and_can_be_kept_again(
    place: RealPlace, content: bytes | None
) -> None:
    one, other = place.keep(snapshot()), place.keep(snapshot("other"))
    manifest = place.beside(one) / "snapshot.json"
    manifest.unlink() if content is None else manifest.write_bytes(content)
    assert place.store.find(one.id) is None
    assert place.store.all() == (other,)
    assert place.store.damage(one) == ("snapshot.json cannot be read",)
    place.keep(one)
    assert place.store.find(one.id) == one
    assert place.store.damage(one) == ()


def test_a_snapshot_of_another_format_is_not_there_and_can_be_kept_again(place: RealPlace) -> None:
    one = place.keep(snapshot())
    manifest = place.beside(one) / "snapshot.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    assert place.store.find(one.id) is None
    place.keep(one)
    assert place.store.find(one.id) == one


def test_a_snapshot_that_cannot_be_locked_any_more_is_not_there_and_can_be_kept_again(place: RealPlace) -> None:
    one = place.keep(snapshot())
    (place.beside(one) / "in-use").unlink()
    assert place.store.find(one.id) is None
    place.keep(one)
    with place.store.clone(one, visible=False) as clone:
        assert place.read(clone) == CONTENT


def test_files_that_are_not_as_they_were_kept_are_told(place: RealPlace) -> None:
    one = place.keep(snapshot())
    assert place.store.damage(one) == ()
    data = place.beside(one) / "data"
    (data / "ibdata1").write_bytes(b"other")
    (data / "main" / "thing.ibd").unlink()
    (data / "main" / "added").touch()
    (data / "main" / "db.opt").unlink()
    (data / "main" / "db.opt").symlink_to("added")
    assert place.store.damage(one) == (
        "main/thing.ibd is missing",
        "main/added was not there",
        "ibdata1 has other content",
        "main/db.opt has other content",
    )


def test_one_bit_is_told(place: RealPlace) -> None:
    one = place.keep(snapshot(), {"file": bytes(3 << 20)})
    with (place.beside(one) / "data" / "file").open("r+b") as file:
        file.seek(2_500_000)
        file.write(b"\x01")
    assert place.store.damage(one) == ("file has other content",)


@pytest.fixture
def restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on it is another run of the machine."""
    boot = tmp_path / "boot_id"
    boot.write_text("another\n")
    monkeypatch.setattr(stores, "_BOOT", boot)


def harm(place: RealPlace, one: Snapshot) -> None:
    with (place.beside(one) / "data" / "ibdata1").open("r+b") as file:
        file.write(b"\x00")


def test_what_did_not_survive_a_restart_of_the_machine_is_removed(
    place: RealPlace, request: pytest.FixtureRequest
) -> None:
    one, other = place.keep(snapshot()), place.keep(snapshot("other"))
    request.getfixturevalue("restart")
    harm(place, one)
    assert place.store.find(one.id) is None
    assert not place.beside(one).exists()
    assert place.clones() == []
    assert place.store.find(other.id) == other


def test_what_survived_a_restart_is_not_read_again(place: RealPlace, request: pytest.FixtureRequest) -> None:
    one = place.keep(snapshot())
    request.getfixturevalue("restart")
    assert place.store.find(one.id) == one
    harm(place, one)
    assert place.store.find(one.id) == one
    assert place.store.damage(one) == ("ibdata1 has other content",)


def test_within_one_run_of_the_machine_nothing_is_read_to_be_found(place: RealPlace) -> None:
    one = place.keep(snapshot())
    harm(place, one)
    assert place.store.find(one.id) == one


# What the files keep


@pytest.mark.parametrize("visible", [False, True])
def test_holes_are_kept_and_pieces_of_zeros_become_holes(place: RealPlace, visible: bool) -> None:
    content = {"ib_logfile0": bytes(8 << 20) + b"end", "dense": os.urandom(1 << 20)}
    one = place.keep(snapshot(), content)
    room = sum(file.stat().st_blocks * 512 for file in (place.beside(one) / "data").iterdir())
    assert room < 2 << 20
    assert place.store.kept()[0].room_bytes == room
    with place.store.clone(one, visible=visible) as clone:
        assert place.read(clone) == content
        found = subprocess.run(
            clone.command(["stat", "--format=%b", str(clone.data / "ib_logfile0")]), capture_output=True, check=True
        )
        assert int(found.stdout) * 512 < 1 << 20


@pytest.mark.parametrize("visible", [False, True])
def test_modes_times_and_links_are_kept(place: RealPlace, visible: bool) -> None:
    with place.store.new(visible=visible) as clone:
        place.write(clone, CONTENT)
        (clone.data / "link").symlink_to("ibdata1")
        (clone.data / "ibdata1").chmod(0o640)
        os.utime(clone.data / "ibdata1", (1000, 1000))
        (clone.data / "nothing").mkdir(mode=0o750)
        place.store.keep(clone, snapshot())
    assert place.store.damage(snapshot()) == ()
    with place.store.clone(snapshot(), visible=visible) as clone:
        names = [str(clone.data / name) for name in ("ibdata1", "link", "nothing")]
        told = subprocess.run(
            clone.command(["stat", "--format=%A %N", *names]), capture_output=True, check=True, text=True
        )
        time = subprocess.run(clone.command(["stat", "--format=%Y", names[0]]), capture_output=True, check=True)
    assert told.stdout.splitlines() == [
        f"-rw-r----- '{names[0]}'",
        f"lrwxrwxrwx '{names[1]}' -> 'ibdata1'",
        f"drwxr-x--- '{names[2]}'",
    ]
    assert time.stdout.strip() == b"1000"


# Killed

WORKS = """
import os, shutil, signal, subprocess, sys
from pathlib import Path
import migci
from tests.contract.flavors import eventually
from tests.contract.stores import CONTENT, LIMITED_BYTES, real, snapshot

KILLED_IN = (str(Path(migci.__file__).parent), shutil.__file__, subprocess.__file__)


def work(folder, name):
    with real(folder, LIMITED_BYTES) as place:
        one, two = snapshot(name), snapshot(f"{name} after")
        with place.store.making(one.id, lambda: None):
            place.keep(one)
        with place.store.clone(one, visible=name.endswith("1")) as clone:
            place.write(clone, {"ibdata1": name.encode()})
            place.store.keep(clone, two)
        with place.store.clone(two, visible=False) as clone:
            place.read(clone)
        place.store.remove(one)
        place.store.identity(__file__)


def traced(folder, name, last):
    seen = 0

    def trace(frame, event, argument):
        nonlocal seen
        if not frame.f_code.co_filename.startswith(KILLED_IN):
            return None
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    work(folder, name)
    sys.settrace(None)
    return seen


# Each run is a process of its own, which is killed at the point that is asked for; 0 is never.
for line in sys.stdin:
    name, last = line.split()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.write(writer, str(traced(Path(sys.argv[1]), name, int(last))).encode())
        os._exit(0)
    os.close(writer)
    told = os.read(reader, 100).decode() or "killed"
    os.close(reader)
    os.waitpid(pid, 0)
    print(told, flush=True)
"""

KILLS = 25

COPIES = """
    from migci.adapters.snapshots.copying import Copy
    from migci.adapters.snapshots.ways import Choice
    place.store._choices[False] = Choice(Copy(), ())
    with place.store.clone(snapshot(), visible=False):
        print("cloned", flush=True)
"""


class Mortal:
    """Runs of a program that uses the store in every way, each in a process that can be killed at any of its lines."""

    def __init__(self, program: Path, store: Path) -> None:
        program.write_text(WORKS)
        self.process = subprocess.Popen(
            [sys.executable, str(program), str(store)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, last: int = 0) -> str:
        """How many points it came through; with `last`, it is killed at that one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name} {last}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def only_this(one: Instance, store: Path) -> bool:
    """Whether a sweep leaves `one` and no other."""
    sweep(store)
    return [path.name for path in (store / "instances").iterdir()] == [one.id]


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    made = Mortal(tmp_path / "works.py", tmp_path / "store")
    yield made
    made.end()


def test_a_process_that_is_killed_anywhere_leaves_whole_snapshots_and_nothing_else(
    mortal: Mortal, tmp_path: Path
) -> None:
    points = int(mortal.run("first"))
    folder = tmp_path / "store"
    for number in range(KILLS):
        point = points * number // KILLS + 1
        assert mortal.run(f"run-{number}", point) == "killed", f"at {point} of {points}"
        with real(folder) as place:
            where = f"killed at {point} of {points}"
            # A program that was just being started holds the lock a moment longer than the process that started it.
            eventually(partial(only_this, place.instance, folder))
            assert place.clones() == []
            found = place.store.all()
            assert {path.name for path in (folder / "snapshots").iterdir()} == {one.id for one in found}, where
            for one in found:
                assert place.store.find(one.id) == one
                assert place.store.damage(one) == (), where
            with place.store.making(snapshot(f"run-{number}").id, lambda: pytest.fail("nobody is at it")):
                pass
            known = {"environments", "identities.json", "identities.lock", "instances", "instances.lock"}
            assert {path.name for path in folder.iterdir()} <= known | {"locks", "snapshots"}, where
    assert int(mortal.run("last")) > 0
    with real(folder) as place, place.store.clone(snapshot("last after"), visible=False) as clone:
        assert place.read(clone) == {**CONTENT, "ibdata1": b"last"}


def test_a_copy_ends_with_the_process_that_it_is_made_for(
    place: RealPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large one would go on for long, into a folder that is deleted meanwhile."""
    place.keep(snapshot())
    begun = tmp_path / "begun"
    cp = tmp_path / "bin" / "cp"
    cp.parent.mkdir()
    cp.write_text(f"#!/bin/sh\necho $$ >{begun}.new; mv {begun}.new {begun}\nexec sleep 600\n")
    cp.chmod(0o755)
    monkeypatch.setenv("PATH", f"{cp.parent}:{os.environ['PATH']}")
    with others(tmp_path, COPIES) as (other,):
        other.go()
        eventually(begun.exists)
        copy = psutil.Process(int(begun.read_text()))
        other.process.kill()
        try:
            eventually(lambda: not copy.is_running() or copy.status() == psutil.STATUS_ZOMBIE)
        finally:
            with suppress(psutil.NoSuchProcess):
                copy.kill()


def test_nobody_else_on_the_machine_may_look_into_snapshots(place: RealPlace) -> None:
    assert (place.folder / "snapshots").stat().st_mode & 0o077 == 0
