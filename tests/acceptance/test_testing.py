"""The pytest plugin, as a project's own pytest runs it: on the shop, as it is and with mistakes in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from migci.demo.shop import build
from tests.acceptance.command import demand, left, state
from tests.contract.flavors import needs_mysql
from tests.contract.interpreters import OLD, built
from tests.contract.projects import put, write_migrate

FLAVORS = pytest.mark.parametrize("flavor", ["sqlite", "mariadb"])


@dataclass(frozen=True)
class Ended:
    """How a pytest ended. `pid` was its process's."""

    status: int
    out: str
    pid: int

    @property
    def ends(self) -> dict[str, str]:
        """How each ready test ended."""
        return dict(re.findall(r"^migci::(?:test_)?(\S+) (\w+)", self.out, re.MULTILINE))


def run(project: Path, *arguments: str, libraries: Path | None = None) -> Ended:
    """A real pytest in `project`, which knows nothing of this one's settings, and finds `libraries` besides."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    words = ("-v", "-rs", "-p", "no:cacheprovider", "--color=no", *arguments)
    with subprocess.Popen(
        [sys.executable, "-B", "-m", "pytest", *words],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**variables, "COLUMNS": "200", "PYTHONPATH": str(libraries or "")},
    ) as process:
        out, _ = process.communicate()
        return Ended(process.returncode, out, process.pid)


def shop(tmp_path: Path, flavor: str, trait: str = "shop") -> Path:
    demand(flavor)
    build(tmp_path / "shop", flavor=flavor, trait=trait)
    if flavor == "mysql":
        programs = f'flavor = "mysql"\nprograms = "{os.environ["MIGCI_MYSQL"]}"'
        edit(tmp_path / "shop", "migci.toml", 'flavor = "mysql"', programs)
    return tmp_path / "shop"


def edit(project: Path, name: str, old: str, new: str) -> None:
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@FLAVORS
def test_the_shop_passes_every_ready_test_and_nothing_is_left(flavor: str, store: Path, tmp_path: Path) -> None:
    project = shop(tmp_path, flavor)
    before = state(project)
    tested = run(project, "--migci")
    revisions = [f"{number:04}" for number in range(1, 11)]
    assert tested.ends == {
        "history_is_linear": "PASSED",
        "history_has_a_single_head": "PASSED",
        **{f"up_down_up[{revision}]": "PASSED" for revision in revisions},
        "models_match_schema": "PASSED",
    }, tested.out
    assert tested.status == 0
    assert left(store, tested.pid) == []
    assert state(project) == before


NINTH = "migrations/versions/0009_order_totals.py"
TENTH = "migrations/versions/0010_orders_by_status.py"


@FLAVORS
def test_each_mistake_fails_the_test_that_it_belongs_to(flavor: str, tmp_path: Path) -> None:
    project = shop(tmp_path, flavor)
    edit(project, "models.py", "name: Mapped[str] = mapped_column(String(100))\n    price_cents", "price_cents")
    edit(project, NINTH, 'batch.drop_column("total_cents")', "pass")
    text = (project / TENTH).read_text()
    (project / TENTH).write_text(text[: text.index("def downgrade")])
    tested = run(project, "--migci")
    failed = {name: end for name, end in tested.ends.items() if end != "PASSED"}
    assert failed == {
        "up_down_up[0009]": "FAILED",
        "up_down_up[0010]": "SKIPPED",
        "models_match_schema": "FAILED",
    }, tested.out
    assert "the downgrade of 0009 does not bring back what was there:\n+ orders: " in tested.out
    assert "0010 has no way back: Irreversible: it has no downgrade()" in tested.out
    assert "to be as the models are, the schema needs:\nremove_column products.name" in tested.out
    assert tested.status == 1


@needs_mysql
def test_a_migration_goes_up_down_and_up_on_mysql_too(store: Path, tmp_path: Path) -> None:
    tested = run(shop(tmp_path, "mysql"), "--migci", "migci::test_up_down_up[0009]")
    assert tested.ends == {"up_down_up[0009]": "PASSED"}, tested.out
    assert left(store, tested.pid) == []


def test_a_migration_that_fails_is_told_and_those_behind_it_are_skipped_with_its_name(tmp_path: Path) -> None:
    project = shop(tmp_path, "sqlite")
    edit(project, NINTH, "def upgrade():", "def upgrade():\n    print('said before')\n    raise KeyError('uuid')")
    line = (project / NINTH).read_text().splitlines().index("    raise KeyError('uuid')") + 1
    tested = run(project, "--migci", "-k", "up_down_up and (0008 or 0009 or 0010)")
    assert tested.ends == {
        "up_down_up[0008]": "PASSED",
        "up_down_up[0009]": "FAILED",
        "up_down_up[0010]": "SKIPPED",
    }, tested.out
    assert f"step 0008->0009 failed: KeyError: 'uuid' ({NINTH}, line {line})" in tested.out
    _, _, log = tested.out.partition(" log.txt of migci ")
    assert "== revision 0009\n" in log
    assert "   said before\n" in log
    assert "0009, which comes before 0010, fails" in tested.out


def test_two_heads_and_a_missing_parent_fail_without_a_database(tmp_path: Path) -> None:
    project = shop(tmp_path, "sqlite", "second-head")
    put(project, "migrations/versions/0042_lost.py", 'revision = "0042"\ndown_revision = "0041"\n')
    tested = run(project, "--migci", "-k", "history")
    assert tested.ends == {"history_is_linear": "FAILED", "history_has_a_single_head": "FAILED"}, tested.out
    assert "MC010 migrations/versions/0042_lost.py:2: revision 0042 follows 0041" in tested.out
    assert re.search(r"MC008 \S+: the history has 2 heads: ", tested.out)


def test_ready_tests_are_run_by_the_ids_that_they_are_shown_with(tmp_path: Path) -> None:
    project = shop(tmp_path, "sqlite")
    put(project, "test_it.py", "def test_it(): pass\n")
    both = run(project, "--migci", "migci::test_up_down_up[0001]", "migci::test_history_is_linear")
    assert both.ends == {"history_is_linear": "PASSED", "up_down_up[0001]": "PASSED"}, both.out
    assert "test_it" not in both.out
    every = run(project, "--migci", "--collect-only", "-q", "test_it.py", "migci::test_up_down_up")
    assert every.out.count("<Function test_up_down_up[") == every.out.count("<Function ") - 1 == 10, every.out
    none = run(project, "--migci", "migci::test_up_down_up[0099]")
    assert (none.status, "ERROR: not found: migci::test_up_down_up[0099]" in none.out) == (4, True), none.out


def test_a_migration_and_its_own_test_are_no_tests_of_the_projects_whatever_they_are_called(tmp_path: Path) -> None:
    project = shop(tmp_path, "sqlite")
    header = 'import nowhere\nrevision = "0011"\ndown_revision = "0010"\n'
    put(project, "migrations/versions/test_users.py", header)
    put(project, "migrations/versions/tests/test_users_test.py", "import nowhere\ndef check(engine, data): pass\n")
    put(project, "migrations/versions/tests/test_more.py", "def test_more(): pass\n")
    tested = run(project, "--migci", "-k", "history or more")
    assert tested.ends == {"history_is_linear": "PASSED", "history_has_a_single_head": "PASSED"}, tested.out
    assert "migrations/versions/tests/test_more.py::test_more PASSED" in tested.out
    assert tested.status == 0


OWN = """
import sqlalchemy as sa


