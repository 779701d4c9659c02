"""What one migration did when it ran once: the step, its statements, its error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migci.core.finding import Silence


class Stage(StrEnum):
    """Which part of a replay a step belongs to."""

    RELEASE = "release"
    TRUNK = "trunk"
    PROPOSED = "proposed"


class Outcome(StrEnum):
    """How a step ended. A step after one that did not end well is skipped."""

    APPLIED = "applied"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"


class Algorithm(StrEnum):
    """How the server carried out an ALTER TABLE.

    INSTANT: it changed the table's definition and read none of its rows. INPLACE: the storage engine read the rows.
    COPY: the server wrote every row into a new table, and nobody else could write meanwhile. On a table without rows
    these cannot be told apart.
    """

    INSTANT = "INSTANT"
    INPLACE = "INPLACE"
    COPY = "COPY"


@dataclass(frozen=True)
class Statement:
    """All executions of one statement within a step; statements that differ only in their values are one.

    `None` stands for what could not be measured.
    """

    digest: str
    table: str | None
    count: int
    seconds: float
    rows_read: int | None = None
    rows_changed: int | None = None
    algorithm: Algorithm | None = None
    rebuilt: bool | None = None
    blocked_write_seconds: float | None = None


@dataclass(frozen=True)
class Work:
    """What a database server did during a step.

    `rows_changed` counts each row that was written, a table's copy included. `bytes_logged` is the growth of the redo
    log. `statements` are in the order in which each first ran.
    """

    rows_read: int | None = None
    rows_changed: int | None = None
    bytes_logged: int | None = None
    blocked_write_seconds: float | None = None
    statements: tuple[Statement, ...] = ()


class Cause(StrEnum):
    """Why a step did not end well."""

    RAISED = "raised"
    """The migration, or its tool, raised an exception."""
    TIMEOUT = "timeout"
    """It was still running at the dataset's `timeout_seconds`."""
    ENDED = "ended"
    """The process that ran it ended in the middle, or did not end as it should."""
    LEFTOVERS = "leftovers"
    """It left processes behind, which had to be killed. The step itself counts."""
    IRREVERSIBLE = "irreversible"
    """It cannot be taken back, and says so: it was not run. No step up ends so."""
    REVISION = "revision"
    """It was said to be done, and the database is not at its revision."""
    SERVER = "server"
    """The database server was gone."""
    DISK = "disk"
    """The disk that holds the clone was full."""


@dataclass(frozen=True)
class StepError:
    """Why a step did not end well, in one sentence, and the line of the migration's file that it came from."""

    cause: Cause
    message: str
    line: int | None = None


@dataclass(frozen=True)
class Step:
    """One migration, run once.

    `seconds` is measured outside of the process that ran it, on a monotonic clock; `sql_seconds` is the part of it
    that the process said it waited for the database. `exposed` are the columns whose values it printed, or put into
    its error.
    """

    stage: Stage
    origin: str
    revision: str
    file: str
    outcome: Outcome
    seconds: float = 0.0
    sql_seconds: float | None = None
    work: Work = Work()
    error: StepError | None = None
    direction: str = "up"
    cached: bool = False
    exposed: tuple[str, ...] = ()
    silences: tuple[Silence, ...] = ()

    def __post_init__(self) -> None:
        if self.outcome in (Outcome.FAILED, Outcome.TIMEOUT) and self.error is None:
            raise ValueError(f"step {self.name} did not end well, and does not say why")

    @property
    def name(self) -> str:
        """How people and configuration name it: `"215->216"`."""
        return f"{self.origin}->{self.revision}"
