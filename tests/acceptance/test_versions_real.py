"""Repairs, tried with the real tools on SQLite, and in the real histories of two projects."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import uv

import migci
from tests.contract.interpreters import NEW, OLD, built
from tests.contract.projects import ENV
from tests.repositories import ALEMBIC_PROJECT, CFG, NUMBERED, Checkout, by_list, numbered, revision, script

# What the tools make of it

SYNC = """
import sys
import migci.versions.migrate
from migrate.versioning import api
api.version_control(sys.argv[1], "repository")
api.upgrade(sys.argv[1], "repository")
"""
UPGRADE = "from alembic.config import main; main(['upgrade', 'head'])"


def schema(checkout: Checkout, python: Path, tmp_path: Path) -> set[tuple[str, str]]:
    """What the project's own tool makes of an empty database: each table's columns, but for the tool's own table."""
    database = tmp_path / "database.sqlite"
    database.unlink(missing_ok=True)
    url = f"sqlite:///{database}"
    command = [str(python), "-c", SYNC, url]
    if (checkout.top / "alembic.ini").exists():
        checkout.write({"alembic.ini": f"{ALEMBIC_PROJECT['alembic.ini']}sqlalchemy.url = {url}\n"})
        command = [str(python), "-c", UPGRADE]
    variables = {**os.environ, "PYTHONPATH": str(Path(migci.__file__).parents[1])}
    done = subprocess.run(command, cwd=checkout.top, capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    checkout.git("checkout", "--quiet", "--", ".")
    with sqlite3.connect(database) as connection:
        found = {
            (table, column)
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for _, column, *_ in connection.execute(f"PRAGMA table_info({table})")
        }
    connection.close()
    return {(table, column) for table, column in found if table not in ("alembic_version", "migrate_version")}


def altering(files: Mapping[str, str], name: str, table: str) -> dict[str, str]:
    """The same files, but that the script `name` adds a column to a table which was there before."""
    return {
        path: text.replace(f"CREATE TABLE {name} (id INTEGER)", f"ALTER TABLE {table} ADD COLUMN {name} INTEGER")
        for path, text in files.items()
    }


@pytest.mark.parametrize("tool", ["alembic", "sqlalchemy-migrate", "sqlalchemy-migrate by versions.json"])
@pytest.mark.parametrize("words", [("rebase",), ("merge", "--no-edit")], ids=" ".join)
def test_the_schema_after_it_is_that_of_both(tool: str, words: tuple[str, ...], store: Path, tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "shop")
    checkout.write({".gitignore": "__pycache__\n"})
    if tool == "alembic":
        python = built(NEW, store / "interpreters")
        checkout.commit({**ALEMBIC_PROJECT, "migrations/env.py": ENV, **revision("users", None)})
        trunk = altering({**revision("orders", "users"), **revision("nick", "orders")}, "nick", "users")
        mine = altering({**revision("notes", "users"), **revision("age", "notes")}, "age", "users")
    else:
        python = built(OLD, store / "interpreters")
        package = {"repository/__init__.py": "", f"{NUMBERED}/__init__.py": ""}
        files = by_list if "versions.json" in tool else numbered
        checkout.use_driver()
        checkout.commit({**package, **files(["users"])})
        trunk = altering(files(["users", "orders", "nick"]), "nick", "users")
        mine = altering(files(["users", "notes", "age"]), "age", "users")
    checkout.branch("mine")
    checkout.commit(mine)
    alone = schema(checkout, python, tmp_path)
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(trunk)
    landed = schema(checkout, python, tmp_path)
    checkout.git("checkout", "--quiet", "mine")
    if "versions.json" in tool:
        checkout.git(*words, "main")  # and nothing else
    else:
        checkout.git(*words, "main")
        checkout.migci("rebase")
        checkout.commit()
    assert schema(checkout, python, tmp_path) == alone | landed
    assert alone - landed == {("notes", "id"), ("users", "age")}
    assert landed - alone == {("orders", "id"), ("users", "nick")}


# Real histories


def fetched(package: str, folder: str, top: Path) -> Path:
    """A folder of a package's, as it is published."""
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(top)]
    subprocess.run([*command, "--python", sys.executable, package], check=True, capture_output=True)
    for cache in (top / folder).rglob("__pycache__"):
        shutil.rmtree(cache)
    return top / folder


