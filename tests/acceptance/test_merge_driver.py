"""The merge driver as git calls it: in a rebase, in a merge of either into the other, in a cherry-pick."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repositories import ALEMBIC, ALEMBIC_PROJECT, NUMBERED, Checkout, by_list, listed, revisions

LANDED = ("users", "orders")
TRUNKS = (*LANDED, "invoices", "payments")
WHOLE = {str(number): [f"{name}.py"] for number, name in enumerate((*TRUNKS, "notes", "labels"), 1)}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """main and the branch mine have both gone on from a history of two; mine in two commits."""
    found = Checkout(tmp_path / "shop")
    found.use_driver()
    found.commit(by_list(LANDED))
    found.branch("mine")
    found.commit(by_list((*LANDED, "notes"), ["notes"]))
    found.commit(by_list((*LANDED, "notes", "labels"), ["labels"]))
    found.git("checkout", "--quiet", "main")
    found.commit(by_list(TRUNKS, ["invoices", "payments"]))
    return found


def test_a_rebase_puts_each_commits_migration_behind_trunks(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("rebase", "main")
    assert checkout.numbers() == WHOLE
    checkout.git("checkout", "--quiet", "HEAD~1")
    assert list(checkout.numbers()) == ["1", "2", "3", "4", "5"]
    assert "passed" in checkout.migci("check", "mine")


def test_a_merge_of_trunk_into_the_branch_leaves_trunks_numbers(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("merge", "--no-edit", "main")
    assert checkout.numbers() == WHOLE
    assert "passed" in checkout.migci("check")


def test_a_merge_of_the_branch_into_trunk_leaves_trunks_numbers(checkout: Checkout) -> None:
    checkout.git("merge", "--no-edit", "mine")
    assert checkout.numbers() == WHOLE
    assert "passed" in checkout.migci("check", "--trunk", "main~1")


def test_picked_commits_come_behind_what_is_there(checkout: Checkout) -> None:
    checkout.git("cherry-pick", "mine~1", "mine")
    assert checkout.numbers() == WHOLE
    assert "passed" in checkout.migci("check", "--trunk", "main~2")


def test_am_puts_mailed_commits_behind_what_is_there(checkout: Checkout, tmp_path: Path) -> None:
    mails = checkout.git("format-patch", "-o", str(tmp_path / "mails"), "main~1..mine").splitlines()
    checkout.git("am", "--3way", *mails)
    assert checkout.numbers() == WHOLE


def test_trunk_is_what_the_settings_name(checkout: Checkout) -> None:
    """Where the branch that is called main is not the one that patches land on, main's own come last."""
    settings = '[project]\nname = "shop"\ntool = "sqlalchemy-migrate"\nmigrations = "repository"\ntrunk = "mine"\n'
    checkout.git("checkout", "--quiet", "mine")
    checkout.commit({"migci.toml": settings + "[datasets.empty]\nsource = 'empty'\n"})
    checkout.git("merge", "--no-edit", "main")
    order = (*LANDED, "notes", "labels", "invoices", "payments")
    assert checkout.numbers() == {str(number): [f"{name}.py"] for number, name in enumerate(order, 1)}


def test_a_trunk_that_was_not_fetched_lately_is_no_reason_to_renumber_what_has_landed(checkout: Checkout) -> None:
    """origin/main stands where it stood when the branch left, and main has gone on."""
    checkout.git("update-ref", "refs/remotes/origin/main", "main~1")
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("merge", "--no-edit", "main")
    assert checkout.numbers() == WHOLE


def test_a_merge_of_which_nobody_knows_trunk_is_a_conflict(checkout: Checkout) -> None:
    checkout.git("branch", "--move", "main", "theirs")
    checkout.git("checkout", "--quiet", "--detach", "mine")
    said = checkout.git("merge", "--no-edit", "theirs", status=1)
    assert "which side has landed is not known" in said
    assert "<<<<<<<" in checkout.text(f"{NUMBERED}/versions.json")
    assert ">>>>>>>" in checkout.text(f"{NUMBERED}/versions.json")


def fork(checkout: Checkout) -> str:
    """origin is one's own copy of an older main; what has landed since comes from elsewhere."""
    checkout.git("update-ref", "refs/remotes/origin/main", "main~1")
    checkout.git("update-ref", "refs/remotes/upstream/main", "main")
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("branch", "--quiet", "-D", "main")
    return "upstream/main"


