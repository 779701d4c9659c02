"""One column's definition, as it stands in a CREATE TABLE statement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from anonymize.dumps.cursor import Cursor
from anonymize.dumps.tokens import Sort, tokens
from anonymize.schema import Column, ForeignKey

_ALIASES = {
    "integer": "int", "int1": "tinyint", "int2": "smallint", "int3": "mediumint", "middleint": "mediumint",
    "int4": "int", "int8": "bigint", "bool": "tinyint", "boolean": "tinyint", "serial": "bigint", "dec": "decimal",
    "numeric": "decimal", "fixed": "decimal", "number": "decimal", "float4": "float", "float8": "double",
    "real": "double", "character": "char", "nchar": "char", "nvarchar": "varchar", "varchar2": "varchar",
    "varcharacter": "varchar", "raw": "varbinary", "clob": "longtext", "long": "mediumtext",
}  # fmt: skip
"""Other words for types, and what the server makes of them."""

_TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "bit", "vector", "geometry",
                    "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
                    "geometrycollection", "geomcollection"})  # fmt: skip
_LIMITS = {"tiny": 0xFF, "": 0xFFFF, "medium": 0xFFFFFF, "long": 0xFFFFFFFF}
_SIZES = {f"{size}{sort}": limit for size, limit in _LIMITS.items() for sort in ("text", "blob")}
_OWN_LENGTH = frozenset({"char", "varchar", "binary", "varbinary", "decimal", "float", "double"})

_ATTRIBUTES = (
    "NOT", "NULL", "AUTO_INCREMENT", "COMMENT", "ON", "UNIQUE", "PRIMARY", "KEY", "COLLATE", "CHARACTER", "CHARSET",
    "GENERATED", "AS", "CHECK", "REFERENCES", "INVISIBLE", "VISIBLE", "STORAGE", "COLUMN_FORMAT", "CONSTRAINT", "WITH",
    "WITHOUT", "COMPRESSED", "SRID", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE", "REF_SYSTEM_ID", "DEFAULT",
    "VIRTUAL", "STORED", "PERSISTENT",
)  # fmt: skip
"""Where a default's expression without parentheses ends."""


_BINARY_ORDER = "_bin"
"""The collation of that name of whatever character set the text has."""


@dataclass(frozen=True, slots=True)
class Text:
    """The character set and the collation of text; None where it is not said."""

    charset: str | None = None
    collation: str | None = None

    def with_charset(self) -> Text:
        """The character set told from the collation's name, where nothing else tells it."""
        if self.charset is not None or self.collation is None or self.collation.startswith(("uca", "_")):
            return self
        return Text(self.collation.split("_")[0], self.collation)


@dataclass(frozen=True, slots=True)
class Definition:
    """A column, and the keys that its definition says it is."""

    column: Column
    text: Text
    """What it says of its own text; the table's default is not in it."""
    primary: bool = False
    unique: bool = False
    refers: ForeignKey | None = None


def definition(cursor: Cursor) -> Definition:
    """The column that stands next, up to the comma or parenthesis behind it. Raises Unreadable."""
    return _attributes(cursor, typed(cursor, cursor.name()))


def in_table(found: Definition, table: Text) -> Column:
    """The column with its table's default character set, where it has none of its own."""
    column = found.column
    if column.type in _BYTES:
        return replace(column, charset="binary")
    if column.type == "json":
        return replace(column, charset="utf8mb4", collation="utf8mb4_bin")
    if column.type not in _TEXT:
        return column
    own, table = found.text.with_charset(), table.with_charset()
    if own.charset is None:
        own = Text(table.charset, own.collation or table.collation)
    collation = f"{own.charset}_bin" if own.collation == _BINARY_ORDER and own.charset else own.collation
    return replace(column, charset=own.charset, collation=collation)


