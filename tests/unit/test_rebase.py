"""A branch's own migrations behind trunk's: what the plan is, what it refuses, and that nothing that landed moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migci.adapters.scripts.alembic import AlembicScripts
from migci.adapters.scripts.numbered import NumberedScripts
from migci.adapters.scripts.rebasing import items_of, written
from migci.adapters.scripts.trees import DiskFiles
from migci.adapters.worktree import Edit, Worktree
from migci.cli.histories import Histories
from migci.cli.rebasing import Work, carried_out, work_of
from migci.core.merging import Unmergeable, merge
from migci.core.order import check
from migci.core.scripts import Listing, Script
from migci.errors import MigciError, UsageError
from migci.ports import NotRebased, ScriptReader
from migci.versions.check import Trees, listing_or_none
from migci.versions.moves import described
from tests.repositories import (
    ALEMBIC,
    ALEMBIC_PROJECT,
    IDS,
    NUMBERED,
    ORDER,
    Checkout,
    alembic_listed,
    by_list,
    ids,
    listed,
    numbered,
    revision,
    revisions,
    script,
)


@dataclass
class Place:
    """Three trees in folders: trunk, what it was when the branch left it, and the branch's."""

    ours: Checkout
    trunk: Path
    base: Path
    reader: ScriptReader
    branches: tuple[str, ...] = ()

    def work(self) -> Work:
        trees = Trees(DiskFiles(self.ours.top), DiskFiles(self.trunk, "trunk"), DiskFiles(self.base, "base"))
        known = Histories(self.ours.top, (self.reader,), trees, self.branches, None)
        return work_of(self.reader, known, Worktree(self.ours.top))

    def rebase(self) -> list[str]:
        work = self.work()
        carried_out([work], Worktree(self.ours.top))
        return list(described(work.plan))

    def listing(self, folder: Path) -> Listing:
        return listing_or_none(self.reader, DiskFiles(folder)) or Listing("numbered", (NUMBERED,))


@pytest.fixture
def at(tmp_path: Path) -> PlaceOf:
    return PlaceOf(tmp_path)


class PlaceOf:
    def __init__(self, top: Path) -> None:
        self.top = top
        self.count = 0

    def __call__(self, base: dict[str, str], trunk: dict[str, str], ours: dict[str, str], *branches: str) -> Place:
        self.count += 1
        top = self.top / str(self.count)
        alembic = any(name.startswith("migrations/") for name in (*base, *trunk, *ours))
        reader: ScriptReader = AlembicScripts("alembic.ini") if alembic else NumberedScripts(NUMBERED)
        for name, files in (("base", base), ("trunk", trunk)):
            for path, text in {**(ALEMBIC_PROJECT if alembic else {}), **files}.items():
                (top / name / path).parent.mkdir(parents=True, exist_ok=True)
                (top / name / path).write_text(text)
        checkout = Checkout(top / "ours")
        checkout.write({**(ALEMBIC_PROJECT if alembic else {}), **ours})
        checkout.commit()
        return Place(checkout, top / "trunk", top / "base", reader, branches)


# What is done


def test_of_a_chain_only_the_first_revision_is_edited(at: PlaceOf) -> None:
    base = revisions("ab")
    place = at(base, revisions("abcd"), {**base, **revisions("xy", "b")})
    assert place.rebase() == [f"{ALEMBIC}/x.py: x follows d, instead of b"]
    assert place.ours.text(f"{ALEMBIC}/x.py") == revision("x", "d")[f"{ALEMBIC}/x.py"]
    assert place.ours.text(f"{ALEMBIC}/y.py") == revision("y", "x")[f"{ALEMBIC}/y.py"]


