"""Names for numbered migrations: what is planned, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.adapters.agent.migci_agent import versions_file
from migci.core.mentions import Mention, mentions
from migci.core.naming import VERSIONS, Move, Plan, finished, is_numbered, plan
from migci.errors import UsageError
from tests.contract.named import NAMES, SCRIPTS
from tests.contract.named import VERSIONS as EXPECTED


def test_every_script_is_called_what_it_was_called_without_its_number() -> None:
    planned = plan(
        [*SCRIPTS, "__init__.py", "README", "helper.py", "12_angry_men.py", "004_notes.txt", "001_users.pyc"]
    )
    assert {move.old: move.new for move in planned.moves} == NAMES
    assert planned.text == EXPECTED


@pytest.mark.parametrize(
    ("names", "renamed"),
    [
        (["007_a.py", "0008_b.py", "20130101120000_c.py"], ["a.py", "b.py", "c.py"]),
        (["007.py", "008.py", "009_.py"], ["unnamed.py", "unnamed_2.py", "unnamed_3.py"]),
        (["007a.py", "008-b.py", "009__c.py", "010 d.py"], ["a.py", "b.py", "c.py", "d.py"]),
        (["007_2013_fix.py", "008_13_fix.py"], ["_2013_fix.py", "13_fix.py"]),
        (["007_a.py", "008_a_2.py", "009_a.py", "010_A.py"], ["a.py", "a_2.py", "a_3.py", "A_4.py"]),
        (["007_a.py", "007_sqlite_upgrade.sql"], ["a.py", "a_sqlite_upgrade.sql"]),
        (["007_a.py", "007_b_sqlite_upgrade.sql"], ["a.py", "b_sqlite_upgrade.sql"]),
        (["007_a.py", "008_a_sqlite_upgrade.sql"], ["a.py", "a_2_sqlite_upgrade.sql"]),
        (["007_a_ibm_db_sa_upgrade.sql"], ["a_ibm_db_sa_upgrade.sql"]),
        (["007_a_test.py", "008_überblick.py"], ["a_test.py", "überblick.py"]),
    ],
)
def test_names_are_made(names: list[str], renamed: list[str]) -> None:
    planned = plan(names)
    assert [(move.old, move.new) for move in planned.moves] == list(zip(names, renamed, strict=True))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["007_a.py", "007_b.py"], "number 7 has two files for the same: 007_a.py, 007_b.py"),
        (["007_a.py", "0007_a.py"], "number 7 has two files for the same: 0007_a.py, 007_a.py"),
        (
            ["007_a_sqlite_upgrade.sql", "007_b_sqlite_upgrade.sql"],
            "number 7 has two files for the same: 007_a_sqlite_upgrade.sql, 007_b_sqlite_upgrade.sql",
        ),
        (["000_a.py"], "000_a.py has the number 0, where sqlalchemy-migrate begins: it never runs"),
        (
            ["007_a_sqlite.sql"],
            "007_a_sqlite.sql does not end in _DATABASE_upgrade.sql or _DATABASE_downgrade.sql: it never runs",
        ),
        (
            ["007_upgrade.sql"],
            "007_upgrade.sql does not end in _DATABASE_upgrade.sql or _DATABASE_downgrade.sql: it never runs",
        ),
        (["007_a.numpy"], "007_a.numpy is taken for a script by sqlalchemy-migrate, and its name is none"),
        (["007_a\n.py"], "007_a\n.py is taken for a script by sqlalchemy-migrate, and its name is none"),
        (["007_\udcff.py"], "007_\\udcff.py is taken for a script by sqlalchemy-migrate, and its name is none"),
        (["007_a.py", "008_notes.txt"], "number 8 has no script: 008_notes.txt"),
        (["007_helper.py", "helper.py"], "007_helper.py would be called helper.py, and helper.py is there already"),
        (["007_helper.py", "Helper.py"], "007_helper.py would be called helper.py, and Helper.py is there already"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_reason(names: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        plan(names)
    assert refused.value.message == f"the folder cannot be imported as it is; nothing was changed:\n{said}"


def test_of_many_reasons_the_first_ten_are_told() -> None:
    with pytest.raises(UsageError) as refused:
        plan([f"{number:03}.numpy" for number in range(1, 14)])
    assert len(refused.value.message.splitlines()) == 12
    assert refused.value.message.endswith("\n… and 3 more")


@pytest.mark.timeout(20)
def test_ten_thousand_scripts_of_one_name_are_named_in_no_time() -> None:
    planned = plan(f"{number:05}_placeholder.py" for number in range(1, 10_001))
    assert planned.moves[-1] == Move(10_000, "10000_placeholder.py", "placeholder_10000.py")


def test_what_was_interrupted_is_found_in_versions_json() -> None:
    left = ["003_placeholder.py", "004_add_counters_sqlite_downgrade.sql", "005_default_upgrade.sql"]
    assert finished(left, json.loads(EXPECTED)) == Plan(
        (
            Move(3, "003_placeholder.py", "placeholder_2.py"),
            Move(4, "004_add_counters_sqlite_downgrade.sql", "add_counters_sqlite_downgrade.sql"),
            Move(5, "005_default_upgrade.sql", "unnamed_default_upgrade.sql"),
        )
    )


@pytest.mark.parametrize("name", ["007_late.py", "001_users_sqlite_upgrade.sql"])
def test_a_numbered_script_that_versions_json_does_not_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"versions.json is there already, and {name} is not in it")):
        finished([name], json.loads(EXPECTED))


def test_lines_that_name_an_old_file_are_found_and_no_others() -> None:
    planned = plan(["030_a.py", "030_a_sqlite_upgrade.sql", "031_a.py"])
    python, sql, next_ = planned.moves
    lines = [
        ("t.py", 1, 'import_module("versions.030_a")'),
        ("t.py", 2, "see 031_a.py and 030_a.py"),
        ("t.py", 3, "030_ab.py 1030_a.py x030_a.py _030_a.py 030_A.py 30_a.py _check_030"),
        ("t.py", 4, "open('030_a_sqlite_upgrade.sql'), 030_a.py, 030_a.py"),
        ("t.py", 5, "0301 030"),
    ]
    assert list(mentions(lines, planned)) == [
        Mention("t.py", 1, python),
        Mention("t.py", 2, python),
        Mention("t.py", 2, next_),
        Mention("t.py", 4, python),
        Mention("t.py", 4, sql),
    ]


WORDS = st.text(st.sampled_from("aA_2é-"), max_size=4)
ENDINGS = st.sampled_from(
    (".py", "_sqlite_upgrade.sql", "_sqlite_downgrade.sql", "_default_upgrade.sql", "_ibm_db_sa_upgrade.sql")
)


@st.composite
def folders(draw: st.DrawFn) -> dict[str, bytes]:
    """A folder that sqlalchemy-migrate can run: each number has at most one file for each thing."""
    files = {}
    for number in draw(st.lists(st.integers(1, 40), unique=True, max_size=8)):
        for ending in draw(st.lists(ENDINGS, unique=True, min_size=1, max_size=4)):
            digits = "0" * draw(st.integers(0, 2)) + f"{number:03}"
            files[f"{digits}_{draw(WORDS)}{ending}"] = draw(st.binary(max_size=3))
    return files


@given(folders())
def test_an_import_keeps_every_number_every_file_and_what_each_is_for(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    planned = plan(files)
    assert sorted(move.old for move in planned.moves) == sorted(files)
    assert len({move.new.casefold() for move in planned.moves}) == len(files)
    assert not any(is_numbered(move.new) for move in planned.moves)
    folder = tmp_path_factory.mktemp("versions")
    for move in planned.moves:
        (folder / move.new).write_bytes(files[move.old])
    (folder / VERSIONS).write_text(planned.text)
    before = {(int(name.split("_")[0]), versions_file.kind(f"x{name}"), text) for name, text in files.items()}
    read = versions_file.read(folder)
    after = {
        (number, versions_file.kind(f"x_{name}"), (folder / name).read_bytes())
        for number, names in read.items()
        for name in names
    }
    assert after == before
    left = finished(files, {str(number): names for number, names in read.items()})
    assert {move.old: move.new for move in left.moves} == {move.old: move.new for move in planned.moves}
    _remove(folder)


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
