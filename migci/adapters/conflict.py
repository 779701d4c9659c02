"""Whether a file in conflict is still what git made of both sides, or a person has edited it since."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import ExitStack

from migci.adapters.commits import users_environment
from migci.adapters.worktree import Stages
from migci.errors import MigciError

_FIRST_MARK = re.compile(rb"<{2,}(?= |$)")


def as_git_left(content: bytes, stages: Stages) -> bool:
    """Whether nothing in `content` is lost with it: both sides of its marks are what git, or the merge driver, wrote.

    So it is where there are no marks and the whole is one of the sides, as git leaves it where a merge driver could not
    be started. Any style of conflicts will do, any length of the marks and any words on them; the lines' ends may be
    other ones. Both sides have to be there in `stages`. Raises MigciError where git fails.
    """
    if stages.ours is None or stages.theirs is None:
        raise ValueError("a side is missing")
    whole = (stages.ours.splitlines(), stages.theirs.splitlines())
    lines = content.splitlines()
    left = _sides(lines)
    return lines in whole if left is None else left == whole or left == _merged(stages)


def _sides(lines: list[bytes]) -> tuple[list[bytes], list[bytes]] | None:
    """What the file would be with our side of every conflict, and with theirs; `None` if the marks are no pairs.

    A base between the marks is passed over: it is in neither.
    """
    size = next((len(mark[0]) for mark in map(_FIRST_MARK.match, lines) if mark), 0)
    if not size:
        return None
    marks = [re.compile(re.escape(sign * size) + rb"(?: |$)") for sign in (b"<", b"|", b"=", b">")]
    follows = {None: (0,), 0: (1, 2), 1: (2,), 2: (3,)}
    ours: list[bytes] = []
    theirs: list[bytes] = []
    within: int | None = None
    for line in lines:
        mark = next((place for place, sign in enumerate(marks) if sign.match(line)), None)
        if mark is not None:
            if mark not in follows[within]:
                return None
            within = None if mark == 3 else mark
            continue
        if within in (None, 0):
            ours.append(line)
        if within in (None, 2):
            theirs.append(line)
    return (ours, theirs) if within is None else None


def _merged(stages: Stages) -> tuple[list[bytes], list[bytes]]:
    """The same, as git merges line by line where one side is to win each conflict."""
    with ExitStack() as stack:
        files = [stack.enter_context(os.fdopen(os.memfd_create("a side"), "wb")) for _ in range(3)]
        for file, content in zip(files, (stages.ours, stages.base, stages.theirs), strict=True):
            file.write(content or b"")
            file.flush()
        places = [file.fileno() for file in files]  # in memory: a process that is killed leaves nothing
        ours, theirs = (_favouring(side, places).splitlines() for side in ("--ours", "--theirs"))
        return ours, theirs


def _favouring(side: str, files: list[int]) -> bytes:
    names = [f"/proc/self/fd/{file}" for file in files]
    done = subprocess.run(
        ["git", "merge-file", "-p", "-q", side, *names], pass_fds=files, env=users_environment(), capture_output=True
    )
    if done.returncode:
        raise MigciError(f"git merge-file failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
