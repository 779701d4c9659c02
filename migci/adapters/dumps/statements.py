"""SQL text cut into statements as the servers' own clients cut it, over a stream of any pieces."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

SANDBOX_LINE = b"/*M!999999\\- enable the sandbox mode */"
"""What mariadb-dump writes first, for its client alone; the one such command that is no error."""

_CLIENT_WORDS = frozenset(
    b"system source tee notee pager nopager edit ego go print prompt rehash connect clear quit exit status costs "
    b"charset warnings nowarning resetconnection query_attributes sandbox".split()
)
_LOOKAHEAD = 1024
_JOINED_BYTES = 1 << 20
_NAME = rb"(?:`(?:[^`]++|``)++`|\"(?:[^\"]++|\"\")++\"|[\w$]++)"
_INSERT = re.compile(
    rb"(?i:INSERT|REPLACE)\s++(?:(?i:IGNORE)\s++)?(?i:INTO)\s++("
    + _NAME
    + rb")\s*+(?:\((?:\s*+"
    + _NAME
    + rb"\s*+,?)++\)\s*+)?(?i:VALUES)\s*+(?=\()"
)
_WORD = re.compile(rb"[A-Za-z_]++")
_BLANK = re.compile(rb"[\s\0]*+")
_QUOTES = b"'\"`"


class NotSql(Exception):
    """The text is not SQL for a server: `line` (from 1) and what is wrong."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


@dataclass(frozen=True, slots=True)
class Statement:
    """`text` without its delimiter and without the comments before it; it begins on `line` (from 1).

    `table` is the name, as written, that an `INSERT INTO … VALUES` of nothing but literal values fills; None for all
    else. `rows` is how many statements of the text this is: more than one where rows were joined.
    """

    text: bytes
    line: int
    table: bytes | None = None
    rows: int = 1


