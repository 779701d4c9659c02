"""Tiny projects for each migration tool, whose migrations are a few lines of Python with `run(sql)` in them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from migci.adapters.tools.alembic import Alembic
from migci.adapters.tools.command import Command
from migci.adapters.tools.session import Kind
from migci.adapters.tools.sqlalchemy_migrate import SqlalchemyMigrate
from migci.ports import VersionTable
from tests.contract.interpreters import NEW, OLD, Interpreter

INI = "[alembic]\nscript_location = migrations\n"

ENV = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

ALEMBIC_SCRIPT = '''"""{summary}"""
revision = {id!r}
down_revision = {down!r}

def upgrade():
    from alembic import op
    run = op.execute
{body}
'''

MIGRATE_SCRIPT = """
def upgrade(engine):
    run = engine.execute
{body}
"""

MIGRATE_CFG = "[db_settings]\nrepository_id = shop\nversion_table = migrate_version\nrequired_dbs = []\n"

APPLY = '''
"""Brings a database to a revision: apply.py REVISION FILE URL"""
import re, sys

revision, file, url = sys.argv[1:]
if url.startswith("sqlite"):
    import sqlite3

    connection = sqlite3.connect(url[len("sqlite:///"):])
else:
    import pymysql

    form = r"mysql\\+pymysql://(\\w+):(\\w+)@localhost/(\\w+)\\?unix_socket=([^&]+)"
    user, password, name, socket = re.match(form, url).groups()
    connection = pymysql.connect(unix_socket=socket, user=user, password=password, database=name)
run = connection.cursor().execute
exec(compile(open(file).read(), file, "exec"), {"run": run})
run("CREATE TABLE IF NOT EXISTS applied (revision VARCHAR(20))")
run("DELETE FROM applied")
run("INSERT INTO applied VALUES ('%s')" % revision)
connection.commit()
'''


def put(project: Path, name: str, text: str) -> Path:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


def alembic_script(project: Path, id_: str, down: str | tuple[str, ...] | None, body: str = "pass") -> Path:
    text = ALEMBIC_SCRIPT.format(summary=f"number {id_}", id=id_, down=down, body=textwrap.indent(body, "    "))
    return put(project, f"migrations/versions/{id_}_of.py", text)


def write_alembic(project: Path, bodies: Mapping[str, str], env: str = ENV) -> None:
    put(project, "alembic.ini", INI)
    put(project, "migrations/env.py", env)
    down = None
    (project / "migrations/versions").mkdir(exist_ok=True)
    for id_, body in bodies.items():
        alembic_script(project, id_, down, body)
        down = id_


def write_migrate(project: Path, bodies: Mapping[str, str]) -> None:
    put(project, "repository/migrate.cfg", MIGRATE_CFG)
    put(project, "repository/__init__.py", "")
    put(project, "repository/versions/__init__.py", "")
    for id_, body in bodies.items():
        text = MIGRATE_SCRIPT.format(body=textwrap.indent(body, "    "))
        put(project, f"repository/versions/{int(id_):03}_of.py", text)


def write_named(project: Path, bodies: Mapping[str, str]) -> None:
    """As `write_migrate` does, with the numbers in versions.json."""
    write_migrate(project, {})
    for id_, body in bodies.items():
        text = MIGRATE_SCRIPT.format(body=textwrap.indent(body, "    "))
        put(project, f"repository/versions/of_{_letters(id_)}.py", text)
    numbers = {id_: [f"of_{_letters(id_)}.py"] for id_ in bodies}
    put(project, "repository/versions/versions.json", json.dumps(numbers))


def _letters(id_: str) -> str:
    """The number in letters: names that are in another order than the numbers."""
    return "zyxwvutsrq"[int(id_)]


def write_command(project: Path, bodies: Mapping[str, str]) -> None:
    put(project, "apply.py", APPLY)
    for id_, body in bodies.items():
        put(project, f"changes/{int(id_):04}_of.py", body)


@dataclass(frozen=True)
class Kit:
    """One tool in one interpreter, and how a project of it is written."""

    tool: str
    interpreter: Interpreter
    named: bool = False

    def __str__(self) -> str:
        named = " with versions.json" if self.named else ""
        return f"{self.tool}{named} on Python {self.interpreter.version}"

    def write(self, project: Path, bodies: Mapping[str, str]) -> None:
        project.mkdir(parents=True, exist_ok=True)
        migrate = write_named if self.named else write_migrate
        {"alembic": write_alembic, "sqlalchemy-migrate": migrate, "command": write_command}[self.tool](project, bodies)

    def kind(self) -> Kind:
        match self.tool:
            case "alembic":
                return Alembic("alembic.ini")
            case "sqlalchemy-migrate":
                return SqlalchemyMigrate("repository")
            case _:
                arguments = ("python", "apply.py", "{revision}", "{file}", "{url}")
                return Command("changes", arguments, VersionTable("applied", "revision"))

    def file(self, id_: str) -> str:
        match self.tool:
            case "alembic":
                return f"migrations/versions/{id_}_of.py"
            case "sqlalchemy-migrate" if self.named:
                return f"repository/versions/of_{_letters(id_)}.py"
            case "sqlalchemy-migrate":
                return f"repository/versions/{int(id_):03}_of.py"
            case _:
                return f"changes/{int(id_):04}_of.py"


ALEMBIC = Kit("alembic", NEW)
OLD_ALEMBIC = Kit("alembic", OLD)
MIGRATE = Kit("sqlalchemy-migrate", OLD)
NAMED = Kit("sqlalchemy-migrate", OLD, named=True)
COMMAND = Kit("command", NEW)

KITS = (ALEMBIC, OLD_ALEMBIC, MIGRATE, NAMED, COMMAND)
IN_PROCESS = (ALEMBIC, MIGRATE)
"""The kits whose migrations run in the agent's own process."""