def typed(cursor: Cursor, name: str) -> Definition:
    """A column with the type that stands next and nothing else. Raises Unreadable."""
    token = cursor.peek()
    if token is None or token.sort is not Sort.WORD:
        raise cursor.unreadable(f"the type of column {name} should come next")
    national = cursor.take("NATIONAL")
    word = cursor.next().text.lower()
    if word == "long" and (cursor.at_word("VARCHAR", "VARBINARY")):
        word = "mediumblob" if cursor.next().text.upper() == "VARBINARY" else "mediumtext"
    elif word == "double":
        cursor.take("PRECISION")
    elif cursor.take("VARYING"):
        word = "varchar"
    type = _ALIASES.get(word, word)
    numbers: list[int] = []
    members: tuple[str, ...] = ()
    if type in ("enum", "set"):
        members = tuple(_listed(cursor))
    elif cursor.at_sign("("):
        numbers = _numbers(cursor)
    length, scale = (*numbers, None, None)[:2]
    if type not in _OWN_LENGTH:
        length, scale = _SIZES.get(type), None
    elif length is None and type in ("char", "binary"):
        length = 1
    elif type == "decimal":
        length, scale = length or 10, scale or 0
    text = Text("utf8mb3") if national or word in ("nchar", "nvarchar") else Text()
    serial = word == "serial"  # BIGINT UNSIGNED NOT NULL AUTO_INCREMENT UNIQUE
    column = Column(name, type, length, scale, unsigned=serial, nullable=not serial, members=members)
    return Definition(column, text, unique=serial)


def mentions(expression: str, columns: Iterable[str]) -> frozenset[str]:
    """Those of `columns` that an expression in SQL names, in any case; what stands in its strings does not count.

    A text in double quotes counts as a name, because it may be one. Raises Unreadable for a quote without its end.
    """
    words = tokens(expression)
    following = [*words[1:], None]
    named = {
        word.text.lower()
        for word, after in zip(words, following, strict=True)
        if word.sort in (Sort.NAME, Sort.DOUBLE)
        or (word.sort is Sort.WORD and not (after is not None and after.is_sign("(")))
    }
    return frozenset(column for column in columns if column.lower() in named)


def _attributes(cursor: Cursor, found: Definition) -> Definition:
    column, text = found.column, found.text
    primary, unique, refers, generated = False, found.unique, None, None
    unsigned, nullable, invisible, bytes_, binary = column.unsigned, column.nullable, False, False, False
    while not (cursor.at_end() or cursor.at_sign(",") or cursor.at_sign(")")):
        if cursor.at_word("UNSIGNED", "ZEROFILL"):
            unsigned = bool(cursor.next())
        elif cursor.take("NOT", "NULL"):
            nullable = False
        elif cursor.take("CHARACTER", "SET") or cursor.take("CHAR", "SET") or cursor.take("CHARSET"):
            cursor.take_sign("=")
            text = Text(cursor.name_or_string().lower(), text.collation)
        elif cursor.take("COLLATE"):
            cursor.take_sign("=")
            text = Text(text.charset, cursor.name_or_string().lower())
        elif cursor.take("BYTE"):
            bytes_ = True
        elif cursor.take("BINARY"):
            binary = True
        elif cursor.take("ASCII"):
            text = Text("latin1", text.collation)
        elif cursor.take("UNICODE"):
            text = Text("ucs2", text.collation)
        elif cursor.take("UNIQUE"):
            cursor.take("KEY")
            unique = True
        elif cursor.take("PRIMARY", "KEY") or cursor.take("KEY"):
            primary = True
        elif cursor.take("REFERENCES"):
            refers = reference(cursor, (column.name,))
        elif cursor.at_words("GENERATED", "ALWAYS", "AS", "ROW") or cursor.at_words("AS", "ROW"):
            cursor.take("GENERATED", "ALWAYS")
            cursor.need("AS", "ROW")
            generated, nullable = f"row {cursor.name_or_string().lower()}", False
        elif cursor.take("GENERATED", "ALWAYS", "AS") or cursor.take("AS"):
            generated = cursor.parenthesized()
        elif cursor.take("INVISIBLE"):
            invisible = True
        elif not _of_no_account(cursor):
            raise cursor.unreadable(f"it is no part of column {column.name} that is known")
    type = _as_bytes(column.type) if bytes_ or text.charset == "binary" else column.type
    if binary and text.collation is None:
        text = Text(text.charset, _BINARY_ORDER)
    charset = "binary" if type in _BYTES else None
    column = replace(column, type=type, unsigned=unsigned, nullable=nullable, generated=generated, invisible=invisible)
    return Definition(replace(column, charset=charset), text, primary, unique, refers)


