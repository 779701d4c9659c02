"""A project as its tests see it: its settings, the working tree's migrations, and databases to run them on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from migci import config, wiring
from migci.checkpoint import Course, Position, walk_from
from migci.confidential import guarded, sheltered
from migci.config import Settings
from migci.core.dataset import EMPTY, Contents, Dataset
from migci.errors import UsageError
from migci.quiet import Quiet
from migci.replay import read_releases, start_of
from migci.route import Reading, Releases, route, standing
from migci.testing.database import ProjectDatabase
from migci.tools import Tools


@dataclass(frozen=True)
class World:
    """`code` is the working tree, with what is not committed. `log` has what the migrations printed."""

    settings: Settings
    folder: Path
    log: Path
    tools: Tools
    code: Reading
    releases: Releases

    @contextmanager
    def database(self, name: str = EMPTY) -> Iterator[ProjectDatabase]:
        """A fresh clone of the dataset of that name, with a server of its own; both are gone on exit.

        "empty" is there even if migci.toml does not name it. Raises UsageError for another that it does not name, and
        for real contents, and what a replay raises where a dataset cannot be prepared.
        """
        dataset = self._dataset(name)
        project, tools = self.settings.as_project(), self.tools
        table = tools.tool.version_table(self.code.tree)
        with sheltered(dataset, tools):
            snapshot = start_of(dataset, project, table, tools)
        seen = standing(dataset, snapshot, self.code.history)
        course = Course(dataset, snapshot, seen, route(seen, self.releases, self.code), table)
        with (
            guarded(dataset, snapshot, table, self.code.tree, tools) as gate,
            walk_from(course, Position(snapshot, 0), tools) as (walk, _),
        ):
            yield ProjectDatabase(walk, course.legs, self.code, tools, gate, table.table if table else None)

    def _dataset(self, name: str) -> Dataset:
        if name == EMPTY and name not in self.settings.datasets:
            return Dataset(EMPTY, contents=Contents.SYNTHETIC)
        (found,) = self.settings.as_datasets(self.folder, (name,))
        if found.contents is Contents.REAL:
            raise UsageError(
                f"dataset {name!r} holds real data, and a project's own tests run in no sandbox, and show all",
                hint='take one whose contents are "anonymized" or "synthetic"',
            )
        return found


@contextmanager
def opened(folder: Path, log: Path) -> Iterator[World]:
    """The project whose migci.toml is in `folder`; on exit nothing of it is left but the log.

    Raises UsageError, EnvironmentFailed, HistoryFailed.
    """
    settings = config.load(folder)
    with wiring.tools(settings, folder, log, Quiet()) as tools:
        repository = tools.repository
        code = Reading.of(repository.tree(repository.working_tree()), tools.tool)
        yield World(settings, folder, log, tools, code, read_releases(settings.as_project(), code, tools))
