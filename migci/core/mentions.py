"""Where a project names its migrations' files as they were called before an import."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migci.core.naming import Move, Plan


@dataclass(frozen=True)
class Mention:
    """A line of a file that names a script as it was called."""

    file: str
    line: int
    move: Move


def mentions(lines: Iterable[tuple[str, int, str]], plan: Plan) -> Iterator[Mention]:
    """Those of `lines`, each with its file and number, that name an old file, with or without its ending."""
    by_number: dict[str, list[tuple[str, Move]]] = defaultdict(list)
    for move in plan.moves:
        stem = move.old.rpartition(".")[0]
        digits = re.match("[0-9]+", stem)
        assert digits is not None
        by_number[digits[0]].append((stem, move))
    for file, line, text in lines:
        told = set()
        for found in re.finditer(r"(?<![0-9A-Za-z_])[0-9]{3,}", text):
            for stem, move in by_number.get(found[0], ()):
                end = found.start() + len(stem)
                if text.startswith(stem, found.start()) and not re.match(r"\w", text[end : end + 1]):
                    told.add(move)
        for move in sorted(told, key=lambda move: move.old):
            yield Mention(file, line, move)
