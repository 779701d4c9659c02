"""alembic's scripts: their order is what their headers say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from migci.adapters.scripts import versions_json
from migci.adapters.scripts.conflict_marks import HINT, WHAT, line_of_conflict
from migci.adapters.scripts.headers import Header, Headers
from migci.adapters.scripts.locations import Locations, locations
from migci.adapters.scripts.trees import LONGEST_BYTES, contents, normal
from migci.core.finding import Finding, Severity
from migci.core.own_tests import END, FOLDER
from migci.core.scripts import ALEMBIC, Listing, Script, looks_like_one, name_of
from migci.ports import Entry, EntryKind, Files, NoMigrations

_SCRIPT = re.compile(r"(?!\.#|__init__).*\.py", re.DOTALL)
_NAMED_BY_ITS_FILE = re.compile(r"([a-f0-9]+)\.py")

_HINT = 'alembic\'s header: revision = "…", down_revision = "…", as plain texts'


@dataclass(frozen=True)
class AlembicScripts:
    """A `ScriptReader`. `settings` is the ini file, or pyproject.toml; `folders` take their place where there are any.

    `folders` are read with all that is below them.
    """

    settings: str
    folders: tuple[str, ...] = ()
    headers: Headers = field(default_factory=Headers, repr=False, compare=False)

    def read(self, files: Files, *, thorough: bool = True) -> Listing:
        where = self._locations(files)
        findings: list[Finding] = []
        unread: list[str] = []
        entries = _entries(files, where, findings, unread)
        if self.folders:  # it is not said that alembic itself reads what is below them
            entries = tuple(entry for entry in entries if not _is_test(entry.path))
        candidates = [entry.path for entry in entries if _is_candidate(entry, findings, unread)]
        scripts = []
        labelled: list[Script] = []
        for path, content in contents(files, candidates):
            header = None if content is None else self.headers.of(content, thorough=thorough)
            script, wrong = _script(path, header)
            if wrong and content is not None and (conflict := line_of_conflict(content)):
                wrong = [unreadable(path, WHAT, HINT, conflict)]
            findings += wrong
            if script is not None:
                scripts.append(script)
                if header is not None and header.labels_known:
                    labelled.append(script)
            if script is None or header is None or not header.known:
                unread.append(path)
        findings += _labels_again(scripts, labelled)
        order_file = f"{where.folders[0]}/{versions_json.FILE_NAME}".lstrip("/")
        order, lines, wrong = _order(files, order_file, entries)
        others = (one.path for one in entries if one.path.endswith(".sql") and looks_like_one(one.path))
        return Listing(
            ALEMBIC,
            where.folders,
            tuple(scripts),
            order,
            lines,
            order_file,
            tuple(others),
            (*findings, *wrong),
            tuple(unread),
        )

    def _locations(self, files: Files) -> Locations:
        if self.folders:
            found = Locations(tuple(normal(folder) for folder in self.folders), below=True)
        else:
            found = locations(files, self.settings)
        there = [folder for folder in found.folders if files.kind(folder) is not None]
        homes = [folder for folder in found.folders if files.kind(PurePosixPath(folder).parent.as_posix()) is not None]
        if not there and not (homes and not self.folders):
            raise NoMigrations(
                f"{files.name} has no folder {', '.join(found.folders)}",
                hint='name the folders of the scripts in migci.toml: [project.versions] folders = ["…"]',
            )
        return found


def _entries(files: Files, where: Locations, findings: list[Finding], unread: list[str]) -> tuple[Entry, ...]:
    """What is in the folders, each once."""
    found: dict[str, Entry] = {}
    for folder in where.folders:
        if files.kind(folder) is EntryKind.LINK:
            findings.append(unreadable(folder, "is a link, or lies behind one: what it leads to is not looked at"))
            unread.append(folder)
        for entry in files.entries(folder, below=where.below):
            if "__pycache__" not in entry.path.split("/"):
                found.setdefault(entry.path, entry)
    return tuple(found.values())


def _is_test(path: str) -> bool:
    return path.endswith(END) and PurePosixPath(path).parent.name == FOLDER


def unreadable(path: str, what: str, hint: str = "put the file itself there", line: int | None = None) -> Finding:
    """The finding about a script that cannot be read."""
    return Finding("MC013", Severity.ERROR, f"{path} {what}", hint, file=path, line=line)


def _is_candidate(entry: Entry, findings: list[Finding], unread: list[str]) -> bool:
    if not _SCRIPT.fullmatch(name_of(entry.path)):
        return False
    if entry.kind is EntryKind.FILE:
        return True
    if entry.kind is EntryKind.FOLDER:
        findings.append(unreadable(entry.path, "is a folder with the name of a script", "give it another name"))
    else:
        what = "is a link: what it leads to is not looked at" if entry.kind is EntryKind.LINK else "is no file"
        findings.append(unreadable(entry.path, what))
        unread.append(entry.path)
    return False


def _script(path: str, header: Header | None) -> tuple[Script | None, list[Finding]]:
    if header is None:
        return None, [unreadable(path, f"cannot be read, or is longer than {LONGEST_BYTES >> 20} MB", _HINT)]
    findings = [unreadable(path, f"cannot be understood: {what}", _HINT, line) for what, line in header.trouble]
    id = header.id
    if id is None:
        named = _NAMED_BY_ITS_FILE.fullmatch(name_of(path))
        if named is None or findings or header.line is None:
            said = unreadable(path, "cannot be understood: it says no revision", _HINT)
            return None, findings or [said]
        id = named[1]
    script = Script(
        id,
        id,
        tuple(dict.fromkeys(header.parents)),
        (path,),
        header.digest,
        path,
        header.line,
        header.labels,
        header.depends_on,
        header.silences,
    )
    return script, findings


def _labels_again(scripts: list[Script], labelled: list[Script]) -> Iterator[Finding]:
    """Labels are looked for among the ids and among each other, so that alembic refuses what is there twice."""
    owners = {script.id: f"the id of {script.files[0]}" for script in scripts}
    for script in labelled:
        for label in script.labels:
            if label in owners:
                told = f"branch label {label or repr(label)} of {script.files[0]} is also {owners[label]}"
                hint = "give one another label"
                yield Finding("MC009", Severity.ERROR, told, hint, file=script.where, line=script.line)
            else:
                owners[label] = f"a label of {script.files[0]}"


def _order(
    files: Files, path: str, entries: tuple[Entry, ...]
) -> tuple[tuple[str, ...] | None, tuple[int, ...], list[Finding]]:
    there = next((entry for entry in entries if entry.path == path), None)
    if there is None:
        return None, (), []
    (content,) = files.read([path])
    if content is None:
        return None, (), [misread(path, "is no file that can be read", "put the file itself there")]
    said = versions_json.read(content)
    findings = [misread(path, one.message, one.hint, one.line) for one in said.mistakes]
    if said.numbered is None or findings:
        return None, (), findings
    if said.numbered:
        hint = 'for alembic it is a list of revisions: ["1f2e", "ae10"]'
        return None, (), [misread(path, "holds numbers, and alembic has none", hint)]
    return tuple(one.id for one in said.entries), tuple(one.line for one in said.entries), []


def misread(path: str, what: str, hint: str, line: int | None = None) -> Finding:
    """The finding about a mistake in versions.json."""
    return Finding("MC012", Severity.ERROR, f"{path} {what}", hint, file=path, line=line)
