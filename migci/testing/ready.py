"""Tests that every project's migrations should pass: `pytest --migci` collects them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from migci import config
from migci.adapters.scripts.repositories import READERS
from migci.adapters.scripts.trees import DiskFiles
from migci.core.finding import Finding, Severity
from migci.core.own_tests import Class, Places, said
from migci.core.scripts import ALEMBIC, Listing
from migci.errors import MigciError
from migci.testing.database import NoWayBack, ProjectDatabase, StepFailed
from migci.testing.plugin import given, project_folder
from migci.testing.structure import differences
from migci.testing.world import World
from migci.versions.check import Checked, Trees, check_all

_Ran = TypeVar("_Ran")

_HEADS = "MC008"
_A_COMMAND = 'with tool = "command" nobody knows how the files are ordered'


def _checked(pytest_config: pytest.Config) -> tuple[Checked, ...]:
    """What is wrong with the history as it lies on disk. Raises MigciError."""
    folder = project_folder(pytest_config)
    project = config.load(folder).project
    readers = READERS[project.tool](project.migrations, tuple(project.versions.folders))
    return check_all(readers, Trees(DiskFiles(folder)), tuple(project.versions.branches))


def files(pytest_config: pytest.Config) -> frozenset[Path]:
    """The migrations, and where their own tests may be; nothing, where it cannot be told which these are."""
    try:
        folder = project_folder(pytest_config)
        tests = said(config.load(folder).project.versions.tests or "")
        checked = _checked(pytest_config)
    except MigciError:  # the tests of the history's order tell
        return frozenset()
    found: set[str] = set()
    for one in checked:
        revisions = {script.id: script.files for script in one.listing.scripts}
        places = Places(beside=one.listing.kind != ALEMBIC, folder="" if isinstance(tests, Class) else tests)
        found.update(file for files in (*revisions.values(), *places.of(revisions).values()) for file in files)
    return frozenset(folder / file for file in found)


def _revisions(listing: Listing) -> list[str]:
    return [script.id for script in listing.chain]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each revision, if the files tell which there are."""
    if "migci_revision" in metafunc.fixturenames:
        try:
            found = [id_ for one in _checked(metafunc.config) for id_ in _revisions(one.listing)]
        except MigciError:  # the tests of the history's order tell
            found = []
        metafunc.parametrize("migci_revision", list(dict.fromkeys(found)) or [None])


@pytest.fixture(scope="module")
def migci_checked(request: pytest.FixtureRequest) -> tuple[Checked, ...]:
    """The histories, and what is wrong with them."""
    checked = given(lambda: _checked(request.config))
    if not checked:
        pytest.skip(_A_COMMAND)
    return checked


def _tell(findings: list[Finding]) -> None:
    if findings:
        told = [f"{one.id} {one.file or ''}{f':{one.line}' if one.line else ''}: {one.message}" for one in findings]
        pytest.fail("\n".join([*told, *(f"hint: {one.hint}" for one in findings[:1] if one.hint)]), pytrace=False)


def test_history_is_linear(migci_checked: tuple[Checked, ...]) -> None:
    """Every migration but the first follows exactly one other, and each can be read."""
    errors = [one for each in migci_checked for one in each.findings if one.severity is Severity.ERROR]
    _tell([one for one in errors if one.id != _HEADS])


def test_history_has_a_single_head(migci_checked: tuple[Checked, ...]) -> None:
    """Nothing but the newest migration is without one that follows it."""
    _tell([one for each in migci_checked for one in each.findings if one.id == _HEADS])


def _well(run: Callable[[], _Ran]) -> _Ran:
    """What `run` returns; a migration that does not end well fails the test in a sentence."""
    try:
        return given(run)
    except StepFailed as failed:
        told = str(failed)
    pytest.fail(told, pytrace=False)


def _back(database: ProjectDatabase) -> str | None:
    """Take back what ran last; returns why that cannot be, where it says that it cannot."""
    try:
        database.back()
    except NoWayBack as no:
        return str(no)
    return None


class Climb:
    """A database that goes up the history, one revision after the other, for as long as all goes well."""

    def __init__(self, world: World, stack: ExitStack) -> None:
        self._world = world
        self._stack = stack
        self._database: ProjectDatabase | None = None
        self._obstacles: set[str] = set()

    @contextmanager
    def below(self, revision: str) -> Iterator[ProjectDatabase]:
        """A database on which all has run that comes before `revision`, and not that. Skips where one of it fails.

        After a test that fails on it, it is not what it should be: the next one gets another.
        """
        history = self._world.code.history
        if revision not in history.by_id:
            pytest.skip(f"{revision} is on disk, and the project's tool does not tell of it")
        before = history.applied([revision]) - {revision}
        if failed := sorted(before & self._obstacles):
            pytest.skip(f"{', '.join(failed)}, which comes before {revision}, fails")
        database = self._database
        if database is None or database.broken or revision not in database.pending:
            self._stack.close()
            database = self._database = given(lambda: self._stack.enter_context(self._world.database()))
        for one in history.revisions:
            if one.id in before and one.id in database.pending:
                self.up(database, one.id)
        try:
            yield database
        except pytest.fail.Exception:
            self._database = None
            raise

    def up(self, database: ProjectDatabase, revision: str) -> None:
        try:
            _well(lambda: database.at(revision))
        except pytest.fail.Exception:
            self._obstacles.add(revision)
            raise


@pytest.fixture(scope="module")
def migci_climb(migci_world: World) -> Iterator[Climb]:
    """One climb for all revisions, so that each is run about once."""
    with ExitStack() as stack:
        yield Climb(migci_world, stack)


def test_up_down_up(migci_revision: str | None, request: pytest.FixtureRequest) -> None:
    """A migration's downgrade brings back what was there, and then it runs again and makes the same."""
    if migci_revision is None:
        pytest.skip("the files tell of no migrations; the tests of the history's order say why")
    climb: Climb = request.getfixturevalue("migci_climb")
    with climb.below(migci_revision) as database:
        before = database.structure()
        climb.up(database, migci_revision)
        above = database.structure()
        no_way = _well(lambda: _back(database))
        if no_way is not None:
            pytest.skip(no_way)
        _same(before, database.structure(), f"the downgrade of {migci_revision} does not bring back what was there")
        _well(lambda: database.at(migci_revision))
        _same(above, database.structure(), f"{migci_revision}, run again, does not make the same")


def _same(expected: dict[str, frozenset[str]], found: dict[str, frozenset[str]], what: str) -> None:
    if told := differences(expected, found):
        pytest.fail("\n".join([f"{what}:", *told]), pytrace=False)


def test_models_match_schema(migci_world: World) -> None:
    """What the migrations make of an empty database is what the models say."""
    models = migci_world.settings.project.models
    with ExitStack() as stack:
        database = given(lambda: stack.enter_context(migci_world.database()))
        _well(database.upgrade)
        told = given(lambda: database.compare(models))
    if told is None:
        tool = migci_world.tools.tool.name
        pytest.skip(
            "neither [project] models nor env.py names the models"
            if tool == "alembic"
            else f"{tool} has no comparison of models and schema"
        )
    if told:
        pytest.fail("\n".join(["to be as the models are, the schema needs:", *told]), pytrace=False)
