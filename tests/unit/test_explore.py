"""Exploring: one step at a time, the schema's difference at each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migci.core.run import Commit
from migci.core.step import Cause, Step, StepError
from migci.errors import UsageError
from migci.explore import Difference, differences, explore
from migci.route import Release
from tests.fakes import Migration, chain
from tests.unit.worlds import EMPTY, World, world

MIGRATIONS = chain(
    Migration("1", makes="CREATE TABLE t (id INTEGER)"),
    Migration("2", makes="ALTER TABLE t ADD COLUMN name TEXT"),
    Migration("3", makes="DROP TABLE t"),
)


def explored(here: World, revision: str, *, as_added: bool = False) -> tuple[dict[str, list[Difference]], bool]:
    """What each step made of the tables that are not the tool's, and whether it arrived."""
    seen: dict[str, list[Difference]] = {}

    def look(step: Step, made: tuple[Difference, ...]) -> None:
        seen[step.name] = [one for one in made if one.table != "fake_version"]

    with explore(EMPTY, revision, here.project, here.tools, as_added=as_added, seen=look) as arrival:
        return seen, arrival.at_revision


def test_each_step_shows_what_it_made_of_the_schema() -> None:
    seen, arrived = explored(world(patch=MIGRATIONS), "3")
    assert arrived
    assert list(seen) == ["base->1", "1->2", "2->3"]
    assert [line for line in seen["1->2"][0].lines if line[0] in "+-"] == [
        "--- t before",
        "+++ t after",
        "-CREATE TABLE t (id INTEGER)",
        "+CREATE TABLE t (id INTEGER, name TEXT)",
    ]
    assert [one.lines[-1] for one in seen["2->3"]] == ["-CREATE TABLE t (id INTEGER, name TEXT)"]


def test_it_stops_at_the_revision_and_the_database_is_there_to_be_looked_at() -> None:
    here = world(patch=MIGRATIONS)
    with explore(EMPTY, "2", here.project, here.tools, as_added=False, seen=lambda *_: None) as arrival:
        assert arrival.at_revision
        assert arrival.schema["t"] == "CREATE TABLE t (id INTEGER, name TEXT)"
        assert len(here.server.live) == 1
    assert here.ran() == ["1", "2"]
    assert here.server.live == {}


def test_a_step_that_fails_is_where_it_ends() -> None:
    broken = replace(MIGRATIONS[1], error=StepError(Cause.RAISED, "it broke"))
    seen, arrived = explored(world(patch=(MIGRATIONS[0], broken, MIGRATIONS[2])), "3")
    assert list(seen) == ["base->1", "1->2"]
    assert not arrived


def test_each_migration_is_run_in_the_tree_that_added_it_when_that_is_asked_for() -> None:
    here = world(patch=MIGRATIONS, trees={"first": MIGRATIONS[:1], "second": MIGRATIONS[:2]})
    here.repository.birthplaces["versions/1.py"] = Commit("the commit that added versions/1.py", "first")
    here.repository.birthplaces["versions/2.py"] = Commit("the commit that added versions/2.py", "second")
    _, arrived = explored(here, "3", as_added=True)
    assert arrived
    assert here.tool.ran == [("first", "1"), ("second", "2"), ("patch-id", "3")]


def test_releases_are_walked_as_in_a_replay() -> None:
    here = world(patch=MIGRATIONS, releases=(Release("old", "1", "stable"),), trees={"stable": MIGRATIONS[:1]})
    _, arrived = explored(here, "2")
    assert arrived
    assert here.tool.ran == [("stable", "1"), ("patch-id", "2")]


def test_an_unknown_revision_is_a_mistake_and_nothing_is_started() -> None:
    here = world(patch=MIGRATIONS)
    with pytest.raises(UsageError) as mistake:
        explored(here, "77")
    assert (mistake.value.message, mistake.value.hint) == (
        "there is no revision '77' in the history",
        "the newest is 3",
    )
    assert here.server.started == []


def test_schemas_that_are_alike_have_no_differences() -> None:
    assert differences({"a": "CREATE TABLE a"}, {"a": "CREATE TABLE a"}) == ()


def test_differences_come_in_the_order_of_the_tables() -> None:
    made = differences({"b": "x", "a": "x"}, {"a": "y", "c": "z"})
    assert [one.table for one in made] == ["a", "b", "c"]
