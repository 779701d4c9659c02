"""Markup: what the models, or a TOML file, say of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do with a column: a kind with its options; the kind "keep" leaves it as it is."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    """Where it was said: "users.toml:12", "nova.db.models:Instance.hostname"."""


@dataclass(frozen=True, slots=True)
class TableMarkup:
    """What is said of a table."""

    columns: Mapping[str, Rule] = field(default_factory=dict)
    rest: Rule | None = None
    """For every column that is not named: `"*" = …`."""
    like: str | None = None
    """The table whose markup holds for what this one does not say."""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Markup:
    """What is said of a database, by the names of its tables as they were written."""

    tables: Mapping[str, TableMarkup] = field(default_factory=dict)
