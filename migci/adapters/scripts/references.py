"""Where tests speak of a migration by its number or by its file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from migci.ports import Files

_SUFFIXES = (".py", ".cfg", ".ini", ".toml", ".yaml", ".yml", ".json", ".txt", ".rst", ".md")


def references(files: Files, tests: Sequence[str], numbers: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """`FILE:LINE: the line`, for each line of `tests` that has one of `numbers` as sqlalchemy-migrate's tests write
    it (`_check_216`, `"216"`, `216_name`, `version=216`), or one of `names`.

    It is a search for texts: some lines mean something else, and other ways to speak of a migration are not found.
    """
    wanted = [path for path in tests if PurePosixPath(path).suffix in _SUFFIXES]
    every = "|".join(f"0*{number}" for number in numbers)
    patterns = (
        [rf"(?:(?<=_)|(?<=['\"])|(?<=version=)|(?<=version = )|\b(?=\d{{3}}))(?:{every})(?![\d.])"] if every else []
    )
    patterns += [rf"(?<!\w){re.escape(name)}" for name in names]
    if not patterns or not wanted:
        return
    pattern = re.compile("|".join(patterns))
    for path, content in zip(wanted, files.read(wanted), strict=True):
        for place, line in enumerate((content or b"").decode(errors="replace").splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{place}: {line.strip()[:120]}"
