"""The way to trunk's newest revision: where it begins, what is on it, and what each state on it is known by."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.core.dataset import Dataset
from migci.core.history import History, Revision
from migci.core.run import Commit, ServerFacts
from migci.core.snapshot import Kind, Snapshot
from migci.core.step import Cause, Stage, StepError
from migci.ports import HookFailed, RestoreFailed, Tree
from migci.route import Hook, Leg, Reading, Release, Releases, beyond, milestones, route, standing, travel
from migci.walk import UnknownRevision, Walk, walking
from tests.fakes import (
    VERSIONS,
    FakeClock,
    FakeClone,
    FakeServer,
    FakeTool,
    Migration,
    RecordingObserver,
    chain,
    history_of,
)

SYNC = Hook(command=("sync",))


def tree(ref: str) -> Tree:
    return Tree(Commit(ref, f"{ref}-id"), Path("/trees", ref), Path("/trees", ref))


def reading(*revisions: str | Migration, ref: str = "trunk") -> Reading:
    return Reading(tree(ref), history_of(chain(*revisions)))


def snapshot(*revision: str, tables: int = 3) -> Snapshot:
    return Snapshot(
        "id", Kind.DATASET, "user_001", ServerFacts("fake", "1.0"), "main", "id", None, tables, 7, 0, revision
    )


def told(legs: tuple[Leg, ...]) -> list[tuple[str, tuple[str, ...], str]]:
    """Each leg as its release or stage, its revisions, and its hook."""
    return [(leg.release or str(leg.stage), leg.revisions, str(leg.hook or "")) for leg in legs]


# Where a dataset stands

TRUNK = reading("1", "2", "3", "4")


def test_a_dataset_stands_where_its_database_says_whatever_its_settings_say() -> None:
    assert standing(Dataset("user_001", revision="1"), snapshot("3"), TRUNK.history) == ("3",)


def test_a_dataset_whose_database_does_not_say_stands_where_its_settings_say() -> None:
    assert standing(Dataset("user_001", revision="2"), snapshot(), TRUNK.history) == ("2",)


@pytest.mark.parametrize("said", [None, "base"])
def test_a_dataset_without_tables_stands_at_the_beginning(said: str | None) -> None:
    assert standing(Dataset("user_001", revision=said), snapshot(tables=0), TRUNK.history) == ()


def test_a_dataset_with_tables_may_stand_at_the_beginning_if_it_is_said() -> None:
    assert standing(Dataset("user_001", revision="base"), snapshot(), TRUNK.history) == ()


def test_a_dataset_with_tables_of_which_nothing_says_where_they_stand_is_refused() -> None:
    with pytest.raises(RestoreFailed) as told_:
        standing(Dataset("user_001"), snapshot(), TRUNK.history)
    assert told_.value.message == "dataset 'user_001' holds tables, and does not say at which revision it is"
    assert told_.value.hint == "say it in migci.toml: [datasets.user_001] revision = …"


def test_a_dataset_on_two_branches_stands_on_both() -> None:
    forked = reading("1", Migration("2", parents=("1",)), Migration("3", parents=("1",)))
    assert standing(Dataset("user_001"), snapshot("2", "3"), forked.history) == ("2", "3")


def test_revisions_that_trunk_does_not_have_are_named() -> None:
    with pytest.raises(UnknownRevision) as told_:
        standing(Dataset("user_001"), snapshot("2", "77", "78"), TRUNK.history)
    assert told_.value.message == "dataset 'user_001' is at 77, 78, which trunk's history does not have"


# The way


def release(until: str, after: Hook | None = None, code: Reading = TRUNK) -> tuple[Release, Reading]:
    return Release(f"release-{until}", until, None, after), code


def test_without_releases_the_way_is_trunk_s() -> None:
    assert told(route(("1",), (), TRUNK)) == [("trunk", ("2", "3", "4"), "")]


def test_at_trunk_s_newest_there_is_no_way_left() -> None:
    assert route(("4",), (), TRUNK) == ()


RELEASES = (release("1", SYNC), release("3", SYNC))


@pytest.mark.parametrize(
    ("seen", "way"),
    [
        ((), [("release-1", ("1",), "sync"), ("release-3", ("2", "3"), "sync"), ("trunk", ("4",), "")]),
        (("1",), [("release-1", (), "sync"), ("release-3", ("2", "3"), "sync"), ("trunk", ("4",), "")]),
        (("2",), [("release-3", ("3",), "sync"), ("trunk", ("4",), "")]),
        (("3",), [("release-3", (), "sync"), ("trunk", ("4",), "")]),
        (("4",), []),
    ],
    ids=["before_all", "at_the_first", "between", "at_the_last", "past_all"],
)
def test_a_release_s_hook_is_run_unless_the_dataset_is_past_it(
    seen: tuple[str, ...], way: list[tuple[str, tuple[str, ...], str]]
) -> None:
    assert told(route(seen, RELEASES, TRUNK)) == way


def test_a_release_without_a_hook_is_no_leg_for_a_dataset_that_is_at_it() -> None:
    assert told(route(("3",), (release("3"),), TRUNK)) == [("trunk", ("4",), "")]


def test_the_last_release_may_be_trunk_s_newest() -> None:
    assert told(route(("3",), (release("4", SYNC),), TRUNK)) == [("release-4", ("4",), "sync")]


def test_a_release_runs_its_own_code_in_its_own_order_and_a_hook_of_trunk_s_tree() -> None:
    old = reading("2", Migration("1", parents=()), Migration("only-then", parents=("1", "2")), ref="old")
    (first, last) = route((), ((Release("old", "only-then", "old", SYNC), old),), TRUNK)
    assert (first.code, first.revisions, first.hook_tree) == (old, ("2", "1", "only-then"), TRUNK.tree)
    assert (last.code, last.revisions, last.hook_tree) == (TRUNK, ("3", "4"), None)


def test_what_a_release_s_code_ran_is_not_run_again_by_trunk_s() -> None:
    old = reading("1", "2", ref="old")
    legs = route((), ((Release("old", "2", "old"), old),), TRUNK)
    assert [(leg.code.tree.commit.ref, leg.revisions) for leg in legs] == [("old", ("1", "2")), ("trunk", ("3", "4"))]


@pytest.mark.parametrize(
    ("wanted", "way"),
    [
        (frozenset(), []),
        (frozenset("1"), [("release-1", ("1",), "sync")]),
        (frozenset("12"), [("release-1", ("1",), "sync"), ("trunk", ("2",), "")]),
        (frozenset("123"), [("release-1", ("1",), "sync"), ("release-3", ("2", "3"), "sync")]),
        (
            frozenset("1234"),
            [("release-1", ("1",), "sync"), ("release-3", ("2", "3"), "sync"), ("trunk", ("4",), "")],
        ),
    ],
)
def test_a_way_to_wanted_revisions_ends_before_the_first_release_past_them(
    wanted: frozenset[str], way: list[tuple[str, tuple[str, ...], str]]
) -> None:
    assert told(route((), RELEASES, TRUNK, wanted)) == way


@given(st.integers(0, 6), st.sets(st.integers(1, 6)), st.integers(0, 6))
def test_every_way_runs_each_revision_once_and_hooks_in_their_order(seen: int, until: set[int], wanted: int) -> None:
    trunk = reading(*"123456")
    releases = tuple(release(str(one), SYNC, trunk) for one in sorted(until))
    at = (str(seen),) if seen else ()
    legs = route(at, releases, trunk, trunk.history.applied([str(wanted)]))
    assert [one for leg in legs for one in leg.revisions] == [str(one) for one in range(seen + 1, wanted + 1)]
    hooks = [leg.release for leg in legs if leg.hook]
    assert hooks == [f"release-{one}" for one in sorted(until) if seen <= one <= wanted]


# Milestones

texts = st.text(max_size=3)


@dataclass(frozen=True)
class Stretch:
    """What a leg is made of, as hypothesis draws it. `hook` is a file's content, a command, or nothing."""

    release: str
    revisions: tuple[Revision, ...]
    surroundings: str
    hook: bytes | tuple[str, ...] | None

    @property
    def length(self) -> int:
        return len(self.revisions) + (self.hook is not None)