def test_a_number_that_trunk_took_is_given_up_by_every_file_of_the_script(at: PlaceOf) -> None:
    base = numbered(["users"])
    variants = {f"{NUMBERED}/002_notes_sqlite_upgrade.sql": "SELECT 1;\n", f"{NUMBERED}/0003_labels.py": script("l")}
    place = at(base, numbered(["users", "orders", "items"]), {**numbered(["users", "notes"]), **variants})
    assert place.rebase() == [
        f"{NUMBERED}/0003_labels.py -> {NUMBERED}/0005_labels.py",
        f"{NUMBERED}/002_notes.py -> {NUMBERED}/004_notes.py",
        f"{NUMBERED}/002_notes_sqlite_upgrade.sql -> {NUMBERED}/004_notes_sqlite_upgrade.sql",
    ]
    assert place.ours.git("ls-files", NUMBERED).split() == [
        f"{NUMBERED}/{name}"
        for name in ("0005_labels.py", "001_users.py", "004_notes.py", "004_notes_sqlite_upgrade.sql")
    ]


def test_of_files_that_take_each_others_names_the_last_makes_room_first(at: PlaceOf) -> None:
    alike = {f"{NUMBERED}/002_notes.py": script("one"), f"{NUMBERED}/003_notes.py": script("two")}
    place = at(numbered(["users"]), numbered(["users", "orders"]), {**numbered(["users"]), **alike})
    assert place.rebase() == [
        f"{NUMBERED}/003_notes.py -> {NUMBERED}/004_notes.py",
        f"{NUMBERED}/002_notes.py -> {NUMBERED}/003_notes.py",
    ]
    assert place.ours.text(f"{NUMBERED}/003_notes.py") == script("one")
    assert place.ours.text(f"{NUMBERED}/004_notes.py") == script("two")


def test_both_have_a_file_of_the_same_number_and_name(at: PlaceOf) -> None:
    other = {f"{NUMBERED}/002_notes.py": script("another")}
    place = at(numbered(["users"]), {**numbered(["users"]), **other}, numbered(["users", "notes"]))
    assert place.rebase() == [f"{NUMBERED}/002_notes.py -> {NUMBERED}/003_notes.py"]


def test_in_versions_json_the_lines_are_renumbered_and_no_file_is_touched(at: PlaceOf) -> None:
    place = at(by_list(["users"]), by_list(["users", "orders"]), by_list(["users", "notes", "labels"]))
    before = place.ours.state()
    assert place.rebase() == [
        f"{ORDER}: notes is number 3, instead of 2",
        f"{ORDER}: labels is number 4, instead of 3",
    ]
    assert place.ours.numbers() == {"1": ["users.py"], "3": ["notes.py"], "4": ["labels.py"]}
    assert {name for name, content in place.ours.state().items() if content != before[name]} == {ORDER}


def test_alembics_list_follows_its_scripts(at: PlaceOf) -> None:
    base = alembic_listed("ab")
    ours = {**base, **revisions("xy", "b"), IDS: ids("abyx"), **revision("c", "b")}
    place = at(base, alembic_listed("abc"), ours)
    assert place.rebase() == [
        f"{ALEMBIC}/x.py: x follows c, instead of b",
        f"{IDS}: what has landed first, then this branch's own",
    ]
    assert place.ours.text(IDS) == ids("abcxy")  # and c, whose script is here, has its line again


def test_a_line_of_what_has_landed_that_was_lost_comes_back(at: PlaceOf) -> None:
    trunk = by_list(["users", "orders", "notes"])
    lost = {**trunk, ORDER: '{\n  "1": ["users.py"],\n  "3": ["notes.py"]\n}\n'}
    place = at(trunk, trunk, lost)
    place.rebase()
    assert place.ours.numbers() == {"1": ["users.py"], "2": ["orders.py"], "3": ["notes.py"]}


def test_lines_of_alembics_list_that_were_lost_come_back(at: PlaceOf) -> None:
    trunk = alembic_listed("abcd")
    place = at(trunk, trunk, {**trunk, IDS: ids("ad")})
    assert place.rebase() == [f"{IDS}: what has landed first, then this branch's own"]
    assert place.ours.text(IDS) == ids("abcd")
    own = {**trunk, **revision("x", "d")}
    place = at(trunk, trunk, {**own, IDS: ids("xad")})
    place.rebase()
    assert place.ours.text(IDS) == ids("abcdx")


