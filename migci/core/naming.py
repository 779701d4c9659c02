"""What a folder of numbered migrations is called when their numbers stand in versions.json instead."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from migci.errors import UsageError

VERSIONS = "versions.json"

_NUMBERED = re.compile(r"([0-9]{3,})(.*)", re.DOTALL)
_COMPILED = (".pyc", ".pyo")
_OPERATIONS = ("upgrade", "downgrade")
_IBM = ("ibm", "db", "sa")
"""The one database whose name has underscores in it."""
_UNNAMED = "unnamed"
_MOST_TOLD = 10


@dataclass(frozen=True)
class Move:
    """A file of one number, and what it is called without it."""

    number: int
    old: str
    new: str


@dataclass(frozen=True)
class Plan:
    """Every numbered script of a folder, in the order of the numbers. No two have the same name, before or after."""

    moves: tuple[Move, ...]

    @property
    def text(self) -> str:
        """What stands in versions.json, a number a line."""
        numbers: dict[str, list[str]] = {}
        for move in self.moves:
            numbers.setdefault(str(move.number), []).append(move.new)
        lines = [f"  {json.dumps(number)}: {json.dumps(names)}" for number, names in numbers.items()]
        return "{\n" + ",\n".join(lines) + "\n}\n"


@dataclass(frozen=True)
class _Script:
    """A numbered script: what its name says it is for, and what it says besides."""

    number: int
    old: str
    words: str
    ending: str

    @property
    def order(self) -> tuple[bool, str]:
        return not self.ending.endswith(".py"), self.old


def is_numbered(name: str) -> bool:
    """Whether sqlalchemy-migrate takes the number of a migration from `name`."""
    return _NUMBERED.fullmatch(name) is not None and name.endswith((".py", ".sql"))


def without_number(name: str) -> str | None:
    """`name` without the number that it begins with; `None` where that leaves no name, or one with a number again."""
    match = _NUMBERED.fullmatch(name)
    bare = match[2].lstrip("_-. ") if match else name
    return bare if purpose(bare) is not None and not is_numbered(bare) else None


def plan(names: Iterable[str]) -> Plan:
    """New names for the numbered scripts among `names`; all else in the folder keeps its name.

    A script's name is its old one without the number, so `007_add_users.py` is `add_users.py`. The second number with
    a name has `_2` behind it. Raises UsageError, with each file that sqlalchemy-migrate would not run as it seems.
    """
    names = sorted(names)
    troubles: list[str] = []
    files: dict[int, list[str]] = defaultdict(list)
    numbers: dict[int, list[_Script]] = defaultdict(list)
    for name in names:
        match = _NUMBERED.fullmatch(name)
        if match is None or name.endswith(_COMPILED):
            continue
        number = int(match[1])
        files[number].append(name)
        try:
            numbers[number].extend(_script(name, number, match[2]))
        except ValueError as error:
            troubles.append(f"{_shown(name)} {error}")
    for number, scripts in sorted(numbers.items()):
        troubles += _unfit(number, scripts, files[number])
    moves = tuple(_named(numbers))
    troubles = troubles or list(_clashes(moves, names))
    if troubles:
        told = troubles[:_MOST_TOLD] + [f"… and {len(troubles) - _MOST_TOLD} more"] * (len(troubles) > _MOST_TOLD)
        raise UsageError(
            "\n".join(["the folder cannot be imported as it is; nothing was changed:", *told]),
            hint="rename or remove these by hand, commit that, and try again",
        )
    return Plan(moves)


def finished(names: Iterable[str], listed: Mapping[str, Sequence[str]]) -> Plan:
    """The plan of an import that was interrupted: versions.json is there, and so are some of the numbered `names`.

    Raises UsageError for one that versions.json does not have under its new name.
    """
    moves = []
    for name in sorted(names):
        match = _NUMBERED.fullmatch(name)
        assert match is not None
        number = int(match[1])
        ending = _ending(match[2])
        new = next((one for one in listed.get(str(number), ()) if _ending(f"_{one}") == ending), None)
        if new is None:
            raise UsageError(
                f"{VERSIONS} is there already, and {_shown(name)} is not in it",
                hint="take the number out of its name, and call migci versions add",
            )
        moves.append(Move(number, name, new))
    return Plan(tuple(sorted(moves, key=lambda move: (move.number, not move.old.endswith(".py"), move.old))))


def purpose(name: str) -> tuple[str, ...] | None:
    """What a file that versions.json lists is for: `()` for Python, (database, operation) for SQL, `None` for nothing.

    SQL without an operation in its name is an upgrade.
    """
    stem, _, ending = name.rpartition(".")
    if (
        ending not in ("py", "sql")
        or not stem
        or stem.startswith(".")
        or not name.isprintable()
        or set("/\\") & set(name)
    ):
        return None
    if ending == "py":
        return ()
    parts = stem.split("_")
    operation = parts.pop() if parts[-1] in _OPERATIONS else _OPERATIONS[0]
    database = "_".join(_IBM) if tuple(parts[-3:]) == _IBM else "".join(parts[-1:])
    return (database, operation) if database else None


def _script(name: str, number: int, rest: str) -> Iterator[_Script]:
    """Nothing if sqlalchemy-migrate makes none of `name`. Raises ValueError with what is wrong."""
    if not name.endswith(("py", "sql")):
        return
    if not name.endswith((".py", ".sql")) or not name.isprintable() or "\\" in name or name.count(".sql") > 1:
        raise ValueError("is taken for a script by sqlalchemy-migrate, and its name is none")
    if number == 0:
        raise ValueError("has the number 0, where sqlalchemy-migrate begins: it never runs")
    ending = _ending(rest)
    if ending is None:
        raise ValueError("does not end in _DATABASE_upgrade.sql or _DATABASE_downgrade.sql: it never runs")
    words = rest.removesuffix(ending).lstrip("_-. ") if rest != ending else ""
    yield _Script(number, name, words, ending)


def _ending(rest: str) -> str | None:
    """The part of a script's name, without its number, that says what it is for."""
    if rest.endswith(".py"):
        return ".py"
    parts = rest.removesuffix(".sql").split("_")
    size = 4 if tuple(parts[-4:-1]) == _IBM else 2
    if parts[-1] not in _OPERATIONS or len(parts) <= size or not parts[-2]:
        return None
    return "_" + "_".join(parts[-size:]) + ".sql"


