"""A dump of SQL, statement by statement: rows go through the engine, and what is not known in a dump stops it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Never

from typing_extensions import Buffer

from anonymize import engine
from anonymize.dumps import lexing, permitted
from anonymize.dumps.create import altered, create
from anonymize.dumps.permitted import NotPermitted, Purpose
from anonymize.dumps.pipeline import Pipeline, pipeline
from anonymize.dumps.publish import Sink
from anonymize.dumps.session import NotSet, Session
from anonymize.dumps.source import Source
from anonymize.dumps.targets import Count, Counts, RowsOf, Tables, Target, target
from anonymize.dumps.tokens import Token, tokens
from anonymize.dumps.window import Window
from anonymize.errors import Unreadable
from anonymize.schema import Table
from anonymize.sql import RowError, State

_SMALL_BYTES = 16 << 20
_HEAD_BYTES = 1 << 20
_SHORT_BYTES, _LONG_BYTES = 1 << 14, 4 << 20
"""Only statements of a length between these are worth rewriting beside others."""
_SANDBOX_LINE = b"/*M!999999\\- enable the sandbox mode */"
_BOM = b"\xef\xbb\xbf"
_DELIMITER = re.compile(rb"(?i:DELIMITER)[ \t]++([^\r\n]*[^\r\n\s])[^\n]*+(?:\n|\Z)")
_BRINGS_ROWS = re.compile(rb"(?i:INSERT|REPLACE)(?![0-9A-Za-z_$\x80-\xff])")
_BEGINS = re.compile(rb"[A-Za-z(/;]")
_COMMENTS = re.compile(rb"/\*.*?\*/|(?:--(?=[\0- ])|#)[^\n]*", re.DOTALL)
_EXECUTED = re.compile(rb"/\*M?!")
_HEADS = (b"-- MySQL dump", b"-- MariaDB dump")
_END = b"-- Dump completed"
_HINT_CUT_OFF = "make or copy the dump again; --partial takes one that only lacks its last line"
_HINT_ROW = "see that line of the dump; nothing was published"
_HINT_STATEMENT = "dump with mysqldump, mariadb-dump or mydumper, or take the statement out of the dump"


@dataclass(frozen=True, slots=True)
class Options:
    """How a dump is to be read."""

    partial: bool = False
    """It may lack its last line."""
    database: str | None = None
    """The one that the statements are for, until a USE says otherwise."""
    charset: str | None = None
    """The character set of its text, until a SET NAMES says otherwise; utf8mb4 if None."""
    bodies: bool = False
    """Routines come without DELIMITER, and end where a `;` ends a line, as mydumper writes them."""
    jobs: int = 1
    """How many statements are rewritten at the same time."""
    rows: RowsOf = engine.rows
    """What the rows go through."""


def rewrite(source: Source, sink: Sink, tables: Tables, options: Options | None = None) -> Counts:
    """Read the dump in `source` and write it, with what `tables` says done to its rows, to `sink`.

    What is not replaced is written byte for byte. Raises Unreadable, with the line, for everything that is not
    understood, and for a dump that is cut off; what `tables` raises goes through.
    """
    options = options or Options()
    if options.jobs == 1:
        reader = Reader(source, sink, tables, options)
        reader.run()
    else:
        with pipeline(sink, options.jobs) as ordered:
            reader = Reader(source, ordered, tables, options, ordered)
            reader.run()
    counts: Counts = {}
    for used in reader.targets:
        counts.setdefault(used.table, Count()).add(used.count())
    return counts


def _wrong(found: Target, error: RowError) -> str:
    column = "" if error.place is None else f", column {found.columns[error.place]}"
    return f"table {found.table[1]}{column}: {error.reason}"


def _names(table: Table) -> list[str]:
    return [column.name.lower() for column in table.columns]


def _behind_executed(text: bytes) -> bool:
    """Whether anything stands outside of comments; one that holds a `*/` in a string counts as ended there."""
    return bool(_COMMENTS.sub(b"", text).strip())


class Reader:
    """Reads a dump, statement by statement. What is done with rows may be otherwise in one that is made of it."""

    def __init__(
        self, source: Source, sink: Sink, tables: Tables, options: Options, ordered: Pipeline | None = None
    ) -> None:
        self.targets: list[Target] = []
        self._window = Window(source, sink)
        self._ordered = ordered
        self._tables = tables
        self._partial = options.partial
        self._rows = options.rows
        self._bodies = options.bodies
        self._dropped: set[str] = set()
        self._session = Session(options.charset)
        self._database = options.database
        self._delimiter = b";"
        self._grammar = self._session.grammar
        self._heads: dict[bytes, Target | None] = {}
        self._last_head: bytes | None = None

    def run(self) -> None:
        """Read all of it. Raises what `rewrite` does."""
        window = self._window
        if window.has(len(_BOM)) and window.data.startswith(_BOM):
            window.keep(len(_BOM))
        window.has(len(_SANDBOX_LINE) + 100)
        is_whole_dump = window.data[window.at :].removeprefix(_SANDBOX_LINE).lstrip().startswith(_HEADS)
        while self._begin():
            self._statement()
        window.flush()
        if is_whole_dump and _END not in window.end and not self._partial:
            self._cut_off(f"it does not end with {_END.decode()!r}")

    def _begin(self) -> bool:
        """Go to where the next statement begins. False at the end of the dump."""
        window = self._window
        while True:
            blank = lexing.BLANK.match(window.data, window.at)
            assert blank is not None  # it matches nothing, too
            window.keep(blank.end())
            if not lexing.is_unfinished(window.data, window.at):
                if window.data.startswith(self._delimiter, window.at):
                    window.keep(window.at + len(self._delimiter))
                    continue
                if window.at < len(window.data):
                    return True
            if not window.more(_SMALL_BYTES):
                if window.data.startswith(b"/*", window.at):
                    self._cut_off("it ends inside a comment")
                if window.data[window.at :] in (b"-", b"/"):
                    self._refuse(window.at, "this is no statement")
                window.keep(len(window.data))  # a comment to the line's end needs no line behind it
                return False

    def _statement(self) -> None:
        window = self._window
        if self._last_head is not None and window.data.startswith(self._last_head, window.at):
            self._insert(self._last_head)
            return
        window.has(len(_SANDBOX_LINE))
        begins = window.data[window.at : window.at + len(_SANDBOX_LINE)]
        if begins == _SANDBOX_LINE:
            window.keep(window.at + len(_SANDBOX_LINE))
        elif _BRINGS_ROWS.match(begins):
            self._insert(self._head())
        elif begins[:9].upper() == b"DELIMITER":
            self._new_delimiter()
        elif _BEGINS.match(begins):
            self._small()
        else:
            self._refuse(window.at, "this is no statement")

    def _new_delimiter(self) -> None:
        window = self._window
        window.has(200)
        found = _DELIMITER.match(window.data, window.at)
        if found is None:
            self._refuse(window.at, "DELIMITER does not say which")
        self._delimiter = found[1]
        window.keep(found.end())

    def _head(self) -> bytes:
        """The head of the statement that brings rows, made known to `_heads`."""
        window = self._window
        while (found := lexing.insert(window.data, window.at)) is None:
            if len(window.data) - window.at > _HEAD_BYTES or not window.more():
                word = window.data[window.at : window.at + 7].upper()
                shown = "REPLACE" if word == b"REPLACE" else "INSERT"
                self._refuse(window.at, f"{shown} without rows of VALUES behind its table is not read")
        if self._delimiter != b";":
            self._refuse(window.at, "INSERT between DELIMITER lines is not read")
        if found.head not in self._heads:
            database = self._database if found.database is None else self._text(found.database)
            columns = None if found.columns is None else tuple(self._text(column) for column in found.columns)
            try:
                made = self._made(found.head, database, self._text(found.table), columns)
            except Unreadable as error:
                raise window.unreadable(window.at, error.message, error.hint) from error
            self._heads[found.head] = made
            if made is not None:
                self.targets.append(made)
        self._last_head = found.head
        return found.head

    def _made(self, head: bytes, database: str | None, table: str, columns: tuple[str, ...] | None) -> Target | None:
        """Where the rows behind `head` go; None: past everything."""
        return target(self._tables, database, table, columns, self._session, self._rows)

    def _insert(self, head: bytes) -> None:
        """The statement that begins with `head`, and those behind it that begin likewise, each on its line."""
        window = self._window
        found = self._heads[head]
        again = b"\n" + head
        window.keep(window.at + len(head))
        while True:
            if found is None:
                self._skip(head)
            else:
                self._rewrite(found)
            if not window.data.startswith(again, window.at):
                return
            window.keep(window.at + len(again))

    def _rewrite(self, found: Target) -> None:
        if self._ordered is not None and self._hand_in(found, self._ordered):
            return
        window = self._window
        with found.rows() as rows:
            while True:
                try:
                    new, end, ended = rows.rewrite(window.data, window.at)
                except RowError as error:
                    self._wrong_row(found, error)
                if new is None:
                    window.keep(end)
                else:
                    window.replace(end, new)
                if ended:
                    return
                if not window.more():
                    self._cut_off("it ends inside a statement")

    def _hand_in(self, found: Target, ordered: Pipeline) -> bool:
        """Have a statement rewritten beside others; False if it is too short or too long for that, or not whole."""
        window, offset = self._window, 0
        state: int = State.OUTSIDE
        while True:
            end, state = engine.skip(window.data, window.at + offset, state, found.grammar)
            offset = end - window.at
            if state == State.ENDED:
                break
            if state == State.STRANGE or offset > _LONG_BYTES or not window.more():
                return False
        if offset < _SHORT_BYTES:
            return False
        data, start, line, name = window.data, window.at, window.line(window.at), window.source.name

        def work() -> Buffer:
            with found.rows() as rows:
                try:
                    new, stopped, ended = rows.rewrite(data, start)
                except RowError as error:
                    at = line + engine.lines(data, start, error.offset)
                    raise Unreadable(f"{name}:{at}: {_wrong(found, error)}", _HINT_ROW) from error
                assert ended
                assert stopped == end
                return memoryview(data)[start:end] if new is None else new

        window.passed(end)
        ordered.hand_in(work)
        return True

    def _wrong_row(self, found: Target, error: RowError) -> Never:
        self._fail(error.offset, _wrong(found, error), _HINT_ROW, error)

    def _skip(self, head: bytes) -> None:
        window, grammar = self._window, self._grammar
        state: int = State.OUTSIDE
        while True:
            end, state = engine.skip(window.data, window.at, state, grammar)
            window.keep(end)
            if state == State.ENDED:
                return
            if state == State.STRANGE:
                self._refuse(end, "an executable comment, or a backslash, stands among rows")
            if not window.more():
                self._cut_off("it ends inside a statement")

    def _small(self) -> None:
        """A statement that brings no rows, which is seen as a whole."""
        window = self._window
        end, read = self._end(0)
        purpose = self._purpose(read)
        while self._bodies and purpose is Purpose.ROUTINE and not self._ends_line(window.at + end + 1):
            end, read = self._end(end + 1)  # as mydumper has it: a `;` in a body never ends a line
        if _EXECUTED.match(window.data, window.at) and _behind_executed(window.data[window.at : window.at + end]):
            self._refuse(window.at, "a statement goes on behind an executable comment")
        if any(token.is_sign("\\") for token in read):
            self._refuse(window.at, "a backslash stands outside of strings")
        text = self._text(window.data[window.at : window.at + end])
        try:
            if purpose is Purpose.TABLE:
                self._created(create(text, *self._place(), like=self._find, backslash=self._session.backslash))
            elif read[0].is_word("DROP"):
                self._dropped |= {token.text.lower() for token in read[2:]}
            elif purpose is Purpose.ALTER:
                self._alter(text, read)
            elif purpose is Purpose.SET:
                self._session.set(read[1:])
                self._forget()
            elif purpose is Purpose.USE:
                self._database = read[1].text
                self._forget()
        except NotSet as error:
            raise window.unreadable(window.at, str(error), _HINT_STATEMENT) from error
        window.keep(window.at + end + len(self._delimiter))

    def _end(self, offset: int) -> tuple[int, list[Token]]:
        """How long the small statement is, of which `offset` bytes are known not to end it; and its tokens."""
        window, backslash = self._window, self._session.backslash
        while True:
            try:
                end = lexing.statement_end(window.data, window.at + offset, self._delimiter, backslash=backslash)
            except lexing.Nul as nul:
                self._refuse(nul.place, "a NUL stands outside of strings")
            if end is not None:
                text = self._text(window.data[window.at : end])
                return end - window.at, tokens(text, *self._place(), backslash=backslash)
            if not window.more(_SMALL_BYTES):
                self._cut_off("it ends inside a statement")

    def _purpose(self, read: list[Token]) -> Purpose:
        window = self._window
        try:
            return permitted.purpose(read, executed=_EXECUTED.match(window.data, window.at) is not None)
        except NotPermitted as error:
            self._refuse(window.at, str(error))

    def _ends_line(self, place: int) -> bool:
        window = self._window
        offset = place - window.at
        window.has(offset + 1)
        return window.data[window.at + offset : window.at + offset + 1] in (b"", b"\n", b"\r")

    def _alter(self, text: str, read: list[Token]) -> None:
        if any(token.is_word("ADD", "MODIFY", "DROP", "CHANGE", "RENAME", "ALTER") for token in read[2:]):
            name = [token.text for token in read[2:5]]
            table = self._find(*((name[0], name[2]) if name[1:2] == ["."] else (None, name[0])))
            if table is None:
                self._refuse(self._window.at, "ALTER of a table that is not known")
            self._changed(altered(table, text, *self._place(), backslash=self._session.backslash))

    def _created(self, table: Table) -> None:
        before = self._find(table.database, table.name)
        if before is not None and table.name.lower() not in self._dropped and _names(before) != _names(table):
            self._refuse(self._window.at, f"CREATE TABLE of {table.name}, which is there already with other columns")
        self._dropped.discard(table.name.lower())
        self._changed(table)

    def _changed(self, table: Table) -> None:
        database = table.database if table.database is not None else self._database
        self._tables.declare(replace(table, database=database))
        self._forget()

    def _find(self, database: str | None, name: str) -> Table | None:
        return self._tables.find(self._database if database is None else database, name)

    def _forget(self) -> None:
        """What has been decided of heads may be otherwise from here on."""
        self._heads.clear()
        self._grammar = self._session.grammar
        self._last_head = None

    def _text(self, written: bytes) -> str:
        return written.decode("cp1252" if self._session.charset == "latin1" else "utf-8", "surrogateescape")

    def _place(self) -> tuple[str, int]:
        return self._window.source.name, self._window.line(self._window.at)

    def _cut_off(self, what: str) -> Never:
        self._fail(len(self._window.data), f"the dump is cut off: {what}", _HINT_CUT_OFF)

    def _refuse(self, place: int, what: str) -> Never:
        self._fail(place, what, _HINT_STATEMENT)

    def _fail(self, place: int, what: str, hint: str, cause: Exception | None = None) -> Never:
        raise self._window.unreadable(place, what, hint) from cause
