"""Open changes that take the same place, before either lands."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from migci.core.finding import Severity
from migci.core.scripts import ALEMBIC, Listing, Script
from migci.versions.competing import Change, Clash, competing
from tests.unit.test_order import alembic, chain, numbers, script


def told(clashes: tuple[Clash, ...]) -> list[str]:
    return [clash.finding().message for clash in clashes]


def test_the_same_number_is_named_with_both_changes_and_both_files() -> None:
    trunk = numbers(n1="users")
    mine, theirs = numbers(n1="users", n2="notes"), numbers(n1="users", n2="orders")
    (clash,) = competing((Change("mine", mine), Change("theirs", theirs)), trunk)
    assert told((clash,)) == [
        "2 open changes propose number 2: mine: versions/002_notes.py; theirs: versions/002_orders.py"
    ]
    assert clash.names == ("mine", "theirs")
    finding = clash.finding()
    assert (finding.id, finding.severity, finding.file) == ("MC019", Severity.WARNING, "versions/002_notes.py")
    assert finding.hint == "once one of them has landed, move the other behind it: migci versions rebase"


def test_the_same_parent_is_named() -> None:
    trunk = chain("a", "b")
    changes = (Change("mine", chain("a", "b", "x", "y")), Change("theirs", chain("a", "b", "z")))
    assert told(competing(changes, trunk)) == ["2 open changes follow b: mine: versions/x.py; theirs: versions/z.py"]


def test_one_id_for_two_migrations_is_named() -> None:
    trunk = chain("a")
    mine, theirs = alembic(script("a"), script("x", "a")), alembic(script("a"), script("x", "a", text="other"))
    assert [clash.what for clash in competing((Change("mine", mine), Change("theirs", theirs)), trunk)] == [
        "follow a",
        "propose revision x",
    ]


def test_a_change_that_is_built_on_another_does_not_compete_with_it() -> None:
    trunk = chain("a", "b")
    below, above = Change("below", chain("a", "b", "x")), Change("above", chain("a", "b", "x", "y"))
    assert competing((below, above), trunk) == ()
    beside = Change("beside", chain("a", "b", "x", "z"))
    assert [clash.names for clash in competing((below, above, beside), trunk)] == [("above", "beside")]


def test_what_landed_since_a_change_left_trunk_is_not_the_changes() -> None:
    base, trunk = chain("a"), chain("a", "b")
    late = Change("late", chain("a", "x"), base)
    assert competing((late, Change("fresh", chain("a", "b", "y"))), trunk) == ()
    assert len(competing((late, Change("later", chain("a", "z"), base)), trunk)) == 1


def test_what_trunk_has_taken_out_since_a_change_left_it_is_not_the_changes() -> None:
    late = Change("late", chain("a", "gone", "x"), chain("a", "gone"))
    assert competing((late, Change("fresh", chain("a", "y"))), chain("a")) == ()


def test_branches_that_are_meant_have_places_of_their_own() -> None:
    trunk = chain("a")
    grow, shrink = script("x", "a", labels=("expand",)), script("y", "a", labels=("contract",))
    changes = (Change("mine", alembic(script("a"), grow)), Change("theirs", alembic(script("a"), shrink)))
    assert competing(changes, trunk, ("expand", "contract")) == ()
    assert [clash.what for clash in competing(changes, trunk)] == ["follow a"]


def test_numbers_are_told_in_their_order() -> None:
    trunk = Listing("numbered", ("versions",))
    names = {f"n{number}": "x" for number in (1, 2, 10)}
    changes = (Change("mine", numbers(**names)), Change("theirs", numbers(**dict.fromkeys(names, "y"))))
    assert [clash.what for clash in competing(changes, trunk)] == [f"propose number {n}" for n in (1, 2, 10)]


ids = st.sampled_from("abcdef")
listings = st.lists(
    st.builds(lambda name, parents: script(name, *parents), ids, st.lists(ids, max_size=2)), max_size=6
).map(lambda found: replace(Listing(ALEMBIC, ("versions",)), scripts=tuple(found)))


@given(st.lists(listings, max_size=4), listings)
def test_whatever_is_open_each_clash_has_several_changes_and_different_migrations(
    found: list[Listing], trunk: Listing
) -> None:
    clashes = competing(tuple(Change(str(place), one) for place, one in enumerate(found)), trunk)
    for clash in clashes:
        scripts: list[Script] = [taken for _, taken in clash.takers]
        assert len(clash.names) == len(set(clash.names)) > 1
        assert len({(one.id, one.digest) for one in scripts}) > 1
        assert not any(one.id in trunk.by_id and one.digest == trunk.by_id[one.id].digest for one in scripts)
        assert clash.finding().message
    assert competing(tuple(Change(str(place), one) for place, one in enumerate(found[:1])), trunk) == ()
