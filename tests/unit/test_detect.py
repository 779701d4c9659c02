"""What `migci init` guesses of a project's folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from migci.cli.init import init
from migci.detect import Detected, detect
from migci.errors import UsageError

ALEMBIC = "[alembic]\nscript_location = migrations\n"


def write(project: Path, name: str, text: str = "") -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "my shop"
    project.mkdir()
    return project


def test_alembic_is_told_by_its_ini_file(project: Path) -> None:
    write(project, "alembic.ini", ALEMBIC)
    assert detect(project) == Detected(
        "my-shop", "alembic", "alembic.ini", ("alembic.ini",), None, ("alembic", "PyMySQL")
    )


@pytest.mark.parametrize(
    ("url", "sqlite"),
    [
        ("sqlite:///shop.db", True),
        ("sqlite+pysqlite:///%(here)s/shop.db", True),
        ("mysql+pymysql://u:p@h/shop", False),
        ("driver://user:pass@localhost/dbname", False),
        ("", False),
    ],
)
def test_what_alembic_ini_says_of_the_database_tells_sqlite_from_a_server(
    url: str, sqlite: bool, project: Path
) -> None:
    write(project, "alembic.ini", f"{ALEMBIC}sqlalchemy.url = {url}\n")
    assert detect(project).sqlite is sqlite
    done = CliRunner().invoke(init, ["--project", str(project)])
    assert done.exit_code == 0, done.output
    if sqlite:
        assert (
            'flavor = "sqlite"   # or "mariadb", "mysql"; alembic.ini names SQLite'
            in (project / "migci.toml").read_text()
        )


def test_sqlalchemy_migrate_is_told_by_its_cfg_beside_versions(project: Path) -> None:
    write(project, "nova/db/migrate_repo/migrate.cfg", "[db_settings]\n")
    write(project, "nova/db/migrate_repo/versions/__init__.py")
    found = detect(project)
    assert (found.tool, found.migrations) == ("sqlalchemy-migrate", "nova/db/migrate_repo")
    assert found.requirements == ("sqlalchemy-migrate", "PyMySQL")


def test_of_several_the_one_nearest_to_the_root_is_meant_and_all_are_told(project: Path) -> None:
    for name in ("b/c/alembic.ini", "z/alembic.ini", "a/alembic.ini"):
        write(project, name, ALEMBIC)
    found = detect(project)
    assert found.migrations == "a/alembic.ini"
    assert found.found == ("a/alembic.ini", "z/alembic.ini", "b/c/alembic.ini")


@pytest.mark.parametrize("folder", [".venv", "node_modules", "build", ".git", "venv/lib/site-packages"])
def test_what_is_not_the_projects_own_is_not_looked_at(project: Path, folder: str) -> None:
    write(project, f"{folder}/alembic.ini", ALEMBIC)
    with pytest.raises(UsageError):
        detect(project)


@pytest.mark.parametrize("text", ["", "[loggers]\nkeys = root\n", "not an ini file", "[alembic"])
def test_an_ini_file_without_alembics_section_is_none_of_alembics(project: Path, text: str) -> None:
    write(project, "alembic.ini", text)
    with pytest.raises(UsageError):
        detect(project)


def test_an_ini_file_that_is_not_text_is_none_of_alembics(project: Path) -> None:
    (project / "alembic.ini").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        detect(project)


def test_a_cfg_without_versions_is_none_of_sqlalchemy_migrates(project: Path) -> None:
    write(project, "migrate.cfg")
    with pytest.raises(UsageError):
        detect(project)


def test_a_project_without_migrations_is_told_what_to_do(project: Path) -> None:
    with pytest.raises(UsageError) as mistake:
        detect(project)
    assert mistake.value.message == f"there is no alembic.ini and no migrate.cfg in {project}"
    assert mistake.value.hint == 'go to the project\'s root, or write migci.toml by hand with tool = "command"'


@pytest.mark.parametrize("python", [".venv/bin/python", "venv/bin/python", "env/bin/python"])
def test_an_interpreter_of_the_projects_own_is_taken_and_nothing_is_built(project: Path, python: str) -> None:
    write(project, "alembic.ini", ALEMBIC)
    write(project, "requirements.txt")
    write(project, python)
    (project / python).chmod(0o755)
    found = detect(project)
    assert (found.python, found.requirements) == (python, ())


def test_an_interpreter_that_cannot_be_run_is_not_taken(project: Path) -> None:
    write(project, "alembic.ini", ALEMBIC)
    write(project, ".venv/bin/python")
    (project / ".venv/bin/python").chmod(0o644)
    assert detect(project).python is None


@pytest.mark.parametrize(
    ("file", "requirements"),
    [
        ("requirements.txt", ("-r", "requirements.txt", "alembic", "PyMySQL")),
        ("pyproject.toml", (".", "alembic", "PyMySQL")),
        ("setup.py", (".", "alembic", "PyMySQL")),
    ],
)
def test_the_environment_is_built_from_what_the_project_has(
    project: Path, file: str, requirements: tuple[str, ...]
) -> None:
    write(project, "alembic.ini", ALEMBIC)
    write(project, file)
    assert detect(project).requirements == requirements


def test_nothing_is_written(project: Path) -> None:
    write(project, "alembic.ini", ALEMBIC)
    detect(project)
    assert [path.name for path in project.iterdir()] == ["alembic.ini"]
