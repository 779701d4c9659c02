"""What a database's columns hold: read whole for an index, and replaced here and there by honeytokens."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pymysql

from migci.adapters.servers.planting import LEAST_LENGTH, LOOKED_AT, MOST_PLANTED, in_place_of
from migci.adapters.servers.programs import Programs
from migci.adapters.servers.tables import quoted
from migci.core.markup import Column
from migci.ports import ServerFailed, ValueSink

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin

_TEXT = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "binary", "varbinary",
         "tinyblob", "blob", "mediumblob", "longblob")  # fmt: skip
_PIECE = 1 << 20


@dataclass(frozen=True)
class Contents:
    """The columns of one database. `folder` is the server's own, with its socket in it."""

    admin: Admin
    database: str
    programs: Programs
    folder: Path

    def columns(self) -> tuple[Column, ...]:
        found = self.admin.rows(
            "SELECT c.table_name, c.column_name, c.data_type, COALESCE(c.generation_expression, '') <> '' "
            "FROM information_schema.columns c "
            "JOIN information_schema.tables t USING (table_schema, table_name) "
            "WHERE c.table_schema = %s AND t.table_type IN ('BASE TABLE', 'SYSTEM VERSIONED') "
            "ORDER BY c.table_name, c.ordinal_position",
            (self.database,),
        )
        refers = self._refers()
        return tuple(
            Column(
                str(table),
                str(column),
                str(kind).lower() in _TEXT,
                refers=tuple(refers.get((table, column), ())),
                generated=bool(generated),
            )
            for table, column, kind, generated in found
        )

    def _refers(self) -> dict[tuple[Any, Any], list[tuple[str, str]]]:
        """What the foreign keys of each column refer to."""
        found: dict[tuple[Any, Any], list[tuple[str, str]]] = {}
        for table, column, other, its in self.admin.rows(
            "SELECT table_name, column_name, referenced_table_name, referenced_column_name "
            "FROM information_schema.key_column_usage WHERE table_schema = %s AND referenced_table_schema = %s",
            (self.database, self.database),
        ):
            found.setdefault((table, column), []).append((str(other), str(its)))
        return found

    def pour(self, columns: tuple[str, ...], sink: ValueSink) -> None:
        """Raises ServerFailed when the server goes away meanwhile."""
        for table, wanted in self._by_table(columns).items():
            self._pour_table(table, wanted, sink)

    def _pour_table(self, table: str, wanted: dict[str, int], sink: ValueSink) -> None:
        chosen = ", ".join(quoted(column) for column in wanted)
        words = (
            self.programs.product.client_program(), f"--defaults-extra-file={self.admin.credentials}",
            "--batch", "--quick", "--skip-column-names", "--default-character-set=utf8mb4",
            "--execute", f"SELECT {chosen} FROM {quoted(table)}", self.database,
        )  # fmt: skip
        fields = tuple(wanted.values())
        sees = (self.admin.credentials, self.folder / "db.sock")
        with self.programs.running(words, self.folder / "client", read=sees) as rows:
            assert rows.stdout is not None
            assert rows.stderr is not None
            while piece := rows.stdout.read(_PIECE):
                sink.add_rows(fields, piece)
            said = rows.stderr.read().decode(errors="replace").strip()
            rows.wait()
        if rows.returncode:
            raise ServerFailed(f"the values of {table} cannot be read: {said}")

    def _by_table(self, columns: tuple[str, ...]) -> dict[str, dict[str, int]]:
        """The columns of each table, with their places."""
        place = {name: number for number, name in enumerate(columns)}
        found: dict[str, dict[str, int]] = {}
        for one in self.columns():
            if one.name in place:
                found.setdefault(one.table, {})[one.column] = place[one.name]
        return found

    def plant(self, tokens: Mapping[str, str]) -> tuple[str, ...]:
        planted: list[str] = []
        left_alone = self._left_alone()
        for table, columns in self._by_table(tuple(tokens)).items():
            for column in columns:
                name = f"{table}.{column}"
                if len(planted) < MOST_PLANTED and (table, column) not in left_alone:
                    # A table without a key, a value that a check refuses: there are others.
                    with suppress(ServerFailed, pymysql.err.MySQLError):
                        if self._planted(table, column, tokens[name]):
                            planted.append(name)
        return tuple(planted)

    def _left_alone(self) -> set[tuple[Any, ...]]:
        """Columns that are part of a key, hold little, or are generated; and all of tables with a trigger."""
        return {
            (table, column)
            for table, column in self.admin.rows(
                "SELECT c.table_name, c.column_name FROM information_schema.columns c WHERE c.table_schema = %s AND ("
                "c.character_maximum_length IS NULL OR c.character_maximum_length < %s OR c.extra LIKE '%%GENERATED%%' "
                "OR c.data_type NOT IN ('varchar', 'tinytext', 'text', 'mediumtext', 'longtext') "
                "OR EXISTS (SELECT 1 FROM information_schema.statistics s WHERE s.table_schema = c.table_schema "
                "AND s.table_name = c.table_name AND s.column_name = c.column_name) "
                "OR EXISTS (SELECT 1 FROM information_schema.triggers g WHERE g.event_object_schema = c.table_schema "
                "AND g.event_object_table = c.table_name))",
                (self.database, LEAST_LENGTH),
            )
        }

    def _planted(self, table: str, column: str, token: str) -> bool:
        """Put `token` in the place of the first value that is plain text, if it is another in most rows."""
        where = f"{quoted(self.database)}.{quoted(table)}"
        name = quoted(column)
        first = self.admin.rows(f"SELECT {name} FROM {where} WHERE {name} IS NOT NULL LIMIT {LOOKED_AT}")
        chosen = in_place_of([str(value) for (value,) in first], token)
        if chosen is None:
            return False
        value, instead = chosen
        still = "".join(f", {quoted(other)} = {quoted(other)}" for other in self._set_by_themselves(table))
        self.admin.rows(f"UPDATE {where} SET {name} = %s{still} WHERE {name} = %s LIMIT 1", (instead, value))
        return True

    def _set_by_themselves(self, table: str) -> list[str]:
        """Columns that change with every change of their row, unless they are told not to."""
        return [
            str(column)
            for (column,) in self.admin.rows(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = %s AND table_name = %s AND extra LIKE '%%on update%%'",
                (self.database, table),
            )
        ]
