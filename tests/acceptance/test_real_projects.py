"""Real projects' real migrations, from their packages, through the command line, on real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uv

INITIAL_TABLES = """
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateTable
from mlflow.store.tracking.dbmodels.initial_models import Base
for table in Base.metadata.sorted_tables:
    print(f"{CreateTable(table).compile(dialect=mysql.dialect())};")
"""


@dataclass(frozen=True)
class Outcome:
    status: int
    report: dict[str, Any]
    said: str

    @property
    def dataset(self) -> dict[str, Any]:
        found: dict[str, Any] = self.report["datasets"][0]
        return found


def run(arguments: list[str], where: Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    return subprocess.run(arguments, cwd=where, check=True, capture_output=True, text=True, env=environment).stdout


def migci(project: Path, store: Path, *arguments: str) -> Outcome:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "migci",
            "replay",
            "--project",
            str(project),
            "--output",
            str(project / "out"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "MIGCI_STORE": str(store)},
    )
    written = project / "out" / "replay.json"
    return Outcome(
        done.returncode, json.loads(written.read_text()) if written.exists() else {}, done.stdout + done.stderr
    )


def make_project(folder: Path, package: str, settings: str) -> Path:
    """A git repository of the package's files, with an environment that has all it needs, and settings."""
    folder.mkdir(parents=True)
    program = uv.find_uv_bin()
    run([program, "pip", "install", "--quiet", "--no-deps", "--target", ".", package], folder)
    run([program, "venv", "--quiet", "--python", sys.executable, ".venv"], folder)
    run([program, "pip", "install", "--quiet", "--python", ".venv/bin/python", package, "alembic", "PyMySQL"], folder)
    (folder / "migci.toml").write_text(settings)
    (folder / ".gitignore").write_text(".venv\n.migci\nout\n__pycache__\n")
    run(["git", "init", "--quiet", "--initial-branch", "main"], folder)
    commit(folder, "the package")
    return folder


def commit(folder: Path, message: str) -> None:
    run(["git", "add", "--all"], folder)
    run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@migci.invalid", "commit", "--quiet", "-m", message],
        folder,
    )


@pytest.fixture(scope="session")
def optuna(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = """
[project]
name = "optuna"
tool = "alembic"
migrations = "optuna/storages/_rdb/alembic.ini"
trunk = "main"
[project.environment]
python = ".venv/bin/python"
[server]
flavor = "mariadb"
[datasets.empty]
source = "empty"
"""
    return make_project(tmp_path_factory.mktemp("optuna") / "optuna", "optuna==5.0.0", settings)


def test_optuna_fails_on_mariadb_at_v2_4_0_a_with_the_servers_own_error(optuna: Path, store: Path) -> None:
    outcome = migci(optuna, store, "--only-trunk")
    assert outcome.status == 1, outcome.said
    steps = outcome.dataset["steps"]
    assert len(steps) == 10
    failed = next(step for step in steps if step["outcome"] == "failed")
    assert failed["revision"] == "v2.4.0.a"
    assert "1072" in failed["error"]["message"]
    assert "Key column 'step' doesn't exist in table" in failed["error"]["message"]
    assert {step["outcome"] for step in steps[steps.index(failed) + 1 :]} == {"skipped"}
    assert [finding["id"] for finding in outcome.dataset["findings"]] == ["MC101"]


def test_optunas_failure_is_trunks_and_leaves_a_patch_undecided(optuna: Path, store: Path) -> None:
    outcome = migci(optuna, store)
    assert outcome.status == 3, outcome.said
    assert [finding["id"] for finding in outcome.dataset["findings"]] == ["MC901"]


def test_optuna_passes_on_sqlite(optuna: Path, store: Path) -> None:
    settings = optuna / "migci.toml"
    text = settings.read_text()
    settings.write_text(text.replace('"mariadb"', '"sqlite"'))
    try:
        outcome = migci(optuna, store, "--only-trunk")
    finally:
        settings.write_text(text)
    assert outcome.status == 0, outcome.said
    assert [step["outcome"] for step in outcome.dataset["steps"]] == ["applied"] * 10


def test_mlflows_67_revisions_pass_on_its_initial_tables(tmp_path: Path, store: Path) -> None:
    project = make_project(
        tmp_path / "mlflow",
        "mlflow-skinny==3.17.2",
        """
[project]
name = "mlflow"
tool = "alembic"
migrations = "mlflow/store/db_migrations/alembic.ini"
trunk = "main"
[project.environment]
python = ".venv/bin/python"
[datasets.initial]
source = "initial.sql"
revision = "base"
contents = "synthetic"
""",
    )
    python = str(project / ".venv" / "bin" / "python")
    (project / "initial.sql").write_text(run([python, "-c", INITIAL_TABLES], project, PYTHONPATH=str(project)))
    commit(project, "the tables that a database had before it had migrations")
    outcome = migci(project, store, "--only-trunk")
    assert outcome.status == 0, outcome.said
    steps = outcome.dataset["steps"]
    assert len(steps) == 67
    assert {step["outcome"] for step in steps} == {"applied"}
    altered = [statement for step in steps for statement in step["statements"] if statement["algorithm"]]
    assert "COPY" in {statement["algorithm"] for statement in altered}
