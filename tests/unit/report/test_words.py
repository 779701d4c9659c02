"""Bounded text and readable figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.report import FILES, FORMATS, figures, plain
from tests.unit.report import samples


def test_every_format_and_file_renders_every_sample() -> None:
    for render in (*FORMATS.values(), *FILES.values()):
        for run in (samples.passing(), samples.failing(), samples.hostile(), samples.run()):
            assert render(run).endswith("\n")
            render(run).encode("utf-8")


def test_the_formats_and_files_are_those_of_the_contract() -> None:
    assert list(FORMATS) == ["text", "json", "markdown"]
    assert list(FILES) == ["replay.json", "report.html", "junit.xml", "findings.sarif"]


@given(st.text(max_size=300), st.integers(20, 250))
def test_a_line_is_printable_and_never_longer_than_its_limit(text: str, limit: int) -> None:
    found = plain.line(text, limit)
    assert found.isprintable()
    assert len(found) <= limit


@given(st.text(max_size=300), st.integers(20, 250))
def test_a_block_is_printable_but_for_its_line_breaks(text: str, limit: int) -> None:
    found = plain.block(text, limit)
    assert found.replace("\n", "").replace("\t", "").isprintable()
    assert len(found) <= limit


def test_what_was_cut_off_is_counted() -> None:
    assert plain.line("a" * 1000, 120) == "a" * 96 + "… (904 more characters)"


def test_a_cut_is_told_even_if_what_was_read_is_short() -> None:
    assert plain.line(" " * 5000 + "a", 120) == "… (4041 more characters)"


def test_line_breaks_outlive_a_block_and_not_a_line() -> None:
    assert plain.block("a\r\n\tb\x1b[0m", 100) == "a\n\tb\ufffd[0m"
    assert plain.line("a\r\n\tb\x1b[0m", 100) == "a b\ufffd[0m"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "-"),
        (float("nan"), "-"),
        (0.4123, "0.412 s"),
        (12.34, "12.3 s"),
        (902.2, "15 min 2 s"),
        (7260.0, "2 h 1 min"),
    ],
)
def test_seconds_are_told_in_the_unit_that_fits(value: float | None, says: str) -> None:
    assert figures.seconds(value) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (4123, "4.1 kB"),
        (250_000_000, "250 MB"),
        (1_490_000_000, "1.5 GB"),
    ],
)
def test_bytes_are_told_in_decimal_units(value: int | None, says: str) -> None:
    assert figures.size(value) == says
