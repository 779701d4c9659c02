"""Changes that are open at the same time, and take the same place in a history: whichever lands last has to move."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from migci.core.finding import Finding, Severity
from migci.core.landing import added
from migci.core.scripts import ALEMBIC, Listing, Script, branch_of
from migci.core.shape import REBASE, at, revision


@dataclass(frozen=True)
class Change:
    """An open change's history, under the name that people know it by.

    `base` is what trunk was when the change left it; `None` where that is trunk's newest.
    """

    name: str
    listing: Listing
    base: Listing | None = None


@dataclass(frozen=True)
class Clash:
    """One place that several changes take: what it is, in words, and what each of them puts there."""

    what: str
    takers: tuple[tuple[str, Script], ...]
    kind: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.takers)

    def finding(self) -> Finding:
        """A warning: neither is wrong by itself, and one of them can land as it is. Its place is in the first one's."""
        own = self.takers[0][1]
        told = "; ".join(f"{taker}: {', '.join(script.files)}" for taker, script in self.takers)
        many = f"{len(self.takers)} open changes"
        hint = f"once one of them has landed, move the other behind it{REBASE[self.kind]}"
        return at(own, "MC019", Severity.WARNING, f"{many} {self.what}: {told}", hint)


def competing(changes: tuple[Change, ...], trunk: Listing, branches: tuple[str, ...] = ()) -> tuple[Clash, ...]:
    """Where `changes` put different migrations under the same number, id or parent, in the order of those.

    What several changes have in common, as one that is built on another has, does not compete. Each of `branches` has
    places of its own. Never raises.
    """
    takers: dict[tuple[str, str], dict[str, Script]] = defaultdict(dict)
    for change in changes:
        listing = change.listing
        new = added(listing, trunk, change.base or trunk)
        branch = branch_of(listing, branches)
        for script in new:
            takers[f"propose {revision(listing, script.id)}", script.id].setdefault(change.name, script)
            if listing.kind == ALEMBIC:
                after = ", ".join(script.parents) or "nothing"
                where = f" in the branch {branch[script.id]}" if branch.get(script.id) else ""
                takers[f"follow {after}{where}", after].setdefault(change.name, script)
    kind = next((change.listing.kind for change in changes), ALEMBIC)
    return tuple(
        Clash(what, tuple(scripts.items()), kind)
        for (what, _), scripts in sorted(takers.items(), key=lambda one: _number_first(one[0][1]))
        if len({(script.id, script.digest) for script in scripts.values()}) > 1
    )


def _number_first(place: str) -> tuple[int, str]:
    return (int(place) if place.isdecimal() else 0, place)
