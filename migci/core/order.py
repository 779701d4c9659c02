"""The rules of a linear history: what is wrong with the order of a tree's migrations, and whose fault it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migci.core.finding import Finding, Severity
from migci.core.landing import changes, in_a_row, of_no_order
from migci.core.lists import list_removed, strangers, without_its_list
from migci.core.scripts import NUMBERED, Listing, branch_of, heads_of
from migci.core.shape import REBASE, faults, revisions, several

OF_TRUNK = "trunk itself: "
"""How the message of a finding begins that trunk has without the patch."""


def check(
    proposed: Listing, trunk: Listing | None = None, branches: tuple[str, ...] = (), base: Listing | None = None
) -> tuple[Finding, ...]:
    """All that is wrong with the order of `proposed`, and with what it does to `trunk`, where there is one.

    `branches` are the names of those that the project wants: each must be linear, and so must be what is in none.
    `base` is what trunk was when the patch left it, if trunk has gone on since. What trunk has itself comes as a
    warning, `of_trunk`, that begins with `OF_TRUNK`; without `trunk` all counts. Never raises.
    """
    if trunk is None:
        return (*faults(proposed, branches), *strangers(proposed), *_heads(proposed, None, branches))
    theirs = {(one.id, one.message) for tree in (trunk, base) if tree for one in faults(tree, branches)}
    found = []
    for one in faults(proposed, branches, trunk, base):
        landed = (one.id, one.message) in theirs
        found.append(_of_trunk(one) if landed else one)
    if list_removed(proposed, trunk):
        found.append(without_its_list(trunk))
    elif proposed.readable and trunk.readable and (base is None or base.readable):
        found += _strangers(proposed, trunk, base or trunk)
        found += changes(proposed, trunk, base or trunk, branches)
        found += _heads(proposed, trunk, branches)
    return tuple(found)


def _of_trunk(finding: Finding) -> Finding:
    severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
    return replace(finding, severity=severity, message=OF_TRUNK + finding.message, of_trunk=True)


def _strangers(proposed: Listing, trunk: Listing, base: Listing) -> Iterator[Finding]:
    """Those that trunk has are its own; where nothing but a name makes a migration, they are meant to be there."""
    known = {*trunk.others, *base.others}
    for one in strangers(proposed, trunk):
        if one.file not in known:
            yield one
        elif proposed.order is not None and proposed.kind == NUMBERED:
            yield _of_trunk(one)


def _heads(proposed: Listing, trunk: Listing | None, branches: tuple[str, ...]) -> Iterator[Finding]:
    """More heads than there may be, or than there were."""
    if set(proposed.unread) - set(trunk.unread if trunk else ()):
        return  # that is an error already, and what follows the others is perhaps in such a file
    before = _ends(trunk, branches) if trunk else {}
    for branch, heads in _ends(proposed, branches).items():
        were = before.get(branch, ())
        if len(heads) <= 1:
            continue
        what = "the history" if branch is None else f"the branch {branch}"
        told = f"{what} has {len(heads)} heads: {several(heads)}"
        if trunk is None:
            last = proposed.by_id[heads[-1]]
            hint = "let each migration follow exactly one other"
            yield Finding("MC008", Severity.ERROR, told, hint, file=last.where, line=last.line)
        elif len(heads) <= len(were):
            told = f"{what} has {len(were)} heads: {several(were)}"
            yield _of_trunk(Finding("MC008", Severity.WARNING, told, "join them in a change of its own"))
        else:
            added = [script for script in proposed.chain if script.id not in trunk.by_id]
            of = branch_of(proposed, branches)
            unsaid = of_no_order([script for script in added if of[script.id] == branch])
            forks = [one for one in added if _forks(one.parents, proposed)]
            beside = next(iter([*forks, *added]), None)
            yield Finding(
                "MC008",
                # Where branches are usual, so is one more; a file that cannot be read may only hide who follows.
                Severity.ERROR if len(were) - len(trunk.unread) <= 1 else Severity.WARNING,
                f"with the patch {told}",
                hint=in_a_row(unsaid)
                if unsaid
                else f"let the patch's first migration follow {several(were) or 'the other'}{REBASE[proposed.kind]}",
                file=beside.where if beside else None,
                line=beside.line if beside else None,
            )


def _ends(listing: Listing, branches: tuple[str, ...]) -> dict[str | None, tuple[str, ...]]:
    """Each branch's heads, but for those of what hangs in the air."""
    hanging = _hanging(listing)
    found = sorted(heads_of(listing, branches).items(), key=lambda one: one[0] or "")
    return {branch: tuple(head for head in heads if head not in hanging) for branch, heads in found}


def _hanging(listing: Listing) -> frozenset[str]:
    """The ids that follow, in the end, one that is not there: that is said already."""
    found: set[str] = set()
    for script in listing.chain:
        if any(parent not in listing.by_id or parent in found for parent in script.parents):
            found.add(script.id)
    return frozenset(found)


def _forks(parents: tuple[str, ...], listing: Listing) -> bool:
    return not parents or any(len(listing.children[parent]) > 1 for parent in parents)


def summary(listing: Listing) -> str:
    """A sentence's part: how many there are, and which is the newest."""
    if not listing.readable:
        return "how many migrations there are is not known"
    if not listing.scripts:
        return "no migrations"
    return f"{revisions(listing, len(listing.by_id))}, the newest is {several(listing.heads) or 'none'}"


def trunks_own(finding: Finding) -> bool:
    """Whether trunk has it without the patch."""
    return finding.of_trunk
