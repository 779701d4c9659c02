"""Which migrations have no test of their own, told from files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from migci.adapters.scripts.alembic import AlembicScripts
from migci.adapters.scripts.numbered import NumberedScripts
from migci.adapters.scripts.trees import DiskFiles
from migci.core.finding import Finding
from migci.errors import UsageError
from migci.ports import ScriptReader
from migci.versions.check import Trees, check_one
from migci.versions.untested import with_tests


def tree(folder: Path, *names: str, **texts: str) -> DiskFiles:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts.get(path.stem, ""))
    return DiskFiles(folder)


def told(reader: ScriptReader, files: DiskFiles, tests: str | None = None, trunk: DiskFiles | None = None) -> list[str]:
    trees = Trees(files, trunk)
    return [say(one) for one in with_tests(check_one(reader, trees), reader, trees, tests).findings]


def say(finding: Finding) -> str:
    return f"{finding.id} {finding.severity}: {finding.message}"


NUMBERED = NumberedScripts("v")
FILES = ("v/001_users.py", "v/002_counters.py", "v/003_notes_sqlite_upgrade.sql")


def test_mc020_a_migration_without_a_test_is_told_with_where_to_put_one(tmp_path: Path) -> None:
    trees = Trees(tree(tmp_path, *FILES, "v/counters_test.py", "v/tests/003_notes_test.py"))
    (found,) = with_tests(check_one(NUMBERED, trees), NUMBERED, trees, None).findings
    assert say(found) == "MC020 warning: 1 (v/001_users.py) has no test of its own"
    assert (found.file, found.hint) == ("v/001_users.py", "put one into v/users_test.py")


def test_what_trunk_has_is_only_told(tmp_path: Path) -> None:
    trunk = tree(tmp_path / "trunk", *FILES[:1])
    assert told(NUMBERED, tree(tmp_path / "patch", *FILES[:2]), trunk=trunk) == [
        "MC020 info: trunk itself: 1 (v/001_users.py) has no test of its own",
        "MC020 warning: 2 (v/002_counters.py) has no test of its own",
    ]


def test_a_reason_beside_the_migration_is_heard(tmp_path: Path) -> None:
    texts = {"001_users": "# migci: ignore MC020 -- it only makes a table\n"}
    assert told(NUMBERED, tree(tmp_path, *FILES[:1], **texts)) == [
        "MC020 info: 1 (v/001_users.py) has no test of its own (ignored: it only makes a table)"
    ]


def test_a_test_that_belongs_to_no_migration_is_told(tmp_path: Path) -> None:
    assert told(NUMBERED, tree(tmp_path, "v/001_users.py", "v/tests/users_test.py", "v/tests/user_test.py")) == [
        "MC020 warning: v/tests/user_test.py is called as a test is, and belongs to no migration: it will not run"
    ]


def test_methods_of_a_class_count(tmp_path: Path) -> None:
    walk = (
        "class TestWalk:\n    def _check_001(self, engine, data): pass\n    def _check_003(self, engine, data): pass\n"
    )
    files = tree(tmp_path, *FILES, "tests/walk.py", walk=walk)
    assert told(NUMBERED, files, "tests/walk.py:TestWalk") == [
        "MC020 warning: 2 (v/002_counters.py) has no test of its own"
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tests/walks.py:TestWalk", "working tree has no tests/walks.py"),
        ("tests/walk.py:Walk", "tests/walk.py has no class Walk"),
        ("v/002_counters.py:Walk", "v/002_counters.py is not Python"),
    ],
)
def test_a_class_that_is_not_there_is_told(tmp_path: Path, name: str, message: str) -> None:
    files = tree(tmp_path, "v/001_users.py", "v/002_counters.py", "tests/walk.py", **{"002_counters": "def ("})
    with pytest.raises(UsageError, match=message):
        told(NUMBERED, files, name)


def test_alembics_tests_are_looked_for_in_their_own_folder_alone(tmp_path: Path) -> None:
    header = "revision = {!r}\ndown_revision = {!r}\n"
    texts = {"1f2e_users": header.format("1f2e", None), "ae10_counters": header.format("ae10", "1f2e")}
    names = ("m/versions/1f2e_users.py", "m/versions/ae10_counters.py", "m/versions/tests/ae10_counters_test.py")
    files = tree(tmp_path, *names, "m/env.py", "alembic.ini", alembic="[alembic]\nscript_location = m\n", **texts)
    expected = ["MC020 warning: 1f2e (m/versions/1f2e_users.py) has no test of its own"]
    assert told(AlembicScripts("alembic.ini"), files) == expected
    assert told(AlembicScripts("", ("m/versions",)), files) == expected


def test_a_file_that_two_migrations_could_mean_is_a_stray_among_the_migrations(tmp_path: Path) -> None:
    files = tree(tmp_path, "v/001_placeholder.py", "v/002_placeholder.py", "v/placeholder_test.py")
    assert "MC007" in {one.split()[0] for one in told(NUMBERED, files)}
