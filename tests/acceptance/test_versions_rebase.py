"""`migci versions rebase` and `add` as a person runs them: around git's rebases, killed, and on what is broken."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repositories import (
    ALEMBIC,
    ALEMBIC_PROJECT,
    IDS,
    NUMBERED,
    ORDER,
    SETTINGS_OF_NOBODY,
    Checkout,
    by_list,
    ids,
    listed,
    numbered,
    revision,
    revisions,
    script,
)


def alembic(tmp_path: Path) -> Checkout:
    """mine, which is checked out, has x and y; main has c, since."""
    checkout = Checkout(tmp_path / "shop")
    checkout.commit({**ALEMBIC_PROJECT, **revisions("ab")})
    checkout.branch("mine")
    checkout.commit(revision("x", "b"))
    checkout.commit(revision("y", "x"))
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(revision("c", "b"))
    checkout.git("checkout", "--quiet", "mine")
    return checkout


def numbers(tmp_path: Path) -> Checkout:
    """mine, which is checked out, has notes and labels; main has orders, since."""
    checkout = Checkout(tmp_path / "shop")
    checkout.commit(numbered(["users"]))
    checkout.branch("mine")
    checkout.commit(numbered(["users", "notes"]))
    checkout.commit(numbered(["users", "notes", "labels"]))
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(numbered(["users", "orders"]))
    checkout.git("checkout", "--quiet", "mine")
    return checkout


def lists(tmp_path: Path) -> Checkout:
    """The same with a versions.json."""
    checkout = Checkout(tmp_path / "shop")
    checkout.commit(by_list(["users"]))
    checkout.branch("mine")
    checkout.commit(by_list(["users", "notes"]))
    checkout.commit(by_list(["users", "notes", "labels"]))
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(by_list(["users", "orders"]))
    checkout.git("checkout", "--quiet", "mine")
    return checkout


MADE = (alembic, numbers, lists)


@pytest.mark.parametrize("made", MADE)
def test_before_a_rebase_of_gits_it_leaves_nothing_to_do_after_it(
    made: Callable[[Path], Checkout], tmp_path: Path
) -> None:
    checkout = made(tmp_path)
    checkout.migci("check", status=1)
    assert "done; nothing is committed" in checkout.migci("rebase")
    assert "nothing to do" in checkout.migci("rebase")
    checkout.commit()
    if made is lists:
        checkout.use_driver()
        checkout.commit()
    checkout.git("merge", "--no-edit", "main")
    assert "nothing to do" in checkout.migci("rebase")
    assert "passed" in checkout.migci("check")


@pytest.mark.parametrize("made", [alembic, numbers])
@pytest.mark.parametrize("words", [("rebase",), ("merge", "--no-edit")], ids=" ".join)
def test_after_a_rebase_or_a_merge_of_gits_it_makes_one_history(
    made: Callable[[Path], Checkout], words: tuple[str, ...], tmp_path: Path
) -> None:
    checkout = made(tmp_path)
    checkout.git(*words, "main")
    checkout.migci("check", status=1)
    head = checkout.git("rev-parse", "HEAD")
    checkout.migci("rebase")
    assert checkout.git("rev-parse", "HEAD") == head
    assert "passed" in checkout.migci("check")
    checkout.commit()
    assert "passed" in checkout.migci("check", "mine")


@pytest.mark.parametrize("words", [("rebase",), ("merge",), ("cherry-pick",)], ids=" ".join)
def test_in_the_middle_of_a_conflict_it_resolves_versions_json_whichever_side_is_trunks(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    checkout = lists(tmp_path)
    if words == ("cherry-pick",):
        checkout.git("checkout", "--quiet", "-b", "again", "main")
        checkout.git("cherry-pick", "main..mine", status=1)
    else:
        checkout.git(*words, "main", status=1)
    for _ in range(3):
        if not checkout.git("diff", "--name-only", "--diff-filter=U"):
            break
        assert "<<<<<<<" in checkout.text(ORDER)
        said = checkout.migci("rebase")
        assert f"{ORDER}: the conflict is resolved" in said
        assert f"git {words[0]} --continue" in said
        checkout.git(words[0], "--continue", status=None)
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.numbers() == {"1": ["users.py"], "2": ["orders.py"], "3": ["notes.py"], "4": ["labels.py"]}
    assert "passed" in checkout.migci("check", "--trunk", "main", "HEAD")


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
@pytest.mark.parametrize("driver", [False, True], ids=["by git", "by the driver"])
def test_an_edit_of_versions_json_in_conflict_is_not_lost(style: str, driver: bool, tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    if driver:  # it leaves all of both sides, as mine edits what has landed
        checkout.use_driver()
        text = checkout.text(ORDER).replace('["users.py"]', '["users.py", "users_sqlite.sql"]')
        checkout.commit({ORDER: text, f"{NUMBERED}/users_sqlite.sql": ""})
    checkout.git("config", "merge.conflictStyle", style)
    checkout.git("merge", "main", status=1)
    left = checkout.text(ORDER)
    checkout.write({ORDER: left.replace('"notes.py"', '"notes.py", "notes_sqlite_upgrade.sql"')})
    before = checkout.state()
    said = checkout.migci("rebase", status=1)
    assert "was edited since git left it" in said
    assert f"git checkout --merge -- {ORDER}" in said
    assert checkout.state() == before
    checkout.git("checkout", "--merge", "--", ORDER)
    said = checkout.migci("rebase", status=1 if driver else 0)
    assert ("edits the line of users.py" if driver else "the conflict is resolved") in said


@pytest.mark.parametrize("side", ["--ours", "--theirs"])
@pytest.mark.parametrize("words", [("rebase",), ("merge",)], ids=" ".join)
def test_a_conflict_is_resolved_also_where_the_file_is_one_of_its_sides(
    words: tuple[str, ...], side: str, tmp_path: Path
) -> None:
    """As git leaves it where the merge driver could not be started."""
    checkout = lists(tmp_path)
    checkout.git(*words, "main", status=1)
    checkout.git("checkout", side, "--", ORDER)
    assert f"{ORDER}: the conflict is resolved" in checkout.migci("rebase")
    assert checkout.git("diff", "--name-only", "--diff-filter=U") == ""
    assert "verdict: passed" in checkout.migci("check", "--trunk", "main")
    assert checkout.numbers()["2"] == ["orders.py"]


def test_in_the_middle_of_a_rebase_the_edit_of_a_script_is_staged_so_that_git_can_go_on(tmp_path: Path) -> None:
    """Both have touched another file, so git stops at x."""
    checkout = Checkout(tmp_path / "shop")
    checkout.commit({**ALEMBIC_PROJECT, **revisions("ab"), "notes": "one\n"})
    checkout.branch("mine")
    checkout.commit({**revision("x", "b"), "notes": "mine\n"})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({**revision("c", "b"), "notes": "theirs\n"})
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("rebase", "main", status=1)
    said = checkout.migci("rebase")
    assert f"in git's index, too: {ALEMBIC}/x.py" in said
    assert checkout.git("diff", "--name-only", "--diff-filter=U") == "notes"
    checkout.write({"notes": "both\n"})
    checkout.git("add", "notes")
    checkout.git("rebase", "--continue")
    assert checkout.git("status", "--porcelain") == ""
    assert "passed" in checkout.migci("check")


def test_a_conflict_in_the_list_and_the_scripts_of_alembic_are_put_right_together(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit({**ALEMBIC_PROJECT, **revisions("ab"), IDS: ids("ab")})
    checkout.branch("mine")
    checkout.commit({**revisions("xy", "b"), IDS: ids("abxy")})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({**revision("c", "b"), IDS: ids("abc")})
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("merge", "main", status=1)
    assert "x follows c, instead of b" in checkout.migci("rebase")
    checkout.git("commit", "--quiet", "--no-edit")
    assert checkout.text(IDS) == ids("abcxy")
    assert "passed" in checkout.migci("check")


@pytest.mark.parametrize("made", MADE)
def test_a_dry_run_shows_the_plan_and_changes_nothing(made: Callable[[Path], Checkout], tmp_path: Path) -> None:
    checkout = made(tmp_path)
    before = checkout.state()
    shown = checkout.migci("rebase", "--dry-run")
    assert checkout.state() == before
    assert checkout.migci("rebase").startswith(shown)


def test_tests_that_speak_of_the_old_number_are_told_and_not_edited(tmp_path: Path) -> None:
    checkout = numbers(tmp_path)
    text = "def _check_002(engine):\n    at = 12002\n    migrate('002_notes')\n    pip = 'x==2.0'\n"
    checkout.commit({"app/tests/test_migrations.py": text})
    said = checkout.migci("rebase")
    assert "app/tests/test_migrations.py:1: def _check_002(engine):" in said
    assert "app/tests/test_migrations.py:3:" in said
    assert "app/tests/test_migrations.py:2:" not in said
    assert "app/tests/test_migrations.py:4:" not in said
    assert checkout.text("app/tests/test_migrations.py") == text


@pytest.mark.parametrize("folder", [f"{NUMBERED}/tests", "app/checks"])
def test_a_migrations_own_test_is_renamed_with_it(folder: str, tmp_path: Path) -> None:
    checkout = numbers(tmp_path)
    settings = '[project]\nname = "shop"\ntool = "sqlalchemy-migrate"\nmigrations = "repository"\ntrunk = "main"\n'
    settings += '[project.versions]\ntests = "app/checks"\n[datasets.empty]\nsource = "empty"\n'
    tests = {f"{folder}/{name}_test.py": f"# {name}\n" for name in ("001_users", "002_notes", "labels", "002_other")}
    checkout.commit({"migci.toml": settings, **tests})
    said = checkout.migci("rebase")
    assert f"{folder}/002_notes_test.py -> {folder}/003_notes_test.py" in said
    assert checkout.text(f"{folder}/003_notes_test.py") == "# 002_notes\n"
    left = {path.name for path in (checkout.top / folder).iterdir()}
    assert left == {"001_users_test.py", "003_notes_test.py", "labels_test.py", "002_other_test.py"}
    assert f"{folder}/003_notes_test.py" in checkout.git("diff", "--cached", "--name-only", "--no-renames")
    assert "nothing to do" in checkout.migci("rebase")


# Killed in the middle

AT_EACH = """
import os, signal, sys
calls = {"left": int(sys.argv.pop(1))}
def counted(real, word=None):
    def call(*arguments, **more):
        if word in arguments[0] if word else str(arguments[0]).startswith(os.getcwd()):
            if calls["left"] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            calls["left"] -= 1
        return real(*arguments, **more)
    return call
