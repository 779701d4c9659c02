"""What is proposed for a column, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from anonymize.schema import Column, Table


class Verdict(Enum):
    """What should be done with a column."""

    REPLACE = "replace"
    KEEP = "keep"
    ASK = "?"
    """A person has to decide: it stays unmarked, so that a plan refuses."""
    LEFT = "left out"
    """Something else decides: a foreign key, other columns, or markup that is there already."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is thought of a column. `why` never quotes a value."""

    verdict: Verdict
    why: str
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = 0.0
    """From 0 to 1; of a replacement."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A column, and what is thought of it."""

    table: Table
    column: Column
    judgement: Judgement


def keep(why: str) -> Judgement:
    return Judgement(Verdict.KEEP, why, "keep")


def ask(why: str) -> Judgement:
    return Judgement(Verdict.ASK, why)


def left(why: str) -> Judgement:
    return Judgement(Verdict.LEFT, why)
