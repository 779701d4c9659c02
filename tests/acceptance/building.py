"""Builds the environment of a tree in a process of its own, as migci does, and tells what came of it.

`python -m tests.acceptance.building JOB`, where JOB is JSON with `store`, `root` and `requirements`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from migci.adapters.environments import Environments, EnvironmentSettings, Interpreter
from migci.adapters.instances import Instance, instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.bubblewrap import Bubblewrap
from migci.adapters.sandboxes.confinement import Limits, environment
from migci.core.run import Commit
from migci.errors import MigciError
from migci.ports import Tree

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Built:
    """What came of a build: `environment` is its folder, or `error` says what went wrong, and `kind` of which kind.

    `alive` are the processes that carried the build's token when it had just ended, `at_start` is what was printed by
    a program that was then started in the environment as a migration is, and `log` what migci's log has.
    """

    environment: Path | None
    kind: str | None
    error: str | None
    seconds: float
    alive: list[int]
    at_start: str
    log: str


def started(
    store: Path,
    root: Path,
    *requirements: str,
    commit: str = "a" * 40,
    start: Sequence[str] = (),
    job: dict[str, Any] | None = None,
    **variables: str,
) -> subprocess.Popen[str]:
    about = {
        "store": str(store),
        "root": str(root),
        "requirements": requirements,
        "commit": commit,
        **(job or {}),
    }
    return subprocess.Popen(
        [*start, sys.executable, "-m", "tests.acceptance.building", json.dumps(about)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )


def built(*arguments: Any, **options: Any) -> Built:
    """The environment of the tree in `root`, built in `store`; see `started`."""
    with started(*arguments, **options) as process:
        out, _ = process.communicate()
    assert process.returncode == 0, "the build's process broke"
    told = json.loads(out.splitlines()[-1])
    environment = told.pop("environment")
    return Built(environment=environment and Path(environment), **told)


def main(job: dict[str, Any]) -> dict[str, Any]:
    store, root = Path(job["store"]), Path(job["root"])
    limits = replace(Limits(), **job.get("limits", {}))
    tree = Tree(Commit("patch", job["commit"]), root, root)
    log_file = store / f"log-{os.getpid()}.txt"
    interpreter, error = None, None
    began = time.monotonic()
    with instance(store) as live, Log(log_file) as log:
        environments = Environments(
            EnvironmentSettings(job.get("python"), tuple(job["requirements"])),
            root,
            store,
            Bubblewrap(),
            limits,
            live,
            log,
            job.get("seconds", 600.0),
        )
        try:
            interpreter = environments.interpreter(tree)
        except MigciError as raised:
            error = raised
        alive = with_token(job.get("token"))
        seconds = time.monotonic() - began
        at_start = _at_start(interpreter, job["at_start"], limits, live) if interpreter and "at_start" in job else ""
    return {
        "environment": str(interpreter.python.parents[1]) if interpreter else None,
        "kind": type(error).__name__ if error else None,
        "error": str(error) if error else None,
        "seconds": seconds,
        "alive": alive,
        "at_start": at_start,
        "log": log_file.read_text(),
    }


def with_token(token: str | None) -> list[int]:
    """The live processes that have it on their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if token and token.encode() in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _at_start(interpreter: Interpreter, script: str, limits: Limits, live: Instance) -> str:
    """What a script prints that is started as the agent is."""
    view = replace(interpreter.view, limits=limits)
    with Bubblewrap().confined(view, live.folder / "start") as room:
        done = subprocess.run(
            room.command([str(interpreter.python), "-c", script]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=room.descriptors,
            env=environment(interpreter.python, room.home, {}, live.id),
        )
    return done.stdout


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