Stretches = tuple[Stretch, ...]

revisions = st.builds(
    Revision, texts, st.lists(texts, max_size=2).map(tuple), st.lists(texts, max_size=2).map(tuple), texts, texts
)
stretches = st.lists(
    st.builds(
        Stretch,
        texts,
        st.lists(revisions, max_size=4, unique_by=lambda one: one.id).map(tuple),
        texts,
        st.none() | st.binary(max_size=4) | st.lists(texts, min_size=1, max_size=3).map(tuple),
    ).filter(lambda stretch: stretch.length > 0),
    max_size=4,
).map(tuple)


@contextmanager
def legs_of(way: Stretches) -> Iterator[tuple[Leg, ...]]:
    """The legs, with hooks that are files on disk."""
    with tempfile.TemporaryDirectory() as folder:
        legs = []
        for number, one in enumerate(way):
            hook = None
            if isinstance(one.hook, bytes):
                Path(folder, f"{number}.sql").write_bytes(one.hook)
                hook = Hook(file=f"{number}.sql")
            elif one.hook is not None:
                hook = Hook(command=one.hook)
            code = Reading(tree("code"), History(one.revisions, surroundings=one.surroundings))
            names = tuple(revision.id for revision in one.revisions)
            of = Tree(Commit("trunk", "trunk-id"), Path(folder), Path(folder))
            legs.append(Leg(Stage.RELEASE, code, names, one.release, hook, of))
        yield tuple(legs)


