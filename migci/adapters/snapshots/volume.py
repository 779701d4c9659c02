"""A store on a disk without reflinks gets them: it is moved into an XFS image that lies beside it.

For a store `S` the image is `S.xfs`. The folder under the mount holds `NOT-MOUNTED`, so that a store whose image is
not mounted is known as such; `S.xfs.old` is there while the change is under way.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from migci.adapters.instances import bound, sweep
from migci.errors import MigciError, UsageError

NOT_MOUNTED = "NOT-MOUNTED"

SMALLEST_BYTES = 300 << 20
"""What XFS takes at least."""

_OVERHEAD_BYTES = 128 << 20
"""Room for what XFS itself keeps: its log alone takes 64 MiB."""

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# What is deleted in the store is given back to the disk. An image in a user's folder gives that user nothing of root's.
_MOUNT = ("mount", "-o", "loop,discard,nosuid,nodev")
_AT_FDCWD = -100  # <fcntl.h>
_RENAME_EXCHANGE = 2  # <linux/fs.h>

# The mount and the processes live in namespaces of their own, and are gone with the command, however that ends.
_APART = ("--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child")
_FILL = """
set -e
mount -o loop "$1" "$2"
cp -a -- "$3/." "$2"
sync -f "$2"
umount "$2"
"""


def init(store: Path, size_bytes: int) -> None:
    """Move `store` into a new image of `size_bytes`, and mount that at `store`.

    Killed at any point, it leaves the store as it was, or the new one, which `mounted` mounts; called again, it begins
    anew. Raises UsageError with what is wrong with the machine, the size or the store.
    """
    store = store.resolve()
    _check_machine()
    if (store / NOT_MOUNTED).exists():
        raise UsageError(f"{store} has an image already, which is not mounted", hint=_how(store))
    try:
        store.mkdir(parents=True, exist_ok=True)
        with _unused(store):
            _check_room(store, size_bytes)
            try:
                _prepare(store, size_bytes)
                _exchange(store, _old(store))
            except BaseException:
                _forget(store)
                raise
            mounted(store)
    except OSError as error:
        raise MigciError(f"{error.filename or store}: {error.strerror}") from error


def mounted(store: Path) -> None:
    """See to it that `store` is mounted if it has an image: mount it, as root.

    Raises UsageError with the command to run where this user cannot, and when it fails.
    """
    store = store.resolve()
    image = image_of(store)
    if not (store / NOT_MOUNTED).exists():
        if _old(store).exists() and store.is_mount():  # whoever mounted it was killed before it was deleted
            shutil.rmtree(_old(store), ignore_errors=True)
        return
    if os.geteuid() != 0:
        raise UsageError(f"{store} is not mounted", hint=_how(store))
    try:
        with image.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # two commands at once would mount it twice
            if (store / NOT_MOUNTED).exists():
                _run([*_MOUNT, "--", str(image), str(store)], f"cannot mount {image} at {store}")
                shutil.rmtree(_old(store), ignore_errors=True)
    except FileNotFoundError as error:
        raise UsageError(
            f"{store} is not mounted, and its image {image} is gone",
            hint=f"put the image back, or begin anew: rm {shlex.quote(str(store / NOT_MOUNTED))}",
        ) from error


def _check_machine() -> None:
    if os.geteuid() != 0:
        raise UsageError("only root can mount an image", hint="run the same command as root")
    if shutil.which("mkfs.xfs", path=_PATH) is None:
        raise UsageError("mkfs.xfs is not on this machine", hint="apt-get install --no-install-recommends xfsprogs")
    _run(["losetup", "--find"], "no loop device can be had", hint="in a container, loop devices must be let in")


def _check_room(store: Path, size_bytes: int) -> None:
    """That an image of `size_bytes` can be made, and holds what the store does."""
    if size_bytes < SMALLEST_BYTES:
        raise UsageError(f"{size_bytes:,} bytes are too few: XFS takes {SMALLEST_BYTES:,} at least")
    if store.is_mount():
        raise UsageError(f"{store} is mounted already", hint="unmount it first, if it is to lie in an image")
    if image_of(store).exists() and not _old(store).exists():
        raise UsageError(f"there is an image already: {image_of(store)}", hint="move it away if it is not needed")
    held = _held_bytes(store)
    if held + _OVERHEAD_BYTES > size_bytes:
        raise UsageError(
            f"{store} holds {held:,} bytes, which do not fit into an image of {size_bytes:,}",
            hint=f"choose {held + _OVERHEAD_BYTES:,} at least",
        )
    free = shutil.disk_usage(store.parent).free
    if size_bytes > free:
        # The image is sparse, but a filesystem whose image cannot grow any more breaks.
        raise UsageError(
            f"the disk of {store.parent} has {free:,} bytes free; the image may grow to {size_bytes:,}",
            hint="choose a smaller size, or point MIGCI_STORE at a larger disk",
        )


@contextmanager
def _unused(store: Path) -> Iterator[None]:
    """While it lasts no other command begins to use the store. Raises UsageError if one is using it."""
    (store / "instances").mkdir(exist_ok=True)
    sweep(store)
    with (store / "instances.lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        alive = sorted(path.name for path in (store / "instances").iterdir() if (path / "lock").exists())
        if alive:
            raise UsageError(f"{store} is in use by {', '.join(alive)}", hint="wait until the other commands end")
        yield


def _prepare(store: Path, size_bytes: int) -> None:
    """Make the image, with all that the store holds, and the folder that will lie under it."""
    image, under = image_of(store), _old(store)
    # In this order: an image beside which `under` lies, while the store is its old self, was never used.
    image.unlink(missing_ok=True)
    shutil.rmtree(under, ignore_errors=True)
    under.mkdir(mode=0o755)
    (under / NOT_MOUNTED).write_text(
        f"This folder's files are in {image}, which is not mounted. As root:\n\n    {_command(store)}\n"
    )
    image.touch(mode=0o600)
    os.truncate(image, size_bytes)
    _run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], f"cannot make a filesystem in {image}")
    # Any folder will do to mount it at, in a namespace where nobody else looks.
    fill = ["unshare", *_APART, "--", "/bin/sh", "-c", _FILL, "sh", str(image), str(under), str(store)]
    _run(fill, f"cannot copy {store} into {image}")
    for path in (image, under / NOT_MOUNTED, under, store.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _held_bytes(store: Path) -> int:
    """What the files under `store` take on the disk."""
    return sum(
        Path(root, name).lstat().st_blocks * 512 for root, folders, files in os.walk(store) for name in folders + files
    )


def _exchange(one: Path, other: Path) -> None:
    """Let two folders take each other's names, at once."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one))


def _forget(store: Path) -> None:
    """Delete what was prepared, unless it has come to be used."""
    if not (store / NOT_MOUNTED).exists():
        with suppress(OSError):
            image_of(store).unlink(missing_ok=True)
        shutil.rmtree(_old(store), ignore_errors=True)


def _run(words: list[str], failure: str, hint: str = "") -> None:
    done = subprocess.run(
        bound(words),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env={"PATH": _PATH, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split()) or f"{words[0]} ended with status {done.returncode}"
        raise UsageError(f"{failure}: {said}", hint=hint)


def image_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.xfs")


def _old(store: Path) -> Path:
    return store.with_name(f"{store.name}.xfs.old")


def _command(store: Path) -> str:
    return shlex.join([*_MOUNT, "--", str(image_of(store)), str(store)])


def _how(store: Path) -> str:
    return f"as root: {_command(store)}"
