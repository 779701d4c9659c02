"""What is particular to one make of database server, so that all the rest is written once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from migci.errors import UsageError

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin

Words = tuple[str, ...]
"""Arguments of a command."""

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/libexec:/sbin"


@dataclass(frozen=True)
class Product:
    """One make of server.

    `version` finds the version in what `server --version` prints; `None` if that is another product. `initialize`
    gives the command that fills an empty datadir, with options for it. A server is started with `defaults`, then the
    settings' options, then `measuring` or `loading`, then `always`: the last of two that contradict each other wins.
    `passing` are the beginnings of the names of options that leave nothing in a datadir.
    """

    flavor: str
    server: str
    client: str
    to_get_it: str
    version: Callable[[str], str | None]
    initialize: Callable[[Path, Words], Words]
    defaults: Words
    measuring: Words
    loading: Words
    always: Words
    passing: Words
    log_position: str
    """The status variable that counts the bytes of the redo log."""
    disk_errors: tuple[int, ...]
    """The server's numbers for a full disk."""
    end_sessions: Callable[[Admin, str], None]
    """Ends all connections of an account."""
    before_loading: Words = ()
    after_loading: Words = ()

    def server_program(self) -> str:
        """Raises UsageError when it is not on this machine."""
        return self.program(self.server)

    def client_program(self) -> str:
        """Raises UsageError when it is not on this machine."""
        return self.program(self.client)

    def program(self, name: str) -> str:
        """The path of one of its programs. Raises UsageError when it is not on this machine."""
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