def test_a_clash_in_mlflows_67_revisions_is_found_and_repaired(tmp_path: Path) -> None:
    source = fetched("mlflow-skinny==3.17.2", "mlflow/store/db_migrations", tmp_path / "package")
    texts = {path.name: path.read_text() for path in (source / "versions").glob("*.py")}
    said = {
        name: (re.search(r'^revision = "(.*)"', text, re.M), re.search(r'^down_revision = "(.*)"', text, re.M))
        for name, text in texts.items()
    }
    followed = {down[1]: name for name, (_, down) in said.items() if down}
    ids = {name: own[1] for name, (own, _) in said.items() if own}
    assert len(ids) == 67
    last = next(name for name, id in ids.items() if id not in followed)
    parents = {name: down[1] for name, (_, down) in said.items() if down}
    before = next(name for name, id in ids.items() if id == parents[last])

    checkout = Checkout(tmp_path / "mlflow")
    checkout.write(ALEMBIC_PROJECT)
    shutil.copytree(source / "versions", checkout.top / "migrations/versions")
    for name in (last, before):
        (checkout.top / "migrations/versions" / name).unlink()
    checkout.commit()
    checkout.branch("mine")
    checkout.commit({**revision("mine", parents[before]), **revision("more", "mine")})
    checkout.git("checkout", "--quiet", "main")
    checkout.commit({f"migrations/versions/{name}": texts[name] for name in (before, last)})
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("rebase", "main")
    assert "has 2 heads" in checkout.migci("check", status=1)
    assert f"mine follows {ids[last]}, instead of {parents[before]}" in checkout.migci("rebase")
    assert "69 revisions, the newest is more" in checkout.migci("check")
    checkout.commit()
    changed = checkout.git("diff", "--name-status", "main", "mine").splitlines()
    assert changed == ["A\tmigrations/versions/mine.py", "A\tmigrations/versions/more.py"]


@pytest.mark.parametrize("form", ["names", "versions.json"])
def test_a_clash_in_novas_197_numbers_is_found_and_repaired(form: str, tmp_path: Path) -> None:
    source = fetched("nova==22.4.0", "nova/db/sqlalchemy/migrate_repo/versions", tmp_path / "package")
    found = {path.name: path.read_text() for path in source.iterdir() if re.match(r"\d{3}_.*\.(py|sql)", path.name)}
    numbers = sorted({name[:3] for name in found})
    assert len(numbers) == 197

    def tree(*wanted: str, **own: str) -> dict[str, str]:
        """The scripts of these numbers and the branch's own; in versions.json, where that is what is tried."""
        names = {number: sorted(name for name in found if name[:3] == number) for number in wanted}
        files = {f"{NUMBERED}/{name}": found[name] for several in names.values() for name in several}
        lines = dict(names)
        for number, name in ((key[1:], value) for key, value in own.items()):
            file = f"{number}_{name}.py" if form == "names" else f"{name}.py"
            files[f"{NUMBERED}/{file}"] = script(name)
            lines[number] = [file]
        text = ",\n".join(f"  {json.dumps(number)}: {json.dumps(several)}" for number, several in lines.items())
        return files if form == "names" else {**files, f"{NUMBERED}/versions.json": f"{{\n{text}\n}}\n"}

    checkout = Checkout(tmp_path / "nova")
    checkout.use_driver()
    checkout.commit({**tree(*numbers[:-2]), "repository/migrate.cfg": CFG})
    checkout.branch("mine")
    checkout.commit(tree(*numbers[:-2], n411="mine", n412="more"))
    checkout.git("checkout", "--quiet", "main")
    checkout.commit(tree(*numbers))
    assert "number 411 is there twice" in checkout.migci("check", "mine", status=1)
    checkout.git("checkout", "--quiet", "mine")
    checkout.git("rebase", "main")
    assert ("nothing to do" in checkout.migci("rebase")) == (form == "versions.json")
    assert "199 numbers, the newest is 414" in checkout.migci("check")
    checkout.commit()
    changed = checkout.git("diff", "--name-status", "--no-renames", "main", "mine").splitlines()
    if form == "names":
        assert changed == [f"A\t{NUMBERED}/413_mine.py", f"A\t{NUMBERED}/414_more.py"]
    else:
        assert changed == [f"A\t{NUMBERED}/mine.py", f"A\t{NUMBERED}/more.py", f"M\t{NUMBERED}/versions.json"]
        lines = checkout.git("diff", "--numstat", "main", "mine", "--", f"{NUMBERED}/versions.json").split()
        assert lines[:2] == ["3", "1"]  # the two that are new, and a comma
