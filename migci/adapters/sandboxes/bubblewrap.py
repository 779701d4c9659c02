"""A sandbox of the kernel's namespaces, laid out by bubblewrap (bwrap) without any right of its own.

It takes two. The outer one, which may look everywhere, lays out the view; the inner one, which may look nowhere else,
locks the door, so that what keeps watch between them has no door that can be opened from the inside. As root the user
is changed before.
"""

from __future__ import annotations

import os
import resource
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.instances import adopt_orphans, children, delete
from migci.adapters.sandboxes import seccomp
from migci.adapters.sandboxes.confinement import Limits, View
from migci.ports import EnvironmentFailed

NAME = "bubblewrap"

_PLACES = "/usr/bin:/bin:/usr/sbin:/sbin"
_HOME = Path("/tmp")  # noqa: S108  # inside, where it is nobody else's
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "ssl/certs", "ca-certificates")
_OWN = 3
"""Inside, the numbers up to this are those of what keeps watch, and of the command."""
# systemd's range for users that exist for a while only.
_USERS = range(61184, 65520)

# /etc/passwd and its like as they are inside, whoever is on this machine.
_NAMES = {
    "passwd": "{name}:x:{user}:{group}::/tmp:/usr/sbin/nologin\n",
    "group": "{name}:x:{group}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


@dataclass(frozen=True)
class Room:
    """A `Confined`."""

    outer: tuple[str, ...]
    inner: tuple[str, ...]
    descriptors: tuple[int, ...]
    home: Path = _HOME

    def command(self, words: list[str]) -> list[str]:
        for descriptor in self.descriptors:
            os.lseek(descriptor, 0, os.SEEK_SET)  # where the last command that read it left off
        return [*self.outer, *self.inner, *words]

    def strangers(self, pids: Iterable[int]) -> int:
        return sum(inside is not None and inside > _OWN for inside in map(_number_inside, pids))

    def told(self, status: int) -> str:
        killed = status - 128 if status > 128 else -status
        with suppress(ValueError):
            if killed > 0:
                return f"its process was killed by {signal.Signals(killed).name}"
        return f"its process ended with status {status}"


class Bubblewrap:
    """A `Sandbox`. No network, no other processes, no files but the view's; nothing gains a right that it has not."""

    name = NAME

    def __init__(self) -> None:
        self._trouble: str | None = None
        self._tried = False

    def trouble(self) -> str | None:
        if not self._tried:
            self._trouble, self._tried = _trouble(self), True
        return self._trouble

    @contextmanager
    def confined(self, view: View, folder: Path) -> Iterator[Room]:
        folder.mkdir(parents=True, exist_ok=True)
        adopt_orphans()
        root = view.limits is not None and _can_change_user()
        gives = root and not view.as_owner
        user = secrets.choice(_USERS) if gives else os.geteuid()
        if root and view.as_owner:
            user = view.write[0].stat().st_uid
            root = user != os.geteuid()
        group = user if root else os.getegid()
        filtering = seccomp.descriptor() if view.limits else None
        try:
            if gives:
                _give(view.write, user)
            etc = _etc(folder, user, group)
            outer, inner = _words(view, etc, user, filtering, root=root)
            yield Room(outer, inner, () if filtering is None else (filtering,))
        finally:
            if filtering is not None:
                os.close(filtering)
            _see_the_end()
            if gives:
                _give(view.write, 0)
            delete(folder / "etc")


def _words(
    view: View, etc: Path, user: int, filtering: int | None, *, root: bool
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    bwrap = program("bwrap")
    view_of = tuple(_laid_out(view, etc))
    apart = ("--unshare-ipc", "--unshare-net", "--unshare-uts", "--unshare-pid", "--unshare-cgroup-try")
    always = ("--die-with-parent", "--new-session")
    filter_calls = () if filtering is None else ("--seccomp", str(filtering))
    lock = ("--unshare-user", "--disable-userns", "--cap-drop", "ALL", *filter_calls)
    limits = _limits(view.limits) if view.limits else ()
    # The kernel's settings belong to root, whom a user namespace may show as somebody without rights.
    settings = ("--ro-bind", "/proc/sys", "/proc/sys")
    inner = (bwrap, "--dev-bind", "/", "/", *settings, "--die-with-parent", *lock, "--", *limits)
    if not root:
        return (bwrap, "--unshare-user", *apart, *always, *view_of, "--"), inner
    change = (
        program("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups", "--inh-caps=-all",
        "--bounding-set=-all", "--no-new-privs", "--pdeathsig", "KILL", "--",
    )  # fmt: skip
    return (bwrap, *apart, *always, *view_of, "--", *change), inner


def _laid_out(view: View, etc: Path) -> Iterator[str]:
    """The options of bwrap that make up the view. What is named later lies over what was named before."""
    yield from ("--ro-bind", "/usr", "/usr")
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            yield from ("--symlink", str(place.readlink()), str(place))
        elif place.exists():
            yield from ("--ro-bind", str(place), str(place))
    room = str((view.limits or Limits()).temporary_bytes)
    yield from ("--proc", "/proc", "--dev", "/dev")
    if view.limits:
        yield from ("--dev-bind", "/dev/null", "/dev/zero")  # mapped and shared, it is memory that no limit counts
    yield from ("--perms", "1777", "--size", room, "--tmpfs", "/dev/shm")  # noqa: S108
    yield from ("--perms", "1777", "--size", room, "--tmpfs", str(_HOME))
    seen = [(Path("/etc", name), "--ro-bind-try", f"/etc/{name}") for name in _SETTINGS]
    seen += [(Path("/etc", file.name), "--ro-bind", str(file)) for file in sorted(etc.iterdir())]
    seen += [(path, "--ro-bind", str(path)) for path in view.read if not path.is_relative_to("/usr")]
    seen += [(path, "--bind", str(path)) for path in view.write]
    seen += [(path, "--symlink", target) for path, target in view.links if not path.is_relative_to("/usr")]
    # bwrap makes missing folders for their owner alone, who need not be who looks.
    for folder in sorted({parent for path, *_ in seen for parent in path.parents}):
        if not folder.is_relative_to("/usr") and folder not in (Path("/"), _HOME):
            yield from ("--perms", "0755", "--dir", str(folder))
    # The shorter paths first, or a folder would hide what lies in it.
    for path, option, what in sorted(seen, key=lambda one: len(one[0].parts)):
        yield from (option, what, str(path))
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/")


def _limits(limits: Limits) -> tuple[str, ...]:
    """Each is for one process, but the number of processes, which is the user's in its namespace."""
    wanted = {
        "DATA": limits.memory_bytes,
        "FSIZE": limits.file_bytes,
        "NPROC": limits.processes,
        "NOFILE": limits.open_files,
        "CPU": limits.cpu_seconds,
        "CORE": 0,
        "MEMLOCK": 1 << 16,
    }
    return (program("prlimit"), *(f"--{name.lower()}={_at_most(name, value)}" for name, value in wanted.items()), "--")


def _at_most(name: str, wanted: int) -> int:
    """Where this user's own limit is lower, nobody can have more."""
    hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def _etc(folder: Path, user: int, group: int) -> Path:
    etc = folder / "etc"
    etc.mkdir(exist_ok=True)
    called = "root" if user == 0 else "migration"  # a server that is told to run as root looks for that name
    for name, text in _NAMES.items():
        (etc / name).write_text(text.format(name=called, user=user, group=group))
        (etc / name).chmod(0o644)
    return etc


def _can_change_user() -> bool:
    """Whether this is a root who has other users to give away, which that of a small container has not."""
    if os.geteuid() != 0:
        return False
    ranges = (map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines())
    return any(first <= _USERS.start and _USERS.stop <= first + count for first, _, count in ranges)


def _give(places: Iterable[Path], user: int) -> None:
    """Make all that is in `places` the user's. Nothing of his is alive meanwhile, and no link is followed.

    Raises EnvironmentFailed.
    """
    there = [str(place) for place in places]
    if not there:
        return
    # Folders may be deeper in each other than Python can walk.
    words = [program("chown"), "--recursive", "--no-dereference", f"{user}:{user}", "--", *there]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise EnvironmentFailed(f"cannot make {', '.join(there)} the user {user}'s: {done.stderr.strip()[:500]}")


def _see_the_end() -> None:
    """Wait until nothing is alive of a sandbox whose outermost process has ended; that does not wait for the others.

    The first process of a sandbox is then our child, and ends after all others in it.
    """
    for pid in children(os.getpid()):
        if _number_inside(pid) == 1:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def program(name: str) -> str:
    """Raises EnvironmentFailed where it is missing."""
    found = shutil.which(name, path=_PLACES)
    if found is None:
        packages = {"bwrap": "bubblewrap"}
        raise EnvironmentFailed(
            f"{name} is not on this machine, and migrations are run in a sandbox",
            hint=f"apt-get install {packages.get(name, 'util-linux')}; "
            "or ask for none by name, migci --sandbox none …, which lets a migration do all that you can",
        )
    return found


def _number_inside(pid: int) -> int | None:
    """The number of a live process of this machine in its own innermost namespace; `None` if it has none but ours."""
    with suppress(OSError, ValueError, IndexError):
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:
            numbers = next(line for line in file if line.startswith("NSpid:")).split()[1:]
        ours = len(_own_numbers())
        return int(numbers[-1]) if len(numbers) > ours else None
    return None


def _own_numbers() -> list[str]:
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(line for line in file if line.startswith("NSpid:")).split()[1:]


def _trouble(sandbox: Bubblewrap) -> str | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with sandbox.confined(View(limits=Limits()), Path(folder)) as room:
                done = subprocess.run(
                    room.command(["true"]),
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    pass_fds=room.descriptors,
                )
        except EnvironmentFailed as error:
            return str(error)
        except OSError as error:
            return str(error)
    if done.returncode:
        return " ".join(done.stderr.split()) or f"it ended with status {done.returncode}"
    return None
