"""Kinds inside of others: what markup says of a path in JSON, or of a pattern in text, made into an operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anonymize.kinds.definition import Wish
from anonymize.kinds.kind import Kind
from anonymize.ops import Op
from anonymize.schema import Column

Find = Callable[[str], Kind]
"""A kind by its name. Raises UsageError if there is none."""


def inner(find: Find, wish: Wish, where: str, rule: Any) -> Op | None:
    """The operation for `rule` (a kind's name, or a table with `kind` and its options); None keeps.

    It gives what the same kind gives for a column of text that ignores case. Raises UsageError.
    """
    options = dict(rule) if isinstance(rule, dict) else {"kind": rule}
    name = options.pop("kind", None)
    if not isinstance(name, str):
        raise wish.refuse(f"{where}: {rule!r} is no rule", 'write a kind, "email", or a table, { kind = "email" }')
    made = find(name).make(options, Column(f"{wish.column.name} {where}", ""), wish.key)
    if made.subject is not None:
        raise wish.refuse(f"{where}: a subject cannot be named inside of a value", "leave the option subject out")
    return made.op
