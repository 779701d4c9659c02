"""What a patch does to the order of migrations, as its files say it and as the project's own tool tells it."""

from __future__ import annotations

from collections.abc import Iterable

from migci.core.finding import Finding
from migci.core.history import History
from migci.core.order import check, trunks_own
from migci.core.scripts import Listing, listed
from migci.errors import UsageError
from migci.ports import ScriptReader
from migci.versions.check import Checked, Trees, check_one, listing_or_none

_TOLD = frozenset({"MC001", "MC002", "MC003", "MC007", "MC008"})
"""What a tool's history shows; how it reads its scripts is the tool's own affair."""


def as_written(readers: Iterable[ScriptReader], trees: Trees, branches: tuple[str, ...]) -> tuple[Checked, ...]:
    """Every history that can be read without running anything, with the findings that the patch brings.

    What cannot be read so is left to the tool. Never raises for what the trees hold.
    """
    found = []
    for reader in readers:
        try:
            checked = check_one(reader, trees, branches)
        except UsageError:
            continue
        found.append(Checked(checked.listing, tuple(one for one in checked.findings if not trunks_own(one))))
    return tuple(found)


def brought(
    written: tuple[Checked, ...],
    readers: Iterable[ScriptReader],
    trees: Trees,
    trunk: History,
    patch: History,
    added_files: tuple[str, ...],
) -> tuple[Finding, ...]:
    """The findings that the patch brings, each once.

    The files decide. Only which Python a script is written for, the tool knows better: where it has read the history,
    a script whose place is known is no trouble, whatever migci's own Python makes of it. What the tool tells counts
    besides where it has other revisions than the files show, and for what only it can tell: that a file among the
    migrations is none.
    """
    findings = [
        finding
        for one in written
        for finding in one.findings
        if finding.id != "MC013" or finding.file in one.listing.unread
    ]
    before = [one for one in (listing_or_none(reader, trees.base) for reader in readers) if one is not None]
    told = check(listed(patch, added_files, trunk), listed(trunk), base=_all(before) if trees.base else None)
    said = {(one.id, one.message) for one in findings}
    alike = {id for one in written for id in one.listing.by_id} == patch.by_id.keys()
    for one in told:
        new = one.id in _TOLD and not trunks_own(one) and (one.id, one.message) not in said
        if new and (one.id == "MC007" or not alike) and not (one.id == "MC008" and "MC008" in {id for id, _ in said}):
            findings.append(one)
    return tuple(findings)


def _all(listings: list[Listing]) -> Listing | None:
    """Several histories as one, for what is only asked of their ids."""
    if not listings:
        return None
    scripts = tuple(script for listing in listings for script in listing.scripts)
    return Listing(listings[0].kind, listings[0].folders, scripts)
