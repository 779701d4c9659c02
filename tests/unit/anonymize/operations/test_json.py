"""Leaves of JSON are replaced by the rules of their paths, and every other byte stays."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from anonymize.errors import Unfit
from anonymize.ops import Constant, Json, Null, Numerals, Op

Apply = Callable[[Op, bytes], bytes | None]
X = Constant(b"X")
DIGITS = Numerals(bytes(range(32)))


def rule(*path: str, op: Op | None = X) -> Json:
    return Json(((path, op),))


def test_every_byte_but_the_leaf_s_stays(apply: Apply) -> None:
    document = rb' { "a" :"A\u00e9\/\n" ,"k":[1.50E+3,-0, "\ud800", {"a":"a"}],"k" : null,"k":"\u00e9" } ' + b"\n\t"
    assert apply(rule("a"), document) == document.replace(rb'"A\u00e9\/\n"', b'"X"')
    assert apply(Json(()), document) == document
    assert apply(rule("no", "such", "path"), document) == document


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ((), b'{"a":{"b":"X","c":["X",{"b":"X"}]},"b":"X"}'),
        (("a",), b'{"a":{"b":"X","c":["X",{"b":"X"}]},"b":1}'),
        (("a", "b"), b'{"a":{"b":"X","c":[1,{"b":1}]},"b":1}'),
        (("*",), b'{"a":{"b":"X","c":["X",{"b":"X"}]},"b":"X"}'),
        (("*", "b"), b'{"a":{"b":"X","c":[1,{"b":1}]},"b":1}'),
        (("a", "c", "*"), b'{"a":{"b":1,"c":["X",{"b":"X"}]},"b":1}'),
        (("a", "c", "*", "b"), b'{"a":{"b":1,"c":[1,{"b":"X"}]},"b":1}'),
        (("a", "c", "b"), b'{"a":{"b":1,"c":[1,{"b":1}]},"b":1}'),
    ],
)
def test_a_rule_holds_for_all_that_is_below_its_path(apply: Apply, path: tuple[str, ...], result: bytes) -> None:
    assert apply(rule(*path), b'{"a":{"b":1,"c":[1,{"b":1}]},"b":1}') == result


def test_the_longer_path_counts_and_then_the_one_with_names_first(apply: Apply) -> None:
    def constant(name: str) -> Constant:
        return Constant(name.encode())

    paths = ["", "a", "*.b", "a.*", "*.*.c", "a.b.c.d", "*.b.c"]
    op = Json(tuple((tuple(path.split(".")) if path else (), constant(path or "root")) for path in paths))
    document = b'{"z":0,"a":{"b":{"c":{"d":0,"e":0}},"x":0},"y":{"b":0,"c":0,"b2":{"c":0}}}'
    assert json.loads(apply(op, document) or b"") == {
        "z": "root",
        "a": {"b": {"c": {"d": "a.b.c.d", "e": "*.b.c"}}, "x": "a.*"},
        "y": {"b": "*.b", "c": "root", "b2": {"c": "*.*.c"}},
    }


def test_a_rule_that_keeps_takes_leaves_out_of_a_shorter_one(apply: Apply) -> None:
    op = Json(((("a",), X), (("a", "b"), None)), "refuse")
    assert apply(op, b'{"a":{"b":"keep","c":"replace"}}') == b'{"a":{"b":"keep","c":"X"}}'


def test_names_count_decoded_and_each_time_they_come(apply: Apply) -> None:
    document = rb'{"\u00e9":1,"\u0061":1,"a":1,"A":1,"":1,"\ud83d\ude00":1,"\ud83d":1}'
    op = Json(((("a",), X), (("é",), X), (("",), X), (("😀",), X)))
    assert apply(op, document) == rb'{"\u00e9":"X","\u0061":"X","a":"X","A":1,"":"X","\ud83d\ude00":"X","\ud83d":1}'


@pytest.mark.parametrize("document", [b'{"b":"x"}', b'{"b":1}', b'{"b":true}', b'{"b":null}', b"[[0]]", b'""'])
def test_a_leaf_that_no_rule_knows_is_refused_replaced_or_kept(apply: Apply, document: bytes) -> None:
    rules = ((("a",), X),)
    assert apply(Json(rules), document) == document
    with pytest.raises(Unfit, match="no rule knows"):
        apply(Json(rules, "refuse"), document)
    if not document.endswith((b"true}", b"null}")):
        assert b'"X"' in (apply(Json(rules, X), document) or b"")


def test_documents_without_leaves_are_known(apply: Apply) -> None:
    for document in (b"{}", b" [ [ ] , { } ] ", b""):
        assert apply(Json((), "refuse"), document) == document


def test_true_false_and_null_stay(apply: Apply) -> None:
    assert apply(rule(), b"[true,false,null,1]") == b'[true,false,null,"X"]'


@pytest.mark.parametrize(
    ("constant", "result"),
    [
        (b"-1.5e3", b'["-1.5e3",-1.5e3]'),
        (b"0", b'["0",0]'),
        (b"01", b'["01","01"]'),
        (b"1.", b'["1.","1."]'),
        (b"", b'["",""]'),
        (b"true", b'["true","true"]'),
        (
            b'"\\/\b\f\n\r\t\x00\x1f\x7f',
            rb'["\"\\/\b\f\n\r\t\u0000\u001f' + b"\x7f" + rb'","\"\\/\b\f\n\r\t\u0000\u001f' + b'\x7f"]',
        ),
        ("é😀".encode(), '["é😀","é😀"]'.encode()),
        (b"12", b'["12",12]'),
    ],
)
def test_a_number_remains_one_if_it_still_is_one(apply: Apply, constant: bytes, result: bytes) -> None:
    assert apply(rule(op=Constant(constant)), b'["value",12]') == result


def test_null_takes_the_place_of_strings_and_numbers(apply: Apply) -> None:
    assert apply(rule(op=Null()), b'["", "x", 1.5, true]') == b"[null, null, null, true]"


def test_strings_come_decoded_and_numbers_as_they_are_written(apply: Apply) -> None:
    plain = apply(rule(op=DIGITS), b'["12345", "+49 12345", 12345]') or b""
    escaped = apply(rule(op=DIGITS), rb'["\u0031\u0032345", "+49\u002012345", 12345]')
    assert plain != b'["12345", "+49 12345", 12345]'
    assert escaped == plain
    number = json.loads(plain)
    assert str(number[2]).zfill(5) == number[0]


def test_a_leaf_that_comes_back_as_it_was_keeps_its_spelling(apply: Apply) -> None:
    document = rb'["\u00e9\/", "", 1]'
    assert apply(rule(op=DIGITS), document) != document
    assert (apply(rule(op=DIGITS), document) or b"").startswith(rb'["\u00e9\/", "", ')
    assert apply(rule(op=Constant("é/".encode())), rb'["\u00e9\/"]') == rb'["\u00e9\/"]'


def test_half_of_a_surrogate_pair_stays_and_is_not_replaced(apply: Apply) -> None:
    for half in (rb'"\ud800"', rb'"\udc00\ud800"', rb'"\ud800\u0041"', rb'"\ud800\ud800\udc00"'):
        assert apply(Json(()), half) == half
        with pytest.raises(Unfit, match="surrogate"):
            apply(rule(), half)
    assert apply(rule(), rb'"\ud83d\ude00"') == b'"X"'


def test_a_replacement_that_is_no_text_is_refused(apply: Apply) -> None:
    for wrong in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"):
        with pytest.raises(Unfit, match="UTF-8"):
            apply(rule(op=Constant(wrong)), b'"x"')


def test_what_a_leaf_s_operation_refuses_is_refused(apply: Apply) -> None:
    nested = Json(((("a",), rule("b")),))
    assert apply(nested, rb'{"a":"{\"b\": 1}"}') == rb'{"a":"{\"b\": \"X\"}"}'
    with pytest.raises(Unfit, match="no JSON"):
        apply(nested, b'{"a":"{"}')


@pytest.mark.parametrize("brackets", [b"[]", b"{}"])
def test_nesting_ends_at_512(apply: Apply, brackets: bytes) -> None:
    opening = b"[" if brackets == b"[]" else b'{"":'
    closing = brackets[1:]
    allowed = opening * 511 + brackets + closing * 511
    assert apply(rule(), allowed) == allowed
    with pytest.raises(Unfit, match="512"):
        apply(rule(), opening * 512 + brackets + closing * 512)


@pytest.mark.parametrize(
    "document",
    [
        b" ",
        b"{",
        b"[",
        b"}",
        b"[1",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1}",
        b'{"a"}',
        b'{"a":}',
        b'{"a":1,}',
        b'{"a" 1}',
        b"{a:1}",
        b"{1:1}",
        b'{"a":1]',
        b"1 1",
        b"1,",
        b"[]]",
        b"01",
        b"-",
        b"+1",
        b".5",
        b"1.",
        b"1e",
        b"1e+",
        b"0x1",
        b"NaN",
        b"tru",
        b"truex",
        b"True",
        b'"',
        b'"\\"',
        b'"\\x"',
        b'"\\u12"',
        b'"\\u12g4"',
        b'"a\nb"',
        b'"a\x00b"',
        b"'a'",
        b"\xef\xbb\xbf1",
        b"\x0b1",
        b"1\x00",
        b'"\xff"',
        b'"\xc3"',
        b'"\xc0\x80"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'{"\xff":1}',
        b"\xff",
    ],
)
@pytest.mark.parametrize("op", [Json(()), Json((((), X),))], ids=["kept", "replaced"])
def test_what_is_no_json_is_refused(apply: Apply, op: Json, document: bytes) -> None:
    with pytest.raises(Unfit, match="no JSON"):
        apply(op, document)


def test_long_strings_are_looked_at_to_their_end(apply: Apply) -> None:
    for length in range(40):
        plain = b"x" * length
        assert apply(rule("b"), b'{"a":"' + plain + b'","b":1}') == b'{"a":"' + plain + b'","b":"X"}'
        for wrong in (b"\x1f", b"\x80", b'"', b"\\ "):
            with pytest.raises(Unfit):
                apply(rule("b"), b'{"a":"' + plain + wrong + plain + b'"}')


def test_other_is_an_operation_or_a_word_that_is_known(apply: Apply) -> None:
    with pytest.raises(ValueError, match="other"):
        apply(Json((), "keep"), b"1")
