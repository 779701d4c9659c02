"""Which file, or which methods of a class, are the test of a migration."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest

from migci.core.own_tests import Class, OwnTest, Places, names_of, of_class, said, untested

NUMBERED = {"206": ("v/206_drop_tags.py",), "207": ("v/207_add_counters.py",)}
ALEMBIC = {"1f2e": ("m/versions/1f2e_add_counters.py",)}
EVERYWHERE = Places(folder="tests/migrations")
APART = Places(beside=False)


def found(revisions: Mapping[str, tuple[str, ...]], *there: str, places: Places = EVERYWHERE) -> dict[str, str]:
    """The file of each revision's test, where these files are there."""
    return {id_: own.file for id_, own in places.found(revisions, there).items()}


@pytest.mark.parametrize(
    "file",
    [
        "v/add_counters_test.py",
        "v/tests/add_counters_test.py",
        "v/tests/207_add_counters_test.py",
        "tests/migrations/add_counters_test.py",
        "tests/migrations/207_add_counters_test.py",
    ],
)
def test_a_numbered_migrations_test_is_found_beside_it_and_stays_its_own_when_it_is_renumbered(file: str) -> None:
    assert found(NUMBERED, file) == {"207": file}


def test_a_file_with_a_number_beside_migrations_is_no_test_because_the_tool_takes_it_for_a_migration() -> None:
    assert found(NUMBERED, "v/207_add_counters_test.py") == {}


def test_where_the_tool_takes_every_file_for_a_migration_tests_are_in_a_folder_of_their_own() -> None:
    assert found(ALEMBIC, "m/versions/1f2e_add_counters_test.py", places=APART) == {}
    inside = "m/versions/tests/1f2e_add_counters_test.py"
    assert found(ALEMBIC, inside, places=APART) == {"1f2e": inside}


def test_a_name_that_two_migrations_have_belongs_to_neither_without_its_number() -> None:
    two = {"217": ("v/217_placeholder.py",), "218": ("v/218_placeholder.py",)}
    assert found(two, "v/placeholder_test.py", "v/tests/placeholder_test.py") == {}
    assert found(two, "v/tests/218_placeholder_test.py") == {"218": "v/tests/218_placeholder_test.py"}


def test_a_migration_of_sql_is_called_what_it_is_called_without_server_and_direction() -> None:
    sql = {"207": ("v/207_add_counters_mysql_upgrade.sql", "v/207_add_counters_mysql_downgrade.sql")}
    assert found(sql, "v/add_counters_test.py") == {"207": "v/add_counters_test.py"}


def test_a_migration_whose_file_carries_no_number_is_called_as_its_file() -> None:
    listed = {"134": ("v/add_counters.py", "v/add_counters_sqlite.sql")}
    assert found(listed, "v/add_counters_test.py") == {"134": "v/add_counters_test.py"}


def test_a_test_that_belongs_to_no_migration_is_a_stray() -> None:
    there = ("v/add_counter_test.py", "v/add_counters_test.py", "v/tests/conftest.py", "elsewhere/x_test.py")
    assert EVERYWHERE.strays(NUMBERED, there) == ("v/add_counter_test.py",)


SOURCE = textwrap.dedent("""
    class Counters:
        def _check_207(self, engine, data): ...
        _pre_upgrade_208 = lambda self, engine: None

    class TestWalk(Counters, base.TestCase):
        def _pre_upgrade_009(self, engine): ...
        def _check_1f2e(self, engine, data): ...
        def _check_(self, engine, data): ...
        def helper_300(self): ...
""")


def test_methods_of_a_class_are_tests_of_the_revisions_in_their_names_inherited_ones_too() -> None:
    revisions = ("9", "207", "208", "300", "1f2e", "beef")
    where = Class("tests/walk.py", "TestWalk")
    every = of_class(revisions, where, SOURCE)
    assert every == {id_: OwnTest(id_, "tests/walk.py", "TestWalk") for id_ in ("9", "207", "208", "1f2e")}
    assert untested(revisions, every) == ("300", "beef")


def test_a_class_that_is_not_there_and_a_source_that_is_no_python_are_told() -> None:
    with pytest.raises(LookupError, match="TestWalks"):
        of_class(("9",), Class("tests/walk.py", "TestWalks"), SOURCE)
    for source in ("class TestWalk(:", "\0", "(" * 5000):
        with pytest.raises(SyntaxError):
            of_class(("9",), Class("tests/walk.py", "TestWalk"), source)


def test_the_setting_names_a_class_or_a_folder() -> None:
    assert said("tests/walk.py:TestWalk") == Class("tests/walk.py", "TestWalk")
    assert said("tests/migrations/") == "tests/migrations"


def test_an_id_of_digits_names_methods_with_three_at_least_however_long_it_is() -> None:
    assert names_of("7") == ("007", "7")
    assert names_of("0207") == ("207", "0207")
    assert names_of("9" * 5000) == ("9" * 5000,)
    assert names_of("1f2e") == ("1f2e",)
