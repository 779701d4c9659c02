"""Migrations as their files say them: what can be known of a history without running any of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from migci.core.finding import Finding, Silence
from migci.core.history import History
from migci.core.own_tests import Places

ALEMBIC = "alembic"
NUMBERED = "numbered"
TOLD = "told"
"""Kinds of listings: of alembic's headers, of numbers, or as a tool itself told it."""


@dataclass(frozen=True)
class Script:
    """One migration, read and not run.

    `id` is what databases remember: alembic's revision id, or the number as text. `name` stays when a script gets
    another place: alembic's id, or the file's name without number and kind. `parents` are the ids that it follows; a
    number follows the one before it, whether that is there or not. `files` are relative to the project, the script
    itself first, and `digest` is of their bytes, and of their names only what each file is for. `place` and `line` tell
    where its order is said: the script's `down_revision`, its line in versions.json, or the file itself.
    """

    id: str
    name: str
    parents: tuple[str, ...]
    files: tuple[str, ...]
    digest: str = ""
    place: str = ""
    line: int | None = None
    labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()

    @property
    def where(self) -> str:
        """The file that findings about its order point to."""
        return self.place or self.files[0]


@dataclass(frozen=True)
class Listing:
    """All migrations of one history in one tree.

    `folders` are where they lie, relative to the project. `order` are the ids or numbers that versions.json lists, or
    `None` where there is none, and `order_lines` in which line of it each stands; `order_file` is its path, also where
    it is not there; `missing` are files that it lists and that are not there. `others` look like migrations, lie among
    them, and are none. `findings` tell what could not be read, and `unread` are the files whose migrations are for that
    missing in `scripts`, or without their place.
    """

    kind: str
    folders: tuple[str, ...]
    scripts: tuple[Script, ...] = ()
    order: tuple[str, ...] | None = None
    order_lines: tuple[int, ...] = ()
    order_file: str = ""
    others: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    unread: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return self.folders[0]

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The files in which there may be migrations that nobody has seen."""
        return frozenset(self.unread) - {file for script in self.scripts for file in script.files}

    @property
    def readable(self) -> bool:
        """Whether it is known which migrations there are; `False` where versions.json is there and cannot be read."""
        return self.order_file not in self.unread

    @property
    def gaps(self) -> bool:
        """Whether its numbers are moments, so that there may be gaps between them."""
        return self.kind == NUMBERED and any(int(one.id) - int(was) > 1 for one in self.scripts for was in one.parents)

    @cached_property
    def by_id(self) -> dict[str, Script]:
        """The first script of each id."""
        found: dict[str, Script] = {}
        for script in self.scripts:
            found.setdefault(script.id, script)
        return found

    @cached_property
    def children(self) -> dict[str, tuple[str, ...]]:
        """Which ids follow each id, also one that is not there."""
        found: dict[str, list[str]] = defaultdict(list)
        for script in self.by_id.values():
            for parent in dict.fromkeys(script.parents):
                found[parent].append(script.id)
        return {parent: tuple(ids) for parent, ids in found.items()}

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The ids that no other follows; numbers are run in their order, so the highest is the only one."""
        if self.kind == NUMBERED:
            return (max(self.by_id, key=int),) if self.by_id else ()
        return tuple(id for id in self.by_id if id not in self.children)

    @cached_property
    def chain(self) -> tuple[Script, ...]:
        """The scripts, parents before those that follow them; those of a circle are left out.

        The same listing always gives the same chain.
        """
        waiting = {
            script.id: sum(1 for one in dict.fromkeys((*script.parents, *script.depends_on)) if one in self.by_id)
            for script in self.by_id.values()
        }
        followed_by: dict[str, list[str]] = defaultdict(list)
        for script in self.by_id.values():
            for one in dict.fromkeys((*script.parents, *script.depends_on)):
                followed_by[one].append(script.id)
        ready = sorted((id for id, left in waiting.items() if not left), reverse=True)
        found = []
        while ready:
            id = ready.pop()
            found.append(self.by_id[id])
            for one in sorted(followed_by[id], reverse=True):
                waiting[one] -= 1
                if not waiting[one]:
                    ready.append(one)
        return tuple(found)

    def ancestors(self, ids: tuple[str, ...]) -> frozenset[str]:
        """`ids` and all that came before them, of those that are there."""
        found: set[str] = set()
        ahead = [id for id in ids if id in self.by_id]
        while ahead:
            id = ahead.pop()
            if id not in found:
                found.add(id)
                script = self.by_id[id]
                ahead.extend(one for one in (*script.parents, *script.depends_on) if one in self.by_id)
        return frozenset(found)


def branch_of(listing: Listing, branches: tuple[str, ...]) -> dict[str, str | None]:
    """Each id's branch, of those that the project wants: by a label, by a folder, else that of what it follows."""
    found: dict[str, str | None] = {}
    if not branches:
        return dict.fromkeys(listing.by_id)
    for script in (*listing.chain, *listing.scripts):
        if script.id not in found:
            folders = reversed(PurePosixPath(script.files[0]).parts[:-1])
            own = (name for name in (*script.labels, *folders) if name in branches)
            inherited = (found[one] for one in script.parents if found.get(one))
            found[script.id] = next(own, None) or next(inherited, None)
    return found


def heads_of(listing: Listing, branches: tuple[str, ...]) -> dict[str | None, tuple[str, ...]]:
    """Each branch's heads: the ids that no other of the same branch follows. `None` stands for what is in none."""
    if listing.kind == NUMBERED or not branches:
        return {None: tuple(sorted(listing.heads))}
    branch = branch_of(listing, branches)
    found: dict[str | None, list[str]] = defaultdict(list)
    for id in listing.by_id:
        if all(branch[child] != branch[id] for child in listing.children.get(id, ())):
            found[branch[id]].append(id)
    return {name: tuple(sorted(ids)) for name, ids in found.items()}


def listed(
    history: History,
    added_files: Iterable[str] = (),
    trunk: History | None = None,
    tests: Places = Places(),  # noqa: RUF100, B008
) -> Listing:
    """What a tool told of its history, as a listing; `added_files` are all that a patch adds to the tree of `trunk`.

    Of those, the ones that lie among the migrations, look like one, are not told and are no migration's own test, as
    `tests` says where these lie, are its `others`. They are found by their places alone: a patch's code takes part in
    telling its history, and could leave out what it adds.
    """
    told = (*history.revisions, *(trunk.revisions if trunk else ()))
    known = {file for revision in told for file in revision.files}
    folders = tuple(sorted({str(PurePosixPath(file).parent) for file in known})) or (".",)
    choices = tests.of({revision.id: revision.files for revision in history.revisions})
    known.update(file for files in choices.values() for file in files)
    scripts = tuple(
        Script(one.id, one.id, one.parents, one.files, one.digest, one.files[0], silences=one.silences)
        for one in history.revisions
    )
    others = tuple(
        file
        for file in added_files
        if file not in known and str(PurePosixPath(file).parent) in folders and looks_like_one(file)
    )
    return Listing(TOLD, folders, scripts, others=others)


_SUFFIXES = (".py", ".sql")


def looks_like_one(file: str) -> bool:
    """Whether a file among migrations is perhaps meant to be one."""
    name = name_of(file)
    return name.endswith(_SUFFIXES) and name != "__init__.py" and not name.startswith(".")


def name_of(path: str) -> str:
    """The last part of a path with slashes."""
    return path.rpartition("/")[2]