for name in ("rename", "replace", "unlink"):
    setattr(os, name, counted(getattr(os, name)))
import subprocess
subprocess.run = counted(subprocess.run, b"update-index")
from migci.cli import main
main()
"""


def killed(checkout: Checkout, after: int) -> bool:
    """Run a rebase that kills itself before it next moves a file or writes git's index; whether it came to that."""
    done = subprocess.run(
        [sys.executable, "-c", AT_EACH, str(after), "versions", "rebase"],
        cwd=checkout.top,
        env={**os.environ, **SETTINGS_OF_NOBODY, "TMPDIR": str(checkout.top.parent)},
        capture_output=True,
    )
    return done.returncode == -signal.SIGKILL


@pytest.mark.parametrize(("made", "calls"), [(alembic, 1), (lists, 1), (numbers, 6)])
def test_what_a_killed_rebase_left_is_ended_by_the_next(
    made: Callable[[Path], Checkout], calls: int, tmp_path: Path
) -> None:
    checkout = made(tmp_path)
    variants = {f"{NUMBERED}/002_notes_sqlite_upgrade.sql": "SELECT 1;\n"} if made is numbers else {}
    start = checkout.commit(variants)
    checkout.migci("rebase")
    wanted = checkout.state()
    kills = 0
    while True:
        checkout.git("reset", "--quiet", "--hard", start)
        checkout.git("clean", "--quiet", "-fd")
        if not killed(checkout, kills):
            break
        kills += 1
        checkout.migci("rebase")
        assert checkout.state() == wanted, f"killed before call {kills}"
    assert checkout.state() == wanted
    assert kills >= calls


