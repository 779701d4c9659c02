"""The pytest plugin: fixtures for migrations, and `pytest --migci`. Until one is used it imports nothing of migci."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from migci.testing.database import ProjectDatabase
    from migci.testing.world import World

_Given = TypeVar("_Given")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("migci", "migrations")
    group.addoption(
        "--migci", action="store_true", help="Also test that the project's history is linear, and goes up, down and up."
    )
    group.addoption(
        "--migci-project",
        metavar="DIR",
        help="Where migci.toml is; the nearest one from the root folder upwards if not.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """First of all, so that `-k` and `-m` choose among the ready tests too."""
    if config.getoption("--migci"):
        ready = importlib.import_module("migci.testing.ready")
        assert ready.__file__ is not None
        module = _Ready.from_parent(session, path=Path(ready.__file__), nodeid="migci")
        items.extend(item for item in session.genitems(module) if isinstance(item, pytest.Item))


class _Ready(pytest.Module):
    """The ready tests, as if they lay in the project: nothing is put on the path for imports."""

    def _getobj(self) -> Any:
        return importlib.import_module("migci.testing.ready")


def project_folder(config: pytest.Config) -> Path:
    """The folder with the project's migci.toml. Raises UsageError where there is none."""
    from migci import config as settings
    from migci.errors import UsageError

    named = config.getoption("--migci-project")
    folder = Path(named).resolve() if named else settings.nearest(config.rootpath)
    if not (folder / settings.FILE_NAME).is_file():
        raise UsageError(
            f"there is no {settings.FILE_NAME} in {folder}",
            hint="name its folder with --migci-project, or run 'migci init'",
        )
    return folder


def given(make: Callable[[], _Given]) -> _Given:
    """What `make` makes; what stands in its way fails the test, in a sentence."""
    from migci.errors import MigciError

    try:
        return make()
    except MigciError as error:
        told = str(error)
    pytest.fail(f"migci: {told}", pytrace=False)


@pytest.fixture(scope="session")
def migci_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The project of migci.toml, ready to make databases; made when it is first used, gone at the end."""
    from migci.testing.world import opened

    with ExitStack() as stack:
        log = tmp_path_factory.mktemp("migci") / "log.txt"
        yield given(lambda: stack.enter_context(opened(project_folder(request.config), log)))


@pytest.fixture
def migci_dataset() -> str:
    """The dataset that `migci_database` begins with: no tables at all. Define it anew for another of migci.toml."""
    return "empty"


@pytest.fixture
def migci_database(migci_world: World, migci_dataset: str) -> Iterator[ProjectDatabase]:
    """A throwaway server of the project's flavor with a fresh clone of the dataset, at the revision where that is."""
    with ExitStack() as stack:
        yield given(lambda: stack.enter_context(migci_world.database(migci_dataset)))
