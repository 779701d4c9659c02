"""One operation on one value."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.folding import fold
from anonymize.ops import Address, Call, Constant, Json, Null, Numerals, Op, Shift, Template, Text
from anonymize.twin.template import template
from anonymize.twin.text import text

Apply = Callable[[bytes, bytes], bytes | None]


def apply(op: Op) -> Apply:
    """What `op` makes of a value, given its subject. It raises Unfit."""
    match op:
        case Null():
            return lambda value, subject: None
        case Constant(constant):
            return lambda value, subject: constant
    return _but_empty(_made(op))


def _made(op: Op) -> Apply:
    match op:
        case Template():
            drawn, how = template(op), op.fold
            return lambda value, subject: drawn(fold(value, how))
        case Text():
            shaped = text(op)
            return lambda value, subject: shaped(value)
        case Call(function):
            return lambda value, subject: function(value)
        case Numerals() | Address() | Shift() | Json():
            raise NotImplementedError
    raise TypeError(f"no operation: {op!r}")


def _but_empty(made: Apply) -> Apply:
    return lambda value, subject: made(value, subject) if value else value
