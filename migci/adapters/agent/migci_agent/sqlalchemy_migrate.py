"""sqlalchemy-migrate, driven one version at a time through its own API."""

import os

from migci_agent import versions_file, versions_hook
from migci_agent.clone import Irreversible


class MigrateTool:
    """`spec`: migrations (the repository's folder), url or None."""

    def __init__(self, spec):
        from migrate.versioning.repository import Repository

        versions_hook.install()

        self.spec = spec
        self._project = spec["project"]
        self._repository = Repository(os.path.join(spec["project"], spec["migrations"]))
        self._versions = sorted(int(number) for number in self._repository.versions.versions)
        self._engine = None
        if spec["url"]:
            from sqlalchemy import create_engine

            self._engine = create_engine(spec["url"])

    def history(self):
        """Every version; each follows the one before it, and the first follows the number below its own."""
        revisions = []
        parents = []
        for number in self._versions:
            scripts = self._scripts(self._repository.version(number))
            revisions.append(
                {
                    "id": str(number),
                    "parents": parents,
                    "files": [os.path.relpath(script.path, self._project) for _, script in scripts],
                    "roles": [role for role, _ in scripts],
                    "summary": "",
                }
            )
            parents = [str(number)]
        return {"base": str(self._base()), "revisions": revisions}

    def _scripts(self, version):
        """Each script of `version` with what it is for; in an order that its files' names have no part in."""
        sql = [(kind, database) for database, kinds in version.sql.items() for kind in kinds]
        ordered = sorted(sql, key=lambda one: (one[0] != "upgrade", one))
        found = [("python", version.python)] if version.python else []
        return found + [("%s %s" % (kind, database), version.sql[database][kind]) for kind, database in ordered]

    def order(self):
        """The files that tell the history and nothing else."""
        return [os.path.join(self._repository.path, "versions", versions_file.NAME)]

    def beside(self):
        """Where there are files that every version's run may depend on."""
        return [self._repository.path]

    def file(self, revision):
        """The Python script of `revision`; `None` if it is made of SQL."""
        script = self._repository.version(int(revision)).python
        return script.path if script else None

    def _base(self):
        return self._versions[0] - 1 if self._versions else 0

    def pending(self, seen):
        """What `upgrade` would run: every version above the newest that the database has seen."""
        newest = max([int(revision) for revision in seen] or [self._base()])
        return [str(number) for number in self._versions if number > newest]

    def check(self):
        """Connects; the engine is our own, so there is nothing of the project's to check."""
        with self._engine.connect():
            pass

    def prepare(self, revision):
        """Put the database under version control."""
        from migrate.versioning import api

        at = self._base() if revision is None else int(revision)
        api.version_control(self._engine, self._repository, at)

    def apply(self, revision):
        """Upgrade by exactly one version."""
        from migrate.versioning import api

        api.upgrade(self._engine, self._repository, int(revision))

    def revert(self, revision):
        """Downgrade by exactly one version. Raises Irreversible."""
        from migrate.versioning import api

        number = int(revision)
        version = self._repository.version(number)
        kinds = [version.sql.get(kind, {}) for kind in (self._engine.name, "default")]
        script = version.python and version.python.module
        if not any("downgrade" in kind for kind in kinds) and not hasattr(script, "downgrade"):
            raise Irreversible("it has no downgrade")
        below = [one for one in self._versions if one < number]
        try:
            api.downgrade(self._engine, self._repository, below[-1] if below else self._base())
        except NotImplementedError as error:
            raise Irreversible(str(error) or "its downgrade is not implemented") from error

    def compare(self, models):
        """It has no comparison of its own that knows servers as they are."""
