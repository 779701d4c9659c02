"""What the gate lets through, what it removes by mistake, and how fast it is.

The values are those of the benchmark of the index, so are the log and the index. Longer ones are put into each of the
carriers in each of the encodings, and a judge that knows nothing of the gate looks for pieces of eight characters; of
values of four to seven characters, which are found as whole words alone, each carrier shows how many are removed. A
log that holds none of the values shows what is removed by mistake, and how long it takes; the gate is measured whole,
without an index, and beside a bare search of the index.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from migci.adapters.gate.canaries import planted
from migci.adapters.gate.finder import ExactFinder
from migci.adapters.gate.gate import Gate
from migci.adapters.gate.index import COMPILED, Builder, Index, Public
from tests.benchmarks.gate import _LINES, COLUMNS, KEY, VALUES, log, name, rows
from tests.unit.gate.leaks import CARRIERS, ENCODINGS, leaked

LOG_BYTES = 100_000_000
BLOCK_BYTES = 1 << 16
LONG_VALUES = 12
SHORT_VALUES = 50


def data_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def longer(draw: random.Random) -> dict[str, object]:
    """How many of the longer values came through, in all carriers and encodings."""
    values = [value for row in next(rows(LONG_VALUES)).decode().splitlines()[:LONG_VALUES] for value in row.split("\t")]
    told, leaks = 0, Counter[str]()
    for value in draw.sample(values, LONG_VALUES):
        gate = Gate(ExactFinder({"users.value": [value.encode()]}))
        for carrier, carry in CARRIERS.items():
            for encoding, encode in ENCODINGS.items():
                told += 1
                if leaked(gate.clean_bytes(data_of(carry(encode(value)))), value):
                    leaks[f"{encoding} in {carrier}"] += 1
    return {"tried": told, "leaked": leaks.total(), "where": dict(leaks.most_common(5))}


def shorter(draw: random.Random) -> dict[str, object]:
    """Of values of four to seven characters, the share that is removed from each carrier, and in each encoding."""
    values = sorted({name(draw)[: draw.randrange(4, 8)] for _ in range(SHORT_VALUES)})
    gate = Gate(ExactFinder({"users.name": [value.encode() for value in values]}))

    def share(write: Callable[[str], str]) -> float:
        return statistics.mean(b"[removed: users.name]" in gate.clean_bytes(data_of(write(value))) for value in values)

    carried = {carrier: share(carry) for carrier, carry in CARRIERS.items()}
    whole = {encoding: share(encode) for encoding, encode in ENCODINGS.items()}
    within = {
        encoding: share(lambda value, encode=encode: encode(f'{{"id": 5, "name": "{value}", "city": "Kiel"}}'))  # type: ignore[misc]
        for encoding, encode in ENCODINGS.items()
    }
    return {
        "plain, by carrier": round(statistics.mean(carried.values()), 3),
        "not always, of carriers": {carrier: part for carrier, part in carried.items() if part < 1},
        "encoded alone": round(statistics.mean(whole.values()), 3),
        "encoded alone, never": sorted(encoding for encoding, part in whole.items() if part == 0),
        "within an encoded document": round(statistics.mean(within.values()), 3),
        "within an encoded document, not always": {one: part for one, part in within.items() if part < 1},
    }


def cleaned(index: Index | None, text: bytes) -> tuple[float, int]:
    """Megabytes a second, and how much was removed as confidential.

    What the tools themselves write is public, as it is in a replay.
    """
    gate = Gate(index, Public([line.encode() for line in _LINES]))
    stream = gate.stream(lambda data: None)
    began = time.monotonic()
    for at in range(0, len(text), BLOCK_BYTES):
        stream.write(text[at : at + BLOCK_BYTES])
    stream.flush()
    return len(text) / (time.monotonic() - began) / 1e6, sum(removal.count for removal in gate.take())


def searched(index: Index, text: bytes) -> float:
    began = time.monotonic()
    for at in range(0, len(text), BLOCK_BYTES):
        index.find(text[at : at + BLOCK_BYTES])
    return len(text) / (time.monotonic() - began) / 1e6


def main(rounds: int) -> None:
    draw = random.Random(7)
    told: dict[str, object] = {"compiled": COMPILED}
    told["values of eight characters and more"] = longer(draw)
    print(f"longer values: {told['values of eight characters and more']}", file=sys.stderr, flush=True)
    told["values of four to seven characters"] = shorter(draw)
    with tempfile.TemporaryDirectory(prefix="mb-") as folder:
        builder = Builder(KEY, COLUMNS)
        for chunk in rows(VALUES // len(COLUMNS)):
            builder.add_rows(range(len(COLUMNS)), chunk)
        builder.write(Path(folder, "index"))
        del builder
        text = log(LOG_BYTES, 2)
        speeds: dict[str, list[float]] = {"gate": [], "gate without an index": [], "index alone": []}
        with Index.open(Path(folder, "index"), KEY) as index:
            for column, token in enumerate(planted(len(COLUMNS), draw)):
                index.learn(column, token.encode())
            for _ in range(rounds):
                speed, false_alarms = cleaned(index, text)
                speeds["gate"].append(round(speed, 1))
                speeds["gate without an index"].append(round(cleaned(None, text)[0], 1))
                speeds["index alone"].append(round(searched(index, text), 1))
                print({kind: each[-1] for kind, each in speeds.items()}, file=sys.stderr, flush=True)
        told["a clean log"] = {
            "bytes": len(text),
            "values in the index": VALUES // len(COLUMNS) * len(COLUMNS),
            "removed by mistake": false_alarms,
            "megabytes_per_second": speeds,
            "medians": {kind: statistics.median(each) for kind, each in speeds.items()},
        }
    json.dump(told, sys.stdout, indent=2)
    print()
