"""The machine that knows the rule for a path."""

from __future__ import annotations

import itertools

import pytest

from anonymize.errors import UsageError
from anonymize.json_paths import UNKNOWN, Path, states


def found(paths: list[Path], path: Path) -> int:
    machine = states(paths)
    state = machine[0]
    for step in path:
        state = machine[state.names.get(step.encode(), state.otherwise)]
    return state.rule


def expected(paths: list[Path], path: Path) -> int:
    """What the words say: the longest that fits, and of those with the same length the one with names before stars."""
    fitting = [
        (len(rule), [step != "*" for step in rule], number)
        for number, rule in enumerate(paths)
        if len(rule) <= len(path) and all(step in ("*", there) for step, there in zip(rule, path, strict=False))
    ]
    return max(fitting)[2] if fitting else UNKNOWN


def test_every_path_has_the_rule_that_the_words_give_it() -> None:
    steps = [(), *[path for count in (1, 2, 3) for path in itertools.product("ab*", repeat=count)]]
    for start in range(12):
        paths = steps[start::7]
        for path in (path for count in range(5) for path in itertools.product("abc", repeat=count)):
            assert found(paths, path) == expected(paths, path), (paths, path)


def test_the_machine_does_not_grow_with_what_no_rule_tells_apart() -> None:
    assert len(states([])) <= 2
    assert len(states([("a", "b", "c")])) == 5


def test_rules_that_cross_in_too_many_ways_are_refused() -> None:
    paths = [("*",) * place + ("a",) + ("*",) * (19 - place) for place in range(20)]
    with pytest.raises(UsageError, match="cross"):
        states(paths)
