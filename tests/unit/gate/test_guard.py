"""The gates of one command, with real indexes: what is logged and told passes them; tokens tell if they hold."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from migci.adapters.gate.guard import FileGates
from migci.adapters.log import Log
from migci.ports import ValueSink

COLUMNS = ("users.email", "users.name")


def pour(sink: ValueSink) -> None:
    sink.add(0, b"ada@example.org")
    sink.add(1, b"Ada Lovelace")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log.txt")


@pytest.fixture
def gates(tmp_path: Path, log: Log) -> FileGates:
    (tmp_path / "store" / "snapshots" / "here").mkdir(parents=True)
    made = FileGates(tmp_path / "store", log)
    made.make("here-1", COLUMNS, pour)
    return made


def logged(tmp_path: Path, log: Log) -> str:
    log.close()
    return (tmp_path / "log.txt").read_text()


def test_what_is_logged_meanwhile_passes_the_gate_and_tells_its_columns(
    tmp_path: Path, gates: FileGates, log: Log
) -> None:
    with gates.guard("here-1", publish=True) as gate:
        log.write(b"mail to ada@exam")
        log.write(b"ple.org sent\n")
        assert gate.exposed() == ("users.email",)
        assert gate.clean("who is Ada Lovelace?") == "who is [removed: users.name]?"
        assert gate.exposed() == ("users.name",)
        assert gate.exposed() == ()
    assert logged(tmp_path, log) == "   mail to [removed: users.email] sent\n"


def test_without_publishing_it_is_looked_at_and_not_kept(tmp_path: Path, gates: FileGates, log: Log) -> None:
    with gates.guard("here-1", publish=False) as gate:
        log.heading("revision 7")
        log.write(b"mail to ada@example.org sent, and much besides\n")
        assert gate.exposed() == ("users.email",)
    log.write(b"afterwards\n")
    told = logged(tmp_path, log)
    assert "== revision 7\n   afterwards\n" in told
    assert "besides" not in told


def test_a_gate_without_an_index_removes_secrets_whoever_they_belong_to(gates: FileGates) -> None:
    with gates.guard(None, publish=True) as gate:
        assert gate.tokens == {}
        assert gate.clean("ada@example.org password=hunter2hunter2") == "ada@example.org password=[removed]"


def test_a_token_is_removed_as_a_value_of_its_column_is(gates: FileGates) -> None:
    with gates.guard("here-1", publish=True) as gate:
        assert set(gate.tokens) == set(COLUMNS)
        token = gate.tokens["users.name"]
        assert gate.clean(f"found {token}!") == "found [removed: users.name]!"
        assert gate.exposed() == ("users.name",)


def test_a_token_that_came_through_is_found_in_whatever_encoding(gates: FileGates) -> None:
    with gates.guard("here-1", publish=True) as gate:
        token = gate.tokens["users.email"].encode()
    for shown in (token, base64.b64encode(b"x" + token), token.hex().encode(), token[3:12]):
        assert gates.leaked(b"a" * 3_000_000 + b" " + shown + b" ")
    assert not gates.leaked(b"nothing of it " * 1000)


def test_other_commands_have_other_tokens(gates: FileGates) -> None:
    with gates.guard("here-1", publish=True) as first, gates.guard("here-1", publish=True) as second:
        assert first.tokens["users.name"] != second.tokens["users.name"]


def test_the_key_is_the_owners_alone_and_the_same_for_all(tmp_path: Path, gates: FileGates, log: Log) -> None:
    key = tmp_path / "store" / "values" / "key"
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    again = FileGates(tmp_path / "store", log)
    again.make("here-2", COLUMNS, pour)
    assert key.read_bytes() == before
    assert [file.name for file in key.parent.glob("key*")] == ["key"]


def test_an_index_goes_with_its_snapshot(tmp_path: Path, gates: FileGates) -> None:
    (tmp_path / "store" / "snapshots" / "here").rmdir()
    (tmp_path / "store" / "snapshots" / "there").mkdir()
    gates.make("there-1", COLUMNS, pour)
    assert gates.has("there-1")
    assert not gates.has("here-1")
