"""Which value of a column a honeytoken takes the place of, so that no migration minds."""

from __future__ import annotations

import re
from collections.abc import Sequence

LEAST_LENGTH = 48
"""A column that holds less has no room for a token in the shape of what it replaces."""

MOST_PLANTED = 16
LOOKED_AT = 100
"""So many of a column's values are looked at."""

# A name of two words, or an address, whose shape can be kept: no migration takes it apart as it does a document, or
# joins on it as it does on an identifier or the name of a machine.
_PLAIN = re.compile(r"[A-Za-z'-]+ [A-Za-z'-]+|[\w.+-]+@[\w-]+\.[\w.-]+")


def in_place_of(values: Sequence[str], token: str) -> tuple[str, str] | None:
    """One of a column's first values, and what takes its place; `None` if none of them should go.

    They are left alone where most are the same, again and again: a category, on which migrations may build.
    """
    plain = next((value for value in values if _PLAIN.fullmatch(value)), None)
    if plain is None or len(set(values)) * 2 < len(values):
        return None
    domain = plain.partition("@")[2]
    half = len(token) // 2
    return plain, f"{token}@{domain}" if domain else f"{token[:half]} {token[half:]}"
