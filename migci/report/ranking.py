"""What of a run comes first when there is no room for all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from migci.core.finding import Finding, Severity
from migci.core.step import Outcome, Stage, Statement, Step
from migci.report.figures import measured

_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def rank(finding: Finding) -> int:
    """Smaller is worse."""
    return _SEVERITIES.index(finding.severity)


def slowest(steps: Iterable[Step], most: int) -> tuple[Step, ...]:
    """At most `most` of the steps that ran, the slowest first."""
    ran = [step for step in steps if step.outcome is not Outcome.SKIPPED]
    return tuple(sorted(ran, key=lambda step: -step.seconds)[:most])


def by_seconds(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    """All the statements, the slowest first."""
    return tuple(sorted(statements, key=lambda statement: -(measured(statement.seconds) or 0.0)))


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """All the findings, errors before warnings before the rest, else in their order."""
    return tuple(sorted(findings, key=rank))


def telling(steps: Sequence[Step], most: int) -> tuple[int, ...]:
    """Which to show, in their order: those that ended badly, then the patch's own, then the slowest."""
    ranked = sorted(range(len(steps)), key=lambda index: _tells(steps[index]))
    return tuple(sorted(ranked[:most]))


def _tells(step: Step) -> tuple[int, bool, float]:
    badly = step.error is not None or step.outcome in (Outcome.FAILED, Outcome.TIMEOUT)
    return (0 if badly else 1, step.stage is not Stage.PROPOSED, -step.seconds)


def stages(steps: Iterable[Step]) -> tuple[tuple[Stage, int], ...]:
    """How many steps each stage has, in the stages' order; stages without any are left out."""
    counted = Counter(step.stage for step in steps)
    return tuple((stage, counted[stage]) for stage in Stage if counted[stage])
