"""What a column can hold: its family of types, the room in it, and which of its values count as the same."""

from __future__ import annotations

import codecs

from anonymize.ops import Fold
from anonymize.schema import Column

TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BYTES = frozenset({"binary", "varbinary"})
BLOBS = frozenset({"tinyblob", "blob", "mediumblob", "longblob"})
INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
"""The bits of each."""
DECIMALS = frozenset({"decimal", "numeric", "dec", "fixed"})
FLOATS = frozenset({"float", "double", "real"})
DATES = frozenset({"date"})
TIMES = frozenset({"datetime", "timestamp"})

_ROOM = {"tinytext": 255, "tinyblob": 255, "text": 65535, "blob": 65535, "uuid": 36, "inet4": 15, "inet6": 39}
_CODECS = {
    "ascii": "ascii", "latin1": "cp1252", "latin2": "iso8859-2", "latin5": "iso8859-9", "latin7": "iso8859-13",
    "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257", "greek": "iso8859-7",
    "hebrew": "iso8859-8", "koi8r": "koi8-r", "koi8u": "koi8-u", "cp850": "cp850", "cp852": "cp852", "cp866": "cp866",
    "sjis": "shift_jis", "cp932": "cp932", "ujis": "euc-jp", "euckr": "euc-kr", "gb2312": "gb2312", "gbk": "gbk",
    "gb18030": "gb18030", "big5": "big5", "tis620": "tis-620",
}  # fmt: skip


def is_bytes(column: Column) -> bool:
    """Whether its values are bytes and no text."""
    return column.type in BYTES | BLOBS or column.charset == "binary" or column.collation == "binary"


def fold_of(column: Column) -> Fold:
    """Which of its values count as the same. A collation that is not known is taken for one that ignores case, as the
    server's own default does."""
    if is_bytes(column):
        return Fold.NONE
    return Fold.CASE if column.collation is None or column.collation.endswith("_ci") else Fold.TRIM


def largest(column: Column) -> int | None:
    """The largest number of an integer's type; None for another type."""
    bits = INTEGERS.get(column.type)
    return None if bits is None else 2 ** (bits if column.unsigned else bits - 1) - 1


def room(column: Column) -> int | None:
    """How many characters fit (bytes, for bytes and for tinytext and text); None where there is no known limit."""
    if column.type == "enum" or column.type == "set":
        return None
    return _ROOM.get(column.type, column.length)


def length(column: Column, value: str) -> int:
    """How much of `room` the value takes."""
    in_bytes = is_bytes(column) or column.type in ("tinytext", "text")
    return len(value.encode()) if in_bytes else len(value)


def can_write(column: Column, value: str) -> bool:
    """Whether the column's character set has the characters; one that is not known is taken to have them all."""
    charset = column.charset or ""
    if charset in ("utf8", "utf8mb3", "ucs2"):
        return all(ord(character) <= 0xFFFF for character in value)
    if charset not in _CODECS:
        return True
    try:
        codecs.encode(value, _CODECS[charset])
    except UnicodeEncodeError:
        return False
    return True


def holds(column: Column, value: str) -> bool:
    """Whether the value fits, in length and in characters."""
    limit = room(column)
    return (limit is None or length(column, value) <= limit) and can_write(column, value)
