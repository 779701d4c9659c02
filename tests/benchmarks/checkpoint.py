"""What a patch's replay costs when trunk's checkpoint is kept: Nova's dataset, and a patch with one migration.

Counted is the whole command, from its start to its exit, less the seconds of the patch's own step; and the largest size
of migci's own process, without the server and the project's interpreter. The first command, which loads the dataset and
runs trunk's 197 migrations, stands beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from migci.demo import nova

ROWS = 200_000
ITSELF = """
import resource, sys
from migci.cli import main
size = sys.argv.pop()
try:
    main()
finally:
    with open(size, "w") as file:
        file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""
"""migci's command line; the last argument is the file that the size of its process is written to."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the whole command and of the patch's step, and the size of migci's process in MB."""

    wall: float
    step: float
    size: float


def replayed(project: Path, output: Path) -> Cost:
    size = output.with_name("size")
    words = [sys.executable, "-c", ITSELF, "replay", "--project", str(project), "--output", str(output), str(size)]
    began = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - began
    (dataset,) = json.loads((output / "replay.json").read_text())["datasets"]
    step = sum(one["seconds"] for one in dataset["steps"] if not one["cached"])
    return Cost(wall, step, int(size.read_text()) / 1024)


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="mb-") as folder:
        os.environ["MIGCI_STORE"] = str(Path(folder, "s"))
        project = Path(folder, "nova")
        nova.build(project, rows=ROWS, remedy=True, cache=Path(folder, "downloads"))
        first = replayed(project, Path(folder, "output"))
        print(f"first: {first}", file=sys.stderr)
        costs = []
        for number in range(rounds + 1):
            cost = replayed(project, Path(folder, "output"))
            if number:
                costs.append(cost)
            print(f"round {number}: {cost}", file=sys.stderr)
    told = {
        "first_command_seconds": first.wall,
        "command_seconds": statistics.median(cost.wall for cost in costs),
        "command_less_step_seconds": statistics.median(cost.wall - cost.step for cost in costs),
        "most_megabytes": max(cost.size for cost in costs),
        "rounds": rounds,
    }
    json.dump(told, sys.stdout, indent=2)
    print()
