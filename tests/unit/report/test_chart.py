"""The geometry of the pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migci.core.step import Stage
from migci.report import chart
from tests.unit.report import samples


def test_the_strip_is_full_and_its_segments_are_as_wide_as_they_were_long() -> None:
    steps = [samples.step("1", "2", Stage.TRUNK, 30.0), samples.step("2", "3", Stage.TRUNK, 10.0)]
    first, second = chart.strip(steps)
    assert (first.x, first.width, second.x, second.width) == (0, 75, 75, 25)


def test_the_stages_stand_apart_on_the_strip() -> None:
    first, second = chart.strip([samples.step("1", "2", Stage.TRUNK, 1.0), samples.step("2", "3", seconds=1.0)])
    assert second.x - (first.x + first.width) == pytest.approx(0.6)
    assert second.x + second.width == pytest.approx(100)


def test_steps_too_short_to_be_seen_are_one_segment_but_never_one_that_failed() -> None:
    quick = [samples.step(str(n), str(n + 1), Stage.TRUNK, 0.001) for n in range(100)]
    quick[50] = samples.failed(quick[50])
    segments = chart.strip([*quick, samples.step("100", "101", Stage.TRUNK, 100.0)])
    assert [len(segment.steps) for segment in segments] == [50, 1, 49, 1]
    assert [segment.troubled for segment in segments] == [False, True, False, False]


def test_a_strip_of_many_steps_has_a_few_hundred_segments_at_most() -> None:
    assert len(chart.strip([samples.step(str(n), str(n + 1)) for n in range(5000)])) <= 200


def test_steps_that_took_no_time_make_no_strip() -> None:
    assert chart.strip([samples.skipped(samples.step("1", "2"))]) == ()


def test_the_patchs_steps_are_a_group_of_their_own_and_never_crowded_out() -> None:
    before = [samples.step(str(n), str(n + 1), Stage.TRUNK, 100.0 + n) for n in range(50)]
    patch = [samples.step(str(n), str(n + 1), seconds=0.1) for n in range(50, 53)]
    found = chart.bars(before + patch, 25, 60.0)
    assert found is not None
    assert [(group.title, len(group.bars)) for group in found.groups] == [
        ("The patch's steps", 3),
        ("Steps before the patch", 22),
    ]
    assert found.groups[1].bars[0].index == 49
    assert found.groups[1].bars[0].width == 100


def test_sql_is_never_longer_than_its_step() -> None:
    found = chart.bars([replace(samples.step("1", "2", seconds=2.0), sql_seconds=5.0)], 25, None)
    assert found is not None
    assert (found.groups[0].bars[0].width, found.groups[0].bars[0].sql_width) == (100, 100)


def test_a_limit_beyond_the_axis_is_not_drawn() -> None:
    found = chart.bars([samples.step("1", "2", seconds=30.0)], 25, 60.0)
    assert found is not None
    assert found.limit is None


@pytest.mark.parametrize("longest", [0.00012, 0.099, 1.0, 9.99, 10.0, 95.123, 60.0, 100_000.0])
def test_the_axis_has_a_few_round_marks(longest: float) -> None:
    found = chart.bars([samples.step("1", "2", seconds=longest)], 25, None)
    assert found is not None
    assert 2 <= len(found.ticks) <= 6
    assert found.ticks[0] == (0, 0)
    assert f"{found.ticks[1][1]:.3e}"[:5] in ("1.000", "2.000", "5.000")
