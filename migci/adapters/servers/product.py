"""What is particular to one make of database server, so that all the rest is written once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migci.errors import UsageError

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin

Words = tuple[str, ...]
"""Arguments of a command, or statements."""

PASSING = (
    "bind-address",
    "datadir",
    "innodb-buffer-pool",
    "innodb-doublewrite",
    "innodb-flush",
    "innodb-io-capacity",
    "innodb-log",
    "innodb-read-io-threads",
    "innodb-sort-buffer-size",
    "innodb-write-io-threads",
    "local-infile",
    "lock-wait-timeout",
    "max-allowed-packet",
    "max-connections",
    "max-heap-table-size",
    "performance-schema",
    "pid-file",
    "port",
    "secure-file-priv",
    "skip-networking",
    "socket",
    "sort-buffer-size",
    "tmp-table-size",
    "tmpdir",
)
"""The beginnings of names of options that leave nothing in a datadir, whoever's the server is."""

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/libexec:/sbin"


@dataclass(frozen=True)
class Counters:
    """How much was done up to now: rows by an account, bytes of the redo log by everybody. They only grow."""

    rows_read: int = 0
    rows_changed: int = 0
    bytes_logged: int = 0

    def since(self, before: Counters) -> Counters:
        return Counters(
            self.rows_read - before.rows_read,
            self.rows_changed - before.rows_changed,
            self.bytes_logged - before.bytes_logged,
        )


@dataclass(frozen=True)
class Product:
    """One make of server.

    `version` finds the version in what `server --version` prints; `None` if that is another product. `initialize`
    gives the command that fills an empty datadir, with options for it. A server is started with `defaults`, then the
    settings' options, then `measuring` or `loading`, then `always`: the last of two that contradict each other wins.
    `passing` are the beginnings of the names of options that leave nothing in a datadir. Its programs are in the folder
    `programs`, or where programs usually are.
    """

    flavor: str
    name: str
    """What people call it, with the versions that migci can drive if it cannot drive all."""
    server: str
    client: str
    to_get_it: str
    version: Callable[[str], str | None]
    initialize: Callable[[Product, Path, Words], Words]
    defaults: Words
    measuring: Words
    loading: Words
    always: Words
    passing: Words
    counters: Callable[[Admin, str], Counters]
    """What the server counted of an account's work."""
    table_ids: str
    """A query for the names and ids of the storage engine's tables, `database/table` each; it takes a LIKE pattern."""
    probe: str
    """A statement that asks, without waiting, for what somebody needs who wants to write to `{table}`."""
    probe_refused: int
    """The server's number for: it would have had to wait."""
    disk_errors: tuple[int, ...]
    """The server's numbers for a full disk."""
    full_table_errors: tuple[int, ...]
    """Its numbers for what a full disk is one of the reasons of."""
    end_sessions: Callable[[Admin, str], None]
    """Ends all connections of an account."""
    programs: Path | None = None

    def server_program(self) -> str:
        """Raises UsageError when it is not on this machine."""
        return self.program(self.server)

    def client_program(self) -> str:
        """Raises UsageError when it is not on this machine."""
        return self.program(self.client)

    def program(self, name: str) -> str:
        """The path of one of its programs. Raises UsageError when it is not on this machine."""
        if self.programs is not None:
            found = shutil.which(name, path=str(self.programs))
            if found is None:
                raise UsageError(
                    f"{name} is not in {self.programs}",
                    hint=f"[server] programs names the folder that {name} is in; {self.to_get_it}",
                )
            return found
        found = shutil.which(name) or shutil.which(name, path=_PLACES)
        if found is None:
            raise UsageError(
                f"{name} is not on this machine", hint=f'{self.to_get_it}, or flavor = "sqlite" in [server]'
            )
        return found

    def leaves_traces(self, option: str) -> bool:
        """Whether what a server writes may depend on this option."""
        name = option.lstrip("-").replace("_", "-").partition("=")[0]
        return not name.removeprefix("loose-").startswith(self.passing)


def as_this_user() -> Words:
    """Servers refuse to run as root unless they are told to."""
    return ("--user=root",) if os.geteuid() == 0 else ()
