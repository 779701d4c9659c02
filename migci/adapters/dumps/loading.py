"""Dumps into a MariaDB or MySQL server: over several connections where the dump is known to allow it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from migci.adapters.dumps import folders, sources
from migci.adapters.dumps.crew import Crew, Spooled, Task
from migci.adapters.dumps.places import Place, place
from migci.adapters.dumps.refusals import refused
from migci.adapters.dumps.session import Connect, Session, Tally, opened
from migci.adapters.dumps.spool import Piece, Spool
from migci.adapters.dumps.statements import SANDBOX_LINE, NotSql, Splitter, Statement
from migci.errors import MigciError
from migci.ports import RestoreFailed

_READ_AHEAD_BYTES = 4 << 30
"""How much of the dump's text may wait to be loaded."""

_NAME = rb"(?:`(?:[^`]|``)+`|\"[^\"]+\"|[\w$]+)"
_CONDITION = re.compile(rb"/\*M?!\d*\s*")
_HEAD = re.compile(rb"-- (MySQL|MariaDB) dump \S+\s+Distrib (\S+?),")
_SERVER_LINE = re.compile(rb"^-- Server version\s+(\S+)", re.MULTILINE)
_SET = re.compile(rb"SET\s", re.IGNORECASE)
_NOT_OF_A_SESSION = re.compile(rb"\b(?:GLOBAL|PERSIST|PERSIST_ONLY|GTID_PURGED|SELECT|PASSWORD|ROLE)\b", re.IGNORECASE)
_LEFT_OUT = re.compile(
    rb"(?:LOCK\s+TABLES?\s|UNLOCK\s+TABLES?\b|COMMIT\s*(?:\*/)?$|START\s+TRANSACTION|BEGIN\s*$"
    rb"|SET\s+(?:@OLD_AUTOCOMMIT\s*=\s*@@AUTOCOMMIT\s*,\s*)?(?:@@)?(?:SESSION\s+)?AUTOCOMMIT\s*=\s*[@\w]+\s*(?:\*/)?$)",
    re.IGNORECASE,
)
_KEYS = re.compile(rb"ALTER\s+TABLE\s+(" + _NAME + rb")\s+(DISABLE|ENABLE)\s+KEYS", re.IGNORECASE)
_OF_ITS_OWN = re.compile(
    rb"(?:CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?|DROP\s+(?:TABLE|VIEW)\s+IF\s+EXISTS\s+)("
    + _NAME
    + rb")(?=[\s;*]|$)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    rb"CREATE\s+VIEW\s+(" + _NAME + rb")\s+AS\s+SELECT\s+(?:(?:1|NULL)\s+AS\s+" + _NAME + rb"\s*,?\s*)+(?:\*/)?$",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    rb"/\*!50003 CREATE\*/ (?:/\*!50017 DEFINER=\S+\*/ )?/\*!50003 TRIGGER\s+" + _NAME + rb"\s+(?:BEFORE|AFTER)\s+"
    rb"(?:INSERT|UPDATE|DELETE)\s+ON\s+(" + _NAME + rb")\s+FOR\s+EACH\s+ROW\b",
    re.IGNORECASE,
)
_USE = re.compile(rb"USE\s", re.IGNORECASE)


@dataclass(frozen=True)
class Loaded:
    """What was loaded: statements, and the server's warnings by code, with the tables that they concern if known.

    The warnings' texts name values of the data, so they are not kept. Where there are some, the data may not be what
    the dump holds: with the mode that dumps set, the server cuts what does not fit.
    """

    statements: int
    warnings: Mapping[int, int]
    tables: Mapping[int, tuple[str, ...]]


def load(
    source: str,
    connect: Connect,
    progress: Callable[[int, int], None],
    workers: int = 2,
    spool: Path | None = None,
    kind: str = "the dump",
    *,
    checked: bool = False,
) -> Loaded:
    """Load a dump: a file, compressed or not, or a folder of mydumper's or MySQL Shell's; a path or a URL.

    `connect` gives connections of the server's owner in the database to fill; at most `workers` and one are open at a
    time. `progress` is told the source's own bytes that are loaded and how many there are, by the calling thread.
    `spool` is a folder for what waits to be loaded: at most 4 GiB, in files that have no name; without it the
    system's. `kind` is what messages call it. With `checked` the server checks keys, and so also deletes along them.
    Raises RestoreFailed with the place in the dump and the server's words,
    UsageError for a URL that cannot be opened, ServerFailed when the connection is lost, DiskFull when the spool is.
    """
    where = place(source)
    tally = Tally()
    if where.is_folder():
        folders.load(where, connect, progress, workers, tally)
    else:
        _File(where, connect, progress, workers, tally, spool, kind, checked).load()
    return Loaded(
        tally.statements, dict(tally.warnings), {code: tuple(sorted(names)) for code, names in tally.tables.items()}
    )


def digest(source: str) -> str:
    """The identity of a source's content, as `Place.digest` says."""
    return place(source).digest()


