"""What a person sees while a run goes on: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from migci.core.history import Revision
from migci.core.step import Outcome, Step
from migci.ports import Observer
from migci.report import plain


@contextmanager
def watching() -> Iterator[Observer]:
    """An observer that writes to standard error."""
    if sys.stderr.isatty():
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        ) as progress:
            yield LiveDisplay(progress)
    else:
        yield PlainLines()


class LiveDisplay:
    """An `Observer`: one bar for what is going on, a line for each step that did not end well."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("reading the histories", total=None)
        self._about = ""
        self._stage = ""

    def dataset_started(self, name: str, position: int, total: int) -> None:
        self._about = escape(name) + (f" ({position + 1}/{total})" if total > 1 else "")
        self._progress.reset(self._task, total=None, description=f"{self._about}: starting a server")

    def restoring(self, done_bytes: int, total_bytes: int) -> None:
        self._progress.update(
            self._task,
            total=total_bytes >> 20 or 1,
            completed=done_bytes >> 20,
            description=f"{self._about}: restoring, MB",
        )

    def stage_started(self, stage: str, revisions: tuple[Revision, ...]) -> None:
        self._stage = stage
        self._progress.reset(self._task, total=len(revisions), description=f"{self._about}: {stage}")

    def step_started(self, name: str) -> None:
        self._progress.update(self._task, description=f"{self._about}: {self._stage} {escape(name)}")

    def step_ended(self, step: Step) -> None:
        self._progress.advance(self._task)
        if step.outcome is not Outcome.APPLIED:
            self._progress.console.print(f"[red]{step.outcome}[/red] {escape(step.name)}")

    def note(self, sentence: str) -> None:
        self._progress.console.print(escape(sentence), highlight=False)


class PlainLines:
    """An `Observer`: a line for each thing that is worth one."""

    def __init__(self) -> None:
        self._restoring = 0.0
        self._began = time.monotonic()

    def dataset_started(self, name: str, position: int, total: int) -> None:
        self._began = time.monotonic()
        self._restoring = 0.0
        self._line(f"dataset {name} ({position + 1} of {total})")

    def restoring(self, done_bytes: int, total_bytes: int) -> None:
        now = time.monotonic()
        if now - self._restoring > 10:
            self._restoring = now
            left = (now - self._began) * max(total_bytes / max(done_bytes, 1) - 1, 0)
            estimate = f", about {left:.0f} s more" if done_bytes and now - self._began > 5 else ""
            self._line(f"restoring: {done_bytes / 1e6:.1f} of {total_bytes / 1e6:.1f} MB{estimate}")

    def stage_started(self, stage: str, revisions: tuple[Revision, ...]) -> None:
        self._line(f"{stage}: {len(revisions)} step{'s' * (len(revisions) != 1)}")

    def step_started(self, name: str) -> None:
        pass

    def step_ended(self, step: Step) -> None:
        self._line(f"{step.stage} {step.name} {step.outcome} {step.seconds:.3f} s")

    def note(self, sentence: str) -> None:
        self._line(sentence)

    def _line(self, text: str) -> None:
        sys.stderr.write(plain.unobeyed(plain.line(text, 1000)) + "\n")
        sys.stderr.flush()
