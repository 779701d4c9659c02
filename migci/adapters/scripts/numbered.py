"""sqlalchemy-migrate's scripts: their order is the number in each file's name, or what versions.json says."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migci.adapters.scripts import versions_json
from migci.adapters.scripts.alembic import misread, unreadable
from migci.adapters.scripts.conflict_marks import HINT, WHAT, line_of_conflict
from migci.adapters.scripts.headers import syntax_error
from migci.adapters.scripts.numbers import grouped, has_gaps, name_of_listed, of_sql, parents_of
from migci.adapters.scripts.trees import LONGEST_BYTES, contents, normal
from migci.core.finding import Finding, Silence, silences
from migci.core.naming import purpose
from migci.core.own_tests import Places
from migci.core.scripts import NUMBERED, Listing, Script, looks_like_one, name_of
from migci.ports import Entry, EntryKind, Files, NoMigrations

_NUMBERED = re.compile(r"(\d{3,})_?(.*)\.(py|sql)", re.DOTALL)
_MOST_DIGITS = 18


@dataclass(frozen=True)
class _Source:
    """A script's file, as far as it was read."""

    path: str
    digest: str
    silences: tuple[Silence, ...]


@dataclass(frozen=True)
class NumberedScripts:
    """A `ScriptReader`. `versions` is the folder that holds the scripts; migrate.cfg is beside it, if there is one."""

    versions: str
    _seen: dict[bytes, tuple[str, int | None] | None] = field(default_factory=dict, repr=False, compare=False)

    def read(self, files: Files, *, thorough: bool = True) -> Listing:
        folder = normal(self.versions)
        order_file = f"{folder}/{versions_json.FILE_NAME}".lstrip("/")
        kind = files.kind(folder)
        if kind is EntryKind.LINK:
            link = unreadable(folder, "is a link, or lies behind one: what it leads to is not looked at")
            return Listing(NUMBERED, (folder,), order_file=order_file, findings=(link,), unread=(folder, order_file))
        if kind is not EntryKind.FOLDER:
            raise NoMigrations(f"{files.name} has no folder {folder}", hint="name the one that migrate.cfg is in")
        entries = files.entries(folder)
        if any(entry.path == order_file for entry in entries):
            return self._by_list(files, folder, order_file, entries, thorough)
        return self._by_name(files, folder, order_file, entries, thorough)

    def _by_name(
        self, files: Files, folder: str, order_file: str, entries: tuple[Entry, ...], thorough: bool
    ) -> Listing:
        findings: list[Finding] = []
        named: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        others, unread = [], []
        for entry in entries:
            match = _NUMBERED.fullmatch(name_of(entry.path))
            if match is None:
                if entry.kind is EntryKind.FILE and looks_like_one(entry.path):
                    others.append(entry.path)
            elif entry.kind is not EntryKind.FILE:
                findings.append(_no_file(entry))
                unread.append(entry.path)
            elif len(match[1]) > _MOST_DIGITS:
                what = f"has a number of {len(match[1])} digits"
                findings.append(unreadable(entry.path, what, f"no number has more than {_MOST_DIGITS}"))
                unread.append(entry.path)
            elif match[3] == "sql" and len(PurePosixPath(entry.path).stem.split("_")) < 3:
                hint = f"{match[1]}_what_it_does_sqlite_upgrade.sql"
                findings.append(unreadable(entry.path, "does not name its database and its operation", hint))
                unread.append(entry.path)
            else:
                name = match[2] if match[3] == "py" else of_sql(match[2])
                named[int(match[1])][name].append(entry.path)
        groups = [(str(number), group) for number in sorted(named) for group in grouped(named[number])]
        tests = _tests([paths for _, (_, paths) in groups])
        sources = self._sources(files, [path for _, (_, paths) in groups for path in paths], findings, thorough)
        numbers = list(dict.fromkeys(id for id, _ in groups))
        parents = parents_of(numbers, gaps=has_gaps(files, folder))
        scripts = [
            _script(id, name, parents[id], [sources[path] for path in paths if path in sources], paths)
            for id, (name, paths) in groups
        ]
        return Listing(
            NUMBERED,
            (folder,),
            tuple(scripts),
            order_file=order_file,
            others=tuple(path for path in others if path not in tests),
            findings=tuple(findings),
            unread=tuple(unread),
        )

    def _by_list(
        self, files: Files, folder: str, order_file: str, entries: tuple[Entry, ...], thorough: bool
    ) -> Listing:
        (content,) = files.read([order_file])
        said = versions_json.Versions() if content is None else versions_json.read(content)
        findings = [misread(order_file, one.message, one.hint, one.line) for one in said.mistakes]
        if content is None:
            findings.append(misread(order_file, "is no file that can be read", "put the file itself there"))
        elif said.numbered is False:
            findings.append(misread(order_file, "holds a list of ids, and not numbers", 'such as {"1": ["folsom.py"]}'))
        if not said.numbered:
            return Listing(NUMBERED, (folder,), order_file=order_file, findings=tuple(findings), unread=(order_file,))
        there = {name_of(entry.path): entry for entry in entries}
        listed = {file for entry in said.entries for file in entry.files} | set(said.repeated)
        unread = []
        missing = []
        for one in said.entries:
            for name in one.files:
                path = f"{folder}/{name}".lstrip("/")
                if name not in there:
                    missing.append(path)
                elif there[name].kind is not EntryKind.FILE:
                    findings.append(_no_file(there[name]))
                    unread.append(path)
        paths = {one.id: [f"{folder}/{name}".lstrip("/") for name in one.files] for one in said.entries}
        tests = _tests(list(paths.values()))
        others = [
            entry.path
            for name, entry in there.items()
            if entry.kind is EntryKind.FILE
            and name not in listed
            and looks_like_one(entry.path)
            and entry.path not in tests
        ]
        existing = [path for several in paths.values() for path in several if name_of(path) in there]
        sources = self._sources(files, existing, findings, thorough)
        parents = parents_of([one.id for one in sorted(said.entries, key=lambda one: int(one.id))], gaps=False)
        scripts = [
            _script(
                one.id,
                name_of_listed(one.files),
                parents[one.id],
                [sources[path] for path in paths[one.id] if path in sources],
                paths[one.id] or [order_file],
                order_file,
                one.line,
            )
            for one in said.entries
        ]
        return Listing(
            NUMBERED,
            (folder,),
            tuple(scripts),
            tuple(one.id for one in said.entries),
            tuple(one.line for one in said.entries),
            order_file,
            tuple(others),
            tuple(findings),
            tuple(unread),
            tuple(missing),
        )

    def _sources(self, files: Files, paths: list[str], findings: list[Finding], thorough: bool) -> dict[str, _Source]:
        found = {}
        for path, content in contents(files, paths):
            if content is None:
                if files.kind(path) is EntryKind.FILE:
                    what = f"cannot be read, or is longer than {LONGEST_BYTES >> 20} MB"
                    findings.append(unreadable(path, what, "make it shorter: a migration is not where data are kept"))
                continue
            key = hashlib.sha256(content).digest()
            if path.endswith(".py"):
                if key not in self._seen:
                    self._seen[key] = syntax_error(content) if thorough else None
                wrong = self._seen[key]
                if wrong is not None and (conflict := line_of_conflict(content)):
                    findings.append(unreadable(path, WHAT, HINT, conflict))
                elif wrong is not None:
                    hint = "it must be Python that the project's own interpreter reads"
                    findings.append(unreadable(path, f"cannot be understood: {wrong[0]}", hint, wrong[1]))
            elif conflict := line_of_conflict(content):
                findings.append(unreadable(path, WHAT, HINT, conflict))
            quiet = silences(content.decode(errors="replace")) if b"migci:" in content else ()
            found[path] = _Source(path, key.hex(), quiet)
        return found