def test_what_landed_in_another_order_is_put_right_in_the_list(at: PlaceOf) -> None:
    base = by_list(["users", "orders"])
    place = at(base, base, {**by_list(["notes"]), **base, ORDER: listed(["orders", "notes", "users"])})
    place.rebase()
    assert place.ours.numbers() == {"1": ["users.py"], "2": ["orders.py"], "3": ["notes.py"]}


def test_where_branches_are_meant_each_is_looked_at_by_itself(at: PlaceOf) -> None:
    def labelled(id: str, parent: str, label: str) -> dict[str, str]:
        ((path, text),) = revision(id, parent).items()
        return {path: text.replace("branch_labels = None", f'branch_labels = ("{label}",)')}

    base = {**revisions("a"), **labelled("e", "a", "expand"), **labelled("c", "a", "contract")}
    trunk = {**base, **revision("e2", "e")}
    place = at(base, trunk, {**base, **revision("ex", "e"), **revision("cx", "c")}, "expand", "contract")
    assert place.rebase() == [f"{ALEMBIC}/ex.py: ex follows e2, instead of e"]
    assert place.rebase() == []


def test_numbers_that_are_moments_stay_where_they_come_last(at: PlaceOf) -> None:
    cfg = {"repository/migrate.cfg": "[db_settings]\nuse_timestamp_numbering = True\n"}

    def moments(*numbers: int) -> dict[str, str]:
        return {**cfg, **{f"{NUMBERED}/{number}_t.py": script(f"t{number}") for number in numbers}}

    late = at(moments(2024, 2030), moments(2024, 2030, 2040), moments(2024, 2030, 2050, 2060))
    assert late.rebase() == []
    first = at(moments(2024), moments(2024), moments(2024, 2050))
    assert first.rebase() == []
    early = at(moments(2024, 2030), moments(2024, 2030, 2040), moments(2024, 2030, 2035))
    assert early.rebase() == [f"{NUMBERED}/2035_t.py -> {NUMBERED}/2041_t.py"]


# What is refused, and then nothing is changed

