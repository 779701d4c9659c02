"""Kinds that put another of a pool's entries in a value's place: names of people and companies, streets, cities."""

from __future__ import annotations

from anonymize.kinds.columns import BLOBS, BYTES, TEXTS, holds
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.kinds.pools import MOST, pool
from anonymize.ops import Pool, Template

_KNOWN = {
    "locale": Option('the language and country of the entries, as Faker knows them ("en_US")', str, "en_US"),
    "meaning": MEANING,
}
_GUARANTEES = Guarantees(
    Uniqueness.LOSSY,
    length="its own: up to that of the pool's longest entry that fits into the column",
    characters="those of the locale, as far as the column's character set has them",
)


def pooled(wish: Wish, entries: tuple[str, ...]) -> Made:
    """One of the entries that the column holds, drawn for each value. Raises UsageError if there is none."""
    fitting = tuple(entry for entry in entries if holds(wish.column, entry))
    if not fitting:
        shortest = min(len(entry) for entry in entries)
        raise wish.refuse(
            f"none of the {len(entries)} entries fits into the column; the shortest has {shortest} characters",
            'choose another locale or kind; "text" is as long as its value',
        )
    pieces = (Pool(tuple(entry.encode() for entry in fitting)),)
    return Made(Template(wish.secret, wish.fold, pieces), Uniqueness.LOSSY, max(map(len, fitting)))


def provider(name: str) -> Definition:
    """The kind `faker:NAME`. That there is such a provider is seen when it is made for a column."""
    return Definition(
        name=f"faker:{name}",
        summary=f"Another value of a provider of Faker's that takes no arguments; at most {MOST:,} different ones.",
        guarantees=_GUARANTEES,
        making=lambda wish: pooled(wish, pool(name, wish.options["locale"])),
        example='job = { kind = "faker:job", locale = "de_DE" }',
        known=_KNOWN,
        types=TEXTS | BYTES | BLOBS,
    )


def _kind(name: str, summary: str, drawn_from: str) -> Definition:
    return Definition(
        name=name,
        summary=f"{summary} At most {MOST:,} different ones.",
        guarantees=_GUARANTEES,
        making=lambda wish: pooled(wish, pool(drawn_from, wish.options["locale"])),
        example=f'{name} = {{ kind = "{name}", locale = "de_DE" }}',
        known=_KNOWN,
        types=TEXTS | BYTES | BLOBS,
    )


NAME = _kind("name", "A person's whole name.", "name")
FIRST_NAME = _kind("first_name", "A person's first name.", "first_name")
LAST_NAME = _kind("last_name", "A person's last name.", "last_name")
COMPANY = _kind("company", "A company's name.", "company")
STREET = _kind("street", "A street with a number.", "street_address")
CITY = _kind("city", "A city's name.", "city")
