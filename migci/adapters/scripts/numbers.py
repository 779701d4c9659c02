"""What the names of sqlalchemy-migrate's scripts say: which belong together, what they are called, what they follow."""

from __future__ import annotations

import configparser
from collections.abc import Iterable
from pathlib import PurePosixPath

from migci.ports import Files

_OPERATIONS = ("upgrade", "downgrade")


def grouped(named: dict[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    """The scripts of one number, each with its name: more than one, where it was taken more than once.

    SQL without a name of its own belongs to what the number has besides.
    """
    nameless = [path for path in named.get("", []) if path.endswith(".sql")]
    rest = {name: paths for name, paths in named.items() if name}
    if not rest:
        return [("", sorted(named[""], key=python_first))]
    first = min(rest, key=lambda name: (not any(path.endswith(".py") for path in rest[name]), name))
    plain = [path for path in named.get("", []) if path.endswith(".py")]
    found = [
        (name, sorted([*paths, *(nameless if name == first else [])], key=python_first)) for name, paths in rest.items()
    ]
    return [*found, *(("", [path]) for path in plain)]


def python_first(path: str) -> tuple[bool, str]:
    return not path.endswith(".py"), path


def of_sql(stem: str) -> str:
    """The name in "add_counters_sqlite_upgrade": what is left of the database and the operation."""
    parts = stem.split("_")
    return "_".join(parts[:-4] if "ibm_db_sa" in stem and len(parts) > 4 else parts[:-2])


def name_of_listed(files: tuple[str, ...]) -> str:
    """The name of a script that versions.json lists: its Python file's, else what its SQL files are called."""
    stems = [PurePosixPath(file).stem for file in files]
    python = [stem for stem, file in zip(stems, files, strict=True) if file.endswith(".py")]
    if python or not stems:
        return python[0] if python else ""
    parts = stems[0].split("_")
    return (of_sql(stems[0]) if parts[-1] in _OPERATIONS else "_".join(parts[:-1])) or stems[0]


def parents_of(numbers: list[str], *, gaps: bool) -> dict[str, tuple[str, ...]]:
    """Each number follows the one before it, whether it is there or not; where `gaps` are meant, the one that is."""
    before = numbers[:-1] if gaps else [str(int(number) - 1) for number in numbers[1:]]
    return {number: (before[place - 1],) if place else () for place, number in enumerate(numbers)}


def has_gaps(files: Files, folder: str) -> bool:
    """Whether numbers are moments, as migrate.cfg can have it."""
    (content,) = files.read([f"{PurePosixPath(folder).parent.as_posix()}/migrate.cfg"])
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string((content or b"").decode())
        return parser.getboolean("db_settings", "use_timestamp_numbering", fallback=False)
    except (configparser.Error, UnicodeDecodeError, ValueError):
        return False