A = revisions("ab")
REFUSED = {
    "joins x, y": (A, revisions("abc"), {**A, **revision("x", "b"), **revision("y", "b"),
        f"{ALEMBIC}/m.py": 'revision = "m"\ndown_revision = ("x", "y")\n'}),
    "which comes first is not said": (A, revisions("abc"), {**A, **revision("x", "b"), **revision("y", "b")}),
    "runs in a circle": (A, revisions("abc"), {**A, **revision("x", "y"), **revision("y", "x")}),
    "is computed": (A, revisions("abc"), {**A, f"{ALEMBIC}/x.py": 'revision = "x"\ndown_revision = f"{x}"\n'}),
    "unterminated string literal": (A, revisions("abc"), {**A, f"{ALEMBIC}/x.py": 'revision = "x'}),
    "does not say down_revision as one plain text": (
        A, revisions("abc"), {**A, f"{ALEMBIC}/x.py": 'revision = "x"\ndown_revision = "" "b"\n'}),
    "has landed as one that follows a, and follows x": (
        A, revisions("abc"), {**A, **revision("x", "a"), **revision("b", "x")}),
    "revision x is there twice": (A, revisions("abc"), {**A, **revision("x", "b"), f"{ALEMBIC}/z.py": revision(
        "x", "b")[f"{ALEMBIC}/x.py"]}),
    "revision b is there twice": (A, A, {**A, f"{ALEMBIC}/mine.py": 'revision = "b"\ndown_revision = "a"\n'}),
    "has landed as revision b, and is other here": (
        A, A, {**A, f"{ALEMBIC}/b.py": 'revision = "other"\ndown_revision = "a"\n'}),
    "and another text in trunk: migrations/versions/c.py": (
        A, revisions("abc"), {**A, f"{ALEMBIC}/mine.py": 'revision = "c"\ndown_revision = "b"\n'}),
    "trunk itself has 2 heads": (A, {**revisions("abc"), **revision("d", "b")}, {**A, **revision("x", "b")}),
    "trunk itself: migrations/versions/c.py cannot be understood": (
        A, {**A, f"{ALEMBIC}/c.py": "revision = x()\n"}, {**A, **revision("x", "b")}),
    "has landed as number 2": (
        numbered(["users", "orders"]), numbered(["users", "orders"]),
        {**numbered(["users", "notes"]), f"{NUMBERED}/003_orders.py": script("orders")}),
    "which trunk has taken out": (
        by_list(["users", "orders"]), by_list(["users"]), by_list(["users", "orders", "notes"])),
    "is number 2 in trunk, and another script here": (
        by_list(["users"]), by_list(["users", "notes"]),
        {**by_list(["users", "notes", "labels"]), f"{NUMBERED}/notes.py": script("other")}),
    "the numbers stand in file names here": (numbered(["users"]), by_list(["users"]), numbered(["users", "notes"])),
    "is not JSON": (by_list(["users"]), by_list(["users", "orders"]), {**by_list(["users", "notes"]), ORDER: "{"}),
    "twice": (by_list(["users"]), by_list(["users", "orders"]),
              {**by_list(["users", "notes"]), ORDER: '{"1": ["users.py"], "2": ["notes.py"], "2": ["users.py"]}'}),
}  # fmt: skip


@pytest.mark.parametrize(("reason", "trees"), REFUSED.items(), ids=list(REFUSED))
def test_what_is_not_understood_is_refused_with_its_reason(
    reason: str, trees: tuple[dict[str, str], dict[str, str], dict[str, str]], at: PlaceOf
) -> None:
    place = at(*trees)
    before = place.ours.state()
    with pytest.raises(NotRebased) as refused:
        place.rebase()
    assert reason in refused.value.message
    assert refused.value.hint
    assert "versions rebase" not in refused.value.hint
    assert place.ours.state() == before


def chain(at: PlaceOf) -> Place:
    base = revisions("ab")
    return at(base, revisions("abc"), {**base, **revision("x", "b")})


def test_a_read_only_script_stays_as_it_is(at: PlaceOf) -> None:
    place = chain(at)
    (place.ours.top / ALEMBIC / "x.py").chmod(0o444)
    before = place.ours.state()
    with pytest.raises(UsageError, match="read-only"):
        place.rebase()
    assert place.ours.state() == before


def test_a_link_is_not_followed(at: PlaceOf) -> None:
    place = chain(at)
    path = place.ours.top / ALEMBIC / "x.py"
    outside = place.ours.top.parent / "outside.py"
    path.rename(outside)
    path.symlink_to(outside)
    with pytest.raises(NotRebased, match="is a link"):
        place.rebase()
    assert outside.read_text() == revision("x", "b")[f"{ALEMBIC}/x.py"]


def test_a_file_that_is_saved_between_the_plan_and_the_edit_is_not_overwritten(at: PlaceOf) -> None:
    place = chain(at)
    work = place.work()
    place.ours.write({f"{ALEMBIC}/x.py": "# saved\n"})
    with pytest.raises(UsageError, match="changed just now"):
        carried_out([work], Worktree(place.ours.top))
    assert place.ours.text(f"{ALEMBIC}/x.py") == "# saved\n"


def test_all_files_are_changed_or_none(at: PlaceOf) -> None:
    place = chain(at)
    edits = [*place.work().edits, Edit("no/such/folder/file.py", None, b"")]
    before = place.ours.state()
    with pytest.raises(MigciError):
        Worktree(place.ours.top).apply(edits, ())
    assert place.ours.state() == before


