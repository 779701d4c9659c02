"""No piece of eight characters of a confidential value passes the gate, whatever encoding it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from migci.adapters.gate.finder import ExactFinder, Finder
from migci.adapters.gate.gate import TAIL_BYTES, Gate
from migci.adapters.gate.index import Index, build
from tests.unit.gate.leaks import CARRIERS, ENCODINGS, NESTED, VALUES, leaked

KEY = bytes(range(16))
SHORT = {name: value for name, value in VALUES.items() if len(value) < 1000}


Knowing = Callable[[str], Finder]


@pytest.fixture(params=["values", "index"])
def knowing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Knowing]:
    """Makes a finder of one value."""
    with ExitStack() as opened:

        def indexed(value: str) -> Finder:
            file = tmp_path / "index"
            build(file, KEY, ["users.name"], [(0, value.encode())], limit_bytes=1_000_000)
            return opened.enter_context(Index.open(file, KEY))

        yield indexed if request.param == "index" else exact


def exact(value: str) -> Finder:
    return ExactFinder({"users.name": [value.encode()]})


def data_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def cleaned(text: str, finder: Finder) -> bytes:
    gate = Gate(finder)
    output = gate.clean_bytes(data_of(text))
    assert gate.clean_bytes(output) == output
    return output


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("value", VALUES)
def test_a_value_does_not_pass_in_what_carries_it(value: str, carrier: str, knowing: Knowing) -> None:
    text = CARRIERS[carrier](VALUES[value])
    assert leaked(cleaned(text, knowing(VALUES[value])), VALUES[value]) == []


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", VALUES)
def test_an_encoded_value_does_not_pass(value: str, encoding: str, knowing: Knowing) -> None:
    encoded = ENCODINGS[encoding](VALUES[value])
    output = cleaned(f"row 5: {encoded} was moved\n", knowing(VALUES[value]))
    assert leaked(output, VALUES[value]) == []
    assert b"[removed: users.name]" in output
    assert output.startswith(b"row 5: ")
    assert output.endswith(b" was moved\n")


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoded_value_does_not_pass_in_what_carries_it(encoding: str, carrier: str, knowing: Knowing) -> None:
    for value in SHORT.values():
        assert leaked(cleaned(CARRIERS[carrier](ENCODINGS[encoding](value)), knowing(value)), value) == []


@pytest.mark.parametrize(("inner", "outer"), NESTED)
def test_a_value_does_not_pass_in_an_encoding_within_another(inner: str, outer: str, knowing: Knowing) -> None:
    for value in SHORT.values():
        encoded = ENCODINGS[outer](ENCODINGS[inner](value))
        output = cleaned(f"row 5: {encoded} was moved\n", knowing(value))
        rest = output.replace(b"[removed: users.name]", b"").removeprefix(b"row 5: ").removesuffix(b" was moved\n")
        assert len(rest) < len(output)
        assert len(rest) < len(encoded) / 3 + 24


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_that_is_split_over_two_writes_does_not_pass(encoding: str) -> None:
    for value in ("Margarethe Vollbrecht", 'O\'Brien "Bob" & Größmann'):
        finder = exact(value)
        data = data_of(f"row 5: {ENCODINGS[encoding](value)} was moved\n")
        whole = cleaned(data.decode("utf-8", "surrogateescape"), finder)
        for at in range(len(data)):
            assert streamed(finder, data[:at], data[at:]) == whole


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("value", SHORT)
def test_a_value_that_is_written_byte_by_byte_does_not_pass(value: str, encoding: str) -> None:
    finder = exact(SHORT[value])
    text = f"row 5: {ENCODINGS[encoding](SHORT[value])} was moved\n"
    data = data_of(text)
    assert streamed(finder, *[data[at : at + 1] for at in range(len(data))]) == cleaned(text, finder)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_does_not_pass_wherever_it_is_when_what_is_held_is_used_up(encoding: str) -> None:
    value = SHORT["an address of several lines"]
    finder = exact(value)
    secret = data_of(ENCODINGS[encoding](value))
    bound = 4 * TAIL_BYTES
    line = b"INFO  [alembic.runtime.migration] Running upgrade\n"
    for before in range(bound - TAIL_BYTES - len(secret) - 60, bound + 20, 29):
        filler = (line * (before // len(line) + 1))[:before]
        output = streamed(finder, filler + b" " + secret + b" " + line * 90, held_bytes=bound)
        assert leaked(output, value) == []
        assert output.count(b"[removed: users.name]") == 1
        assert output.startswith(filler)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_value_that_is_longer_than_what_is_held_does_not_pass(encoding: str, knowing: Knowing) -> None:
    value = VALUES["a large document"]
    data = data_of(f"row 5: {ENCODINGS[encoding](value)} was moved\n")
    output = streamed(knowing(value), data, held_bytes=4 * TAIL_BYTES)
    assert leaked(output, value) == []
    assert len(output) < len(data) / 50


def streamed(finder: Finder, *writes: bytes, held_bytes: int = 65_536) -> bytes:
    parts: list[bytes] = []
    stream = Gate(finder).stream(parts.append, held_bytes=held_bytes)
    for write in writes:
        stream.write(write)
        assert stream.held_bytes <= held_bytes
    stream.flush()
    return b"".join(parts)
