"""The compiled sieve and its twin tell the same, and forget nothing that they must not."""

from __future__ import annotations

import base64
import re
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.gate import _sieve_pure, gate, runs, sieve
from migci.adapters.gate.finder import ExactFinder
from tests.unit.gate.leaks import ENCODINGS

COMPILED = sieve.Runs.__module__ != _sieve_pure.__name__
KEY = bytes(range(16))
TEXT = st.lists(
    st.sampled_from(
        [
            b"a",
            b"Z9",
            b"0",
            b"-",
            b" ",
            b":",
            b"\r\n",
            b"\n",
            b"\x00",
            b"\xff",
            b"41 ",
            b"4d:",
            b"abcdefghijk",
            b"word_of_16_chars",
        ]
    )
).map(b"".join)

needs_kernel = pytest.mark.skipif(
    not COMPILED, reason="NO KERNEL: './dev setup' compiles it where there is a C compiler"
)


@pytest.fixture(params=[pytest.param(sieve, id="compiled", marks=needs_kernel), pytest.param(_sieve_pure, id="pure")])
def kind(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


@needs_kernel
@settings(max_examples=500, deadline=None)
@given(TEXT)
def test_both_tell_the_same_of_a_text(text: bytes) -> None:
    assert sieve.Runs(KEY, 8).unknown(text) == _sieve_pure.Runs(KEY, 8).unknown(text)


@settings(deadline=None)
@given(TEXT)
def test_what_is_told_is_there(text: bytes) -> None:
    spans, has = sieve.Runs(KEY, 8).unknown(text)
    assert spans == [match.span() for match in re.finditer(rb"[A-Za-z0-9+/_-]{11,}", text)]
    assert bool(has & sieve.DIGIT_PAIRS) == bool(re.search(rb"([0-9a-fA-F]{2}[ :,-]{1,2}){7}[0-9a-fA-F]{2}", text))


VALUE = st.text(st.characters(max_codepoint=0x17F), min_size=8, max_size=12)
RUN = st.text("ABCDEFabcdef0123456789xyzXYZ+/-_", min_size=11, max_size=70).map(str.encode)


@needs_kernel
@settings(max_examples=500, deadline=None)
@given(st.lists(RUN, max_size=4), st.lists(st.binary(min_size=8, max_size=48).map(base64.b64encode), max_size=4))
def test_both_read_the_same_in_runs(some: list[bytes], others: list[bytes]) -> None:
    text = b" ".join([*some, *others])
    spans = sieve.Runs(KEY, 8).unknown(text)[0]
    assert sieve.said(text, spans) == _sieve_pure.said(text, spans)


@settings(max_examples=500, deadline=None)
@given(VALUE, st.binary(max_size=6), st.sampled_from(sorted(ENCODINGS)))
def test_what_a_run_says_is_told_or_it_is_left_to_be_looked_at(value: str, before: bytes, encoding: str) -> None:
    said_so = ENCODINGS[encoding](value).encode("utf-8", "surrogateescape")
    for run in (base64.b64encode(before + said_so).rstrip(b"="), (before + said_so).hex().encode()):
        spans = sieve.Runs(KEY, 8).unknown(run)[0]
        told, lengths, others = sieve.said(run, spans)
        assert sum(lengths) == len(told)
        plain = value.encode()
        assert others == spans or (plain in told and said_so in told)


def test_a_span_that_is_not_in_the_text_is_refused(kind: ModuleType) -> None:
    if kind is sieve:
        for wrong in ([(0, 12)], [(-1, 3)], [(3, 2)]):
            with pytest.raises(IndexError):
                kind.said(b"abcdefghijk", wrong)
            with pytest.raises(IndexError):
                kind.Runs(KEY, 8).add(b"abcdefghijk", wrong)


def test_a_run_is_known_when_it_was_added_and_no_other_is(kind: ModuleType) -> None:
    known = kind.Runs(KEY, 8)
    known.add(b"an information_schema", [(3, 21)])
    assert known.unknown(b"information_schema information_schemas")[0] == [(19, 38)]


def test_a_long_run_is_never_known(kind: ModuleType) -> None:
    known = kind.Runs(KEY, 8)
    known.add(b"a" * 65, [(0, 65)])
    assert known.unknown(b"a" * 65)[0] == [(0, 65)]


def test_lines_are_known_by_their_state_and_their_shape(kind: ModuleType) -> None:
    lines = kind.Lines(KEY, 8)
    assert not lines.learn(b"Row 17 of 20", 0, 3, 5)
    assert not lines.learn(b"end", 3, 0, 0)
    text = b"row 05 OF 99\nend\nrow 5 of 99\n"
    assert lines.scan(text, 0, 0) == (17, 0, [(0, 5)])
    assert lines.scan(text, 13, 0) == (13, 0, [])
    assert lines.scan(b"end", 0, 3) == (3, 0, [])
    lines.clear()
    assert lines.scan(text, 0, 0) == (0, 0, [])


def test_a_full_sieve_says_so_and_learns_no_more(kind: ModuleType) -> None:
    lines = kind.Lines(KEY, 4)
    told = [lines.learn(b"x" * size, 0, 0, 0) for size in range(20)]
    assert told == [False] * 7 + [True] * 13
    assert lines.scan(b"x" * 15, 0, 0)[0] == 0


def test_a_line_that_is_too_long_is_not_learnt(kind: ModuleType) -> None:
    lines = kind.Lines(KEY, 4)
    lines.learn(b"x" * 1001, 0, 0, 0)
    assert lines.scan(b"x" * 1001, 0, 0)[0] == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [(b"WHERE id = 1234", b"WHERE id = 12a4"), (b"VALUES (123e4567)", b"VALUES (12ae4567)"), (b"0x1234", b"0x12g4")],
)
def test_a_number_is_not_taken_for_an_id(one: bytes, other: bytes) -> None:
    lines = sieve.Lines(KEY, 8)
    lines.learn(one, 0, 0, 1)
    assert lines.scan(other, 0, 0)[0] == 0


def test_a_gate_on_the_twin_removes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value = "m.vollbrecht@example.org"
    finder = ExactFinder({"users.email": [value.encode()]})
    text = "\n".join(
        f"INFO UPDATE t SET a = '{number}' WHERE id = {number}; {encode(value)} [generated in 0.1s] ({number},)"
        for number in range(3)
        for encode in ENCODINGS.values()
    )
    compiled = gate.Gate(finder).clean(text)
    monkeypatch.setattr(sieve, "Runs", _sieve_pure.Runs)
    monkeypatch.setattr(runs, "_NOTHING_KNOWN", _sieve_pure.Runs(KEY, 4))
    monkeypatch.setattr(sieve, "Lines", _sieve_pure.Lines)
    assert gate.Gate(finder).clean(text) == compiled


@settings(deadline=None)
@given(st.binary(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.binary(max_size=3))))
def test_both_replace_alike(text: bytes, drawn: list[tuple[int, int, bytes]]) -> None:
    cuts = sorted((min(a, b, len(text)), min(max(a, b), len(text)), instead) for a, b, instead in drawn)
    assert sieve.replaced(text, cuts) == _sieve_pure.replaced(text, cuts)


def test_what_is_cut_is_replaced_unless_two_cuts_touch(kind: ModuleType) -> None:
    assert kind.replaced(b"abcdef", [(0, 1, b"?"), (3, 5, b"")]) == b"?bcf"
    assert kind.replaced(b"abcdef", [(0, 1, b"?"), (1, 5, b"")]) is None
    with pytest.raises(IndexError):
        kind.replaced(b"abcdef", [(0, 7, b"?")])
