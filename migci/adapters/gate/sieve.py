"""The sieve that tells what need not be looked at: compiled where it could be, its twin in Python elsewhere."""

from __future__ import annotations

try:
    from migci.adapters.gate._sieve import Lines, Runs, replaced, said
except ImportError:
    from migci.adapters.gate._sieve_pure import Lines, Runs, replaced, said  # type: ignore[assignment]

CONTROLS, BEYOND_ASCII, BROKEN_RUNS, DIGIT_PAIRS = 1, 2, 4, 8
"""What `Runs.unknown` says that there is."""

__all__ = ["BEYOND_ASCII", "BROKEN_RUNS", "CONTROLS", "DIGIT_PAIRS", "Lines", "Runs", "replaced", "said"]
