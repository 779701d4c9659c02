"""The rules that one listing of migrations has to keep by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator

from migci.core.finding import Finding, Severity, silenced
from migci.core.lists import against_list
from migci.core.scripts import ALEMBIC, NUMBERED, TOLD, Listing, Script, branch_of

REBASE = {ALEMBIC: ": migci versions rebase", NUMBERED: ": migci versions rebase", TOLD: ""}
"""What ends a hint: the command, where there is one."""


def faults(
    listing: Listing,
    branches: tuple[str, ...] = (),
    trunk: Listing | None = None,
    base: Listing | None = None,
) -> Iterator[Finding]:
    """What is wrong with `listing`, whatever there was before; how many heads it has is not looked at.

    What `trunk` has is not missing: it has landed meanwhile, or that it was removed is said where `listing` is compared
    with trunk, as it was at `base`. Of several heads that trunk has, all may be joined.
    """
    yield from listing.findings
    yield from _twice(listing)
    yield from _missing(listing, frozenset(trunk.by_id) if trunk else frozenset())
    yield from _circles(listing)
    yield from _joins(listing, trunk.heads if trunk else ())
    yield from _side_ways(listing, branches)
    yield from against_list(listing, trunk, base)


def revision(listing: Listing, id: str) -> str:
    """What people call it."""
    return f"number {id}" if listing.kind == NUMBERED else f"revision {id}"


def revisions(listing: Listing, count: int) -> str:
    word = "number" if listing.kind == NUMBERED else "revision"
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def at(script: Script, id: str, severity: Severity, message: str, hint: str = "") -> Finding:
    """A finding about the place of `script`. What is only a warning can be silenced there."""
    found = Finding(id, severity, message, hint, file=script.where, line=script.line)
    return silenced(found, script.silences) if severity is Severity.WARNING else found


def several(ids: Collection[str]) -> str:
    """Their names, or the first of them and how many more there are."""
    names = sorted(ids)
    return (
        ", ".join(names)
        if len(names) <= _MOST_NAMES
        else f"{', '.join(names[:_MOST_NAMES])} and {len(names) - _MOST_NAMES} more"
    )


_MOST_NAMES = 10


def _twice(listing: Listing) -> Iterator[Finding]:
    by_id: dict[str, list[Script]] = defaultdict(list)
    for script in listing.scripts:
        by_id[script.id].append(script)
    for id, scripts in by_id.items():
        if len(scripts) > 1:
            files = several([file for script in scripts for file in script.files])
            numbered = listing.kind == NUMBERED
            hint = f"give the newer one a number of its own{REBASE[NUMBERED]}" if numbered else "give one another id"
            yield at(
                scripts[-1],
                "MC009",
                Severity.ERROR,
                f"{revision(listing, id)} is there {_times(len(scripts))}: {files}",
                hint=hint,
            )


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _missing(listing: Listing, landed: Collection[str]) -> Iterator[Finding]:
    if listing.hidden:
        return  # it may be in one of these files
    labels = {label for script in listing.scripts for label in script.labels}
    for script in listing.scripts:
        for parent in script.parents:
            if parent not in listing.by_id and parent not in landed:
                yield at(
                    script,
                    "MC010",
                    Severity.ERROR,
                    f"{revision(listing, script.id)} follows {parent or repr(parent)}, which is not there: "
                    f"{script.files[0]}",
                    hint=f"let it follow one that is there{REBASE[listing.kind]}",
                )
        for needed in script.depends_on:
            # Otherwise than on its command line, alembic takes no beginning of an id here, and no label@id.
            if needed not in listing.by_id and needed not in landed and needed not in labels:
                yield at(
                    script,
                    "MC010",
                    Severity.ERROR,
                    f"{revision(listing, script.id)} depends on {needed or repr(needed)}, which is not there: "
                    f"{script.files[0]}",
                    hint="name one that is there",
                )


def _circles(listing: Listing) -> Iterator[Finding]:
    reached = {script.id for script in listing.chain}
    left = {id: _needs(script, listing) for id, script in listing.by_id.items() if id not in reached}
    seen: set[str] = set()
    for begins in sorted(left):
        path: list[str] = []
        at_ = begins
        while at_ not in seen:
            seen.add(at_)
            path.append(at_)
            # What is left needs one that is left too.
            at_ = min(one for one in left[at_] if one in left)
        if at_ in path:
            circle = path[path.index(at_) :]
            first = circle.index(min(circle))
            circle = [*circle[first:], *circle[:first]]
            first_one = listing.by_id[circle[0]]
            if len(circle) == 1:
                message = f"{revision(listing, circle[0])} follows itself"
                yield at(first_one, "MC015", Severity.ERROR, message, "let it follow what was the newest before it")
                continue
            told = (f"{one} follows {other}" for one, other in zip(circle, [*circle[1:], circle[0]], strict=True))
            message = f"the history runs in a circle: {', '.join(told)}"
            hint = "let the one that was written first follow what is before all of them"
            yield at(first_one, "MC015", Severity.ERROR, message, hint)


def _needs(script: Script, listing: Listing) -> tuple[str, ...]:
    return tuple(one for one in (*script.parents, *script.depends_on) if one in listing.by_id)


def _joins(listing: Listing, ends: Collection[str]) -> Iterator[Finding]:
    for script in listing.scripts:
        if len(script.parents) > 1:
            yield at(
                script,
                "MC014",
                # What has landed cannot be put in a row any more.
                Severity.WARNING if set(script.parents) <= set(ends) else Severity.ERROR,
                f"{revision(listing, script.id)} joins {', '.join(script.parents)}: a history with branches "
                "is not run in the same order everywhere",
                hint=f"put the branches one behind the other, and delete it{REBASE[listing.kind]}",
            )


def _side_ways(listing: Listing, branches: tuple[str, ...]) -> Iterator[Finding]:
    """Labels, and dependencies that are no parents."""
    branch = branch_of(listing, branches)
    for script in listing.scripts:
        unknown = [label for label in script.labels if label not in branches and branch[script.id] is None]
        if unknown:
            yield at(
                script,
                "MC016",
                Severity.WARNING,
                f"{revision(listing, script.id)} begins a branch: {', '.join(unknown)}",
                hint="take branch_labels out; or, if the project wants the branch, say so in migci.toml: "
                f"[project.versions] branches = [{', '.join(repr(one) for one in unknown)}]",
            )
        between = branch[script.id] is not None and all(branch.get(one) is not None for one in script.depends_on)
        if script.depends_on and not between:
            yield at(
                script,
                "MC016",
                Severity.WARNING,
                f"{revision(listing, script.id)} uses depends_on ({', '.join(script.depends_on)}): "
                "an order that down_revision does not show",
                hint="let it follow that one, and take depends_on out",
            )