class Splitter:
    """The statements in `chunks`, one after the other; memory is bounded by the largest statement and chunk.

    `backslashes` says whether a backslash escapes in strings; it may be changed between two statements, as
    NO_BACKSLASH_ESCAPES does. `delimiter` is what ends a statement until a DELIMITER line says otherwise. With
    `join_rows`, inserts of literal rows that follow each other and begin alike come as one insert of about a megabyte.
    Raises NotSql for a string or comment that does not end, and for a command of the client.
    """

    def __init__(self, chunks: Iterable[bytes], *, delimiter: bytes = b";", join_rows: bool = False) -> None:
        self.backslashes = True
        self.delimiter = delimiter
        self.join_rows = join_rows
        self.bytes_read = 0
        self._chunks = iter(chunks)
        self._text = bytearray()
        self._start = 0
        self._line = 1
        self._counted = 0

    def __iter__(self) -> Iterator[Statement]:
        if self._has(3) and self._text.startswith(b"\xef\xbb\xbf"):
            self._start = 3
        while self._begin():
            found = self._insert() if self.delimiter == b";" else None
            yield found or self._whole(0)

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        while not chunk:
            try:
                chunk = next(self._chunks)
            except StopIteration:
                return False
        self.bytes_read += len(chunk)
        self._text += chunk
        return True

    def _has(self, end: int) -> bool:
        """Whether the text reaches to `end`, counted from the statement's start."""
        while len(self._text) - self._start < end:
            if not self._more():
                return False
        return True

    def _consume(self, at: int) -> None:
        """What lies before `at` is done with. Counts its lines."""
        self._start = at
        if at > 1 << 16:
            self._line += self._text.count(b"\n", self._counted, at)
            del self._text[:at]
            self._start = self._counted = 0

    def _here(self) -> int:
        self._line += self._text.count(b"\n", self._counted, self._start)
        self._counted = self._start
        return self._line

    def _begin(self) -> bool:
        """Go to the next statement, past blanks, comments and DELIMITER lines. False at the end of the text."""
        while True:
            self._consume(_matched(_BLANK, self._text, self._start))
            if self._start == len(self._text):
                if not self._more():
                    return False
                continue
            self._has(_LOOKAHEAD)
            text, start = self._text, self._start
            if text.startswith(SANDBOX_LINE, start):
                self._consume(start + len(SANDBOX_LINE))
            elif self._comment(start):
                self._consume(self._past_comment(start))
            elif text.startswith(self.delimiter, start):
                self._consume(start + len(self.delimiter))
            elif self._command():
                self._consume(self._past_line(start))
            else:
                return True

    def _command(self) -> bool:
        """Obey a DELIMITER line; refuse every other command of the client."""
        end = _matched(_WORD, self._text, self._start)
        word = bytes(self._text[self._start : end]).lower()
        if word == b"delimiter":
            line = bytes(self._text[end : self._past_line(end)]).split()
            if not line or line[0][:1] in b"'\"`\\-#" or line[0].startswith(b"/*"):
                raise NotSql(self._here(), "DELIMITER without a delimiter")
            self.delimiter = line[0]
            return True
        if word in _CLIENT_WORDS:
            raise NotSql(self._here(), f"{word.decode()!r} is a command of the client, not SQL")
        return False

    def _comment(self, at: int) -> bool:
        """Whether a comment begins that no server executes."""
        text = self._text
        if text.startswith(b"/*", at):
            return not text.startswith((b"/*!", b"/*M!"), at)
        return text.startswith(b"#", at) or (text.startswith(b"--", at) and (len(text) == at + 2 or text[at + 2] <= 32))

    def _past_comment(self, at: int) -> int:
        if not self._text.startswith(b"/*", at):
            return self._past_line(at)
        offset = at - self._start + 2
        while (found := self._text.find(b"*/", self._start + offset)) < 0:
            offset = max(offset, len(self._text) - self._start - 1)
            if not self._more():
                raise NotSql(self._here(), "a comment is not closed")
        return found + 2

    def _past_line(self, at: int) -> int:
        offset = at - self._start
        while (found := self._text.find(b"\n", self._start + offset)) < 0:
            offset = len(self._text) - self._start
            if not self._more():
                return len(self._text)
        return found + 1

    def _past_string(self, at: int) -> int:
        """The end of the string or name that begins at `at` and did not end in the text so far."""
        quote = self._text[at]
        rest = _rest(quote, self.backslashes and quote != 0x60)
        at += 1
        while True:
            at = _matched(rest, self._text, at)
            if at < len(self._text) and self._text[at] == quote:
                return at + 1
            if not self._more():
                raise NotSql(self._here(), "a string or a quoted name is not closed")

    def _whole(self, at: int) -> Statement:
        """The statement of which `at` bytes are known to be outside of strings and comments."""
        at += self._start
        line = self._here()
        executed = 0  # how many comments that a server executes are open
        while True:
            at = _matched(_outside(self.delimiter[0], self.backslashes, executed > 0), self._text, at)
            if len(self._text) - at < max(4, len(self.delimiter)) and self._more():
                continue
            if at == len(self._text):
                return self._take(at, 0, line)
            if self._text.startswith(self.delimiter, at):
                return self._take(at, len(self.delimiter), line)
            if self._text[at] in _QUOTES:
                at = self._past_string(at)
            elif self._comment(at):
                at = self._past_comment(at)
            elif self._text.startswith(b"/*", at):
                executed += 1
                at += 2
            elif executed and self._text.startswith(b"*/", at):
                executed -= 1
                at += 2
            elif self._text[at] == 0x5C and self._text[at + 1 : at + 2] != b"N":
                raise NotSql(
                    line + self._text.count(b"\n", self._start, at),
                    f"'{self._text[at : at + 2].decode('latin1')}' is a command of the client, not SQL",
                )
            else:
                at += 1

    def _take(self, end: int, delimiter: int, line: int) -> Statement:
        text = bytes(self._text[self._start : end])
        self._consume(end + delimiter)
        return Statement(text, line)

    def _insert(self) -> Statement | None:
        """An insert of literal rows, and those that follow it and begin alike if they are to be joined."""
        head = _INSERT.match(self._text, self._start)
        if head is None:
            return None
        table, values = bytes(head[1]), head.end()
        del head  # it holds the text, which could not grow
        line = self._here()
        prefix = bytes(self._text[self._start : values])
        end = self._past_values(values)
        if end is None:
            return None
        parts = [bytes(self._text[self._start : end])]
        self._consume(end + 1)
        size = len(parts[0])
        while self.join_rows and size < _JOINED_BYTES:
            self._has(_LOOKAHEAD + len(prefix))
            start = self._start + (self._text[self._start : self._start + 1] == b"\n")
            values = start + len(prefix)
            if not self._text.startswith(prefix, start) or not self._text.startswith(b"(", values):
                break
            self._consume(start)
            values = self._start + len(prefix)
            if (end := self._past_values(values)) is None:
                break
            parts.append(bytes(self._text[values:end]))
            size += end - values
            self._consume(end + 1)
        return Statement(b",".join(parts) if len(parts) > 1 else parts[0], line, table, len(parts))

    def _past_values(self, at: int) -> int | None:
        """Where the delimiter is behind literal values; None where there is something else among them."""
        literals = _literals(self.backslashes)
        while True:
            at = _matched(literals, self._text, at)
            if len(self._text) - at < 64 and self._more():
                continue
            if at == len(self._text) or self._text[at] == 0x3B:
                return at
            if self._text[at] not in b"'\"":
                return None
            at = self._past_string(at)


