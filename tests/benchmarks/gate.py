"""What the index of confidential values costs: to make, to keep, and to search with.

Five million values are made, a sixth each of full names, e-mail addresses, street addresses, phone numbers, host names
and IP addresses, and printed as the client prints rows. A process of its own makes the index of them, and another one
searches: a log as SQLAlchemy's echo writes it, with other numbers in each line and none of the values, and random text.
The words of the log's lines are public, as some of the made-up names are among them.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from migci.adapters.gate.index import COMPILED, Builder, Index, Public

VALUES = int(os.environ.get("MIGCI_BENCH_VALUES", "5000000"))
LOG_BYTES = 100_000_000
RANDOM_BYTES = 20_000_000
CHUNK_BYTES = 1 << 16
KEY = bytes(range(16))

COLUMNS = ("users.name", "users.email", "users.address", "users.phone", "hosts.name", "hosts.ip")

_SYLLABLES = [
    first + vowel + last for first in "bdfghjklmnprstvwz" for vowel in "aeiou" for last in ("", "l", "n", "r")
]
_ENDINGS = ["a", "en", "ert", "ia", "ke", "ler", "mann", "na", "o", "rich", "sen", "son", "ter", "us", "ova", "ez"]
_STREETS = ["Street", "Road", "Avenue", "Lane", "Square", "Hill"]
_DOMAINS = ["example.org", "mail.example.com", "post.example.net", "corp.example"]
_LINES = [
    "INFO  [alembic.runtime.migration] Running upgrade {n:012x} -> {m:012x}, add column {n}",
    "2026-11-21 16:06:{s:02d},{m:03d} INFO sqlalchemy.engine.Engine SELECT id, host FROM vms WHERE vms.id = %(id)s",
    "2026-11-21 16:06:{s:02d},{m:03d} INFO sqlalchemy.engine.Engine [cached since {n}.{m} s ago] {{'id_1': {n}}}",
    "2026-11-21 16:06:{s:02d},{m:03d} INFO sqlalchemy.engine.Engine UPDATE volumes SET attached={s} WHERE id = {n}",
    "2026-11-21 16:06:{s:02d},{m:03d} INFO sqlalchemy.engine.Engine COMMIT",
    "progress: {n} of 5000000 rows ({s} %), {m} rows per second",
    "2026-11-21 16:06:{s:02d},{m:03d} WARNING nova.db.migration [req-{n:08x}] took {m} ms for batch {n}",
]


def name(draw: random.Random) -> str:
    pick = draw.choice
    return (pick(_SYLLABLES) + pick(_SYLLABLES) + pick(_SYLLABLES) + pick(_ENDINGS)).title()


def rows(count: int) -> Iterator[bytes]:
    """`count` values of each kind, a chunk of rows at a time; the same ones in every run."""
    draw = random.Random(1)
    number = draw.randrange
    for begins in range(0, count, 5000):
        lines = []
        for _ in range(min(5000, count - begins)):
            first, last = name(draw), name(draw)
            lines.append(
                f"{first} {last}\t{first.lower()}.{last.lower()}{number(10000)}@{draw.choice(_DOMAINS)}\t"
                f"{number(300)} {name(draw)} {draw.choice(_STREETS)}, {number(100000):05d} {name(draw)}\t"
                f"+{number(1, 99)} {number(100, 1000)} {number(1000):03d}-{number(10000):04d}\t"
                f"{name(draw).lower()}-{number(5000)}.rack{number(40)}.example.net\t"
                f"{number(1, 224)}.{number(256)}.{number(256)}.{number(256)}\n"
            )
        yield "".join(lines).encode()


def log(size: int, seed: int) -> bytes:
    draw = random.Random(seed)
    lines, length = [], 0
    while length < size:
        line = draw.choice(_LINES).format(n=draw.randrange(5_000_000), m=draw.randrange(1000), s=draw.randrange(60))
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines).encode()[:size]


def random_text(size: int) -> bytes:
    letters = bytes(32 + byte % 95 for byte in range(256))
    return random.Random(3).randbytes(size).translate(letters)


def peak_rss_bytes() -> int:
    """Of this process alone; what `getrusage` tells of a new process begins with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def built(file: Path, pipe: Connection) -> None:
    chunks = list(rows(VALUES // len(COLUMNS)))
    before = peak_rss_bytes()
    began = time.monotonic()
    builder = Builder(KEY, COLUMNS)
    for chunk in chunks:
        builder.add_rows(range(len(COLUMNS)), chunk)
    added = time.monotonic()
    facts = builder.write(file)
    wrote = time.monotonic()
    size = sum(map(len, chunks))
    pipe.send(
        {
            "input_bytes": size,
            "entries": facts.entries,
            "whole": facts.whole,
            "file_bytes": facts.bytes,
            "add_seconds": round(added - began, 2),
            "add_megabytes_per_second": round(size / (added - began) / 1e6, 1),
            "write_seconds": round(wrote - added, 2),
            "build_seconds": round(wrote - began, 2),
            "added_peak_rss_bytes": peak_rss_bytes() - before,
        }
    )


def searched(file: Path, texts: Path, rounds: int, pipe: Connection) -> None:
    """The texts are read piece by piece, so that they are not what fills the memory."""
    before = peak_rss_bytes()
    began = time.monotonic()
    with Index.open(file, KEY) as index:
        public = Public(line.encode() for line in _LINES)
        told: dict[str, object] = {"open_seconds": round(time.monotonic() - began, 3)}
        for kind in ("log", "random"):
            speeds = []
            for _ in range(rounds):
                found, spent, size = 0, 0.0, 0
                with (texts / kind).open("rb") as stream:
                    while piece := stream.read(CHUNK_BYTES):
                        began = time.monotonic()
                        found += len(index.find(piece, public))
                        spent += time.monotonic() - began
                        size += len(piece)
                speeds.append(size / spent / 1e6)
            told[f"{kind}_megabytes_per_second"] = [round(one, 1) for one in speeds]
            told[f"{kind}_median"] = round(statistics.median(speeds), 1)
            told[f"{kind}_false_hits"] = found
        told["peak_rss_bytes"] = peak_rss_bytes()
        told["peak_rss_bytes_before"] = before
    pipe.send(told)


def in_a_process(function: Callable[..., None], *arguments: object) -> dict[str, object]:
    """What `function` sends, from a process that has done nothing else."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=function, args=(*arguments, theirs))
    process.start()
    theirs.close()
    told: dict[str, object] = ours.recv()
    process.join()
    return told


def main(rounds: int) -> None:
    told: dict[str, object] = {"values": VALUES // len(COLUMNS) * len(COLUMNS), "compiled": COMPILED}
    with tempfile.TemporaryDirectory(prefix="mb-") as folder:
        file = Path(folder, "index")
        told["build"] = in_a_process(built, file)
        print(f"built: {told['build']}", file=sys.stderr, flush=True)
        Path(folder, "log").write_bytes(log(LOG_BYTES, 2))
        Path(folder, "random").write_bytes(random_text(RANDOM_BYTES))
        told["find"] = in_a_process(searched, file, Path(folder), rounds)
    json.dump(told, sys.stdout, indent=2)
    print()
