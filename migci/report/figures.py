"""Figures as people read them; what was not measured is a dash, never a zero."""

from __future__ import annotations

import math

NOT_MEASURED = "-"


def measured(value: float | None) -> float | None:
    """`value`, or `None` if nobody can have measured it: a migration's process may say anything."""
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def seconds(value: float | None) -> str:
    """A duration in a sentence: `0.412 s`, `12.3 s`, `15 min 2 s`."""
    value = measured(value)
    if value is None:
        return NOT_MEASURED
    if value < 10:
        return f"{value:.3f} s"
    if value < 600:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def column(value: float | None) -> str:
    """Seconds in a column, where every row has the same decimals: `0.412`."""
    value = measured(value)
    return NOT_MEASURED if value is None else f"{value:,.3f}"


def count(value: int | None) -> str:
    """A number of rows or steps: `4,012,345`."""
    return NOT_MEASURED if value is None else f"{value:,}"


def size(value: int | None) -> str:
    """Bytes in decimal units: `1.5 GB`."""
    if value is None:
        return NOT_MEASURED
    scaled = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if scaled < 999.5:
            return f"{scaled:.0f} {unit}" if unit == "B" or scaled >= 99.5 else f"{scaled:.1f} {unit}"
        scaled /= 1000
    return f"{scaled:,.1f} TB"


def several(number: int, noun: str) -> str:
    """A number with its noun: `1 step`, `2 steps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