class _File:
    """One dump file: read by the calling thread, which runs all that is not rows itself."""

    def __init__(
        self,
        where: Place,
        connect: Connect,
        progress: Callable[[int, int], None],
        workers: int,
        tally: Tally,
        spool: Path | None,
        kind: str,
        checked: bool,
    ) -> None:
        self._kind = kind
        self._checked = checked
        self._where = where
        self._connect = connect
        self._progress = progress
        self._tally = tally
        self._known = False
        self._origin = ""
        self._database = 0
        self._raw = self._total = self._told = 0
        self._waiting = 0
        self._open: tuple[str, Spooled] | None = None
        self._spool = Spool(spool)
        self._crew = Crew(connect, tally, workers, self._refused)

    def load(self) -> None:
        chunks = sources.read(self._where, self._read)
        first = next(chunks, b"")
        self._recognize(first)
        self._splitter = Splitter(chain([first], chunks), join_rows=self._known)
        try:
            self._main = opened(self._connect, self._tally, checked=self._checked)
            try:
                self._statements()
                self._barrier()
                self._run(Statement(b"COMMIT", 0), "its end")
            finally:
                self._main.close()
        except NotSql as error:
            raise RestoreFailed(
                f"{self._kind} {self._where.name}, line {error.line}: {error.what}", hint="is it a dump in SQL?"
            ) from error
        finally:
            self._crew.close()
            self._spool.close()
        self._progress(self._total, self._total)

    def _recognize(self, first: bytes) -> None:
        """Whether mysqldump or mariadb-dump wrote it, and on which server."""
        text = first[:4096].removeprefix(SANDBOX_LINE).lstrip()
        head = _HEAD.match(text)
        self._known = head is not None
        if head is not None:
            server = _SERVER_LINE.search(text)
            version = (server[1] if server else head[2]).decode("ascii", "replace")
            kind = "MariaDB" if "mariadb" in version.lower() else "MySQL"
            self._origin = f"{kind} {re.split('[^0-9.]', version)[0]}"

    def _statements(self) -> None:
        for statement in self._splitter:
            if self._known:
                self._route(statement)
            else:
                self._run(statement)
            self._tell()

    def _route(self, statement: Statement) -> None:
        """Known dumps: rows to the crew, what concerns one table in its order with them, all else after them."""
        if statement.table is not None:
            self._to_table(statement, statement.table, rows=True)
            return
        bare = (
            _CONDITION.sub(b"", statement.text[:4096], count=1) if statement.text.startswith(b"/*") else statement.text
        )
        if _LEFT_OUT.match(bare):
            return
        if _SET.match(bare) and not _NOT_OF_A_SESSION.search(statement.text):
            self._run(statement)
            self._crew.settings.append(statement.text)
        elif (keys := _KEYS.match(bare)) and (keys[2].upper() == b"ENABLE" or self._crew.pending(self._key(keys[1]))):
            self._to_table(statement, keys[1], rows=False)
        elif trigger := _TRIGGER.match(statement.text):
            self._to_table(statement, trigger[1], rows=False)
        elif (
            keys
            or _PLACEHOLDER.match(bare)
            or ((own := _OF_ITS_OWN.match(bare)) and not self._crew.pending(self._key(own[1])))
        ) and not (bare[:6].upper() == b"CREATE" and re.search(rb"\)\s*(?:AS\s+)?SELECT\b", bare, re.IGNORECASE)):
            self._end_portion()
            self._run(statement)
        else:
            self._barrier()
            self._run(statement)
            if _USE.match(bare):
                self._database += 1
                self._crew.settings.append(statement.text)

    def _key(self, table: bytes) -> str:
        return f"{self._database}.{_bare(table).casefold()}"

    def _to_table(self, statement: Statement, table: bytes, *, rows: bool) -> None:
        key = self._key(table)
        if self._open is None or self._open[0] != key:
            self._end_portion()
            self._open = (key, Spooled(self._crew))
            self._crew.add(key, table.decode("utf-8", "surrogateescape"), self._open[1])
        piece = self._spool.put(statement.text)
        with self._crew.changed:
            self._waiting += piece.size
        do = partial(self._do, piece, _bare(table), statement.rows)
        self._open[1].add(Task(do, f"line {statement.line}", piece.size, len(self._crew.settings), rows, not rows))
        if self._waiting > _READ_AHEAD_BYTES:
            self._crew.wait(self._tell, lambda: self._waiting <= _READ_AHEAD_BYTES)

    def _do(self, piece: Piece, table: str, statements: int, session: Session) -> None:
        session.run(self._spool.take(piece), table, statements)
        with self._crew.changed:
            self._waiting -= piece.size

    def _end_portion(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def _barrier(self) -> None:
        self._end_portion()
        self._crew.wait(self._tell)

    def _run(self, statement: Statement, where: str = "") -> None:
        try:
            self._main.run(statement.text, _bare(statement.table) if statement.table else None)
        except MigciError:
            raise
        except Exception as error:
            raise self._refused(error, where or f"line {statement.line}", len(statement.text)) from error
        self._splitter.backslashes = self._main.backslashes

    def _refused(self, error: Exception, where: str, size: int) -> MigciError:
        return refused(
            error,
            dump=f"{self._kind} {self._where.name}",
            where=where,
            server=self._main.server,
            origin=self._origin,
            size=size,
            largest=self._main.largest,
        )

    def _read(self, done: int, total: int) -> None:
        self._raw, self._total = done, total

    def _tell(self) -> None:
        """Told is what was read, less the share of it that still waits."""
        if self._crew.failure is not None:
            raise self._crew.failure
        read = self._splitter.bytes_read
        done = int(self._raw * (read - self._waiting) / read) if read else 0
        if done > self._told:
            self._told = done
            self._progress(done, self._total)


def _bare(table: bytes) -> str:
    return table.strip(b'`"').decode("utf-8", "replace")
