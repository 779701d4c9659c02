"""The tables of one database, as the server knows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from migci.adapters.servers.product import Product

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin


class Tables:
    """Asks anew each time."""

    def __init__(self, admin: Admin, product: Product, database: str) -> None:
        self._query = admin.rows
        self._product = product
        self._database = database

    def names(self) -> list[str]:
        """The tables and the views."""
        return [
            str(name)
            for (name,) in self._query(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (self._database,)
            )
        ]

    def with_rows_of_their_own(self) -> list[str]:
        """Not the views."""
        return [
            str(name)
            for (name,) in self._query(
                "SELECT table_name FROM information_schema.tables "
                "WHERE table_schema = %s AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
                (self._database,),
            )
        ]

    def has_rows(self, table: str) -> bool:
        """Whether there is such a table, no view, and it has a row."""
        there = self._query(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s "
            "AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            (self._database, table),
        )
        return bool(there and self._query(f"SELECT 1 FROM {quoted(self._database)}.{quoted(table)} LIMIT 1"))

    def ids(self) -> dict[str, int]:
        """The storage engine's ids: a table that was written anew has another.

        Tables with names beyond ASCII are left out, as are partitioned ones.
        """
        folder = _encoded(self._database)
        pattern = re.sub(r"([%_\\])", r"\\\1", folder) + "/%"
        return {
            _decoded(str(name).partition("/")[2]): int(id)
            for name, id in self._query(self._product.table_ids, (pattern,))
        }


def quoted(name: str) -> str:
    """A name as it stands in a statement."""
    return "`" + name.replace("`", "``") + "`"


def _encoded(name: str) -> str:
    """A name in ASCII as the server writes it in the names of files."""
    return re.sub(r"[^A-Za-z0-9_]", lambda match: f"@{ord(match[0]):04x}", name)


def _decoded(name: str) -> str:
    return re.sub(r"@([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), name)
