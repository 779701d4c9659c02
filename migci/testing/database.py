"""One throwaway database and the project's migrations: brought to a revision, a step on, a step back."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from migci.core.step import Cause, Outcome, Step
from migci.errors import UsageError
from migci.explore import Difference
from migci.explore import differences as differences_of
from migci.ports import Gate
from migci.route import Leg, Reading, travel
from migci.testing.structure import Structure, structure_of
from migci.tools import Tools
from migci.walk import Walk


class StepFailed(AssertionError):
    """A migration did not end well. The database is as that left it, and runs no other."""


class NoWayBack(Exception):
    """A migration cannot be taken back, and says so; nothing was run."""


class ProjectDatabase:
    """A database that runs the project's migrations as a replay does; get it from the fixture `migci_database`.

    All that runs a migration raises StepFailed when that does not end well.
    """

    def __init__(
        self, walk: Walk, way: tuple[Leg, ...], code: Reading, tools: Tools, gate: Gate, version_table: str | None
    ) -> None:
        self._walk = walk
        self._code = code
        self._tools = tools
        self._gate = gate
        self._version_table = version_table
        self._ahead = [one for leg in way for one in _single(leg)]
        self._behind: list[Leg] = []
        self._before: dict[str, str] | None = None

    @property
    def url(self) -> str:
        """Its URL for SQLAlchemy, as the account that the migrations have.

        A transaction that is left open may keep the next step waiting for its locks.
        """
        at = self._walk.database.address
        if at.flavor == "sqlite":
            return f"sqlite:///{at.socket}"
        login = f"{quote(at.user)}:{quote(at.password)}"
        return f"mysql+pymysql://{login}@localhost/{at.database}?unix_socket={quote(str(at.socket))}&charset=utf8mb4"

    @property
    def revision(self) -> str | None:
        """Where it stands, as it says itself, several heads joined by commas; `None` is the beginning."""
        return ",".join(self._walk.seen()) or None

    @property
    def pending(self) -> tuple[str, ...]:
        """What is still to be run, in order."""
        return tuple(leg.revisions[0] for leg in self._ahead)

    def at(self, revision: str) -> ProjectDatabase:
        """Bring it to `revision`: all that comes before it, and itself. Returns itself.

        Raises UsageError for a revision that is not in the history, and for one that it is past.
        """
        history = self._code.history
        if revision not in history.by_id:
            newest = ", ".join(sorted(history.heads)) or history.base
            raise UsageError(f"there is no revision {revision!r} in the history", hint=f"the newest is {newest}")
        wanted = history.applied([revision])
        beyond = [leg.revisions[0] for leg in self._behind if leg.revisions[0] not in wanted]
        if revision not in self.pending and beyond:
            raise UsageError(
                f"the database is past {revision}: {', '.join(beyond)} ran already",
                hint="go back with .back(), or begin anew",
            )
        self._begin()
        for leg in [leg for leg in self._ahead if leg.revisions[0] in wanted]:
            self._run(leg)
        return self

    def step(self) -> Step:
        """Run the next migration, and return what it did. Raises UsageError where there is none."""
        if not self._ahead:
            raise UsageError("the database is at the newest revision: there is no next step")
        self._begin()
        return self._run(self._ahead[0])

    def upgrade(self) -> ProjectDatabase:
        """Run all that is pending. Returns itself."""
        self._begin()
        for leg in list(self._ahead):
            self._run(leg)
        return self

    def back(self) -> Step:
        """Take back the migration that ran last, by its downgrade. Raises NoWayBack, and UsageError where none ran."""
        if not self._behind:
            raise UsageError("no migration ran on this database, so none can be taken back")
        self._begin()
        leg = self._behind[-1]
        step = self._walk.back(leg.stage, leg.code.tree, leg.code.history, leg.revisions[0])
        if step.error is not None and step.error.cause is Cause.IRREVERSIBLE:
            raise NoWayBack(f"{step.revision} has no way back: {self._gate.clean(step.error.message)}")
        self._ahead.insert(0, self._behind.pop())
        self._check(step)
        return step

    def schema(self) -> dict[str, str]:
        """Each table's name and definition."""
        return {name: self._gate.clean(text, literals=False) for name, text in self._walk.database.schema().items()}

    def difference(self) -> tuple[Difference, ...]:
        """What the last call that ran migrations made of the schema, table by table, as a unified difference."""
        return () if self._before is None else differences_of(self._before, self.schema())

    def structure(self) -> Structure:
        """What the tables are made of, to compare; the tool's own table is left out."""
        found = structure_of(self._walk.database)
        return {name: lines for name, lines in found.items() if name != self._version_table}

    def compare(self, models: str | None = None) -> tuple[str, ...] | None:
        """How the schema differs from the project's models, a sentence each: those named, or else those of env.py.

        `None` where there are none, or the tool cannot compare. Raises HistoryFailed when they cannot be loaded.
        """
        return self._walk.compare(self._code.tree, models)

    @property
    def broken(self) -> bool:
        """Whether a migration did not end well, after which no other is run."""
        return self._walk.broken

    def _begin(self) -> None:
        if self.broken:
            raise UsageError("a migration did not end well on this database, and no other can run", hint="begin anew")
        self._before = self.schema()

    def _run(self, leg: Leg) -> Step:
        known = len(self._walk.steps)
        travel(self._walk, [leg], self._tools.tool, self._tools.observer)
        if len(self._walk.steps) == known:
            raise StepFailed(f"the tool did not find {leg.revisions[0]} pending")
        step = self._walk.steps[-1]
        self._ahead.remove(leg)
        self._behind.append(leg)
        self._check(step)
        return step

    def _check(self, step: Step) -> None:
        if step.outcome is not Outcome.APPLIED:
            why = self._gate.clean(step.error.message) if step.error else "it was not run"
            back = " (back)" if step.direction == "down" else ""
            line = f", line {step.error.line}" if step.error and step.error.line else ""
            raise StepFailed(f"step {step.name}{back} {step.outcome}: {why} ({step.file}{line})")


def _single(leg: Leg) -> list[Leg]:
    """A leg's revisions one by one, and its hook after the last of them."""
    found = [replace(leg, revisions=(one,), hook=None) for one in leg.revisions]
    if found:
        found[-1] = replace(found[-1], hook=leg.hook)
    return found
