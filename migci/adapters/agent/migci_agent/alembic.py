"""alembic, driven one revision at a time through the project's own env.py."""

import argparse
import os

from migci_agent import versions_file
from migci_agent.clone import BrokenHistory, Irreversible, filled
from migci_agent.models import described, loaded
from migci_agent.statements import WrongDatabase


class EnvironmentMismatch(Exception):
    """The project's env.py does not do what a replay needs of it."""


class AlembicTool:
    """`spec`: migrations (the ini file), url or None, x (-x arguments), neutral_env, version_table."""

    def __init__(self, spec):
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        self.spec = spec
        ini = os.path.join(spec["project"], spec["migrations"])
        self._config = Config(ini, cmd_opts=argparse.Namespace(x=self._arguments()))
        self._config.set_main_option("script_location", self._scripts(ini).replace("%", "%%"))
        if spec["url"]:
            self._config.set_main_option("sqlalchemy.url", spec["url"].replace("%", "%%"))
        self._script = ScriptDirectory.from_config(self._config)

    def _scripts(self, ini):
        """Where the scripts are: as the ini file says, else beside it, for projects that set it in their code."""
        said = self._config.get_main_option("script_location") or "."
        beside = os.path.join(os.path.dirname(ini), said)
        if ":" in said or (os.path.isdir(said) and os.path.isfile(os.path.join(said, "env.py"))):
            return said
        return beside if os.path.isdir(beside) else said

    def _arguments(self):
        names = {"url": self.spec["url"] or "", "files": self.spec["files_folder"]}
        return [filled(argument, names) for argument in self.spec["x"]]

    def _check_files(self):
        """Raises BrokenHistory for what alembic itself would pass over, or tell without saying where."""
        files = {}
        for script in self._script._load_revisions():
            name = os.path.relpath(script.path, self.spec["project"])
            there = files.setdefault(script.revision, name)
            if there != name:
                raise BrokenHistory("revision %s is in two files: %s, %s" % (script.revision, there, name))
        for script in self._script._load_revisions():
            for parent in script._versioned_down_revisions:
                if parent not in files:
                    what = (script.revision, parent, files[script.revision])
                    raise BrokenHistory("revision %s follows %s, which is not there: %s" % what)

    def history(self):
        """Every revision, in the order in which alembic runs them on an empty database."""
        self._check_files()
        revisions = []
        for revision in self.pending([]):
            script = self._script.get_revision(revision)
            parents = script._all_down_revisions
            revisions.append(
                {
                    "id": revision,
                    "parents": list(parents),
                    "files": [os.path.relpath(script.path, self.spec["project"])],
                    "summary": (script.doc or "").strip().split("\n")[0],
                }
            )
        return {"base": "base", "revisions": revisions}

    def order(self):
        """The files that tell the history and nothing else."""
        return [os.path.join(folder, versions_file.NAME) for folder in self._script._version_locations]

    def beside(self):
        """Where there are files that every revision's run may depend on."""
        return [os.path.join(self.spec["project"], self.spec["migrations"]), self._script.dir]

    def file(self, revision):
        """The script of `revision`."""
        return self._script.get_revision(revision).path

    def pending(self, seen):
        """The order is alembic's own: it is computed by what `alembic upgrade heads` uses."""
        return [step.revision.revision for step in self._script._upgrade_revs("heads", tuple(seen))]

    def check(self):
        """Raises unless env.py connects to the clone and keeps revisions where the host looks for them."""
        called = []

        def look(heads, context):
            called.append(context)
            if context.version_table != self.spec["version_table"]:
                raise EnvironmentMismatch(
                    "env.py keeps the revision in the table %r, and migci looks for it in %r"
                    % (context.version_table, self.spec["version_table"])
                )
            return []

        self._run(look, None)
        if not called:
            raise WrongDatabase("env.py did not run any migrations: it never called context.run_migrations()")

    def prepare(self, revision):
        """Mark the database as being at `revision`; one without a revision is at the base already."""
        if revision is not None:
            self._run(lambda heads, context: self._script._stamp_revs(revision, heads), revision)

    def apply(self, revision):
        """Run one revision, as `alembic upgrade` runs it."""

        def one(heads, context):
            for step in self._script._upgrade_revs("heads", heads):
                if step.revision.revision == revision:
                    return [step]
            raise EnvironmentMismatch("revision %s is not pending on this database" % revision)

        self._run(one, revision)

    def revert(self, revision):
        """Take back one revision, as `alembic downgrade` does. Raises Irreversible."""
        from alembic.runtime.migration import MigrationStep

        script = self._script.get_revision(revision)
        if getattr(script.module, "downgrade", None) is None:
            raise Irreversible("it has no downgrade()")

        def one(heads, context):
            if revision not in heads:
                raise EnvironmentMismatch("revision %s is not what this database is at" % revision)
            return [MigrationStep.downgrade_from_script(self._script.revision_map, script)]

        try:
            self._run(one, revision)
        except NotImplementedError as error:
            raise Irreversible(str(error) or "its downgrade() is not implemented") from error

    def compare(self, models):
        """How the database differs from `models`, or from what env.py has for a target; `None` where it has none.

        What is compared, and how closely, is as env.py says.
        """
        from alembic.autogenerate import compare_metadata

        found = []

        def look(heads, context):
            target = loaded(models) if models else context.opts.get("target_metadata")
            found.append(target if target is None else compare_metadata(context, target))
            return []

        self._run(look, None)
        differences = found[-1] if found else None
        return None if differences is None else described(differences)

    def _run(self, migrations, destination):
        from alembic.runtime.environment import EnvironmentContext

        environment = EnvironmentContext(
            self._config, self._script, fn=migrations, as_sql=False, destination_rev=destination
        )
        with environment:
            if self.spec["neutral_env"]:
                self._neutral(environment)
            else:
                self._script.run_env()

    def _neutral(self, environment):
        """What an env.py does that knows nothing of the project."""
        from sqlalchemy import create_engine

        engine = create_engine(self.spec["url"])
        try:
            with engine.connect() as connection:
                environment.configure(connection=connection, version_table=self.spec["version_table"])
                with environment.begin_transaction():
                    environment.run_migrations()
        finally:
            engine.dispose()
