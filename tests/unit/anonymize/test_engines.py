"""The kernel and its twin rewrite rows, and give the same bytes."""

from __future__ import annotations

import hashlib
import random
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.engine import compiled, engines
from anonymize.errors import Unfit
from anonymize.ops import Base32, Call, Constant, Digits, Fold, Hex, Null, Op, Pool, Program, Slot, Template, Text
from anonymize.sql import Grammar, RowError, State
from tests.fuzzing.cases import case
from tests.fuzzing.comparing import compare, in_pieces

KEY = bytes(range(32))
X = Program((None, Slot(Constant(b"X"))))

each_engine = pytest.mark.parametrize("engine", engines().values(), ids=engines().keys())


def rewritten(engine: ModuleType, program: Program, data: str | bytes, grammar: Grammar | None = None) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    rows = engine.Rows(program, grammar or Grammar())
    out, end, ended = rows.rewrite(data, 0)
    assert ended
    assert end == len(data)
    return data if out is None else bytes(out)


def test_a_kernel_was_compiled() -> None:
    assert compiled(), "the tests need a C compiler, so that the kernel is tried"


@pytest.mark.skipif(not compiled(), reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_kernel_and_twin_agree_on_any_rows(pick: random.Random) -> None:
    compare(engines()["kernel"], pick)


@each_engine
@settings(max_examples=60, deadline=None)
@given(pick=st.randoms(use_true_random=False), size=st.integers(1, 40))
def test_rows_that_come_in_pieces_come_out_as_if_they_had_come_at_once(
    engine: ModuleType, pick: random.Random, size: int
) -> None:
    made = case(pick)
    try:
        whole = in_pieces(engine, made, len(made.data) or 1)
    except RowError:
        return
    assert in_pieces(engine, made, size) == whole


@each_engine
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(1,'a'),(2,'b');", "(1,'X'),(2,'X');"),
        ("(1,'a'),\n(2,'b');", "(1,'X'),\n(2,'X');"),
        ("( 1 , 'a' ) , /* c */ (2, -- d\n'b');", "( 1 , 'X' ) , /* c */ (2, -- d\n'X');"),
        (r"(1,'it\'s (''; --'),(2,'\\');", "(1,'X'),(2,'X');"),
        ("(1,NULL),(2,null);", "(1,NULL),(2,null);"),
        ("(now(),'a'),(f('x,(',2),5);", "(now(),'X'),(f('x,(',2),'X');"),
        ("(0xFF,0xFE),(b'1',x'00');", "(0xFF,'X'),(b'1','X');"),
        ('("q\'","r"),(1,DEFAULT);', "(\"q'\",'X'),(1,'X');"),
        ("(1,_binary 'a');", "(1,'X');"),
    ],
)
def test_a_marked_value_is_replaced_however_it_is_written_and_all_else_stays(
    engine: ModuleType, before: str, after: str
) -> None:
    assert rewritten(engine, X, before) == after.encode()


@each_engine
@pytest.mark.parametrize(
    ("written", "result"),
    [
        ("'ab'", "'ba'"),
        ('"ab"', '"ba"'),
        ("_binary 'ab'", "_binary 'ba'"),
        ("0x6162", "0x6261"),
        ("x'6C6d'", "x'6d6c'"),
        ("12", "21"),
        ("-5", "'5-'"),
        (r"'a\'\n'", r"'\n\'a'"),
        ("'a''b'", "'b''a'"),
        (r"'{\"a\"}'", r"'}\"a\"{'"),
        ("CONVERT('ab' USING utf8mb4)", "CONVERT('ba' USING utf8mb4)"),
    ],
)
def test_what_takes_a_values_place_is_written_as_the_value_was(engine: ModuleType, written: str, result: str) -> None:
    program = Program((Slot(Call(lambda value: value[::-1])),))
    assert rewritten(engine, program, f"({written});") == f"({result});".encode()


