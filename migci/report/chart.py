"""Where a replay's time went, as geometry: a strip of all its steps, and bars for the slowest of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from migci.core.step import Outcome, Stage, Step
from migci.report.figures import measured

ROW = 24
"""Pixels from one bar to the next."""
HEADING = 30
"""Pixels for a group's title."""

_SMALLEST = 0.5
"""Per cent of the strip: neighbours that are smaller are drawn as one."""
_GAP = 0.6
"""Per cent of the strip between two stages."""


@dataclass(frozen=True)
class Segment:
    """One step, or neighbours too short to be told apart. `x` and `width` are per cent of the strip."""

    steps: tuple[Step, ...]
    x: float
    width: float

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    @property
    def troubled(self) -> bool:
        return any(map(troubled, self.steps))


@dataclass(frozen=True)
class Bar:
    """One step: its place in the replay, and its width and that of its SQL in per cent of the axis."""

    index: int
    step: Step
    y: int
    width: float
    sql_width: float | None


@dataclass(frozen=True)
class Group:
    """Bars under a title, the slowest first."""

    title: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Chart:
    """Bars over one axis. `ticks` are (per cent, seconds); `limit` is per cent, `None` if off the axis."""

    groups: tuple[Group, ...]
    ticks: tuple[tuple[float, float], ...]
    limit: float | None
    height: int


def troubled(step: Step) -> bool:
    """Whether the step ended badly; a step that only came after one has not."""
    return step.error is not None or step.outcome in (Outcome.FAILED, Outcome.TIMEOUT)


def _timed(step: Step) -> bool:
    return step.outcome is not Outcome.SKIPPED and step.seconds > 0


def strip(steps: Sequence[Step]) -> tuple[Segment, ...]:
    """All steps that ran, in their order, as wide as they were long. Empty when none took any time.

    There are never many more segments than 100 / `_SMALLEST`, however many steps there are.
    """
    ran = [step for step in steps if _timed(step)]
    total = sum(step.seconds for step in ran)
    if not ran:
        return ()
    stages = [list(_merged(run, total)) for _, run in groupby(ran, key=lambda step: step.stage)]
    # What is too short to be seen is widened and all the rest narrowed for it, by a few per cent at most.
    widths = [[max(_share(part, total), _SMALLEST / 2) for part in stage] for stage in stages]
    scale = (100 - _GAP * (len(stages) - 1)) / sum(map(sum, widths))
    segments, x = [], 0.0
    for stage, wide in zip(stages, widths, strict=True):
        for part, width in zip(stage, wide, strict=True):
            segments.append(Segment(part, x, width * scale))
            x += width * scale
        x += _GAP
    return tuple(segments)


def _merged(steps: Iterable[Step], total: float) -> Iterator[tuple[Step, ...]]:
    waiting: list[Step] = []
    for step in steps:
        if troubled(step) or _share((step,), total) >= _SMALLEST:
            if waiting:
                yield tuple(waiting)
            waiting = []
            yield (step,)
        else:
            waiting.append(step)
            if _share(waiting, total) >= 2 * _SMALLEST:
                yield tuple(waiting)
                waiting = []
    if waiting:
        yield tuple(waiting)


def _share(steps: Iterable[Step], total: float) -> float:
    return 100 * sum(step.seconds for step in steps) / total


def bars(steps: Sequence[Step], most: int, limit_seconds: float | None) -> Chart | None:
    """The `most` slowest steps: the patch's own, which get at least half of the room, and those before it."""
    ran = [index for index, step in enumerate(steps) if _timed(step)]
    ran.sort(key=lambda index: -steps[index].seconds)
    proposed = [index for index in ran if steps[index].stage is Stage.PROPOSED]
    before = [index for index in ran if steps[index].stage is not Stage.PROPOSED]
    proposed = proposed[: max(most - len(before), (most + 1) // 2)]
    before = before[: most - len(proposed)]
    if not proposed and not before:
        return None
    longest = max(steps[index].seconds for index in proposed + before)
    end, ticks = _axis(longest)
    groups, y = [], 0
    for title, chosen in (("The patch's steps", proposed), ("Steps before the patch", before)):
        if chosen:
            top = y + HEADING
            rows = (_bar(index, steps[index], top + ROW * row, end) for row, index in enumerate(chosen))
            groups.append(Group(title if proposed else "The slowest steps", y, tuple(rows)))
            y += HEADING + ROW * len(chosen)
    limit = None if limit_seconds is None or limit_seconds > end else 100 * limit_seconds / end
    return Chart(tuple(groups), ticks, limit, y)


def _bar(index: int, step: Step, y: int, end: float) -> Bar:
    sql = measured(step.sql_seconds)
    # The process says how long it waited, and could say more than the step took.
    sql_width = None if sql is None else 100 * min(sql, step.seconds) / end
    return Bar(index, step, y, 100 * step.seconds / end, sql_width)


def _axis(longest: float) -> tuple[float, tuple[tuple[float, float], ...]]:
    """The axis's end, and four to six round values on it."""
    power = 10.0**-9
    while power * 10 <= longest:
        power *= 10
    spacing = next(power * part for part in (0.2, 0.5, 1, 2) if longest / (power * part) <= 5)
    # The axis ends with the longest bar, so that no room is lost to a rounder number.
    marks = [spacing * mark for mark in range(int(longest / spacing) + 1)]
    return longest, tuple((100 * mark / longest, mark) for mark in marks)
