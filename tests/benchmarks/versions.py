"""What `migci versions check` costs on a long history: 1000 alembic revisions, and 10 000, of 2 KB each.

The scripts are in a git repository with a migci.toml, and a branch adds one more. Counted is the whole command, from
its start to its exit: at a ref against trunk, and on the working tree; at trunk alone, where every script is read
whole; and, to compare, a command that does nothing. Processor seconds are those of the command and of the git that it
starts.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from migci.demo import repository

REVISIONS = (1000, 10_000)

SCRIPT = '''"""Change {number} of the table of orders

Revision ID: {id}
Revises: {parent}
Create Date: 2026-01-05 12:00:00.000000

"""
from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision = {id!r}
down_revision = {parent!r}
branch_labels = None
depends_on = None


def upgrade():
{ups}

def downgrade():
{downs}
'''

SETTINGS = """
[project]
name = "long"
tool = "alembic"
migrations = "alembic.ini"
trunk = "main"
[datasets.empty]
source = "empty"
"""

COMMANDS = {
    "nothing": ["--version"],
    "ref_against_trunk": ["versions", "check", "patch"],
    "working_tree_against_trunk": ["versions", "check"],
    "trunk_alone": ["versions", "check", "main"],
}


def id_of(number: int) -> str | None:
    return f"{number * 2654435761 % (1 << 48):012x}" if number else None


def script(number: int) -> str:
    ups = [
        f'    op.add_column("orders", sa.Column("c{number}_{each}", sa.String(200), nullable=True, default=""))\n'
        f'    op.create_index("ix_{number}_{each}", "orders", ["customer_id", "c{number}_{each}"], unique=False)\n'
        for each in range(8)
    ]
    downs = [f'    op.drop_index("ix_{number}_{each}", "orders")\n' for each in range(8)]
    return SCRIPT.format(
        number=number, id=id_of(number), parent=id_of(number - 1), ups="".join(ups), downs="".join(downs)
    )


def build(project: Path, revisions: int) -> None:
    """A repository on the branch `patch`, with one revision more than `main` has."""
    versions = project / "migrations" / "versions"
    versions.mkdir(parents=True)
    (project / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (project / "migrations" / "env.py").write_text("")
    (project / "migci.toml").write_text(SETTINGS)
    repository.begin(project, "main")
    for number in range(1, revisions + 1):
        (versions / f"{id_of(number)}_change.py").write_text(script(number))
    repository.commit(project, "The history", "2026-01-05T12:00:00+00:00")
    repository.git(project, "checkout", "--quiet", "-b", "patch")
    (versions / f"{id_of(revisions + 1)}_change.py").write_text(script(revisions + 1))
    repository.commit(project, "One more", "2026-01-06T12:00:00+00:00")


def seconds(project: Path, arguments: list[str]) -> tuple[float, float]:
    """Of the clock, and of processors."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "migci", *arguments]
    # A user's Python keeps what it has compiled.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL, env=environment)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main(rounds: int) -> None:
    told: dict[str, object] = {"rounds": rounds}
    for revisions in REVISIONS:
        with tempfile.TemporaryDirectory(prefix="mb-") as folder:
            project = Path(folder, "long")
            build(project, revisions)
            spent: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
            for number in range(rounds):
                for name, arguments in COMMANDS.items():
                    spent[name].append(seconds(project, arguments))
                print(f"{revisions}, round {number + 1}: {[one[-1] for one in spent.values()]}", file=sys.stderr)
            for place, what in enumerate(("seconds", "processor_seconds")):
                medians = {name: statistics.median(one[place] for one in each) for name, each in spent.items()}
                told[f"{what}_of_{revisions}"] = medians
    json.dump(told, sys.stdout, indent=2)
    print()
