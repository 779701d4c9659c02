"""CREATE TABLE and ALTER TABLE statements, as servers, dump programs and people write them, read into a Table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from anonymize.dumps.columns import Definition, Text, definition, in_table, mentions, reference
from anonymize.dumps.cursor import Cursor
from anonymize.errors import Unreadable
from anonymize.schema import ForeignKey, Table

Find = Callable[[str | None, str], Table | None]
"""The table of a name, in a database if it is named; None if it is not known."""


@dataclass
class _Parts:
    """What has been read of a table's parentheses."""

    columns: list[Definition] = field(default_factory=list)
    primary: tuple[str, ...] | None = None
    unique: list[tuple[str, ...]] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)


def create(text: str, file: str = "", line: int = 1, *, like: Find | None = None, backslash: bool = True) -> Table:
    """The table that a CREATE TABLE statement makes; it begins in `line` of `file`.

    Partitions, checks, defaults and keys that are not unique are read over. A key on the first characters of a column
    counts as one on the column; one on an expression has the columns that it mentions. With LIKE, the other table is
    asked of `like`. Raises Unreadable, with the line, for everything that is not understood.
    """
    cursor = Cursor(text, file, line, backslash=backslash)
    place = cursor.place
    cursor.need("CREATE")
    cursor.take("OR", "REPLACE")
    cursor.take("TEMPORARY")
    cursor.need("TABLE")
    cursor.take("IF", "NOT", "EXISTS")
    database, name = cursor.dotted_name()
    if cursor.at_word("LIKE") or (cursor.at_sign("(") and (after := cursor.peek(1)) and after.is_word("LIKE")):
        return replace(_other(cursor, like), name=name, database=database, place=place)
    parts = _Parts()
    cursor.need_sign("(")
    _part(cursor, parts)
    while cursor.take_sign(","):
        _part(cursor, parts)
    cursor.need_sign(")")
    text_ = _options(cursor)
    names = {column.column.name.lower() for column in parts.columns}
    if len(names) < len(parts.columns):
        raise Unreadable(f"{place}: table {name} has two columns of one name", "mend the CREATE TABLE statement")
    primary = {column.lower() for column in parts.primary or ()}
    columns = [in_table(column, text_) for column in parts.columns]
    return Table(
        name,
        tuple(replace(one, nullable=one.nullable and one.name.lower() not in primary) for one in columns),
        ((parts.primary,) if parts.primary else ()) + tuple(parts.unique),
        tuple(parts.foreign_keys),
        database,
        place,
    )


def altered(table: Table, text: str, file: str = "", line: int = 1, *, backslash: bool = True) -> Table:
    """The table after an ALTER TABLE statement that adds keys or defines columns anew, as phpMyAdmin writes them.

    What changes neither columns nor keys is read over (ENABLE KEYS, AUTO_INCREMENT = 7). Raises Unreadable for what
    drops, adds or renames columns, and for everything that is not understood.
    """
    cursor = Cursor(text, file, line, backslash=backslash)
    cursor.need("ALTER")
    cursor.take("IGNORE")
    cursor.need("TABLE")
    cursor.take("IF", "EXISTS")
    cursor.dotted_name()
    parts = _Parts()
    while True:
        if cursor.take("ADD"):
            if not _key(cursor, parts, [column.name for column in table.columns]):
                raise cursor.unreadable("only keys can be added to a table whose rows may have been read already")
        elif cursor.take("MODIFY"):
            cursor.take("COLUMN")
            definition(cursor)
        elif cursor.at_word("ENABLE", "DISABLE", "AUTO_INCREMENT", "COMMENT", "ENGINE", "ROW_FORMAT", "ALGORITHM",
                            "LOCK", "ORDER"):  # fmt: skip
            while not (cursor.at_end() or cursor.at_sign(",") or cursor.at_sign(";")):
                cursor.skip()
        else:
            raise cursor.unreadable("it changes a table in a way that is not known")
        if not cursor.take_sign(","):
            break
    _end(cursor)
    primary = (parts.primary,) if parts.primary else ()
    named = {column.lower() for column in parts.primary or ()}
    return replace(
        table,
        columns=tuple(replace(one, nullable=one.nullable and one.name.lower() not in named) for one in table.columns),
        unique=primary + table.unique + tuple(parts.unique),
        foreign_keys=table.foreign_keys + tuple(parts.foreign_keys),
    )


def _other(cursor: Cursor, like: Find | None) -> Table:
    inside = cursor.take_sign("(")
    cursor.need("LIKE")
    database, name = cursor.dotted_name()
    found = like(database, name) if like is not None else None
    if found is None:
        raise cursor.unreadable(f"it is like {name}, and no CREATE TABLE of that has been seen")
    if inside:
        cursor.need_sign(")")
    _end(cursor)
    return replace(found, foreign_keys=())  # LIKE leaves them out


