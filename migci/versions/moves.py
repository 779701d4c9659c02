"""What a rebase has to do, as a value and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from migci.core.merging import Item, Items
from migci.core.scripts import ALEMBIC, Listing, Script
from migci.core.shape import revision


@dataclass(frozen=True)
class Move:
    """One of the branch's own migrations gets another place.

    `was` and `now` are its number, or what it follows; what it followed may be nothing, "".
    """

    script: Script
    was: str
    now: str


@dataclass(frozen=True)
class Plan:
    """What has to be done. `own` are the branch's own migrations, as they lie there, and `newest` is trunk's.

    `renames` are files, each with its new path, in an order in which no file is renamed to one that is there. `order`
    is what versions.json has to list; `None` where there is none.
    """

    listing: Listing
    own: tuple[Script, ...] = ()
    newest: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    order: Items | None = None

    @property
    def reorders(self) -> bool:
        return self.order is not None and self.order != items(self.listing)


def items(listing: Listing) -> Items:
    """What its versions.json lists."""
    if listing.kind == ALEMBIC:
        return tuple(Item(id) for id in listing.order or ())
    by_id = listing.by_id
    names = {id: tuple(PurePosixPath(file).name for file in by_id[id].files) for id in listing.order or ()}
    return tuple(Item(id, files) for id, files in names.items())


def described(plan: Plan) -> Iterator[str]:
    """The plan, a line each, for people."""
    listing = plan.listing
    for move in plan.moves:
        if listing.kind == ALEMBIC:
            instead = f"instead of {move.was}" if move.was else "instead of nothing"
            yield f"{move.script.files[0]}: {move.script.id} follows {move.now}, {instead}"
        elif listing.order is not None:
            yield f"{listing.order_file}: {move.script.name} is {revision(listing, move.now)}, instead of {move.was}"
    for was, now in plan.renames:
        yield f"{was} -> {now}"
    if plan.reorders and not (plan.moves and listing.kind != ALEMBIC):
        yield f"{listing.order_file}: what has landed first, then this branch's own"