def test_paid_orders_get_a_date(migci_database):
    database = migci_database.at("0007")
    assert (database.revision, database.pending) == ("0007", ("0008", "0009", "0010"))
    engine = sa.create_engine(database.url)
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO customers (id, email, name, created_at) VALUES (1, 'a@example.org', 'A', '2026-01-01')",
            "INSERT INTO orders (id, customer_id, status, placed_at) VALUES (1, 1, 'paid', '2026-01-02')",
        ):
            connection.execute(sa.text(statement))
    step = database.step()
    assert step.name == "0007->0008"
    (difference,) = database.difference()
    assert difference.table == "orders"
    assert any("paid_at" in line for line in difference.lines)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT paid_at FROM orders")).scalar() is not None
    engine.dispose()
    assert "paid_at" in database.schema()["orders"]
    database.back()
    assert database.revision == "0007"
    assert "paid_at" not in database.schema()["orders"]
    assert database.upgrade().revision == "0010"


def test_each_test_has_a_database_of_its_own(migci_database):
    assert migci_database.revision is None
    assert migci_database.schema() == {}


class TestOnData:
    import pytest

    @pytest.fixture
    def migci_dataset(self):
        return "shop"

    def test_a_dataset_of_the_settings(self, migci_database):
        assert migci_database.revision == "0006"
        migci_database.at("0009")
        with sa.create_engine(migci_database.url).connect() as connection:
            assert connection.execute(sa.text("SELECT COUNT(*) FROM orders WHERE total_cents > 0")).scalar() == 20000


def test_a_revision_that_is_not_there(migci_database):
    migci_database.at("0099")