@each_engine
def test_one_value_has_one_pseudonym_however_it_is_written(engine: ModuleType) -> None:
    program = Program((Slot(Template(KEY, Fold.CASE, (Hex(8),))),))
    spellings = ["'Zoé Ü'", "_binary 'zoe u'", "'ZO\\É u  '", "0x5A4F452075"]
    results = {rewritten(engine, program, f"({one});").rstrip(b");").rpartition(b"(")[2] for one in spellings}
    texts = {bytes.fromhex(one[2:].decode()) if one.startswith(b"0x") else one.split(b"'")[1] for one in results}
    assert len(texts) == 1


@each_engine
def test_without_backslash_escapes_a_backslash_is_a_character(engine: ModuleType) -> None:
    grammar = Grammar(backslash=False)
    assert rewritten(engine, X, r"('\','a'),('''','b\');", grammar) == rb"('\','X'),('''','X');"


@each_engine
def test_text_in_latin1_has_the_pseudonym_of_the_same_text_in_utf8(engine: ModuleType) -> None:
    program = Program((Slot(Template(KEY, Fold.TRIM, (Hex(10),))),))
    latin1 = rewritten(engine, program, b"('\xe9\x80');", Grammar(latin1=True))
    assert latin1 == rewritten(engine, program, "('é€');")


@each_engine
@pytest.mark.parametrize(
    ("data", "offset", "place", "reason"),
    [
        ("(1,'a'),(1);", 8, None, "the row has 1 values, and 2 were expected"),
        ("(1,2,3);", 0, None, "the row has 3 values, and 2 were expected"),
        ("(1,);", 3, 1, "a value is missing"),
        ("(1,'a'; ", 6, 1, "the statement ends inside a row"),
        ("(1,\0);", 3, 1, "a NUL stands outside of strings"),
        ("(1,2) ON DUPLICATE KEY;", 6, None, "behind a row stands neither a comma nor the end of the statement"),
    ],
)
def test_a_row_that_is_not_understood_is_an_error_at_its_place(
    engine: ModuleType, data: str, offset: int, place: int | None, reason: str
) -> None:
    rows = engine.Rows(X, Grammar())
    with pytest.raises(RowError) as caught:
        rows.rewrite(data.encode(), 0)
    assert (caught.value.offset, caught.value.place, caught.value.reason) == (offset, place, reason)


@each_engine
@pytest.mark.parametrize("value", ["now()", "DEFAULT", "b'1'", "'a' 'b'", "_sjis 'a'", "1 + 1", "`a`"])
def test_a_value_that_may_be_anything_is_refused_where_it_would_be_replaced(engine: ModuleType, value: str) -> None:
    rows = engine.Rows(Program((Slot(Text(KEY, Fold.NONE)),)), Grammar())
    with pytest.raises(RowError) as caught:
        rows.rewrite(f"({value});".encode(), 0)
    assert (caught.value.offset, caught.value.place) == (1, 0)


@each_engine
def test_an_operation_in_python_may_refuse_a_value_and_the_reason_is_told(engine: ModuleType) -> None:
    def refuse(value: bytes) -> bytes:
        raise Unfit("no date")

    rows = engine.Rows(Program((None, Slot(Call(refuse)))), Grammar())
    with pytest.raises(RowError) as caught:
        rows.rewrite(b"(1,''),(2,'x');", 0)
    assert (caught.value.offset, caught.value.place, caught.value.reason) == (10, 1, "no date")


@each_engine
def test_rows_and_replaced_values_are_counted_and_nulls_are_not(engine: ModuleType) -> None:
    rows = engine.Rows(Program((Slot(Null()), Slot(Constant(b"X")))), Grammar())
    rows.rewrite(b"(1,2),(NULL,NULL),(3,4);", 0)
    assert (rows.rows, rows.replaced) == (3, [0, 2])


