"""Use case: read a project's histories, and say what is wrong with their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migci.core.finding import Finding, Severity
from migci.core.order import check, trunks_own
from migci.core.scripts import Listing
from migci.ports import Files, NoMigrations, ScriptReader


@dataclass(frozen=True)
class Trees:
    """What is compared: the patch, where it would land, and what that was when the patch left it.

    `trunk` is `None` where there is none to compare with; `base` where that is trunk's newest.
    """

    proposed: Files
    trunk: Files | None = None
    base: Files | None = None


@dataclass(frozen=True)
class Checked:
    """One history of the proposed tree, and what is wrong with it."""

    listing: Listing
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong that the patch has to answer for."""
        return not any(one.severity is Severity.ERROR and not trunks_own(one) for one in self.findings)


def check_all(readers: Iterable[ScriptReader], trees: Trees, branches: tuple[str, ...] = ()) -> tuple[Checked, ...]:
    """What is wrong with each history. Nothing of the project is run.

    Raises NoMigrations when the proposed tree has none, UsageError for settings that cannot be understood.
    """
    return tuple(check_one(reader, trees, branches) for reader in readers)


def check_one(reader: ScriptReader, trees: Trees, branches: tuple[str, ...] = ()) -> Checked:
    """As `check_all`, for one."""
    # Trunk first: of what it has already, only the place in the history is of interest.
    trunk = listing_or_none(reader, trees.trunk)
    base = listing_or_none(reader, trees.base)
    listing = reader.read(trees.proposed)
    if trees.trunk is not None and trunk is None:
        trunk = Listing(listing.kind, listing.folders)
    return Checked(listing, check(listing, trunk, branches, base))


def listing_or_none(reader: ScriptReader, files: Files | None) -> Listing | None:
    """The history in `files`, read only as far as its order needs it; `None` where there is none."""
    try:
        return None if files is None else reader.read(files, thorough=False)
    except NoMigrations:
        return None
