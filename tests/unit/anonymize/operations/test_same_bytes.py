"""The kernel and its twin make the same bytes of the same values, and refuse the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize import twin
from anonymize.engine import engines
from anonymize.errors import Unfit
from anonymize.ops import Address, Constant, Json, Null, Numerals, Op, Shift

pytestmark = pytest.mark.skipif(
    "kernel" not in engines(), reason="the kernel was not compiled: there was no C compiler"
)

KEY = bytes(range(32))
ALPHABETS = [b"0123456789", b"0123456789abcdef", b"0123456789abcdefghijklmnopqrstuvwxyz", b"01", b"#zx"]
LIMITS = [0, 4, 127, 2**32 - 1, 2**64 - 1, 10**17, 10**40]
LEAVES = [None, Null(), Constant(b'X"\n\xc3\xa9'), Constant(b"12"), Constant(b"\xff"), Numerals(KEY)]
EXAMPLES = settings(max_examples=300, deadline=None, derandomize=True)

keys = st.binary(min_size=32, max_size=32)
leaves = st.sampled_from(LEAVES)
paths = st.lists(st.sampled_from(["a", "b", "é", "*"]), max_size=3).map(tuple)
addresses = st.ip_addresses().map(str) | st.ip_addresses(v=6).map(lambda address: address.exploded)
networks = st.builds(lambda address, bits: f"{address}/{bits}", addresses, st.integers(0, 130))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "é", ""]), inner, max_size=3)
    ),
    max_leaves=12,
)


def made(engine: Any, op: Op, value: bytes, subject: bytes) -> bytes | type[Unfit] | None:
    try:
        result: bytes | None = engine.apply(op)(value, subject)
    except Unfit:
        return Unfit
    return result


def compare(op: Op, value: bytes, subject: bytes = b"") -> None:
    assert made(engines()["kernel"], op, value, subject) == made(twin, op, value, subject)


@EXAMPLES
@given(
    st.builds(
        Numerals,
        keys,
        st.sampled_from(ALPHABETS),
        st.binary(max_size=40),
        st.integers(0, 3),
        st.booleans(),
        st.none() | st.sampled_from(LIMITS),
        st.none() | st.sampled_from([b"", b"#-", "é ".encode()]),
        st.booleans(),
    ),
    st.text("0123456789abcdefABCDEFzx#- é", max_size=50) | st.uuids().map(str),
)
def test_numerals(op: Numerals, value: str) -> None:
    compare(op, value.encode())


@EXAMPLES
@given(
    st.builds(Address, keys, st.integers(0, 32), st.integers(0, 128)),
    addresses | networks | st.text("0123456789abcdefABCDEF:./", max_size=20),
)
def test_addresses(op: Address, value: str) -> None:
    compare(op, value.encode())


@EXAMPLES
@given(
    st.builds(Shift, keys, st.integers(1, 3652058), st.booleans()),
    st.dates().map(str) | st.datetimes().map(str) | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]\W?", fullmatch=True),
    st.binary(max_size=80),
)
def test_shifts(op: Shift, value: str, subject: bytes) -> None:
    compare(op, value.encode("utf-8", "surrogatepass"), subject)


@EXAMPLES
@given(
    st.builds(Json, st.lists(st.tuples(paths, leaves), max_size=4).map(tuple), leaves | st.just("refuse")),
    values,
    st.booleans(),
    st.none() | st.integers(0, 60),
)
def test_documents(op: Json, value: Any, escaped: bool, cut: int | None) -> None:
    document = json.dumps(value, ensure_ascii=escaped)
    compare(op, document.encode("utf-8", "surrogatepass")[:cut])
