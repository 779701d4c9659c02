"""The programs of one make of server, each started in a sandbox: which they are, a patch's migci.toml may have said."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from migci.adapters.instances import MARKER, Instance
from migci.adapters.sandboxes.confinement import Sandbox, View
from migci.adapters.servers.product import Product
from migci.errors import UsageError
from migci.ports import ServerFailed

_SYSTEM = Path("/usr")


@dataclass(frozen=True)
class Programs:
    """None of them sees more of this machine than it is given, or a network."""

    product: Product
    sandbox: Sandbox
    instance: Instance

    @cached_property
    def installed(self) -> Path:
        """The folder that holds them all. Raises UsageError where there are none, or a link leads out of it."""
        found = Path(self.product.server_program())
        if self.product.programs is None:
            return found.resolve().parent.parent
        folder = found.parent.resolve()
        folder = folder if folder.parent == Path("/") else folder.parent
        real = found.resolve()
        if not (real.is_relative_to(folder) or real.is_relative_to(_SYSTEM)):
            raise UsageError(
                f"{found} leads out of its installation by a link, to {real}",
                hint=f"let [server] programs name the folder {real.parent}",
            )
        return folder

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of each of them."""
        return {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", MARKER: self.instance.id}

    def version(self) -> str:
        """Of the server. Raises UsageError when it is another product's."""
        program = self.product.server_program()
        done = self.run((program, "--version"), self.instance.folder / f"{self.product.flavor}-version")
        version = self.product.version(done.stdout.decode(errors="replace"))
        if version is None:
            said = (done.stdout.strip() or done.stderr.strip()).decode(errors="replace")[:500]
            raise UsageError(f"{program} is not {self.product.name}: it says {said!r}", hint=self.product.to_get_it)
        return version

    def run(
        self, words: tuple[str, ...], folder: Path, write: tuple[Path, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one of them to its end; `folder` is private to that. Raises ServerFailed when it cannot be started."""
        with self.running(words, folder, write=write) as process:
            told, complained = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, told, complained)

    @contextmanager
    def running(
        self, words: tuple[str, ...], folder: Path, *, read: tuple[Path, ...] = (), write: tuple[Path, ...] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """One of them, whose output and errors are to be read; `folder` is private to it. It is gone on exit.

        It sees its installation, `read` and `write`.

        Raises ServerFailed when it cannot be started.
        """
        view = View(read=(self.installed, *read), write=write)
        with self.sandbox.confined(view, folder / "view") as confined:
            try:
                process = subprocess.Popen(
                    confined.command(list(words)),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=confined.descriptors,
                    env=self.environment,
                )
            except OSError as error:
                raise ServerFailed(f"cannot run {words[0]}: {error.strerror}") from error
            with process:
                try:
                    yield process
                finally:
                    process.kill()
