"""Names of people and of cities, as far as Faker's pools know them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from anonymize.kinds.pools import pool

LOCALES = ("en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL")
_NAME = re.compile(r"[^\W\d_]+(?:[ '\u2019\-][^\W\d_]+)*")
_CITY = re.compile(r"[^\W\d_]+(?:[ '\u2019.\-/]{1,2}[^\W\d_]+)*")
_LONGEST = 60
_PAIR = re.compile(r"\b([^\W\d_a-z][^\W\d_A-Z]+) ([^\W\d_a-z][^\W\d_]+)\b")
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "herr", "frau", "dipl", "ing", "jr", "sr", "ii", "iii"})


@dataclass(frozen=True, slots=True)
class People:
    """What is known; all in lower case."""

    first: frozenset[str]
    last: frozenset[str]
    cities: frozenset[str]

    def is_person(self, text: str) -> bool:
        """Whether it is a first name and a last one, in either order, with titles and middle names."""
        if len(text) > _LONGEST:
            return False
        turned = " ".join(reversed(text.split(", "))) if text.count(", ") == 1 else text
        parts = [part for part in turned.replace(".", " ").lower().split() if part not in _TITLES]
        if not 2 <= len(parts) <= 4 or not all(_NAME.fullmatch(part) for part in parts):
            return False
        return parts[0] in self.first and parts[-1] in self.last

    def is_first_name(self, text: str) -> bool:
        return text.lower() in self.first

    def is_last_name(self, text: str) -> bool:
        return text.lower() in self.last

    def is_city(self, text: str) -> bool:
        return len(text) <= _LONGEST and _CITY.fullmatch(text) is not None and text.lower() in self.cities

    def mentioned(self, text: str) -> bool:
        """Whether a first and a last name follow one another in a text."""
        return any(match[1].lower() in self.first and match[2].lower() in self.last for match in _PAIR.finditer(text))


def known(locales: Sequence[str]) -> People:
    """What Faker knows for these locales. Raises UsageError for one that it does not have."""

    def all_of(provider: str) -> frozenset[str]:
        return frozenset(entry.lower() for locale in locales for entry in pool(provider, locale))

    return People(all_of("first_name"), all_of("last_name"), all_of("city"))
