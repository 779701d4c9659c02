"""What the kernel and its twin make of the same rows, side by side."""

from __future__ import annotations

import random
from types import ModuleType

from anonymize import twin
from anonymize.errors import Unfit
from anonymize.ops import Default, Op
from anonymize.sql import RowError, State
from tests.fuzzing.cases import SECRET, Case, case, op, text


def compare(kernel: ModuleType, pick: random.Random) -> None:
    """One case of each sort. Raises AssertionError where they differ, or where a secret comes out."""
    made = case(pick)
    ours = rewritten(kernel, made)
    assert ours == rewritten(twin, made), made
    if made.secret and isinstance(ours[0], bytes):
        assert SECRET not in ours[0], made
    data = made.data * pick.choice([1, 1, pick.randint(1, 20)])
    state = State(pick.randrange(6))
    assert kernel.skip(data, 0, state, made.grammar) == twin.skip(data, 0, state, made.grammar), (data, state)
    operation, value = op(pick), text(pick)
    if isinstance(operation, Default):
        return  # it is a word of SQL's, and no value
    assert applied(kernel, operation, value) == applied(twin, operation, value), (operation, value)


def rewritten(engine: ModuleType, made: Case) -> tuple[object, ...]:
    """All that can be seen: what came out, where it ended, what was counted, or what was wrong."""
    rows = engine.Rows(made.program, made.grammar)
    try:
        out, end, ended = rows.rewrite(made.data, 0)
    except RowError as error:
        return error.offset, error.place, error.reason
    return None if out is None else bytes(out), end, ended, rows.rows, rows.replaced


def applied(engine: ModuleType, operation: Op, value: bytes) -> object:
    """The result, or why there is none."""
    try:
        return engine.apply(operation)(value, b"")
    except Unfit as unfit:
        return str(unfit)


def in_pieces(engine: ModuleType, made: Case, size: int) -> bytes:
    """The same rows, of which `size` bytes more are there each time, put together. Raises RowError."""
    rows = engine.Rows(made.program, made.grammar)
    result, at, there = b"", 0, 0
    while there < len(made.data):
        there = min(there + size, len(made.data))
        out, end, ended = rows.rewrite(made.data[:there], at)
        result += made.data[at:end] if out is None else bytes(out)
        at = end
        if ended:
            break
    return result
