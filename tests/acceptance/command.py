"""The command line as a person runs it: in a process of its own, on a project of its own, and what it leaves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migci.adapters.instances import marked

MIGCI = (sys.executable, "-m", "migci")
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Ran:
    """How a command ended. `pid` was its process's, `results` the folder that it was told to write to."""

    status: int
    out: str
    err: str
    pid: int
    results: Path

    @property
    def report(self) -> dict[str, Any]:
        written: dict[str, Any] = json.loads((self.results / "replay.json").read_text())
        return written

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The change's own and every dataset's."""
        report = self.report
        return [*report["findings"], *(one for dataset in report["datasets"] for one in dataset["findings"])]

    @property
    def log(self) -> str:
        return (self.results / "log.txt").read_text()


@contextmanager
def migci(*arguments: str, start: Sequence[str] = (), **variables: str) -> Iterator[subprocess.Popen[str]]:
    """A live command, begun by `start`; it is killed if the test ends first."""
    with subprocess.Popen(
        [*start, *MIGCI, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200", **variables},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def replay(project: Path, *arguments: str, start: Sequence[str] = (), **variables: str) -> Ran:
    """`migci replay` in `project`, its results beside it; `start` are words that begin the command."""
    results = project.with_name(f"{project.name}-results")
    command = ("replay", "--project", str(project), "--output", str(results), *arguments)
    with migci(*command, start=start, **variables) as process:
        out, err = process.communicate()
        return Ran(process.returncode, out, err, process.pid, results)


def check_versions(project: Path, *arguments: str) -> Ran:
    """`migci versions check` in `project`; what it tells is put where a replay puts its report."""
    with migci("versions", "check", "--project", str(project), "--format", "json", *arguments) as process:
        out, err = process.communicate()
    results = project.with_name(f"{project.name}-results")
    results.mkdir()
    told = json.loads(out)
    found = [finding for history in told["histories"] for finding in history["findings"]]
    (results / "replay.json").write_text(json.dumps({"verdict": told["verdict"], "findings": found, "datasets": []}))
    return Ran(process.returncode, out, err, process.pid, results)


def replay_on_a_disk(project: Path, megabytes: int, store: Path, *arguments: str) -> Ran:
    """`replay` with its store on a disk of that size, which exists for this command alone.

    The project's environment is taken from `store`. The exit status is 99 if something was left on the disk.
    """
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    results = project.with_name(f"{project.name}-results")
    pid = project.with_name("pid")
    (store / "environments").mkdir(exist_ok=True)
    command = [*MIGCI, "replay", "--project", str(project), "--output", str(results), *arguments]
    # In the system's own folder for temporary files, because a socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="migci-disk-") as disk:
        script = f"""
            mount -t tmpfs -o size={megabytes}m none {disk} || exit 98
            ln -s {store}/environments {disk}/environments
            sh -c 'echo $$ > {pid}; exec "$@"' sh "$@"
            status=$?
            rmdir {disk}/instances || exit 99
            exit $status
        """
        done = subprocess.run(
            [*unshare, "sh", "-c", script, "sh", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**os.environ, "MIGCI_STORE": disk},
        )
    return Ran(done.returncode, done.stdout, done.stderr, int(pid.read_text()), results)


def replay_after_damage(project: Path, script: Path, store: Path, *arguments: str) -> Ran:
    """`replay` in a store of its own, where one has gone well, and then `script` was run.

    The project's environment is taken from `store`.
    """
    with tempfile.TemporaryDirectory(prefix="migci-store-") as own:
        (store / "environments").mkdir(exist_ok=True)
        Path(own, "environments").symlink_to(store / "environments")
        assert replay(project, *arguments, MIGCI_STORE=own).status == 0
        subprocess.run(["sh", str(script)], check=True, env={**os.environ, "MIGCI_STORE": own})
        return replay(project, *arguments, MIGCI_STORE=own)


def left(store: Path, pid: int) -> list[str]:
    """What the migci of that pid left: its folders under `store`, and processes of them that are alive."""
    folders = [path.name for path in (store / "instances").glob(f"{pid}-*")]
    processes = [f"process {other}" for folder in _instances_of(pid) for other in marked(folder)]
    return folders + processes


def _instances_of(pid: int) -> set[str]:
    """The instances of the migci of that pid, as the processes that are alive tell."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            values = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for value in values:
            name, _, mark = value.decode(errors="replace").partition("=")
            if name == "MIGCI_INSTANCE" and mark.startswith(f"{pid}-"):
                found.add(mark.partition("/")[0])
    return found


def state(project: Path) -> dict[str, str]:
    """All of a git repository that a user would miss."""
    asked = {
        "status": ("status", "--porcelain", "--ignored"),
        "head": ("symbolic-ref", "HEAD"),
        "refs": ("for-each-ref",),
        "worktrees": ("worktree", "list", "--porcelain"),
        "settings": ("config", "--local", "--list"),
    }
    return {
        name: subprocess.run(["git", "-C", str(project), *words], check=True, capture_output=True, text=True).stdout
        for name, words in asked.items()
    }


def eventually(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds; the deadline is only there so that a broken test ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"it never came to be that {what}"
        time.sleep(0.01)


def demand(flavor: str) -> None:
    """Fail, and not skip, where the server of `flavor` cannot be had: what is not tested is not known to work."""
    if flavor == "mariadb":
        found = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
        assert found, "mariadbd is not on this machine: apt-get install mariadb-server-core mariadb-client-core"
