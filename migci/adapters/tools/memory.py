"""How much memory a process and all that it began hold together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def in_use(ancestor: int, enough: int) -> int:
    """Bytes of memory that `ancestor` and its descendants hold, what they share counted once.

    That is looked up only if the quick sum, which counts it for each of them, is more than `enough`.
    """
    pids = list(_with_descendants(ancestor))
    quick = sum(map(_resident, pids))
    return quick if quick <= enough else sum(map(_proportional, pids))


def _with_descendants(ancestor: int) -> Iterator[int]:
    waiting = [ancestor]
    while waiting:
        pid = waiting.pop()
        yield pid
        files: list[Path] = []
        with suppress(OSError):  # it has ended meanwhile
            files.extend(Path(f"/proc/{pid}/task").glob("*/children"))
        for file in files:
            with suppress(OSError):
                waiting.extend(map(int, file.read_text().split()))


def _resident(pid: int) -> int:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with suppress(OSError):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        return int(found.group(1)) << 10 if found else 0
    return 0
