"""A replay (one change, one dataset) and a run (one change, all datasets)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migci.core.dataset import Dataset
from migci.core.finding import Finding
from migci.core.step import Stage, Step, StepError


@dataclass(frozen=True)
class Commit:
    """What a ref stood for when the run began. `ref` is what the user named."""

    ref: str
    id: str


@dataclass(frozen=True)
class ServerFacts:
    """The server that a replay ran on. Servers differ in what a migration costs, so the report says which it was."""

    flavor: str
    version: str


@dataclass(frozen=True)
class CloneFacts:
    """How the replay's database came to be: by which way of cloning, from what kind of snapshot.

    `seconds` are those from the choice of the snapshot to the first answer of the clone's server.
    """

    strategy: str
    origin: str
    seconds: float


class Part(StrEnum):
    """What of a migration's own test was at work: its import, what it does before the step, the step, its checks."""

    IMPORT = "import"
    BEFORE = "pre_upgrade"
    STEP = "upgrade"
    AFTER = "check"


@dataclass(frozen=True)
class Trial:
    """A migration's own test, run once around its step, on a clone on which nothing is measured.

    `part` is what was at work last. `seconds` are those of the test, without the step's. `skipped` is why the test
    itself did not want to run; with `ran` false nothing of it did, because the walk had ended before.
    """

    stage: Stage
    step: str
    file: str
    part: Part = Part.BEFORE
    seconds: float = 0.0
    error: StepError | None = None
    skipped: str = ""
    ran: bool = True

    @property
    def outcome(self) -> str:
        """In a word or two: passed, failed, skipped, not run."""
        if not self.ran:
            return "not run"
        return "failed" if self.error is not None else "skipped" if self.skipped else "passed"


@dataclass(frozen=True)
class Replay:
    """All steps of one change on one dataset, and the migrations' own tests.

    `trouble` are the findings that were met on the way and that no step tells: migci's own failures, and what the
    history showed. `final` is where the database stood at the end, and `at_newest` whether that is where it should
    have stood; `None` when the replay did not get so far. `rows` and `bytes` are the dataset's own: before any step,
    or, where something is run between releases that may bring the data, after trunk's. `planted` are the columns of
    the clone that held a honeytoken while the change ran on it; `None` for contents that need none. `unmarked` are the
    findings of what the change lacks of markup.
    """

    dataset: Dataset
    steps: tuple[Step, ...] = ()
    trials: tuple[Trial, ...] = ()
    trouble: tuple[Finding, ...] = ()
    server: ServerFacts | None = None
    clone: CloneFacts | None = None
    rows: int | None = None
    bytes: int | None = None
    seconds: float = 0.0
    at_newest: bool | None = None
    final: tuple[str, ...] = ()
    planted: tuple[str, ...] | None = None
    unmarked: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Run:
    """One change on all its datasets.

    `proposed` is `None` when trunk itself is what is judged. `findings` are those of the change as a whole.
    """

    project: str
    tool: str
    trunk: Commit
    proposed: Commit | None
    replays: tuple[Replay, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    sandbox: str = "none"
    started: str = ""
