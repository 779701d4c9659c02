"""Shift: dates move by as many days as their subject says."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import date

from anonymize.errors import Unfit
from anonymize.ops import Shift
from anonymize.pseudonym import token

_DATE = re.compile(rb"([0-9]{4})-([0-9]{2})-([0-9]{2})((?:[ T][0-9 :.+Z-]*)?)")

_ALL = 1, date.max.toordinal() - 1
_TIMESTAMP = date(1970, 1, 2).toordinal(), date(2038, 1, 17).toordinal()


def shift(op: Shift) -> Callable[[bytes, bytes], bytes]:
    """The operation, for a value and its subject. Raises ValueError for days that are not from 1 to 3652058."""
    if not 1 <= op.days < date.max.toordinal():
        raise ValueError(f"dates cannot move by {op.days} days")

    first, last = _TIMESTAMP if op.timestamp else _ALL

    @functools.lru_cache(maxsize=1 << 16)
    def days_of(subject: bytes) -> int:
        number = int.from_bytes(token(op.key, subject)[:8], "little") % (2 * op.days)
        return number - op.days if number < op.days else number - op.days + 1

    def shifted(value: bytes, subject: bytes) -> bytes:
        if not value:
            return value
        match = _DATE.fullmatch(value)
        if match is None:
            raise Unfit("it is no date of the form YYYY-MM-DD, with or without a time")
        year, month, day = int(match[1]), int(match[2]), int(match[3])
        if not (year and month and day):
            return value
        try:
            old = date(year, month, day)
        except ValueError as error:
            raise Unfit("it is no day of the calendar") from error
        if not first <= old.toordinal() <= last:
            return value
        moved = old.toordinal() + days_of(subject)
        if not first <= moved <= last:
            raise Unfit("it would move out of what the column holds")
        new = date.fromordinal(moved)
        return b"%04d-%02d-%02d%b" % (new.year, new.month, new.day, match[4])

    return shifted
