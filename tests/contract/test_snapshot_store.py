"""What every snapshot store does: one suite, run on the store with each way of cloning, and on its fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from migci.core.snapshot import Kind, Snapshot
from migci.ports import CloneFailed
from tests.contract.stores import CONTENT, PLACES, Place, snapshot


@pytest.fixture(params=list(PLACES.values()), ids=list(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    make: Callable[[Path], AbstractContextManager[Place]] = request.param
    with make(tmp_path) as made:
        yield made


def never() -> None:
    raise AssertionError("nobody else is at it")


def kept(place: Place, one: Snapshot | None = None) -> Snapshot:
    one = one or snapshot()
    with place.store.new(visible=False) as clone:
        place.write(clone, CONTENT)
        place.store.keep(clone, one)
    return one


def test_what_is_kept_is_found_with_all_that_is_known_of_it(place: Place) -> None:
    one, other = kept(place), kept(place, snapshot("user_002"))
    assert place.store.find(one.id) == one
    assert place.store.find(other.id) == other
    assert set(place.store.all()) == {one, other}


def test_what_is_not_there_is_not_found(place: Place) -> None:
    assert place.store.find(snapshot().id) is None
    assert place.store.all() == ()


def test_nothing_is_there_before_it_is_kept(place: Place) -> None:
    with place.store.new(visible=False) as clone:
        place.write(clone, CONTENT)
        assert place.store.find(snapshot().id) is None
    assert place.store.find(snapshot().id) is None
    assert place.clones() == []


@pytest.mark.parametrize("visible", [False, True])
def test_a_clone_has_exactly_the_files_of_its_snapshot(place: Place, visible: bool) -> None:
    with place.store.clone(kept(place), visible=visible) as clone:
        assert place.read(clone) == CONTENT


def test_what_is_written_to_a_clone_stays_in_it(place: Place) -> None:
    one = kept(place)
    with place.store.clone(one, visible=False) as clone, place.store.clone(one, visible=False) as other:
        place.write(clone, {"ibdata1": b"changed", "new": b"file"})
        assert place.read(clone) == {**CONTENT, "ibdata1": b"changed", "new": b"file"}
        assert place.read(other) == CONTENT
    with place.store.clone(one, visible=False) as clone:
        assert place.read(clone) == CONTENT
    assert place.store.damage(one) == ()


def test_what_a_clone_became_is_kept_beside_its_origin(place: Place) -> None:
    one = kept(place)
    two = replace(snapshot("after"), kind=Kind.CHECKPOINT, origin=one.id)
    with place.store.clone(one, visible=False) as clone:
        place.write(clone, {"ibdata1": b"changed", "main/new.ibd": b"table"})
        place.store.keep(clone, two)
    for snapshot_, content in ((one, CONTENT), (two, {**CONTENT, "ibdata1": b"changed", "main/new.ibd": b"table"})):
        with place.store.clone(snapshot_, visible=False) as clone:
            assert place.read(clone) == content
        assert place.store.damage(snapshot_) == ()
    assert place.clones() == []


def test_a_clone_is_gone_on_exit(place: Place) -> None:
    with place.store.clone(kept(place), visible=False) as clone:
        place.write(clone, {"new": b"file"})
        assert place.clones() != []
    assert place.clones() == []


def test_a_clone_is_gone_after_an_exception(place: Place) -> None:
    one = kept(place)
    with pytest.raises(ZeroDivisionError), place.store.clone(one, visible=False):
        raise ZeroDivisionError
    with pytest.raises(KeyboardInterrupt), place.store.new(visible=False):
        raise KeyboardInterrupt
    assert place.clones() == []
    assert place.store.remove(one)


def test_what_is_removed_is_not_found_any_more(place: Place) -> None:
    one, other = kept(place), kept(place, snapshot("user_002"))
    assert place.store.remove(one)
    assert place.store.find(one.id) is None
    assert place.store.all() == (other,)
    assert place.store.remove(one)
    assert place.clones() == []


def test_nothing_that_a_clone_lives_on_is_removed(place: Place) -> None:
    one = kept(place)
    with place.store.clone(one, visible=False):
        with place.store.clone(one, visible=False) as clone:
            assert not place.store.remove(one)
            assert place.read(clone) == CONTENT
        assert not place.store.remove(one)
        assert place.store.find(one.id) == one
    assert place.store.remove(one)


def test_a_clone_of_what_was_removed_meanwhile_fails_and_names_it(place: Place) -> None:
    one = kept(place)
    place.store.remove(one)
    with pytest.raises(CloneFailed) as told, place.store.clone(one, visible=False):
        raise AssertionError("there is nothing to clone")
    assert told.value.message == f"snapshot {one.id} of 'user_001' is not in the store any more"
    assert place.clones() == []


def test_what_was_removed_is_kept_again(place: Place) -> None:
    one = kept(place)
    place.store.remove(one)
    kept(place)
    with place.store.clone(one, visible=False) as clone:
        assert place.read(clone) == CONTENT


def test_whoever_is_alone_at_making_does_not_wait(place: Place) -> None:
    for _ in range(2):
        with place.store.making(snapshot().id, never), place.store.making(snapshot("user_002").id, never):
            kept(place)
            place.store.remove(snapshot())


def test_the_identity_of_a_dump_is_that_of_its_content(place: Place, tmp_path: Path) -> None:
    one, same, other = tmp_path / "one.sql", tmp_path / "same.sql", tmp_path / "other.sql"
    one.write_text("SELECT 1;\n")
    same.write_text("SELECT 1;\n")
    other.write_text("SELECT 2;\n")
    assert place.store.identity(str(one)) == place.store.identity(str(same)) != place.store.identity(str(other))