def left_over(checkout: Checkout) -> str:
    """Patches land on develop, there is no remote, and master is from before that."""
    checkout.git("branch", "--move", "main", "develop")
    checkout.git("branch", "master", "develop~1")
    checkout.git("checkout", "--quiet", "mine")
    return "develop"


@pytest.mark.parametrize("made", [fork, left_over])
def test_a_merge_of_what_landed_on_another_branch_than_is_taken_for_trunk_renumbers_nothing(
    made: Callable[[Checkout], str], checkout: Checkout
) -> None:
    trunk = made(checkout)
    assert "neither has more of trunk" in checkout.git("merge", "--no-edit", trunk, status=1)
    checkout.git("checkout", "--merge", "--", f"{NUMBERED}/versions.json")
    assert "<<<<<<<" in checkout.text(f"{NUMBERED}/versions.json")
    before = checkout.state()
    assert "migci versions rebase --trunk REF" in checkout.migci("rebase", status=1)
    assert checkout.state() == before
    checkout.migci("rebase", "--trunk", trunk)
    checkout.git("commit", "--quiet", "--no-edit")
    assert checkout.numbers() == WHOLE


@pytest.mark.parametrize("made", [fork, left_over])
def test_a_rebase_onto_another_branch_than_is_taken_for_trunk_puts_mine_behind_it(
    made: Callable[[Checkout], str], checkout: Checkout
) -> None:
    checkout.git("rebase", made(checkout))
    assert checkout.numbers() == WHOLE


