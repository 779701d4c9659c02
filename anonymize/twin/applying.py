"""One operation on one value."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.folding import fold
from anonymize.ops import Address, Call, Constant, Json, Null, Numerals, Op, Shift, Template, Text
from anonymize.pseudonym import token
from anonymize.twin.address import address
from anonymize.twin.json_document import json_document
from anonymize.twin.numerals import numerals
from anonymize.twin.shift import shift
from anonymize.twin.template import template
from anonymize.twin.text import Shapes

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
            drawn = template(op)
            return lambda value, subject: drawn([token(op.key, fold(value, op.fold))])[0]
        case Text():
            shapes = Shapes(op)
            return lambda value, subject: shapes.one(value, token(op.key, fold(value, op.fold)))
        case Call(function):
            return lambda value, subject: function(value)
        case Numerals():
            renumbered = numerals(op)
            return lambda value, subject: renumbered(value)
        case Address():
            moved = address(op)
            return lambda value, subject: moved(value)
        case Shift():
            return shift(op)
        case Json():
            walked = json_document(op, apply)
            return lambda value, subject: walked(value)
    raise TypeError(f"no operation: {op!r}")


def _but_empty(made: Apply) -> Apply:
    return lambda value, subject: made(value, subject) if value else value
