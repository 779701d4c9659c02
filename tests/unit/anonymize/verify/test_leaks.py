"""Rows are searched for originals: in every value, between them, and in whatever form."""

from __future__ import annotations

import base64
import random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.engine import engines
from anonymize.sql import Grammar, RowError
from anonymize.verify.engine import Written

KEY = bytes(range(32))

each_engine = pytest.mark.parametrize("engine", engines().values(), ids=engines().keys())


def searched(
    engine: ModuleType, rows: bytes, *originals: bytes, grammar: Grammar | None = None, excused: tuple[Any, ...] = ()
) -> tuple[list[Any], Any]:
    """Source, place, excused, form, row and offset of what was found, and the one that found it."""
    index = engine.Originals(KEY)
    for number, original in enumerate(originals):
        index.add(original, number)
    leaks = engine.Leaks(index, grammar or Grammar(), excused)
    end, ended, found = leaks.search(rows, 0)
    assert (end, ended) == (len(rows), True)
    return sorted(found), leaks


@each_engine
def test_an_original_is_told_with_its_row_its_place_and_where_its_value_is(engine: ModuleType) -> None:
    found, leaks = searched(engine, b"(1,'a'),\n(2,'so secret');", b"secret")
    assert found == [(0, 1, False, Written.AS_IT_IS, 1, 12)]
    assert leaks.counts == [(0, 1, False, 1)]
    assert leaks.rows == 2


@each_engine
def test_a_value_counts_once_however_often_it_holds_originals_of_a_column(engine: ModuleType) -> None:
    _, leaks = searched(engine, b"('secret secret other1');", b"secret", b"other1")
    assert sorted(leaks.counts) == [(0, 0, False, 1), (1, 0, False, 1)]


@each_engine
def test_of_many_the_first_are_told_and_all_are_counted(engine: ModuleType) -> None:
    found, leaks = searched(engine, b",".join([b"('secret')"] * 5_000) + b";", b"secret")
    assert len(found) == 20
    assert leaks.counts == [(0, 0, False, 5_000)]


@each_engine
@pytest.mark.parametrize(
    "value",
    [
        b"'s\\ecret'",
        b'"it\'s secret"',
        b"_binary 'secret\\0'",
        b"0x736563726574",
        b"X'736563726574'",
        b'\'{\\"a\\": \\"s\\\\u0065cret\\"}\'',
        b"'736563726574'",
        b"'s%65cret'",
        b"'" + base64.b64encode(b"so secret") + b"'",
        b"0x" + base64.b64encode(b"so secret").hex().encode(),
        b"CONCAT('secret')",
        b"'it''s secret'",
    ],
)
def test_however_it_is_written(engine: ModuleType, value: bytes) -> None:
    found, _ = searched(engine, b"(1," + value + b",'x');", b"secret")
    assert [(source, place) for source, place, *_ in found] == [(0, 1)]


@each_engine
def test_a_quote_in_an_original_is_found_behind_its_escape(engine: ModuleType) -> None:
    for written in (b"'O''Brien'", b"'O\\'Brien'", b'"O\'Brien"'):
        assert searched(engine, b"(" + written + b");", b"O'Brien")[0]


@each_engine
def test_an_original_does_not_reach_over_two_values(engine: ModuleType) -> None:
    assert searched(engine, b"(123,456,'ab','cd');", b"123,456", b"b','cd")[0] == []


@each_engine
def test_comments_between_rows_are_searched(engine: ModuleType) -> None:
    found, _ = searched(engine, b"(1), /* secret */ (2);", b"secret")
    assert [(source, place) for source, place, *_ in found] == [(0, -1)]


@each_engine
def test_text_in_latin1_is_searched_as_text_and_as_bytes(engine: ModuleType) -> None:
    grammar = Grammar(True, True)
    assert searched(engine, b"('Fran\xe7oise');", "Françoise".encode(), grammar=grammar)[0]
    assert searched(engine, "('Françoise');".encode(), "Françoise".encode(), grammar=grammar)[0]


@each_engine
def test_without_escapes_a_backslash_is_one_but_json_may_still_use_it(engine: ModuleType) -> None:
    grammar = Grammar(False)
    assert searched(engine, b"('dir\\secret');", b"dir\\secret", grammar=grammar)[0]
    assert searched(engine, b'(\'{"a": "s\\u0065cret"}\');', b"secret", grammar=grammar)[0]


@each_engine
def test_what_is_excused_at_a_place_is_counted_as_such(engine: ModuleType) -> None:
    index = engine.Originals(KEY)
    index.add(b"Margaret", 0)
    hashes = tuple({hit[4] for hit in index.find(b"Margaret Smith")})
    leaks = engine.Leaks(index, Grammar(), (hashes, ()))
    leaks.search(b"('Margaret','Margaret');", 0)
    assert sorted(leaks.counts) == [(0, 0, True, 1), (0, 1, False, 1)]


@each_engine
def test_rows_may_have_another_number_of_values_than_those_before(engine: ModuleType) -> None:
    found, _ = searched(engine, b"(1),(2,'secret'),(3,4,'secret');", b"secret")
    assert [(place, row) for _, place, _, _, row, _ in found] == [(1, 1), (2, 2)]


@each_engine
def test_rows_that_are_not_understood_are_an_error(engine: ModuleType) -> None:
    with pytest.raises(RowError):
        searched(engine, b"(1) x;", b"secret")


PARTS = (
    b"secret", b"other1", b"12345678", b"'", b'"', b"\\", b"%73", b"\\u0073", b"736563726574", b"c2VjcmV0", b" ", b"x",
    b"\xc3\xa9", b"'',''", b"NULL", b"0x736563726574", b"',2,'",
)  # fmt: skip


@pytest.mark.skipif("kernel" not in engines(), reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(pick=st.randoms(use_true_random=False), backslash=st.booleans(), latin1=st.booleans(), piece=st.integers(1, 400))
def test_kernel_and_twin_find_the_same_in_any_rows(
    pick: random.Random, backslash: bool, latin1: bool, piece: int
) -> None:
    values = [b"".join(pick.choices(PARTS, k=pick.randrange(6))) for _ in range(8)]
    data = b",".join(b"(" + pick.choice((b"'%b'", b"%b")) % value + b")" for value in values) + b";"
    said: list[object] = []
    for engine in (engines()["kernel"], engines()["twin"]):
        index = engine.Originals(KEY)
        for number, original in enumerate((b"secret", b"other1", b"12345678", b"ecret ", b"x\xc3\xa9\\x  ")):
            index.add(original, number)
        leaks = engine.Leaks(index, Grammar(backslash, latin1), ())
        found, at, size, places = [], 0, piece, []
        try:
            while at < len(data):
                end, ended, some = leaks.search(data[: at + size], at)
                found += [(source, place, form, row) for source, place, _, form, row, _ in some]
                places.append(end)
                if ended:
                    break
                size = size + piece if end == at else piece
                if at + size > len(data) + piece:
                    break
                at = end
        except RowError as error:
            said.append((error.args[0], error.args[1]))
            continue
        said.append((sorted(leaks.counts), sorted(found), places, leaks.rows))
    assert said[0] == said[1]
