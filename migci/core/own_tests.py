"""Tests that belong to one migration: which file, or which methods of a class, they are."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

FOLDER = "tests"
"""The folder beside migrations that no tool reads, unless alembic is told to read folders within folders."""

_NUMBER = re.compile(r"^\d+_(?=.)")
_NUMBERED = re.compile(r"^[A-Za-z]{0,2}\d")
"""What some tool takes for a migration's number."""
_SQL = re.compile(r"_[^_]+_(?:upgrade|downgrade)$")
END = "_test.py"


@dataclass(frozen=True)
class OwnTest:
    """The test of one revision: the functions `pre_upgrade` and `check` of `file`, which is relative to the project.

    With `owner` it is that class of the file, and its methods `_pre_upgrade_<id>` and `_check_<id>`.
    """

    revision: str
    file: str
    owner: str = ""


@dataclass(frozen=True)
class Class:
    """A class whose methods are the tests of many migrations; `file` is relative to the project."""

    file: str
    name: str


def said(tests: str) -> Class | str:
    """What the setting `tests` names: a class, as in `tests/test_migrations.py:TestWalk`, or else a folder."""
    file, _, name = tests.partition(":")
    return Class(file, name) if name else file.rstrip("/")


@dataclass(frozen=True)
class Places:
    """Where tests are looked for besides the folder `tests` among the migrations.

    `beside`: also among the migrations themselves, unless the tool takes every file there for one of them. `folder` is
    one more, relative to the project.
    """

    beside: bool = True
    folder: str = ""

    def of(self, revisions: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Where each revision's test may be, the first choice first; `revisions` tells the files of each.

        It is called as the migration's file is, with or without its number, and ends in `_test.py`: without its number
        only if no other migration has that name, and among the migrations only without it.
        """
        shared = Counter(name for files in revisions.values() for name in {_name(file) for file in files})
        return {id_: tuple(dict.fromkeys(self._choices(files, shared))) for id_, files in revisions.items()}

    def _choices(self, files: tuple[str, ...], shared: Mapping[str, int]) -> Iterator[str]:
        stems = list(dict.fromkeys(stem for file in files for stem in _stems(file)))
        stems = [stem for stem in stems if shared.get(stem, 0) < 2]
        for parent in dict.fromkeys(PurePosixPath(file).parent for file in files):
            if self.beside:
                yield from (str(parent / f"{stem}{END}") for stem in stems if not _NUMBERED.match(stem))
            yield from (str(parent / FOLDER / f"{stem}{END}") for stem in stems)
        if self.folder:
            yield from (str(PurePosixPath(self.folder, f"{stem}{END}")) for stem in stems)

    def found(self, revisions: Mapping[str, tuple[str, ...]], there: Collection[str]) -> dict[str, OwnTest]:
        """The test of each revision that has one among the files `there`."""
        found = {}
        for id_, choices in self.of(revisions).items():
            if (file := next((choice for choice in choices if choice in there), None)) is not None:
                found[id_] = OwnTest(id_, file)
        return found

    def strays(self, revisions: Mapping[str, tuple[str, ...]], there: Iterable[str]) -> tuple[str, ...]:
        """Those of the files `there` that are named as tests, lie where these are looked for, and belong to nothing."""
        choices = {choice for choices in self.of(revisions).values() for choice in choices}
        known = choices | {file for files in revisions.values() for file in files}
        folders = {str(PurePosixPath(choice).parent) for choice in choices}
        return tuple(
            file
            for file in there
            if file.endswith(END) and file not in known and str(PurePosixPath(file).parent) in folders
        )


def _stems(file: str) -> Iterator[str]:
    stem = PurePosixPath(file).stem
    if PurePosixPath(file).suffix == ".sql":
        stem = _SQL.sub("", stem)
    yield stem
    yield _NUMBER.sub("", stem)


def _name(file: str) -> str:
    """What a migration is called, whatever its number."""
    return list(_stems(file))[-1]


def of_class(revisions: Iterable[str], where: Class, source: str) -> dict[str, OwnTest]:
    """The revisions that a class has methods for. Nothing of `source` is run.

    Methods that it inherits count where their class is in the same file. Raises SyntaxError when it cannot be read, and
    LookupError when there is no such class.
    """
    methods = _methods(source, where.name)
    every = {
        id_: {f"_{part}_{name}" for part in ("pre_upgrade", "check") for name in names_of(id_)} for id_ in revisions
    }
    return {id_: OwnTest(id_, where.file, where.name) for id_, names in every.items() if names & methods}


def names_of(revision: str) -> tuple[str, ...]:
    """How a method's name may say which revision it is for: a number with three digits at least, or as it is."""
    if not (revision.isascii() and revision.isdecimal()):
        return (revision,)
    return tuple(dict.fromkeys([revision.lstrip("0").zfill(3), revision]))  # as text: it may be of any length


def _methods(source: str, name: str) -> frozenset[str]:
    try:
        classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error
    found: set[str] = set()
    seen: set[str] = set()
    ahead = [classes[name].name] if name in classes else []
    if not ahead:
        raise LookupError(name)
    while ahead:
        one = ahead.pop()
        if one in seen or one not in classes:
            continue
        seen.add(one)
        body = classes[one].body
        found.update(node.name for node in body if isinstance(node, ast.FunctionDef))
        found.update(
            target.id
            for node in body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        )
        ahead += [base.id for base in classes[one].bases if isinstance(base, ast.Name)]
    return frozenset(found)


def untested(revisions: Iterable[str], tests: Collection[str]) -> tuple[str, ...]:
    """Those of `revisions` that have no test, in their order."""
    return tuple(id_ for id_ in revisions if id_ not in tests)
