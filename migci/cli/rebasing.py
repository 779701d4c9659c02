"""`migci versions rebase`: a branch's own migrations behind trunk's newest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import click

from migci.adapters.conflict import as_git_left
from migci.adapters.scripts.edits import NotEdited, follow
from migci.adapters.scripts.rebasing import Instead, undone, written
from migci.adapters.scripts.references import references
from migci.adapters.worktree import Edit, Worktree
from migci.cli.histories import Histories, histories
from migci.cli.options import migrations_option, project_option, trunk_option
from migci.core.merging import OURS
from migci.core.scripts import ALEMBIC, Listing
from migci.core.shape import revisions
from migci.errors import UsageError
from migci.ports import Files, NotRebased, ScriptReader
from migci.report import plain
from migci.versions.along import tests_along, with_tests
from migci.versions.check import listing_or_none
from migci.versions.moves import Plan, described
from migci.versions.rebase import plan


@click.command(short_help="Move a branch's own migrations behind trunk's:  migci versions rebase")
@trunk_option
@click.option("--dry-run", is_flag=True, help="Show the plan, and change nothing.")
@project_option
@migrations_option
def rebase(trunk: str | None, dry_run: bool, project: Path, migrations: tuple[str, ...]) -> None:
    """Put this branch's own migrations, one or a chain, behind the newest one of trunk.

    The files on disk are changed and nothing is committed: versions.json, alembic's down_revision and "Revises:", or
    the numbers in files' names, as the project has it. What trunk has is never moved. It can be called before a git
    rebase or merge, after it, or in the middle of its conflicts, and called again it changes nothing.

    \b
    Examples:
      migci versions rebase --dry-run          what it would do
      migci versions rebase --trunk origin/main
      git rebase main || { migci versions rebase && git rebase --continue; }
    """
    known = histories(project, None, trunk, migrations)
    if known.trees.trunk is None:
        raise UsageError(
            f"{known.project} is in no git repository that can be read: there is no trunk",
            hint="a branch is put behind trunk, so both have to be known to git",
        )
    worktree = Worktree(known.project)
    _end_what_was_begun(worktree, dry_run)
    works = [work_of(reader, known, worktree) for reader in known.readers]
    for work in works:
        for line in work.told(known.trees.trunk.name):
            _say(line)
    for line in _references(works, known.trees.proposed, worktree):
        _say(line)
    if dry_run or not any(work.edits or work.plan.renames for work in works):
        return
    done = carried_out(works, worktree)
    _say("done; nothing is committed")
    if done.staged:
        _say(f"in git's index, too: {', '.join(done.staged)}")
    if done.operation:
        _say(f"then, when nothing else is in conflict: git {done.operation} --continue")


@dataclass(frozen=True)
class Work:
    """What is to be done to one history."""

    plan: Plan
    edits: tuple[Edit, ...]
    instead: Instead | None

    def told(self, trunk: str) -> Iterator[str]:
        listing = self.plan.listing
        folders = ", ".join(listing.folders)
        own = f"{revisions(listing, len(self.plan.own))} of this branch's own"
        yield f"{folders}: {own}; the newest of {trunk} is {', '.join(self.plan.newest) or 'none'}"
        if self.instead is not None:
            yield f"  {self.instead.path}: the conflict is resolved"
        for line in described(self.plan):
            yield f"  {line}"
        if not self.edits and not self.plan.renames:
            yield "  nothing to do"


def work_of(reader: ScriptReader, known: Histories, worktree: Worktree) -> Work:
    """What there is to do to the history that `reader` reads. Raises NotRebased, NoMigrations, UsageError."""
    files = known.trees.proposed
    assert known.trees.trunk is not None
    ours = reader.read(files, thorough=False)
    trunk = listing_or_none(reader, known.trees.trunk) or Listing(ours.kind, ours.folders, order_file=ours.order_file)
    base = listing_or_none(reader, known.trees.base) or trunk
    instead: Instead | None = None
    stages = worktree.stages(ours.order_file)
    (there,) = files.read([ours.order_file])
    unreadable = any(one.file == ours.order_file for one in ours.findings)
    if stages is not None and (unreadable or (there is not None and stages.both and as_git_left(there, stages))):
        (landed,) = known.trees.trunk.read([ours.order_file])
        first = None if worktree.operation() == "merge" else OURS
        instead = Instead(files, ours.order_file, undone(ours.order_file, stages, there, landed, first))
        ours = reader.read(instead, thorough=False)
    planned = plan(ours, trunk, base, known.branches)
    if planned.renames:
        scripts = [script.files for script in ours.scripts]
        along = dict(tests_along(scripts, dict(planned.renames), files, known.tests))
        planned = replace(planned, renames=with_tests(planned.renames, along))
    for path, _ in planned.renames:
        _check_no_conflict(path, worktree)
    edits = [_followed(files, move.script.files[0], move.now) for move in planned.moves if ours.kind == ALEMBIC]
    for edit in edits:
        _check_no_conflict(edit.path, worktree)
    if planned.reorders or instead is not None:
        path = ours.order_file
        (was,) = files.read([path])
        (like,) = (instead or files).read([path])
        now = like or b""
        if planned.reorders and planned.order is not None:
            now = written(planned.order, now, ids=ours.kind == ALEMBIC)
        edits.append(Edit(path, was, now))
    return Work(planned, tuple(edits), instead)


@dataclass(frozen=True)
class Done:
    """What a rebase left: which files are in git's index as they are now, and what git is in the middle of."""

    staged: tuple[str, ...]
    operation: str | None


