"""Compiles the parts that are written in C while migci is built; without a compiler it is built without them.

Each has a twin in Python that does the same slowly, so nothing but time is lost. They keep to Python's stable ABI:
one file is good for every CPython from 3.11 on.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = {
    "migci/adapters/gate/_kernel": (
        "migci/adapters/gate/kernel/module.c",
        "migci/adapters/gate/kernel/builder.c",
        "migci/adapters/gate/kernel/common.c",
        "migci/adapters/gate/kernel/entries.c",
        "migci/adapters/gate/kernel/grams.c",
        "migci/adapters/gate/kernel/table.c",
        "migci/adapters/gate/kernel/writing.c",
    ),
    "migci/adapters/gate/_sieve": (
        "migci/adapters/gate/kernel/sieve.c",
        "migci/adapters/gate/kernel/grams.c",
    ),
    "anonymize/_kernel": (
        "anonymize/kernel/module.c",
        "anonymize/kernel/rows.c",
        "anonymize/kernel/literal.c",
        "anonymize/kernel/operation.c",
        "anonymize/kernel/blake2s.c",
        "anonymize/kernel/search.c",
        "anonymize/kernel/attributes.c",
        "anonymize/kernel/making.c",
        "anonymize/kernel/numerals.c",
        "anonymize/kernel/address.c",
        "anonymize/kernel/ff1.c",
        "anonymize/kernel/aes.c",
        "anonymize/kernel/shift.c",
        "anonymize/kernel/documents.c",
        "anonymize/kernel/json.c",
        "anonymize/kernel/json_text.c",
        "anonymize/kernel/verifying.c",
        "anonymize/kernel/originals.c",
        "anonymize/kernel/views.c",
        "anonymize/kernel/leaks.c",
        "anonymize/kernel/pairs.c",
        "anonymize/kernel/parts.c",
        "anonymize/kernel/relation.c",
    ),
}
"""Each extension module, without its suffix, and the sources that it is made of."""

_FLAGS = ("-std=gnu11", "-O3", "-g0", "-shared", "-fPIC", "-fvisibility=hidden", "-DPy_LIMITED_API=0x030B0000")


class Kernels(BuildHookInterface[Any]):
    """The hook that pyproject.toml names."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put what could be compiled beside its sources, and into the wheel."""
        if self.target_name != "wheel":
            return
        made = [name for name, sources in KERNELS.items() if self._compiled(Path(self.root, name), sources)]
        build_data["artifacts"] += [f"/{name}.abi3.so" for name in made]
        if made:
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["pure_python"] = False
            build_data["tag"] = f"cp311-abi3-{platform}"

    def _compiled(self, target: Path, sources: tuple[str, ...]) -> bool:
        file = target.with_name(f"{target.name}.abi3.so")
        file.unlink(missing_ok=True)  # else an old one would go with new sources
        compiler = shlex.split(os.environ.get("CC", "")) or [found for found in [_compiler()] if found]
        if sys.implementation.name != "cpython" or not compiler:
            self.app.display_warning(f"{target.name} is not compiled: there is no C compiler")
            return False
        making = target.with_name(f"{target.name}.{os.getpid()}.making")
        command = [*compiler, *_FLAGS, *shlex.split(os.environ.get("CFLAGS", ""))]
        command += [f"-I{sysconfig.get_path(path)}" for path in ("include", "platinclude")]
        command += ["-o", str(making), *(str(Path(self.root, source)) for source in sources)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace")
            if done.returncode:
                self.app.display_warning(f"{target.name} is not compiled: {done.stderr.strip()}")
                return False
            making.replace(file)
        except OSError as error:
            self.app.display_warning(f"{target.name} is not compiled: {error}")
            return False
        finally:
            making.unlink(missing_ok=True)
        return True


def _compiler() -> str | None:
    return next((found for found in map(shutil.which, ("cc", "gcc", "clang")) if found), None)
