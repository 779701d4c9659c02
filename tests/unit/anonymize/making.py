"""Kinds as the tests make them: for a column, with a key, as a function of one value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anonymize.engine import apply
from anonymize.kinds import find
from anonymize.kinds.kind import Made
from anonymize.pseudonym import Key
from anonymize.schema import Column

KEY = Key(b"the key of the tests")
OTHER_KEY = Key(b"another key of the tests")


def column(of: str = "", length: int | None = None, **more: Any) -> Column:
    return Column("c", of, length, **more)


def made(kind: str, where: Column | None = None, key: Key = KEY, **options: Any) -> Made:
    return find(kind).make(options, where or column(), key)


def changing(
    kind: str, where: Column | None = None, key: Key = KEY, subject: str = "", **options: Any
) -> Callable[[str], str]:
    """Text to text."""
    changed = in_bytes(kind, where, key, subject, **options)

    def change(value: str) -> str:
        result = changed(value.encode())
        assert result is not None
        return result.decode()

    return change


def in_bytes(
    kind: str, where: Column | None = None, key: Key = KEY, subject: str = "", **options: Any
) -> Callable[[bytes], bytes | None]:
    op = made(kind, where, key, **options).op
    assert op is not None
    function = apply(op)
    return lambda value: function(value, subject.encode())
