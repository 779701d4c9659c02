"""The report for a terminal."""

from __future__ import annotations

from dataclasses import replace

from migci.core.finding import Finding, Severity
from migci.core.step import Outcome
from migci.report import text
from tests.unit.report import samples


def test_the_verdict_comes_first() -> None:
    assert text.render(samples.passing()).startswith("verdict: passed\nproject: nova (sqlalchemy-migrate), 15.2 s\n")


def test_a_dataset_has_one_line_with_its_server_rows_steps_and_seconds() -> None:
    assert (
        "user_001: passed (anonymized data, mariadb 10.11.19, 4,012,345 rows, "
        "2 steps: 1 trunk + 1 proposed, of these 1 cached, 14.2 s)"
    ) in text.render(samples.passing()).splitlines()


def test_a_datasets_line_tells_how_the_migrations_own_tests_ended() -> None:
    told = text.render(samples.run(samples.tried()))
    assert "1 step: 1 proposed, 3 tests: 1 passed, 1 failed, 1 not run, 14.2 s)" in told


def test_a_finding_has_its_place_and_its_hint_below_it() -> None:
    lines = text.render(samples.failing()).splitlines()
    at = lines.index("  error MC101: step 216->217 failed: no such column: cleaned")
    assert lines[at + 1 : at + 3] == [
        f"    at {samples.FOLDER}/217_havana.py:12",
        "    hint: the whole traceback is in log.txt",
    ]


def test_the_slowest_steps_have_their_slowest_statement_and_cached_ones_are_marked() -> None:
    lines = text.render(samples.passing()).splitlines()
    at = lines.index("  slowest steps:")
    alter = "ALTER TABLE `instances` ADD COLUMN `cleaned` INTEGER"
    assert lines[at + 1 :] == [
        "    proposed  216->217      2.500 s  250,000 rows changed",
        f"      slowest statement: {alter} (0.800 s, COPY, table rebuilt)",
        "    trunk     215->216      1.235 s  250,000 rows changed  (cached)",
        f"      slowest statement: {alter} (0.800 s, COPY, table rebuilt)",
    ]


def test_only_the_five_slowest_steps_are_shown() -> None:
    first = text.render(samples.nova()).partition("\nempty: ")[0]
    assert first.count("slowest statement:") == 5
    assert "329->330       95.1 s" in first


def test_errors_come_before_warnings_and_the_rest() -> None:
    said = [Finding("MC006", Severity.INFO, "an info"), Finding("MC001", Severity.ERROR, "an error")]
    found = text.render(samples.run(findings=tuple(said)))
    assert found.index("error MC001: an error") < found.index("info MC006: an info")


def test_findings_past_the_most_are_counted() -> None:
    trouble = tuple(Finding("MC006", Severity.INFO, f"number {n}") for n in range(53))
    assert "  3 more findings; replay.json has all of them" in text.render(samples.run(samples.replay(trouble=trouble)))


def test_a_missing_sandbox_is_said_and_a_present_one_is_not() -> None:
    assert "\nsandbox: none\n" in text.render(replace(samples.passing(), sandbox="none"))
    assert "sandbox" not in text.render(samples.passing())


def test_a_replay_that_never_began_says_what_is_not_known() -> None:
    run = samples.run(replace(samples.replay(), server=None, rows=None))
    assert "(anonymized data, no server, rows not counted, no steps, 14.2 s)" in text.render(run)


def test_hostile_text_cannot_write_a_line_of_its_own_nor_command_the_screen_or_the_runner() -> None:
    found = text.render(samples.hostile())
    lines = found.splitlines()
    assert lines[0] == "verdict: failed"
    assert not any(line.strip().startswith(("verdict: passed", "::")) for line in lines)
    assert all(line.isprintable() for line in lines)
    assert "##[" not in found
    assert len(found) < 10_000


def test_a_failed_step_says_so_among_the_slowest() -> None:
    assert "3,900,043 rows changed  failed\n" in text.render(samples.nova(Outcome.FAILED))
