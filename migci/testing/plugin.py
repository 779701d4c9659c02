"""The pytest plugin: fixtures for migrations, and `pytest --migci`. Until one is used it imports nothing of migci."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from migci.testing.database import ProjectDatabase
    from migci.testing.world import World

_Given = TypeVar("_Given")

_READY = "migci"
"""What ids of ready tests begin with."""
_MOST_PRINTED_BYTES = 20_000

_NAMED = pytest.StashKey[list[str]]()
_THEIRS = pytest.StashKey[frozenset[Path]]()
_LOG = pytest.StashKey[Path]()
_BEGAN = pytest.StashKey[int]()


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
def pytest_collection(session: pytest.Session) -> None:
    """The ids of ready tests lead to no file: they are taken from what pytest looks for, just before it does."""
    if session.config.getoption("--migci"):
        given = session.config.args
        session.stash[_NAMED] = [one for one in given if one.startswith(f"{_READY}::")]
        session.config.args = [one for one in given if one not in session.stash[_NAMED]]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What runs in the project's own interpreter is no module of this one's, whatever it is called."""
    if not config.getoption("--migci") or collection_path.suffix != ".py":
        return None
    if _THEIRS not in config.stash:
        config.stash[_THEIRS] = importlib.import_module("migci.testing.ready").files(config)
    return collection_path in config.stash[_THEIRS] or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """First of all, so that `-k` and `-m` choose among the ready tests too."""
    if config.getoption("--migci"):
        ready = importlib.import_module("migci.testing.ready")
        assert ready.__file__ is not None
        module = _Ready.from_parent(session, path=Path(ready.__file__), nodeid=_READY)
        found = [item for item in session.genitems(module) if isinstance(item, pytest.Item)]
        items.extend(_named(session.stash.get(_NAMED, []), found))


def _named(ids: list[str], items: list[pytest.Item]) -> list[pytest.Item]:
    """The items that `ids` name, one or all revisions of a test; all, if there are none. Raises UsageError."""
    for one in ids:
        if not any(_is(item, one) for item in items):
            raise pytest.UsageError(f"not found: {one}\n'pytest --migci --collect-only -q' lists the ready tests")
    return [item for item in items if not ids or any(_is(item, one) for one in ids)]


def _is(item: pytest.Item, id: str) -> bool:
    return item.nodeid == id or item.nodeid.startswith(f"{id}[")


class _Ready(pytest.Module):
    """The ready tests, as if they lay in the project: nothing is put on the path for imports."""

    def _getobj(self) -> Any:
        return importlib.import_module("migci.testing.ready")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    log = item.config.stash.get(_LOG, None)
    item.stash[_BEGAN] = log.stat().st_size if log is not None and log.exists() else 0


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure comes with what the migrations printed during the test: the log itself lies where nobody looks."""
    report = yield
    log = item.config.stash.get(_LOG, None)
    if report.failed and log is not None and log.exists():
        with log.open("rb") as file:
            file.seek(max(item.stash.get(_BEGAN, 0), log.stat().st_size - _MOST_PRINTED_BYTES))
            if text := file.read().decode(errors="replace"):
                report.sections.append(("log.txt of migci", text))
    return report


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
        log = request.config.stash[_LOG] = tmp_path_factory.mktemp("migci") / "log.txt"
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