def _part(cursor: Cursor, parts: _Parts) -> None:
    if _key(cursor, parts, [column.column.name for column in parts.columns]):
        return
    found = definition(cursor)
    name = found.column.name
    parts.columns.append(found)
    if found.primary:
        parts.primary = (name,)
    elif found.unique:
        parts.unique.append((name,))
    if found.refers is not None:  # MySQL before 9.0 ignores it, but it says what the column means
        parts.foreign_keys.append(found.refers)


def _key(cursor: Cursor, parts: _Parts, columns: list[str]) -> bool:
    """Reads a key or a check; False if a column comes next."""
    if cursor.take("PERIOD", "FOR"):
        cursor.name()
        cursor.parenthesized()
        return True
    if cursor.take("CONSTRAINT") and not cursor.at_word("PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        cursor.name()
    if cursor.take("PRIMARY", "KEY"):
        parts.primary = _key_columns(cursor, columns)
    elif cursor.take("UNIQUE"):
        parts.unique.append(_key_columns(cursor, columns))
    elif cursor.take("FOREIGN", "KEY"):
        cursor.take("IF", "NOT", "EXISTS")
        if not cursor.at_sign("("):
            cursor.name()
        own = _key_columns(cursor, columns)
        cursor.need("REFERENCES")
        parts.foreign_keys.append(reference(cursor, own))
    elif cursor.take("CHECK"):
        cursor.parenthesized()
        cursor.take("NOT")
        cursor.take("ENFORCED")
    elif cursor.at_word("KEY", "INDEX", "FULLTEXT", "SPATIAL") or cursor.at_words("VECTOR", "KEY") or (
        cursor.at_words("VECTOR", "INDEX")
    ):  # fmt: skip
        cursor.next()
        _key_columns(cursor, columns)
    else:
        return False
    return True


def _key_columns(cursor: Cursor, columns: list[str]) -> tuple[str, ...]:
    """Goes past a key's name, columns and options; its columns, and those that its expressions mention."""
    if not cursor.take("KEY"):
        cursor.take("INDEX")
    cursor.take("IF", "NOT", "EXISTS")
    if not (cursor.at_sign("(") or cursor.at_word("USING")):
        cursor.name()
    if cursor.take("USING"):
        cursor.next()
    cursor.need_sign("(")
    found: list[str] = []
    while True:
        if cursor.at_sign("("):
            found += sorted(mentions(cursor.parenthesized(), columns))
        else:
            name = cursor.name()
            if cursor.at_sign("("):
                cursor.skip()  # how many of its first characters count
            if not cursor.take("WITHOUT", "OVERLAPS"):  # else it is a period, not a column
                found.append(name)
        if not cursor.take("ASC"):
            cursor.take("DESC")
        if not cursor.take_sign(","):
            break
    cursor.need_sign(")")
    while not (cursor.at_end() or cursor.at_sign(",") or cursor.at_sign(")") or cursor.at_sign(";")):
        if cursor.at_word("REFERENCES"):
            break
        cursor.skip()  # USING, COMMENT, KEY_BLOCK_SIZE, WITH PARSER, VISIBLE …
    return tuple(found)


def _options(cursor: Cursor) -> Text:
    """Goes past a table's options and partitions; the character set and collation that its columns have by default."""
    text = Text()
    while not (cursor.at_end() or cursor.at_sign(";")):
        if cursor.take("CHARSET") or cursor.take("CHARACTER", "SET"):
            cursor.take_sign("=")
            text = Text(cursor.name_or_string().lower(), text.collation)
        elif cursor.take("COLLATE"):
            cursor.take_sign("=")
            text = Text(text.charset, cursor.name_or_string().lower())
        elif cursor.at_word("SELECT", "AS", "TABLE", "VALUES") or (cursor.at_sign("(") and _is_query(cursor)):
            raise cursor.unreadable("a table made by a SELECT has columns that are not told")
        elif not cursor.take("WITH", "SYSTEM", "VERSIONING"):
            cursor.skip()
    _end(cursor)
    return text


def _is_query(cursor: Cursor) -> bool:
    """Whether what stands in parentheses makes rows."""
    at = 1
    while (after := cursor.peek(at)) is not None and after.is_sign("("):
        at += 1
    return after is not None and after.is_word("SELECT", "VALUES", "WITH", "TABLE")


def _end(cursor: Cursor) -> None:
    cursor.take_sign(";")
    if not cursor.at_end():
        raise cursor.unreadable("nothing should come behind it")
