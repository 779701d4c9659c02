"""Rows that an engine may take many of at once: usual ones, with all sorts of others among them."""

from __future__ import annotations

import random

import pytest

from anonymize import twin
from anonymize.engine import compiled, engines
from anonymize.errors import Unfit
from anonymize.ops import Base32, Call, Constant, Digits, Fold, Hex, Op, Pool, Program, Shift, Slot, Template, Text
from anonymize.sql import Grammar, RowError
from tests.fuzzing.cases import Case
from tests.fuzzing.comparing import rewritten

pytestmark = pytest.mark.skipif(not compiled(), reason="nothing was compiled")

KEY = bytes(range(32))
EMAIL = Template(KEY, Fold.CASE, (Base32(13), b"@example.org"))
PIECES = Template(KEY, Fold.TRIM, (Pool((b"Ada", b"Zo\xc3\xab")), b" ", Hex(7), Digits(5)))
NAME = Template(KEY, Fold.TRIM, (Pool((b"Ada", b"Zoe")), b" ", Hex(7), Digits(5)))
MANY_LETTERS = bytes(range(97, 123)) + bytes(range(65, 91)) + b"0123456789"
TEXTS = [
    Text(KEY, Fold.CASE),
    Text(KEY, Fold.NONE, lower=b"", digit=b"0123456789abcdef"),
    Text(KEY, Fold.TRIM, lower=MANY_LETTERS, upper=MANY_LETTERS[:7], digit=MANY_LETTERS[:57]),
    Text(KEY, Fold.CASE, keep_until=b"://"),
    Text(KEY, Fold.CASE, upper=b"'\\"),
]

ANY = [
    b"NULL",
    b"null",
    b"''",
    b"'a\nb'",
    b"'it''s'",
    b"'a\\n'",
    "'\u00e9'".encode(),
    b"12",
    b"_binary 'x'",
    b"0x61",
    b"'b '",
]
UNMARKED = [b" now()", b"f('a,(', 2)", b"/* c */ 1", b'"x"', b"b'01'", b"DEFAULT", b"1 -- )\n"]


def same(program: Program, data: bytes, grammar: Grammar | None = None) -> tuple[object, ...]:
    """What both make of it, if that is the same."""
    made = Case(data, program, grammar or Grammar(), False)
    ours = rewritten(engines()["kernel"], made)
    assert ours == rewritten(twin, made)
    return ours


def rows_of(values: list[bytes]) -> bytes:
    return b",".join([b"(%d,%b)" % (number, one) for number, one in enumerate(values)]) + b";"


@pytest.mark.parametrize("op", [EMAIL, PIECES, NAME, *TEXTS], ids=range(8))
@pytest.mark.parametrize("grammar", [Grammar(), Grammar(backslash=False), Grammar(latin1=True)], ids=range(3))
def test_hundreds_of_rows_come_out_alike_with_any_others_among_them(op: Op, grammar: Grammar) -> None:
    pick = random.Random(7)
    program = Program((None, Slot(op), None, Slot(EMAIL)))
    rows = []
    for number in range(900):
        values = [b"'Some 1 Text %d, %s'" % (number, b"and More " * pick.randrange(9)) for _ in range(3)]
        if pick.random() < 0.1:
            values[pick.randrange(3)] = pick.choice(ANY)
        if pick.random() < 0.01:
            values[1] = pick.choice(UNMARKED)
        rows.append(b"(%d,%b)" % (number, b",".join(values)))
    result = same(program, b",".join(rows) + b";", grammar)
    assert isinstance(result[0], bytes)
    assert result[3] == 900


@pytest.mark.parametrize("op", [Constant(b"a"), EMAIL, *TEXTS], ids=range(7))
@pytest.mark.parametrize(
    "values",
    [
        [b"'\n''\n'", b"NULL", b"'b'"],
        [b"NULL", b"'a'", b"'b'"],
        [b"'a'", b"''", b"'b'"],
        [b"''", b"''"],
        [b"'a'", b"'a'"],
        [b"'a'", b"'b '", b"'  '"],
        [b"'a\nb'", b"'c'"],
        [b"'\n'", b"'\n'"],
        [b"_binary 'a'", b"'b'", b"N'c'", b"x'6161'"],
        [b"'a\\\\'", b"'b\\''", b"'''c'", b"'d'''"],
        [b"'-'", b"', '", b"'('", b"'A'"],
    ],
)
def test_a_column_is_not_mistaken_for_one_of_plain_strings(op: Op, values: list[bytes]) -> None:
    result = same(Program((None, Slot(op))), rows_of(values))
    assert result[1:4] == (len(rows_of(values)), True, len(values))


@pytest.mark.parametrize("op", TEXTS, ids=range(5))
@pytest.mark.parametrize("length", [31, 32, 33, 8191, 8192, 8193, 20_000, 70_000])
def test_long_texts_come_out_alike(op: Op, length: int) -> None:
    text = (b"Abc 12, " * length)[:length]
    same(Program((None, Slot(op))), rows_of([b"'" + text + b"'", b"'" + text[1:] + b"'"]))


def test_of_many_rows_the_first_wrong_value_is_told() -> None:
    def refuse(value: bytes) -> bytes:
        if value.startswith(b"bad"):
            raise Unfit(value.decode())
        return value

    values = [b"'good'"] * 9000
    values[8000] = values[5000] = b"'bad'"
    values[6000] = b"'a' 'b'"
    rows = b",".join([b"(%b,%b)" % (one, other) for one, other in zip(values, reversed(values), strict=True)])
    program = Program((Slot(Call(refuse)), Slot(Call(refuse))))
    assert same(program, rows + b";") == (rows.index(b"'bad'"), 1, "bad")


def test_a_subject_that_is_replaced_itself_counts_as_it_was() -> None:
    program = Program((Slot(EMAIL), Slot(Shift(KEY, 30), subject=0)))
    rows = b",".join([b"('%d@x','2024-05-%02d')" % (number % 7, number % 28 + 1) for number in range(500)])
    same(program, rows + b";")


def test_rows_that_are_cut_off_are_left_for_the_next_time() -> None:
    data = rows_of([b"'abc'"] * 9000)
    for end in (len(data) - 1, len(data) - 2, 70_001, 65_536, 65_540):
        rows = twin.Rows(Program((None, Slot(EMAIL))), Grammar())
        _, stopped, ended = rows.rewrite(data[:end], 0)
        assert not ended
        assert stopped == data.rindex(b")", 0, end) + 1


def test_a_row_without_a_value_is_an_error_however_many_stand_before() -> None:
    data = rows_of([b"'abc'"] * 9000)[:-1] + b",(1);"
    with pytest.raises(RowError) as caught:
        twin.Rows(Program((None, Slot(EMAIL))), Grammar()).rewrite(data, 0)
    assert caught.value.offset == len(data) - 4


def test_a_row_of_many_places_that_is_cut_off_is_not_tried_in_many_ways() -> None:
    row = b"(" + b",".join([b"'it''s \\\\ one'", b"'a'", b"_binary 'b'", b"1"] * 50) + b")"
    program = Program((Slot(Constant(b"X")),) + (None,) * 199)
    for end in range(len(row) - 40, len(row)):
        rows = twin.Rows(program, Grammar())
        assert rows.rewrite(row + b"," + row[:end], 0)[1] == len(row)
