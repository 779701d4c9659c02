"""The kind json: the leaves of a document by the rules of their paths."""

from __future__ import annotations

import json
import re
from typing import Any

from anonymize.kinds.columns import BLOBS, BYTES, TEXTS
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import Option
from anonymize.kinds.rules import Find, inner
from anonymize.ops import Json, Op

_STEP = re.compile(r"\.([^\s.\[\]\"*]+)|\.\*|\[\*\]|\.(?=\")|\[(?P<place>[0-9]+)\]")
_HINT = 'a path is like $.owner.email, $."quoted name", $.tags[*] or $.*'


def read_path(wish: Wish, path: str) -> tuple[str, ...]:
    """The steps of a path. Raises UsageError for what is none, and for the number of one element."""
    if not path.startswith("$"):
        raise wish.refuse(f"the path {path!r} does not begin with $", _HINT)
    steps = []
    at = 1
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise wish.refuse(f"the path {path!r} cannot be read from {path[at:]!r} on", _HINT)
        if match["place"]:
            raise wish.refuse(
                f"the path {path!r} names one element, {match[0]}", "write [*]: a rule is for all elements of a list"
            )
        at = match.end()
        if match[0] == ".":
            name, at = _quoted(wish, path, at)
            steps.append(name)
        else:
            steps.append(match[1] or "*")
    return tuple(steps)


def _quoted(wish: Wish, path: str, at: int) -> tuple[str, int]:
    try:
        name, end = json.JSONDecoder().raw_decode(path, at)
    except ValueError as error:
        raise wish.refuse(f"the path {path!r} has a quote that does not end", _HINT) from error
    if name == "*":
        raise wish.refuse(f"the path {path!r} names a member {name!r}, which stands for any", "write a rule for .*")
    return name, end


def json_kind(find: Find) -> Definition:
    """The kind, given how others are found."""

    def make(wish: Wish) -> Made:
        rules: dict[tuple[str, ...], Op | None] = {}
        for path, rule in wish.options["paths"].items():
            steps = read_path(wish, path)
            if steps in rules:
                raise wish.refuse(f"the path {path!r} has two rules", "leave one of them out")
            rules[steps] = inner(find, wish, path, rule)
        rest: Any = wish.options["other"]
        other = rest if rest == "refuse" else inner(find, wish, "other", rest)
        return Made(Json(tuple(rules.items()), other), Uniqueness.LOSSY, grows=True)

    return Definition(
        name="json",
        summary="The strings and numbers of a document, each by the rule of its path; every other byte stays, and so "
        "do true, false and null. A rule holds for all that is below its path, unless a longer path has one. The same "
        "value has the same pseudonym here as in a column of its own whose collation ignores case.",
        guarantees=Guarantees(Uniqueness.LOSSY, length="the rules'", characters="the rules'"),
        making=make,
        example='extra = { kind = "json", paths = { "$.owner.email" = "email" }, other = "keep" }',
        known={
            "paths": Option("a rule for each path: a kind, or a table with a kind and its options", dict, {}),
            "other": Option('the rule for a leaf that no path leads to; "refuse" (the default) refuses the dump',
                            (str, dict), "refuse"),
        },
        types=TEXTS | BLOBS | BYTES | {"json"},
    )  # fmt: skip
