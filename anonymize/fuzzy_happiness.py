"""The types of Fuzzy Happiness's `__confidential__`, as our kinds.

It knew ip_address, hexstring and hostname, took the rest for the types of MySQL's columns, with or without a length,
and shuffled the characters of whatever it did not know.
"""

from __future__ import annotations

from typing import Any

from anonymize.errors import UsageError
from anonymize.rules import Kinds, near

_TEXT = ("char", "varchar", "string", "tinytext", "text", "mediumtext", "longtext")
_WHOLE = ("tinyint", "smallint", "mediumint", "int", "integer", "bigint")
KINDS = {
    "ip_address": "ip",
    "hexstring": "hex",
    "hostname": "hostname",
    "pathname": "path",
    "decimal": "decimal",
    "float": "float",
    "double": "float",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "datetime",
    **dict.fromkeys(_TEXT, "text"),
    **dict.fromkeys(_WHOLE, "integer"),
}


def kind_of(type: Any, place: str, what: str, kinds: Kinds) -> Any:
    """The kind for a type; one that is a kind of ours already stays, and so does a table with a kind and options.

    Raises UsageError for a type that is neither.
    """
    if not isinstance(type, str):
        return type
    name = type.split("(")[0].strip().lower()
    if name in KINDS:
        return KINDS[name]
    try:
        return kinds(type).name
    except UsageError as error:
        raise UsageError(
            f"{place}: {what} has the type {type!r}, which __confidential__ does not know",
            near(name, KINDS, "its types are"),
        ) from error