def _unfit(number: int, scripts: list[_Script], files: list[str]) -> Iterator[str]:
    """Why sqlalchemy-migrate could not run `number`, of which there are `files`, or would run another."""
    by_ending: dict[str, list[str]] = defaultdict(list)
    for script in scripts:
        by_ending[script.ending].append(_shown(script.old))
    for several in by_ending.values():
        if len(several) > 1:
            yield f"number {number} has two files for the same: {', '.join(several)}"
    if not any(name.endswith(("py", "sql")) for name in files):
        yield f"number {number} has no script: {', '.join(map(_shown, files))}"


def _named(numbers: Mapping[int, list[_Script]]) -> Iterator[Move]:
    """A name for every script, which no other number has; letter case does not tell two names apart everywhere."""
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for number, scripts in sorted(numbers.items()):
        ordered = sorted(scripts, key=lambda script: script.order)
        common = next((script.words for script in ordered if script.words), _UNNAMED)
        mine: dict[str, str] = {}
        for script in ordered:
            words = script.words or common
            if words not in mine:
                mine[words] = _free(words, taken, counts)
            yield Move(number, script.old, mine[words] + script.ending)
        taken |= {name.casefold() for name in mine.values()}


def _free(words: str, taken: set[str], counts: dict[str, int]) -> str:
    """`words`, or with a number behind them with which they are not `taken`; `counts` has those found so far."""
    name = first = f"_{words}" if _NUMBERED.match(words) else words
    key = first.casefold()
    while name.casefold() in taken:
        counts[key] = counts.get(key, 1) + 1
        name = f"{first}_{counts[key]}"
    return name


def _clashes(moves: tuple[Move, ...], names: list[str]) -> Iterator[str]:
    """New names that the folder has already, or that come out equal."""
    there = {name.casefold(): name for name in names if not is_numbered(name)}
    seen: dict[str, Move] = {}
    for move in moves:
        other = there.get(move.new.casefold())
        if other is not None:
            yield f"{_shown(move.old)} would be called {move.new}, and {_shown(other)} is there already"
        before = seen.setdefault(move.new.casefold(), move)
        if before is not move:
            yield f"{_shown(before.old)} and {_shown(move.old)} would both be called {move.new}"


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
