"""A repository of sqlalchemy-migrate with every kind of script, numbered, and the same with names and versions.json."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.contract.projects import MIGRATE_CFG, put

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """
def upgrade(engine):
    engine.execute("CREATE TABLE {table} (id INTEGER)")


def downgrade(engine):
    engine.execute("DROP TABLE {table}")
"""

SCRIPTS = {
    "001_users.py": PYTHON.format(table="users"),
    "002_placeholder.py": "def upgrade(engine):\n    pass\n\n\ndef downgrade(engine):\n    pass\n",
    "003_placeholder.py": "def upgrade(engine):\n    pass\n\n\ndef downgrade(engine):\n    pass\n\n# another\n",
    "004_add_counters.py": "def upgrade(engine):\n    raise RuntimeError('not on this database')\n",
    "004_add_counters_sqlite_upgrade.sql": "-- it begins with a comment\nCREATE TABLE counters (id INTEGER);\n"
    "INSERT INTO counters VALUES (1);\nINSERT INTO counters VALUES (2);\n",
    "004_add_counters_sqlite_downgrade.sql": "DROP TABLE counters;\n",
    "004_add_counters_mysql_upgrade.sql": "CREATE TABLE counters (id INTEGER) ENGINE=MyISAM;\n",
    "005_default_upgrade.sql": "CREATE TABLE quotas (id INTEGER);\n",
    "005_default_downgrade.sql": "DROP TABLE quotas;\n",
    "006_json.py": PYTHON.format(table="of_json"),
}
"""What each file of the numbered folder holds; the last is called as a module of the standard library."""

NAMES = {
    "001_users.py": "users.py",
    "002_placeholder.py": "placeholder.py",
    "003_placeholder.py": "placeholder_2.py",
    "004_add_counters.py": "add_counters.py",
    "004_add_counters_sqlite_upgrade.sql": "add_counters_sqlite_upgrade.sql",
    "004_add_counters_sqlite_downgrade.sql": "add_counters_sqlite_downgrade.sql",
    "004_add_counters_mysql_upgrade.sql": "add_counters_mysql_upgrade.sql",
    "005_default_upgrade.sql": "unnamed_default_upgrade.sql",
    "005_default_downgrade.sql": "unnamed_default_downgrade.sql",
    "006_json.py": "json.py",
}

VERSIONS = """\
{
  "1": ["users.py"],
  "2": ["placeholder.py"],
  "3": ["placeholder_2.py"],
  "4": ["add_counters.py", "add_counters_mysql_upgrade.sql", "add_counters_sqlite_downgrade.sql",\
 "add_counters_sqlite_upgrade.sql"],
  "5": ["unnamed_default_downgrade.sql", "unnamed_default_upgrade.sql"],
  "6": ["json.py"]
}
"""

MANAGE = """
import migci.versions.migrate
from migrate.versioning.shell import main

if __name__ == "__main__":
    main(repository="repository", url="sqlite:///shop.sqlite")
"""


def write_numbered(project: Path) -> Path:
    """A project with a repository whose files are numbered; returns its versions folder."""
    _around(project)
    for name, text in SCRIPTS.items():
        (project / "repository/versions" / name).write_text(text)
    return project / "repository/versions"


def write_named(project: Path) -> Path:
    """The same, with names and versions.json."""
    _around(project)
    for name, text in SCRIPTS.items():
        (project / "repository/versions" / NAMES[name]).write_text(text)
    (project / "repository/versions/versions.json").write_text(VERSIONS)
    return project / "repository/versions"


def _around(project: Path) -> None:
    put(project, "repository/migrate.cfg", MIGRATE_CFG)
    put(project, "repository/__init__.py", "")
    put(project, "repository/versions/__init__.py", "")
    put(project, "manage.py", MANAGE)


def run(python: Path, project: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """The project's own interpreter, with migci and nothing else of ours where it finds packages."""
    packages = project.with_name(f"{project.name}-packages")
    packages.mkdir(exist_ok=True)
    if not (packages / "migci").exists():
        (packages / "migci").symlink_to(ROOT / "migci")
    environment = {**os.environ, "PYTHONPATH": str(packages), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([python, *words], cwd=project, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def answer(python: Path, project: Path, code: str) -> object:
    """What `code` leaves in `told`, run in the project's interpreter."""
    done = run(python, project, "-c", f"{code}\nimport json\nprint('told:' + json.dumps(told))")
    return json.loads(done.stdout.rpartition("told:")[2])
