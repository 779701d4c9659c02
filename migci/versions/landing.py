"""What a patch does to the order of migrations, as its files say it and as the project's own tool tells it."""

from __future__ import annotations

from collections.abc import Iterable

from migci.core.finding import Finding, Severity
from migci.core.history import History
from migci.core.order import check, trunks_own
from migci.core.own_tests import Places
from migci.core.scripts import listed
from migci.core.shape import several
from migci.errors import UsageError
from migci.ports import ScriptReader
from migci.versions.check import Checked, Trees, check_one

_OF_ORDER = frozenset({"MC003", "MC008"})
_TOLD = frozenset({"MC001", "MC002", "MC007"}) | _OF_ORDER
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
    written: tuple[Checked, ...], trunk: History, patch: History, added_files: tuple[str, ...], tests: Places
) -> tuple[Finding, ...]:
    """The findings that the patch brings, each once.

    The files decide. Only which Python a script is written for, the tool knows better: where it has read the history,
    a script whose place is known is no trouble, whatever migci's own Python makes of it. What the tool tells counts
    besides where it has other revisions than the files show, or another order: a script can say one thing to who reads
    it, and another to who runs it. `tests` says where tests of migrations lie.
    """
    findings = [
        finding
        for one in written
        for finding in one.findings
        if finding.id != "MC013" or finding.file in one.listing.unread
    ]
    orders = _orders(written)
    if orders != {one.id: frozenset(one.parents) for one in patch.revisions}:
        shown = _OF_ORDER if orders.keys() == patch.by_id.keys() else _TOLD
        said = {(one.id, one.message) for one in findings}
        for one in check(listed(patch, added_files, trunk, tests), listed(trunk)):
            heads = one.id == "MC008" and any(id == "MC008" for id, _ in said)
            if one.id in shown and not trunks_own(one) and not heads and (one.id, one.message) not in said:
                findings.append(one)
    left_out = trunk.by_id.keys() - patch.by_id.keys()
    adds = patch.by_id.keys() - trunk.by_id.keys()
    if left_out and adds and not any(one.severity is Severity.ERROR for one in findings):
        # What it adds cannot be run behind what it does not have.
        findings.append(
            Finding(
                "MC018",
                Severity.ERROR,
                f"the patch as it stands lacks {several(left_out)}, which trunk has, so what it adds was not run",
                hint="rebase it onto trunk, or leave --no-merge out",
            )
        )
    return tuple(findings)


def _orders(written: tuple[Checked, ...]) -> dict[str, frozenset[str]]:
    """What each revision follows, as the files say it."""
    return {
        script.id: frozenset((*script.parents, *script.depends_on))
        for one in written
        for script in one.listing.by_id.values()
    }
