"""Use case: numbered migrations get names, and their numbers go to versions.json.

First every script is there under its new name too, then versions.json, then the old names go, and last git's index is
changed, at once. So at every moment the folder has its whole history, by one way or the other; what was interrupted
after versions.json came is carried on by the next call, and what was interrupted before begins again.
"""

from __future__ import annotations

from dataclasses import dataclass

from migci.core.naming import VERSIONS, Plan, finished, is_numbered, plan
from migci.core.own_tests import END
from migci.core.scripts import looks_like_one
from migci.errors import UsageError
from migci.ports import VersionsFolder


@dataclass(frozen=True)
class Work:
    """What is to be done. `begun` if versions.json is there, from a call that did not come to its end."""

    plan: Plan
    begun: bool = False


def planned(folder: VersionsFolder) -> Work:
    """What an import would do. Nothing is changed.

    Raises UsageError where there is nothing to import, or something that is not understood: a versions.json that does
    not come from an interrupted import, a link, changes that are not committed, names that clash.
    """
    strange = sorted(name for name in folder.others() if is_numbered(name) or name == VERSIONS)
    if strange:
        raise UsageError(f"{folder.place}/{strange[0]} is no file, but a link or a folder", hint="put the file there")
    files, tracked = folder.files(), folder.tracked()
    here = {name for name in files if is_numbered(name)}
    numbered = here | {name for name in tracked or () if is_numbered(name)}
    begun = VERSIONS in files
    if not numbered:
        what = "its numbers stand in versions.json already" if begun else "it has no files such as 001_first.py"
        raise UsageError(f"there is nothing to import in {folder.place}: {what}")
    work = Work(_carried_on(folder, numbered), begun=True) if begun else Work(_new(folder, files, here, numbered))
    if tracked is not None and here - tracked:
        raise UsageError(f"git does not know {folder.place}/{min(here - tracked)}", hint="git add and commit it first")
    mine = {name for move in work.plan.moves for name in (move.old, move.new)} | {VERSIONS} if begun else set()
    changed = sorted(folder.changed() - mine - _copies(folder, work.plan))
    if changed:
        raise UsageError(
            f"{folder.place} has changes that are not committed: {', '.join(changed[:5])}",
            hint="commit them, or put them aside with git stash --include-untracked",
        )
    return work


def left_alone(folder: VersionsFolder, work: Work) -> tuple[str, ...]:
    """The files that look like migrations and are none, before and after: nothing that reads the folder runs them."""
    moved = {name for move in work.plan.moves for name in (move.old, move.new)}
    return tuple(sorted(name for name in folder.files() - moved if looks_like_one(name) and not name.endswith(END)))


def carry_out(folder: VersionsFolder, work: Work) -> None:
    """Do it. Nothing is committed. Raises MigciError where the disk or git does not let it."""
    if not work.begun:
        for move in work.plan.moves:
            folder.copy(move)
        folder.write(work.plan.text)
    for move in work.plan.moves:
        folder.remove(move.old)
    folder.stage(work.plan.moves)


def _new(folder: VersionsFolder, files: frozenset[str], here: set[str], numbered: set[str]) -> Plan:
    if numbered - here:
        raise UsageError(
            f"git has {folder.place}/{min(numbered - here)}, and it is not there", hint="git checkout, or commit that"
        )
    return plan((files | folder.others()) - _copies(folder, plan(files - _unnumbered(files))))


def _unnumbered(files: frozenset[str]) -> set[str]:
    return {name for name in files if not is_numbered(name)}


def _copies(folder: VersionsFolder, plan: Plan) -> set[str]:
    return {move.new for move in folder.alike(plan.moves)}


def _carried_on(folder: VersionsFolder, numbered: set[str]) -> Plan:
    found = finished(numbered, folder.listed())
    alike = folder.alike(found.moves)
    for move in found.moves:
        if move not in alike:
            raise UsageError(
                f"{folder.place} has a {VERSIONS} already, and {move.old} is not what it lists as {move.new}",
                hint="take back what is not committed there, or remove the numbered file",
            )
    return found
