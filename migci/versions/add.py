"""The next place in versions.json for a script that lies beside it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from migci.core.lists import landed_line, take_number_out
from migci.core.merging import Item, Items
from migci.core.naming import is_numbered
from migci.core.scripts import ALEMBIC, Listing, name_of
from migci.errors import UsageError
from migci.versions.moves import items

_DATABASES = (
    "access", "default", "firebird", "ibm_db_sa", "informix", "maxdb", "mssql", "mysql", "oracle", "postgresql",
    "sqlite", "sybase",
)  # fmt: skip
_VARIANT = re.compile(rf"(.+?)_(?:(?:ibm_db_sa|[^_]+)_(?:upgrade|downgrade)|{'|'.join(_DATABASES)})")


def add(listing: Listing, file: str, trunk: Listing | None = None) -> tuple[Items, Item]:
    """What versions.json has to list with `file` in it, and the line that is new.

    A script of sqlalchemy-migrate comes with all of its variants, NAME_database_operation.sql. Raises UsageError where
    there is no versions.json that can be read, and for a file that is listed already, is no migration or has a number
    in its name; also for one that `trunk` lists: databases remember its number, so it is not new.
    """
    wrong = next((one for one in listing.findings if one.id == "MC012" and one.file == listing.order_file), None)
    if wrong is not None:
        raise UsageError(wrong.message, hint=wrong.hint)
    if listing.order is None:
        raise UsageError(f"there is no {listing.order_file}", hint=_WITHOUT[listing.kind == ALEMBIC])
    new = _revision(listing, file) if listing.kind == ALEMBIC else _number(listing, file)
    landed = next((line for one in _together(listing, file) if trunk and (line := landed_line(trunk, one))), None)
    if landed is not None:
        what = landed.id if listing.kind == ALEMBIC else f"number {landed.id}"
        raise UsageError(
            f"trunk has {file} already, as {what}: it is its line in {listing.order_file} that was lost",
            hint="migci versions rebase brings the line back; another script that is new needs another name",
        )
    return (*items(listing), new), new


_WITHOUT = {
    True: "alembic needs none: the order is what each script's down_revision says",
    False: "migci versions import makes one of the files that are there; a new folder begins with one that holds {}",
}


def _revision(listing: Listing, file: str) -> Item:
    script = next((one for one in listing.scripts if one.files[0] == file), None)
    if script is None:
        wrong = next((one for one in listing.findings if one.file == file), None)
        raise UsageError(wrong.message if wrong else f"{file} is no migration", hint=wrong.hint if wrong else "")
    assert listing.order is not None
    if script.id in listing.order:
        raise UsageError(f"{listing.order_file} lists {script.id} already")
    for parent in script.parents:
        if parent in listing.by_id and parent not in listing.order:
            beside = listing.by_id[parent].files[0]
            raise UsageError(
                f"{script.id} follows {parent}, which is not listed", hint=f"first: migci versions add {beside}"
            )
    return Item(script.id)


def _number(listing: Listing, file: str) -> Item:
    for script in listing.scripts:
        if file in script.files:
            raise UsageError(f"{listing.order_file} lists {name_of(file)} already, as number {script.id}")
    if file not in listing.others:
        raise UsageError(
            f"{file} is no script that can be added", hint="a plain file beside versions.json, .py or .sql"
        )
    if is_numbered(name_of(file)):
        raise UsageError(
            f"{file} has a number in its name, and numbers stand in {listing.order_file}", hint=take_number_out(file)
        )
    name = _name(file)
    listed = [script for script in listing.scripts if any(_name(one) == name for one in script.files)]
    if listed:
        raise UsageError(
            f"{listing.order_file} has {name} already, as number {listed[0].id}",
            hint=f"a further variant goes onto that line, if it has not landed; otherwise give {file} another name",
        )
    last = max((int(script.id) for script in listing.scripts), default=0)
    return Item(str(last + 1), tuple(name_of(one) for one in _together(listing, file)))


def _together(listing: Listing, file: str) -> list[str]:
    """The script in `file` with all of its variants that are not listed."""
    if listing.kind == ALEMBIC:
        return [file]
    same = (one for one in listing.others if _name(one) == _name(file))
    return sorted(same, key=lambda one: (one.endswith(".sql"), one))


def _name(file: str) -> str:
    path = PurePosixPath(file)
    variant = _VARIANT.fullmatch(path.stem) if path.suffix == ".sql" else None
    return variant[1] if variant else path.stem