def _tests(scripts: list[list[str]]) -> set[str]:
    """Where tests of these scripts may be, each given by its files."""
    choices = Places().of({str(place): tuple(paths) for place, paths in enumerate(scripts)})
    return {path for some in choices.values() for path in some}


def _no_file(entry: Entry) -> Finding:
    if entry.kind is EntryKind.LINK:
        return unreadable(entry.path, "is a link: what it leads to is not looked at")
    what = "is a folder with the name of a script" if entry.kind is EntryKind.FOLDER else "is no file"
    return unreadable(entry.path, what, "give it another name")


def _purpose(path: str) -> tuple[str, ...]:
    """What the file is for, whatever characters the rest of its name has."""
    return purpose(re.sub(r"[^\w.]", "", name_of(path))) or ()


def _script(
    id: str,
    name: str,
    parents: tuple[str, ...],
    sources: list[_Source],
    paths: list[str],
    place: str = "",
    line: int | None = None,
) -> Script:
    # What a file is for stands in its name, and counts as its content does; the rest of the name does not.
    parts = sorted(" ".join((*_purpose(source.path), source.digest)) for source in sources)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    quiet = tuple(silence for source in sources for silence in source.silences)
    return Script(id, name, parents, tuple(paths), digest, place or paths[0], line, silences=quiet)
