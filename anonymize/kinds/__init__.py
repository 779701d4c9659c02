"""The kinds of replacement, by the names that markup calls them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from anonymize.errors import UsageError
from anonymize.kinds import (
    dates,
    documents,
    drawn,
    freetext,
    members,
    network,
    numerals,
    own,
    paths,
    people,
    plain,
    secrets,
)  # fmt: skip
from anonymize.kinds.kind import Kind
from anonymize.kinds.options import nearest

FAMILIES: Mapping[str, Callable[[str], Kind]] = {"faker": people.provider, "python": own.own}
"""Kinds that have a name of their own behind a colon."""


def find(name: str) -> Kind:
    """The kind called `name`, one of a family's too. Raises UsageError that names the nearest."""
    family, colon, rest = name.partition(":")
    if colon and rest and family in FAMILIES:
        return FAMILIES[family](rest)
    if name in KINDS:
        return KINDS[name]
    known = (*KINDS, *(f"{one}:" for one in FAMILIES))
    raise UsageError(f"there is no kind {name!r}", nearest(name, known, "the kinds are"))


KINDS: Mapping[str, Kind] = {
    "keep": plain.KEEP,
    "null": plain.NULL,
    "constant": plain.CONSTANT,
    "redact": plain.REDACT,
    "text": plain.TEXT,
    "scrub": freetext.scrub_kind(find),
    "json": documents.json_kind(find),
    "email": drawn.EMAIL,
    "username": drawn.USERNAME,
    "name": people.NAME,
    "first_name": people.FIRST_NAME,
    "last_name": people.LAST_NAME,
    "company": people.COMPANY,
    "street": people.STREET,
    "city": people.CITY,
    "phone": numerals.PHONE,
    "url": drawn.URL,
    "hostname": drawn.HOSTNAME,
    "ip": network.IP,
    "mac": numerals.MAC,
    "uuid": numerals.UUID,
    "hex": numerals.HEX,
    "base64": plain.BASE64,
    "integer": numerals.INTEGER,
    "decimal": numerals.DECIMAL,
    "float": numerals.FLOAT,
    "date": dates.DATE,
    "datetime": dates.DATETIME,
    "enum": members.ENUM,
    "path": paths.PATH,
    "password_hash": secrets.PASSWORD_HASH,
    "ssh_key": secrets.SSH_KEY,
    "certificate": secrets.CERTIFICATE,
}
"""The kinds that are there by themselves."""
