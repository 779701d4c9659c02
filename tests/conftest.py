"""What all tests share: a place for what migci keeps, so that no test touches the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that every test's migci works in: `MIGCI_TEST_STORE`, else one that lives as long as the session.

    `MIGCI_STORE` names it, for the commands that tests start.
    """
    named = os.environ.get("MIGCI_TEST_STORE")
    folder = Path(named).resolve() if named else tmp_path_factory.mktemp("store")
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIGCI_STORE", str(folder))
        yield folder
