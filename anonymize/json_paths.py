"""The paths of JSON rules, made into a machine that takes one step a member and knows the rule for a leaf at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anonymize.errors import UsageError

Path = tuple[str, ...]
STAR = "*"
UNKNOWN = -1
"""In the place of a rule's number: no rule knows this leaf."""
_MOST_STATES = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """A place in a document, as far as rules tell places apart. The machine begins in state 0, the document's root."""

    rule: int
    """The number of the rule for a leaf that stands here, or UNKNOWN."""
    names: Mapping[bytes, int]
    """The states of members whose names rules know; names are in UTF-8."""
    otherwise: int
    """The state of every other member, and of all elements."""


@dataclass(frozen=True, slots=True)
class _Place:
    active: tuple[Path, ...]
    """The beginnings of longer rules that the path fits, those with names before those with stars."""
    rule: int


def states(paths: Sequence[Path]) -> list[State]:
    """The machine for rules with these paths, numbered as they come; of two that are equal the later counts.

    Raises UsageError where stars and names cross so often that it would be too large.
    """
    rules = {path: number for number, path in enumerate(paths)}
    beginnings = {path[:length] for path in rules for length in range(len(path) + 1)}
    steps: dict[Path, set[str]] = {}
    for beginning in beginnings:
        if beginning:
            steps.setdefault(beginning[:-1], set()).add(beginning[-1])

    def after(place: _Place, name: str) -> _Place:
        active = tuple(
            [
                (*beginning, step)
                for beginning in place.active
                for step in ((STAR,) if name == STAR else (name, STAR))
                if step in steps.get(beginning, ())
            ]
        )
        rule = next((rules[path] for path in active if path in rules), place.rule)
        return _Place(tuple([beginning for beginning in active if beginning in steps]), rule)

    root = _Place(((),), rules.get((), UNKNOWN))
    numbers = {root: 0}
    waiting = [root]
    made = []
    for place in waiting:

        def number(following: _Place) -> int:
            if following not in numbers:
                numbers[following] = len(numbers)
                waiting.append(following)  # this is what makes it go on
            return numbers[following]

        names = sorted({step for beginning in place.active for step in steps.get(beginning, ())} - {STAR})
        found = {name.encode("utf-8", "surrogatepass"): number(after(place, name)) for name in names}
        made.append(State(place.rule, found, number(after(place, STAR))))
        if len(numbers) > _MOST_STATES:
            raise UsageError(
                f"the {len(paths)} rules for JSON paths cross in more than {_MOST_STATES} ways",
                "write fewer stars in front of names",
            )
    return made
