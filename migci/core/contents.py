"""Whose data a database holds."""

from __future__ import annotations

from enum import StrEnum


class Contents(StrEnum):
    """Whose data a dataset holds."""

    REAL = "real"
    ANONYMIZED = "anonymized"
    SYNTHETIC = "synthetic"
