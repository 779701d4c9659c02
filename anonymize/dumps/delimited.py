"""Rows as lines of fields, as TSV and CSV files have them: marked fields are replaced, all other bytes stay."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from anonymize import engine
from anonymize.dumps.publish import Sink
from anonymize.dumps.source import Source
from anonymize.dumps.targets import Count
from anonymize.dumps.window import Window
from anonymize.errors import Unfit, Unreadable
from anonymize.ops import Default, Program

_ESCAPED = {0: b"0", 8: b"b", 9: b"t", 10: b"n", 13: b"r", 26: b"Z", 92: b"\\"}
_MEANT = {letter: bytes([code]) for code, letter in _ESCAPED.items()}
_NULL = b"\\N"
_MOST_ROW_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are written."""

    separator: bytes = b"\t"
    escape: bool = True
    """A backslash escapes what follows, and \\N is NULL."""
    quoted: bool = False
    """A field may stand in double quotes, which are doubled in it; without them an empty one, and NULL, is a NULL."""

    @property
    def field(self) -> bytes:
        """A pattern of one field."""
        special = re.escape(self.separator) + rb"\r\n" if self.quoted else re.escape(self.separator) + rb"\n"
        if self.escape:
            plain = rb"(?:[^\\" + special + rb"]++|\\.)*+"
            within = rb'(?:[^"\\]++|\\.|"")*+'
        else:
            plain = rb"[^" + special + rb"]*+"
            within = rb'(?:[^"]++|"")*+'
        return rb'(?:"' + within + rb'"|(?!")' + plain + rb")" if self.quoted else plain

    def value(self, field: bytes) -> bytes | None:
        """What a field says; None: NULL."""
        if self.quoted and field.startswith(b'"'):
            return self._plain(field[1:-1].replace(b'""', b'"'))
        if (self.escape and field == _NULL) or (self.quoted and field in (b"", b"NULL", _NULL)):
            return None
        return self._plain(field)

    def written(self, value: bytes | None, before: bytes) -> bytes:
        """A value as a field, in the manner of the one that was there before."""
        if value is None:
            return _NULL if self.escape else b""
        if self.escape:
            value = re.sub(rb"[\0\x08\t\n\r\x1a\\]", lambda found: b"\\" + _ESCAPED[found[0][0]], value)
        if not self.quoted:
            return value
        needs = before.startswith(b'"') or not value or value == b"NULL" or re.search(rb'["\r\n]', value)
        return b'"' + value.replace(b'"', b'""') + b'"' if needs or self.separator in value else value

    def _plain(self, text: bytes) -> bytes:
        if not self.escape or b"\\" not in text:
            return text
        return re.sub(rb"\\(.)", lambda found: _MEANT.get(found[1], found[1]), text, flags=re.DOTALL)


TSV = Dialect()
CSV = Dialect(b",", escape=False, quoted=True)

Told = Callable[[int], None]
"""Is told the length of each row, as it was written, its line's end included."""


def rewrite(
    source: Source,
    sink: Sink,
    program: Program,
    columns: Sequence[str],
    dialect: Dialect,
    *,
    header: bool = False,
    told: Told | None = None,
) -> Count:
    """Rewrite rows of the table whose `columns` these are, in order; with `header` the first line passes as it is.

    Raises Unreadable, with the line, for a row with another number of fields, for what cannot be replaced, and for a
    file that ends inside a row (TSV; the last line of CSV may lack its end).
    """
    return _Rows(Window(source, sink), program, columns, dialect).run(header, told)


class _Rows:
    def __init__(self, window: Window, program: Program, columns: Sequence[str], dialect: Dialect) -> None:
        self._window = window
        self._columns = columns
        self._dialect = dialect
        self._marked = [
            (place, engine.apply(slot.op), slot.subject)
            for place, slot in enumerate(program.slots)
            if slot is not None and not isinstance(slot.op, Default)
        ]
        if len(self._marked) != sum(slot is not None for slot in program.slots):
            raise Unreadable(
                f"{window.source.name} has a generated column that would have to be computed anew",
                "make the dump without it",
            )
        used = {place for place, _, _ in self._marked} | {
            subject for _, _, subject in self._marked if subject is not None
        }
        field = dialect.field
        fields = [b"(" + field + b")" if place in used else field for place in range(len(columns))]
        end = rb"\r?\n" if dialect.quoted else rb"\n"
        self._row = re.compile(re.escape(dialect.separator).join(fields) + end, re.DOTALL)
        self._last_row = re.compile(re.escape(dialect.separator).join(fields) + rb"\Z", re.DOTALL)
        self._groups = {place: group for group, place in enumerate(sorted(used), start=1)}
        self._line_end = re.compile(rb"[^\n]*+\n")

    def run(self, header: bool, told: Told | None) -> Count:
        window = self._window
        count = Count(0, Counter({self._columns[place]: 0 for place, _, _ in self._marked}))
        while header:
            if (found := self._line_end.match(window.data, window.at)) is not None:
                window.keep(found.end())
                header = False
            elif not window.more(_MOST_ROW_BYTES):
                window.keep(len(window.data))
                break
        while True:
            row = self._row.match(window.data, window.at)
            if row is None:
                if window.at == len(window.data) and not window.more():
                    break
                if (row := self._row.match(window.data, window.at)) is None:
                    if self._looks_whole() or not window.more(_MOST_ROW_BYTES):
                        row = self._last()
                    else:
                        continue
            length = self._rewrite(row, count)
            count.rows += 1
            if told is not None:
                told(length)
        window.flush()
        return count

    def _looks_whole(self) -> bool:
        """Whether a line of fields, however many, is in sight; then it is one of the wrong number."""
        field, separator = self._dialect.field, re.escape(self._dialect.separator)
        line = re.compile(field + rb"(?:" + separator + field + rb")*+\r?\n", re.DOTALL)
        return line.match(self._window.data, self._window.at) is not None

    def _last(self) -> re.Match[bytes]:
        window = self._window
        last = self._last_row.match(window.data, window.at) if self._dialect.quoted else None
        if last is None or window.more():
            whole = self._looks_whole()
            what = f"the row has not {len(self._columns)} fields" if whole else "the file ends inside a row"
            raise window.unreadable(window.at, what, "compare it with the table's columns; nothing was published")
        return last

    def _rewrite(self, row: re.Match[bytes], count: Count) -> int:
        pieces: list[bytes] = []
        data, copied = row.string, row.start()
        for place, made, subject in self._marked:
            group = self._groups[place]
            field = row[group]
            value = self._dialect.value(field)
            if value is None:
                continue
            try:
                its_subject = b"" if subject is None else self._dialect.value(row[self._groups[subject]]) or b""
                result = made(value, its_subject)
            except Unfit as unfit:
                raise self._window.unreadable(
                    row.start(), f"column {self._columns[place]}: {unfit}", "mark it as another kind, or mend the row"
                ) from unfit
            count.replaced[self._columns[place]] += result is not None
            pieces += (data[copied : row.start(group)], self._dialect.written(result, field))
            copied = row.end(group)
        if not pieces:
            self._window.keep(row.end())
            return row.end() - row.start()
        pieces.append(data[copied : row.end()])
        new = b"".join(pieces)
        self._window.replace(row.end(), new)
        return len(new)
