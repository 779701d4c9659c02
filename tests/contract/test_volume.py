"""A store that is moved into an image with reflinks, and what is left when that is killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migci.adapters.instances import instance
from migci.adapters.snapshots import volume
from migci.adapters.snapshots.ways import choose
from migci.errors import UsageError
from tests.contract.filesystems import Tree, cannot, filesystem, plain_folder, tree, unprivileged
from tests.contract.flavors import eventually

SIZE_BYTES = 512 << 20
TOO_MUCH_BYTES = 1 << 50


@pytest.fixture
def store() -> Iterator[Path]:
    """A store with something in it, and a name that needs care."""
    if os.geteuid() != 0:
        cannot("only root can mount an image")
    if shutil.which("mkfs.xfs", path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
        cannot("mkfs.xfs is not on this machine: apt-get install xfsprogs")
    if subprocess.run(["losetup", "--find"], capture_output=True).returncode:
        cannot("no loop device can be had")
    with plain_folder() as folder:
        folder.chmod(0o755)
        store = folder / "a store, of: mine"
        try:
            yield filled(store)
        finally:
            unmount(store)
            # A mount namespace that somebody on this machine made meanwhile may hold the mount until it ends.
            eventually(lambda: loops(folder) == [])


def filled(store: Path) -> Path:
    (store / "templates" / "one").mkdir(parents=True)
    (store / "templates" / "one" / "file").write_bytes(os.urandom(3_000_000))
    for number in range(50):
        (store / "templates" / str(number)).write_text(f"{number}\n")
    (store / "templates" / "link").symlink_to("one")
    (store / "instances").mkdir()
    (store / "instances.lock").touch()
    store.chmod(0o750)
    return store


def unmount(store: Path) -> None:
    while store.is_mount():
        subprocess.run(["umount", str(store)], check=True)


def loops(folder: Path) -> list[str]:
    """The loop devices of files under `folder`."""
    told = subprocess.run(
        ["losetup", "--list", "--noheadings", "--output", "BACK-FILE"], capture_output=True, text=True
    )
    return [line for line in told.stdout.splitlines() if line.startswith(f"{folder}/")]


def content(store: Path) -> Tree:
    """All but what changes when the store is looked at: the times of the folders in which commands note themselves."""
    return {name: facts for name, facts in tree(store).items() if name not in (".", "./instances")}


def refused(store: Path, size_bytes: int = SIZE_BYTES) -> UsageError:
    """Why `init` refuses; after which all is as it was."""
    before, beside = content(store), sorted(store.parent.iterdir())
    with pytest.raises(UsageError) as failed:
        volume.init(store, size_bytes)
    assert content(store) == before
    assert sorted(store.parent.iterdir()) == beside
    return failed.value


def test_a_store_in_an_image_holds_what_it_held_and_clones_by_reflinks(store: Path) -> None:
    before = content(store)
    volume.init(store, SIZE_BYTES)
    assert content(store) == before
    assert store.stat().st_mode & 0o777 == 0o750
    assert store.is_mount()
    assert choose(store, visible=True).way.name == "reflink"
    image = store.parent / f"{store.name}.xfs"
    assert sorted(path.name for path in store.parent.iterdir()) == [store.name, image.name]
    assert image.stat().st_size == SIZE_BYTES
    assert image.stat().st_blocks * 512 < SIZE_BYTES / 2


def test_a_store_that_is_not_there_yet_is_made(store: Path) -> None:
    new = store.parent / "deep" / "new"
    volume.init(new, SIZE_BYTES)
    try:
        assert new.is_mount()
    finally:
        unmount(new)


def test_an_unmounted_store_says_so_and_how_to_mount_it_and_root_mounts_it(store: Path) -> None:
    volume.init(store, SIZE_BYTES)
    before = content(store)
    unmount(store)
    assert [path.name for path in store.iterdir()] == ["NOT-MOUNTED"]
    command = f"mount -o loop,discard,nosuid,nodev -- '{store}.xfs' '{store}'"
    assert (store / "NOT-MOUNTED").read_text() == (
        f"This folder's files are in {store}.xfs, which is not mounted. As root:\n\n    {command}\n"
    )
    with unprivileged(), pytest.raises(UsageError) as failed:
        volume.mounted(store)
    assert (failed.value.message, failed.value.hint) == (f"{store} is not mounted", f"as root: {command}")
    assert refused(store).message == f"{store} has an image already, which is not mounted"
    volume.mounted(store)
    assert content(store) == before
    volume.mounted(store)  # does nothing
    unmount(store)
    subprocess.run(["sh", "-c", command], check=True)
    assert content(store) == before


def test_a_store_without_an_image_is_left_alone(store: Path) -> None:
    before = content(store)
    volume.mounted(store)
    volume.mounted(store.parent / "missing")
    assert content(store) == before
    assert not store.is_mount()


def test_two_commands_at_once_mount_it_once(store: Path) -> None:
    volume.init(store, SIZE_BYTES)
    unmount(store)
    program = (
        "import sys\nfrom pathlib import Path\nfrom migci.adapters.snapshots.volume import mounted\n"
        "sys.stdin.read()\nmounted(Path(sys.argv[1]))\n"
    )
    commands = [subprocess.Popen([sys.executable, "-c", program, str(store)], stdin=subprocess.PIPE) for _ in range(6)]
    for command in commands:
        assert command.stdin is not None
        command.stdin.close()
    assert [command.wait() for command in commands] == [0] * 6
    assert len(loops(store.parent)) == 1
    subprocess.run(["umount", str(store)], check=True)
    assert not store.is_mount()


def test_an_image_that_is_gone_is_told(store: Path) -> None:
    volume.init(store, SIZE_BYTES)
    unmount(store)
    image = store.parent / f"{store.name}.xfs"
    image.unlink()
    with pytest.raises(UsageError) as failed:
        volume.mounted(store)
    assert failed.value.message == f"{store} is not mounted, and its image {image} is gone"
    assert failed.value.hint == f"put the image back, or begin anew: rm '{store}/NOT-MOUNTED'"


def test_only_root_can(store: Path) -> None:
    with unprivileged(), pytest.raises(UsageError) as failed:
        volume.init(store, SIZE_BYTES)
    assert failed.value.message == "only root can mount an image"
    assert failed.value.hint == "run the same command as root"


def test_a_missing_program_is_told_with_its_package(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "_PATH", "/nowhere")
    error = refused(store)
    assert error.message == "mkfs.xfs is not on this machine"
    assert error.hint == "apt-get install --no-install-recommends xfsprogs"


def test_a_machine_without_loop_devices_is_told(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container; what losetup says there is played by a program of that name."""
    (tmp_path / "losetup").write_text("#!/bin/sh\necho 'losetup: cannot find an unused loop device' >&2\nexit 1\n")
    (tmp_path / "losetup").chmod(0o755)
    monkeypatch.setattr(volume, "_PATH", f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin")
    error = refused(store)
    assert error.message == "no loop device can be had: losetup: cannot find an unused loop device"
    assert error.hint == "in a container, loop devices must be let in"


def test_a_size_that_xfs_does_not_take_is_told(store: Path) -> None:
    assert refused(store, (300 << 20) - 1).message == "314,572,799 bytes are too few: XFS takes 314,572,800 at least"


def test_the_smallest_size_works(store: Path) -> None:
    volume.init(store, 300 << 20)
    assert store.is_mount()


def test_a_store_that_does_not_fit_is_told(store: Path) -> None:
    (store / "large").write_bytes(bytes(200 << 20))
    error = refused(store, 300 << 20)
    assert error.message.endswith("which do not fit into an image of 314,572,800")
    assert error.hint.endswith(" at least")


def test_a_disk_that_is_smaller_than_the_image_is_told(store: Path) -> None:
    error = refused(store, TOO_MUCH_BYTES)
    assert error.message.startswith(f"the disk of {store.parent} has ")
    assert error.message.endswith(f" bytes free; the image may grow to {TOO_MUCH_BYTES:,}")
    assert error.hint == "choose a smaller size, or point MIGCI_STORE at a larger disk"


def test_an_image_that_is_there_already_is_not_touched(store: Path) -> None:
    image = store.parent / f"{store.name}.xfs"
    image.write_text("precious")
    assert refused(store).message == f"there is an image already: {image}"
    assert image.read_text() == "precious"


def test_a_store_that_is_mounted_already_is_told(store: Path) -> None:
    volume.init(store, SIZE_BYTES)
    assert refused(store).message == f"{store} is mounted already"


def test_a_store_in_use_is_told_with_who_uses_it(store: Path) -> None:
    with instance(store) as live:
        error = refused(store)
        assert error.message == f"{store} is in use by {live.id}"
        assert error.hint == "wait until the other commands end"


def test_a_disk_that_fills_up_meanwhile_leaves_the_store_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with filesystem("ext4", 400 << 20) as place:
        store = filled(place / "store")
        (store / "large").write_bytes(os.urandom(150 << 20))
        before = content(store)
        monkeypatch.setattr(volume, "_check_room", lambda *_: None)  # there was room when it was looked at
        with pytest.raises(UsageError) as failed:
            volume.init(store, 1 << 30)
        assert failed.value.message.startswith("cannot ")
        assert content(store) == before
        assert sorted(path.name for path in place.iterdir()) == ["lost+found", "store"]
        assert not store.is_mount()


KILLED = """
import os, signal, sys
from pathlib import Path
from migci.adapters.snapshots import volume

events = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "shutil.rmtree", "subprocess.Popen"}
events |= {"fcntl.flock", "ctypes.call_function"}
left = int(sys.argv[3])

def count(event, arguments):
    global left
    if event in events:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
volume.init(Path(sys.argv[1]), int(sys.argv[2]))
"""
"""Kills itself before the nth thing that it does to the machine."""


def usable(store: Path, before: Tree) -> bool:
    """Asserts that nothing is lost; returns whether the store is in its image."""
    new = (store / "NOT-MOUNTED").exists() or store.is_mount()
    volume.mounted(store)
    assert store.is_mount() == new
    assert content(store) == before
    return new


def begin_anew(store: Path) -> None:
    unmount(store)
    for path in store.parent.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    filled(store)


def test_interrupted_after_the_store_was_changed_it_leaves_the_new_one(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, exchange = content(store), volume._exchange

    def interrupted(one: Path, other: Path) -> None:
        exchange(one, other)
        raise KeyboardInterrupt

    monkeypatch.setattr(volume, "_exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        volume.init(store, SIZE_BYTES)
    assert usable(store, before)


@pytest.mark.parametrize("again", [False, True], ids=["the first time", "again"])
def test_killed_before_anything_that_it_does_it_leaves_one_usable_store_and_can_be_called_again(
    store: Path, again: bool
) -> None:
    number, old, new = 0, 0, 0
    while True:
        number += 1
        before = content(store)
        if again:  # as it is left when it is killed while it fills the image
            store.with_name(f"{store.name}.xfs").touch()
            store.with_name(f"{store.name}.xfs.old").mkdir()
            store.with_name(f"{store.name}.xfs.old").joinpath("NOT-MOUNTED").touch()
        done = subprocess.run([sys.executable, "-c", KILLED, str(store), str(SIZE_BYTES), str(number)])
        if usable(store, before):
            new += 1
        else:
            old += 1
            volume.init(store, SIZE_BYTES)
            assert usable(store, before)
        assert sorted(path.name for path in store.parent.iterdir()) == [store.name, f"{store.name}.xfs"]
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        begin_anew(store)
    assert old > 10
    assert new > 3


def test_killed_at_any_moment_it_leaves_one_usable_store_and_can_be_called_again(store: Path) -> None:
    for _ in range(8):
        before = content(store)
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(store), str(SIZE_BYTES), "0"])
        time.sleep(random.uniform(0.05, 0.35))  # whenever it is, what is asserted holds
        process.kill()
        process.wait()
        if not usable(store, before):
            volume.init(store, SIZE_BYTES)
            assert usable(store, before)
        begin_anew(store)
