"""`anonymize discover`, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import click
import pytest

from anonymize.cli import commands
from anonymize.cli.shown import run
from anonymize.discover import people
from tests.unit.anonymize.discover.made_dump import PEOPLE, dump


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("command")
    (path / "dump.sql").write_text(dump())
    return path


def anonymize(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """As the program runs it; Faker's pools are not made."""
    command = click.Command("anonymize", callback=lambda: commands(list(words), standalone_mode=False))
    known = patch.object(people, "known", lambda locales: PEOPLE)
    with known, patch("signal.signal"), patch("sys.argv", ["anonymize"]), pytest.raises(SystemExit) as ended:
        run(command)
    said = capsys.readouterr()
    return int(str(ended.value.code or 0)), said.out, said.err


def test_what_it_writes_is_markup_that_a_plan_reads(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, file = str(folder / "dump.sql"), folder / "proposed.toml"
    status, out, err = anonymize("discover", source, "-o", str(file), capsys=capsys)
    assert (status, out) == (0, "")
    assert "57 columns:" in err
    _, out, _ = anonymize("plan", source, "--markup", str(file), "--format", "json", capsys=capsys)
    problems = {(one["id"], one["column"]) for one in json.loads(out)["problems"] if one["severity"] == "error"}
    assert {id for id, _ in problems} == {"unmarked"}
    lines = file.read_text().splitlines()
    assert {column for _, column in problems} == {
        line.split()[2].rstrip(":") for line in lines if line.startswith("# ? ")
    }


def test_a_file_that_is_there_is_not_written_over(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "mine.toml"
    file.write_text("mine")
    status, _, err = anonymize("discover", str(folder / "dump.sql"), "-o", str(file), capsys=capsys)
    assert (status, file.read_text()) == (2, "mine")
    assert "is there already" in err


def test_json_has_every_column_with_its_verdict(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = anonymize("discover", str(folder / "dump.sql"), "--format", "json", capsys=capsys)
    told = json.loads(out)
    assert (status, told["schema"]) == (0, "anonymize.discover/1")
    assert told["counts"] == {"replace": 39, "keep": 10, "?": 6, "left out": 2}
    assert len(told["columns"]) == sum(told["counts"].values())
    email = next(one for one in told["columns"] if one["column"] == "email_c" and one["table"] == "things")
    assert email["type"] == "varchar"
    assert (email["verdict"], email["kind"], email["options"]) == ("replace", "email", {})
    assert 0.9 < email["confidence"] <= 1
    assert email["why"].startswith("100 % of 120 values are mail addresses")


@pytest.mark.parametrize(
    ("text", "words", "status", "said"),
    [
        (None, [], 2, "cannot be opened"),
        ("-- nothing\n", [], 1, "declares no tables"),
        ("CREATE TABLE t (a text);\nINSERT INTO t VALUES ('secret','secret');\n", [], 3, "broken.sql:2: table t"),
        ("CREATE TABLE t (a text);\nINSERT INTO t VALUES ('secret\n", [], 3, "cut off"),
        ("CREATE TABLE t (a text);\n", ["--markup", "none.toml"], 2, "the markup none.toml cannot be read"),
        ("CREATE TABLE t (a text);\n", ["-o", "/nowhere/at/all.toml"], 2, "cannot be written: No such file"),
        ("CREATE TABLE t (a text);\n", ["--presidio"], 2, "Presidio is not installed"),
        ("CREATE TABLE t (a text);\n", ["--sample", "0"], 2, "--sample"),
    ],
)
def test_what_goes_wrong_is_a_sentence_without_values(
    tmp_path: Path, text: str | None, words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.sql"
    if text is not None:
        file.write_text(text)
    with patch.dict("sys.modules", {"presidio_analyzer": None}):
        found, out, err = anonymize("discover", str(file), *words, capsys=capsys)
    assert (found, out) == (status, "")
    assert said in err
    assert "secret" not in err
    assert "Traceback" not in err


def test_names_from_the_dump_can_be_no_more_than_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, proposed = tmp_path / "odd.sql", tmp_path / "odd.toml"
    file.write_text('CREATE TABLE `a.b"c` (`like` text, `x y` text, `e]mail\x1b[2J` varchar(99), `é` int, id int);\n')
    status, out, _ = anonymize("discover", str(file), capsys=capsys)
    assert status == 0
    assert "\x1b" not in out
    proposed.write_text(out)
    status, _, err = anonymize("plan", str(file), "--markup", str(proposed), capsys=capsys)
    assert status == 1, err


def test_an_unknown_locale_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from anonymize.errors import UsageError

    with pytest.raises(UsageError, match="Faker has no locale 'xx_XX'"):
        people.known(("xx_XX",))


def test_people_are_known_from_fakers_pools() -> None:
    known = people.known(("en_US",))
    assert known.is_person("Dr. James Smith")
    assert known.is_person("Smith, James")
    assert not known.is_person("Hello World")
    assert known.mentioned("yesterday James Smith called")
    assert not known.mentioned("yesterday somebody called")
