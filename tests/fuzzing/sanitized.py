"""Compares the kernel with its twin under AddressSanitizer and UBSan:  python -m tests.fuzzing.sanitized CASES

The kernel is compiled anew, into a copy of the packages; what it does wrong ends the process.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FLAGS = (
    *("-std=gnu11", "-g", "-O1", "-shared", "-fPIC", "-fno-omit-frame-pointer", "-DPy_LIMITED_API=0x030B0000"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"),
)
_CHILD = "MIGCI_SANITIZED"


def main() -> int:
    """The status of the process that compares."""
    cases = int(sys.argv[1])
    if _CHILD in os.environ:
        compare_all(cases)
        return 0
    with tempfile.TemporaryDirectory(prefix="sanitized-") as folder:
        copy = Path(folder)
        for package in ("anonymize", "tests"):
            shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
        compile_into(copy / "anonymize" / "_kernel.abi3.so")
        libraries = [_library(name) for name in ("libasan.so", "libubsan.so")]
        environment = os.environ | {
            _CHILD: "1",
            "LD_PRELOAD": ":".join(libraries),
            "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter itself leaves much behind at its end
            "PYTHONMALLOC": "malloc",
            "PYTHONPATH": folder,
        }
        command = [sys.executable, "-m", "tests.fuzzing.sanitized", str(cases)]
        return subprocess.run(command, cwd=copy, env=environment).returncode


def compile_into(file: Path) -> None:
    """The kernel, with both sanitizers. Raises CalledProcessError."""
    include = sysconfig.get_path("include")
    sources = [str(source) for source in (ROOT / "anonymize" / "kernel").glob("*.c")]
    subprocess.run(["cc", *_FLAGS, f"-I{include}", "-o", str(file), *sources], check=True)


def compare_all(cases: int) -> None:
    """As many cases, from a seed that is shown. Raises AssertionError."""
    from anonymize.engine import engines
    from tests.fuzzing.comparing import compare

    seed = random.SystemRandom().randrange(2**32)
    print(f"{cases} cases from the seed {seed}: {engines()['kernel'].__file__}", flush=True)
    for number in range(cases):
        compare(engines()["kernel"], random.Random(seed + number))


def _library(name: str) -> str:
    return subprocess.run(["cc", f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
