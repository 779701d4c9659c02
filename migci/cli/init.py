"""`migci init`: a first migci.toml."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migci import config, wiring
from migci.adapters.commits import likely_trunk
from migci.cli.options import project_option
from migci.detect import Detected, detect
from migci.errors import UsageError

_SERVERS = ("mariadb", "mysql")

_TEMPLATE = """\
# What migci needs to know of this project. Every key is in docs/configuration.md.

[project]
name = {name}
tool = {tool}
migrations = {migrations}   # {migrations_are}
trunk = {trunk}   # what patches land on

# The interpreter that the migrations run in: the project's own, or one that migci builds and keeps.
[project.environment]
{environment}
# For an env.py that does not read sqlalchemy.url; 'migci doctor' tells whether it does:
# variables = {{ DATABASE_URL = "{{url}}" }}

[server]
flavor = {flavor}   # {flavor_is}
# programs = "/opt/mysql/bin"   # where the server's programs are, if not on the path
# options = ["--innodb-buffer-pool-size=4G"]   # as your production server has them

# A database that replays start from. This one starts with no tables, so the whole history runs on it.
[datasets.empty]
source = "empty"
contents = "synthetic"

# A real one: a dump (.sql, .sql.gz, .sql.zst, .sql.xz), relative to this file.
# [datasets.production]
# source = "production.sql.zst"
# contents = "anonymized"
# [datasets.production.limits]
# step_seconds = 60
# rows_changed = 1_000_000
"""


@click.command(short_help="Write a migci.toml for the project in this folder:  migci init")
@project_option
def init(project: Path) -> None:
    """Look at the project in DIR and write a commented migci.toml.

    It finds alembic.ini or migrate.cfg. What it writes holds a dataset that starts empty, so that the next command
    replays the project's whole history.

    \b
    Example:
      migci init && migci replay
    """
    project = project.resolve()
    path = project / config.FILE_NAME
    if path.exists():
        raise UsageError(f"{path} is there already", hint="change it, or delete it first")
    found = detect(project)
    flavor = "sqlite" if found.sqlite else next((name for name in _SERVERS if wiring.available(name)), "sqlite")
    path.write_text(_text(found, likely_trunk(project), flavor))
    click.echo(f"Wrote {path}: {found.tool}, {found.migrations}.")
    if len(found.found) > 1:
        click.echo(f"There are others: {', '.join(found.found[1:])}; change 'migrations' if one of them is meant.")
    click.echo("Next: migci replay --only-trunk, or migci doctor if that does not work at once.")


def _text(found: Detected, trunk: str, flavor: str) -> str:
    environment = (
        f"python = {json.dumps(found.python)}"
        if found.python
        else f"requirements = {json.dumps(list(found.requirements))}   # pip's arguments"
    )
    return _TEMPLATE.format(
        name=json.dumps(found.name),
        tool=json.dumps(found.tool),
        migrations=json.dumps(found.migrations),
        migrations_are="alembic's ini file" if found.tool == "alembic" else "the folder with migrate.cfg",
        trunk=json.dumps(trunk),
        environment=environment,
        flavor=json.dumps(flavor),
        flavor_is=_flavor_is(flavor, of_alembic=found.sqlite),
    )


def _flavor_is(flavor: str, *, of_alembic: bool) -> str:
    others = [name for name in (*_SERVERS, "sqlite") if name != flavor]
    told = "or " + ", ".join(json.dumps(name) for name in others)
    if flavor != "sqlite":
        return told
    return f"{told}; {'alembic.ini names SQLite' if of_alembic else 'no server is on the path of this machine'}"
