"""The plan of a rebase: what has to be done to put a branch's own migrations behind trunk's newest."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from migci.core.landing import in_a_row, of_no_order
from migci.core.merging import Item, Items, Unmergeable, merge
from migci.core.scripts import ALEMBIC, Listing, Script, branch_of, heads_of
from migci.ports import NotRebased
from migci.versions.moves import Move, Plan, items
from migci.versions.own import check_landed, check_read, check_told_apart, own_scripts


def plan(ours: Listing, trunk: Listing, base: Listing, branches: tuple[str, ...] = ()) -> Plan:
    """What puts all that is in `ours`, and neither in `trunk` nor in `base`, behind the newest of `trunk`.

    `base` is what trunk was when the branch left it. What landed is never moved. Each of `branches` is looked at by
    itself. Raises NotRebased for a history that is not understood.
    """
    check_read(ours, trunk)
    check_told_apart(ours, trunk, base)
    own = own_scripts(ours, trunk, base)
    if not own:
        return Plan(ours, newest=trunk.heads, order=_order(ours, trunk, base, ()))
    check_landed(ours, trunk, base)
    if ours.kind == ALEMBIC:
        return _relinked(ours, trunk, base, own, branches)
    if (ours.order is None) != (trunk.order is None) and trunk.scripts:
        here, there = ("file names", "versions.json") if ours.order is None else ("versions.json", "file names")
        raise NotRebased(
            f"the numbers stand in {here} here, and trunk has them in {there}",
            hint="bring both to the same form first: migci versions import, or git merge",
        )
    return _renumbered(ours, trunk, base, own)


def _relinked(ours: Listing, trunk: Listing, base: Listing, own: tuple[Script, ...], branches: tuple[str, ...]) -> Plan:
    for script in own:
        if len(script.parents) > 1:
            raise NotRebased(
                f"revision {script.id} joins {', '.join(script.parents)}: {script.files[0]}",
                hint="delete it: put behind one another, the branches need no joining",
            )
    reached = {script.id for script in ours.chain}
    if circle := [script.id for script in own if script.id not in reached]:
        told = f"the history runs in a circle: {', '.join(circle)} follow one another"
        if alone := [script.id for script in own if script.id in script.parents]:
            told = f"revision {alone[0]} follows itself"
        raise NotRebased(told, f"let {(alone or circle)[0]} follow what is to come before it")
    ids = {script.id for script in own}
    # Seen together with trunk, as a branch can follow what is in trunk and not here yet.
    whole = Listing(ALEMBIC, ours.folders, (*trunk.scripts, *(one for one in ours.scripts if one.id in ids)))
    branch = branch_of(whole, branches)
    heads = heads_of(trunk, branches)
    moves: list[Move] = []
    newest: list[str] = []
    for name in sorted({branch[script.id] for script in own}, key=lambda one: one or ""):
        mine = [script for script in own if branch[script.id] == name]
        first = _first(mine, name)
        ends = heads.get(name, ())
        if len(ends) > 1:
            what = "trunk itself" if name is None else f"trunk itself, in its branch {name},"
            raise NotRebased(f"{what} has {len(ends)} heads: {', '.join(ends)}", "join them in a change of its own")
        newest += ends
        if ends and first.parents != ends:
            moves.append(Move(first, ", ".join(first.parents), ends[0]))
    return Plan(ours, own, tuple(newest), tuple(moves), order=_order(ours, trunk, base, own))


def _first(mine: list[Script], name: str | None) -> Script:
    """The one that the others follow, one after the other."""
    where = "" if name is None else f" of the branch {name}"
    if several := of_no_order(mine):
        raise NotRebased(
            f"of this branch's own revisions{where}, {', '.join(several)} follow none of the others, or the same one: "
            "which comes first is not said",
            hint=in_a_row(several),
        )
    ids = {script.id for script in mine}
    return next(script for script in mine if not ids & set(script.parents))


def _order(ours: Listing, trunk: Listing, base: Listing, own: tuple[Script, ...]) -> Items | None:
    """What versions.json has to list: of trunk what this tree has, and then what is the branch's own."""
    if ours.order is None:
        return None
    here = items(ours)
    if ours.kind == ALEMBIC:
        mine = [Item(script.id) for script in own if Item(script.id) in here]
        landed = [item for item in items(trunk) if item in here or item.id in ours.by_id]  # or its line was lost
        return (*landed, *(item for item in here if item not in landed and item not in mine), *mine)
    if trunk.order is None:
        return here
    files = {file for item in items(trunk) for file in item.files}
    gone = [file for item in items(base) for file in item.files if file not in files]
    if still := [file for item in here for file in item.files if file in gone]:
        if not own:
            return here
        raise NotRebased(
            f"{ours.order_file} lists {', '.join(still)}, which trunk has taken out",
            "bring trunk here first: git merge",
        )
    lying = {PurePosixPath(file).name for file in ours.others}
    here = (*here, *(item for item in items(trunk) if lying.issuperset(item.files)))  # a line that was lost
    merged = merge(here, here, here, items(trunk), behind=max((int(item.id) for item in items(trunk)), default=0))
    if isinstance(merged, Unmergeable):
        raise NotRebased(f"{ours.order_file}: {merged.reason}", hint="mend it by hand, and call this again")
    return merged


def _renumbered(ours: Listing, trunk: Listing, base: Listing, own: tuple[Script, ...]) -> Plan:
    newest = max((int(script.id) for script in trunk.scripts), default=0)
    behind = trunk.heads
    if ours.order is not None:
        order = _order(ours, trunk, base, own)
        assert order is not None
        numbers = {item.files[0]: item.id for item in order}
        moves = tuple(
            Move(script, script.id, now)
            for script in own
            if (now := numbers[PurePosixPath(script.files[0]).name]) != script.id
        )
        return Plan(ours, own, behind, moves, order=order)
    if not trunk.scripts or _follows(own, newest, ours, trunk):
        return Plan(ours, own, behind)
    moves = tuple(
        Move(script, script.id, str(number))
        for number, script in enumerate(own, newest + 1)
        if script.id != str(number)
    )
    return Plan(ours, own, behind, moves, tuple(_renames(moves)))


def _follows(own: tuple[Script, ...], newest: int, ours: Listing, trunk: Listing) -> bool:
    """Whether the numbers are behind trunk's already, where there may be gaps between numbers."""
    numbers = [newest, *(int(script.id) for script in own)]
    return (ours.gaps or trunk.gaps) and all(before < after for before, after in itertools.pairwise(numbers))


_NUMBER = re.compile(r"\d+")


def _renames(moves: tuple[Move, ...]) -> Iterator[tuple[str, str]]:
    # Numbers mostly grow, so from the last one on each new name is free; where they shrink, from the first one on.
    up = [move for move in reversed(moves) if int(move.now) > int(move.was)]
    down = [move for move in moves if int(move.now) < int(move.was)]
    for move in (*up, *down):
        for file in move.script.files:
            path = PurePosixPath(file)
            digits = _NUMBER.match(path.name)
            assert digits is not None
            yield file, path.with_name(move.now.zfill(len(digits[0])) + path.name[digits.end() :]).as_posix()
