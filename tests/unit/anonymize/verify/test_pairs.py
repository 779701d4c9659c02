"""Rows of two dumps side by side: what differs, what stays, what is joined, what is unique."""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.engine import engines
from anonymize.ops import Fold
from anonymize.sql import Grammar, RowError
from anonymize.verify.engine import Becomes, Event, Met

KEY = bytes(range(32))
REPLACED = (int(Becomes.REPLACED), 0, False, False, int(Fold.CASE), None)

each_engine = pytest.mark.parametrize("engine", engines().values(), ids=engines().keys())


class Compared:
    """What comes of comparing two lists of rows."""

    def __init__(
        self, engine: ModuleType, original: bytes, result: bytes, places: tuple[Any, ...], keys: tuple[Any, ...] = ()
    ) -> None:
        self.originals = engine.Originals(KEY)
        self.pairs = engine.Pairs(self.originals, Grammar(), places, keys)
        self.met, self.end, self.its_end, self.noted = self.pairs.compare(original, 0, result, 0)
        self.events = [(Event(event), place, row) for event, place, row, *_ in self.noted]

    def has(self, text: bytes) -> bool:
        return bool(self.originals.find(text))


@each_engine
def test_rows_with_replaced_values_pass_and_their_originals_are_known(engine: ModuleType) -> None:
    original, result = b"(1,'secret one'),\n(2,NULL),(3,'');", b"(1,'xxxxxx xxx'),\n(2,NULL),(3,'');"
    done = Compared(engine, original, result, (None, REPLACED))
    assert (done.met, done.end, done.its_end) == (Met.ENDED, len(original), len(result))
    assert done.events == []
    assert done.pairs.rows == 3
    assert done.pairs.totals[1] == (3, 1, 1, 0)
    assert done.has(b"a secret one")
    assert not done.has(b"xxxxxx xxx")


@each_engine
def test_a_kept_value_that_differs_is_told_with_its_place(engine: ModuleType) -> None:
    done = Compared(engine, b"(1,'a'),(2,'b');", b"(1,'x'),(7,'x');", (None, REPLACED))
    assert done.events == [(Event.DIFFERS, 0, 1)]
    assert done.noted[0][3:5] == (9, 9)
    assert done.pairs.found == [(Event.DIFFERS, 0, 1)]


@each_engine
def test_of_many_differences_the_first_are_told_and_all_are_counted(engine: ModuleType) -> None:
    done = Compared(engine, b",".join([b"(1)"] * 50) + b";", b",".join([b"(2)"] * 50) + b";", (None,))
    assert len(done.noted) == 20
    assert done.pairs.found == [(Event.DIFFERS, 0, 50)]


@each_engine
@pytest.mark.parametrize(("original", "result"), [(b"('a');", b"(NULL);"), (b"(NULL);", b"('a');")])
def test_a_null_that_comes_or_goes_is_told(engine: ModuleType, original: bytes, result: bytes) -> None:
    assert Compared(engine, original, result, (REPLACED,)).events == [(Event.NULL_DIFFERS, 0, 0)]


@each_engine
def test_a_column_that_becomes_null_has_to(engine: ModuleType) -> None:
    place = (int(Becomes.NULLED), 0, False, False, 0, None)
    done = Compared(engine, b"('secret'),('secret'),(NULL);", b"(NULL),('other'),(NULL);", (place,))
    assert done.events == [(Event.NULL_DIFFERS, 0, 1)]
    assert done.has(b"secret")


@each_engine
def test_a_generated_column_has_to_be_computed_anew(engine: ModuleType) -> None:
    place = (int(Becomes.COMPUTED), 0, False, False, 0, None)
    done = Compared(engine, b"('secret'),('secret');", b"(DEFAULT),('secret');", (place,))
    assert done.events == [(Event.DIFFERS, 0, 1)]
    assert done.has(b"secret")


@each_engine
def test_each_unchanged_value_is_told_once_and_is_no_original(engine: ModuleType) -> None:
    done = Compared(engine, b"('secret'),('se\\cret'),('other');", b"('secret'),('secret'),('rehto');", (REPLACED,))
    assert [noted[5] for noted in done.noted] == [b"secret"]
    assert done.pairs.totals[0] == (3, 0, 0, 2)
    assert not done.has(b"secret")


@each_engine
def test_the_same_original_has_to_become_the_same_in_all_columns_that_are_linked(engine: ModuleType) -> None:
    relation = engine.Relation()
    place = (int(Becomes.REPLACED), 0, False, False, int(Fold.CASE), relation)
    done = Compared(engine, b"('Ada','ADA '),('Bo','bo');", b"('Xyz','XYZ'),('Uv','vu');", (place, place))
    assert done.events == [(Event.JOINS_DIFFER, 1, 1)]
    assert relation.count == 2


