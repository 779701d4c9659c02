"""Any command that takes a revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migci.ports import Tree, VersionTable


@dataclass(frozen=True)
class Command:
    """`folder` holds the numbered migrations; `arguments` may contain `{revision}`, `{file}` and `{url}`.

    Without `table` the database does not say where it is, and the command's exit status is believed.
    """

    folder: str
    arguments: tuple[str, ...]
    table: VersionTable | None = None
    name: str = "command"

    def spec(self) -> dict[str, Any]:
        return {"migrations": self.folder, "command": list(self.arguments)}

    def version_table(self, tree: Tree) -> VersionTable | None:
        return self.table
