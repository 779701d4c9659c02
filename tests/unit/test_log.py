"""The raw log: bounded, harmless on a terminal, and nothing in it passes for migci's own words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migci.adapters.log import Log

SEPARATORS = [b"\n", b"== x", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85"]


def logged(path: Path, *pieces: bytes, limit_bytes: int = 10_000) -> str:
    with Log(path, limit_bytes) as log:
        log.heading("revision 1")
        for piece in pieces:
            log.write(piece)
    return path.read_text(encoding="utf-8", errors="replace")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


def test_what_is_printed_is_indented_under_a_heading(path: Path) -> None:
    assert logged(path, b"one\ntwo\n") == "== revision 1\n   one\n   two\n"


def test_lines_that_come_in_pieces_are_one_line(path: Path) -> None:
    assert logged(path, b"on", b"e\nt", b"wo") == "== revision 1\n   one\n   two"


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        (b"\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        (b"nul \x00 bell \x07 delete \x7f", "nul \\x00 bell \\x07 delete \\x7f"),
        (b"\xc2\x9b31m", "\\xc2\\x9b31m"),
        (b"over\rwritten", "over\\x0dwritten"),
        ("tab\tand letters é 🦊".encode(), "tab\tand letters é 🦊"),
    ],
)
def test_what_a_terminal_would_obey_is_written_out(path: Path, printed: bytes, shown: str) -> None:
    assert logged(path, printed) == f"== revision 1\n   {shown}"


def test_an_escape_in_two_pieces_is_written_out_too(path: Path) -> None:
    assert "\x9b" not in logged(path, b"\xc2", b"\x9b31m")


def test_a_heading_that_is_printed_is_not_one(path: Path) -> None:
    text = logged(path, b"== revision 2\n", b"== ", b"revision 3\n\n== revision 4")
    assert [line for line in text.splitlines() if line.startswith("==")] == ["== revision 1"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=30) | st.sampled_from([b"\n", b"== x", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85"]))
)
def test_no_heading_can_be_forged_and_nothing_a_terminal_obeys_is_written(path: Path, pieces: list[bytes]) -> None:
    text = logged(path, *pieces)
    assert [line for line in text.split("\n") if line.startswith("==")] == ["== revision 1"]
    assert not any(ord(letter) < 0x20 and letter not in "\t\n" for letter in text)


def test_a_heading_is_one_line_and_harmless(path: Path) -> None:
    with Log(path) as log:
        log.heading("revision \x1b[31m1\n== revision 2")
    assert path.read_text() == "== revision \\x1b[31m1 == revision 2\n"


def test_a_heading_begins_a_line(path: Path) -> None:
    with Log(path) as log:
        log.write(b"no end of line")
        log.heading("next")
    assert path.read_text() == "   no end of line\n== next\n"


def test_what_is_too_much_is_counted_and_not_kept_and_headings_still_are(path: Path) -> None:
    with Log(path, limit_bytes=10) as log:
        log.write(b"12345678")
        log.write(b"90" + b"x" * 1000)
        log.write(b"y" * 23)
        log.heading("next")
    assert path.read_text() == "   1234567890\n== next\n== 1023 more bytes were printed and are not kept\n"


def test_lines_of_nothing_do_not_outgrow_the_limit_by_much(path: Path) -> None:
    """Each byte may become four: three to indent it, or an escape."""
    logged(path, b"\n" * 100_000, b"\x00" * 100_000, limit_bytes=5_000)
    assert path.stat().st_size < 4 * 5_000 + 200


def test_what_was_printed_before_a_heading_is_on_disk_when_that_is_written(path: Path) -> None:
    with Log(path) as log:
        log.write(b"one\n")
        log.heading("next")
        assert path.read_text() == "   one\n== next\n"
