"""Dumps of MySQL Shell: what its files are, its rows' layout, and what it notes of the rows' bytes."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from anonymize import engine
from anonymize.dumps.delimited import TSV
from anonymize.dumps.files import File, Lines, Part
from anonymize.errors import Unfit, Unreadable
from anonymize.ops import Call, Op, Program, Slot

MARK = "@.json"
_DONE = "@.done.json"
_INDEX_EVERY_BYTES = 1 << 20
_LAYOUT = {
    "fieldsTerminatedBy": "\t",
    "fieldsEnclosedBy": "",
    "fieldsEscapedBy": "\\",
    "linesTerminatedBy": "\n",
}
_CHARSETS = ("utf8mb4", "utf8mb3", "utf8", "ascii")
_CODE = re.compile(r"@\.(?:post\.)?sql|[^@]+\.sql|[^@]+@[^@]+\.triggers\.sql")
_STAND_IN = re.compile(r"[^@]+@[^@]+\.pre\.sql")
_TABLE = re.compile(r"[^@]+@[^@]+\.sql")
_NOTES = re.compile(r"@\.json|[^@]+\.json|[^@]+@[^@]+\.json")
_ROWS = re.compile(r"(?P<table>[^@]+@[^@.]+)(?:@.*)?\.(?:tsv|txt)(?:\.gz|\.zst)?(?P<index>\.idx)?")


def files(folder: Path, *, partial: bool) -> list[File]:
    """The files of a dump; those of offsets are left out, as they are made anew.

    Raises Unreadable if it is not finished (unless `partial`), and for what is not known.
    """
    if not partial and not (folder / _DONE).is_file():
        raise Unreadable(
            f"the dump {folder} is not finished: it has no {_DONE}",
            "wait until MySQL Shell has ended, or make the dump again; --partial takes it as it is",
        )
    layouts = {path.name.removesuffix(".json"): _lines(path) for path in folder.glob("*@*.json") if path.name[0] != "@"}
    return [file for path in sorted(folder.iterdir()) if (file := _file(path, layouts)) is not None]


def _file(path: Path, layouts: Mapping[str, Lines]) -> File | None:
    name = path.name
    database = unquote(name.partition("@")[0].removesuffix(".sql")) or None
    if name == _DONE:
        return File(path, Part.DONE)
    for pattern, part in ((_CODE, Part.CODE), (_STAND_IN, Part.STAND_IN), (_TABLE, Part.TABLES), (_NOTES, Part.COPY)):
        if pattern.fullmatch(name):
            return File(path, part, database)
    rows = _ROWS.fullmatch(name)
    if rows is not None and rows["index"]:
        return None
    if rows is None or rows["table"] not in layouts:
        hint = "make the dump without it: {users: false, checksum: false}" if name.startswith("@") else "take it out"
        raise Unreadable(f"{path} is not known in a dump of MySQL Shell", hint)
    return File(path, Part.ROWS, database, layouts[rows["table"]])


def _lines(path: Path) -> Lines:
    """The layout of a table's rows, which its notes tell. Raises Unreadable for one that is not known."""
    told = read_json(path)
    options = told.get("options") if isinstance(told, dict) else None
    if not isinstance(options, dict):
        raise Unreadable(f"{path} does not tell the layout of its table's rows", "make the dump again")
    for name, usual in _LAYOUT.items():
        if options.get(name, usual) != usual:
            raise Unreadable(f"{path}: {name} is not {usual!r}", "make the dump with MySQL Shell's own layout")
    if options.get("defaultCharacterSet", "utf8mb4") not in _CHARSETS:
        raise Unreadable(f"{path}: its text is in another character set than UTF-8", "make the dump with utf8mb4")
    try:
        columns = tuple(str(name) for name in options["columns"])
        return Lines(options["schema"], options["table"], columns, TSV, dict(options.get("decodeColumns", {})))
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{path} does not tell its table's columns", "make the dump again") from error


def read_json(path: Path) -> Any:
    """Raises Unreadable if it is not JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path} cannot be read as JSON", "make the dump again") from error


def encoded(program: Program, lines: Lines) -> Program:
    """`program` for fields of which some are written in base64 or in hexadecimal digits."""
    slots = []
    for name, slot in zip(lines.columns, program.slots, strict=True):
        how = lines.encoded.get(name)
        if slot is not None and how is not None:
            if how not in _CODES:
                raise Unreadable(f"column {lines.table}.{name} is written by {how}", "make the dump with base64")
            slot = Slot(Call(_through(slot.op, *_CODES[how])), slot.subject, binary=True)
        slots.append(slot)
    return Program(tuple(slots))


def _through(
    op: Op, decode: Callable[[bytes], bytes], encode: Callable[[bytes], bytes]
) -> Callable[[bytes], bytes | None]:
    made = engine.apply(op)

    def through(value: bytes) -> bytes | None:
        try:
            plain = decode(value)
        except ValueError as error:
            raise Unfit("it is not encoded as the dump says") from error
        result = made(plain, b"")
        return None if result is None else encode(result)

    return through


_CODES: Mapping[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]] = {
    "FROM_BASE64": (lambda value: b64decode(value, validate=True), b64encode),
    "UNHEX": (lambda value: bytes.fromhex(value.decode("ascii")), lambda value: value.hex().upper().encode()),
}


@dataclass(slots=True)
class Index:
    """The offsets beside a file of rows: behind the row that ends each further megabyte, and behind the last one."""

    offsets: bytes = b""
    size: int = 0
    _since: int = 0

    def row(self, length: int) -> None:
        """A row of this length was written."""
        self.size += length
        self._since += length
        if self._since >= _INDEX_EVERY_BYTES:
            self.offsets += self.size.to_bytes(8, "big")
            self._since %= _INDEX_EVERY_BYTES

    @property
    def written(self) -> bytes:
        return self.offsets + self.size.to_bytes(8, "big")


def done(path: Path, sizes: Mapping[File, int]) -> bytes:
    """The note of an ended dump, with the sizes of what its files hold now."""
    told = read_json(path)
    tables: dict[str, dict[str, int]] = {}
    for file, size in sizes.items():
        assert file.lines is not None  # only files of rows have a size
        its = tables.setdefault(file.lines.database, {})
        its[file.lines.table] = its.get(file.lines.table, 0) + size
    told |= {
        "dataBytes": sum(sizes.values()),
        "tableDataBytes": tables,
        "chunkFileBytes": {file.path.name: size for file, size in sizes.items()},
    }
    return json.dumps(told, indent=4).encode() + b"\n"
