"""`./dev bench`: every benchmark, or those that are named; each prints JSON, a line of progress a round."""

from __future__ import annotations

import sys

from tests.benchmarks import (
    anonymize,
    checkpoint,
    datasets,
    gate,
    leaks,
    replay_overhead,
    sandbox,
    versions,
    ways_of_cloning,
)

BENCHMARKS = {
    "anonymize": anonymize.main,
    "checkpoint": checkpoint.main,
    "replay": replay_overhead.main,
    "datasets": datasets.main,
    "gate": gate.main,
    "leaks": leaks.main,
    "sandbox": sandbox.main,
    "versions": versions.main,
    "ways": ways_of_cloning.main,
}

if __name__ == "__main__":
    rounds = 5
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}")
        BENCHMARKS[name](rounds)