def marks(way: Stretches, start: str = "start") -> tuple[str, ...]:
    with legs_of(way) as legs:
        return milestones(start, legs)


@given(stretches)
def test_there_is_a_milestone_after_each_thing_that_is_done_and_no_two_are_the_same(way: Stretches) -> None:
    found = marks(way)
    assert len(found) == sum(one.length for one in way)
    assert len(set(found)) == len(found)


@given(stretches, st.data())
def test_the_milestones_of_a_way_that_is_continued_begin_with_those_of_the_shorter_way(
    way: Stretches, data: st.DataObject
) -> None:
    whole = marks(way)
    length = data.draw(st.integers(0, len(way)))
    assert whole[: len(marks(way[:length]))] == marks(way[:length])
    if length:
        last = way[length - 1]
        shorter = replace(last, hook=None, revisions=last.revisions[: data.draw(st.integers(0, len(last.revisions)))])
        cut = marks((*way[: length - 1], shorter))
        assert whole[: len(cut)] == cut


@given(stretches, texts)
def test_another_start_is_another_way_from_its_first_milestone_on(way: Stretches, start: str) -> None:
    assert not set(marks(way)) & set(marks(way, f"not-{start}"))


def _of_revision(change: Callable[[Revision, str], Revision]) -> Callable[[Stretch, int, str], Stretch | None]:
    def changed(stretch: Stretch, at: int, text: str) -> Stretch | None:
        if at >= len(stretch.revisions):
            return None
        made = change(stretch.revisions[at], text)
        return replace(stretch, revisions=(*stretch.revisions[:at], made, *stretch.revisions[at + 1 :]))

    return changed


def _with_hook(stretch: Stretch, at: int, text: str) -> Stretch | None:
    if at < len(stretch.revisions) or stretch.hook is None:
        return None
    return replace(stretch, hook=text.encode() if isinstance(stretch.hook, bytes) else (text,))