@each_engine
def test_originals_of_a_unique_key_that_become_the_same_are_told(engine: ModuleType) -> None:
    keys = (((0, 1), engine.Relation()),)
    places = ((int(Becomes.STAYS), 0, False, False, int(Fold.CASE), None), REPLACED)
    original = b"(1,'a'),(1,'b'),(2,'c'),(1,NULL),(1,NULL);"
    assert Compared(engine, original, b"(1,'x'),(1,'y'),(2,'x'),(1,NULL),(1,NULL);", places, keys).events == []
    keys = (((0, 1), engine.Relation()),)
    told = Compared(engine, original, b"(1,'x'),(1,'X'),(2,'x'),(1,NULL),(1,NULL);", places, keys)
    assert told.events == [(Event.NOT_UNIQUE, 0, 1)]


@each_engine
@pytest.mark.parametrize(
    ("original", "result", "met"),
    [
        (b"(1),(2);", b"(1);", Met.DIFFER),
        (b"(1);", b"(1),(2);", Met.DIFFER),
        (b"(1);", b"(1,2);", Met.DIFFER),
        (b"(1), (2);", b"(1),(2);", Met.DIFFER),
        (b"(1) /* a */;", b"(1) /* b */;", Met.DIFFER),
        (b"(1),(2", b"(1),(2);", Met.MORE_OF_ORIGINAL),
        (b"(1),(2);", b"(1),(2", Met.MORE_OF_RESULT),
        (b"(1),(2);", b"(1)", Met.MORE_OF_RESULT),
        (b"(1) /* a", b"(1)", Met.MORE_OF_ORIGINAL),
    ],
)
def test_a_comparison_says_what_it_lacks(engine: ModuleType, original: bytes, result: bytes, met: Met) -> None:
    assert Compared(engine, original, result, (None,)).met == met


@each_engine
def test_an_original_that_is_not_understood_is_an_error(engine: ModuleType) -> None:
    with pytest.raises(RowError, match="2 values, and 1 were expected"):
        Compared(engine, b"(1),(2,3);", b"(1),(2,3);", (None,))


@each_engine
def test_of_a_value_that_is_replaced_in_part_only_what_changed_is_an_original(engine: ModuleType) -> None:
    place = (int(Becomes.REPLACED), 0, False, True, 0, None)
    original = rb"""('{"name": "Ada \\u004covelace", "role": "administrator"}');"""
    done = Compared(engine, original, rb"""('{"name": "Xyz", "role": "administrator"}');""", (place,))
    assert done.has(b"Ada Lovelace")
    assert not done.has(b"administrator")
    text = Compared(engine, b"('mail to ada@example.org, please');", b"('mail to x@example.net, please');", (place,))
    assert text.has(b"ada@example.org")
    assert not text.has(b"mail to")


LEXEMES = (
    b"NULL", b"null", b"''", b"'abcdef'", b"'ABCDEF '", b"'ab\\'cdef'", b"'ab''cdef'", b'"abcdef"', b"0x616263646566",
    b"x'61'",
    b"_binary 'abcdef'", b"12345678", b"-1.5e3", b"DEFAULT", b"'\xc3\xa9t\xc3\xa9 abc'", b"now()", b"_ucs2 'ab'",
    b"'abcdeg'",
    b"'[\\\"abcdef\\\", 1]'", b"'[\\\"abcdeg\\\", 1]'",
)  # fmt: skip


@pytest.mark.skipif("kernel" not in engines(), reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(pick=st.randoms(use_true_random=False), latin1=st.booleans())
def test_kernel_and_twin_say_the_same_of_any_pairs_of_rows(pick: random.Random, latin1: bool) -> None:
    places = pick.randrange(1, 4)
    sides = [
        b",".join(b"(" + b",".join(pick.choices(LEXEMES, k=places)) + b")" for _ in range(6)) + b";" for _ in range(2)
    ]
    if pick.random() < 0.5:
        sides[1] = sides[0].replace(b"abc", b"xyz")
    plan = [
        (pick.randrange(5), number, pick.random() < 0.2, pick.random() < 0.3, pick.randrange(3))
        for number in range(places)
    ]
    said = []
    for engine in (engines()["kernel"], engines()["twin"]):
        shared = engine.Relation()
        specs = tuple((*one, shared if one[4] else None) for one in plan)
        index = engine.Originals(KEY)
        pairs = engine.Pairs(index, Grammar(True, latin1), specs, (((0,), engine.Relation()),))
        answer = pairs.compare(sides[0], 0, sides[1], 0)
        order = sorted(answer[3])
        said.append((answer[:3], order, pairs.totals, sorted(pairs.found), index.count, shared.count))
    assert said[0] == said[1]
