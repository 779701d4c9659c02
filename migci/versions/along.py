"""A migration's own test is called after the migration's file: what it has to be called when that gets another name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from migci.core.own_tests import Class, Places, said
from migci.ports import EntryKind, Files


def tests_along(
    scripts: Iterable[tuple[str, ...]], renames: Mapping[str, str], files: Files, tests: str | None
) -> Iterator[tuple[str, str]]:
    """Each test of a migration that would belong to nothing after `renames`, and what it has to be called, there.

    `scripts` are the files of each migration of the history, as they are called before. `tests` is what
    `[project.versions]` says of where tests are; methods of a class are not looked for. In the order of `scripts`.
    """
    where = said(tests or "")
    places = Places(folder="" if isinstance(where, Class) else where)
    before = {str(place): one for place, one in enumerate(scripts)}
    after = {place: tuple(renames.get(file, file) for file in one) for place, one in before.items()}
    now = places.of(after)
    choices = places.of(before)
    folders = {str(PurePosixPath(choice).parent) for some in choices.values() for choice in some}
    there = {one.path for folder in sorted(folders) for one in files.entries(folder) if one.kind is EntryKind.FILE}
    for place, test in places.found(before, there).items():
        if test.file in now[place]:
            continue
        parent = PurePosixPath(test.file).parent
        if (name := next((one for one in now[place] if PurePosixPath(one).parent == parent), None)) is not None:
            yield test.file, name


def with_tests(renames: Iterable[tuple[str, str]], tests: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """`renames`, and each of `tests` in an order in which none is renamed to one that is there."""
    found = [*renames]
    left = dict(tests)
    while left:
        free = [was for was, now in left.items() if now not in left] or list(left)
        found += [(was, left.pop(was)) for was in free]
    return tuple(found)
