"""versions.json as sqlalchemy-migrate's part reads it: strictly, and as it adds to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.adapters.agent.migci_agent import versions_file
from migci.core.naming import purpose
from tests.contract.broken_versions import BROKEN, FILES, Broken


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).touch()
    return tmp_path


def test_it_says_the_files_of_each_number_in_order(folder: Path) -> None:
    text = '{"133": ["folsom.py"], "1000": ["counters.py", "counters_sqlite_upgrade.sql"]}'
    (folder / "versions.json").write_text(text)
    assert list(versions_file.read(folder).items()) == [
        (133, ["folsom.py"]),
        (1000, ["counters.py", "counters_sqlite_upgrade.sql"]),
    ]


def test_what_is_not_listed_and_not_numbered_is_left_alone(folder: Path) -> None:
    for name in ("__init__.py", "helper.py", "12_angry_men.py", "134_notes.txt", "134_counters.py.orig"):
        (folder / name).touch()
    (folder / "versions.json").write_text("{}")
    assert versions_file.read(folder) == {}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_what_says_no_order_is_refused_with_what_is_wrong(
    broken: Broken, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for name in broken.beside:
        (folder / name).mkdir() if name.endswith("/") else (folder / name).touch()
    text = broken.text if isinstance(broken.text, bytes) else broken.text.encode()
    (folder / "versions.json").write_bytes(text)
    with pytest.raises(versions_file.BrokenVersions) as refused:
        versions_file.read(folder)
    said = str(refused.value)
    assert said.startswith(f"{folder.name}/versions.json: ")
    assert broken.said in said


def test_a_link_to_nowhere_is_refused_and_not_taken_for_no_file(folder: Path) -> None:
    (folder / "versions.json").symlink_to("nowhere")
    assert versions_file.there(folder)
    with pytest.raises(versions_file.BrokenVersions, match="cannot be read: No such file"):
        versions_file.read(folder)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("folsom.py", ()),
        ("counters_sqlite_upgrade.sql", ("sqlite", "upgrade")),
        ("counters_default_downgrade.sql", ("default", "downgrade")),
        ("counters_sqlite.sql", ("sqlite", "upgrade")),
        ("sqlite_upgrade.sql", ("sqlite", "upgrade")),
        ("add_more_ibm_db_sa_downgrade.sql", ("ibm_db_sa", "downgrade")),
        ("folsom.txt", None),
        ("folsom", None),
        (".py", None),
        ("..py", None),
        ("a/b.py", None),
        ("a\\b.py", None),
        ("a\n.py", None),
        ("_upgrade.sql", None),
        ("upgrade.sql", None),
        (".sql", None),
    ],
)
def test_a_name_says_what_a_file_is_for(name: str, kind: tuple[str, ...] | None) -> None:
    assert versions_file.kind(name) == kind
    assert purpose(name) == kind


@given(
    st.text(st.sampled_from("a_./\\é\n")),
    st.sampled_from(("py", "sql", ".py", ".sql", "upgrade.sql", "_ibm_db_sa.sql")),
)
def test_what_checks_the_file_says_the_same_of_every_name(stem: str, ending: str) -> None:
    assert versions_file.kind(stem + ending) == purpose(stem + ending)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "200": ["counters.py"]\n}'),
        ("{\n}\n", '{\n  "200": ["counters.py"]\n}\n'),
        ('{\n  "133": ["folsom.py"]\n}\n', '{\n  "133": ["folsom.py"],\n  "200": ["counters.py"]\n}\n'),
        ('{"133":["folsom.py"]}', '{"133":["folsom.py"],\n  "200": ["counters.py"]\n}'),
        ('{\r\n"133": ["folsom.py"]\r\n}\r\n', '{\r\n"133": ["folsom.py"],\r\n  "200": ["counters.py"]\r\n}\r\n'),
    ],
)
def test_a_number_is_added_behind_the_others_which_keep_their_form(before: str, after: str, folder: Path) -> None:
    path = folder / "versions.json"
    path.write_bytes(before.encode())
    path.chmod(0o640)
    versions_file.append(folder, 200, ["counters.py"])
    assert path.read_bytes() == after.encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in folder.iterdir()) == sorted((*FILES, "versions.json"))


def test_a_number_that_does_not_come_last_is_not_added(folder: Path) -> None:
    path = folder / "versions.json"
    path.write_text('{"133": ["folsom.py"]}')
    with pytest.raises(versions_file.BrokenVersions, match="number 133 does not come after 133"):
        versions_file.append(folder, 133, ["counters.py"])
    assert path.read_text() == '{"133": ["folsom.py"]}'