"""


@pytest.fixture(scope="session")
def sqlalchemy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with SQLAlchemy in it: what a project's tests need, and migci does not."""
    folder = tmp_path_factory.mktemp("libraries")
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(folder)]
    subprocess.run([*command, "SQLAlchemy>=2"], check=True)
    return folder


@FLAVORS
def test_a_projects_own_tests_go_step_by_step_and_look(
    flavor: str, store: Path, tmp_path: Path, sqlalchemy: Path
) -> None:
    project = shop(tmp_path, flavor)
    put(project, "tests/test_own.py", OWN)
    tested = run(project, "--migci-project", str(project), "tests", libraries=sqlalchemy)
    ends = dict(re.findall(r"^tests/test_own.py::(\S+) (\w+)", tested.out, re.MULTILINE))
    assert ends == {
        "test_paid_orders_get_a_date": "PASSED",
        "test_each_test_has_a_database_of_its_own": "PASSED",
        "TestOnData::test_a_dataset_of_the_settings": "PASSED",
        "test_a_revision_that_is_not_there": "FAILED",
    }, tested.out
    assert "there is no revision '0099' in the history" in tested.out
    assert left(store, tested.pid) == []


def test_real_data_are_not_given_to_tests_that_nothing_contains(tmp_path: Path) -> None:
    project = shop(tmp_path, "sqlite")
    edit(project, "migci.toml", 'contents = "synthetic"', 'contents = "real"')
    text = """
    import pytest

    @pytest.fixture
    def migci_dataset():
        return "shop"

    def test_it(migci_database): pass
    """
    put(project, "test_it.py", text)
    tested = run(project, "test_it.py")
    assert "dataset 'shop' holds real data, and a project's own tests run in no sandbox" in tested.out
    assert tested.status == 1


def test_without_settings_a_test_that_needs_them_fails_with_a_hint_and_the_others_run(tmp_path: Path) -> None:
    put(tmp_path, "test_it.py", "def test_it(): pass\n\ndef test_migrations(migci_database): pass\n")
    tested = run(tmp_path, "--rootdir", str(tmp_path))
    assert re.search(r"1 passed, 1 error", tested.out), tested.out
    assert f"there is no migci.toml in {tmp_path}; name its folder with --migci-project" in tested.out
    tested = run(tmp_path, "--rootdir", str(tmp_path), "--migci", "-k", "linear or up_down")
    assert tested.ends["up_down_up[None]"] == "SKIPPED"
    assert "the tests of the history's order say why" in tested.out


def test_it_is_not_there_unless_it_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "test_it.py", "def test_it(): pass\n")
    assert "collected 1 item" in run(tmp_path, "--rootdir", str(tmp_path)).out
    said = subprocess.run(
        [sys.executable, "-c", "import sys, migci.testing.plugin; print(*(m for m in sys.modules if 'migci' in m))"],
        check=True,
        capture_output=True,
        text=True,
    )
    ours = {name for name in said.stdout.split() if "editable" not in name}
    assert ours == {"migci", "migci.testing", "migci.testing.plugin"}


@pytest.fixture(scope="session")
def old_python(store: Path) -> Callable[[], Path]:
    return lambda: built(OLD, store / "interpreters")


MIGRATE_TOML = """
[project]
name = "shop"
tool = "sqlalchemy-migrate"
migrations = "repository"
trunk = "HEAD"

[project.environment]
python = "{python}"

[server]
flavor = "sqlite"

[datasets.empty]
source = "empty"
"""


def test_sqlalchemy_migrate_goes_up_down_and_up_and_says_what_it_cannot(
    old_python: Callable[[], Path], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    write_migrate(project, {"1": 'run("CREATE TABLE shoe (id INTEGER)")', "2": 'run("CREATE TABLE hat (id INTEGER)")'})
    path = project / "repository/versions/001_of.py"
    path.write_text(path.read_text() + "\ndef downgrade(engine):\n    engine.execute('DROP TABLE shoe')\n")
    put(project, "migci.toml", MIGRATE_TOML.format(python=old_python()))
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *words], cwd=project, check=True)
    tested = run(project, "--migci")
    assert tested.ends == {
        "history_is_linear": "PASSED",
        "history_has_a_single_head": "PASSED",
        "up_down_up[1]": "PASSED",
        "up_down_up[2]": "SKIPPED",
        "models_match_schema": "SKIPPED",
    }, tested.out
    assert "2 has no way back: Irreversible: it has no downgrade" in tested.out
    assert "sqlalchemy-migrate has no comparison of models and schema" in tested.out
