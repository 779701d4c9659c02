"""sqlalchemy-migrate itself, in an interpreter of its time, on a folder whose numbers stand in versions.json."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.contract.broken_versions import BROKEN, FILES
from tests.contract.interpreters import OLD, built
from tests.contract.named import MANAGE, NAMES, VERSIONS, answer, run, write_named, write_numbered
from tests.contract.projects import put

HOOK = "import migci.versions.migrate"

LOOK = """
from migrate.versioning.repository import Repository
import os
repository = Repository("repository")
told = {
    str(number): {
        "python": one.python and os.path.basename(one.python.path),
        "sql": {d: {o: os.path.basename(s.path) for o, s in by.items()} for d, by in one.sql.items()},
    }
    for number, one in repository.versions.versions.items()
}
"""


@pytest.fixture(scope="module")
def python(store: Path) -> Path:
    return built(OLD, store / "interpreters")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_named(tmp_path / "shop")
    return tmp_path / "shop"


def tables(project: Path) -> set[str]:
    with sqlite3.connect(project / "shop.sqlite") as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} - {
            "migrate_version"
        }


def with_names(told: dict[str, Any]) -> dict[str, Any]:
    return {key: NAMES.get(value, value) if isinstance(value, str) else value for key, value in told.items()}


def test_the_same_scripts_have_the_same_numbers_as_when_they_were_numbered(
    python: Path, project: Path, tmp_path: Path
) -> None:
    write_numbered(tmp_path / "numbered")
    numbered = answer(python, tmp_path / "numbered", LOOK)
    assert isinstance(numbered, dict)
    renamed = json.loads(json.dumps(numbered), object_hook=with_names)
    assert answer(python, project, f"{HOOK}\n{LOOK}") == renamed
    assert renamed["4"]["sql"]["sqlite"]["upgrade"] == "add_counters_sqlite_upgrade.sql"


def test_a_projects_own_script_upgrades_and_downgrades_with_python_and_sql(python: Path, project: Path) -> None:
    def manage(*words: str) -> str:
        return run(python, project, "manage.py", *words).stdout.strip()

    assert manage("version") == "6"
    manage("version_control")
    manage("upgrade", "4")
    assert (manage("db_version"), tables(project)) == ("4", {"users", "counters"})
    manage("upgrade")
    assert (manage("db_version"), tables(project)) == ("6", {"users", "counters", "quotas", "of_json"})
    with sqlite3.connect(project / "shop.sqlite") as connection:
        assert connection.execute("SELECT id FROM counters").fetchall() == [(1,), (2,)]
    manage("downgrade", "3")
    assert (manage("db_version"), tables(project)) == ("3", {"users"})
    manage("downgrade", "0")
    assert (manage("db_version"), tables(project)) == ("0", set())
    assert "CREATE TABLE users" in manage("source", "1")
    manage("test")


def test_a_command_without_it_finds_no_scripts_and_does_nothing_to_a_database_that_has_run_some(
    python: Path, project: Path
) -> None:
    run(python, project, "manage.py", "version_control")
    run(python, project, "manage.py", "upgrade")
    (project / "manage.py").write_text(MANAGE.replace(HOOK, ""))
    before = tables(project)
    failed = run(python, project, "manage.py", "upgrade", check=False)
    assert failed.returncode == 1
    assert "VersionNotFoundError" in failed.stderr
    assert tables(project) == before


def test_a_script_that_cannot_be_changed_is_run_with_it(python: Path, project: Path) -> None:
    (project / "manage.py").write_text(MANAGE.replace(HOOK, "import of_the_project"))
    put(project, "of_the_project.py", "import sys\nassert sys.argv[0] == 'manage.py', sys.argv\n")
    assert run(python, project, "manage.py", "version").stdout.strip() == "0"
    assert run(python, project, "-m", "migci.versions.migrate", "manage.py", "version").stdout.strip() == "6"
    none = run(python, project, "-m", "migci.versions.migrate", check=False)
    assert none.returncode == 1
    assert "usage: python -m migci.versions.migrate SCRIPT" in none.stderr


def test_it_imports_nothing_of_migci_but_what_it_needs(python: Path, project: Path) -> None:
    told = answer(python, project, f"{HOOK}\nimport sys\ntold = sorted(m for m in sys.modules if m[:5] == 'migci')")
    assert told == [
        "migci",
        "migci.adapters",
        "migci.adapters.agent",
        "migci.adapters.agent.migci_agent",
        "migci.adapters.agent.migci_agent.versions_file",
        "migci.adapters.agent.migci_agent.versions_hook",
        "migci.versions",
        "migci.versions.migrate",
    ]


def test_installed_twice_or_from_two_copies_it_is_installed_once(python: Path, project: Path) -> None:
    copy = project / "copy"
    shutil.copytree(Path(__file__).parents[2] / "migci/adapters/agent/migci_agent", copy / "migci_agent")
    code = f"""
{HOOK}
from migrate.versioning.version import Collection
before = Collection.__init__
import sys
sys.path.insert(0, "copy")
from migci_agent import versions_hook
versions_hook.install()
migci.versions.migrate.versions_hook.install()
told = Collection.__init__ is before
"""
    assert answer(python, project, code) is True


def test_nothing_changes_for_a_folder_without_the_file(python: Path, tmp_path: Path) -> None:
    write_numbered(tmp_path / "shop")
    project = tmp_path / "shop"
    assert answer(python, project, f"{HOOK}\n{LOOK}") == answer(python, project, LOOK)
    run(python, project, "manage.py", "script", "more users")
    run(python, project, "manage.py", "script_sql", "mysql", "more")
    names = {path.name for path in (project / "repository/versions").iterdir()} - {"__init__.py"}
    assert names - set(NAMES) == {"007_more_users.py", "008_more_mysql_upgrade.sql", "008_more_mysql_downgrade.sql"}


def test_a_script_called_as_a_module_is_not_run_in_that_modules_place(python: Path, project: Path) -> None:
    code = f"""
