"""One connection that loads: it runs statements, and counts what the server warns of."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import pymysql
from pymysql import protocol
from pymysql.constants import COMMAND
from pymysql.cursors import Cursor

from migci.ports import ServerFailed

Connect = Callable[[], "pymysql.Connection[Cursor]"]

_BEGINNING = "SET SESSION sql_log_bin=0, sql_notes=0, max_error_count=65535"
_UNCHECKED = "SET SESSION foreign_key_checks=0, unique_checks=0"
_NO_BACKSLASHES = 512
_EMPTY_QUERY = 1065
_PACKET = 1 << 20
_LOCAL_REFUSED = 4166
_ROWS_LOST = (1062, 1261, 1262)


class Tally:
    """What several sessions did: statements, and warnings by code and table; never the values that they name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.statements = 0
        self.warnings: Counter[int] = Counter()
        self.tables: dict[int, set[str]] = {}

    def add(self, statements: int, codes: Iterable[int], table: str | None) -> None:
        with self._lock:
            self.statements += statements
            for code in codes:
                self.warnings[code] += 1
                if table is not None:
                    self.tables.setdefault(code, set()).add(table)


class Session:
    """Not for two threads at once, but for `abort`. The driver's errors go through as they are.

    Keys are not checked, as in the sessions that dumps are made for, unless `checked`.
    """

    def __init__(self, connect: Connect, tally: Tally, *, checked: bool = False) -> None:
        connection: Any = connect()  # the driver's types leave out half of what is used here
        self._connection = connection
        # With this off the driver answers a server that asks for a file of this machine with an exception. The one
        # statement that sends data this way is `send`'s own, which does not open a file for it.
        self._connection._local_infile = False
        self._tally = tally
        self._cursor: Any = self._connection.cursor()
        try:
            self._cursor.execute(_BEGINNING)
            if not checked:
                self._cursor.execute(_UNCHECKED)
            self.largest = int(self.ask("SELECT @@max_allowed_packet")[0][0])
            version = str(self.ask("SELECT VERSION()")[0][0])
        except BaseException:
            self.close()
            raise
        number = re.match(r"[\d.]+", version)
        name = "MariaDB" if "mariadb" in version.lower() else "MySQL"
        self.server = f"{name} {number[0] if number else version}"

    @property
    def backslashes(self) -> bool:
        """Whether a backslash escapes in strings, by the server's own account."""
        return not int(self._connection.server_status) & _NO_BACKSLASHES

    def ask(self, sql: str) -> tuple[tuple[Any, ...], ...]:
        self._cursor.execute(sql)
        return tuple(self._cursor.fetchall())

    def run(self, text: bytes, table: str | None = None, statements: int = 1) -> None:
        """Run one statement that stands for `statements` of the dump's; `table` is what it fills, for the warnings.

        With 0 statements it is none of the dump's, and its warnings are not counted.
        """
        try:
            self._cursor.execute(memoryview(text))
            while self._cursor.nextset():
                pass
        except RuntimeError as error:
            raise pymysql.err.OperationalError(
                _LOCAL_REFUSED, "LOAD DATA LOCAL INFILE of a dump is not carried out"
            ) from error
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == _EMPTY_QUERY:
                return
            raise
        if statements:
            self._note(statements, table)

    def send(self, sql: str, pieces: Iterable[bytes], table: str) -> None:
        """Run a LOAD DATA LOCAL INFILE of our own making; the server gets `pieces`, whatever file it names.

        Such a statement skips rows that it cannot take, with a warning; this raises the driver's error for them.
        """
        connection = self._connection
        connection._execute_command(COMMAND.COM_QUERY, sql)
        first = connection._read_packet()
        if not first.is_load_local_packet():
            raise pymysql.err.OperationalError(_LOCAL_REFUSED, "the server did not ask for the rows")
        for piece in pieces:
            for at in range(0, len(piece), _PACKET):
                connection.write_packet(piece[at : at + _PACKET])
        connection.write_packet(b"")
        answer = protocol.OKPacketWrapper(connection._read_packet())
        shown = self._shown() if answer.warning_count else []
        for code, text in shown:
            if code in _ROWS_LOST:
                raise pymysql.err.IntegrityError(code, text)
        self._tally.add(1, [code for code, _ in shown], table)

    def _note(self, statements: int, table: str | None) -> None:
        shown = self._shown() if self._cursor.warning_count else []
        self._tally.add(statements, [code for code, _ in shown], table)

    def _shown(self) -> list[tuple[int, str]]:
        return [(int(code), str(text)) for level, code, text in self._connection.show_warnings() if level != "Note"]

    def abort(self) -> None:
        """End what another thread waits for."""
        line: socket.socket | None = getattr(self._connection, "_sock", None)
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(pymysql.err.MySQLError, OSError):
            self._connection.close()


def opened(connect: Connect, tally: Tally, *, checked: bool = False) -> Session:
    """A session. Raises ServerFailed where there is no connection to be had."""
    try:
        return Session(connect, tally, checked=checked)
    except (pymysql.err.MySQLError, OSError) as error:
        raise ServerFailed(f"the server that is to be loaded does not answer: {error}") from error
