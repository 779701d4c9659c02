"""The report for a review's comment."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.report import markdown
from tests.unit.report import samples


def outside_of_code(text: str) -> str:
    """What is left of `text` when its code spans are taken out, by CommonMark's rule for them."""
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text)


def test_the_verdict_is_the_heading() -> None:
    assert markdown.render(samples.failing()).startswith("### migci: failed\n")


def test_each_dataset_is_a_row_of_the_table() -> None:
    assert (
        "| `user_001` | passed | anonymized | `mariadb 10.11.19` | 4,012,345 "
        "| 2 steps: 1 trunk + 1 proposed, of these 1 cached | 14.2 s |"
    ) in markdown.render(samples.passing()).splitlines()


def test_a_finding_names_its_dataset_and_place() -> None:
    lines = markdown.render(samples.failing()).splitlines()
    at = lines.index(
        f"- **error MC101** A migration raised an error: dataset `user_001`, `{samples.FOLDER}/217_havana.py:12`"
    )
    assert lines[at + 1] == "  - `step 216->217 failed: no such column: cleaned`"


def test_the_slowest_steps_of_all_datasets_share_a_table() -> None:
    found = markdown.render(samples.nova())
    assert "| `user_001` | proposed | `329->330` | 95.1 s | 3,900,043 |" in found
    assert "| `empty` | trunk | `317->318` |" in found


def test_a_missing_sandbox_is_said() -> None:
    assert "\nsandbox: none\n" in markdown.render(replace(samples.passing(), sandbox="none"))


def test_hostile_text_stays_in_code_spans() -> None:
    rest = outside_of_code(markdown.render(samples.hostile()))
    for markup in ("<", "@", "](", "http", "`", "#1", "\x1b", "\x00"):
        assert markup not in rest, markup


def test_the_rows_of_a_table_have_its_columns_whatever_they_hold() -> None:
    rows = [line for line in markdown.render(samples.hostile()).splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {8, 7}


def test_the_longest_report_fits_a_comment() -> None:
    long = samples.hostile()
    assert len(markdown.render(replace(long, replays=long.replays * 100, findings=long.findings * 100))) < 65_536


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("a `b` c", "``a `b` c``"),
        ("`b`", "`` `b` ``"),
        ("a``b", "```a``b```"),
        ("a\n\n# b", "`a # b`"),
        ("a|b", "`a¦b`"),
    ],
)
def test_a_code_span_is_fenced_by_more_backticks_than_it_holds(text: str, span: str) -> None:
    assert markdown.code(text) == span


@given(st.text(alphabet="`a |\\\n<@", max_size=40))
def test_no_text_leaves_its_code_span(text: str) -> None:
    assert outside_of_code(f"x {markdown.code(text)} y") == "x  y"
