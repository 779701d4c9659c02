"""MySQL Shell's dump folders: JSON that says what there is, SQL, and rows as separated values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from migci.adapters.dumps.places import Place
from migci.adapters.dumps.plans import Plan, Rows, Script, quoted
from migci.ports import RestoreFailed

_DIALECT = (
    "fieldsTerminatedBy",
    "fieldsEnclosedBy",
    "fieldsOptionallyEnclosed",
    "fieldsEscapedBy",
    "linesTerminatedBy",
)
_OPTIONS = {"schema", "table", "columns", "characterSet", "defaultCharacterSet", "decodeColumns", *_DIALECT}
_OPTIONS |= {"compression", "primaryIndex"}
_DECODERS = frozenset({"UNHEX", "FROM_BASE64"})
_AGAIN = "dump it again with MySQL Shell"


def plan(where: Place, files: dict[str, int]) -> Plan:
    """Raises RestoreFailed for an unfinished dump, missing files, and what is not understood."""
    if "@.done.json" not in files:
        raise RestoreFailed(f"the dump {where.name} is not finished: it has no @.done.json", hint=_AGAIN)
    return _Reader(where, files).plan()


class _Reader:
    def __init__(self, where: Place, files: dict[str, int]) -> None:
        self._where = where
        self._files = files
        self._about = self._json("@.json")
        self._done = self._json("@.done.json")

    def plan(self) -> Plan:
        if not str(self._about.get("version", "")).startswith(("1.", "2.")):
            raise self._refuse("@.json", f"version {self._about.get('version')!r} of the format is not known")
        if self._about.get("tableOnly"):
            raise self._refuse("@.json", "it was made without schemas, by an old util.dumpTables()")
        databases: list[Script] = []
        before: list[Script] = []
        rows: list[Rows] = []
        triggers: list[Script] = []
        views: list[Script] = []
        schemas = [str(name) for name in self._about.get("schemas", [])]
        for schema in schemas:
            base = str(self._about.get("basenames", {}).get(schema, schema))
            told = self._json(f"{base}.json")
            if told.get("includesDdl", True):
                databases.append(Script(self._needed(f"{base}.sql"), schema))
            bases = {str(name): str(file) for name, file in told.get("basenames", {}).items()}
            for table in told.get("tables", []):
                file = bases.get(table, f"{base}@{table}")
                about = self._json(f"{file}.json")
                if about.get("includesDdl", True):
                    before.append(Script(self._needed(f"{file}.sql"), schema))
                if about.get("triggers") or f"{file}.triggers.sql" in self._files:
                    triggers.append(Script(self._needed(f"{file}.triggers.sql"), schema))
                if about.get("includesData", True):
                    rows += self._rows(schema, str(table), file, about)
            for view in told.get("views", []):
                file = bases.get(view, f"{base}@{view}")
                before.append(Script(self._needed(f"{file}.pre.sql"), schema))
                views.append(Script(self._needed(f"{file}.sql"), schema))
        version = self._about.get("serverVersion")
        zone = ("SET time_zone = '+00:00'",) if self._about.get("tzUtc", True) else ()
        return Plan(
            f"MySQL {version}" if version else "",
            tuple(schemas),
            tuple(databases),
            tuple(before),
            tuple(rows),
            (*triggers, *views),
            zone,
            {str(name): int(size) for name, size in self._done.get("chunkFileBytes", {}).items()},
        )

    def _rows(self, schema: str, table: str, file: str, about: dict[str, Any]) -> list[Rows]:
        options = about.get("options", {})
        if unknown := sorted(set(options) - _OPTIONS):
            raise self._refuse(f"{file}.json", f"the option {unknown[0]!r} is not known")
        extension = str(about.get("extension", "tsv"))
        parts = about.get("basenames") or {"": file}
        return [
            Rows(
                schema,
                quoted(table),
                self._chunks(str(base), extension),
                self._statement(f"{file}.json", table, str(partition), options),
            )
            for partition, base in parts.items()
        ]

    def _chunks(self, base: str, extension: str) -> tuple[str, ...]:
        """The files of one table in their order; they count from 0, and the last has a mark."""
        pattern = re.compile(rf"{re.escape(base)}(@@?)(\d+)\.{re.escape(extension)}")
        if (whole := f"{base}.{extension}") in self._files:
            return (whole,)
        found = sorted((int(m[2]), m[1], m[0]) for m in map(pattern.fullmatch, self._files) if m is not None)
        wanted = [(number, "@@" if number == len(found) - 1 else "@") for number in range(len(found))]
        if not found or [(number, mark) for number, mark, _ in found] != wanted:
            raise self._refuse(f"{base}.{extension}", "files of its rows are missing")
        return tuple(name for _, _, name in found)

    def _statement(self, json_name: str, table: str, partition: str, options: dict[str, Any]) -> Callable[[str], str]:
        charset = str(
            options.get("characterSet")
            or options.get("defaultCharacterSet")
            or self._about.get("defaultCharacterSet", "utf8mb4")
        )
        if not charset.isalnum():
            raise self._refuse(json_name, f"the character set {charset!r} is not known")
        decode = {str(column): str(how).upper() for column, how in (options.get("decodeColumns") or {}).items()}
        if unknown := sorted(set(decode.values()) - _DECODERS):
            raise self._refuse(json_name, f"columns that are decoded by {unknown[0]!r} are not known")
        columns = [str(column) for column in options.get("columns") or []]
        if not columns or set(decode) - set(columns):
            raise self._refuse(json_name, "it does not name the columns")
        variables = {column: f"@migci_{number}" for number, column in enumerate(decode)}
        listed = ", ".join(variables.get(column, quoted(column)) for column in columns)
        made = ", ".join(f"{quoted(column)} = {decode[column]}({variables[column]})" for column in decode)
        enclosed = "OPTIONALLY ENCLOSED" if options.get("fieldsOptionallyEnclosed") else "ENCLOSED"
        into = quoted(table) + (f" PARTITION ({quoted(partition)})" if partition else "")
        tail = (
            f" INTO TABLE {into} CHARACTER SET {charset} "
            f"FIELDS TERMINATED BY {_hex(options.get('fieldsTerminatedBy', chr(9)))} "
            f"{enclosed} BY {_hex(options.get('fieldsEnclosedBy', ''))} "
            f"ESCAPED BY {_hex(options.get('fieldsEscapedBy', chr(92)))} "
            f"LINES TERMINATED BY {_hex(options.get('linesTerminatedBy', chr(10)))} ({listed})"
            + (f" SET {made}" if made else "")
        )
        return lambda name: f"LOAD DATA LOCAL INFILE {_text(name)}{tail}"

    def _needed(self, name: str) -> str:
        if name not in self._files:
            raise self._refuse(name, "the file is missing")
        return name

    def _json(self, name: str) -> dict[str, Any]:
        try:
            told = json.loads(self._where.within(self._needed(name)).read())
        except ValueError as error:
            raise self._refuse(name, f"it is no JSON: {error}") from error
        if not isinstance(told, dict):
            raise self._refuse(name, "it is no JSON object")
        return told

    def _refuse(self, name: str, what: str) -> RestoreFailed:
        return RestoreFailed(f"the dump {self._where.name}, {name}: {what}", hint=_AGAIN)


def _hex(text: object) -> str:
    """As a literal that reads the same in every mode."""
    data = str(text).encode()
    return f"0x{data.hex()}" if data else "''"


def _text(name: str) -> str:
    return "'" + re.sub(r"[^\w@.-]", "_", name, flags=re.ASCII) + "'"