def carried_out(works: list[Work], worktree: Worktree) -> Done:
    """Change the files, of all histories or of none. Raises UsageError.

    Into the index goes what was in conflict, and in the middle of a merge or rebase also what was in it as it was on
    disk: then git can go on, and nothing else of the user's goes along.
    """
    edits = [edit for work in works for edit in work.edits]
    renames = [rename for work in works for rename in work.plan.renames]
    in_conflict = {work.instead.path for work in works if work.instead}
    operation = worktree.operation()
    stage = [edit.path for edit in edits if edit.path in in_conflict or (operation and worktree.clean(edit.path))]
    worktree.apply(edits, renames, stage)
    return Done((*stage, *(now for _, now in renames)), operation)


def _followed(files: Files, path: str, parent: str) -> Edit:
    (content,) = files.read([path])
    try:
        if content is None:
            raise NotEdited("cannot be read")
        return Edit(path, content, follow(content, parent))
    except NotEdited as error:
        hint = f"let it follow {parent} by hand, and call this again"
        raise NotRebased(f"{path} {error}", hint=hint) from error


def _check_no_conflict(path: str, worktree: Worktree) -> None:
    if worktree.stages(path) is not None:
        raise NotRebased(f"{path} is in conflict", hint="resolve it by hand, and call this again")


def _end_what_was_begun(worktree: Worktree, dry_run: bool) -> None:
    if dry_run:
        if worktree.begun():
            raise UsageError("a rebase was interrupted here", hint="migci versions rebase, without --dry-run, ends it")
        return
    for was, now in worktree.finish():
        _say(f"begun before, and ended now: {was} -> {now}")


def _references(works: list[Work], files: Files, worktree: Worktree) -> Iterator[str]:
    moves = [move for work in works if work.plan.listing.kind != ALEMBIC for move in work.plan.moves]
    if not moves:
        return
    renamed = {was for work in works for was, _ in work.plan.renames}
    tests = [path for path in worktree.texts_named("test") if path not in renamed]
    names = [PurePosixPath(was).stem for was in sorted(renamed)]
    found = list(references(files, tests, [move.was for move in moves], names))
    if found:
        yield "tests that speak of the old numbers, perhaps; they are not edited:"
        yield from (f"  {line}" for line in found)


def _say(line: str) -> None:
    """A line that may hold a patch's names: a screen obeys nothing of it."""
    text = line.lstrip(" ")
    click.echo(line[: len(line) - len(text)] + plain.unobeyed(plain.line(text, 800)))
