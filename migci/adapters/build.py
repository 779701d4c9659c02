"""Building an environment. Packages' own code runs for it, so it is kept in with the package index and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import uv

from migci.adapters import package_index
from migci.adapters.disk import disk_full, disk_or, is_full
from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes import relay
from migci.adapters.sandboxes.confinement import Confined, Limits, Sandbox, environment
from migci.adapters.sandboxes.doorway import Doorway, doorway
from migci.adapters.sandboxes.interpreters import seen_by
from migci.adapters.tools.memory import in_use
from migci.ports import EnvironmentFailed

_TICK_SECONDS = 0.2
_LONGEST_REASON = 500
_LONGEST_OUTPUT = 10_000_000
_ORNAMENTS = " │╰─▶\N{MULTIPLICATION SIGN}"
_RELAY = Path(relay.__file__)


class Builder:
    """Builds environments with uv; each of its steps takes `seconds` at most."""

    def __init__(self, sandbox: Sandbox, limits: Limits, instance: Instance, log: Log, seconds: float) -> None:
        self._seconds = seconds
        self._sandbox = sandbox
        self._limits = limits
        self._instance = instance
        self._log = log

    def build(self, base: Path, requirements: tuple[str, ...], target: Path, source: Path, work: Path) -> None:
        """Fill the empty folder `target` with an environment on the interpreter `base`.

        `requirements` are pip's arguments, relative to `source`, which is in `work`; that may be filled with anything.
        Raises EnvironmentFailed with what uv says, and DiskFull.
        """
        program = uv.find_uv_bin()
        ours, theirs = seen_by(Path(sys.executable)), seen_by(base)
        allowed = package_index.hosts(requirements, os.environ)
        with doorway(self._instance.folder / "index", allowed) as door:
            read = (
                *ours.read,
                *theirs.read,
                Path(program),
                _RELAY,
                door.path,
                *map(Path, package_index.certificates(os.environ)),
                *package_index.folders(os.environ),
            )
            view = replace(
                ours, read=read, write=(target, work), links=(*ours.links, *theirs.links), limits=self._limits
            )
            with self._sandbox.confined(view, self._instance.folder / "build") as room:
                python = str(target / "bin" / "python")
                for words in (
                    ("venv", "--no-project", "--seed", "--allow-existing", "--python", str(base), str(target)),
                    ("pip", "install", "--python", python, "--compile-bytecode", *requirements),
                ):
                    self._run([program, *words], room, door, source, work)

    def _run(self, words: list[str], room: Confined, door: Doorway, source: Path, work: Path) -> None:
        out = self._instance.folder / "build.log"
        variables = {
            **package_index.trusted(os.environ),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_CACHE_DIR": str(work / "cache"),
            "UV_LINK_MODE": "copy",
            "UV_NO_CONFIG": "1",
        }
        python = Path(sys.executable)
        try:
            with out.open("wb") as stream:
                process = subprocess.Popen(
                    room.command(["/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", str(source),
                                  str(python), "-I", "-S", str(_RELAY), str(door.path), *words]),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=stream,
                    pass_fds=room.descriptors,
                    start_new_session=True,
                    env=environment(python, room.home, variables, self._instance.id),
                )  # fmt: skip
                try:
                    why = self._watched(process, out, work)
                finally:
                    process.kill()
                    process.wait()
            with out.open("rb") as stream:
                said = stream.read(_LONGEST_OUTPUT)
        finally:
            out.unlink(missing_ok=True)
        self._log.write(said)
        for host, port in door.take_refused():
            self._log.heading(f"what is built wanted to reach {host}:{port}, which is no package index")
        if why is not None or process.returncode:
            reason = why or _reason(said.decode(errors="replace")) or room.told(process.returncode)
            raise disk_or(EnvironmentFailed(reason), work)

    def _watched(self, process: subprocess.Popen[bytes], out: Path, work: Path) -> str | None:
        """Wait for its end; why it is not waited for any longer, if so. Raises DiskFull."""
        deadline = time.monotonic() + self._seconds
        most = self._limits.memory_bytes
        while True:
            try:
                process.wait(_TICK_SECONDS)
            except subprocess.TimeoutExpired:
                if is_full(work):
                    raise disk_full(EnvironmentFailed("the project's environment was being built"), work) from None
                if out.stat().st_size > _LONGEST_OUTPUT:
                    return f"it printed more than {_LONGEST_OUTPUT} bytes"
                if in_use(process.pid, most) > most:
                    return f"it used more than {most >> 20} MB of memory"
                if time.monotonic() > deadline:
                    return f"it was still at it after {self._seconds:g} s"
            else:
                return None


def _reason(output: str) -> str:
    said = [line.strip(_ORNAMENTS) for line in output.splitlines()]
    begins = next((at for at, line in enumerate(said) if line.startswith("error:")), 0)
    return " ".join(line for line in said[begins:] if line)[:_LONGEST_REASON]