def test_a_path_that_begins_with_a_dash_is_a_path(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.use_driver()
    order = "-v/versions.json"
    checkout.commit({order: listed(LANDED)})
    checkout.branch("mine")
    checkout.commit({order: listed((*LANDED, "notes"))})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({order: listed(TRUNKS)})
    checkout.git("merge", "--no-edit", "mine")
    assert checkout.text(order) == listed((*TRUNKS, "notes"))


def test_a_rebase_needs_to_know_no_trunk(checkout: Checkout) -> None:
    checkout.git("branch", "--move", "main", "theirs")
    checkout.git("checkout", "--quiet", "--detach", "mine")
    checkout.git("rebase", "theirs")
    assert checkout.numbers() == WHOLE


def test_a_later_commit_of_the_branch_adds_a_file_to_the_line_that_was_renumbered(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "mine")
    text = checkout.text(f"{NUMBERED}/versions.json").replace('["notes.py"]', '["notes.py", "notes_sqlite.sql"]')
    checkout.commit({f"{NUMBERED}/versions.json": text, f"{NUMBERED}/notes_sqlite.sql": "SELECT 1;\n"})
    checkout.git("rebase", "main")
    assert checkout.numbers() == {**WHOLE, "5": ["notes.py", "notes_sqlite.sql"]}


def test_the_branch_may_take_its_own_migration_back(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "mine")
    (checkout.top / NUMBERED / "notes.py").unlink()
    checkout.commit({f"{NUMBERED}/versions.json": listed((*LANDED, "labels"))})
    checkout.git("rebase", "main")
    assert checkout.numbers() == {"1": ["users.py"], "2": ["orders.py"], "3": ["invoices.py"], "4": ["payments.py"],
                                  "5": ["labels.py"]}  # fmt: skip


def conflict(checkout: Checkout, text: str) -> str:
    """What git says where mine has `text` for its versions.json: the marks are in the file, and nothing is lost."""
    checkout.git("checkout", "--quiet", "mine")
    checkout.commit({f"{NUMBERED}/versions.json": text})
    before = checkout.text(f"{NUMBERED}/versions.json")
    said = checkout.git("merge", "--no-edit", "main", status=1)
    left = checkout.text(f"{NUMBERED}/versions.json")
    assert [mark for mark in ("<<<<<<<", "=======", ">>>>>>>") if mark not in left] == []
    assert set(before.split()) <= set(left.split())
    assert checkout.git("diff", "--name-only", "--diff-filter=U") == f"{NUMBERED}/versions.json"
    return said


def test_an_edit_of_what_has_landed_is_for_a_person(checkout: Checkout) -> None:
    text = listed((*LANDED, "notes")).replace('["orders.py"]', '["orders.py", "orders_sqlite.sql"]')
    assert "edits the line of orders.py, which has landed" in conflict(checkout, text)


def test_an_edit_of_what_has_landed_is_for_a_person_where_git_would_merge_it_line_by_line(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(1, 9)]
    checkout = Checkout(tmp_path / "shop")
    checkout.use_driver()
    checkout.commit(by_list(names))
    checkout.branch("mine")
    checkout.commit({f"{NUMBERED}/versions.json": listed(names).replace('["m1.py"]', '["m1.py", "m1_sqlite.sql"]')})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(by_list([*names, "invoices"], ["invoices"]))
    checkout.git("checkout", "--quiet", "mine")
    assert "edits the line of m1.py, which has landed" in checkout.git("merge", "--no-edit", "main", status=1)
    left = checkout.text(f"{NUMBERED}/versions.json")
    assert left.startswith("<<<<<<< ours\n{\n")
    assert left.endswith("}\n>>>>>>> theirs\n")
    assert checkout.git("diff", "--name-only", "--diff-filter=U") == f"{NUMBERED}/versions.json"


def test_a_removal_of_what_has_landed_is_for_a_person(checkout: Checkout) -> None:
    assert "removes orders.py, which has landed" in conflict(checkout, listed(("users", "notes")))


def test_another_number_for_what_has_landed_is_for_a_person(checkout: Checkout) -> None:
    said = conflict(checkout, listed(("users", "notes", "orders")))
    assert "gives orders.py, which has landed as 2, the number 3" in said


def test_what_is_no_json_is_for_a_person(checkout: Checkout) -> None:
    assert "is not JSON" in conflict(checkout, listed(LANDED).replace("}", ""))


def test_a_key_that_is_there_twice_is_for_a_person(checkout: Checkout) -> None:
    twice = '{\n  "1": ["users.py"],\n  "2": ["orders.py"],\n  "3": ["notes.py"],\n  "3": ["labels.py"]\n}\n'
    assert "number 3 twice" in conflict(checkout, twice)


def test_two_files_of_which_one_number_can_have_only_one_are_for_a_person(checkout: Checkout) -> None:
    text = '{\n  "1": ["users.py", "orders.py"],\n  "2": ["notes.py"]\n}\n'
    assert "lists for 1 what only one file can be" in conflict(checkout, text)


def test_numbers_and_a_list_are_for_a_person(checkout: Checkout) -> None:
    assert "a list of ids" in conflict(checkout, '[\n  "users",\n  "orders"\n]\n')


def test_the_list_of_alembics_revisions_is_merged_too(tmp_path: Path) -> None:
    """And its scripts by `migci versions rebase`: what they follow is not for the driver to say."""
    checkout = Checkout(tmp_path / "shop")
    checkout.use_driver()
    order = f"{ALEMBIC}/versions.json"
    checkout.commit({**ALEMBIC_PROJECT, **revisions("ab"), order: '[\n  "a",\n  "b"\n]\n'})
    checkout.branch("mine")
    checkout.commit({**revisions("xy", "b"), order: '[\n  "a",\n  "b",\n  "x",\n  "y"\n]\n'})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({**revisions("c", "b"), order: '[\n  "a",\n  "b",\n  "c"\n]\n'})
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("rebase", "main")
    assert checkout.text(order).split() == ["[", '"a",', '"b",', '"c",', '"x",', '"y"', "]"]
    assert "migci versions rebase" in checkout.migci("check", status=1)
    assert "x follows c, instead of b" in checkout.migci("rebase")
    assert "passed" in checkout.migci("check")


def test_line_ends_stay_as_they_are(checkout: Checkout) -> None:
    checkout.git("checkout", "--quiet", "main")
    for branch in ("main", "mine"):
        checkout.git("checkout", "--quiet", branch)
        text = checkout.text(f"{NUMBERED}/versions.json").replace("\n", "\r\n")
        checkout.commit({f"{NUMBERED}/versions.json": text.encode()})
    checkout.git("merge", "--no-edit", "main")
    content = (checkout.top / NUMBERED / "versions.json").read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") == 8
