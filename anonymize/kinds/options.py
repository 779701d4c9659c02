"""The options of kinds, checked: what is not known, or is of another type, is refused with what was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from anonymize.errors import UsageError


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a kind."""

    text: str
    """What it means, for the documentation."""
    type: type | tuple[type, ...]
    default: Any = None
    choices: tuple[str, ...] = ()
    between: tuple[int, int] | None = None
    """The least and the most that a number may be."""
    required: bool = False


MEANING = Option("whose pseudonyms these are: columns with one kind and one meaning share them (the kind's name)", str)
_WORDS = {str: "text", int: "a whole number", bool: "true or false", float: "a number", list: "a list", dict: "a table"}


def check(kind: str, known: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """A value for every known option: the given one, or its default. Raises UsageError for what cannot be."""
    for name in given:
        if name not in known:
            raise UsageError(f"the kind {kind!r} has no option {name!r}", nearest(name, known, "its options are"))
    values = {name: given.get(name, option.default) for name, option in known.items()}
    for name, option in known.items():
        if name in given:
            _check_value(kind, name, option, given[name])
        elif option.required:
            raise UsageError(f"the kind {kind!r} needs its option {name!r}", f"{name}: {option.text}")
    return values


def nearest(name: str, known: Iterable[str], words: str) -> str:
    """A hint that names the known name that `name` looks like, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"{words} {', '.join(names)}" if names else "it has none"


def _check_value(kind: str, name: str, option: Option, value: Any) -> None:
    types = option.type if isinstance(option.type, tuple) else (option.type,)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join(_WORDS[one] for one in types)
        raise UsageError(f"option {name!r} of the kind {kind!r} is {value!r}; it has to be {wanted}", option.text)
    if option.choices and value not in option.choices:
        raise UsageError(
            f"option {name!r} of the kind {kind!r} is {value!r}", nearest(str(value), option.choices, "it may be")
        )
    if option.between and isinstance(value, int) and not option.between[0] <= value <= option.between[1]:
        raise UsageError(
            f"option {name!r} of the kind {kind!r} is {value!r}",
            f"it has to be from {option.between[0]} to {option.between[1]}",
        )
    if value == "" and option is MEANING:
        raise UsageError(f"option {name!r} of the kind {kind!r} is empty", "leave it out, or give it a name")
