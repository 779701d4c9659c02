"""Which histories of which trees a command of `migci versions` is about."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from migci.adapters.commits import Commits, commits_of, file_at, likely_trunk
from migci.adapters.scripts.repositories import READERS, reader_of
from migci.adapters.scripts.trees import DiskFiles
from migci.core.run import Commit
from migci.detect import home_of_migrations, repositories, repositories_of, says_tool_alembic
from migci.errors import UsageError
from migci.ports import EntryKind, Files, ScriptReader
from migci.versions.check import Trees

SETTINGS = "migci.toml"


@dataclass(frozen=True)
class Histories:
    """A project's histories: how each is read, in which trees, and the branches that the project wants.

    `tests` is what it says of where its migrations' tests are.
    `repository` is `None` where the project is in none that can be read, and then there is only the working tree.
    """

    project: Path
    readers: tuple[ScriptReader, ...]
    trees: Trees
    branches: tuple[str, ...]
    repository: Commits | None
    tests: str | None = None
    lands_on: str = ""

    def at(self, ref: str) -> Trees:
        """What another ref has, compared with the same trunk. Raises UsageError."""
        assert self.repository is not None
        return _trees(self.repository, self.project, ref, self.lands_on)

    def landed(self) -> Files:
        """What trunk has. Raises UsageError."""
        assert self.repository is not None
        return self.repository.files(self.repository.commit(self.lands_on))


def histories(
    project: Path,
    ref: str | None,
    trunk: str | None,
    migrations: tuple[str, ...],
    *,
    trunk_needed: bool = True,
    settings_ref: str | None = None,
) -> Histories:
    """What `ref`, or the working tree, has, and what `trunk`, or the settings' one, does; nothing is written anywhere.

    It goes by migci.toml, that of the commit `settings_ref` if one is named; where there is none, by what is found in
    the folder, or in the nearest above it that has migrations. Raises UsageError; also where git does not tell what
    trunk has, if somebody has named it and `trunk_needed`.
    """
    project = project.resolve()
    top = next((place for place in (project, *project.parents) if (place / SETTINGS).is_file()), None)
    project = top or project
    settings = None
    if top is not None or settings_ref is not None:
        from migci import config  # it takes longer than all the rest, and many projects have no settings

        if settings_ref is None:
            settings = config.load(project).project
        else:
            text = file_at(project, settings_ref, SETTINGS)
            settings = config.parse(text, project / f"{SETTINGS} at {settings_ref}").project
    elif not migrations:
        project = home_of_migrations(project)
    named_by_somebody = ref is not None or trunk is not None or settings is not None
    commits, trees, named = None, Trees(DiskFiles(project)), ""
    try:
        commits = commits_of(project)
        named = trunk or (settings.trunk if settings else likely_trunk(project))
        trees = _trees(commits, project, ref, named)
    except UsageError:
        if named_by_somebody and trunk_needed:
            raise  # else it is no repository, or one without a commit, and there is nothing to compare with
    branches = tuple(settings.versions.branches) if settings else ()
    folders = tuple(settings.versions.folders) if settings else ()
    if migrations:
        readers = tuple(reader_of(trees.proposed, path) for path in migrations)
    elif settings is not None:
        readers = READERS[settings.tool](settings.migrations, folders)
        if not readers:
            raise UsageError(
                'a history of tool = "command" is not read by migci versions',
                hint="'migci replay' tells what a patch does to it",
            )
    else:
        readers = _detected(project, trees.proposed)
    tests = settings.versions.tests if settings else None
    return Histories(project, readers, trees, branches, commits, tests, named)


def _trees(repository: Commits, project: Path, ref: str | None, trunk: str) -> Trees:
    proposed = repository.commit("HEAD" if ref is None else ref)
    files: Files = DiskFiles(project) if ref is None else repository.files(proposed)
    landed = repository.commit(trunk)
    if ref is not None and landed.id == proposed.id:
        return Trees(files)  # it is trunk that is asked about
    base: Commit | None = repository.parting(landed, proposed)
    if base is None and repository.shallow:
        raise UsageError(
            f"git knows no common ancestor of {proposed.ref} and {landed.ref}",
            hint="this is a shallow clone: git fetch --unshallow",
        )
    if base is None or base.id == landed.id:
        return Trees(files, repository.files(landed))
    return Trees(files, repository.files(landed), repository.files(base))


def _detected(project: Path, files: Files) -> tuple[ScriptReader, ...]:
    if isinstance(files, DiskFiles):
        found = repositories(project)
    else:
        there = [entry.path for entry in files.entries("", below=True) if entry.kind is EntryKind.FILE]
        found = repositories_of(there, lambda path: (files.read([path])[0] or b"").decode(errors="replace"))
    (tables,) = files.read(["pyproject.toml"])
    if tables is not None and says_tool_alembic(tables) and ("alembic", "alembic.ini") not in found:
        found.insert(0, ("alembic", "pyproject.toml"))
    if not found:
        raise UsageError(
            f"no alembic.ini and no migrate.cfg is found in {project if isinstance(files, DiskFiles) else files.name}",
            hint="name where the migrations are with --migrations, or write migci.toml: migci init",
        )
    return tuple(reader for tool, path in found for reader in READERS[tool](path, ()))