import json, sys
before = set(vars(json))
{HOOK}
from migrate.versioning.repository import Repository
module = Repository("repository").version(6).python.module
told = [module.__name__, sorted(set(vars(json)) - before), sys.modules["json"] is json]
"""
    assert answer(python, project, code) == ["006_json", [], True]


def test_two_repositories_may_have_scripts_of_the_same_name_and_number(python: Path, project: Path) -> None:
    shutil.copytree(project / "repository", project / "cells")
    (project / "cells/versions/users.py").write_text("def upgrade(engine):\n    'of cells'\n")
    code = f"""
{HOOK}
from migrate.versioning.repository import Repository
ours, cells = Repository("repository").version(1).python, Repository("cells").version(1).python
ours.module, cells.module
told = [ours.module.upgrade.__doc__, cells.module.upgrade.__doc__]
"""
    assert answer(python, project, code) == [None, "of cells"]


def test_a_new_script_is_named_and_its_number_stands_in_the_file(python: Path, project: Path) -> None:
    run(python, project, "manage.py", "script", "Add more users")
    run(python, project, "manage.py", "script_sql", "mysql", "2013 fix")
    versions = project / "repository/versions"
    more = '  "7": ["Add_more_users.py"],\n  "8": ["_2013_fix_mysql_upgrade.sql", "_2013_fix_mysql_downgrade.sql"]\n}\n'
    assert (versions / "versions.json").read_text() == VERSIONS.replace('"json.py"]\n}\n', f'"json.py"],\n{more}')
    assert "def upgrade(migrate_engine)" in (versions / "Add_more_users.py").read_text()
    assert run(python, project, "manage.py", "version").stdout.strip() == "8"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("script", "users"), "already exists"),
        (("script_sql", "sqlite", "add_counters"), "already exists"),
        (("script", ""), "a migration needs a description: its file is called by it, and has no number"),
        (("script", "a/b"), "a migration needs a description: its file is called by it, and has no number"),
    ],
)
def test_a_new_script_without_a_name_of_its_own_is_refused_and_nothing_changes(
    words: tuple[str, ...], said: str, python: Path, project: Path
) -> None:
    versions = project / "repository/versions"
    before = {path.name: path.read_bytes() for path in versions.iterdir()}
    refused = run(python, project, "manage.py", *words, check=False)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert {path.name: path.read_bytes() for path in versions.iterdir()} == before


def test_a_script_without_upgrade_is_told_with_its_file(python: Path, project: Path) -> None:
    (project / "repository/versions/users.py").write_text("")
    run(python, project, "manage.py", "version_control")
    failed = run(python, project, "manage.py", "upgrade", check=False)
    assert "InvalidScriptError: repository/versions/users.py: it has no function 'upgrade'" in failed.stderr


def test_a_broken_file_is_one_sentence_of_sqlalchemy_migrates_own_commands(python: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    versions = write_named(project)
    for path in versions.glob("*.py"):
        path.unlink()
    for name in FILES:
        (versions / name).touch()
    broken = BROKEN["a repeated number"]
    assert isinstance(broken.text, str)
    (versions / "versions.json").write_text(broken.text)
    refused = run(python, project, "manage.py", "version", check=False)
    assert refused.returncode == 2
    assert refused.stderr.endswith(f"manage.py: error: repository/versions/versions.json: {broken.said}\n")
    assert "Traceback" not in refused.stderr


def test_every_broken_file_is_refused_by_the_interpreter_of_its_time(python: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    write_numbered(project)
    shutil.rmtree(project / "repository/versions")
    texts = {name: one for name, one in BROKEN.items() if not one.beside and isinstance(one.text, str)}
    for number, one in enumerate(texts.values()):
        folder = project / "repository" / str(number)
        folder.mkdir(parents=True)
        for name in FILES:
            (folder / name).touch()
        (folder / "versions.json").write_text(str(one.text))
    code = f"""
{HOOK}
from migrate.exceptions import KnownError
from migrate.versioning.version import Collection
told = []
for number in range({len(texts)}):
    try:
        Collection("repository/%d" % number)
        told.append("")
    except KnownError as error:
        told.append(error.args[0])
"""
    told = answer(python, project, code)
    assert isinstance(told, list)
    assert [one.said in said for one, said in zip(texts.values(), told, strict=True)] == [True] * len(texts)
