"""Cloning by an overlay: the snapshot is seen through, and only what is opened for writing is copied.

The mount lives in a private mount namespace of the command that is started on the clone. It is never visible to
others, and the kernel takes it away with the last process of that command, however that one ends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.snapshots.copying import NotCloned, copied, explained, made, moved
from migci.adapters.snapshots.trial import trouble

# Started as: sh -c SCRIPT sh FOLDER OPTIONS COMMAND...; every path reaches mount as a name in the current folder, so
# that none has to be written in the syntax of mount's options. The lock, which lasts as long as any process of the
# command, keeps a second mount from working in the folder of the first.
# `volatile` leaves a note in `work` that refuses the next mount; nothing else there outlives a mount. The kernel makes
# folders in `work` that not even their owner may enter, and so could not delete.
_SCRIPT = """
exec 9<"$1" || exit 125
(
    PATH=/usr/sbin:/usr/bin:/sbin:/bin
    cd -- "$1" || exit 125
    flock -w 10 9 || { echo "another command is using the clone" >&2; exit 125; }
    rm -rf work && mkdir work && mount -t overlay -o "$2" overlay data && chmod -R u+rwx work || exit 125
) || exit 125
cd -- "$PWD" 2>/dev/null
shift 2
exec "$@"
"""

# What is mounted here is seen nowhere else; what is unmounted elsewhere is unmounted here too, where the machine's
# mounts are shared, so that a server which runs for hours does not keep a disk from being let go.
_APART = ("--mount", "--propagation", "slave")

# `volatile`: syncing does nothing. A clone does not outlive a crash of the machine, and without it every table is
# written to the disk when it is first opened. `index=off`: or a mount whose last process is still ending is an error.
_OPTIONS = "lowerdir=lower,upperdir=upper,workdir=work,volatile,index=off"


@dataclass(frozen=True)
class OverlayClone:
    """A `Clone`. A command that is started on it while another one is alive waits for 10 s, then exits with 125."""

    folder: Path
    way: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    options: str

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def command(self, words: list[str]) -> list[str]:
        return [*self.before, "/bin/sh", "-c", _SCRIPT, "sh", str(self.folder), self.options, *self.after, *words]

    def move_to(self, folder: Path) -> None:
        """All files are copied."""
        copied(self.command(["cp"]), self.data, self.folder / "whole", self.way, reflink="auto")
        moved(self.folder / "whole", folder, self.way)


@dataclass(frozen=True)
class RootOverlay:
    """A `Way`, for root."""

    name: str = "overlay-root"
    visible: bool = False

    def unusable(self, place: Path) -> str | None:
        return trouble(self, place)

    def hold(self, folder: Path) -> None:
        made(folder, self.name)

    def clone(self, data: Path, folder: Path) -> OverlayClone:
        before = (_program("unshare", data, self.name), *_APART, "--")
        return _cloned(data, OverlayClone(folder.absolute(), self.name, before, (), f"{_OPTIONS},redirect_dir=on"))


@dataclass(frozen=True)
class UserOverlay:
    """A `Way`, for everybody whom the kernel allows user namespaces.

    A command keeps its user, and gets no more rights than it had. It can rename files, but no folder of the
    snapshot (EXDEV). Every file must be the user's own, because the namespace knows no other.
    """

    name: str = "overlay-userns"
    visible: bool = False

    def unusable(self, place: Path) -> str | None:
        return trouble(self, place)

    def hold(self, folder: Path) -> None:
        made(folder, self.name)

    def clone(self, data: Path, folder: Path) -> OverlayClone:
        foreign = _foreign(data)
        if foreign is not None:
            raise NotCloned(data, self.name, f"it holds {foreign}, which belongs to another user or group")
        unshare = _program("unshare", data, self.name)
        # The rights in the namespace are there for the mount alone.
        without = (_program("setpriv", data, self.name), "--ambient-caps=-all", "--inh-caps=-all", "--")
        before = (unshare, "--user", "--map-current-user", "--keep-caps", *_APART, "--")
        return _cloned(data, OverlayClone(folder.absolute(), self.name, before, without, f"{_OPTIONS},userxattr"))


def _cloned(data: Path, clone: OverlayClone) -> OverlayClone:
    """Lay out the folder of `clone`, and see that it can be mounted."""
    upper = clone.folder / "upper"
    try:
        status = data.stat()
        next(data.iterdir(), None)
        for name in ("upper", "data"):
            (clone.folder / name).mkdir()
        (clone.folder / "lower").symlink_to(data.absolute())
        # What is seen of the topmost folder is the upper one.
        os.chown(upper, status.st_uid, status.st_gid)
        shutil.copystat(data, upper)
    except OSError as error:
        raise explained(NotCloned(data, clone.way, error.strerror or str(error)), clone.folder) from error
    done = subprocess.run(
        clone.command(["true"]), stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"unshare ended with status {done.returncode}"
        raise explained(NotCloned(data, clone.way, said), clone.folder)
    return clone


def _foreign(folder: Path) -> Path | None:
    """A file under `folder` that is not of this process's user and group."""
    ours = (os.geteuid(), os.getegid())
    for root, folders, files in os.walk(folder):
        for path in (Path(root), *(Path(root, name) for name in (*folders, *files))):
            status = path.lstat()
            if (status.st_uid, status.st_gid) != ours:
                return path
    return None


def _program(name: str, data: Path, way: str) -> str:
    found = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if found is None:
        raise NotCloned(data, way, f"{name} is not on this machine")
    return found