CHANGES: dict[str, Callable[[Stretch, int, str], Stretch | None]] = {
    "digest": _of_revision(lambda one, text: replace(one, digest=text)),
    "imports": _of_revision(lambda one, text: replace(one, imports=text)),
    "parents": _of_revision(lambda one, text: replace(one, parents=(text,))),
    "files": _of_revision(lambda one, text: replace(one, files=(text,))),
    "name": _of_revision(lambda one, text: replace(one, id=f"other {text}")),
    "hook": _with_hook,
    "surroundings": lambda stretch, at, text: None if at else replace(stretch, surroundings=text),
    "release": lambda stretch, at, text: None if at else replace(stretch, release=text),
}
"""What can be other about the thing at a place of a stretch; `None` where there is no such thing."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(data=st.data())
def test_whatever_is_other_changes_every_milestone_from_there_on_and_none_before(
    change: Callable[[Stretch, int, str], Stretch | None], data: st.DataObject
) -> None:
    way = data.draw(stretches.filter(bool))
    which = data.draw(st.integers(0, len(way) - 1))
    at = data.draw(st.integers(0, way[which].length - 1))
    other = change(way[which], at, data.draw(texts))
    if other is None or other == way[which]:
        return
    before = sum(one.length for one in way[:which]) + at
    one, two = marks(way), marks((*way[:which], other, *way[which + 1 :]))
    assert one[:before] == two[:before]
    assert not set(one[before:]) & set(two[before:])


@given(st.lists(revisions, min_size=2, max_size=5, unique_by=lambda one: one.id), st.data())
def test_another_order_is_another_way(order: list[Revision], data: st.DataObject) -> None:
    other = data.draw(st.permutations(order))
    one, two = (marks((Stretch("", tuple(this), "", None),)) for this in (order, other))
    same = next((at for at in range(len(order)) if order[at] != other[at]), len(order))
    assert one[:same] == two[:same]
    assert not set(one[same:]) & set(two[same:])


def test_a_hook_s_line_ends_are_part_of_its_content() -> None:
    one, two = (Stretch("", (), "", content) for content in (b"INSERT '\r\n'", b"INSERT '\n'"))
    assert marks((one,)) != marks((two,))


def test_a_hook_s_command_is_as_good_as_the_commit_that_it_is_run_in() -> None:
    def of(commit: str) -> tuple[str, ...]:
        code = Reading(Tree(Commit("ref", commit), Path(), Path()), History(()))
        return milestones("start", (Leg(Stage.RELEASE, code, (), "old", SYNC),))

    assert of("one") == of("one") != of("other")


# What is left of it


@given(stretches, st.data())
def test_what_was_done_and_what_is_beyond_it_are_the_whole_way(way: Stretches, data: st.DataObject) -> None:
    with legs_of(way) as legs:
        things = [thing for leg in legs for thing in things_of(leg)]
        done = data.draw(st.integers(0, len(things)))
        left = beyond(legs, done)
    assert [thing for leg in left for thing in things_of(leg)] == things[done:]
    assert all(leg.length for leg in left)


def things_of(leg: Leg) -> list[tuple[object, ...]]:
    """Each thing that is done on a leg, with all that it is done with."""
    found: list[tuple[object, ...]] = [(leg.stage, leg.release, leg.code, revision) for revision in leg.revisions]
    return found + ([(leg.stage, leg.release, leg.code, leg.hook, leg.hook_tree)] if leg.hook else [])


# Going it


@dataclass
class Journey:
    """A walk along a way, and what was seen of it."""

    observer: RecordingObserver
    tool: FakeTool
    walk: Walk
    trunk: Reading
    after: list[str]

    def go(self, releases: Releases) -> None:
        legs = route((), releases, self.trunk)
        travel(self.walk, legs, self.tool, self.observer, lambda step: self.after.append(step.name))


@contextmanager
def journey(*migrations: Migration | str, folder: Path = Path("/nowhere")) -> Iterator[Journey]:
    trunk = Reading(Tree(Commit("trunk", "trunk-id"), folder, folder), history_of(chain(*migrations)))
    server, observer = FakeServer(), RecordingObserver()
    tool = FakeTool(FakeClock(), server, {"trunk-id": chain(*migrations)})
    clone = FakeClone(Path("/fake/clone"), server.disk)
    server.initialize(clone.data)
    with (
        server.start(clone) as database,
        walking(database, tool, Dataset("empty"), VERSIONS, observer) as walk,
    ):
        yield Journey(observer, tool, walk, trunk, [])


def test_travelling_runs_each_leg_and_then_its_hook() -> None:
    with journey("1", "2", "3") as here:
        here.go((release("1", SYNC, here.trunk), release("2", Hook(command=("purge",)), here.trunk)))
        assert here.walk.seen() == ("3",)
    assert [one for one in here.observer.heard if not one.startswith("step") or one.endswith("applied")] == [
        "stage release: 1",
        "step base->1 applied",
        "after release-1: sync",
        "stage release: 2",
        "step 1->2 applied",
        "after release-2: purge",
        "stage trunk: 3",
        "step 2->3 applied",
    ]
    assert here.tool.commands == [("sync",), ("purge",)]
    assert here.after == ["base->1", "1->2", "2->3"]


def test_a_hook_s_script_is_run_in_the_database(tmp_path: Path) -> None:
    (tmp_path / "after.sql").write_text("CREATE TABLE made_by_hook (id INTEGER);")
    with journey("1", folder=tmp_path) as here:
        here.go((release("1", Hook(file="after.sql"), here.trunk),))
        assert "made_by_hook" in here.walk.database.schema()


@pytest.mark.parametrize("cause", [Cause.RAISED, Cause.TIMEOUT])
def test_no_hook_is_run_after_a_step_that_did_not_end_well(cause: Cause) -> None:
    with journey(Migration("1", error=StepError(cause, "it broke")), "2") as here:
        here.go((release("1", SYNC, here.trunk),))
        assert [step.outcome.value for step in here.walk.steps] == [
            {Cause.RAISED: "failed", Cause.TIMEOUT: "timeout"}[cause],
            "skipped",
        ]
    assert here.tool.commands == []


def test_no_hook_is_run_after_a_session_that_did_not_end_well() -> None:
    with journey(Migration("1", at_finish=StepError(Cause.ENDED, "its process ended with status 3")), "2") as here:
        here.go((release("1", SYNC, here.trunk),))
        assert [step.outcome.value for step in here.walk.steps] == ["failed", "skipped"]
    assert here.tool.commands == []


def test_a_hook_that_fails_is_named_with_its_release() -> None:
    with journey("1", "2") as here, pytest.raises(HookFailed) as told_:
        here.go((release("1", Hook(command=("false",)), here.trunk),))
    assert told_.value.message == "after release 'release-1': 'false', run between releases, exited with status 1"
    assert [revision for _, revision in here.tool.ran] == ["1"]
