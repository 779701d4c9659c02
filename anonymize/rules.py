"""What markup may say of a column: a kind that is known, with options that it has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from anonymize.errors import UsageError
from anonymize.kinds.kind import Kind
from anonymize.markup import Rule

Kinds = Callable[[str], Kind]
"""The kind of a name. Raises UsageError that names the nearest: see `anonymize.kinds.find`."""


def rule(said: Any, place: str, what: str, kinds: Kinds) -> Rule:
    """The rule that a kind's name, or a table with `kind` and options, stands for.

    `what` it is said of ("users.email") is for the message. Raises UsageError.
    """
    if isinstance(said, str):
        name, options = said, {}
    elif isinstance(said, Mapping) and isinstance(said.get("kind"), str):
        name, options = said["kind"], {key: value for key, value in said.items() if key != "kind"}
    elif isinstance(said, Mapping):
        raise UsageError(
            f"{place}: what is said of {what} has no kind",
            'write it like this: { kind = "text" }. A name with a dot in it has to be quoted: [tables."shop.users"]',
        )
    else:
        raise UsageError(
            f"{place}: {said!r} is said of {what}, which is no kind", 'write "keep", or the name of a kind'
        )
    try:
        kind = kinds(name)
    except UsageError as error:
        raise UsageError(f"{place}: {error.message}, as which {what} is marked", error.hint) from error
    for option in options:
        if option not in kind.options:
            raise UsageError(
                f"{place}: {what} has the option {option!r}, which the kind {name!r} does not have",
                near(str(option), kind.options, "its options are"),
            )
    return Rule(name, options, place)


def near(name: str, known: Iterable[str], words: str) -> str:
    """A hint that names the known name nearest to `name`, or else all of them."""
    names = sorted(known)
    by_lower = {one.lower(): one for one in reversed(names)}
    close = difflib.get_close_matches(name.lower(), by_lower, 1, 0.6)
    if close:
        return f"did you mean {by_lower[close[0]]!r}?"
    return f"{words} {', '.join(names)}" if names else "there are none"
