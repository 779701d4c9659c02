"""What the sandbox costs: a stage (an agent's start to its first reply, and its end), and a statement.

Each round does all with a sandbox and without, one after the other; figures are medians over the rounds, and
differences are those within a round. Of statements there are 10,000, each a SELECT of one row by its key, sent by a
program of the agent's over the server's socket; with a sandbox, both the server and the agent are in one.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Limits, Sandbox, View
from migci.adapters.sandboxes.interpreters import seen_by
from migci.adapters.sandboxes.none import NoSandbox
from migci.adapters.servers.mariadb import mariadb
from migci.adapters.tools.process import agent_process
from migci.ports import Database
from tests.contract.flavors import migrate, started

SANDBOXES: dict[str, Sandbox] = {"bubblewrap": Bubblewrap(), "none": NoSandbox()}
STATEMENTS = 10_000
STARTS_A_ROUND = 10

CLIENT = """
import sys
import pymysql
socket, user, password, database, count = sys.argv[1:]
connection = pymysql.connect(unix_socket=socket, user=user, password=password, database=database)
cursor = connection.cursor()
for number in range(int(count)):
    cursor.execute("SELECT name FROM shoe WHERE id = %d" % (number % 100))
    cursor.fetchall()
"""


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="mb-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        log = stack.enter_context(Log(folder / "log.txt"))
        databases = {}
        for name, sandbox in SANDBOXES.items():
            server = mariadb((), Instance(f"benchmark-{name}", folder / f"{name}-work"), log, sandbox)
            databases[name] = stack.enter_context(started(server, folder / name))
            rows = ", ".join(f"({number}, 'x')" for number in range(100))
            migrate(
                databases[name],
                "CREATE TABLE shoe (id INT PRIMARY KEY, name VARCHAR(50))",
                f"INSERT INTO shoe VALUES {rows}",
            )
        found: dict[str, dict[str, list[float]]] = {
            what: {name: [] for name in SANDBOXES} for what in ("start", "end", "statements")
        }
        for number in range(rounds + 1):
            for what in found:
                for name, sandbox in SANDBOXES.items():
                    seconds = round_of(what, sandbox, databases[name], folder, log)
                    if number:
                        found[what][name].append(seconds)
                    print(f"round {number}: {what}, {name}: {seconds:.6f} s", file=sys.stderr)
    json.dump({"rounds": rounds, "statements": STATEMENTS, **{what: told(one) for what, one in found.items()}},
              sys.stdout, indent=2)  # fmt: skip
    print()


def told(seconds: dict[str, list[float]]) -> dict[str, float]:
    pairs = list(zip(seconds["bubblewrap"], seconds["none"], strict=True))
    return {
        **{name: statistics.median(ones) for name, ones in seconds.items()},
        "difference": statistics.median(one - other for one, other in pairs),
        "ratio": statistics.median(one / other for one, other in pairs),
    }


def round_of(what: str, sandbox: Sandbox, database: Database, folder: Path, log: Log) -> float:
    if what == "statements":
        return statements(sandbox, database, folder, log)
    spent = [stage(sandbox, database, folder, log) for _ in range(STARTS_A_ROUND)]
    return statistics.median(start if what == "start" else end for start, end in spent)


def view(database: Database) -> View:
    seen = seen_by(Path(sys.executable))
    return View((*seen.read, database.address.socket), (), seen.links, Limits())


def stage(sandbox: Sandbox, database: Database, folder: Path, log: Log) -> tuple[float, float]:
    """Seconds from the start of an agent to its first reply, and from the wish that it ends to its end."""
    began = time.monotonic()
    place = folder / "agent"
    with agent_process(Path(sys.executable), sandbox, view(database), place, {}, "benchmark", log) as agent:
        agent.ask({"op": "ping"})
        started_after = time.monotonic() - began
        began = time.monotonic()
        assert agent.finish() is None
    return started_after, time.monotonic() - began


def statements(sandbox: Sandbox, database: Database, folder: Path, log: Log) -> float:
    """Seconds that a program of the agent's takes for all statements, its own start included."""
    at = database.address
    command = [sys.executable, "-c", CLIENT, str(at.socket), at.user, at.password, at.database, str(STATEMENTS)]
    spec: dict[str, object] = {"op": "open", "tool": "command", "project": "/usr", "migrations": "share"}
    spec |= {"paths": [], "variables": {}, "files": {}, "database": None, "command": []}
    place = folder / "agent"
    with agent_process(Path(sys.executable), sandbox, view(database), place, {}, "benchmark", log) as agent:
        assert "error" not in agent.ask(spec).content
        answer = agent.ask({"op": "run", "command": command})
        assert answer.content.get("status") == 0, answer.content
        assert agent.finish() is None
    return answer.seconds
