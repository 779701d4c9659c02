"""An observer for steps that have been seen already, or that nobody looks at."""

from __future__ import annotations

from collections.abc import Callable

from migci.core.history import Revision
from migci.core.step import Step


def _nobody(sentence: str) -> None:
    return


class Quiet:
    """An `Observer` that passes notes on to `note`, and nothing else to anybody."""

    def __init__(self, note: Callable[[str], None] = _nobody) -> None:
        self.note = note

    def dataset_started(self, name: str, position: int, total: int) -> None:
        pass

    def restoring(self, done_bytes: int, total_bytes: int) -> None:
        pass

    def stage_started(self, stage: str, revisions: tuple[Revision, ...]) -> None:
        pass

    def step_started(self, name: str) -> None:
        pass

    def step_ended(self, step: Step) -> None:
        pass