def _matched(pattern: re.Pattern[bytes], text: bytearray, at: int) -> int:
    """Where the match at `at` ends; the match itself, which would hold the text as it is, is let go."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


def _string(quote: bytes, backslashes: bool) -> bytes:
    """A string that ends. A doubled quote is one string's end and the next one's beginning."""
    if backslashes and quote != b"`":
        return rb"Q[^Q\\]*+(?:\\.[^Q\\]*+)*+Q".replace(b"Q", quote)
    return rb"Q[^Q]*+Q".replace(b"Q", quote)


@lru_cache(16)
def _rest(quote: int, backslashes: bool) -> re.Pattern[bytes]:
    """A string's text up to its end, or up to that of what there is of it."""
    body = rb"[^Q\\]*+(?:\\.[^Q\\]*+)*+" if backslashes else rb"[^Q]*+"
    return re.compile(body.replace(b"Q", bytes([quote])), re.DOTALL)


@lru_cache(16)
def _outside(delimiter: int, backslashes: bool, executed: bool) -> re.Pattern[bytes]:
    """What is surely no delimiter and no comment (nor the end of an executed one), and strings that end."""
    passed = rb"[^'\"`#/\\\-" + (rb"*" if executed else b"") + re.escape(bytes([delimiter])) + rb"]*+"
    strings = b"|".join(_string(quote, backslashes) for quote in (b"'", b"`", b'"'))
    return re.compile(passed + rb"(?:(?:" + strings + rb")" + passed + rb")*+", re.DOTALL)


@lru_cache(2)
def _literals(backslashes: bool) -> re.Pattern[bytes]:
    """Rows of literals: digits, hexadecimal digits, strings, and the words that dumps write between them."""
    passed = rb"[0-9A-Fa-fx,()\s.+]*+"
    strings = b"|".join(_string(quote, backslashes) for quote in (b"'", b'"'))
    words = rb"NULL|-(?=[0-9.])|_[a-z0-9]++(?=\s?['0])|DEFAULT|CONVERT|USING|UTF8MB4"
    return re.compile(passed + rb"(?:(?:" + strings + rb"|" + words + rb")" + passed + rb")*+", re.DOTALL)
