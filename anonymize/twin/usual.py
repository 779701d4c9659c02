"""Many rows at once: a regular expression of their table cuts up the usual ones, so that their places are columns."""

from __future__ import annotations

import re

from anonymize.ops import Program
from anonymize.sql import Grammar
from anonymize.twin.column import Column

MOST = 1 << 16
LEAST = 1 << 12
"""How many bytes are looked at at once: few where rows are found that are not usual."""

_PLAIN = rb"[-+.0-9A-Za-z_]++(?![ '])"
_INTRODUCED = rb"[0-9A-Za-z_]++\ ?+"
# It looks for one byte alone, which is quick. Where a backslash precedes a quote, or there are two, it does not match.
_QUICK = {True: rb"'[^']*+(?<!\\)'(?!')", False: rb"'[^']*+'(?!')"}
STRINGS = {
    True: rb"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'",
    False: rb"'[^']*+(?:''[^']*+)*+'",
}


class UsualRows:
    """Rows of strings, numbers and words with nothing between them but commas."""

    def __init__(self, program: Program, grammar: Grammar, columns: dict[int, Column]) -> None:
        slots = program.slots
        subjects = {
            place: slot.subject for place, slot in enumerate(slots) if slot is not None and slot.subject is not None
        }
        captured = sorted({*columns, *subjects.values()})
        self._row, self._groups = _row(len(slots), captured, grammar)
        self._among = {place: 2 * number for number, place in enumerate(captured, start=1)}
        self._columns = columns
        self._subjects = subjects

    def rewrite(self, data: memoryview, replaced: list[int]) -> tuple[bytes | None, int, int]:
        """What takes the place of the rows at the beginning of `data` (None: they stay as they are), how many bytes
        they have, and how many they are. Adds to `replaced`. Raises Unfit for one of their values."""
        pieces: list[bytes] = self._row.split(data)
        every = self._groups + 1
        end = len(data)
        if len(pieces) > 1 and not pieces[-2]:  # the last one is no row, but all that is left
            end -= sum(map(len, pieces[-every:]))
            del pieces[-every:]
        rows = len(pieces) // every
        if not rows:
            return None, 0, 0
        counts, changed = {}, {}
        for place, column in self._columns.items():
            values = pieces[self._among[place] :: every]
            subject = self._subjects.get(place)
            subjects = None if subject is None else pieces[self._among[subject] :: every]
            results, counts[place] = column.all(values, subjects)
            if counts[place] or results != values:
                changed[place] = results
        for place, count in counts.items():
            replaced[place] += count
        for place, results in changed.items():
            pieces[self._among[place] :: every] = results
        return b"".join(pieces) if changed else None, end, rows


def _row(places: int, captured: list[int], grammar: Grammar) -> tuple[re.Pattern[bytes], int]:
    """One row, and how many groups it has: what stands before the first captured place, that, what stands before the
    next, and so on. What is no row is in the first group as a whole, and the last one is empty."""
    quick, string = _QUICK[grammar.backslash], STRINGS[grammar.backslash]
    # Atomic: a row that is cut off is not tried again in other ways, of which there are many in many places.
    value = b"(?>" + b"|".join([quick, _PLAIN, string, _INTRODUCED + b"(?>" + quick + b"|" + string + b")"]) + b")"
    groups = [rb"[ \t\r\n,]*+\("]
    for place in range(places):
        groups[-1] += b"," if place else b""
        if place in captured:
            groups += [value, b""]
        else:
            groups[-1] += value
    if len(groups) == 1:
        groups.append(b"")
    groups[-1] += rb"\)"
    first, *others = groups
    text = b"(" + first + b"|.++)" + b"".join(b"(" + group + rb"|\Z)" for group in others)
    return re.compile(text, re.DOTALL), len(groups)
