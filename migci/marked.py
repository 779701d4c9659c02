"""What a change lacks of markup: its own, as it would land, against the columns that its steps made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import Any

from migci.core.dataset import Dataset
from migci.core.finding import Finding, Severity
from migci.core.marking import Look, Said, ahead, changed, unmarked, unmarked_model, unmatched
from migci.core.markup import Column, Markup
from migci.core.step import Outcome, Step
from migci.errors import MigciError, UsageError
from migci.ports import Database, EnvironmentFailed, HistoryFailed, Marked, Tree, VersionTable
from migci.tools import Tools


class Looks:
    """Looks at a database's columns around each step, if that is `wanted`: without markup nobody needs to know.

    `last` are those that there were when it was looked at last; `None` where it was not.
    """

    def __init__(self, table: VersionTable | None, *, wanted: bool) -> None:
        self.seen: list[Look] = []
        self.last: tuple[Column, ...] | None = None
        self._table = table
        self._wanted = wanted

    def around(self, database: Database) -> Callable[[Step], None]:
        """Looks at `database` now, and each time that what it returns is told of a step; what was seen before is over.

        Both raise ServerFailed.
        """
        self.seen.clear()
        if not self._wanted:
            return lambda step: None
        self.last = before = self._columns(database)

        def after(step: Step) -> None:
            nonlocal before
            if step.outcome is Outcome.APPLIED:
                self.last = now = self._columns(database)
                self.seen.append(Look(step, before, now))
                before = now

        return after

    def _columns(self, database: Database) -> tuple[Column, ...]:
        """Those of the project: the version table is its tool's."""
        return tuple(one for one in database.columns() if self._table is None or one.table != self._table.table)


def judged(
    looks: Looks, dataset: Dataset, models: str | None, trunk: Tree, patch: Tree, tools: Tools
) -> tuple[Finding, ...]:
    """The findings of what the steps, or the patch's models, add, and of what the steps drop, by the patch's markup.

    Whatever the patch says decides about these findings alone. Markup that cannot be read is told, and then a column
    of which nothing is said is a warning: what could not be read may speak of it.
    """
    steps = tuple(looks.seen)
    if looks.last is None or (not changed(steps) and models is None):
        return ()
    marked, unread = _read(dataset, models, patch, tools)
    if marked.notes:
        tools.observer.note(
            f"{dataset.name}: {marked.markup.file} wins over the models where both speak of a column, "
            f"which they do {len(marked.notes)} times"
        )
    severity = Severity.WARNING if unread else Severity.ERROR
    if not changed(steps):
        unread = ()  # it is of no concern to the patch
    if not marked.markup.columns and not marked.markup.file:
        return unread
    said = Said(marked.markup, marked.modelled, severity)
    return (
        *unread,
        *unmarked(steps, said, _texts(steps, patch, tools)),
        *_ahead(looks.last, said, models, trunk, patch, tools),
        *unmatched(steps, marked.markup),
    )


def _ahead(
    there: tuple[Column, ...], said: Said, models: str | None, trunk: Tree, patch: Tree, tools: Tools
) -> Iterator[Finding]:
    """What the patch adds to the models alone. Trunk's models are asked only if there is something to tell."""
    found = ahead(there, said)
    if not found or models is None:
        return
    try:
        told = tools.markups.read(None, (models, tools.tool.models(trunk, models)))
    except (HistoryFailed, EnvironmentFailed, UsageError):
        return  # what they have that trunk's have not, nobody knows
    if not told.modelled:
        return
    before = {one.column.name for one in told.modelled}
    for one in found:
        if one.column.name not in before:
            file, text = _source(one.module, patch, tools)
            yield unmarked_model(one, said.severity, file, text)


def _source(module: str, tree: Tree, tools: Tools) -> tuple[str | None, str]:
    """The project's file of a module, and what stands in it."""
    if not re.fullmatch(r"\w+(?:\.\w+)*", module):
        return None, ""
    path = module.replace(".", "/")
    places = [f"{root}{path}{end}" for root in ("", "src/") for end in (".py", "/__init__.py")]
    found = zip(places, tools.repository.files(tree.commit).read(places), strict=True)
    return next(((place, data.decode(errors="replace")) for place, data in found if data is not None), (None, ""))


def _read(dataset: Dataset, models: str | None, tree: Tree, tools: Tools) -> tuple[Marked, tuple[Finding, ...]]:
    """The markup as it would land, as far as it can be read, and what cannot."""
    own = dataset.markup if dataset.markup is not None and dataset.markup.file else None
    wrong: dict[str, Finding] = {}

    def unread(error: MigciError, file: str | None) -> None:
        severity = Severity.INFO if own is None else Severity.WARNING
        wrong[error.message] = Finding("MC604", severity, error.message, error.hint, file=file)

    told: tuple[str, Mapping[str, Any]] | None = None
    if models is not None:
        try:
            told = models, tools.tool.models(tree, models)
        except (HistoryFailed, EnvironmentFailed) as error:
            unread(error, None)
    kept = None if own is None else (own.file, own.text)
    landing = kept if own is None else _landing(own, tree, tools)
    for file, words in ((landing, told), (kept, told)):
        try:
            return tools.markups.read(file, words), tuple(wrong.values())
        except UsageError as error:
            unread(error, None if file is None else file[0])
    return Marked(dataset.markup or Markup()), tuple(wrong.values())


def _landing(own: Markup, tree: Tree, tools: Tools) -> tuple[str, str]:
    """The file of the markup, and its text as it would land, where the project has it."""
    if PurePath(own.file).is_absolute():
        return own.file, own.text
    (data,) = tools.repository.files(tree.commit).read([own.file])
    return own.file, own.text if data is None else data.decode(errors="replace")


def _texts(looks: tuple[Look, ...], tree: Tree, tools: Tools) -> dict[str, str]:
    """The files of the steps, as far as they can be read."""
    names = tuple(dict.fromkeys(look.step.file for look in looks))
    found = tools.repository.files(tree.commit).read(names)
    return {name: data.decode(errors="replace") for name, data in zip(names, found, strict=True) if data is not None}
