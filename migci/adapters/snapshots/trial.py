"""Finding out whether a way of cloning works in a folder, by using it there on one small file."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from migci.errors import MigciError
from migci.ports import Clone

_BEFORE = b"before"
_AFTER = b"after"


class Cloning(Protocol):
    """What of a way is tried."""

    def hold(self, folder: Path) -> None: ...

    def clone(self, data: Path, folder: Path) -> Clone: ...


def trouble(way: Cloning, place: Path) -> str | None:
    """What goes wrong when `way` is used in `place`; `None` if nothing does. Leaves nothing behind."""
    folder = place / f".trial-{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700)
        try:
            found = _tried(way, folder)
        finally:
            shutil.rmtree(folder)
    except MigciError as error:
        # Names in a folder that is gone tell nobody anything.
        return str(getattr(error, "reason", error.message)).replace(f"{folder}/", "")
    except OSError as error:
        return f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return found


def _tried(way: Cloning, folder: Path) -> str | None:
    held, private = folder / "held", folder / "clone"
    way.hold(held)
    (held / "file").write_bytes(_BEFORE)
    private.mkdir()
    clone = way.clone(held, private)
    file = str(clone.data / "file")
    done = subprocess.run(
        clone.command(["sh", "-c", 'cat -- "$1" && printf %s "$2" >"$1" && cat -- "$1"', "sh", file, _AFTER.decode()]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode or done.stdout != _BEFORE + _AFTER:
        said = done.stderr.decode(errors="replace").strip() or f"a command in it ended with status {done.returncode}"
        return said.replace(f"{folder}/", "")
    if (held / "file").read_bytes() != _BEFORE:
        return "what is written to a clone reaches its original"
    return None
