"""Walks one database through migrations, stage by stage, and measures every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Protocol

from migci.core.dataset import Dataset
from migci.core.history import History
from migci.core.sql import normalize, table_of
from migci.core.step import Cause, Outcome, Stage, Statement, Step, StepError, Work
from migci.ports import (
    AgentStatement,
    Attempt,
    Database,
    MigrationTool,
    Observer,
    RestoreFailed,
    ServerFailed,
    ToolSession,
    Tree,
    VersionTable,
)

_NOTHING_SECONDS = 0.01
"""What a driver may spend on taking its leave."""


class UnknownRevision(RestoreFailed):
    """A database says that it is at a revision which the history does not have."""


class Around(Protocol):
    """What is done around each step of a walk on which nothing is measured. Both tell whether the session is alive."""

    def before(self, session: ToolSession, database: Database, step: Step) -> bool: ...

    def after(self, session: ToolSession, database: Database, step: Step) -> bool: ...


class Walk:
    """One database on its way through a project's migrations. Use `walking`.

    Where the database is, is read from the database after every step; only a tool that keeps no version table is
    believed.
    """

    def __init__(
        self,
        database: Database,
        tool: MigrationTool,
        dataset: Dataset,
        version_table: VersionTable | None,
        observer: Observer,
        believed: tuple[str, ...] = (),
        around: Around | None = None,
    ) -> None:
        self.database = database
        self.steps: list[Step] = []
        self._tool = tool
        self._dataset = dataset
        self._version_table = version_table
        self._observer = observer
        self._believed = believed
        self._around = around
        self._lost = False
        self._under_control = False
        self._session: ToolSession | None = None
        self._session_tree: Tree | None = None
        self._session_life = ExitStack()

    @property
    def broken(self) -> bool:
        """Whether a step did not end well, after which nothing more is run."""
        return self._lost or any(step.outcome in (Outcome.FAILED, Outcome.TIMEOUT) for step in self.steps)

    def seen(self) -> tuple[str, ...]:
        """The revisions that the database is at; before a tool has taken control of it, those that its dataset says."""
        if self._version_table is None:
            return self._believed
        return self.database.versions(self._version_table) or (() if self._under_control else self._believed)

    def stage(
        self,
        stage: Stage,
        tree: Tree,
        history: History,
        wanted: frozenset[str],
        after_step: Callable[[Step], None] = lambda step: None,
    ) -> None:
        """Run those of the `wanted` revisions that the tool finds pending, in its order.

        After a step that did not end well the others are recorded as skipped; so are all of a later stage.
        """
        ahead = wanted - history.applied(self.seen()) - self._ran()
        if not ahead:
            return
        session = None if self.broken else self._in(tree)
        if session is None or self.broken:  # also by how the session before it ended
            self._skip(stage, history, [revision.id for revision in history.revisions if revision.id in ahead])
            return
        order = [revision for revision in session.pending(self.seen()) if revision in ahead]
        self._observer.stage_started(stage, tuple(history.by_id[revision] for revision in order))
        for position, revision in enumerate(order):
            if self._around is not None:
                self._lost = not self._around.before(session, self.database, planned(stage, history, revision))
                if self._lost:
                    self._skip(stage, history, order[position:])
                    return
            step = self._step(session, stage, history, revision)
            self.steps.append(step)
            if self._around is not None:
                self._lost = not self._around.after(session, self.database, step)
            self._observer.step_ended(step)
            after_step(step)
            if self.broken:
                self._skip(stage, history, order[position + 1 :])
                return

    def _ran(self) -> set[str]:
        """What was run and not taken back: a tool that keeps no version table does not know it."""
        found: set[str] = set()
        for step in self.steps:
            (found.discard if step.direction == "down" else found.add)(step.revision)
        return found

    def back(self, stage: Stage, tree: Tree, history: History, revision: str) -> Step:
        """Take back `revision`, the last that was run. The walk is broken if that does not end well."""
        session = self._in(tree)
        assert session is not None, "a broken walk does not go on"
        step = replace(planned(stage, history, revision), direction="down")
        self._observer.step_started(step.name)
        step = self._ended(step, session.revert, history.by_id[revision].parents)
        if step.error is not None and step.error.cause is Cause.IRREVERSIBLE:
            return step  # nothing was run
        self.steps.append(step)
        self._observer.step_ended(step)
        return step

    def compare(self, tree: Tree, models: str | None) -> tuple[str, ...] | None:
        """As `ToolSession.compare`, in `tree`."""
        session = self._in(tree)
        assert session is not None, "a broken walk does not go on"
        return session.compare(models)

    def _in(self, tree: Tree) -> ToolSession | None:
        """The session in `tree`: the one that is alive, or a new one if that has ended in order."""
        if self._session is None or self._session_tree != tree:
            self.leave()
            if self.broken:
                return None
            self.database.begin_work()
            self._session = self._session_life.enter_context(self._tool.session(tree, self.database.address))
            self._session_tree = tree
            if not self._under_control:
                if self._version_table is None or not self.database.versions(self._version_table):
                    self._session.prepare(self._believed[0] if self._believed else None)
                self._under_control = True
        return self._session

    def _settled(self, attempt: Attempt, patience_seconds: float) -> Attempt:
        """`attempt`, to the moment when nothing runs any more that it began: only then is it over."""
        waited = self.database.settle(patience_seconds)
        if waited is not None:
            return replace(attempt, seconds=attempt.seconds + waited)
        self.database.end_sessions()
        error = StepError(Cause.TIMEOUT, f"a statement of it was still running after {patience_seconds:g} s more")
        return replace(attempt, seconds=attempt.seconds + patience_seconds, error=error)

    def leave(self) -> None:
        """End the session, if there is one, and let its last step answer for how its process ended, and what it did."""
        if self._session is not None and self.steps and not self.broken:
            end = self._session.finish()
            last = self.steps[-1]
            if end.error is not None:
                self.database.end_sessions()
            if self.database.trouble() is None:
                settled = self._settled(end, self._dataset.limits.timeout_seconds)
                last = _with_work(last, self.database.end_work(), settled.seconds)
                end = settled
            if end.error is not None:
                last = replace(last, outcome=_outcome(end.error), error=end.error)
            self.steps[-1] = replace(last, exposed=tuple(sorted({*last.exposed, *end.exposed})))
        self._session = None
        self._session_life.close()

    def _step(self, session: ToolSession, stage: Stage, history: History, revision: str) -> Step:
        step = planned(stage, history, revision)
        self._observer.step_started(step.name)
        return self._ended(step, session.apply, (revision,))

    def _ended(
        self, step: Step, run: Callable[[str, float, Callable[[], None]], Attempt], goal: tuple[str, ...]
    ) -> Step:
        """`step`, run by `run`, which is to bring the database to `goal`, or, taken back, away from its revision."""
        patience = self._dataset.limits.timeout_seconds
        attempt = run(step.revision, patience, self.database.sample)
        if attempt.error is not None and attempt.error.cause is not Cause.RAISED:
            self.database.end_sessions()
        error = self.database.trouble()
        if error is None and attempt.error is None:
            attempt = self._settled(attempt, max(patience - attempt.seconds, 1.0))
        work = Work()
        if error is None:
            work = self.database.end_work()
        elif error.cause is Cause.DISK:
            with suppress(ServerFailed):  # which may have ended for it
                work = self.database.end_work()
        if error is None:
            error = attempt.error
        elif attempt.error is not None:
            error = replace(error, message=f"{error.message} ({attempt.error.message})")
        if error is None:
            self._believed = goal
            if (step.revision in self.seen()) is (step.direction == "down"):
                at = ", ".join(self.seen()) or "no revision"
                error = StepError(Cause.REVISION, f"its tool said that it was done, and the database is at {at}")
        if not work.statements:
            work = _told(work, attempt.statements)
        return replace(
            step,
            outcome=_outcome(error),
            seconds=attempt.seconds,
            sql_seconds=attempt.sql_seconds,
            work=work,
            error=error,
            exposed=attempt.exposed,
        )

    def _skip(self, stage: Stage, history: History, revisions: list[str]) -> None:
        self.steps.extend(planned(stage, history, revision) for revision in revisions)


@contextmanager
def walking(
    database: Database,
    tool: MigrationTool,
    dataset: Dataset,
    version_table: VersionTable | None,
    observer: Observer,
    believed: tuple[str, ...] = (),
    around: Around | None = None,
) -> Iterator[Walk]:
    """A walk; no session of it is alive on exit.

    `believed` is where the database stands as long as it does not say so itself. `around` is what is done around steps.
    """
    walk = Walk(database, tool, dataset, version_table, observer, believed, around)
    try:
        yield walk
    finally:
        walk._session_life.close()


def planned(stage: Stage, history: History, revision: str) -> Step:
    """A step that was not run."""
    return Step(
        stage=stage,
        origin=history.origin(revision),
        revision=revision,
        file=history.by_id[revision].files[0],
        outcome=Outcome.SKIPPED,
        silences=history.by_id[revision].silences,
    )


def _with_work(step: Step, more: Work, seconds: float) -> Step:
    """`step` with what was done after it, while its process ended; if that was nothing, `step` as it is."""
    if not more.rows_changed and sum(statement.seconds for statement in more.statements) < _NOTHING_SECONDS:
        return step
    work = step.work
    return replace(
        step,
        seconds=step.seconds + seconds,
        work=Work(
            rows_read=(work.rows_read or 0) + (more.rows_read or 0),
            rows_changed=(work.rows_changed or 0) + (more.rows_changed or 0),
            bytes_logged=(work.bytes_logged or 0) + (more.bytes_logged or 0),
            blocked_write_seconds=(work.blocked_write_seconds or 0.0) + (more.blocked_write_seconds or 0.0),
            statements=work.statements + more.statements,
        ),
    )


def _outcome(error: StepError | None) -> Outcome:
    if error is None or error.cause is Cause.LEFTOVERS:
        return Outcome.APPLIED
    return Outcome.TIMEOUT if error.cause is Cause.TIMEOUT else Outcome.FAILED


_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


def _told(work: Work, statements: tuple[AgentStatement, ...]) -> Work:
    """`work` with the process's own account of its statements, where the server kept none."""
    found = tuple(_statement(one) for one in statements)
    rows = work.rows_changed
    if rows is None and found:
        rows = sum(one.rows_changed or 0 for one in found if one.digest.upper().startswith(_WRITES))
    return replace(work, statements=found, rows_changed=rows)


def _statement(told: AgentStatement) -> Statement:
    digest = normalize(told.sql)
    return Statement(
        digest=digest,
        table=table_of(digest),
        count=told.count,
        seconds=told.seconds,
        rows_changed=max(told.rows, 0),
    )
