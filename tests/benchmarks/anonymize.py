"""What `anonymize dump` costs: MB of dump per second of processor, whole commands with their start.

A dump of mysqldump's format with 3.1 million rows, 1.2 GB, is rewritten, the output thrown away; each round takes all
variants in turn. Counted is all processor time of the process (user and system), and its resident memory at most. The
twin gets a dump of a tenth of the size.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.anonymize_dump import ROWS, write

ROWS_HERE = int(os.environ.get("MIGCI_BENCH_ROWS", ROWS))
_HEAD = '[tables.accounts]\n"*" = "keep"\n{accounts}\n[tables.messages]\n"*" = "keep"\n{messages}\n'


@dataclass(frozen=True)
class Variant:
    """One way of running the command."""

    name: str
    markup: str
    row_on_a_line: bool = False
    twin: bool = False


def _markup(accounts: str = "", messages: str = "") -> str:
    return _HEAD.format(accounts=accounts, messages=messages)


FIVE = _markup('email = "email"\nname = "name"\naddress = "text"', 'author = "email"\nbody = "text"')
FAKER = _markup('email = "email"\nname = "name"\naddress = "street"', 'author = "company"\nbody = "faker:sentence"')
DOCUMENT = 'flags = { kind = "json", paths = { "$.folder" = "text" }, other = "keep" }'
VARIANTS = (
    Variant("five columns", FIVE),
    Variant("five columns, a row on a line", FIVE, row_on_a_line=True),
    Variant("nothing marked", _markup()),
    Variant("kinds of Faker's", FAKER),
    Variant("JSON by a rule", _markup(messages=DOCUMENT)),
    Variant("five columns and JSON", FIVE + DOCUMENT + "\n"),
    Variant("five columns, without the kernel", FIVE, twin=True),
)


def main(rounds: int) -> None:
    """Prints medians as JSON."""
    with tempfile.TemporaryDirectory(prefix="migci-bench-") as folder:
        work = Path(folder)
        (work / "key").write_text("a key for benchmarks only")
        dumps = {
            False: _dump(work / "usual.sql"),
            True: _dump(work / "lines.sql", row_on_a_line=True),
        }
        small = _dump(work / "small.sql", rows=ROWS_HERE // 10)
        figures: dict[str, list[float]] = {variant.name: [] for variant in VARIANTS}
        resident: dict[str, int] = {}
        for number in range(rounds):
            for variant in VARIANTS:
                source = small if variant.twin else dumps[variant.row_on_a_line]
                seconds, kilobytes = _run(work, variant, source)
                figures[variant.name].append(source.stat().st_size / 1e6 / seconds)
                resident[variant.name] = max(kilobytes, resident.get(variant.name, 0))
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
    result = {
        "rows": ROWS_HERE,
        "mb_per_cpu_second": {name: round(statistics.median(values)) for name, values in figures.items()},
        "resident_mb": {name: round(value / 1024) for name, value in resident.items()},
    }
    print(json.dumps(result, indent=2))


def _dump(file: Path, *, rows: int = ROWS_HERE, row_on_a_line: bool = False) -> Path:
    write(file, rows=rows, row_on_a_line=row_on_a_line)
    return file


def _run(work: Path, variant: Variant, source: Path) -> tuple[float, int]:
    """The processor's seconds, and the kilobytes that it held at most. Raises RuntimeError if it failed."""
    markup = work / "markup.toml"
    markup.write_text(variant.markup)
    start = "from anonymize.cli import main; main()"
    if variant.twin:
        start = "import sys; sys.modules['anonymize._kernel'] = None; " + start
    command = [sys.executable, "-c", start, "dump", str(source), "-"]
    command += ["--markup", str(markup), "--key-file", str(work / "key")]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    process = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(work / "errors"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        ],
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise RuntimeError((work / "errors").read_text())
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss
