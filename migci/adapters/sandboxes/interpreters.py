"""What must be seen of a machine for one of its Python interpreters to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from migci.adapters.sandboxes.confinement import View

_MOST_LINKS = 40


def seen_by(python: Path) -> View:
    """The environment that `python` belongs to, the installation that this is made on, and the links between them.

    They are found from the files alone: nothing of the interpreter is run.
    """
    read: list[Path] = []
    links: list[tuple[Path, str]] = []
    for path in _hops(python.absolute()):
        read.extend(_installations(path.parent))
        if path.is_symlink():
            links.append((path, str(path.readlink())))
        elif not any(path.is_relative_to(place) for place in read):
            read.append(path)
    there = tuple(dict.fromkeys(read))
    return View(
        read=there,
        links=tuple((path, says) for path, says in links if not any(path.is_relative_to(place) for place in there)),
    )


def _hops(path: Path) -> Iterator[Path]:
    """`path`, and what it leads to, link by link."""
    for _ in range(_MOST_LINKS):
        yield path
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent / path.readlink()))
    yield path.resolve()


def _installations(programs: Path) -> Iterator[Path]:
    """The environment or the installation whose programs are in this folder, and what it says that it is made on."""
    place = programs.parent
    settings = place / "pyvenv.cfg"
    with suppress(OSError):
        for line in settings.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                yield place
                yield from _installations(Path(value.strip()))
                return
    if any(place.glob("lib*/python3*/os.py")):
        yield place
