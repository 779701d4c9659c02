"""What must be seen of a machine for one of its Python interpreters to run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from migci.adapters.sandboxes.confinement import View

_MOST_LINKS = 40
_ALWAYS_SEEN = Path("/usr")


def seen_by(python: Path) -> View:
    """The environment that `python` belongs to, the installation that this is made on, and the links between them.

    They are found from the files alone: nothing of the interpreter is run. So it holds for interpreters whose files
    can be trusted; what a build has left is not asked for what may be seen of the machine.
    """
    read: list[Path] = []
    links: list[tuple[Path, str]] = []
    for path in _hops(python.absolute()):
        for place in _installations(path.parent):
            read.extend(_shown(place))
        if path.is_symlink():
            links.append((path, str(path.readlink())))
        elif not any(path.is_relative_to(place) for place in read):
            read.append(path)
    there = tuple(path for path in dict.fromkeys(read) if not path.resolve().is_relative_to(_ALWAYS_SEEN))
    return View(
        read=there,
        links=tuple(
            (path, says)
            for path, says in links
            if not path.parent.resolve().is_relative_to(_ALWAYS_SEEN)
            and not any(path.is_relative_to(place) for place in there)
        ),
    )


def _hops(path: Path) -> Iterator[Path]:
    """`path`, and what it leads to, link by link."""
    for _ in range(_MOST_LINKS):
        yield path
        if not path.is_symlink():
            break
        path = Path(os.path.normpath(path.parent / path.readlink()))
    with suppress(OSError, RuntimeError):  # the links lead in a circle
        yield path.resolve()


def _installations(programs: Path) -> Iterator[Path]:
    """The environment or the installation whose programs are in this folder, and what it says that it is made on."""
    known: list[Path] = []
    while programs.parent not in known:
        place = programs.parent
        known.append(place)
        home = _made_on(place)
        if home is not None or any(place.glob("lib*/python3*/os.py")):
            yield place
        if home is None:
            return
        programs = home


def _made_on(place: Path) -> Path | None:
    """The folder of the interpreter that this environment was made with; `None` if it is no environment."""
    with suppress(OSError):
        for line in (place / "pyvenv.cfg").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                return Path(value.strip())
    return None


def _shown(place: Path) -> Iterator[Path]:
    """All of it; of a folder that holds other things as well, only what is Python's."""
    home = Path.home()
    real = place.resolve()
    if real != place and real in (home, *home.parents):
        return  # a link that leads to more than an interpreter
    if place not in (home, *home.parents) and not (place / ".git").exists():
        yield place
        return
    yield from sorted(place.glob("lib*/python3*"))
    yield from sorted(place.glob("lib*/libpython3*"))
    if (place / "pyvenv.cfg").is_file():
        yield place / "pyvenv.cfg"
        yield from (folder for folder in (place / "bin",) if folder.is_dir())
