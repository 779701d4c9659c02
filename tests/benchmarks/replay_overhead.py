"""What watching costs: Nova's 197 steps by migci, against bare loops over sqlalchemy-migrate's own API.

There are two bare loops: one gives the API the database's URL, as its documentation does, and it connects anew for
every step; the other gives it an engine, as migci's agent does. All run on a new private MariaDB with the same
options, in the same interpreter; their runs alternate, and the figures are medians. What is compared is the stage:
from the start of the project's interpreter until it has ended. CPU is that of all processes, the server's included.
"""

from __future__ import annotations

import functools
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from migci import config, wiring
from migci.adapters.tools.session import AgentTool
from migci.cli.progress import PlainLines
from migci.core.dataset import Dataset
from migci.core.step import Outcome, Stage
from migci.demo import nova
from migci.ports import Address, Database
from migci.prepare import empty
from migci.tools import Tools
from migci.walk import walking

BARE_LOOP = """
import sys
from migrate.versioning import api
from sqlalchemy import create_engine
target, url, repository, first, last = *sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5])
database = create_engine(url) if target == "engine" else url
sys.path.insert(0, ".")
api.version_control(database, repository, first - 1)
for version in range(first, last + 1):
    api.upgrade(database, repository, version)
"""
TARGETS = ("url", "engine")


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float


class Quiet(PlainLines):
    def _line(self, text: str) -> None:
        pass


def cost(work: Callable[[], None], server: int) -> Cost:
    """What `work` costs, this process, the children that ended meanwhile and the server counted."""

    def cpu() -> float:
        times = psutil.Process(server).cpu_times()
        ours = resource.getrusage(resource.RUSAGE_SELF)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return sum((times.user, times.system, ours.ru_utime, ours.ru_stime, children.ru_utime, children.ru_stime))

    began, used = time.monotonic(), cpu()
    work()
    return Cost(time.monotonic() - began, cpu() - used)


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="migci-bench-") as temporary:
        project = Path(temporary) / "nova"
        nova.build(project, rows=1000, remedy=True, cache=wiring.store() / "downloads")
        settings = config.load(project)
        with wiring.tools(settings, project, Path(temporary) / "log.txt", Quiet()) as tools:
            costs = measure(tools, rounds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = {
        "rounds": rounds,
        "seconds": {
            name: {"wall": statistics.median(c.wall for c in found), "cpu": statistics.median(c.cpu for c in found)}
            for name, found in costs.items()
        },
        "migci_against": {
            target: {
                "wall": statistics.median(w.wall / b.wall for w, b in zip(costs["migci"], costs[target], strict=True)),
                "cpu": statistics.median(w.cpu / b.cpu for w, b in zip(costs["migci"], costs[target], strict=True)),
            }
            for target in TARGETS
        },
        "migci_peak_mb": peak,
    }
    json.dump(result, sys.stdout, indent=2)
    print()


def measure(tools: Tools, rounds: int) -> dict[str, list[Cost]]:
    """`rounds` of each kind, alternated, after one of each that does not count."""
    tree = tools.repository.tree(tools.repository.commit("master"))
    history = tools.tool.history(tree)
    assert isinstance(tools.tool, AgentTool)
    python = tools.tool.interpreter(tree)
    costs: dict[str, list[Cost]] = {"migci": [], **{target: [] for target in TARGETS}}

    def bare(database: Database, target: str) -> None:
        subprocess.run(
            [str(python), "-c", BARE_LOOP, target, url(database.address),
             "nova/db/sqlalchemy/migrate_repo", "216", "412"],
            cwd=tree.project, check=True, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def watched(database: Database) -> None:
        table = tools.tool.version_table(tree)
        with walking(database, tools.tool, Dataset("empty"), table, tools.observer) as walk:
            walk.stage(Stage.TRUNK, tree, history, frozenset(history.by_id))
            walk.leave()
        assert len(walk.steps) == 197
        assert all(step.outcome is Outcome.APPLIED for step in walk.steps)

    works: dict[str, Callable[[Database], None]] = {
        "url": lambda database: bare(database, "url"),
        "engine": lambda database: bare(database, "engine"),
        "migci": watched,
    }
    for number in range(rounds + 1):
        for name, work in works.items():
            with (
                tools.snapshots.clone(empty(tools), visible=False) as clone,
                tools.server.start(clone) as database,
            ):
                spent = cost(functools.partial(work, database), server_of(database))
            if number:
                costs[name].append(spent)
            print(f"round {number}: {name} {spent}", file=sys.stderr)
    return costs


def server_of(database: Database) -> int:
    """The server's pid."""
    pid_file = database.address.socket.with_name("pid")
    return int(pid_file.read_text())


def url(address: Address) -> str:
    return (
        f"mysql+pymysql://{address.user}:{address.password}@localhost/{address.database}"
        f"?unix_socket={address.socket}&charset=utf8mb4"
    )
