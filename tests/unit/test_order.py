"""The rules of a linear history, on values: each finding, whole; and that a linear history has none."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.core.finding import Finding, Severity, Silence
from migci.core.history import History, Revision
from migci.core.landing import added
from migci.core.order import OF_TRUNK, check, summary, trunks_own
from migci.core.scripts import ALEMBIC, NUMBERED, Listing, Script, listed


def script(id: str, *parents: str, text: str = "", **more: object) -> Script:
    file = f"versions/{id}.py"
    return replace(Script(id, id, parents, (file,), f"digest of {text or id}", file, 3), **more)  # type: ignore[arg-type]


def alembic(*scripts: Script) -> Listing:
    return Listing(ALEMBIC, ("versions",), scripts, order_file="versions/versions.json")


def chain(*ids: str) -> Listing:
    return alembic(*(script(id, *ids[place - 1 : place] if place else ()) for place, id in enumerate(ids)))


def numbers(**names: str) -> Listing:
    """By keyword: `n1="folsom"` is number 1; the name is the content, too."""
    found: list[Script] = []
    for number, name in names.items():
        id = number.removeprefix("n")
        file = f"versions/{id:0>3}_{name}.py"
        parents = () if not found else (str(int(id) - 1),)
        found.append(Script(id, name, parents, (file,), f"digest of {name}", file))
    return Listing(NUMBERED, ("versions",), tuple(found), order_file="versions/versions.json")


def moments(*numbers: int) -> Listing:
    """Numbers that are moments, so that there may be gaps."""
    names = [str(number) for number in numbers]
    files = [f"versions/{name}_x.py" for name in names]
    found = [Script(id, "x", (), (file,), id, file) for id, file in zip(names, files, strict=True)]
    follows = [replace(one, parents=(was.id,)) for was, one in itertools.pairwise(found)]
    return Listing(NUMBERED, ("versions",), (*found[:1], *follows), order_file="versions/versions.json")


def told(findings: Iterable[Finding]) -> list[str]:
    return [f"{one.severity} {one.id} {one.message}" for one in findings]


# One history by itself


def test_a_linear_history_has_no_findings() -> None:
    assert check(chain("a", "b", "c")) == ()
    assert check(numbers(n216="havana", n217="placeholder", n218="placeholder")) == ()
    assert check(alembic()) == ()


def test_mc009_a_revision_that_is_there_twice_is_named_with_both_files() -> None:
    twice = alembic(script("a"), script("b", "a"), script("b", "a", files=("versions/other.py",)))
    (finding,) = check(twice)
    assert told([finding]) == ["error MC009 revision b is there twice: versions/b.py, versions/other.py"]
    assert finding.hint == "give one another id"


def test_mc009_a_number_that_is_there_twice_is_named_with_both_files() -> None:
    one, other = numbers(n1="a", n2="b").scripts, numbers(n1="a", n2="c").scripts
    assert told(check(replace(numbers(n1="a"), scripts=(*one, other[1])))) == [
        "error MC009 number 2 is there twice: versions/002_b.py, versions/002_c.py"
    ]


def test_mc010_a_gap_is_a_parent_that_is_missing_and_no_second_head() -> None:
    (finding,) = check(numbers(n1="a", n2="b", n4="d"))
    assert told([finding]) == ["error MC010 number 4 follows 3, which is not there: versions/004_d.py"]
    assert (finding.file, finding.hint) == (
        "versions/004_d.py",
        "let it follow one that is there: migci versions rebase",
    )


def test_mc010_a_missing_parent_is_named_once_for_all_that_follow_it() -> None:
    (finding,) = check(alembic(script("a"), script("b", "a"), script("y", "x"), script("z", "y")))
    assert told([finding]) == ["error MC010 revision y follows x, which is not there: versions/y.py"]
    assert (finding.file, finding.line) == ("versions/y.py", 3)


def test_mc010_a_dependency_is_an_id_or_a_label_and_no_beginning_of_one() -> None:
    first = script("abcdef", labels=("expand",))
    for needed in ("abcdef", "expand"):
        after = alembic(first, script("b", "abcdef", depends_on=(needed,)))
        assert "MC010" not in {one.id for one in check(after)}, needed
    for needed in ("abcd", "expand@head", "nowhere"):
        after = alembic(first, script("b", "abcdef", depends_on=(needed,)))
        assert told(check(after))[0] == f"error MC010 revision b depends on {needed}, which is not there: versions/b.py"


def test_mc008_heads_are_counted() -> None:
    (finding,) = check(alembic(script("a"), script("b", "a"), script("c", "a")))
    assert told([finding]) == ["error MC008 the history has 2 heads: b, c"]
    (finding,) = check(alembic(script("a"), script("b")))
    assert told([finding]) == ["error MC008 the history has 2 heads: a, b"]


def test_mc014_a_merge_is_named_with_what_it_joins() -> None:
    joined = alembic(script("a"), script("b", "a"), script("c", "a"), script("d", "b", "c"))
    assert told(check(joined)) == [
        "error MC014 revision d joins b, c: a history with branches is not run in the same order everywhere"
    ]


def test_mc014_to_join_what_has_landed_in_branches_is_a_warning_that_can_be_silenced() -> None:
    branched = alembic(script("a"), script("b", "a"), script("c", "a"))
    joined = alembic(*branched.scripts, script("d", "b", "c", silences=(Silence("MC014", "both have landed"),)))
    (finding,) = check(joined, branched)
    assert finding.severity is Severity.INFO
    assert finding.message.endswith("is not run in the same order everywhere (ignored: both have landed)")
    late = alembic(*joined.scripts[:3], script("e", "c"), script("d", "b", "e"))
    assert [one.severity for one in check(late, branched)] == [Severity.ERROR]


def test_mc015_a_circle_is_told_once_and_from_its_smallest() -> None:
    round_ = alembic(script("a"), script("d", "b"), script("c", "d"), script("b", "c"), script("e", "b"))
    (finding,) = (one for one in check(round_) if one.id == "MC015")
    assert finding.message == "the history runs in a circle: b follows c, c follows d, d follows b"
    assert told(check(alembic(script("a", "a")))) == ["error MC015 revision a follows itself"]


def test_mc016_labels_and_dependencies_are_warnings_that_can_be_silenced() -> None:
    ordered = alembic(script("a", labels=("api",)), script("b", "a", depends_on=("a",)))
    label, dependency = check(ordered)
    assert told([label, dependency]) == [
        "warning MC016 revision a begins a branch: api",
        "warning MC016 revision b uses depends_on (a): an order that down_revision does not show",
    ]
    assert label.hint.endswith("say so in migci.toml: [project.versions] branches = ['api']")
    quiet = alembic(script("a", labels=("api",), silences=(Silence("MC016", "it is how we began"),)))
    assert told(check(quiet)) == ["info MC016 revision a begins a branch: api (ignored: it is how we began)"]


def test_an_error_of_the_order_cannot_be_silenced() -> None:
    silent = (Silence("MC010", "I want it so"),)
    (finding,) = check(alembic(script("a"), script("c", "b", silences=silent)))
    assert finding.severity is Severity.ERROR


def test_what_follows_a_script_that_cannot_be_read_is_not_called_lost() -> None:
    trouble = Finding("MC013", Severity.ERROR, "versions/b.py cannot be understood")
    partly = replace(alembic(script("a"), script("c", "b")), findings=(trouble,), unread=("versions/b.py",))
    assert check(partly) == (trouble,)


def test_a_list_of_revisions_is_held_against_what_they_follow() -> None:
    def listing(*order: str) -> Listing:
        return replace(chain("a", "b", "c"), order=order, order_lines=tuple(range(2, 2 + len(order))))

    assert check(listing("a", "b", "c")) == ()
    (finding,) = check(listing("b", "a", "c"))
    assert told([finding]) == ["error MC012 versions/versions.json lists b before a, which it follows"]
    assert (finding.file, finding.line) == ("versions/versions.json", 2)
    (finding,) = check(listing("a", "b"))
    assert told([finding]) == [
        "error MC007 versions/c.py lies among the migrations, and versions/versions.json does not list c"
    ]
    assert finding.hint == "migci versions add versions/c.py"
    (finding,) = check(listing("a", "b", "c", "d"))
    assert told([finding]) == ["error MC011 versions/versions.json lists d, and there is no such revision"]
    assert finding.line == 5


# Branches that a project wants

EXPAND = script("e1", "a", labels=("expand",))
CONTRACT = script("c1", "a", files=("versions/contract/c1.py",))


def test_branches_that_are_wanted_are_no_findings_and_may_depend_on_each_other() -> None:
    two = alembic(script("a"), EXPAND, CONTRACT, script("e2", "e1"), script("c2", "c1", depends_on=("e2",)))
    assert check(two, branches=("expand", "contract")) == ()
    assert {one.id for one in check(two)} == {"MC008", "MC016"}


def test_each_branch_that_is_wanted_must_be_linear_by_itself() -> None:
    forked = alembic(script("a"), EXPAND, CONTRACT, script("e2", "e1"), script("e3", "e1"))
    assert told(check(forked, branches=("expand", "contract"))) == ["error MC008 the branch expand has 2 heads: e2, e3"]
    assert told(check(forked, alembic(*forked.scripts[:4]), ("expand", "contract"))) == [
        "error MC008 with the patch the branch expand has 2 heads: e2, e3"
    ]


def test_what_is_in_no_branch_must_be_linear_too() -> None:
    forked = alembic(script("a"), script("b", "a"), script("c", "a"), script("e", "b", labels=("expand",)))
    assert told(check(forked, branches=("expand",))) == ["error MC008 the history has 2 heads: b, c"]


# A patch and trunk

TRUNK = chain("a", "b", "c")


def test_a_patch_that_follows_trunks_newest_has_no_findings() -> None:
    assert check(chain("a", "b", "c", "d", "e"), TRUNK) == ()
    assert check(TRUNK, TRUNK) == ()
    assert check(numbers(n1="a", n2="b"), numbers(n1="a")) == ()


def test_mc001_an_edited_revision_is_a_warning() -> None:
    edited = alembic(script("a"), script("b", "a", text="other"), script("c", "b"))
    (finding,) = check(edited, TRUNK)
    assert told([finding]) == [
        (
            "warning MC001 the patch edits revision b, which trunk already has: "
            "databases that ran it will never see the new text"
        )
    ]


def test_mc002_a_removed_revision_is_an_error() -> None:
    assert told(check(chain("a", "b"), TRUNK)) == [
        (
            "error MC002 the patch removes revision c, which trunk already has: "
            "databases that are at it will not be found in the history"
        )
    ]


def test_mc002_what_follows_a_removed_revision_is_not_told_besides() -> None:
    (finding,) = check(alembic(script("a"), script("c", "b"), script("d", "c")), TRUNK)
    assert (finding.id, finding.hint) == ("MC002", "git checkout TRUNK -- versions/b.py")
    (finding,) = check(numbers(n1="a", n3="c"), numbers(n1="a", n2="b", n3="c"))
    assert (finding.id, finding.hint) == ("MC002", "git checkout TRUNK -- versions/002_b.py")
    listed = replace(TRUNK, order=("a", "b", "c"), order_lines=(2, 3, 4))
    (finding,) = check(replace(listed, scripts=(script("a"), script("c", "b"))), listed)
    assert (finding.id, finding.hint) == ("MC002", "git checkout TRUNK -- versions/b.py")
    without = replace(listed, scripts=(script("a"), script("c", "b")), order=("a", "c"), order_lines=(2, 3))
    (finding,) = check(without, listed)
    assert finding.hint == "git checkout TRUNK -- versions/b.py; then, for its line in the list: migci versions rebase"


def test_mc010_what_trunk_has_removed_itself_is_still_missing() -> None:
    base, trunk = chain("a", "b"), chain("a")
    assert [one.id for one in check(alembic(script("a"), script("c", "b")), trunk, base=base)] == ["MC010"]


def test_mc011_what_trunk_has_and_a_patch_lists_without_having_it_is_trunks_file() -> None:
    base, trunk = chain("a"), replace(chain("a", "b"), order=("a", "b"), order_lines=(2, 3))
    (finding,) = check(replace(base, order=("a", "b"), order_lines=(2, 3)), trunk, base=base)
    assert (finding.id, finding.hint) == ("MC011", "git checkout TRUNK -- versions/b.py")


def test_mc007_a_landed_revision_that_lost_its_line_is_not_to_be_added() -> None:
    listed = replace(TRUNK, order=("a", "b", "c"), order_lines=(2, 3, 4))
    (finding,) = check(replace(listed, order=("a", "c"), order_lines=(2, 3)), listed)
    assert finding.hint == "trunk lists it as b, so its line was lost: migci versions rebase brings it back"


def test_mc003_and_mc017_what_is_put_below_and_what_had_to_make_room_are_both_named() -> None:
    below = alembic(script("a"), script("b", "a"), script("new", "b"), script("c", "new", text="edited"))
    moved, inserted = check(below, TRUNK)
    assert told([moved, inserted]) == [
        (
            "error MC017 the patch puts revision c, which trunk already has, in another place: "
            "it followed b, and follows new now"
        ),
        (
            "error MC003 revision new comes before revisions that trunk already has: "
            "it will not run on a database that is at trunk's newest"
        ),
    ]
    assert inserted.hint == "move it behind c: migci versions rebase"


def test_mc003_a_number_in_a_gap_of_trunks_never_runs() -> None:
    gap = numbers(n1="a", n2="b", n4="d")
    filled = numbers(n1="a", n2="b", n3="new", n4="d")
    assert told(check(filled, gap)) == [
        (
            "error MC003 revision 3 comes before revisions that trunk already has: "
            "it will not run on a database that is at trunk's newest"
        )
    ]


def test_mc007_a_file_that_the_patch_lays_among_the_migrations_is_named() -> None:
    stray = replace(TRUNK, others=("versions/d.sql",))
    assert told(check(stray, TRUNK)) == [
        "error MC007 the patch adds versions/d.sql among the migrations, and it is not one: the tool will not run it"
    ]
    assert check(stray, stray) == ()
    assert [one.severity for one in check(stray)] == [Severity.WARNING]


def test_mc008_a_second_head_is_the_patchs_and_points_to_what_forked() -> None:
    forked = alembic(*TRUNK.scripts, script("d", "b"), script("e", "d"))
    (finding,) = check(forked, TRUNK)
    assert told([finding]) == ["error MC008 with the patch the history has 2 heads: c, e"]
    assert (finding.file, finding.hint) == (
        "versions/d.py",
        "let the patch's first migration follow c: migci versions rebase",
    )


def test_mc008_and_mc018_of_own_revisions_that_fork_a_person_has_to_say_which_comes_first() -> None:
    hint = "let e follow d, or the other way round"
    forked = alembic(*TRUNK.scripts, script("d", "c"), script("e", "c"))
    (finding,) = check(forked, TRUNK)
    assert (finding.id, finding.hint) == ("MC008", hint)
    later = alembic(*TRUNK.scripts, script("f", "c"))
    behind = check(forked, later, base=TRUNK)
    assert [(one.id, one.hint) for one in behind] == [("MC018", hint), ("MC018", hint), ("MC008", hint)]


def test_mc008_where_trunk_has_branches_one_more_is_a_warning_and_none_more_is_trunks() -> None:
    branched = alembic(script("a"), script("b", "a"), script("c", "a"))
    more = alembic(*branched.scripts, script("d", "a"))
    assert told(check(more, branched)) == ["warning MC008 with the patch the history has 3 heads: b, c, d"]
    longer = alembic(*branched.scripts, script("d", "b"))
    (finding,) = check(longer, branched)
    assert told([finding]) == ["warning MC008 trunk itself: the history has 2 heads: b, c"]
    assert trunks_own(finding)


def test_what_hangs_in_the_air_in_trunk_does_not_excuse_a_second_head() -> None:
    torn = alembic(script("a"), script("b", "a"), script("y", "x"))
    forked = alembic(*torn.scripts, script("c", "a"))
    assert told(check(forked, torn)) == [
        "warning MC010 trunk itself: revision y follows x, which is not there: versions/y.py",
        "error MC008 with the patch the history has 2 heads: b, c",
    ]


def test_a_finding_that_only_reads_like_one_of_trunks_is_the_patchs() -> None:
    unread = Finding("MC013", Severity.ERROR, f"{OF_TRUNK}versions/b.py is a link", file=f"{OF_TRUNK}versions/b.py")
    (found,) = check(replace(chain("a"), findings=(unread,)), chain("a"))
    assert found == unread
    assert not trunks_own(found)


def test_what_trunk_has_without_the_patch_is_trunks() -> None:
    gap = numbers(n1="a", n3="c")
    (finding,) = check(numbers(n1="a", n3="c", n4="d"), gap)
    assert told([finding]) == ["warning MC010 trunk itself: number 3 follows 2, which is not there: versions/003_c.py"]


def test_mc017_a_landed_number_that_is_given_another_is_no_removal_and_nothing_new() -> None:
    before = numbers(n1="a", n2="b", n3="c")
    (finding,) = check(numbers(n1="a", n2="b", n4="c"), before)
    assert told([finding]) == ["error MC017 the patch gives c, which has landed as number 3, the number 4"]
    swapped = check(numbers(n1="a", n2="c", n3="b"), before)
    assert told(swapped) == [
        "error MC017 the patch gives b, which has landed as number 2, the number 3",
        "error MC017 the patch gives c, which has landed as number 3, the number 2",
    ]


def test_a_landed_number_whose_file_is_called_otherwise_is_as_it_was() -> None:
    before = numbers(n1="a", n2="b")
    renamed = replace(before.scripts[1], name="other", files=("versions/002_other.py",))
    assert check(replace(before, scripts=(before.scripts[0], renamed)), before) == ()


def test_placeholders_that_are_all_alike_are_not_taken_for_each_other() -> None:
    before = numbers(n1="a", n2="placeholder", n3="placeholder")
    assert {one.id for one in check(numbers(n1="a", n2="placeholder"), before)} == {"MC002"}


# A patch that left trunk before trunk went on


def test_a_patch_that_is_behind_is_not_taken_for_one_that_removes_what_landed_since() -> None:
    base, trunk = chain("a", "b"), chain("a", "b", "c")
    assert check(base, trunk, base=base) == ()
    (finding,) = check(chain("a", "b", "mine", "more"), trunk, base=base)
    assert told([finding]) == ["error MC018 revision mine follows b, and trunk's newest is c"]
    assert finding.hint == "move it behind trunk's newest: migci versions rebase"


def test_mc018_is_not_said_where_the_patch_follows_trunks_newest_already() -> None:
    base, trunk = chain("a", "b"), chain("a", "b", "c")
    assert check(chain("a", "b", "c", "mine"), trunk, base=base) == ()
    ahead = alembic(*base.scripts, script("mine", "c"))  # what it follows is in trunk, and not here yet
    assert check(ahead, trunk, base=base) == ()


def test_mc018_of_a_moment_that_is_behind_trunks_says_to_bring_trunk_here() -> None:
    base, trunk = moments(2024, 2030), moments(2024, 2030, 2040)
    (finding,) = check(moments(2024, 2030, 2050), trunk, base=base)
    assert finding.id == "MC018"
    assert finding.hint.endswith("nothing is to be renamed: git merge TRUNK, or git rebase")
    (finding,) = check(moments(2024, 2030, 2035), trunk, base=base)
    assert finding.hint == "move it behind trunk's newest: migci versions rebase"


def test_mc018_and_mc008_are_not_both_said_in_the_middle_of_a_merge() -> None:
    base, trunk = chain("a", "b"), chain("a", "b", "c")
    merged = alembic(*trunk.scripts, script("mine", "b"))
    assert told(check(merged, trunk, base=base)) == ["error MC008 with the patch the history has 2 heads: c, mine"]


def test_of_very_many_heads_only_some_are_named() -> None:
    (finding,) = check(alembic(*(script(f"h{number:02}") for number in range(13))))
    assert finding.message == ("the history has 13 heads: h00, h01, h02, h03, h04, h05, h06, h07, h08, h09 and 3 more")


def test_what_could_not_be_read_when_the_patch_left_is_nothing_that_it_brings() -> None:
    base = replace(chain("a"), unread=("versions/b.py",))
    proposed = alembic(script("a"), script("b", "a", text="mended"), script("c", "b"))
    assert [one.id for one in added(proposed, base, base)] == ["c"]


def test_mc017_is_not_said_where_it_was_not_known_what_it_followed() -> None:
    base = replace(alembic(script("a"), script("b")), unread=("versions/b.py",))
    assert "MC017" not in {one.id for one in check(chain("a", "b"), base)}


def test_mc009_a_number_that_trunk_has_taken_meanwhile_is_named_with_both_files() -> None:
    base, trunk = numbers(n1="a"), numbers(n1="a", n2="theirs")
    (finding,) = check(numbers(n1="a", n2="mine"), trunk, base=base)
    assert told([finding]) == [
        "error MC009 number 2 is there twice: versions/002_mine.py, and in trunk versions/002_theirs.py"
    ]


def test_what_trunk_has_edited_meanwhile_is_not_the_patchs_edit() -> None:
    base = chain("a", "b")
    trunk = alembic(script("a"), script("b", "a", text="mended"))
    assert check(trunk, trunk, base=base) == ()
    assert check(base, trunk, base=base) == ()


def test_what_trunk_has_removed_meanwhile_is_not_the_patchs_removal() -> None:
    assert check(chain("a"), chain("a"), base=chain("a", "b")) == ()


# What cannot be read


def test_nothing_is_said_of_a_history_whose_list_cannot_be_read_but_that() -> None:
    trouble = Finding("MC012", Severity.ERROR, "versions/versions.json is not JSON")
    broken = Listing(
        NUMBERED,
        ("versions",),
        order_file="versions/versions.json",
        findings=(trouble,),
        unread=("versions/versions.json",),
    )
    trunk = numbers(n1="a", n2="b")
    assert check(broken, trunk) == (trouble,)
    assert [one.severity for one in check(broken, broken)] == [Severity.WARNING]
    assert check(trunk, broken) == ()


def test_a_history_that_a_tool_told_is_a_listing_too() -> None:
    first, second = Revision("1", (), ("m/1.py",), "x"), Revision("2", ("1",), ("m/2.py",), "y")
    trunk, patch = History((first,)), History((first, second))
    assert check(listed(patch), listed(trunk)) == ()
    hidden = check(listed(trunk, ("m/2.py", "m/__init__.py", "m/notes.md", "n/3.py"), trunk), listed(trunk))
    assert [(one.id, one.file) for one in hidden] == [("MC007", "m/2.py")]
    assert check(listed(trunk, ("m/tests/1_test.py",), trunk), listed(trunk)) == ()
    numbered = check(listed(trunk, ("m/1_test.py",), trunk), listed(trunk))  # some tool takes it for a migration
    assert [(one.id, one.file) for one in numbered] == [("MC007", "m/1_test.py")]


def test_a_summary_says_how_many_and_which_is_the_newest() -> None:
    assert summary(chain("a", "b")) == "2 revisions, the newest is b"
    assert summary(numbers(n7="a")) == "1 number, the newest is 7"
    assert summary(alembic()) == "no migrations"


# Whatever the history

ids = st.sampled_from("abcdefgh")
scripts = st.builds(
    lambda name, parents, needs, labels, text: script(name, *parents, text=text, depends_on=needs, labels=labels),
    ids,
    st.lists(ids, max_size=3, unique=True).map(tuple),
    st.lists(ids, max_size=1).map(tuple),
    st.lists(st.sampled_from(["expand", "contract", "other"]), max_size=1).map(tuple),
    st.sampled_from(["", "edited"]),
)
listings = st.builds(
    lambda found, order, unread: replace(alembic(*found), order=order, unread=unread),
    st.lists(scripts, max_size=9),
    st.none() | st.lists(ids, max_size=5).map(tuple),
    st.sampled_from([(), (), ("versions/a.py",), ("versions/versions.json",)]),
)
plain = st.lists(st.builds(lambda name, parents: script(name, *parents), ids, st.lists(ids, max_size=2, unique=True)))


def is_linear(found: list[Script]) -> bool:
    """Told in another way than the rules tell it: from the only beginning, one after the other, to the end."""
    if not found:
        return True
    following = {parent: one for one in found for parent in one.parents or (None,)}
    here, seen = following.get(None), []
    while here is not None and here.id not in seen:
        seen.append(here.id)
        here = following.get(here.id)
    return len(seen) == len(found) and all(len(one.parents) <= 1 for one in found)


@given(plain)
def test_a_history_has_no_findings_if_and_only_if_it_is_linear(found: list[Script]) -> None:
    assert (check(alembic(*found)) == ()) == is_linear(found)


@given(st.permutations("abcdefgh"), st.permutations(range(8)), st.integers(0, 8))
def test_a_chain_in_any_order_of_its_files_is_linear_and_may_be_a_patch_of_any_length(
    order: list[str], places: list[int], landed: int
) -> None:
    whole = chain(*order)
    shuffled = replace(whole, scripts=tuple(whole.scripts[place] for place in places))
    assert check(shuffled) == ()
    assert check(shuffled, alembic(*whole.scripts[:landed])) == ()


@given(st.permutations("abcdef"), st.integers(0, 5))
def test_what_a_patch_adds_anywhere_but_at_the_end_is_an_error_of_the_patch(order: list[str], place: int) -> None:
    trunk = chain(*order)
    added = alembic(*trunk.scripts, script("new", *order[place : place + 1]))
    wrong = [one for one in check(added, trunk) if one.severity is Severity.ERROR and not trunks_own(one)]
    assert (wrong == []) == (place == len(order) - 1)


@given(listings, st.none() | listings, st.none() | listings)
@pytest.mark.parametrize("branches", [(), ("expand", "contract")])
def test_whatever_is_read_is_judged(
    branches: tuple[str, ...], proposed: Listing, trunk: Listing | None, base: Listing | None
) -> None:
    found = check(proposed, trunk, branches, base)
    assert all(one.message and one.id.startswith("MC0") for one in found)
    assert check(proposed, proposed, branches) == check(proposed, proposed, branches, proposed)
    assert all(trunks_own(one) or one.severity is not Severity.ERROR for one in check(proposed, proposed, branches))
