"""The order of revisions, what has run on a database, and what a patch does to trunk's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migci.core.history import History, Revision, compare


def revision(id_: str, *parents: str, digest: str = "") -> Revision:
    return Revision(id_, parents, (f"versions/{id_}.py",), digest or f"digest of {id_}")


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Any history: each revision follows some that came before it."""
    revisions: list[Revision] = []
    for number in range(draw(st.integers(0, 12))):
        before = [one.id for one in revisions]
        parents = draw(st.sets(st.sampled_from(before), max_size=3)) if before else set()
        revisions.append(revision(str(number), *sorted(parents)))
    return History(tuple(revisions))


def subset(history: History) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(sorted(history.by_id))) if history.by_id else st.just(set())


@given(histories(), st.data())
def test_what_has_run_holds_its_parents(history: History, data: st.DataObject) -> None:
    applied = history.applied(data.draw(subset(history)))
    for one in applied:
        assert set(history.by_id[one].parents) <= applied


@given(histories(), st.data())
def test_what_has_run_is_what_was_seen_and_nothing_that_nobody_needed(history: History, data: st.DataObject) -> None:
    seen = data.draw(subset(history))
    applied = history.applied(seen)
    assert seen <= applied
    needed = {parent for one in applied for parent in history.by_id[one].parents}
    assert applied - seen <= needed


@given(histories(), st.data())
def test_more_seen_is_never_less_run(history: History, data: st.DataObject) -> None:
    one, other = data.draw(subset(history)), data.draw(subset(history))
    assert history.applied(one | other) == history.applied(one) | history.applied(other)


@given(histories(), st.data())
def test_what_has_run_says_again_what_has_run(history: History, data: st.DataObject) -> None:
    applied = history.applied(data.draw(subset(history)))
    assert history.applied(applied) == applied


@given(histories())
def test_at_its_heads_everything_has_run(history: History) -> None:
    assert history.applied(history.heads) == frozenset(history.by_id)


@given(histories())
def test_nothing_follows_a_head_and_something_follows_every_other(history: History) -> None:
    for one in history.by_id:
        followers = [other for other in history.revisions if one in other.parents]
        assert bool(followers) == (one not in history.heads)


@given(histories())
def test_a_history_without_its_last_revision_is_one_revision_shorter(history: History) -> None:
    if history.revisions:
        changes = compare(History(history.revisions[:-1]), history)
        assert (changes.added, changes.edited, changes.removed) == (history.revisions[-1:], (), ())


@given(histories())
def test_a_history_does_not_differ_from_itself(history: History) -> None:
    changes = compare(history, history)
    assert (changes.added, changes.edited, changes.removed) == ((), (), ())


@given(histories(), histories())
def test_what_is_added_one_way_is_removed_the_other(one: History, other: History) -> None:
    there, back = compare(one, other), compare(other, one)
    assert there.added == back.removed
    assert there.removed == back.added
    assert [edited.id for edited in there.edited] == [edited.id for edited in back.edited]


def test_an_edit_is_told_by_the_digest() -> None:
    trunk = History((revision("1"), revision("2", "1")))
    patch = History((revision("1"), revision("2", "1", digest="another")))
    assert [one.digest for one in compare(trunk, patch).edited] == ["another"]


def test_revisions_that_the_history_does_not_know_are_left_out() -> None:
    history = History((revision("1"), revision("2", "1")))
    assert history.applied(["77", "1"]) == {"1"}


def test_the_origin_of_a_revision_is_what_it_follows() -> None:
    history = History((revision("1"), revision("2a", "1"), revision("2b", "1"), revision("3", "2a", "2b")), base="0")
    assert [history.origin(one.id) for one in history.revisions] == ["0", "1", "1", "2a,2b"]


def test_a_linear_history_has_one_head() -> None:
    assert History((revision("1"), revision("2", "1"), revision("3", "2"))).heads == {"3"}
