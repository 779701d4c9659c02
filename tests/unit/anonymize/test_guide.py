"""docs/anonymize.md says what is so: its files are written, its commands run, and what they print stands in it.

`python -m tests.unit.anonymize.test_guide` writes what they print into it.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from click.testing import CliRunner

from anonymize import foretold, unmatched
from anonymize.cli import commands

PAGE = Path(__file__).resolve().parents[3] / "docs" / "anonymize.md"
_FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?<=^```console\n)\$ anonymize (.*?)\n(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def printed(page: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Each command of the page, and what it prints where the page's files are."""
    for name, text in _FILE.findall(page):
        (folder / name).write_text(text)
    with chdir(folder):
        for command, _ in _COMMAND.findall(page):
            yield command, CliRunner().invoke(commands, shlex.split(command)).output


def test_every_command_of_the_guide_prints_what_the_guide_says(tmp_path: Path) -> None:
    page = PAGE.read_text()
    said = dict(_COMMAND.findall(page))
    assert said
    assert dict(printed(page, tmp_path)) == said, "run: python -m tests.unit.anonymize.test_guide"


def test_every_problem_that_a_plan_can_have_is_explained() -> None:
    source = inspect.getsource(foretold) + inspect.getsource(unmatched)
    ids = set(re.findall(r'(?:Problem|_of)\(\s*"([a-z-]+)"', source)) | {"type", "kind"}
    assert len(ids) > 10
    assert not {id for id in ids if f"`{id}`" not in PAGE.read_text()}


def _write() -> None:
    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        found = dict(printed(page, Path(folder)))
    PAGE.write_text(_COMMAND.sub(lambda match: f"$ anonymize {match[1]}\n{found[match[1]]}", page))


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    _write()
