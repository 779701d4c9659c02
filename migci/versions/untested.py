"""Use case: which migrations have no test of their own, as names and sources tell; nothing is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from migci.core.finding import Finding, Severity, silenced
from migci.core.order import OF_TRUNK
from migci.core.own_tests import Class, OwnTest, Places, of_class, said, untested
from migci.core.scripts import ALEMBIC, Listing
from migci.errors import UsageError
from migci.ports import EntryKind, Files, ScriptReader
from migci.versions.check import Checked, Trees, listing_or_none


def with_tests(checked: Checked, reader: ScriptReader, trees: Trees, tests: str | None) -> Checked:
    """`checked`, and a finding for each migration that has no test, and for each test that belongs to none.

    `tests` is what `[project.versions]` says of where they are. What trunk has already is told as information. Raises
    UsageError when a class that it names is not there.
    """
    trunk = listing_or_none(reader, trees.trunk)
    landed = frozenset(trunk.by_id) if trunk else frozenset()
    found = tuple(lacking(checked.listing, trees.proposed, said(tests or ""), landed))
    return Checked(checked.listing, (*checked.findings, *found))


def lacking(listing: Listing, files: Files, where: Class | str, landed: frozenset[str]) -> Iterator[Finding]:
    """As `with_tests`, of one listing; `landed` are the migrations that trunk has."""
    revisions = {script.id: script.files for script in listing.scripts}
    places = Places(beside=listing.kind != ALEMBIC, folder="" if isinstance(where, Class) else where)
    choices = places.of(revisions)
    folders = {str(PurePosixPath(choice).parent) for some in choices.values() for choice in some}
    there = [one.path for folder in sorted(folders) for one in files.entries(folder) if one.kind is EntryKind.FILE]
    tests = places.found(revisions, frozenset(there))
    if isinstance(where, Class):
        tests |= _methods(revisions, where, files)
    for id in untested(revisions, tests):
        script = listing.by_id[id]
        hint = f"put one into {choices[id][0]}" if choices[id] else ""
        told = f"{id} ({script.files[0]}) has no test of its own"
        finding = Finding("MC020", Severity.WARNING, told, hint, file=script.files[0])
        if id in landed:
            finding = replace(finding, severity=Severity.INFO, message=OF_TRUNK + told, of_trunk=True)
        yield silenced(finding, script.silences)
    for file in places.strays(revisions, there):
        yield Finding(
            "MC020",
            Severity.WARNING,
            f"{file} is called as a test is, and belongs to no migration: it will not run",
            "call it as the migration's file is called, and _test.py",
            file=file,
        )


def _methods(revisions: dict[str, tuple[str, ...]], where: Class, files: Files) -> dict[str, OwnTest]:
    """Raises UsageError."""
    hint = "[project.versions] tests names a file and a class in it: tests/test_migrations.py:TestWalk"
    (content,) = files.read([where.file])
    if content is None:
        raise UsageError(f"{files.name} has no {where.file}", hint)
    try:
        return of_class(revisions, where, content.decode())
    except (SyntaxError, UnicodeDecodeError) as error:
        raise UsageError(f"{where.file} is not Python: {error}", hint) from error
    except LookupError as error:
        raise UsageError(f"{where.file} has no class {where.name}", hint) from error
