"""A `DatabaseServer` of any product that speaks MySQL's protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from migci.adapters.disk import disk_or
from migci.adapters.instances import Instance
from migci.adapters.log import Log
from migci.adapters.sandboxes.confinement import Sandbox
from migci.adapters.servers.daemon import NOTHING, daemon, first_error
from migci.adapters.servers.database import ServerDatabase, attached, opened
from migci.adapters.servers.product import Product, as_this_user
from migci.adapters.servers.programs import Programs
from migci.adapters.warm import Loan
from migci.core.run import ServerFacts
from migci.ports import Clone, DiskFull, ServerFailed

# A session can make it hold as much as it likes; other programs of the machine are to have some memory left.
_MEMORY_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 4 // 5
_MEMORY_LIMIT = ("prlimit", f"--data={_MEMORY_BYTES}", "--")


class Server:
    """Runs one product privately. `options` are the server's own, and win over the product's defaults."""

    in_process = False

    def __init__(
        self, product: Product, options: tuple[str, ...], instance: Instance, log: Log, sandbox: Sandbox
    ) -> None:
        self.flavor = product.flavor
        self._product = product
        self._options = options
        self._log = log
        self._programs = Programs(product, sandbox, instance)
        self._facts: ServerFacts | None = None

    def facts(self) -> ServerFacts:
        if self._facts is None:
            self._facts = ServerFacts(self.flavor, self._programs.version())
        return self._facts

    def options(self) -> tuple[str, ...]:
        return self._options

    def lasting_options(self) -> tuple[str, ...]:
        return tuple(option for option in self._options if self._product.leaves_traces(option))

    def initialize(self, data: Path) -> None:
        words = self._product.initialize(self._product, data, self.lasting_options())
        done = self._programs.run(words, data.parent, (data,))
        if done.returncode:
            why = first_error(done.stderr + b"\n" + done.stdout)
            self._log.heading(f"output of {Path(words[0]).name}")
            self._log.write(done.stdout + done.stderr)
            if b"error 28" in done.stderr + done.stdout:  # what it had written it may have taken back
                raise DiskFull(
                    f"the disk of {data} is full: {why}", hint="free some space, or point MIGCI_STORE elsewhere"
                )
            failed = ServerFailed(f"{Path(words[0]).name} failed: {why}", hint="see [server].options")
            raise disk_or(failed, data)

    @contextmanager
    def start(self, clone: Clone, database: str | None = None, *, loading: bool = False) -> Iterator[ServerDatabase]:
        product = self._product
        nothing = clone.data.parent / NOTHING
        server = product.server_program()
        words = [
            *_MEMORY_LIMIT,
            server,
            "--no-defaults",
            f"--plugin-dir={nothing}",  # whoever needs one names the folder in the options
            *product.defaults,
            *self._options,
            *(product.loading if loading else product.measuring),
            *product.always,
            *as_this_user(),
            f"--secure-file-priv={nothing}",
            f"--local-infile={int(loading)}",
        ]
        with daemon(words, clone, self._programs, self._log) as running:
            yield opened(running, self._programs, database, measuring=not loading)

    def attached(self, loan: Loan) -> ServerDatabase:
        """The database of a server that somebody else has started. Raises ServerFailed when it does not answer."""
        return attached(loan, self._programs)
