"""Two lists made one, on values: each rule, and that whatever both sides add, nothing that landed moves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.core.merging import OURS, THEIRS, Item, Items, Unmergeable, merge


def numbers(*names: str, first: int = 1) -> Items:
    return tuple(Item(str(number), (f"{name}.py",)) for number, name in enumerate(names, first))


def ids(order: Sequence[str]) -> Items:
    return tuple(Item(id) for id in order)


def merged(base: Items, ours: Items, theirs: Items, *, trunk: Items | None = None, first: str | None = None) -> str:
    found = merge(base, ours, theirs, trunk, first)
    return found.reason if isinstance(found, Unmergeable) else " ".join(f"{item.id}:{item.name}" for item in found)


BASE = numbers("a", "b")
LANDED = numbers("a", "b", "t")
MINE = numbers("a", "b", "m")


@pytest.mark.parametrize("sides", [(LANDED, MINE), (MINE, LANDED)], ids=["ours landed", "theirs landed"])
@pytest.mark.parametrize("first", [OURS, THEIRS, None])
def test_what_trunk_has_keeps_its_number_whichever_side_it_is(sides: tuple[Items, Items], first: str | None) -> None:
    assert merged(BASE, *sides, trunk=LANDED, first=first) == "1:a.py 2:b.py 3:t.py 4:m.py"


def test_where_trunk_is_not_known_the_first_side_has_landed() -> None:
    assert merged(BASE, LANDED, MINE, first=OURS) == "1:a.py 2:b.py 3:t.py 4:m.py"
    assert merged(BASE, LANDED, MINE, first=THEIRS) == "1:a.py 2:b.py 3:m.py 4:t.py"
    assert merged(BASE, LANDED, MINE) == "which side has landed is not known"
    assert merged(BASE, LANDED, MINE, trunk=BASE) == (
        "both sides add to it, and neither has more of trunk: which of them has landed is not known"
    )


def test_where_only_one_side_adds_nothing_has_to_be_known_of_the_other_but_that_trunk_is() -> None:
    assert merged(BASE, MINE, BASE, trunk=BASE) == "1:a.py 2:b.py 3:m.py"
    assert merged(BASE, BASE, BASE) == "1:a.py 2:b.py"


def test_of_what_has_not_landed_that_of_the_side_with_more_of_trunk_comes_first() -> None:
    ours, theirs = (*BASE, *numbers("x", first=3)), (*LANDED, *numbers("y", first=4))
    assert merged(BASE, ours, theirs, trunk=LANDED, first=OURS) == "1:a.py 2:b.py 3:t.py 4:y.py 5:x.py"


def test_what_was_put_before_something_that_landed_is_put_behind_it() -> None:
    assert merged(BASE, LANDED, numbers("a", "m", "b"), trunk=LANDED) == (
        "one side gives b.py, which has landed as 2, the number 3"
    )
    own = numbers("a", "b", "x")  # x is not trunk's, so m may come before it
    assert merged(own, numbers("a", "b", "t", "x"), numbers("a", "b", "m", "x"), trunk=LANDED) == (
        "1:a.py 2:b.py 3:t.py 4:m.py 5:x.py"
    )
    assert merged(own, numbers("a", "b", "t", "x"), numbers("a", "b", "m", "x"), first=OURS) == (
        "one side puts m.py before x.py, and which of them has landed is not known"
    )


def test_both_add_the_same() -> None:
    assert merged(BASE, LANDED, (*BASE, *numbers("m", "t", first=3)), trunk=LANDED) == "1:a.py 2:b.py 3:t.py 4:m.py"


def test_a_file_that_one_side_adds_to_its_own_line_is_kept() -> None:
    base, renumbered = MINE, numbers("a", "b", "t", "m")
    more = (*BASE, Item("3", ("m.py", "m_sqlite.sql")))
    assert merge(base, renumbered, more, LANDED, OURS) == (*LANDED, Item("4", ("m.py", "m_sqlite.sql")))
    assert merged(base, renumbered, more, first=OURS) == "one side edits the line of m.py, which has landed"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (LANDED, numbers("a", "m"), "one side removes b.py, which has landed"),
        (LANDED, (Item("1", ("a.py", "a_sqlite.sql")), *MINE[1:]), "one side edits the line of a.py, which has landed"),
        (LANDED, (MINE[0], Item("7", ("b.py",))), "one side gives b.py, which has landed as 2, the number 7"),
        (
            (Item("1", ("a.py", "x.sql")), BASE[1]),
            (Item("1", ("a.py", "y.sql")), BASE[1]),
            "both sides edit the line of a.py",
        ),
        (LANDED, (Item("1", ("a.py", "b.py")),), "a.py, b.py are on one line here, and on several there"),
    ],
)
def test_more_than_order_is_for_a_person(ours: Items, theirs: Items, reason: str) -> None:
    assert merged(BASE, ours, theirs, trunk=LANDED, first=OURS) == reason
    assert merged(BASE, theirs, ours, trunk=LANDED, first=THEIRS) == reason


def test_what_one_side_removes_and_the_other_edits_is_for_a_person() -> None:
    edited = (*BASE, Item("3", ("m.py", "m_sqlite.sql")))
    assert merged(MINE, BASE, edited, trunk=BASE, first=OURS) == "one side removes m.py, and the other one edits it"
    assert merged(MINE, BASE, MINE, trunk=BASE, first=OURS) == "1:a.py 2:b.py"


def test_an_order_that_one_side_changes_is_taken_and_one_that_both_change_is_for_a_person() -> None:
    base = numbers("a", "x", "y", "z")
    turned, other = numbers("a", "y", "x", "z"), numbers("a", "x", "z", "y")
    trunk = numbers("a")
    assert merged(base, base, turned, trunk=trunk, first=OURS) == "1:a.py 2:y.py 3:x.py 4:z.py"
    assert merged(base, turned, base, trunk=trunk, first=OURS) == "1:a.py 2:y.py 3:x.py 4:z.py"
    assert merged(base, turned, other, trunk=trunk, first=OURS) == "both sides put y.py, x.py, z.py in another order"


def test_ids_have_no_numbers() -> None:
    found = merge(ids("ab"), ids("abx"), ids("aby"), ids("aby"))
    assert found == ids("abyx")


def test_a_history_that_begins_at_133_does_so_still() -> None:
    assert merged((), numbers("a", "b", first=133), numbers("a", "c", first=133), trunk=(), first=OURS) == (
        "133:a.py 134:b.py 135:c.py"
    )


# Whatever both sides add

names = st.permutations([f"n{number}" for number in range(10)])
cuts = st.tuples(*[st.integers(0, 3)] * 3)


@given(names, cuts, st.booleans(), st.booleans())
def test_whatever_both_add_the_result_is_trunk_and_then_the_branch_in_its_own_order(
    order: list[str], counts: tuple[int, int, int], turned: bool, known: bool
) -> None:
    before, since, own = order[: counts[0]], order[3 : 3 + counts[1]], order[6 : 6 + counts[2]]
    base, trunk, mine = numbers(*before), numbers(*before, *since), numbers(*before, *own)
    sides = (mine, trunk) if turned else (trunk, mine)
    found = merge(base, *sides, trunk if known else None, None if known else (THEIRS if turned else OURS))
    assert found == numbers(*before, *since, *own)


items = st.lists(
    st.tuples(st.integers(1, 9), st.lists(st.sampled_from("abcdef"), min_size=1, max_size=2, unique=True)),
    max_size=5,
    unique_by=lambda one: one[0],
).map(lambda found: tuple(Item(str(number), tuple(files)) for number, files in sorted(found)))


def once(side: Items) -> bool:
    files = [file for item in side for file in item.files]
    return len(files) == len(set(files))


sides = items.filter(once)


@given(sides, sides, sides, st.none() | sides, st.sampled_from([OURS, THEIRS, None]))
def test_whatever_the_lists_are_nothing_is_lost_unsaid_and_what_landed_is_as_trunk_has_it(
    base: Items, ours: Items, theirs: Items, trunk: Items | None, first: str | None
) -> None:
    found = merge(base, ours, theirs, trunk, first)
    if isinstance(found, Unmergeable):
        assert found.reason
        return
    numbers_ = [int(item.id) for item in found]
    assert numbers_ == sorted(set(numbers_))
    assert once(found)
    files = {file for item in found for file in item.files}
    was, mine, other = ({file for item in side for file in item.files} for side in (base, ours, theirs))
    assert (mine | other) - was <= files <= mine | other
    if trunk is not None:
        landed = {file: item.id for item in trunk for file in item.files}
        for item in found:
            assert {landed[file] for file in item.files if file in landed} <= {item.id}
