"""A live server as the source of a dump: its dump program is run, and has to end well."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.parse import parse_qs, unquote, urlsplit

from anonymize.dumps.source import Readable, Source
from anonymize.errors import Unreadable, UsageError

SCHEMES = ("mysql://", "mariadb://")
PASSWORD_VARIABLE = "ANONYMIZE_PASSWORD"  # noqa: S105
_PROGRAMS = {"mysql": ("mysqldump", "mariadb-dump"), "mariadb": ("mariadb-dump", "mysqldump")}
_OPTIONS = (
    "--single-transaction",
    "--quick",
    "--routines",
    "--triggers",
    "--events",
    "--default-character-set=utf8mb4",
)
_FORM = "name it like this: mysql://user@host:3306/database, or mysql://user@localhost/database?socket=/run/mysqld.sock"
_SHOWN_BYTES = 2000


@contextmanager
def dumped(url: str) -> Iterator[Source]:
    """The dump of a database at one moment, as the server's dump program writes it.

    The password is taken from the environment (ANONYMIZE_PASSWORD) and handed on in a file that only this user can
    read; without one the program looks into its own option files. Raises UsageError for an address that cannot be
    used, and Unreadable, from reading the end, if the program fails.
    """
    words, options = _command(url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "client.cnf"
        file.touch(mode=0o600)
        file.write_text("[client]\n" + "".join(f'{name}="{_escaped(text)}"\n' for name, text in options.items()))
        command = [words[0], f"--defaults-extra-file={file}", *words[1:]]
        with tempfile.TemporaryFile() as complaints:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints)
            assert process.stdout is not None  # it is a pipe
            try:
                yield Source(_shown(url), _Ending(process, process.stdout, complaints))
            finally:
                process.stdout.close()
                process.kill()
                process.wait()


class _Ending:
    """What a process writes; its end is only one if the process ended well."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes], complaints: IO[bytes]) -> None:
        self._process = process
        self._output = cast("Readable", output)
        self._complaints = complaints

    def read(self, size: int, /) -> bytes:
        data = self._output.read(size)
        if not data and (status := self._process.wait()) != 0:
            self._complaints.seek(0)
            said = self._complaints.read(_SHOWN_BYTES).decode(errors="replace").strip().splitlines()
            raise Unreadable(
                f"{Path(str(cast('list[str]', self._process.args)[0])).name} ended with status {status}"
                + (f": {said[-1]}" if said else ""),
                f"see to the account and its rights; its password belongs into the variable {PASSWORD_VARIABLE}",
            )
        return data


def _command(url: str) -> tuple[list[str], dict[str, str]]:
    """The program and its words, and the options that belong into its file."""
    parts = urlsplit(url)
    if parts.password:
        raise UsageError(
            "a password in an address is seen by everybody on this machine", f"put it into {PASSWORD_VARIABLE}"
        )
    names = unquote(parts.path.strip("/"))
    asked = parse_qs(parts.query)
    unknown = set(asked) - {"socket"}
    if unknown or not names:
        what = f"{sorted(unknown)[0]!r} is not known in it" if unknown else "it names no database"
        raise UsageError(f"the address {_shown(url)} cannot be used: {what}", _FORM)
    try:
        port = parts.port
    except ValueError as error:
        raise UsageError(f"the address {_shown(url)} cannot be used: {error}", _FORM) from error
    options = {
        "user": unquote(parts.username or ""),
        "password": os.environ.get(PASSWORD_VARIABLE, ""),
        "host": "" if "socket" in asked else parts.hostname or "",
        "port": "" if port is None else str(port),
        "socket": asked.get("socket", [""])[0],
    }
    program = next(filter(None, map(shutil.which, _PROGRAMS[parts.scheme])), None)
    if program is None:
        raise UsageError("there is neither mysqldump nor mariadb-dump here", "install one, or give a dump as a file")
    return [program, *_OPTIONS, "--", names], {name: text for name, text in options.items() if text}


def _escaped(text: str) -> str:
    if "\n" in text:
        raise UsageError("a line's end stands in the server's address or password", _FORM)
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _shown(url: str) -> str:
    return url.partition("?")[0]
