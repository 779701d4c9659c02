"""Migrations' own tests through the command line: what they decide, and what they must not touch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migci.demo.shop import CUSTOMERS, build
from tests.acceptance.command import Ran, left, replay
from tests.contract.projects import put

TESTS = "migrations/versions/tests"
NINTH = f"{TESTS}/0009_order_totals_test.py"


def shop(tmp_path: Path, trait: str = "shop") -> Path:
    build(tmp_path / "shop", flavor="sqlite", trait=trait)
    return tmp_path / "shop"


def told(ran: Ran) -> list[tuple[str, str, str]]:
    """Id, severity and message of each finding."""
    return [(finding["id"], finding["severity"], finding["message"]) for finding in ran.findings]


COUNTS = """
from sqlalchemy import text

def pre_upgrade(engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM order_lines WHERE order_id = 1"))
    return 1

def check(engine, data):
    with engine.connect() as connection:
        sql = text("SELECT total_cents FROM orders WHERE id = :id")
        assert connection.execute(sql, {"id": data}).scalar() == 0, "an order of nothing costs something"
"""


def test_a_test_that_passes_is_counted_and_the_steps_stand_in_the_report_once(store: Path, tmp_path: Path) -> None:
    project = shop(tmp_path)
    put(project, NINTH, COUNTS)
    ran = replay(project, "shop")
    (dataset,) = ran.report["datasets"]
    assert (ran.status, told(ran)) == (0, [])
    assert [(one["step"], one["outcome"], one["part"], one["file"]) for one in dataset["tests"]] == [
        ("0008->0009", "passed", "check", NINTH)
    ]
    steps = [step["revision"] for step in dataset["steps"] if step["stage"] == "proposed"]
    assert steps == ["0009", "0010"]
    assert "1 test: 1 passed" in ran.out
    assert left(store, ran.pid) == []


def test_what_a_test_takes_out_of_its_way_still_fails_the_step(tmp_path: Path) -> None:
    project = shop(tmp_path, "duplicate-rows")
    text = """
    from sqlalchemy import text

    def pre_upgrade(engine):
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM customers"))
    """
    put(project, f"{TESTS}/0009_unique_names_test.py", text)
    ran = replay(project, "shop")
    assert [(id, severity) for id, severity, _ in told(ran)] == [("MC101", "error")]
    assert ran.report["datasets"][0]["tests"] == []


def test_a_step_that_fails_on_what_its_test_put_in_is_told_as_that(tmp_path: Path) -> None:
    project = shop(tmp_path)
    text = """
    from sqlalchemy import text

    def pre_upgrade(engine):
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE orders ADD COLUMN total_cents INTEGER"))
    """
    put(project, NINTH, text)
    ran = replay(project, "shop")
    ((id, severity, message),) = told(ran)
    assert (id, severity) == ("MC108", "error")
    assert message == (
        "step 0008->0009 failed on a database that migrations' own tests had prepared: "
        "OperationalError: duplicate column name: total_cents"
    )
    assert [step["outcome"] for step in ran.report["datasets"][0]["steps"] if step["stage"] == "proposed"] == [
        "applied",
        "applied",
    ]


FAILS = "def check(engine, data):\n    assert data, 'nothing was prepared'\n"


def test_trunks_own_test_is_told_where_its_step_is_run_and_fails_no_patch(tmp_path: Path) -> None:
    project = shop(tmp_path)
    put(project, f"{TESTS}/0008_paid_at_test.py", FAILS)
    assert told(replay(project, "shop")) == []  # only the patch's tree has it
    for words in (["checkout", "-q", "main"], ["add", "."], ["commit", "-qm", "a test"], ["checkout", "-q", "patch"]):
        git(project, *words)
    assert told(replay(project, "shop")) == []
    ran = replay(project, "shop", "--no-cache")
    assert (ran.status, told(ran)) == (
        0,
        [
            (
                "MC108",
                "warning",
                "trunk's own: the test of step 0007->0008 failed in check: AssertionError: nothing was prepared",
            )
        ],
    )
    assert replay(project, "shop", "--no-cache", "--only-trunk").status == 1


def git(project: Path, *words: str) -> None:
    from migci.demo.repository import git as run

    run(project, *words)


def test_a_class_of_tests_that_is_not_there_fails_the_patch_in_a_sentence(tmp_path: Path) -> None:
    project = shop(tmp_path)
    settings = project / "migci.toml"
    said = '[project.versions]\ntests = "tests/walk.py:Walk"\n'
    text = settings.read_text().replace("[project.environment]", f"{said}[project.environment]")
    settings.write_text(text)
    ((id, severity, message),) = told(replay(project, "empty"))
    assert (id, severity) == ("MC108", "error")
    assert message.startswith("the migrations' own tests cannot be found: tests/walk.py of working tree cannot be read")


@pytest.mark.parametrize("leak", ["raise AssertionError(found)", "print(found)"])
def test_a_value_that_a_test_shows_passes_the_gate(leak: str, tmp_path: Path) -> None:
    project = shop(tmp_path)
    settings = project / "migci.toml"
    real = settings.read_text().replace('contents = "synthetic"', 'contents = "real"\npublish_log = true')
    settings.write_text(real)
    text = f"""
    from sqlalchemy import text

    def check(engine, data):
        with engine.connect() as connection:
            found = connection.execute(text("SELECT email FROM customers WHERE id = {CUSTOMERS}")).scalar()
        {leak}
    """
    put(project, NINTH, text)
    ran = replay(project, "shop")
    assert [one["outcome"] for one in ran.report["datasets"][0]["tests"]] == ["failed" if "raise" in leak else "passed"]
    address = re.compile(rf"\.{CUSTOMERS}@example\.org")
    for file in ran.results.iterdir():
        assert not address.search(file.read_text()), file.name
    assert not address.search(ran.out + ran.err)