@pytest.mark.parametrize("after", range(1, 5))
def test_what_a_killed_rebase_began_is_not_done_to_another_branch(after: int, tmp_path: Path) -> None:
    checkout = numbers(tmp_path)
    assert killed(checkout, after)
    checkout.git("reset", "--quiet", "--hard")
    checkout.git("clean", "--quiet", "-fd")
    checkout.git("checkout", "--quiet", "main")
    before = checkout.state()
    assert "nothing to do" in checkout.migci("rebase")
    assert checkout.state() == before
    assert checkout.git("status", "--porcelain") == ""


# What is broken


def test_the_same_in_a_folder_without_git(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    (checkout.top / ".git").rename(tmp_path / "gone")
    assert "there is no trunk" in checkout.migci("rebase", status=2, GIT_CEILING_DIRECTORIES=str(tmp_path))


def test_trunk_was_not_fetched(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    before = checkout.state()
    assert "there is no commit 'origin/main'" in checkout.migci("rebase", "--trunk", "origin/main", status=2)
    assert checkout.state() == before


def test_a_detached_head_has_a_history_too(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    checkout.git("checkout", "--quiet", "--detach")
    assert "x follows c, instead of b" in checkout.migci("rebase")


def test_a_shallow_clone_says_what_it_needs(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    source = checkout.top
    checkout.top = tmp_path / "shallow"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{source}", str(checkout.top)],
        check=True,
    )
    before = checkout.state()
    assert "git fetch --unshallow" in checkout.migci("rebase", "--trunk", "origin/main", status=2)
    assert checkout.state() == before


def test_on_trunk_itself_there_is_nothing_to_do(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    checkout.git("checkout", "--quiet", "main")
    assert "nothing to do" in checkout.migci("rebase")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (f"{ALEMBIC}/x.py", b'revision = "x"\ndown_revision = f"{x}"\n'),
        (f"{ALEMBIC}/x.py", b"revision = (\n"),
        (f"{ALEMBIC}/x.py", b"\xff\xfe\0"),
        (f"{ALEMBIC}/y.py", revision("y", "x")[f"{ALEMBIC}/y.py"].replace('"x"', '("x", "c")').encode()),
        (IDS, b'["a", "b"'),
        (IDS, b'["a", "a"]'),
        (IDS, b'{"1": ["a.py"]}'),
        ("alembic.ini", b"[alembic]\nscript_location = ../elsewhere\n"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_changed(name: str, content: bytes, tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    checkout.write({name: content})
    before = checkout.state()
    status = 2 if name == "alembic.ini" else 1
    said = checkout.migci("rebase", status=status)
    assert said.startswith("migci: ")
    assert "hint: " in said
    assert checkout.state() == before


def test_a_file_that_is_called_as_what_is_written_beside_is_left_alone(tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    mine = {f"{NUMBERED}/.migci-versions.json.tmp": "mine\n"}
    checkout.commit(mine)
    checkout.migci("rebase")
    checkout.write({f"{NUMBERED}/more.py": ""})
    checkout.migci("add", f"{NUMBERED}/more.py")
    assert {name: checkout.text(name) for name in mine} == mine
    assert not [name for name in checkout.state() if ".migci-" in name and name not in mine]


def test_a_script_in_conflict_is_for_a_person(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({f"{ALEMBIC}/x.py": "# theirs\n"})
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("merge", "main", status=1)
    before = checkout.state()
    checkout.migci("rebase", status=1)
    assert checkout.state() == before


def test_two_repositories_of_one_project_are_moved_together_or_not_at_all(tmp_path: Path) -> None:
    checkout = alembic(tmp_path)
    for branch, files in (("main", ["users", "orders"]), ("mine", ["users", "notes"])):
        checkout.git("checkout", "--quiet", branch)
        checkout.commit(numbered(files))
    both = ("--migrations", "alembic.ini", "--migrations", "repository")
    in_the_way = checkout.top / NUMBERED / "003_notes.py"
    in_the_way.mkdir()
    before = checkout.state()
    checkout.migci("rebase", *both, status=1)
    assert checkout.state() == before
    in_the_way.rmdir()
    assert "x follows c" in checkout.migci("rebase", *both)
    assert (checkout.top / NUMBERED / "003_notes.py").is_file()


# Whatever happened meanwhile, through git


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("driver", [False, True], ids=["by command", "by driver"])
def test_however_git_brings_them_together_the_history_is_linear_and_what_landed_is_as_it_was(
    driver: bool, seed: int, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    names = [f"m{number}" for number in range(12)]
    landed, since, own = ([names.pop() for _ in range(dice.randint(1, 3))] for _ in range(3))
    checkout = Checkout(tmp_path / "shop")
    if driver:
        checkout.use_driver()
    checkout.commit(by_list(landed))
    checkout.branch("mine")
    for place in range(len(own)):
        checkout.commit(by_list([*landed, *own[: place + 1]], own[place : place + 1]))
    checkout.git("checkout", "--quiet", "main")
    for place in range(len(since)):
        checkout.commit(by_list([*landed, *since[: place + 1]], since[place : place + 1]))
    checkout.git("checkout", "--quiet", "mine")
    words = dice.choice(["rebase", "merge"])
    checkout.git(words, *(["--no-edit"] if words == "merge" else []), "main", status=0 if driver else 1)
    for _ in own:
        if checkout.git("diff", "--name-only", "--diff-filter=U"):
            checkout.migci("rebase")
            checkout.git(words, "--continue", status=None)
    assert checkout.git("status", "--porcelain") == ""
    assert checkout.text(ORDER) == listed([*landed, *since, *own])
    assert "passed" in checkout.migci("check", "HEAD", "--trunk", "main")
    assert "passed" in checkout.migci("check", "main")


# add


def test_a_script_gets_the_next_number_with_its_variants(tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    names = ("counts.py", "counts_sqlite_upgrade.sql", "counts_ibm_db_sa_downgrade.sql", "counts_more_sqlite.sql")
    checkout.write({f"{NUMBERED}/{name}": "" for name in names})
    before = checkout.state()
    said = checkout.migci("add", f"{NUMBERED}/counts_sqlite_upgrade.sql")
    assert said == f"{ORDER}: number 4: counts.py, counts_ibm_db_sa_downgrade.sql, counts_sqlite_upgrade.sql\n"
    assert {name for name, content in checkout.state().items() if content != before[name]} == {ORDER}
    assert checkout.migci("add", f"{NUMBERED}/counts_more_sqlite.sql").endswith("number 5: counts_more_sqlite.sql\n")
    assert list(checkout.numbers()) == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("asked", ["orders.py", "orders_sqlite_upgrade.sql"])
def test_a_landed_script_whose_line_was_lost_gets_no_other_number(asked: str, tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    checkout.git("checkout", "--quiet", "main")
    text = checkout.text(ORDER)
    lost = text.replace(',\n  "2": ["orders.py"]', "")
    checkout.write({ORDER: lost, f"{NUMBERED}/orders_sqlite_upgrade.sql": "", f"{NUMBERED}/more.py": ""})
    said = checkout.migci("add", f"{NUMBERED}/{asked}", status=2)
    assert "already, as number 2: it is its line in repository/versions/versions.json that was lost" in said
    assert "hint: migci versions rebase brings the line back" in said
    assert checkout.text(ORDER) == lost
    (checkout.top / NUMBERED / "orders_sqlite_upgrade.sql").unlink()
    checkout.migci("rebase")
    assert checkout.text(ORDER) == text
    assert checkout.migci("add", f"{NUMBERED}/more.py").endswith("number 3: more.py\n")


def test_a_landed_revision_whose_line_was_lost_is_not_appended(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.commit({**ALEMBIC_PROJECT, **revisions("abc"), IDS: ids("abc")})
    checkout.branch("mine")
    checkout.write({**revision("d", "c"), IDS: ids("ac")})
    before = checkout.state()
    said = checkout.migci("add", f"{ALEMBIC}/b.py", status=2)
    assert "trunk has migrations/versions/b.py already, as b" in said
    assert checkout.state() == before
    assert "migci versions rebase brings it back" in checkout.migci("check", status=1)
    checkout.migci("rebase")
    assert checkout.text(IDS) == ids("abc")
    checkout.migci("add", f"{ALEMBIC}/d.py")
    assert checkout.text(IDS) == ids("abcd")


def test_where_git_does_not_tell_what_trunk_has_a_script_is_added_all_the_same(tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    settings = '[project]\nname = "shop"\ntool = "sqlalchemy-migrate"\nmigrations = "repository"\n'
    settings += 'trunk = "origin/gone"\n[datasets.empty]\nsource = "empty"\n'
    checkout.write({f"{NUMBERED}/more.py": "", "migci.toml": settings})
    assert checkout.migci("add", f"{NUMBERED}/more.py").endswith("number 4: more.py\n")


def test_the_first_script_of_an_empty_list_gets_number_1(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.write({ORDER: "{}\n", f"{NUMBERED}/users.py": script("users"), "repository/migrate.cfg": ""})
    checkout.migci("add", f"{NUMBERED}/users.py")
    assert checkout.numbers() == {"1": ["users.py"]}


def test_a_revision_of_alembic_is_appended_to_the_list(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.write({**ALEMBIC_PROJECT, **revisions("abc"), IDS: '[\r\n  "a"\r\n]\r\n'})
    assert "add migrations/versions/b.py" in checkout.migci("add", f"{ALEMBIC}/c.py", status=2)
    checkout.migci("add", f"{ALEMBIC}/b.py")
    checkout.migci("add", f"{ALEMBIC}/c.py")
    assert (checkout.top / IDS).read_bytes() == ids("abc").replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("users.py", "lists users.py already, as number 1"),
        ("007_late.py", "git mv repository/versions/007_late.py repository/versions/late.py; then migci versions add"),
        ("none.py", "there is no repository/versions/none.py"),
        ("notes.txt", "no script that can be added"),
        ("linked.py", "no script that can be added"),
        ("__init__.py", "no script that can be added"),
        ("users_sqlite_upgrade.sql", "has users already, as number 1"),
        ("../../elsewhere.py", "in none of the folders of migrations"),
    ],
)
def test_what_makes_no_sense_is_not_added(name: str, why: str, tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    checkout.write({f"{NUMBERED}/{file}": "" for file in ("notes.txt", "__init__.py", "users_sqlite_upgrade.sql")})
    checkout.write({f"{NUMBERED}/007_late.py": ""})
    checkout.write({"elsewhere.py": ""})
    (checkout.top / NUMBERED / "linked.py").symlink_to("users.py")
    before = checkout.state()
    assert why in checkout.migci("add", f"{NUMBERED}/{name}", status=2)
    assert checkout.state() == before


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["upgrade.sql"], "lists 'upgrade.sql', which is no name of a script"),
        (["bar_sqlite.sql", "bar_sqlite_upgrade.sql"], "lists for 4 what only one file can be"),
        (["red\x1b[31m.py"], "which is no name of a script"),
    ],
    ids=["no database", "two for the same", "a control character"],
)
def test_what_versions_json_cannot_list_is_not_added(names: list[str], why: str, tmp_path: Path) -> None:
    checkout = lists(tmp_path)
    checkout.write({f"{NUMBERED}/{name}": "" for name in names})
    before = checkout.state()
    said = checkout.migci("add", f"{NUMBERED}/{names[0]}", status=2)
    assert why in said
    assert "\x1b" not in said
    assert checkout.state() == before


def test_nothing_is_added_to_a_list_that_is_none(tmp_path: Path) -> None:
    checkout = numbers(tmp_path)
    assert "there is no repository/versions/versions.json" in checkout.migci(
        "add", f"{NUMBERED}/001_users.py", status=2
    )
    for text in ("{", '{"1": ["a.py"], "1": ["b.py"]}', "[]"):
        checkout.write({ORDER: text, f"{NUMBERED}/more.py": ""})
        assert "versions.json" in checkout.migci("add", f"{NUMBERED}/more.py", status=2)
        assert checkout.text(ORDER) == text
