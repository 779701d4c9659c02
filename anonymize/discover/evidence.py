"""What the values of a sample are, counted: nothing of them is kept but numbers."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from anonymize.discover.forms import FORMS, Form, form_of
from anonymize.discover.insides import is_confidential, is_spoken, mentions, plain, unwrapped
from anonymize.discover.people import People

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_FORMS = {form.name: form for form in FORMS}
_WORDY = frozenset({"token", "host", "path"})
"""Forms that what is wrapped has, too."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many values of a sample are what."""

    looked: int = 0
    distinct: int = 0
    forms: Mapping[str, int] = field(default_factory=dict)
    spoken: int = 0
    """Free text."""
    mentions: Mapping[str, int] = field(default_factory=dict)
    """Patterns in free text."""
    mentioned_people: int = 0
    persons: int = 0
    first_names: int = 0
    last_names: int = 0
    cities: int = 0
    documents: int = 0
    """JSON objects and arrays."""
    wrapped: Mapping[str, int] = field(default_factory=dict)
    wrapped_confidential: int = 0
    numbers: int = 0
    not_text: int = 0
    """Bytes that are no text."""

    @property
    def form(self) -> Form | None:
        """The form that most values have."""
        name = max(self.forms, key=lambda name: self.forms[name], default=None)
        return None if name is None else _FORMS[name]

    def share(self, count: int) -> float:
        """How much of what was looked at that is, from 0 to 1."""
        return count / self.looked if self.looked else 0.0


def evidence(values: Sequence[bytes], people: People) -> Evidence:
    """What is seen in these values; each counts as often as it is there."""
    counts: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    mentioned: Counter[str] = Counter()
    wrapped: Counter[str] = Counter()
    different = Counter(values)
    for value, times in different.items():
        text = plain(value)
        form = form_of(text) if text is not None else None
        if form is None or form.name in _WORDY:
            found = unwrapped(value)
            if found is not None:
                wrapped[found.form] += times
                counts["wrapped_confidential"] += times * is_confidential(found)
                continue
        if text is None:
            counts["not_text"] += times
        elif form is not None:
            forms[form.name] += times
        elif is_document(text):
            counts["documents"] += times
        elif is_spoken(text) and not people.is_person(text):
            counts["spoken"] += times
            mentioned.update(dict.fromkeys(mentions(text), times))
            counts["mentioned_people"] += times * people.mentioned(text)
        else:
            counts["numbers"] += times * (_NUMBER.fullmatch(text) is not None)
            counts["persons"] += times * people.is_person(text)
            counts["first_names"] += times * people.is_first_name(text)
            counts["last_names"] += times * people.is_last_name(text)
            counts["cities"] += times * people.is_city(text)
    return Evidence(len(values), len(different), forms=forms, mentions=mentioned, wrapped=wrapped, **counts)


def is_document(text: str) -> bool:
    """Whether it is a JSON object or array."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        return isinstance(json.loads(text), dict | list)
    except (ValueError, RecursionError):
        return False
