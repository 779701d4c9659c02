"""A dataset: the database that replays start from, and the limits that a step must keep on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from migci.core.contents import Contents as Contents
from migci.core.markup import Markup

EMPTY = "empty"
"""The source of a dataset that starts with no tables at all."""


@dataclass(frozen=True)
class Limits:
    """What one step may cost on a dataset. `None` means that there is no such limit.

    `timeout_seconds` is not a judgement but a rescue: a step that still runs then is killed.
    """

    step_seconds: float | None = 60.0
    rows_changed: int | None = None
    blocked_write_seconds: float | None = None
    timeout_seconds: float = 3600.0


@dataclass(frozen=True)
class Excuse:
    """Another value of one limit for one step, and why it is allowed."""

    step: str
    limit: str
    allow: float
    reason: str


@dataclass(frozen=True)
class Dataset:
    """A named database that replays start from.

    `source` is a path, a URL, or `EMPTY`. `revision` is where its migrations stand, needed only when the database
    itself does not say. `refreshed` is a commit: replays start from what its trunk's migrations made of the source.
    `publish_log` tells whether what migrations print is kept, where the contents are real.
    """

    name: str
    source: str = EMPTY
    revision: str | None = None
    refreshed: str | None = None
    contents: Contents = Contents.SYNTHETIC
    limits: Limits = field(default_factory=Limits)
    excuses: tuple[Excuse, ...] = ()
    markup: Markup | None = None
    publish_log: bool = False

    @property
    def publishes_log(self) -> bool:
        """Whether what migrations print on it is kept."""
        return self.publish_log or self.contents is not Contents.REAL

    def allowed(self, limit: str, step: str) -> float | None:
        """What `limit` (a field of `Limits`) allows `step` (`"216->217"`), excuses included."""
        for excuse in self.excuses:
            if excuse.limit == limit and excuse.step == step:
                return excuse.allow
        value: float | None = getattr(self.limits, limit)
        return value
