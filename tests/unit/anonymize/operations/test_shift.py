"""Dates move together with those of their subject."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from anonymize.errors import Unfit
from anonymize.ops import Op, Shift

Apply = Callable[..., bytes | None]
KEY = bytes(range(32))


def moved(apply: Apply, op: Op, value: str, subject: bytes = b"") -> int:
    result = apply(op, value.encode(), subject)
    assert result is not None
    return (date.fromisoformat(result.decode()) - date.fromisoformat(value)).days


def test_the_dates_of_one_subject_move_by_the_same_days(apply: Apply) -> None:
    op = Shift(KEY, 100)
    for subject in (b"", b"ann", b"x" * 200):
        start = date(1999, 12, 25)
        days = {moved(apply, op, (start + timedelta(number)).isoformat(), subject) for number in range(500)}
        assert len(days) == 1


def test_subjects_move_by_every_number_of_days_in_the_range_but_never_by_none(apply: Apply) -> None:
    days = {moved(apply, Shift(KEY, 3), "2024-02-29", b"%d" % subject) for subject in range(200)}
    assert days == {-3, -2, -1, 1, 2, 3}


def test_every_day_of_four_centuries_moves_as_the_calendar_has_it(apply: Apply) -> None:
    op = Shift(KEY, 1)
    by = moved(apply, op, "2000-01-01")
    for ordinal in range(date(1899, 12, 1).toordinal(), date(2301, 3, 1).toordinal(), 7):
        assert moved(apply, op, date.fromordinal(ordinal).isoformat()) == by
    for year in (1, 4, 100, 400, 1900, 2000, 9998):
        for day in ("01-02", "02-28", "03-01", "12-30"):
            assert moved(apply, op, f"{year:04}-{day}") == by


@pytest.mark.parametrize("time", [b" 12:13:14", b" 12:13:14.123456", b"T00:00:00Z", b"T00:00+01:00"])
def test_the_time_stays(apply: Apply, time: bytes) -> None:
    result = apply(Shift(KEY, 30), b"2020-05-06" + time)
    assert result is not None
    assert result[10:] == time
    assert result[:10] == apply(Shift(KEY, 30), b"2020-05-06") != b"2020-05-06"


@pytest.mark.parametrize("value", [b"", b"0000-00-00", b"0000-00-00 00:00:00", b"2020-00-00", b"2020-01-00"])
def test_a_date_that_is_not_known_stays(apply: Apply, value: bytes) -> None:
    assert apply(Shift(KEY, 30), value) == value


@pytest.mark.parametrize(
    "value",
    [
        b"2020-02-30",
        b"1900-02-29",
        b"2020-13-01",
        b"2020-04-31",
        b"2020-1-1",
        b"20200101",
        b"2020/01/01",
        b"2020-01-011",
        b"2020-01-01 for Ann",
        b"2020-01-01Z",
        b"2020-01",
        b"+020-01-01",
        b"1590000000",
        b"yesterday",
    ],
)
def test_what_is_no_date_is_refused(apply: Apply, value: bytes) -> None:
    with pytest.raises(Unfit, match=r"no (date|day)"):
        apply(Shift(KEY, 30), value)


def test_no_date_leaves_the_years_that_there_are(apply: Apply) -> None:
    refused = 0
    for value in (b"0001-01-01", b"9999-12-30"):
        try:
            apply(Shift(KEY, 1), value)
        except Unfit as unfit:
            refused += "out of what the column holds" in str(unfit)
    assert refused == 1


@pytest.mark.parametrize(
    ("value", "timestamp"), [(b"9999-12-31 23:59:59", False), (b"1970-01-01 00:00:01", True), (b"2038-01-19", True)]
)
def test_a_date_that_stands_for_never_stays(apply: Apply, value: bytes, timestamp: bool) -> None:
    assert apply(Shift(KEY, 300, timestamp), value) == value


def test_no_timestamp_leaves_the_days_that_a_timestamp_can_be(apply: Apply) -> None:
    op = Shift(KEY, 1, timestamp=True)
    refused = 0
    for value in (b"1970-01-02", b"2038-01-17 23:59:59"):
        assert apply(Shift(KEY, 1), value) is not None
        try:
            apply(op, value)
        except Unfit:
            refused += 1
    assert refused == 1


@pytest.mark.parametrize("days", [0, 3652059])
def test_a_range_that_cannot_be_is_refused(apply: Apply, days: int) -> None:
    with pytest.raises(ValueError, match="cannot move"):
        apply(Shift(KEY, days), b"2020-01-01")
