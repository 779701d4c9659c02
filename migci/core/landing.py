"""The rules between a patch and trunk: what has landed stays as it is, and what is new comes last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migci.core.finding import Finding, Severity, silenced
from migci.core.scripts import ALEMBIC, NUMBERED, Listing, Script, branch_of, heads_of
from migci.core.shape import REBASE, at, revision, several


def changes(proposed: Listing, trunk: Listing, base: Listing, branches: tuple[str, ...] = ()) -> Iterator[Finding]:
    """What `proposed` does to what has landed, and where it puts what it adds.

    `base` is what trunk was when the patch left it; it is `trunk` itself where what is looked at would land as it is.
    """
    moved = tuple(_moved(proposed, trunk, base))
    elsewhere = {one.was for one in moved}
    yield from (one.finding for one in moved)
    yield from _edited(proposed, trunk, base, elsewhere)
    yield from _removed(proposed, trunk, base, elsewhere)
    arrived = {one.now for one in moved}
    new = [one for one in added(proposed, trunk, base) if one.id not in arrived]
    yield from _below(proposed, base, new)
    yield from (_taken(one, trunk, proposed) for one in new if one.id in trunk.by_id)
    yield from _behind([one for one in new if one.id not in trunk.by_id], proposed, trunk, base, branches)


def added(proposed: Listing, trunk: Listing, base: Listing) -> list[Script]:
    """What the patch brings, parents first: not what it took over from trunk meanwhile."""
    in_order = dict.fromkeys((*proposed.chain, *proposed.by_id.values()))
    return [
        script
        for script in in_order
        if script.id not in base.by_id
        and not (script.id in trunk.by_id and trunk.by_id[script.id].digest == script.digest)
        and not any(file in base.unread for file in script.files)
    ]


@dataclass(frozen=True)
class _Move:
    """A script that landed as `was` and is `now` elsewhere."""

    was: str
    now: str
    finding: Finding


def _moved(proposed: Listing, trunk: Listing, base: Listing) -> Iterator[_Move]:
    if proposed.kind == NUMBERED:
        yield from _renumbered(proposed, base)
    elif proposed.kind == ALEMBIC:  # others tell other parents also where something was put in between
        for id, was in base.by_id.items():
            now = proposed.by_id.get(id)
            landed = {was.parents, trunk.by_id[id].parents if id in trunk.by_id else was.parents}
            if now is not None and was.parents and now.parents not in landed:
                message = (
                    f"the patch puts revision {id}, which trunk already has, in another place: "
                    f"it followed {', '.join(was.parents)}, and follows {', '.join(now.parents) or 'nothing'} now"
                )
                hint = f"git checkout TRUNK -- {now.files[0]}; then, for what is new{REBASE[ALEMBIC]}"
                yield _Move(id, id, at(now, "MC017", Severity.ERROR, message, hint))


def _renumbered(proposed: Listing, base: Listing) -> Iterator[_Move]:
    """Found by what there is only once in both: a name, else a content."""
    before, after = _named(base.scripts), _named(proposed.scripts)
    here: dict[str, set[str]] = defaultdict(set)
    for script in proposed.scripts:
        here[script.id] |= {script.name, script.digest}
    for was in base.by_id.values():
        if here[was.id] & {was.name, was.digest}:
            continue
        for key in (was.name, was.digest):
            if len(before[key]) == len(after[key]) == 1:
                now = after[key][0]
                message = f"the patch gives {was.name}, which has landed as number {was.id}, the number {now.id}"
                hint = "databases remember numbers, so it keeps its own, and what is new comes last: "
                by_name = proposed.order is None
                hint += f"git mv {now.files[0]} {was.files[0]}" if by_name else "migci versions rebase"
                yield _Move(was.id, now.id, at(now, "MC017", Severity.ERROR, message, hint))
                break


def _named(scripts: Iterable[Script]) -> dict[str, list[Script]]:
    found: dict[str, list[Script]] = defaultdict(list)
    for script in scripts:
        for key in {script.name, script.digest}:
            found[key].append(script)
    return found


def _edited(proposed: Listing, trunk: Listing, base: Listing, elsewhere: set[str]) -> Iterator[Finding]:
    now: dict[str, list[Script]] = defaultdict(list)
    for script in proposed.scripts:
        now[script.id].append(script)
    for id, was in base.by_id.items():
        landed = {was.digest, trunk.by_id[id].digest if id in trunk.by_id else was.digest}
        lacking = any(file in proposed.missing for one in now[id] for file in one.files)  # that is said already
        edited_here = not lacking and not any(one.digest in landed for one in now[id])
        if now[id] and id not in elsewhere and edited_here:
            edited = Finding(
                "MC001",
                Severity.WARNING,
                f"the patch edits revision {id}, which trunk already has: "
                "databases that ran it will never see the new text",
                hint="leave it as it is, and put the difference into a new migration",
                file=now[id][0].files[0],
            )
            yield silenced(edited, now[id][0].silences)


def _removed(proposed: Listing, trunk: Listing, base: Listing, elsewhere: set[str]) -> Iterator[Finding]:
    unlisted = set(proposed.others) if proposed.order is not None and trunk.order is not None else set()
    for id, was in base.by_id.items():
        there = id in proposed.by_id or id in elsewhere or any(file in proposed.unread for file in was.files)
        if not there and id in trunk.by_id and not unlisted.issuperset(was.files):
            listed = trunk.order is None or id in (proposed.order or ())
            yield Finding(
                "MC002",
                Severity.ERROR,
                f"the patch removes revision {id}, which trunk already has: "
                "databases that are at it will not be found in the history",
                hint=f"git checkout TRUNK -- {' '.join(was.files)}"
                + ("" if listed else "; then, for its line in the list: migci versions rebase"),
                file=was.files[0],
            )


def of_no_order(mine: Sequence[Script]) -> tuple[str, ...]:
    """Those of a patch's own revisions of which nothing says which comes first; none where they are one chain."""
    ids = {script.id for script in mine}
    firsts = tuple(script.id for script in mine if not ids & set(script.parents))
    if len(firsts) > 1:
        return firsts
    followed: dict[str, list[str]] = defaultdict(list)
    for script in mine:
        for parent in ids & set(script.parents):
            followed[parent].append(script.id)
    return tuple(next((several for several in followed.values() if len(several) > 1), ()))


