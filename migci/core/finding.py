"""A finding: one thing wrong or worth knowing, with an id that never changes its meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """One thing wrong or worth knowing: what it is, in a sentence, and in `hint` what to do about it.

    `file` is relative to the project's root. An error of the patch makes the verdict *failed*; one of the MC9xx family
    makes it *undecided*. `of_trunk`: trunk has it without the patch, as a rule of its history told.
    """

    id: str
    severity: Severity
    message: str
    hint: str = ""
    step: str | None = None
    file: str | None = None
    line: int | None = None
    of_trunk: bool = False

    @property
    def url(self) -> str:
        return f"docs/findings/{self.id}.md"


@dataclass(frozen=True)
class Silence:
    """A comment beside a finding's cause that says why it is none: `# migci: ignore MC201 -- it runs at night`."""

    id: str
    reason: str


_SILENCE = re.compile(r"(?:#|--)\s*migci:\s*ignore\s+(MC[023]\d\d)\s+--\s+(\S.*?)\s*$", re.MULTILINE)


def silences(source: str) -> tuple[Silence, ...]:
    """The silences in a migration's file. A comment without a reason silences nothing.

    Only what a migration costs (MC2xx, MC3xx) and history's warnings (MC0xx) can be silenced; that it failed cannot.
    """
    return tuple(Silence(id_, reason) for id_, reason in _SILENCE.findall(source))


def silenced(finding: Finding, silence: tuple[Silence, ...]) -> Finding:
    """`finding` as it is, or as mere information where its file gives a reason."""
    for one in silence:
        if one.id == finding.id:
            return replace(finding, severity=Severity.INFO, message=f"{finding.message} (ignored: {one.reason})")
    return finding


TITLES = {
    "MC001": "A migration that has landed was edited",
    "MC002": "A migration that has landed was removed",
    "MC003": "A migration would never run",
    "MC004": "The patch conflicts with trunk",
    "MC005": "The patch's history cannot be read",
    "MC006": "The patch adds no migrations",
    "MC007": "A file among the migrations is none",
    "MC008": "The history has another head",
    "MC009": "An identity is there twice",
    "MC010": "A migration follows one that is not there",
    "MC011": "A migration that is listed is missing",
    "MC012": "versions.json cannot be read, or says something else",
    "MC013": "A migration's header cannot be read",
    "MC014": "A migration joins others",
    "MC015": "The history runs in a circle",
    "MC016": "A migration is ordered by other means",
    "MC017": "A migration that has landed has another place",
    "MC018": "The patch does not follow trunk's newest",
    "MC019": "Two open changes take the same place",
    "MC020": "A migration has no test",
    "MC101": "A migration raised an error",
    "MC102": "A migration did not end",
    "MC103": "A migration ended its process",
    "MC104": "A migration did not reach its revision",
    "MC105": "The database is not at the newest revision",
    "MC107": "A migration left processes behind",
    "MC108": "A migration's own test failed",
    "MC201": "A step takes longer than its limit",
    "MC202": "A step changes more rows than its limit",
    "MC301": "A step blocks writes longer than its limit",
    "MC601": "A migration prints confidential values",
    "MC602": "A migration adds a column without markup",
    "MC603": "A migration drops what the markup speaks of",
    "MC604": "The markup of the patch cannot be read",
    "MC901": "A migration of trunk failed",
    "MC902": "The database server failed",
    "MC903": "The dataset could not be prepared",
    "MC904": "The project's environment could not be used",
    "MC905": "The disk is full",
    "MC906": "The dataset is at a revision that trunk does not have",
    "MC907": "What runs between two releases failed",
    "MC908": "Trunk's history cannot be read",
    "MC909": "The store failed",
}
"""Every finding that migci makes, and its title. Each has a page in docs/findings."""
