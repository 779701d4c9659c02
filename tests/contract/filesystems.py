"""Filesystems in images, and a user without rights: where files lie and whose they are decides how they are cloned."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

MAKERS: dict[str, tuple[list[str], str]] = {
    "ext4": (["mkfs.ext4", "-q", "-F"], "e2fsprogs"),
    "xfs": (["mkfs.xfs", "-q", "-f", "-m", "reflink=1"], "xfsprogs"),
    "btrfs": (["mkfs.btrfs", "-q", "-f"], "btrfs-progs"),
    # Small ones keep data and metadata together, and so are full when they are.
    "btrfs-mixed": (["mkfs.btrfs", "-q", "-f", "--mixed"], "btrfs-progs"),
}
"""Each kind's mkfs, and the Debian package that has it."""

USER = 54321
"""A user and a group that nothing on this machine belongs to."""

_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"

AsStarted = Callable[[list[str]], list[str]]


def cannot(why: str) -> NoReturn:
    """Skip a test, and say so where everybody sees it."""
    warnings.warn(f"NOT TESTED: {why}", stacklevel=2)
    pytest.skip(why)


@contextmanager
def filesystem(kind: str, size_bytes: int) -> Iterator[Path]:
    """An empty filesystem that everybody may write to; unmounted and gone on exit. The path is short."""
    words, package = MAKERS[kind]
    if os.geteuid() != 0:
        cannot(f"a filesystem of kind {kind} can be mounted by root alone")
    if shutil.which(words[0], path=_PATH) is None:
        cannot(f"{words[0]} is not on this machine: apt-get install {package}")
    # Not in pytest's own folder, which other users may not enter.
    folder = Path(tempfile.mkdtemp(prefix="migci-"))
    folder.chmod(0o755)
    try:
        image, place = folder / "image", folder / "fs"
        place.mkdir()
        image.touch()
        os.truncate(image, size_bytes)
        subprocess.run([*words, str(image)], check=True, capture_output=True, env={**os.environ, "PATH": _PATH})
        mounted = subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True)
        if mounted.returncode:
            cannot(f"a filesystem of kind {kind} cannot be mounted here: {mounted.stderr.strip()}")
        try:
            place.chmod(0o777)
            yield place
        finally:
            subprocess.run(["umount", str(place)], check=True)
    finally:
        shutil.rmtree(folder)


@contextmanager
def plain_folder() -> Iterator[Path]:
    """A folder on whatever disk this machine has, for who may not mount."""
    folder = Path(tempfile.mkdtemp(prefix="migci-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """This process, and all that it starts, belong to `USER`."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setresgid(USER, USER, group)
    os.setresuid(USER, USER, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(group, group, group)
        os.setgroups(groups)


Tree = dict[str, tuple[bytes, int, float, int, int, str, bytes]]


def tree(folder: Path, started: AsStarted = list) -> Tree:
    """All that is under `folder`, as a program sees it that `started` starts.

    Each name's type, mode, time, owner, group, target and bytes.
    """
    words = ["tar", "-C", str(folder), "--format=posix", "--numeric-owner", "-cf", "-", "."]
    packed = subprocess.run(started(words), check=True, stdout=subprocess.PIPE).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            found[member.name] = (
                member.type,
                member.mode,
                float(member.mtime),
                member.uid,
                member.gid,
                member.linkname,
                stream.read() if stream else b"",
            )
    return found


def mounts() -> list[str]:
    """What is mounted, as this process sees it."""
    return sorted(line.split(" ", 1)[1] for line in Path("/proc/self/mountinfo").read_text().splitlines())