def _of_no_account(cursor: Cursor) -> bool:
    """Goes past an attribute that says nothing about what the column may hold; False if there is none."""
    for words in (
        ("NULL",), ("SIGNED",), ("AUTO_INCREMENT",), ("VISIBLE",), ("VIRTUAL",), ("STORED",), ("PERSISTENT",),
        ("WITH", "SYSTEM", "VERSIONING"), ("WITHOUT", "SYSTEM", "VERSIONING"), ("NOT", "SECONDARY"), ("ENFORCED",),
        ("NOT", "ENFORCED"),
    ):  # fmt: skip
        if cursor.take(*words):
            return True
    if cursor.take("DEFAULT") or cursor.take("ON", "UPDATE"):
        cursor.skip()  # its first word may be NULL, or a part of the column's name
        while not (cursor.at_end() or cursor.at_sign(",") or cursor.at_sign(")") or cursor.at_word(*_ATTRIBUTES)):
            cursor.skip()
    elif cursor.at_word("COMMENT", "ENGINE_ATTRIBUTE", "SECONDARY_ENGINE_ATTRIBUTE"):
        cursor.next()
        cursor.take_sign("=")
        cursor.string()
    elif cursor.at_word("COLUMN_FORMAT", "STORAGE", "SRID", "REF_SYSTEM_ID"):
        cursor.next()
        cursor.take_sign("=")
        cursor.next()
    elif cursor.take("COMPRESSED"):
        if cursor.take_sign("="):
            cursor.next()
    elif cursor.at_word("CONSTRAINT", "CHECK"):
        if cursor.take("CONSTRAINT") and not cursor.at_word("CHECK"):
            cursor.name()
        cursor.need("CHECK")
        cursor.parenthesized()
    else:
        return False
    return True


def reference(cursor: Cursor, columns: tuple[str, ...]) -> ForeignKey:
    """What follows REFERENCES. The columns that are referred to are () where they are not named: the primary key."""
    database, table = cursor.dotted_name()
    names: list[str] = []
    if cursor.take_sign("("):
        names.append(cursor.name())
        while cursor.take_sign(","):
            names.append(cursor.name())
        cursor.need_sign(")")
    while True:
        if cursor.take("MATCH"):
            cursor.next()
        elif cursor.take("ON", "DELETE") or cursor.take("ON", "UPDATE"):
            if not (cursor.take("SET", "NULL") or cursor.take("SET", "DEFAULT") or cursor.take("NO", "ACTION")):
                cursor.next()
        else:
            return ForeignKey(columns, table, tuple(names), database)


def _listed(cursor: Cursor) -> list[str]:
    cursor.need_sign("(")
    members = [cursor.string()]
    while cursor.take_sign(","):
        members.append(cursor.string())
    cursor.need_sign(")")
    return members


def _numbers(cursor: Cursor) -> list[int]:
    cursor.need_sign("(")
    numbers: list[int] = []
    while True:
        token = cursor.peek()
        if token is None or not token.text.isdecimal():
            raise cursor.unreadable("a type's length should come next")
        numbers.append(int(cursor.next().text))
        if not cursor.take_sign(","):
            cursor.need_sign(")")
            return numbers


def _as_bytes(type: str) -> str:
    return {"char": "binary", "varchar": "varbinary"}.get(type, type.replace("text", "blob"))