def test_a_name_that_is_taken_by_something_else_is_not_taken_away(at: PlaceOf) -> None:
    place = at(numbered(["users"]), numbered(["users", "orders"]), numbered(["users", "notes"]))
    (place.ours.top / NUMBERED / "003_notes.py").mkdir()
    before = place.ours.state()
    with pytest.raises(MigciError, match=r"003_notes.py"):
        place.rebase()
    assert place.ours.state() == before


def test_the_mode_of_an_edited_script_stays(at: PlaceOf) -> None:
    place = chain(at)
    path = place.ours.top / ALEMBIC / "x.py"
    path.chmod(0o755)
    place.rebase()
    assert path.stat().st_mode & 0o777 == 0o755


def test_an_edit_that_is_not_committed_stays_and_is_not_staged(at: PlaceOf) -> None:
    place = chain(at)
    text = place.ours.text(f"{ALEMBIC}/x.py") + "# not committed\n"
    place.ours.write({f"{ALEMBIC}/x.py": text})
    index = place.ours.git("ls-files", "--stage")
    place.rebase()
    assert place.ours.text(f"{ALEMBIC}/x.py").endswith("# not committed\n")
    assert place.ours.git("ls-files", "--stage") == index


# Whatever happened meanwhile

FORMS: dict[str, tuple[Callable[[Sequence[str]], dict[str, str]], str | None]] = {
    "numbers in names": (numbered, None),
    "versions.json": (by_list, ORDER),
    "alembic": (revisions, None),
    "alembic with a list": (alembic_listed, IDS),
}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([f"m{number}" for number in range(9)]), st.tuples(*[st.integers(0, 3)] * 3), st.booleans())
@pytest.mark.parametrize("form", FORMS)
def test_after_it_the_history_is_linear_nothing_landed_has_changed_and_all_of_the_branch_is_there(
    form: str, at: PlaceOf, names: list[str], counts: tuple[int, int, int], merged: bool
) -> None:
    write, order = FORMS[form]
    first, second = counts[0] + 1, counts[0] + 1 + counts[1]
    landed, since, own = names[:first], names[first:second], names[second : second + counts[2]]
    base, trunk, ours = write(landed), write([*landed, *since]), write([*landed, *own])
    merged = merged and order is None  # git's own merge of versions.json is a test of its own
    place = at(base, trunk, {**trunk, **ours} if merged else ours)
    place.rebase()
    after = place.ours.state()
    place.rebase()
    assert place.ours.state() == after, "a second time changes nothing"
    put_together(place, base, trunk, order)
    ended, was = place.listing(place.ours.top), place.listing(place.trunk)
    assert check(ended) == check(ended, was) == ()
    assert {one.id: (one.name, one.digest) for one in ended.scripts}.items() >= {
        one.id: (one.name, one.digest) for one in was.scripts
    }.items()
    tables = [table_of(place.ours, one.files[0]) for one in in_order(ended)]
    assert tables == [*landed, *since, *own]


def put_together(place: Place, base: dict[str, str], trunk: dict[str, str], order: str | None) -> None:
    """What git makes of the branch and trunk."""
    for path, text in trunk.items():
        if path != order and not (place.ours.top / path).exists():
            place.ours.write({path: text})
    if order is not None:
        content = (place.ours.top / order).read_bytes()
        sides = [tuple(items_of(one)) for one in (base[order].encode(), content, trunk[order].encode())]
        found = merge(sides[0], sides[1], sides[2], sides[2])
        assert not isinstance(found, Unmergeable)
        (place.ours.top / order).write_bytes(written(found, content, ids=order == IDS))


def in_order(listing: Listing) -> Sequence[Script]:
    return listing.chain if listing.kind == "alembic" else sorted(listing.scripts, key=lambda one: int(one.id))


def table_of(checkout: Checkout, file: str) -> str:
    return checkout.text(file).partition("CREATE TABLE ")[2].split()[0]
