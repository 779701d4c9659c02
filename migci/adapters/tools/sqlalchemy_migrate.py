"""sqlalchemy-migrate."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from typing import Any

from migci.errors import UsageError
from migci.ports import Tree, VersionTable


@dataclass(frozen=True)
class SqlalchemyMigrate:
    """`folder` is the repository, the folder with migrate.cfg in it."""

    folder: str
    name: str = "sqlalchemy-migrate"

    def spec(self) -> dict[str, Any]:
        return {"migrations": self.folder}

    def version_table(self, tree: Tree) -> VersionTable | None:
        """Read from migrate.cfg: the table, and the repository's id, as several repositories may share it."""
        path = tree.project / self.folder / "migrate.cfg"
        file = configparser.ConfigParser(interpolation=None)
        try:
            with path.open(encoding="utf-8") as stream:
                file.read_file(stream)
            settings = file["db_settings"]
            return VersionTable(
                settings.get("version_table", "migrate_version"),
                "version",
                (("repository_id", settings["repository_id"]),),
            )
        except (OSError, configparser.Error, KeyError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{self.folder}/migrate.cfg of {tree.commit.ref} cannot be read: {error}",
                hint="[project] migrations must be the folder with migrate.cfg in it",
            ) from error
