"""Reading a tree's migrations, by alembic's headers, by numbers, by versions.json: what there is, and what is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.adapters.scripts.alembic import AlembicScripts
from migci.adapters.scripts.locations import locations
from migci.adapters.scripts.numbered import NumberedScripts
from migci.adapters.scripts.repositories import READERS, reader_of
from migci.adapters.scripts.trees import LONGEST_BYTES, DiskFiles
from migci.core.finding import Finding, Severity
from migci.core.order import check, summary, trunks_own
from migci.core.scripts import Listing
from migci.errors import UsageError
from migci.ports import NoMigrations
from tests.fakes import FakeFiles

CFG = "[db_settings]\nrepository_id = shop\nversion_table = migrate_version\n"
INI = "[alembic]\nscript_location = migrations\n"


def tree(folder: Path, files: Mapping[str, str | bytes]) -> DiskFiles:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return DiskFiles(folder)


def alembic(id: str, parent: str | None = None, more: str = "") -> str:
    return f'"""{id}"""\nrevision = {id!r}\ndown_revision = {parent!r}\n{more}\ndef upgrade():\n    pass\n'


def told(findings: tuple[Finding, ...]) -> list[str]:
    return [f"{one.id} {one.message}" for one in findings]


# alembic

SHOP = {
    "alembic.ini": INI,
    "migrations/env.py": "",
    "migrations/versions/b_two.py": alembic("b", "a"),
    "migrations/versions/a_one.py": alembic("a"),
}


def read_alembic(folder: Path, more: Mapping[str, str | bytes] | None = None) -> Listing:
    return AlembicScripts("alembic.ini").read(tree(folder, {**SHOP, **(more or {})}))


def test_alembics_scripts_are_read_with_where_each_says_its_order(tmp_path: Path) -> None:
    found = read_alembic(tmp_path)
    assert [(one.id, one.parents, one.files, one.place, one.line) for one in found.chain] == [
        ("a", (), ("migrations/versions/a_one.py",), "migrations/versions/a_one.py", 3),
        ("b", ("a",), ("migrations/versions/b_two.py",), "migrations/versions/b_two.py", 3),
    ]
    assert found.folders == ("migrations/versions",)
    assert found.order is None
    assert check(found) == ()


def test_what_alembic_does_not_take_for_a_script_is_none(tmp_path: Path) -> None:
    more = {f"migrations/versions/{name}": "x" for name in ("__init__.py", ".#a_one.py", "README", "a_one.pyc")}
    more["migrations/versions/deep/c.py"] = alembic("c", "b")
    more["migrations/versions/__pycache__/d.py"] = alembic("d", "b")
    found = read_alembic(tmp_path, more)
    assert [one.id for one in found.chain] == ["a", "b"]
    assert (found.findings, found.others) == ((), ())


def test_sql_among_alembics_scripts_is_told_as_none_of_them(tmp_path: Path) -> None:
    assert read_alembic(tmp_path, {"migrations/versions/c.sql": ""}).others == ("migrations/versions/c.sql",)


def test_a_script_without_a_revision_is_told_unless_its_name_is_one(tmp_path: Path) -> None:
    versions = "migrations/versions"
    found = read_alembic(tmp_path, {f"{versions}/c_three.py": "x = 1\n", f"{versions}/ae10.py": "down_revision = None"})
    assert told(found.findings) == ["MC013 migrations/versions/c_three.py cannot be understood: it says no revision"]
    assert "ae10" in found.by_id
    assert found.unread == ("migrations/versions/c_three.py",)


def test_a_file_that_is_empty_is_no_script_even_where_its_name_is_an_id(tmp_path: Path) -> None:
    found = read_alembic(tmp_path, {"migrations/versions/ae10.py": ""})
    assert told(found.findings) == ["MC013 migrations/versions/ae10.py cannot be understood: it says no revision"]


def test_mc009_a_label_that_is_there_twice_or_is_an_id_is_told_with_file_and_line(tmp_path: Path) -> None:
    labels = 'branch_labels = ["x", "a"]'
    found = read_alembic(
        tmp_path,
        {
            "migrations/versions/c_three.py": alembic("c", "b", 'branch_labels = "x"'),
            "migrations/versions/d_four.py": alembic("d", "c", labels),
        },
    )
    assert told(found.findings) == [
        "MC009 branch label x of migrations/versions/d_four.py is also a label of migrations/versions/c_three.py",
        "MC009 branch label a of migrations/versions/d_four.py is also the id of migrations/versions/a_one.py",
    ]
    assert {(one.severity, one.file, one.line) for one in found.findings} == {
        (Severity.ERROR, "migrations/versions/d_four.py", 3)
    }


def test_labels_that_are_computed_in_the_same_words_may_be_different_ones(tmp_path: Path) -> None:
    files = {
        "migrations/versions/c_three.py": alembic("c", "b", "branch_labels = (label(),)"),
        "migrations/versions/d_four.py": alembic("d", "c", "branch_labels = (label(),)"),
    }
    assert read_alembic(tmp_path, files).findings == ()


def test_links_and_folders_with_the_names_of_scripts_are_told(tmp_path: Path) -> None:
    files = tree(tmp_path, SHOP)
    (tmp_path / "migrations/versions/c.py").symlink_to("a_one.py")
    (tmp_path / "migrations/versions/d.py").mkdir()
    os.mkfifo(tmp_path / "migrations/versions/e.py")
    found = AlembicScripts("alembic.ini").read(files)
    assert told(found.findings) == [
        "MC013 migrations/versions/c.py is a link: what it leads to is not looked at",
        "MC013 migrations/versions/d.py is a folder with the name of a script",
        "MC013 migrations/versions/e.py is no file",
    ]
    assert [one.id for one in found.chain] == ["a", "b"]


def test_a_folder_of_scripts_that_is_a_link_is_told(tmp_path: Path) -> None:
    files = tree(tmp_path, {name.replace("/versions/", "/real/"): text for name, text in SHOP.items()})
    (tmp_path / "migrations/versions").symlink_to("real")
    found = AlembicScripts("alembic.ini").read(files)
    assert told(check(found)) == [
        "MC013 migrations/versions is a link, or lies behind one: what it leads to is not looked at"
    ]


def test_a_script_that_is_too_long_is_told(tmp_path: Path) -> None:
    found = read_alembic(tmp_path, {"migrations/versions/c.py": b"#" * (LONGEST_BYTES + 1)})
    assert told(check(found)) == ["MC013 migrations/versions/c.py cannot be read, or is longer than 1 MB"]


def test_a_syntax_error_is_one_finding_and_the_script_keeps_its_place(tmp_path: Path) -> None:
    found = read_alembic(tmp_path, {"migrations/versions/a_one.py": alembic("a") + "def downgrade(:\n"})
    ((one),) = check(found)
    assert (one.id, one.file, one.line) == ("MC013", "migrations/versions/a_one.py", 7)


CONFLICT = "<<<<<<< HEAD\n{0}\n=======\n{1}\n>>>>>>> mine\n"


def test_mc013_the_marks_of_a_conflict_are_told_with_their_line_and_no_syntax_is_spoken_of(tmp_path: Path) -> None:
    in_header = CONFLICT.format('down_revision = "a"', 'down_revision = "c"')
    in_body = alembic("b", "a") + CONFLICT.format("x = 1", "x = 2").replace("\n", "\r\n")
    for place, text, line in (("header", f'revision = "b"\n{in_header}', 2), ("body", in_body, 7)):
        found = read_alembic(tmp_path / place, {"migrations/versions/b_two.py": text})
        (said,) = check(found)
        assert told((said,)) == ["MC013 migrations/versions/b_two.py holds the marks of a conflict that git left"]
        assert (said.line, said.hint) == (line, "resolve it in the file, then git add it")
    files = {"001_a.py": "x = 1\n" + CONFLICT.format(1, 2), "002_b_sqlite_upgrade.sql": CONFLICT.format(1, 2)}
    assert [(one.id, one.line) for one in check(numbered(tmp_path / "sql", files))] == [("MC013", 2), ("MC013", 1)]
    quoted = {"001_a.py": f'"""\n{CONFLICT}"""\n'}
    assert check(numbered(tmp_path / "quoted", quoted)) == ()


def test_names_that_are_no_utf8_are_names(tmp_path: Path) -> None:
    odd = os.fsdecode(b"migrations/versions/caf\xe9.py")
    assert [one.files[0] for one in read_alembic(tmp_path, {odd: alembic("c", "b")}).chain][-1] == odd


def test_a_list_beside_the_scripts_is_their_order(tmp_path: Path) -> None:
    place = "migrations/versions/versions.json"
    found = read_alembic(tmp_path, {place: '[\n"a",\n"b"\n]'})
    assert (found.order, found.order_lines, check(found)) == (("a", "b"), (2, 3), ())
    assert told(check(read_alembic(tmp_path, {place: '["a", "a", "b"]'}))) == [f"MC012 {place} lists a twice"]
    assert told(check(read_alembic(tmp_path, {place: '{"1": ["a_one.py"]}'}))) == [
        f"MC012 {place} holds numbers, and alembic has none"
    ]
    assert told(check(read_alembic(tmp_path, {place: "[1"})))[0].startswith(f"MC012 {place} is not JSON")


# Where alembic's scripts are

PLACES = {
    "migrations/env.py": "",
    "migrations/versions/a.py": alembic("a"),
    "src/shop/db/env.py": "",
    "src/shop/db/versions/b.py": alembic("b"),
    "api/store/env.py": "",
    "more/c.py": alembic("c"),
}


@pytest.mark.parametrize(
    ("settings", "text", "folders", "below"),
    [
        ("alembic.ini", INI, ("migrations/versions",), False),
        ("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\n", ("migrations/versions",), False),
        ("alembic.ini", "[alembic]\nscript_location = ./migrations/\n", ("migrations/versions",), False),
        ("alembic.ini", "[alembic]\nscript_location = shop.db:.\n", ("src/shop/db/versions",), False),
        ("alembic.ini", "[alembic]\nscript_location = shop:db\n", ("src/shop/db/versions",), False),
        ("alembic.ini", "[alembic]\r\nscript_location = migrations\r\n", ("migrations/versions",), False),
        ("alembic.ini", "\ufeff" + INI, ("migrations/versions",), False),
        ("api/alembic.ini", "[alembic]\nscript_location = store\n", ("api/store/versions",), False),
        ("api/alembic.ini", "[alembic]\nscript_location = %(here)s/store\n", ("api/store/versions",), False),
        ("api/alembic.ini", "[alembic]\nscript_location = migrations\n", ("migrations/versions",), False),
        ("migrations/alembic.ini", "[alembic]\n", ("migrations/versions",), False),
        ("alembic.ini", f"{INI}recursive_version_locations = true\n", ("migrations/versions",), True),
        ("alembic.ini", f"{INI}version_locations = more migrations/versions\n", ("more", "migrations/versions"), False),
        (
            "alembic.ini",
            f"{INI}path_separator = os\nversion_locations = %(here)s/more:%(here)s/migrations/versions\n",
            ("more", "migrations/versions"),
            False,
        ),
        (
            "alembic.ini",
            f"{INI}version_path_separator = newline\nversion_locations =\n  more\n  migrations/versions\n",
            ("more", "migrations/versions"),
            False,
        ),
        (
            "pyproject.toml",
            '[tool.alembic]\nscript_location = "%(here)s/migrations"\nrecursive_version_locations = true\n',
            ("migrations/versions",),
            True,
        ),
        (
            "pyproject.toml",
            '[tool.alembic]\nscript_location = "migrations"\nversion_locations = ["more", "migrations/versions"]\n',
            ("more", "migrations/versions"),
            False,
        ),
    ],
)
def test_the_folders_are_those_that_alembic_would_take(
    tmp_path: Path, settings: str, text: str, folders: tuple[str, ...], below: bool
) -> None:
    found = locations(tree(tmp_path, {**PLACES, settings: text}), settings)
    assert (found.folders, found.below) == (folders, below)


def test_an_ini_file_without_a_location_takes_it_from_pyproject(tmp_path: Path) -> None:
    files = tree(
        tmp_path,
        {**PLACES, "alembic.ini": "[alembic]\n", "pyproject.toml": '[tool.alembic]\nscript_location = "src/shop/db"\n'},
    )
    assert locations(files, "alembic.ini").folders == ("src/shop/db/versions",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[alembic]\nscript_location = /elsewhere\n", "alembic.ini: /elsewhere lies outside of the project"),
        ("[alembic]\nscript_location = ../elsewhere\n", "alembic.ini: ../elsewhere lies outside of the project"),
        ("[alembic]\nscript_location = %(nowhere)s/x\n", "alembic.ini cannot be read: Bad value substitution"),
        ("[other]\n", "alembic.ini has no section [alembic]"),
        ("no ini", "alembic.ini cannot be read: File contains no section headers."),
        (b"[alembic]\n\xff", "alembic.ini cannot be read: 'utf-8' codec can't decode byte 0xff"),
        (
            f"{INI}path_separator = comma\nversion_locations = a,b\n",
            "alembic.ini: path_separator is 'comma'",
        ),
    ],
)
def test_settings_that_cannot_be_understood_are_told_with_what_to_do(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        locations(tree(tmp_path, {**PLACES, "alembic.ini": text}), "alembic.ini")
    assert raised.value.message.startswith(message)
    assert raised.value.hint


def test_a_tree_without_settings_or_without_the_folder_has_no_migrations(tmp_path: Path) -> None:
    with pytest.raises(NoMigrations, match=r"working tree has no alembic\.ini"):
        AlembicScripts("alembic.ini").read(tree(tmp_path, {"x": ""}))
    with pytest.raises(NoMigrations, match="working tree has no folder nowhere/versions"):
        AlembicScripts("alembic.ini").read(tree(tmp_path, {"alembic.ini": "[alembic]\nscript_location = nowhere\n"}))


def test_folders_of_the_settings_are_read_with_what_is_below_them(tmp_path: Path) -> None:
    files = tree(
        tmp_path,
        {
            "db/versions/start.py": alembic("start"),
            "db/versions/__pycache__/old.py": alembic("old", "start"),
            "db/versions/newton/expand/e1.py": alembic("e1", "start", "branch_labels = (cli.EXPAND_BRANCH,)"),
            "db/versions/newton/contract/c1.py": alembic("c1", "start", "branch_labels = (cli.CONTRACT_BRANCH,)"),
            "db/versions/ocata/expand/e2.py": alembic("e2", "e1"),
            "db/versions/ocata/contract/c2.py": alembic("c2", "c1", 'depends_on = ("e2",)'),
        },
    )
    (reader,) = READERS["alembic"]("alembic.ini", ("db/versions",))
    found = reader.read(files)
    assert "old" not in found.by_id
    assert check(found, branches=("expand", "contract")) == ()
    assert {one.id for one in check(found)} == {"MC008", "MC016"}


# sqlalchemy-migrate


def numbered(folder: Path, files: Mapping[str, str | bytes]) -> Listing:
    placed = {f"repo/versions/{name}": content for name, content in files.items()}
    return NumberedScripts("repo/versions").read(tree(folder, {"repo/migrate.cfg": CFG, **placed}))


def test_numbers_are_read_from_names_with_every_kind_of_script(tmp_path: Path) -> None:
    names = [
        "216_havana.py", "217_sqlite_upgrade.sql", "217_add_counters.py", "218_drop_mysql_upgrade.sql",
        "218_drop_mysql_downgrade.sql", "219_more_ibm_db_sa_upgrade.sql", "__init__.py", "README",
    ]  # fmt: skip
    found = numbered(tmp_path, dict.fromkeys(names, ""))
    assert [(one.id, one.name, one.parents) for one in found.scripts] == [
        ("216", "havana", ()),
        ("217", "add_counters", ("216",)),
        ("218", "drop", ("217",)),
        ("219", "more", ("218",)),
    ]
    assert found.scripts[1].files == ("repo/versions/217_add_counters.py", "repo/versions/217_sqlite_upgrade.sql")
    assert (check(found), found.others, found.heads) == ((), (), ("219",))


def test_a_number_that_two_scripts_took_is_told(tmp_path: Path) -> None:
    found = numbered(tmp_path, {"001_a.py": "", "002_b.py": "", "002_c.py": "#", "2_d.py": ""})
    assert told(check(found)) == [
        "MC009 number 2 is there twice: repo/versions/002_b.py, repo/versions/002_c.py",
        "MC007 repo/versions/2_d.py lies among the migrations, and is none: the tool will not run it",
    ]
    sql = numbered(tmp_path / "sql", {"001_a.py": "", "001_b_sqlite_upgrade.sql": ""})
    assert [one.id for one in check(sql)] == ["MC009"]


def test_a_gap_is_told_unless_numbers_are_moments(tmp_path: Path) -> None:
    found = numbered(tmp_path, {"001_a.py": "", "003_c.py": ""})
    assert told(check(found)) == ["MC010 number 3 follows 2, which is not there: repo/versions/003_c.py"]
    tree(tmp_path, {"repo/migrate.cfg": CFG + "use_timestamp_numbering = True\n"})
    assert check(NumberedScripts("repo/versions").read(DiskFiles(tmp_path))) == ()


def test_what_is_no_script_and_has_a_number_is_told(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"001_a.py": "", "002_b.py": "def upgrade(:\n", "003_c.sql": "", "004_e.py": b"\0"}
    tree(tmp_path, {f"repo/versions/{name}": text for name, text in files.items()})
    (tmp_path / "repo/versions/005_link.py").symlink_to("001_a.py")
    (tmp_path / "repo/versions/006_folder.py").mkdir()
    found = numbered(tmp_path, {})
    assert [f"{one.id} {one.file} {one.line}" for one in check(found)] == [
        "MC013 repo/versions/003_c.sql None",
        "MC013 repo/versions/005_link.py None",
        "MC013 repo/versions/006_folder.py None",
        "MC013 repo/versions/002_b.py 1",
        "MC013 repo/versions/004_e.py None",
    ]


def test_mc013_a_number_that_is_too_long_is_told(tmp_path: Path) -> None:
    names = (f"{'9' * 5000}_x.py", f"{'9' * 19}_y.py", "001_a.py")
    found = NumberedScripts("v").read(FakeFiles("a commit", {f"v/{name}": b"" for name in names}))
    assert [(one.id, one.message.removeprefix(f"{one.file} ")) for one in check(found)] == [
        ("MC013", "has a number of 5000 digits"),
        ("MC013", "has a number of 19 digits"),
    ]
    assert [one.id for one in found.scripts] == ["1"]


SQL_OF_TWO = {
    "002_b_sqlite_upgrade.sql": "1",
    "002_b_sqlite_downgrade.sql": "2",
    "002_b_mysql_upgrade.sql": "3",
    "002_b_mysql_downgrade.sql": "4",
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("002_b_sqlite_upgrade.sql", "002_b_sqlite_downgrade.sql"),
        ("002_b_sqlite_upgrade.sql", "002_b_mysql_upgrade.sql"),
    ],
    ids=["upgrade and downgrade", "two databases"],
)
def test_mc001_contents_that_changed_places_are_an_edit(tmp_path: Path, one: str, other: str) -> None:
    trunk = numbered(tmp_path / "trunk", SQL_OF_TWO)
    swapped = {**SQL_OF_TWO, one: SQL_OF_TWO[other], other: SQL_OF_TWO[one]}
    assert [found.id for found in check(numbered(tmp_path / "patch", swapped), trunk)] == ["MC001"]
    listed = {"versions.json": json.dumps({"2": [name[4:] for name in SQL_OF_TWO]})}
    by_list = numbered(tmp_path / "listed", {**listed, **{name[4:]: text for name, text in swapped.items()}})
    assert [found.id for found in check(by_list, trunk)] == ["MC001"]


def test_other_words_in_the_names_of_sql_are_no_edit(tmp_path: Path) -> None:
    trunk = numbered(tmp_path / "trunk", SQL_OF_TWO)
    renamed = {name.replace("_b_", "_other_\x07words_"): text for name, text in SQL_OF_TWO.items()}
    assert check(numbered(tmp_path / "patch", renamed), trunk) == ()
    nameless = {name.replace("_b_", "_"): text for name, text in SQL_OF_TWO.items()}
    assert check(numbered(tmp_path / "nameless", nameless), trunk) == ()


LIST = '{\n  "133": ["folsom.py"],\n  "134": ["add_counters.py", "add_counters_sqlite_upgrade.sql"]\n}\n'
LISTED = {"folsom.py": "1", "add_counters.py": "2", "add_counters_sqlite_upgrade.sql": "3", "versions.json": LIST}


def test_versions_json_gives_the_numbers_and_the_files_their_names(tmp_path: Path) -> None:
    found = numbered(tmp_path, LISTED)
    assert [(one.id, one.name, one.parents, one.place, one.line) for one in found.scripts] == [
        ("133", "folsom", (), "repo/versions/versions.json", 2),
        ("134", "add_counters", ("133",), "repo/versions/versions.json", 3),
    ]
    assert found.scripts[1].files == ("repo/versions/add_counters.py", "repo/versions/add_counters_sqlite_upgrade.sql")
    assert check(found) == ()


def test_names_instead_of_numbers_are_the_same_history(tmp_path: Path) -> None:
    files = {"133_folsom.py": "1", "134_add_counters.py": "2", "134_add_counters_sqlite_upgrade.sql": "3"}
    before, after = numbered(tmp_path / "before", files), numbered(tmp_path / "after", LISTED)
    assert check(after, before) == check(before, after) == ()


def test_what_is_listed_and_missing_and_what_is_there_and_not_listed_are_told(tmp_path: Path) -> None:
    place = "repo/versions/versions.json"
    files = {name: text for name, text in LISTED.items() if name != "folsom.py"}
    found = check(numbered(tmp_path, {**files, "more.py": "", "add_counters_test.py": "", "__init__.py": ""}))
    assert told(found) == [
        f"MC011 {place} lists folsom.py as number 133, and there is no such file",
        f"MC007 repo/versions/more.py lies among the migrations, and {place} does not list it: it will not run",
    ]
    again = check(numbered(tmp_path, {}), numbered(tmp_path / "before", LISTED))
    assert [one.id for one in again] == ["MC011", "MC007"]
    assert again[0].hint == "git checkout TRUNK -- repo/versions/folsom.py"
    assert (found[0].file, found[0].line, found[1].hint) == (place, 2, ADD_MORE)


ADD_MORE = "migci versions add repo/versions/more.py, or move it to another folder if it is none"


def test_mc007_what_trunk_has_unlisted_is_trunks_and_a_numbered_file_is_never_meant(tmp_path: Path) -> None:
    named = {"133_folsom.py": "1", "134_add_counters.py": "2", "134_add_counters_sqlite_upgrade.sql": "3"}
    beside = {"more.py": "", "7_short.py": ""}
    patch = numbered(tmp_path / "patch", {**LISTED, **beside})
    for place, trunk in (("by name", {**named, **beside}), ("by list", {**LISTED, **beside})):
        found = check(patch, numbered(tmp_path / place, trunk))
        assert [(one.severity, one.of_trunk, one.file) for one in found] == [
            (Severity.WARNING, True, "repo/versions/7_short.py"),
            (Severity.WARNING, True, "repo/versions/more.py"),
        ]
    brought = check(patch, numbered(tmp_path / "neither", LISTED))
    assert [(one.id, one.severity, one.hint) for one in brought][1] == ("MC007", Severity.ERROR, ADD_MORE)
    assert [one.severity for one in check(patch)] == [Severity.WARNING, Severity.WARNING]
    (late,) = check(numbered(tmp_path / "late", {**LISTED, "135_late.py": ""}))
    assert late.severity is Severity.ERROR
    assert late.hint.endswith(
        "git mv repo/versions/135_late.py repo/versions/late.py; then migci versions add repo/versions/late.py"
    )


def test_mc007_a_landed_script_that_lost_its_line_is_one_finding_and_not_to_be_added(tmp_path: Path) -> None:
    lost = LIST.replace('  "133": ["folsom.py"],\n', "")
    found = check(numbered(tmp_path, {**LISTED, "versions.json": lost}), numbered(tmp_path / "trunk", LISTED))
    assert [(one.id, one.hint) for one in found] == [
        ("MC007", "trunk lists it as number 133, so its line was lost: migci versions rebase brings it back")
    ]


def test_mc002_a_list_that_is_removed_is_one_finding(tmp_path: Path) -> None:
    files = {name: text for name, text in LISTED.items() if name != "versions.json"}
    (found,) = check(numbered(tmp_path, files), numbered(tmp_path / "trunk", LISTED))
    assert (found.id, found.hint) == ("MC002", "git checkout TRUNK -- repo/versions/versions.json")
    back = {"133_folsom.py": "1", "134_add_counters.py": "2", "134_add_counters_sqlite_upgrade.sql": "3"}
    assert check(numbered(tmp_path / "back", back), numbered(tmp_path / "again", LISTED)) == ()


def test_a_number_that_is_listed_twice_is_one_finding(tmp_path: Path) -> None:
    twice = LIST.replace("}", ',"134": ["other.py"]}')
    found = numbered(tmp_path, {**LISTED, "other.py": "", "versions.json": twice})
    assert told(check(found)) == [
        (
            "MC012 repo/versions/versions.json has the number 134 twice: add_counters.py, "
            "add_counters_sqlite_upgrade.sql; and other.py"
        )
    ]


def test_of_a_list_that_cannot_be_read_nothing_else_is_said(tmp_path: Path) -> None:
    before = numbered(tmp_path / "before", LISTED)
    for broken in ("{", "[]", "3", b"\xff"):
        found = check(numbered(tmp_path, {**LISTED, "versions.json": broken}), before)
        assert [one.id for one in found] == ["MC012"], broken
        assert summary(NumberedScripts("repo/versions").read(DiskFiles(tmp_path))).endswith("is not known")


def test_a_list_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, {"repo/versions/folsom.py": "", "real.json": LIST})
    (tmp_path / "repo/versions/versions.json").symlink_to("../../real.json")
    assert told(check(numbered(tmp_path, {}))) == ["MC012 repo/versions/versions.json is no file that can be read"]


# Whatever the tree

_names = st.sampled_from(
    ["001_a.py", "002_b.py", "002_c.py", "003_sqlite_upgrade.sql", "3_x.sql", "004.py", "005_x_y_z.sql", "a.py", "b.py"]
) | st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=6).filter(
    lambda name: name not in (".", "..")
)
_texts = st.sampled_from(
    [alembic("a"), alembic("b", "a"), alembic("b", "b"), "revision = f'{x}'", "def f(:", LIST, '["a", "b"]', '{"1": 2}']
).map(str.encode)
_trees = st.dictionaries(_names | st.just("versions.json"), st.none() | _texts | st.binary(max_size=30), max_size=8)


@given(_trees, _trees, st.booleans())
def test_whatever_the_tree_holds_there_is_a_listing_and_a_judgement(
    mine: dict[str, bytes | None], theirs: dict[str, bytes | None], thorough: bool
) -> None:
    readers = (AlembicScripts("", ("repo/versions",)), NumberedScripts("repo/versions"))
    for reader in readers:
        listings = []
        for files in (mine, theirs):
            placed = {f"repo/versions/{name}": content for name, content in files.items()}
            listings.append(reader.read(FakeFiles("fake", {**placed, "repo/versions/x/y": b""}), thorough=thorough))
        proposed, trunk = listings
        check(proposed, trunk)
        assert all(trunks_own(one) or one.severity is not Severity.ERROR for one in check(trunk, trunk))


# Which reader


def test_a_repository_is_known_by_what_is_there(tmp_path: Path) -> None:
    files = tree(
        tmp_path,
        {
            **SHOP,
            "repo/migrate.cfg": CFG,
            "repo/versions/001_a.py": "",
            "plain/001_a.py": "",
            "plain/002_b.py": "",
            "listed/a.py": "",
            "listed/versions.json": '{"1": ["a.py"]}',
            "torn/a.py": "",
            "torn/versions.json": '<<<<<<< ours\n{"1": ["a.py"]}\n=======\n{"1": ["b.py"]}\n>>>>>>> theirs\n',
            "loose/x_a.py": alembic("a"),
            "empty/README": "",
        },
    )
    assert reader_of(files, "alembic.ini") == AlembicScripts("alembic.ini")
    assert reader_of(files, "migrations") == AlembicScripts("", ("migrations/versions",))
    assert reader_of(files, "migrations/versions/") == AlembicScripts("", ("migrations/versions",))
    assert reader_of(files, "repo") == reader_of(files, "repo/versions") == NumberedScripts("repo/versions")
    assert reader_of(files, "plain") == NumberedScripts("plain")
    assert reader_of(files, "listed") == NumberedScripts("listed")
    assert reader_of(files, "torn") == NumberedScripts("torn")
    assert reader_of(files, "loose") == AlembicScripts("", ("loose",))
    with pytest.raises(NoMigrations):
        reader_of(files, "nowhere")
    with pytest.raises(UsageError, match="empty holds no migrations"):
        reader_of(files, "empty")
