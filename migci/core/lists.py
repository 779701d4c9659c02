"""The rules between versions.json and the scripts that lie beside it."""

from __future__ import annotations

from collections.abc import Iterator

from migci.core.finding import Finding, Severity
from migci.core.naming import is_numbered, without_number
from migci.core.scripts import ALEMBIC, NUMBERED, Listing, Script, name_of


def against_list(listing: Listing, trunk: Listing | None = None, base: Listing | None = None) -> Iterator[Finding]:
    """What `listing` lists and does not have, and what it lists elsewhere than its scripts say; nothing without a list.

    What a patch has removed of `trunk`, as it was at `base`, is left to who tells that.
    """
    if listing.order is None:
        return
    if listing.kind == ALEMBIC:
        yield from _without_a_script(listing, trunk, base or trunk)
        yield from _unlisted_revisions(listing, trunk)
        yield from _before_their_parents(listing)
    else:
        yield from _without_a_file(listing, trunk)


def strangers(listing: Listing, trunk: Listing | None = None) -> Iterator[Finding]:
    """The files that look like migrations, lie among them, and are none: an error each, but where it may be meant.

    Without `trunk` nothing tells since when a file is there. A numbered file beside a list of numbers is never meant.
    """
    listed = listing.kind == NUMBERED and listing.order is not None
    for file in listing.others:
        severity = Severity.WARNING if trunk is None else Severity.ERROR
        if listed:
            told = f"{file} lies among the migrations, and {listing.order_file} does not list it: it will not run"
            hint = bring_in(listing, file, trunk)
            severity = Severity.ERROR if is_numbered(name_of(file)) else severity
        else:
            told = f"{file} lies among the migrations, and is none: the tool will not run it"
            if trunk is not None:
                told = f"the patch adds {file} among the migrations, and it is not one: the tool will not run it"
            hint = "name it as the tool expects a migration to be named, or move it to another folder"
        yield Finding("MC007", severity, told, hint, file=file)


def list_removed(proposed: Listing, trunk: Listing) -> bool:
    """Whether trunk's numbers stand in a versions.json that a patch takes away, and nowhere else."""
    numbers = proposed.kind == trunk.kind == NUMBERED and trunk.order is not None and proposed.order is None
    return numbers and proposed.readable and bool(trunk.scripts) and not proposed.by_id.keys() & trunk.by_id.keys()


def without_its_list(trunk: Listing) -> Finding:
    """The one finding that says all that follows from it."""
    told = f"the patch removes {trunk.order_file}, where trunk's numbers stand: nothing of what has landed would run"
    return Finding("MC002", Severity.ERROR, told, f"git checkout TRUNK -- {trunk.order_file}", file=trunk.order_file)


def bring_in(listing: Listing, file: str, trunk: Listing | None) -> str:
    """What to do about a script in `file` that is not listed: what trunk lists only lost its line."""
    landed = None if trunk is None else landed_line(trunk, file)
    if landed is not None:
        what = landed.id if trunk and trunk.kind == ALEMBIC else f"number {landed.id}"
        return f"trunk lists it as {what}, so its line was lost: migci versions rebase brings it back"
    if listing.kind == ALEMBIC:
        return f"migci versions add {file}"
    if is_numbered(name_of(file)):
        return take_number_out(file)
    return f"migci versions add {file}, or move it to another folder if it is none"


def landed_line(trunk: Listing, file: str) -> Script | None:
    """The migration that trunk's versions.json lists and that `file` belongs to."""
    listed = trunk.order or ()
    return next((one for one in trunk.scripts if file in one.files and one.id in listed), None)


def take_number_out(file: str) -> str:
    """What to do about a file with a number in its name, where numbers stand in versions.json."""
    bare = without_number(name_of(file))
    if bare is None:
        return "give it a name without a number, and add that: migci versions add"
    place = file.removesuffix(name_of(file)) + bare
    return f"take the number out of its name: git mv {file} {place}; then migci versions add {place}"


def _without_a_file(listing: Listing, trunk: Listing | None) -> Iterator[Finding]:
    landed = {file for one in trunk.scripts for file in one.files} - set(trunk.missing) if trunk else set()
    for script in listing.scripts:
        for file in script.files:
            if file in listing.missing:
                message = f"{listing.order_file} lists {name_of(file)} as number {script.id}, and there is no such file"
                hint = f"git checkout TRUNK -- {file}" if file in landed else f"bring {file} back, or take the line out"
                yield Finding("MC011", Severity.ERROR, message, hint, file=listing.order_file, line=script.line)


def _without_a_script(listing: Listing, trunk: Listing | None, base: Listing | None) -> Iterator[Finding]:
    if listing.hidden:
        return  # it may be in one of these files
    lines = dict(zip(listing.order or (), listing.order_lines, strict=False))
    for id in listing.order or ():
        there = trunk.by_id.get(id) if trunk else None
        removed = there is not None and base is not None and id in base.by_id
        if id not in listing.by_id and not removed:
            message = f"{listing.order_file} lists {id}, and there is no such revision"
            hint = (
                f"git checkout TRUNK -- {there.files[0]}"
                if there
                else "take it out of the list, or bring its file back"
            )
            yield Finding("MC011", Severity.ERROR, message, hint, file=listing.order_file, line=lines.get(id))


def _unlisted_revisions(listing: Listing, trunk: Listing | None) -> Iterator[Finding]:
    for script in listing.by_id.values():
        if script.id not in (listing.order or ()):
            file = script.files[0]
            message = f"{file} lies among the migrations, and {listing.order_file} does not list {script.id}"
            yield Finding("MC007", Severity.ERROR, message, bring_in(listing, file, trunk), file=file)


def _before_their_parents(listing: Listing) -> Iterator[Finding]:
    places = {id: place for place, id in enumerate(listing.order or ())}
    lines = dict(zip(listing.order or (), listing.order_lines, strict=False))
    for script in listing.by_id.values():
        for parent in script.parents:
            if places.get(parent, -1) > places.get(script.id, len(places)):
                yield Finding(
                    "MC012",
                    Severity.ERROR,
                    f"{listing.order_file} lists {script.id} before {parent}, which it follows",
                    hint="list them in the order of their down_revision: migci versions rebase",
                    file=listing.order_file,
                    line=lines.get(script.id),
                )
