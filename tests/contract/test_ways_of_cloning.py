"""What every way of cloning keeps to, each on a filesystem where it works, for root and for a user without rights."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.cursors import Cursor

from migci.adapters.instances import MARKER, bound, marked
from migci.adapters.snapshots.ways import WAYS, Way, choose
from migci.errors import MigciError
from migci.ports import Clone, CloneFailed, DiskFull
from tests.contract.filesystems import (
    Tree,
    cannot,
    filesystem,
    mounts,
    plain_folder,
    tree,
    unprivileged,
)
from tests.contract.flavors import eventually, rows

ROOM_BYTES = 2 << 30
HOLE_BYTES = 8 << 20
ODD = "sp ace, com:ma\\ $(touch gone) \"quo'te;\nline=%s"


@dataclass(frozen=True)
class Case:
    way: str
    kind: str
    privileged: bool

    def __str__(self) -> str:
        return f"{self.way}-{self.kind}-{'root' if self.privileged else 'user'}"


PLACES = {
    "btrfs-subvolume": ["btrfs"],
    "reflink": ["xfs", "btrfs"],
    "overlay-root": ["ext4"],
    "overlay-userns": ["ext4"],
    "copy": ["ext4"],
}
"""Where each way works for sure."""

CASES = [
    Case(way, kind, privileged)
    for way, kinds in PLACES.items()
    for kind in kinds
    for privileged in (True, False)
    if privileged or way != "overlay-root"
]


@dataclass(frozen=True)
class Ground:
    """A folder on a filesystem where a way works, with a snapshot in it."""

    way: Way
    place: Path
    held: Path
    clones: Callable[[], Path]

    def clone(self) -> Clone:
        return self.way.clone(self.held, self.clones())


@pytest.fixture(scope="session")
def place_on() -> Iterator[Callable[[str], Path]]:
    """Gives a filesystem of a kind, mounted once a session."""
    mounted: dict[str, Path] = {}
    with ExitStack() as stack:

        def place(kind: str) -> Path:
            if kind not in mounted:
                # Anybody can clone somewhere; which filesystem that is does not matter then.
                anywhere = kind == "ext4" and os.geteuid() != 0
                mounted[kind] = stack.enter_context(plain_folder() if anywhere else filesystem(kind, ROOM_BYTES))
            return mounted[kind]

        yield place


@pytest.fixture(params=CASES, ids=str)
def ground(request: pytest.FixtureRequest, place_on: Callable[[str], Path]) -> Iterator[Ground]:
    with on(request.param, place_on(request.param.kind)) as found:
        yield found


@pytest.fixture(params=[case for case in CASES if case.privileged], ids=str)
def roots_ground(request: pytest.FixtureRequest, place_on: Callable[[str], Path]) -> Iterator[Ground]:
    with on(request.param, place_on(request.param.kind)) as found:
        yield found


@contextlib.contextmanager
def on(case: Case, filesystem_: Path, name: str = "") -> Iterator[Ground]:
    way = next(way for way in WAYS if way.name == case.way)
    root = os.geteuid() == 0
    if case.way == "overlay-root" and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        cannot("overlay-root: this user may not mount")
    if case.way == "overlay-userns" and subprocess.run(["unshare", "--user", "true"], capture_output=True).returncode:
        cannot("overlay-userns: the kernel allows no user namespaces here")
    if case.privileged and not root:
        cannot(f"{case}: this is not root")
    with ExitStack() as stack:
        if root and not case.privileged:
            stack.enter_context(unprivileged())
        place = Path(tempfile.mkdtemp(dir=filesystem_)) / name
        place.mkdir(exist_ok=True)
        held = place / "held"
        way.hold(held)
        fill(held)

        def clones() -> Path:
            folder = place / f"clone-{secrets.token_hex(4)}"
            folder.mkdir(mode=0o700)
            return folder

        yield Ground(way, place, held, clones)
        # By whoever made it: there must be no need for more rights.
        shutil.rmtree(place if not name else place.parent)


def fill(folder: Path) -> None:
    """A little of everything that a datadir may hold."""
    (folder / "shop").mkdir(mode=0o700)
    (folder / "empty").mkdir()
    (folder / "ibdata1").write_bytes(os.urandom(300_000))
    (folder / "shop" / "orders.ibd").write_bytes(os.urandom(70_000))
    (folder / "shop" / "none").touch(mode=0o600)
    (folder / "shop" / ODD).write_text("odd")
    (folder / "link").symlink_to("shop/orders.ibd")
    (folder / "shop" / "run").write_text("#!/bin/sh\n")
    (folder / "shop" / "run").chmod(0o750)
    with (folder / "ib_logfile0").open("wb") as log:
        log.write(b"begin")
        log.seek(HOLE_BYTES)
        log.write(b"end")
    for number, path in enumerate(sorted(folder.rglob("*"))):
        os.utime(path, ns=(0, 1_600_000_000_123_456_789 + number), follow_symlinks=False)
    os.utime(folder, ns=(0, 1_500_000_000_000_000_001))
    folder.chmod(0o751)


def do(clone: Clone, script: str, *words: str) -> str:
    """Run a shell script in the clone's folder; returns what it printed."""
    done = subprocess.run(
        clone.command(["sh", "-e", "-c", f'cd "$0"\n{script}', str(clone.data), *words]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def seen(clone: Clone) -> Tree:
    return tree(clone.data, clone.command)


CHANGES = """
rm ibdata1
printf more >>shop/orders.ibd
truncate -s 10 ib_logfile0
mv shop/run shop/ran
chmod 600 shop/ran
mkdir new && echo new >new/file
rmdir empty && echo >empty
ln -sfn elsewhere link
"""


def test_a_clone_has_its_originals_bytes_modes_times_and_links(ground: Ground) -> None:
    assert seen(ground.clone()) == tree(ground.held)


def test_the_holes_of_a_file_stay_holes(ground: Ground) -> None:
    blocks = do(ground.clone(), "stat -c %b ib_logfile0")
    assert int(blocks) * 512 < HOLE_BYTES / 2


def test_what_is_done_to_a_clone_never_reaches_its_original(ground: Ground) -> None:
    before = tree(ground.held)
    clone = ground.clone()
    do(clone, CHANGES)
    assert seen(clone) != before
    assert tree(ground.held) == before


def test_commands_one_after_the_other_find_what_the_one_before_left(ground: Ground) -> None:
    clone = ground.clone()
    do(clone, "echo 1 >>counted; rm ibdata1")
    do(clone, "echo 2 >>counted; rm counted.not || true")
    assert do(clone, "cat counted; ls") == "1\n2\ncounted\nempty\nib_logfile0\nlink\nshop\n"


def test_two_clones_at_once_do_not_see_each_other(ground: Ground) -> None:
    one, other = ground.clone(), ground.clone()
    script = 'cd "$0" && echo "$1" >>shop/run && touch only-$1 && ls -d only-* && read -r go && tail -n 1 shop/run'
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    clone.command(["sh", "-c", script, str(clone.data), name]),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for clone, name in ((one, "one"), (other, "other"))
        ]
        outputs = [process.stdout for process in started if process.stdout]
        assert [stream.readline() for stream in outputs] == ["only-one\n", "only-other\n"]  # both are alive now
        assert [process.communicate("go\n")[0] for process in started] == ["one\n", "other\n"]


def test_a_hundred_clones_leave_the_original_as_it_was(roots_ground: Ground) -> None:
    before = tree(roots_ground.held)
    for _ in range(100):
        folder = roots_ground.clones()
        do(roots_ground.way.clone(roots_ground.held, folder), "echo more >>ibdata1; rm -r shop")
        shutil.rmtree(folder)
    assert tree(roots_ground.held) == before


def test_nothing_is_left_of_a_clone_whose_folder_was_deleted(ground: Ground) -> None:
    before, names = mounts(), sorted(ground.place.iterdir())
    folder = ground.clones()
    clone = ground.way.clone(ground.held, folder)
    do(clone, CHANGES)
    shutil.rmtree(folder)
    assert sorted(ground.place.iterdir()) == names
    assert mounts() == before


def test_a_mount_is_never_seen_from_outside(ground: Ground) -> None:
    before = mounts()
    clone = ground.clone()
    with subprocess.Popen(clone.command(["cat"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"x\n"
        assert mounts() == before


SHARED = """
set -e
extra=$1; shift
mount -t tmpfs tmpfs "$extra"
"$@" &
while [ "$(cat /proc/$!/comm)" != sleep ]; do kill -0 $!; sleep 0.01; done
grep -c " overlay " /proc/self/mountinfo || true
umount "$extra"
grep -c "$extra" /proc/$!/mountinfo || true
kill $!
"""
"""Prints how many overlays are seen outside, and how often a disk that was unmounted is still mounted inside."""


@pytest.mark.parametrize("way", ["overlay-root", "overlay-userns"])
def test_where_mounts_are_shared_no_mount_comes_out_and_every_unmount_comes_in(
    place_on: Callable[[str], Path], way: str
) -> None:
    with on(Case(way, "ext4", True), place_on("ext4")) as ground:
        extra = ground.place / "extra"
        extra.mkdir()
        command = ground.clone().command(["sleep", "1000"])
        done = subprocess.run(
            ["unshare", "--mount", "--propagation", "shared", "sh", "-c", SHARED, "sh", str(extra), *command],
            capture_output=True,
            text=True,
        )
        assert (done.stdout, done.stderr) == ("0\n0\n", "")


def test_a_killed_command_leaves_no_mount_and_a_clone_that_can_be_used_and_deleted(ground: Ground) -> None:
    before = mounts()
    folder = ground.clones()
    clone = ground.way.clone(ground.held, folder)
    script = 'cd "$0"; echo kept >>shop/run; echo begun; sleep 1000'
    with subprocess.Popen(
        clone.command(["sh", "-c", script, str(clone.data)]), stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        os.killpg(process.pid, signal.SIGKILL)
    assert mounts() == before
    assert do(clone, "tail -n 1 shop/run") == "kept\n"
    shutil.rmtree(folder)
    assert not folder.exists()


def test_a_command_waits_until_the_one_before_has_ended(ground: Ground) -> None:
    clone = ground.clone()
    script = 'cd "$0"; echo 1 >>counted; echo begun; read -r go; echo 2 >>counted'
    with subprocess.Popen(
        clone.command(["sh", "-c", script, str(clone.data)]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        assert first.stdout.readline() == b"begun\n"
        if ground.way.visible:
            assert do(clone, "cat counted") == "1\n"
            return
        with subprocess.Popen(
            clone.command(["cat", str(clone.data / "counted")]), stdout=subprocess.PIPE, text=True
        ) as second:
            waiting = psutil.Process(second.pid)
            eventually(
                lambda: second.poll() is not None or "flock" in [one.name() for one in waiting.children(recursive=True)]
            )
            first.stdin.write(b"go\n")
            first.stdin.flush()
            assert second.communicate()[0] == "1\n2\n"


def test_a_commands_input_output_and_status_are_its_own(ground: Ground) -> None:
    done = subprocess.run(
        ground.clone().command(["sh", "-c", "cat; echo wrong >&2; exit 7"]), input=b"said", capture_output=True
    )
    assert (done.stdout, done.stderr, done.returncode) == (b"said", b"wrong\n", 7)


def test_a_command_is_the_process_that_was_started_with_its_user_and_no_more_rights(ground: Ground) -> None:
    script = 'echo $$; id -u; id -g; grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status'
    here = subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout.splitlines()[1:]
    with subprocess.Popen(ground.clone().command(["sh", "-c", script]), stdout=subprocess.PIPE, text=True) as process:
        pid, *told = process.communicate()[0].splitlines()
    assert int(pid) == process.pid
    if os.geteuid() == 0:  # root of a namespace has rights of its own there
        del told[2:], here[2:]
    assert told == here


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_the_command(ground: Ground, number: signal.Signals) -> None:
    with subprocess.Popen(
        ground.clone().command(["sh", "-c", "echo begun; exec sleep 1000"]), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(number)
    assert process.returncode == -number


def test_words_are_handed_on_as_they_are(ground: Ground) -> None:
    words = ["", ODD, "-x", "--", "$HOME", "`id`", "*"]
    done = subprocess.run(ground.clone().command(["printf", "%s\\0", *words]), capture_output=True, text=True)
    assert done.stdout.split("\0")[:-1] == words


def test_the_current_folder_stays_and_may_be_the_clones_own(ground: Ground) -> None:
    clone = ground.clone()
    for folder in (ground.place, clone.data):
        told = subprocess.run(clone.command(["sh", "-c", "pwd; ls"]), cwd=folder, capture_output=True, text=True)
        assert told.stdout.splitlines()[0] == str(folder)
        assert ("ibdata1" in told.stdout) == (folder == clone.data)


def test_a_command_is_known_by_its_mark_and_dies_with_whoever_started_it(ground: Ground) -> None:
    clone = ground.clone()
    mark = f"ways-of-cloning-{os.getpid()}-{secrets.token_hex(4)}"
    reading, writing = os.pipe()
    starter = os.fork()
    if starter == 0:
        try:
            subprocess.Popen(
                bound(clone.command(["sh", "-c", "echo begun; exec sleep 1000"])),
                env={"PATH": "/usr/bin:/bin", MARKER: mark},
                stdout=writing,
                start_new_session=True,
            ).wait()
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as begun:
        assert begun.readline() == b"begun\n"
    eventually(lambda: any(b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked(mark)))
    assert len(marked(mark)) == 1
    os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)
    eventually(lambda: not marked(mark))


def test_a_clone_moves_to_where_it_is_told_as_it_is_now(ground: Ground) -> None:
    clone = ground.clone()
    do(clone, CHANGES)
    now = seen(clone)
    clone.move_to(ground.place / "moved")
    assert tree(ground.place / "moved") == now


def test_what_was_moved_can_be_cloned_again(ground: Ground) -> None:
    folder = ground.clones()
    clone = ground.way.clone(ground.held, folder)
    do(clone, "echo more >>ibdata1; rm -r shop")
    clone.move_to(ground.place / "moved")
    shutil.rmtree(folder)
    again = ground.way.clone(ground.place / "moved", ground.clones())
    assert again.way == ground.way.name
    assert seen(again) == tree(ground.place / "moved")


def test_a_clone_that_cannot_be_moved_is_told_and_stays(ground: Ground) -> None:
    clone = ground.clone()
    before = seen(clone)
    with pytest.raises(CloneFailed) as failed:
        clone.move_to(ground.place / "missing" / "moved")
    assert failed.value.message == (
        f"cannot clone {clone.data} by {ground.way.name}: "
        f"it cannot become {ground.place}/missing/moved: No such file or directory"
    ) or ground.way.name.startswith("overlay")
    assert seen(clone) == before


@pytest.mark.parametrize("case", CASES, ids=str)
def test_any_name_will_do(case: Case, place_on: Callable[[str], Path]) -> None:
    with on(case, place_on(case.kind), ODD) as ground:
        assert ground.way.unusable(ground.place) is None
        clone = ground.clone()
        assert seen(clone) == tree(ground.held)
        do(clone, CHANGES)
        now = seen(clone)
        clone.move_to(ground.place / "moved")
        assert tree(ground.place / "moved") == now
        assert not Path("gone").exists()


def test_a_snapshot_that_is_not_there_is_told_with_the_way_and_the_reason(ground: Ground) -> None:
    folder, missing = ground.clones(), ground.place / "missing"
    with pytest.raises(CloneFailed) as failed:
        ground.way.clone(missing, folder)
    assert failed.value.message.startswith(f"cannot clone {missing} by {ground.way.name}: ")
    assert failed.value.message.endswith("No such file or directory")
    assert failed.value.hint == "run 'migci doctor' to see which ways of cloning work here"
    shutil.rmtree(folder)


def test_a_snapshot_that_cannot_be_read_is_told_with_the_way_and_the_reason(ground: Ground) -> None:
    if os.geteuid() == 0:
        return  # root reads everything
    folder = ground.clones()
    ground.held.chmod(0)
    try:
        with pytest.raises(CloneFailed) as failed:
            ground.way.clone(ground.held, folder)
        assert failed.value.message.startswith(f"cannot clone {ground.held} by {ground.way.name}: ")
        assert failed.value.message.endswith("Permission denied")
    finally:
        ground.held.chmod(0o700)
        shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_to_is_told_with_the_way_and_the_reason(ground: Ground) -> None:
    if os.geteuid() == 0:
        return  # root writes everywhere
    folder = ground.clones()
    folder.chmod(0o500)
    with pytest.raises(CloneFailed) as failed:
        ground.way.clone(ground.held, folder)
    assert failed.value.message.startswith(f"cannot clone {ground.held} by {ground.way.name}: ")
    assert failed.value.message.endswith("Permission denied")


def test_a_snapshot_whose_files_are_read_only_is_cloned(ground: Ground) -> None:
    for path in (ground.held / "ibdata1", ground.held / "shop", ground.held):
        path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
    clone = ground.clone()
    assert seen(clone) == tree(ground.held)
    do(clone, "chmod -R u+w . && echo more >>ibdata1")
    do(ground.clone(), "chmod -R u+w .")  # or it cannot be deleted
    ground.held.chmod(0o700)
    (ground.held / "shop").chmod(0o700)


def test_a_way_that_is_tried_leaves_nothing_behind(ground: Ground) -> None:
    before, names = mounts(), sorted(ground.place.iterdir())
    assert ground.way.unusable(ground.place) is None
    assert sorted(ground.place.iterdir()) == names
    assert mounts() == before


def test_a_way_does_not_work_where_nothing_can_be_written(ground: Ground) -> None:
    reason = ground.way.unusable(ground.place / "missing")
    assert reason is not None
    assert reason.endswith("No such file or directory")


FULL = {"ext4": ("ext4", 24 << 20), "xfs": ("xfs", 300 << 20), "btrfs": ("btrfs-mixed", 64 << 20)}
"""The smallest of each kind."""


@pytest.mark.parametrize("case", [case for case in CASES if case.privileged], ids=str)
def test_a_full_disk_is_told_by_name(case: Case) -> None:
    with filesystem(*FULL[case.kind]) as place, on(case, place) as ground:
        before = seen_from_here(ground)
        folders = [ground.clones() for _ in range(200)]
        with contextlib.suppress(OSError), (place / "filling").open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(1 << 20))
        with contextlib.suppress(OSError), (place / "rest").open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(4096))
        os.sync()
        folder, error = first_that_fails(ground, folders)
        assert isinstance(error, DiskFull), error
        assert error.message.startswith(f"the disk of {folder} is full: ")
        assert f" by {case.way}: " in error.message
        assert error.hint == "free some space, or point MIGCI_STORE at a larger disk"
        for made in folders:
            shutil.rmtree(made)
        assert seen_from_here(ground) == before


def first_that_fails(ground: Ground, folders: list[Path]) -> tuple[Path, MigciError]:
    """A filesystem keeps some room for itself, so that on a full one some clones may still fit."""
    for folder in folders:
        try:
            ground.way.clone(ground.held, folder)
        except MigciError as error:
            return folder, error
    pytest.fail("every clone fitted on a full disk")


def seen_from_here(ground: Ground) -> tuple[Tree, list[str]]:
    return tree(ground.held), sorted(path.name for path in ground.place.iterdir())


OPERATIONS = {
    "write": 'printf "%s" "$2" >"$1"',
    "append": 'printf "%s" "$2" >>"$1"',
    "truncate": 'truncate -s "${#2}" "$1"',
    "remove": 'rm -r "$1"',
    "rename": 'mv -T "$1" "$2"',
    "folder": 'mkdir "$1"',
    "unfolder": 'rmdir "$1"',
    "link": 'ln -s "$2" "$1"',
    "second": 'ln "$1" "$2"',
    "close": 'chmod 700 "$1"',
    "open": 'chmod 755 "$1"',
}

PATHS = ["ibdata1", "shop", "shop/orders.ibd", "shop/run", "empty", "link", "new", "new/one", "shop/new", "empty/in"]

operations = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.sampled_from(PATHS), st.sampled_from(PATHS)), max_size=12
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=operations, more=operations)
def test_whatever_is_done_a_clone_ends_as_a_plain_copy_would(
    ground: Ground, changes: list[tuple[str, str, str]], more: list[tuple[str, str, str]]
) -> None:
    before = tree(ground.held)
    model = ground.clones()
    subprocess.run(["cp", "-a", "-T", str(ground.held), str(model)], check=True)
    folder = ground.clones()
    clone = ground.way.clone(ground.held, folder)
    for part in (changes, more):  # by two commands: the second finds what the first left
        script = "".join(f"set -- '{one}' '{two}'\n{OPERATIONS[name]} || echo refused\n" for name, one, two in part)
        told = [
            subprocess.run(started, input=script, capture_output=True, text=True).stdout
            for started in (
                ["sh", "-c", 'cd "$0" && exec sh', str(model)],
                clone.command(["sh", "-c", 'cd "$0" && exec sh', str(clone.data)]),
            )
        ]
        assert told[0] == told[1]
    clone.move_to(ground.place / "moved")
    assert timeless(tree(ground.place / "moved")) == timeless(tree(model))
    assert tree(ground.held) == before
    for used in (model, folder, ground.place / "moved"):
        shutil.rmtree(used)


def timeless(found: Tree) -> dict[str, tuple[object, ...]]:
    return {name: (*facts[:2], *facts[3:]) for name, facts in found.items()}


BEST = {"btrfs": "btrfs-subvolume", "xfs": "reflink"}


@pytest.mark.parametrize("kind", ["btrfs", "xfs", "ext4"])
@pytest.mark.parametrize("visible", [True, False])
def test_the_best_way_that_works_is_chosen_and_the_better_ones_are_told_with_the_reason(
    place_on: Callable[[str], Path], kind: str, visible: bool
) -> None:
    place = place_on(kind)
    choice = choose(place, visible=visible)
    expected = BEST.get(kind, "copy" if visible else "overlay-root" if os.geteuid() == 0 else "overlay-userns")
    if not visible and choice.way.name == "copy" != expected:
        cannot(f"{expected}: {dict(choice.refused)[expected]}")
    assert choice.way.name == expected
    better = [way.name for way in WAYS if way.visible or not visible]
    assert [name for name, _ in choice.refused] == better[: better.index(expected)]
    reasons = dict(choice.refused)
    if kind != "btrfs":
        assert reasons["btrfs-subvolume"] == "not a btrfs filesystem"
    if kind == "ext4":
        assert "Operation not supported" in reasons["reflink"]


def test_where_no_way_works_all_the_reasons_are_told(tmp_path: Path) -> None:
    with pytest.raises(CloneFailed) as failed:
        choose(tmp_path / "missing", visible=False)
    assert failed.value.message.startswith(f"no way of cloning works in {tmp_path}/missing: btrfs-subvolume: ")
    assert all(f"{way.name}: " in failed.value.message for way in WAYS)


def test_a_folder_that_is_no_subvolume_is_cloned_by_reflinks(place_on: Callable[[str], Path]) -> None:
    with on(Case("btrfs-subvolume", "btrfs", True), place_on("btrfs")) as ground:
        plain = ground.place / "plain"
        subprocess.run(["cp", "-a", str(ground.held), str(plain)], check=True)
        clone = ground.way.clone(plain, ground.clones())
        assert clone.way == "reflink"
        assert seen(clone) == tree(plain)


def test_a_snapshot_with_a_file_of_another_user_is_not_cloned_in_a_user_namespace(
    place_on: Callable[[str], Path],
) -> None:
    if os.geteuid() != 0:
        cannot("only root can give a file away")
    with on(Case("overlay-userns", "ext4", True), place_on("ext4")) as ground:
        os.chown(ground.held / "ibdata1", 1, 0)
        with pytest.raises(CloneFailed) as failed:
            ground.clone()
        assert failed.value.message == (
            f"cannot clone {ground.held} by overlay-userns: "
            f"it holds {ground.held}/ibdata1, which belongs to another user or group"
        )


def test_a_file_of_another_user_stays_his_where_root_clones(place_on: Callable[[str], Path]) -> None:
    if os.geteuid() != 0:
        cannot("only root can give a file away")
    for way in ("overlay-root", "copy"):
        with on(Case(way, "ext4", True), place_on("ext4")) as ground:
            os.chown(ground.held / "ibdata1", 1, 2)
            os.chown(ground.held, 3, 4)
            clone = ground.clone()
            assert do(clone, "echo more >>ibdata1; stat -c %u:%g ibdata1 .") == "1:2\n3:4\n"
            clone.move_to(ground.place / "moved")
            assert (ground.place / "moved" / "ibdata1").stat().st_uid == 1


@pytest.fixture(scope="session")
def datadir() -> Iterator[Path]:
    """A datadir of MariaDB, which everybody may read."""
    installer = shutil.which("mariadb-install-db")
    if installer is None:
        cannot("mariadb-install-db is not on this machine: apt-get install mariadb-server-core")
    with plain_folder() as folder:
        words = [installer, "--no-defaults", f"--datadir={folder / 'data'}", "--auth-root-authentication-method=normal"]
        words += ["--skip-test-db", "--skip-name-resolve", "--force", *as_this_user()]
        words += ["--innodb-log-file-size=4M", "--innodb-flush-method=nosync"]
        subprocess.run(words, check=True, capture_output=True)
        subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
        yield folder / "data"


def as_this_user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


@contextlib.contextmanager
def server(clone: Clone, folder: Path) -> Iterator[pymysql.Connection[Cursor]]:
    """A mariadbd on `clone`, killed on exit."""
    program = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
    assert program is not None
    socket = folder / "socket"
    words = [program, "--no-defaults", f"--datadir={clone.data}", f"--socket={socket}", "--skip-networking"]
    words += ["--innodb-log-file-size=4M", f"--pid-file={folder / 'pid'}", *as_this_user()]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(bound(clone.command(words)), stdout=log, stderr=log, cwd=folder)
    connection: pymysql.Connection[Cursor] | None = None

    def answers() -> bool:
        nonlocal connection
        assert process.poll() is None, (folder / "log").read_text(errors="replace")
        with contextlib.suppress(pymysql.err.OperationalError):
            connection = pymysql.connect(unix_socket=str(socket), user="root", autocommit=True)
        return connection is not None

    try:
        eventually(answers)
        assert connection is not None
        with connection:
            yield connection
    finally:
        process.kill()
        process.wait()


def test_a_database_server_works_on_a_clone_and_its_original_stays_as_it_was(ground: Ground, datadir: Path) -> None:
    original = ground.place / "datadir"
    ground.way.hold(original)
    subprocess.run(["cp", "-r", "-T", str(datadir), str(original)], check=True)
    before = tree(original)
    folder = ground.clones()
    clone = ground.way.clone(original, folder)
    with server(clone, folder) as connection:
        rows(connection, "CREATE DATABASE shop")
        rows(connection, "CREATE TABLE shop.orders (id INT PRIMARY KEY, note TEXT) ENGINE=InnoDB")
        rows(connection, "INSERT INTO shop.orders VALUES (1, 'one'), (2, 'two')")
    with server(clone, folder) as connection:
        assert rows(connection, "SELECT note FROM shop.orders ORDER BY id") == [("one",), ("two",)]
        rows(connection, "ALTER TABLE shop.orders ADD COLUMN paid INT, FORCE")
        rows(connection, "DROP DATABASE shop")
        assert rows(connection, "SHOW DATABASES LIKE 'shop'") == []
    shutil.rmtree(folder)
    assert tree(original) == before
