"""Compares the kernel, compiled with sanitizers, with its twin, led by coverage:  python -m tests.fuzzing CASES"""

from __future__ import annotations

import random
import sys

import atheris

with atheris.instrument_imports():
    import anonymize.engine
    from tests.fuzzing.comparing import compare


class Led(random.Random):
    """What is picked is what the fuzzer says."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = atheris.FuzzedDataProvider(data)

    def random(self) -> float:
        return float(self._data.ConsumeIntInRange(0, 2**24 - 1)) / 2**24

    def getrandbits(self, count: int, /) -> int:
        return int(self._data.ConsumeIntInRange(0, 2**count - 1))


def main() -> None:
    """Stops at the first difference, with status 77, or after as many cases as were asked for."""
    kernel = anonymize.engine.engines()["kernel"]
    cases = sys.argv.pop(1)
    print(f"kernel: {kernel.__file__}", file=sys.stderr)
    options = [sys.argv[0], f"-runs={cases}", "-max_len=4096", "-print_final_stats=1", *sys.argv[1:]]
    atheris.Setup(options, lambda data: compare(kernel, Led(data)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
