"""Which engine carries the operations out: the compiled kernel, or its twin in Python where nothing was compiled."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Protocol

from typing_extensions import Buffer

from anonymize.ops import Op, Program
from anonymize.sql import Grammar


@functools.cache
def _twin() -> ModuleType:
    """It is not loaded where the kernel does everything, which makes a command start sooner."""
    return importlib.import_module("anonymize.twin")


try:
    _kernel: ModuleType | None = importlib.import_module("anonymize._kernel")
except ImportError:
    _kernel = None


class Rows(Protocol):
    """The rows of one kind of statement, rewritten piece by piece. For one thread at a time."""

    def __init__(self, program: Program, grammar: Grammar) -> None: ...

    @property
    def rows(self) -> int:
        """How many rows have passed."""

    @property
    def replaced(self) -> list[int]:
        """For each place in a row, how many values were replaced by something that is not NULL."""

    def rewrite(self, data: Buffer, start: int) -> tuple[Buffer | None, int, bool]:
        """Rewrite the rows of a VALUES list.

        `start` is a place between rows: at white space, a comment, a comma, the `(` of a row, or the `;`. Returns what
        takes the place of data[start:end] (None: it stays as it is), `end`, and whether the statement's `;` was
        reached; `end` is behind it then, and else behind the last row that is whole.

        Raises RowError.
        """


Apply = Callable[[bytes, bytes], bytes | None]
"""What an operation makes of a value, given its subject. Raises Unfit."""


def compiled() -> bool:
    """Whether the kernel is there; where it is not, everything takes many times as long."""
    return _kernel is not None


def warn_if_slow() -> None:
    """Say once that nothing was compiled."""
    if not compiled():
        warnings.warn("anonymize was installed without a C compiler, so it runs in Python, slowly", stacklevel=2)


def engines() -> dict[str, ModuleType]:
    """The engines that are there, by name, the one that is used first."""
    return ({} if _kernel is None else {"kernel": _kernel}) | {"twin": _twin()}


def rows(program: Program, grammar: Grammar) -> Rows:
    """What rewrites the rows of `program`."""
    made: Rows = (_kernel or _twin()).Rows(program, grammar)
    return made


def apply(op: Op) -> Apply:
    """One operation by itself."""
    made: Apply = (_kernel or _twin()).apply(op)
    return made


def skip(data: Buffer, start: int, state: int, grammar: Grammar) -> tuple[int, int]:
    """Search `data` from `start` for the `;` that ends a statement; `state` is a `State`, OUTSIDE at the beginning.

    Returns where it stopped and the state there: ENDED if the `;` stands just before, STRANGE if it does not go on from
    there. It stops early at what cannot be told yet: a backslash, `-`, `/`, `/*`, `/*M` or `*` that is last. So what
    is left is given again with more data behind it, at the end of the input with a line's end.
    """
    found: tuple[int, int] = (_kernel or _twin()).skip(data, start, state, grammar)
    return found


def lines(data: Buffer, start: int, end: int) -> int:
    """How many ends of lines there are in data[start:end]."""
    count: int = (_kernel or _twin()).lines(data, start, end)
    return count
