"""Which migrations of a tree are a branch's own, and what keeps that from being known."""

from __future__ import annotations

from migci.core.finding import Finding
from migci.core.scripts import ALEMBIC, Listing, Script
from migci.ports import NotRebased


def own_scripts(ours: Listing, trunk: Listing, base: Listing) -> tuple[Script, ...]:
    """What is in `ours` and has not landed, in its order."""
    if ours.kind == ALEMBIC:
        landed = trunk.by_id.keys() | base.by_id.keys()
        found = [one for one in ours.scripts if one.id not in landed]
        in_order = {script.id: place for place, script in enumerate(ours.chain)}
        return tuple(sorted(found, key=lambda one: in_order.get(one.id, len(in_order))))
    if ours.order is not None:
        landed = {file for tree in (trunk, base) for one in tree.scripts for file in one.files}
        found = [one for one in ours.scripts if not landed.intersection(one.files)]
    else:
        known = {(one.id, one.name) for one in base.scripts}
        known |= {(one.id, one.digest) for tree in (trunk, base) for one in tree.scripts}
        found = [one for one in ours.scripts if not {(one.id, one.name), (one.id, one.digest)} & known]
    return tuple(sorted(found, key=lambda one: (int(one.id), one.files)))


def check_read(ours: Listing, trunk: Listing) -> None:
    """Raises NotRebased where a migration of either, or its place, could not be read."""
    for listing, whose in ((trunk, "trunk itself: "), (ours, "")):
        for file in listing.unread:
            finding = next((one for one in listing.findings if one.file == file), None)
            message = finding.message if finding else f"{file} cannot be read"
            hint = finding.hint if finding else "mend it first"
            place = f" (line {finding.line})" if finding and finding.line else ""
            raise NotRebased(f"{whose}{message}{place}", hint=_instead(finding, hint))
        if any(one.id == "MC012" and one.file == listing.order_file for one in listing.findings):
            finding = next(one for one in listing.findings if one.id == "MC012")
            raise NotRebased(f"{whose}{finding.message}", hint=_instead(finding, "mend it first"))


def _instead(finding: Finding | None, hint: str) -> str:
    """No hint to call what was called."""
    return "mend it by hand, and call this again" if finding is None or "versions rebase" in finding.hint else hint


def check_landed(ours: Listing, trunk: Listing, base: Listing) -> None:
    """What landed has to be where trunk has it, or nothing can be said to come behind it. Raises NotRebased."""
    here_by_file = {file: one for one in ours.scripts for file in one.files}
    for id, was in base.by_id.items():
        now = ours.by_id.get(id)
        if ours.kind == ALEMBIC and now is None and was.files[0] in here_by_file:
            raise NotRebased(
                f"{was.files[0]} has landed as revision {id}, and is {here_by_file[was.files[0]].id} here",
                hint=f"take trunk's: git checkout TRUNK -- {was.files[0]}",
            )
        if now is None or ours.kind != ALEMBIC:
            continue
        landed = {was.parents, trunk.by_id[id].parents if id in trunk.by_id else was.parents}
        if now.parents not in landed:
            raise NotRebased(
                f"revision {id} has landed as one that follows {', '.join(was.parents) or 'nothing'}, and follows "
                f"{', '.join(now.parents) or 'nothing'} here: {now.files[0]}",
                hint=f"take trunk's: git checkout TRUNK -- {now.files[0]}",
            )
    if ours.kind == ALEMBIC or ours.order is not None:
        return  # numbers in versions.json are put right
    here = {(one.id, key) for one in ours.scripts for key in (one.name, one.digest)}
    for script in own_scripts(ours, trunk, base):
        for was in base.scripts:
            alike = was.digest == script.digest or (was.name and was.name == script.name)
            still = (was.id, was.name) in here or (was.id, was.digest) in here
            if alike and not still and was.id in trunk.by_id:
                raise NotRebased(
                    f"{script.files[0]} has landed as number {was.id}: {was.files[0]}",
                    hint=f"give it its number back: git mv {script.files[0]} {was.files[0]}",
                )


def check_told_apart(ours: Listing, trunk: Listing, base: Listing) -> None:
    """Where revision ids, or names, tell scripts apart, no two may have the same. Raises NotRebased."""
    if ours.kind == ALEMBIC:
        _check_ids(ours, trunk, base)
    elif ours.order is not None:
        _check_names(ours, trunk, base)


def _check_names(ours: Listing, trunk: Listing, base: Listing) -> None:
    theirs = {file: one for one in trunk.scripts for file in one.files}
    known = {file for one in base.scripts for file in one.files}
    for script in ours.scripts:
        for file in script.files:
            if file in theirs and file not in known and theirs[file].digest != script.digest:
                raise NotRebased(
                    f"{file} is number {theirs[file].id} in trunk, and another script here",
                    hint="give this one another name",
                )


def _check_ids(ours: Listing, trunk: Listing, base: Listing) -> None:
    files: dict[str, list[str]] = {}
    for script in ours.scripts:
        files.setdefault(script.id, []).append(script.files[0])
    for id, twice in files.items():
        if len(twice) > 1:
            raise NotRebased(f"revision {id} is there twice: {', '.join(twice)}", hint="give the newer one another id")
    for script in ours.scripts:
        theirs = trunk.by_id.get(script.id)
        if theirs is not None and script.id not in base.by_id and script.digest != theirs.digest:
            raise NotRebased(
                f"revision {script.id} is {script.files[0]} here, and another text in trunk: {theirs.files[0]}",
                hint="give this one another id, or take trunk's if it is meant to be the same",
            )