def in_a_row(ids: Sequence[str]) -> str:
    """What to do about them: a person has to say it, no command can."""
    return f"let {ids[1]} follow {ids[0]}, or the other way round"


def _below(proposed: Listing, base: Listing, new: list[Script]) -> Iterator[Finding]:
    unreachable = proposed.ancestors(base.heads)
    for script in new:
        if script.id in unreachable:
            yield at(
                script,
                "MC003",
                Severity.ERROR,
                f"revision {script.id} comes before revisions that trunk already has: "
                "it will not run on a database that is at trunk's newest",
                hint=f"move it behind {several(base.heads)}{REBASE[proposed.kind]}",
            )


def _taken(script: Script, trunk: Listing, proposed: Listing) -> Finding:
    """Trunk got another one of this id after the patch had left it."""
    there = trunk.by_id[script.id]
    return at(
        script,
        "MC009",
        Severity.ERROR,
        f"{revision(proposed, script.id)} is there twice: {script.files[0]}, and in trunk {there.files[0]}",
        hint=f"trunk's is first: give this one another{REBASE[proposed.kind]}",
    )


def _behind(
    new: list[Script], proposed: Listing, trunk: Listing, base: Listing, branches: tuple[str, ...]
) -> Iterator[Finding]:
    """Where trunk has gone on since the patch left it, the patch's first ones follow what is not its newest now."""
    mine = {script.id for script in new}
    branch = branch_of(proposed, branches)
    then, now = heads_of(base, branches), heads_of(trunk, branches)
    by_branch: dict[str | None, list[Script]] = defaultdict(list)
    for script in new:
        by_branch[branch[script.id]].append(script)
    unsaid = {name: of_no_order(its) for name, its in by_branch.items()}
    for script in new:
        newest = now.get(branch[script.id], ())
        if newest == then.get(branch[script.id], ()) or mine & set(script.parents):
            continue
        # Where trunk's newest is here already, there are two heads, and that is said.
        if not set(script.parents) & set(newest) and not proposed.by_id.keys() >= set(newest):
            yield at(
                script,
                "MC018",
                Severity.ERROR,
                f"{revision(proposed, script.id)} follows {', '.join(script.parents) or 'nothing'}, "
                f"and trunk's newest is {several(newest)}",
                hint=_to_come_last(script, newest, unsaid[branch[script.id]], proposed, trunk),
            )


def _to_come_last(
    script: Script, newest: tuple[str, ...], unsaid: tuple[str, ...], proposed: Listing, trunk: Listing
) -> str:
    if proposed.kind == NUMBERED:
        moments = proposed.gaps or trunk.gaps
        if moments and all(int(script.id) > int(one) for one in newest):
            return "its number is behind trunk's already, and nothing is to be renamed: git merge TRUNK, or git rebase"
    elif unsaid:
        return in_a_row(unsaid)
    return f"move it behind trunk's newest{REBASE[proposed.kind]}"
