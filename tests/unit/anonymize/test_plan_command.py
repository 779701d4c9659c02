"""`anonymize plan`, from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DUMP = "CREATE TABLE users (id int PRIMARY KEY, email varchar(90), low varchar(90) AS (lower(email)));\n"


def anonymize(folder: Path, *words: str) -> tuple[int, str, str]:
    program = "import sys; from anonymize.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, *words], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dump.sql").write_text(DUMP)
    (tmp_path / "good.toml").write_text('[tables.users]\nid = "keep"\nemail = { kind = "email", meaning = "mail" }\n')
    (tmp_path / "bad.toml").write_text('[tables.users]\nid = "keep"\n[tables.logs]\n"*" = "keep"\n')
    return tmp_path


def test_a_plan_without_problems_ends_with_0_and_json_tells_every_column(folder: Path) -> None:
    status, out, _ = anonymize(folder, "plan", "dump.sql", "--markup", "good.toml", "--format", "json")
    assert status == 0
    told = json.loads(out)
    assert told["schema"] == "anonymize.plan/1"
    assert told["problems"] == []
    (users,) = told["tables"]
    assert [(one["name"], one["decision"], one["kind"]) for one in users["columns"]] == [
        ("id", "kept", "keep"),
        ("email", "replaced", "email"),
        ("low", "computed", "default"),
    ]
    assert users["columns"][1] == {
        "name": "email",
        "type": "varchar",
        "decision": "replaced",
        "kind": "email",
        "options": {"meaning": "mail"},
        "origin": "markup",
        "source": None,
        "place": "good.toml:3",
        "uniqueness": "collision-free",
    }


def test_a_plan_with_errors_ends_with_1_and_json_tells_them(folder: Path) -> None:
    status, out, _ = anonymize(folder, "plan", "dump.sql", "--markup", "bad.toml", "--format", "json")
    assert status == 1
    assert [(one["id"], one["severity"], one["table"], one["column"]) for one in json.loads(out)["problems"]] == [
        ("unmarked", "error", "users", "email"),
        ("no-such-table", "error", "logs", None),
    ]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["plan", "dump.sql"], 2, "Missing option '--markup'"),
        (["plan", "dump.sql", "--markup", "none.toml"], 2, "the markup none.toml cannot be read: No such file"),
        (["plan", "dump.sql", "--markup", "no.models:Base"], 2, "ModuleNotFoundError: No module named 'no'"),
        (["plan", "dump.sql", "--markup", "no.models:Base", "--static"], 2, "there is no file of the models no"),
        (["plan", "broken.sql", "--markup", "good.toml"], 3, "broken.sql:2"),
        (["plan", "empty.sql", "--markup", "good.toml"], 1, "declares no tables"),
        (["plam"], 2, "No such command 'plam'"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_a_sentence_and_a_status_and_never_a_traceback(
    folder: Path, words: list[str], status: int, said: str
) -> None:
    (folder / "broken.sql").write_text("-- a dump\nCREATE TABLE t (a int frob);\n")
    (folder / "empty.sql").write_text("-- nothing\n")
    found, out, err = anonymize(folder, *words, *(["--python", sys.executable] if "dump.sql" in words else []))
    assert (found, out) == (status, "")
    assert said in err
    assert "Traceback" not in err


def test_what_the_dump_declares_goes_before_the_schema(folder: Path) -> None:
    (folder / "other.sql").write_text("CREATE TABLE users (id int, more int);\n")
    (folder / "named.sql").write_text("USE shop;\n" + DUMP)
    status, out, _ = anonymize(folder, "plan", "named.sql", "--markup", "good.toml", "--schema", "other.sql")
    assert status == 0, out
    assert out.splitlines()[0] == "shop.users"
    assert "1 table, 3 columns" in out


def test_tables_that_the_dump_does_not_declare_come_from_a_schema(folder: Path) -> None:
    (folder / "rows.sql").write_text("-- nothing\n")
    status, out, err = anonymize(
        folder, "plan", "rows.sql", "--markup", "good.toml", "--schema", "dump.sql", "--format", "json"
    )
    assert status == 0, out + err
    assert json.loads(out)["tables"][0]["name"] == "users"
