"""What a change lacks of markup: its own, as it would land, against the columns that its steps made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from migci.core.dataset import Dataset
from migci.core.finding import Finding, Severity
from migci.core.marking import Look, Said, changed, unmarked, unmatched
from migci.core.markup import Column, Markup
from migci.core.step import Outcome, Step
from migci.errors import MigciError, UsageError
from migci.ports import Database, EnvironmentFailed, HistoryFailed, Marked, Tree, VersionTable
from migci.tools import Tools


class Looks:
    """Looks at a database's columns around each step, if that is `wanted`: without markup nobody needs to know."""

    def __init__(self, table: VersionTable | None, *, wanted: bool) -> None:
        self.seen: list[Look] = []
        self._table = table
        self._wanted = wanted

    def around(self, database: Database) -> Callable[[Step], None]:
        """Looks at `database` now, and each time that what it returns is told of a step; what was seen before is over.

        Both raise ServerFailed.
        """
        self.seen.clear()
        if not self._wanted:
            return lambda step: None
        before = self._columns(database)

        def after(step: Step) -> None:
            nonlocal before
            if step.outcome is Outcome.APPLIED:
                now = self._columns(database)
                self.seen.append(Look(step, before, now))
                before = now

        return after

    def _columns(self, database: Database) -> tuple[Column, ...]:
        """Those of the project: the version table is its tool's."""
        return tuple(one for one in database.columns() if self._table is None or one.table != self._table.table)


def judged(
    looks: tuple[Look, ...], dataset: Dataset, models: str | None, tree: Tree, tools: Tools
) -> tuple[Finding, ...]:
    """The findings of what the steps added and dropped, by the markup of `tree`, which is that of the patch.

    Whatever the patch says decides about these findings alone. Markup that cannot be read is told, and then a column
    of which nothing is said is a warning: what could not be read may speak of it.
    """
    if not changed(looks):
        return ()
    marked, unread = _read(dataset, models, tree, tools)
    if marked.notes:
        tools.observer.note(
            f"{dataset.name}: {marked.markup.file} wins over the models where both speak of a column, "
            f"which they do {len(marked.notes)} times"
        )
    if not marked.markup.columns and not marked.markup.file:
        return unread
    severity = Severity.WARNING if unread else Severity.ERROR
    said = Said(marked.markup, marked.modelled, severity)
    texts = _texts(looks, tree, tools)
    return (*unread, *unmarked(looks, said, texts), *unmatched(looks, marked.markup))


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
    for file, words in ((landing, told), (kept, told), (kept, None)):
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