@each_engine
def test_what_was_made_stays_as_it_is_when_more_is_made_and_when_the_rows_are_gone(engine: ModuleType) -> None:
    rows = engine.Rows(X, Grammar())
    made = [rows.rewrite(f"({number},{'a' * number});".encode(), 0)[0] for number in range(1, 200)]
    del rows
    assert [bytes(one) for one in made] == [f"({number},'X');".encode() for number in range(1, 200)]


@each_engine
def test_a_template_is_drawn_from_blake2s_with_a_key(engine: ModuleType) -> None:
    token = hashlib.blake2s(b"value", key=KEY).digest()
    pool = (b"a", b"b", b"c")
    made = engine.apply(Template(KEY, Fold.NONE, (Hex(5), b"-", Digits(4), b"-", Pool(pool))))
    digits, entry = int.from_bytes(token[3:11], "little"), int.from_bytes(token[11:19], "little")
    expected = f"{token.hex()[:5]}-{digits % 10_000:04}-".encode() + pool[entry % 3]
    assert made(b"value", b"") == expected


@each_engine
def test_text_keeps_its_shape(engine: ModuleType) -> None:
    result = engine.apply(Text(KEY, Fold.NONE))("Müller, 12 b".encode(), b"").decode()
    assert [("A" if one.isupper() else "a" if one.islower() else "0" if one.isdigit() else one) for one in result] == [
        *"Aaaaaa, 00 a"
    ]
    assert result != "Müller, 12 b"


@each_engine
@pytest.mark.parametrize("length", [0, 1, 31, 32, 33, 63, 64, 65, 128, 1000, 1100])
def test_tokens_are_right_for_any_length_alone_and_side_by_side(engine: ModuleType, length: int) -> None:
    value = bytes(97 + number % 26 for number in range(length))
    program = Program((Slot(Template(KEY, Fold.NONE, (Hex(64),))),))
    expected = b"'" + hashlib.blake2s(value, key=KEY).hexdigest().encode() * (length > 0) + b"'"
    data = b",".join([b"('" + value + b"')"] * 11) + b";"
    assert rewritten(engine, program, data) == b",".join([b"(" + expected + b")"] * 11) + b";"


@each_engine
@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 1000])
def test_lines_are_counted_by_their_ends(engine: ModuleType, length: int) -> None:
    data = b"x" + b"a\n" * length
    assert engine.lines(data, 1, len(data)) == length
    assert engine.lines(data, 0, len(data) - 1) == max(length - 1, 0)


@each_engine
@pytest.mark.parametrize("op", [Template(KEY, Fold.CASE, (Base32(16),)), Text(KEY, Fold.CASE), Call(bytes.upper)])
def test_an_empty_value_stays_empty(engine: ModuleType, op: Op) -> None:
    assert rewritten(engine, Program((Slot(op),)), "('');") == b"('');"


@each_engine
@pytest.mark.parametrize(
    ("data", "state", "expected"),
    [
        ("(1,';',\";\",`;`); x", State.OUTSIDE, (16, State.ENDED)),
        (r"'\';''' ;", State.OUTSIDE, (9, State.ENDED)),
        ("/* ; */ -- ;\n # ;\n ;", State.OUTSIDE, (20, State.ENDED)),
        ("5--3;", State.OUTSIDE, (5, State.ENDED)),
        ("';", State.STRING, (2, State.ENDED)),
        ("'abc", State.OUTSIDE, (4, State.STRING)),
        ("'abc\\", State.OUTSIDE, (4, State.STRING)),
        ("a /", State.OUTSIDE, (2, State.OUTSIDE)),
        ("a --", State.OUTSIDE, (2, State.OUTSIDE)),
        ("/* *", State.OUTSIDE, (3, State.COMMENT)),
        ("'" + "x" * 100 + "\\'" * 80 + "';" + "y" * 90, State.OUTSIDE, (263, State.ENDED)),
    ],
)
def test_the_end_of_a_statement_is_found_outside_of_strings_names_and_comments(
    engine: ModuleType, data: str, state: State, expected: tuple[int, State]
) -> None:
    assert engine.skip(data.encode(), 0, state, Grammar()) == expected
