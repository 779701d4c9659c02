"""alembic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migci.ports import Tree, VersionTable


@dataclass(frozen=True)
class Alembic:
    """`ini` is alembic's ini file; with `neutral_env` migci's own env.py takes the place of the project's."""

    ini: str
    table: str = "alembic_version"
    x: tuple[str, ...] = ()
    neutral_env: bool = False
    name: str = "alembic"

    def spec(self) -> dict[str, Any]:
        return {
            "migrations": self.ini,
            "x": list(self.x),
            "neutral_env": self.neutral_env,
            "version_table": self.table,
        }

    def version_table(self, tree: Tree) -> VersionTable | None:
        return VersionTable(self.table, "version_num")
