"""The rules of a linear history: what is wrong with the order of a tree's migrations, and whose fault it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from migci.core.finding import Finding, Severity
from migci.core.landing import changes
from migci.core.scripts import Listing, heads_of
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
        return (*faults(proposed, branches), *_alone(proposed), *_heads(proposed, None, branches))
    theirs = {(one.id, one.message) for tree in (trunk, base) if tree for one in faults(tree, branches)}
    meanwhile = trunk.by_id.keys() - base.by_id.keys() if base else set()
    found = []
    for one in faults(proposed, branches, meanwhile, trunk.heads):
        landed = (one.id, one.message) in theirs
        found.append(_of_trunk(one) if landed else one)
    if proposed.readable and trunk.readable and (base is None or base.readable):
        found += changes(proposed, trunk, base or trunk, branches)
        found += _heads(proposed, trunk, branches)
    return tuple(found)


def _of_trunk(finding: Finding) -> Finding:
    severity = Severity.WARNING if finding.severity is Severity.ERROR else finding.severity
    return replace(finding, severity=severity, message=OF_TRUNK + finding.message, of_trunk=True)


def _alone(listing: Listing) -> Iterator[Finding]:
    """Where nothing tells since when it is there, it may be meant to be there."""
    if listing.order is None:
        for file in listing.others:
            yield Finding(
                "MC007",
                Severity.WARNING,
                f"{file} lies among the migrations, and is none: the tool will not run it",
                hint="name it as the tool expects a migration to be named, or move it to another folder",
                file=file,
            )


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
            yield _of_trunk(Finding("MC008", Severity.WARNING, told, "join them in a change of its own"))
        else:
            added = [script for script in proposed.chain if script.id not in trunk.by_id]
            forks = [one for one in added if _forks(one.parents, proposed)]
            beside = next(iter([*forks, *added]), None)
            yield Finding(
                "MC008",
                # Where branches are usual, so is one more; a file that cannot be read may only hide who follows.
                Severity.ERROR if len(were) - len(trunk.unread) <= 1 else Severity.WARNING,
                f"with the patch {told}",
                hint=f"let the patch's first migration follow {several(were) or 'the other'}{REBASE[proposed.kind]}",
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
    if not listing.scripts:
        return "no migrations"
    return f"{revisions(listing, len(listing.by_id))}, the newest is {several(listing.heads) or 'none'}"


def trunks_own(finding: Finding) -> bool:
    """Whether trunk has it without the patch."""
    return finding.of_trunk
