"""Originals are found wherever they stand, in whatever form: by the kernel, by its twin, by a plain search."""

from __future__ import annotations

import base64
import json
import random
from types import ModuleType
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.engine import engines
from anonymize.verify.engine import Written

KEY = bytes(range(32))
EMAIL = b"ada.lovelace@example.org"

each_engine = pytest.mark.parametrize("engine", engines().values(), ids=engines().keys())


def found(engine: ModuleType, originals: list[bytes], text: bytes) -> set[tuple[int, int, int, int]]:
    """Place, length, number of the original, and form."""
    index = engine.Originals(KEY)
    for number, original in enumerate(originals):
        index.add(original, number)
    return {hit[:4] for hit in index.find(text)}


def forms(engine: ModuleType, original: bytes, text: bytes) -> set[Written]:
    return {Written(form) for _, _, _, form in found(engine, [original], text)}


@each_engine
def test_an_original_is_found_inside_of_a_longer_value(engine: ModuleType) -> None:
    assert found(engine, [b"secret"], b"notsecretatall secre") == {(3, 6, 0, Written.AS_IT_IS)}


@each_engine
def test_originals_of_every_length_are_found(engine: ModuleType) -> None:
    pick = random.Random(1)
    for length in (*range(6, 140), 255, 256, 511, 512, 1023, 1024, 4095, 4096):
        original = bytes(pick.choices(b"abcdefghijklmnop", k=length))
        text = b"xyz" + original + b"zyx"
        assert (3, length, 0, 0) in found(engine, [original], text), length
        assert not found(engine, [original], text.replace(original, original[:-1])), length


@each_engine
def test_of_a_very_long_original_its_beginning_is_found(engine: ModuleType) -> None:
    original = bytes(random.Random(2).choices(b"abcdefghij", k=9_000))
    assert (0, 4096, 0, 0) in found(engine, [original], original[:5_000])
    assert not found(engine, [original], original[:4_000])


@each_engine
@pytest.mark.parametrize("short", [b"", b"abcde", "Иванй".encode(), b"\x00" * 40, b"aaaaaaaaaaaaaaaa"])
def test_what_has_fewer_than_six_characters_or_only_one_is_not_looked_for(engine: ModuleType, short: bytes) -> None:
    index = engine.Originals(KEY)
    index.add(short, 0)
    assert index.count == 0
    assert index.find(b"-" + short + b"-" + short * 3) == []


@each_engine
def test_an_original_that_begins_with_a_run_of_one_byte_is_found(engine: ModuleType) -> None:
    assert found(engine, [b"a" * 30 + b"secret"], b"a" * 50 + b"secret")


@each_engine
def test_a_number_counts_only_where_it_stands_alone(engine: ModuleType) -> None:
    assert found(engine, [b"555-1234"], b'{"phone": "555-1234"}')
    assert not found(engine, [b"555-1234"], b"9555-12345")
    assert not found(engine, [b"1234567"], b"ab1234567cd")


@each_engine
def test_the_same_original_of_two_columns_is_of_the_first(engine: ModuleType) -> None:
    index = engine.Originals(KEY)
    for source in (7, 3, 5):
        index.add(b"something", source)
    assert index.count == 1
    assert [hit[2] for hit in index.find(b"something")] == [3]


@each_engine
@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
@pytest.mark.parametrize("glued", ["", "a", "ab", "abc"])
def test_base64_is_seen_through_wherever_it_begins(engine: ModuleType, before: str, glued: str) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = b"<" + glued.encode() + encode(before.encode() + b"secret\xff\xfe?~") + b">"
        assert Written.BASE64 in forms(engine, b"secret", text)


@each_engine
@pytest.mark.parametrize(
    ("text", "form"),
    [
        (EMAIL.hex().encode(), Written.HEXADECIMAL),
        (b"0x" + EMAIL.hex().upper().encode(), Written.HEXADECIMAL),
        (b"f" + EMAIL.hex().encode(), Written.HEXADECIMAL),
        (b"".join(b"\\u%04x" % byte for byte in EMAIL), Written.BACKSLASHES),
        (b"ada.lovelace\\u0040example.org", Written.BACKSLASHES),
        (b"ada.lovelace\\@example.org", Written.BACKSLASHES),
        (quote(EMAIL, safe="").encode(), Written.PERCENT),
        (b"".join(b"%%%02x" % byte for byte in EMAIL), Written.PERCENT),
        (base64.b64encode(json.dumps({"mail": EMAIL.decode()}).encode()), Written.BASE64),
        (base64.b64encode(base64.b64encode(EMAIL)), Written.BASE64),
        (quote(base64.b64encode(EMAIL + b"?").decode(), safe="").encode(), Written.BASE64),
        (base64.b64encode(b'{"m": "ada.lovelace\\u0040example.org"}'), Written.BACKSLASHES),
    ],
)
def test_an_encoded_original_is_found(engine: ModuleType, text: bytes, form: Written) -> None:
    assert form in forms(engine, EMAIL, b"before " + text + b" behind")


@each_engine
def test_letters_beyond_the_first_plane_are_found_as_surrogates(engine: ModuleType) -> None:
    original = "secret \N{GRINNING FACE} face"
    assert Written.BACKSLASHES in forms(engine, original.encode(), json.dumps(original).encode())


@pytest.mark.skipif("kernel" not in engines(), reason="nothing was compiled")
@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_kernel_and_twin_find_what_a_plain_search_finds(pick: random.Random) -> None:
    letters = pick.choice([b"ab", b"abc@.", b'ab\\"u0041%', b"0123456789abcdef", bytes(range(256))])
    text = bytes(pick.choices(letters, k=pick.randrange(200)))
    originals = [
        text[(at := pick.randrange(len(text) + 1)) : at + pick.randrange(40)] for _ in range(pick.randrange(9))
    ]
    originals += [bytes(pick.choices(letters, k=pick.randrange(30))) for _ in range(4)]
    for encode in pick.choices((base64.b64encode, bytes.hex, quote, lambda one: one), k=3):
        encoded = encode(pick.choice(originals))
        text += encoded.encode() if isinstance(encoded, str) else encoded
    kernel, twin = (engines()[name] for name in ("kernel", "twin"))
    seen = found(kernel, originals, text)
    assert seen == found(twin, originals, text)
    plain = {(at, length) for at, length, _, form in seen if form == Written.AS_IT_IS}
    for original in originals:
        has_letters = any(byte >= 0x40 for byte in original)
        if len(original) >= 24 and has_letters and len(set(original[:12])) > 1:
            at = text.find(original)
            assert (at in (-1,)) or (at, len(original)) in plain


@pytest.mark.skipif("kernel" not in engines(), reason="nothing was compiled")
def test_many_originals_are_all_found_and_nothing_else() -> None:
    pick = random.Random(3)
    known = {f"{pick.getrandbits(90):x}".encode() for _ in range(20_000)}
    index = engines()["kernel"].Originals(KEY)
    for one in known:
        index.add(one, 1)
    assert index.count == len(known)
    for one in known:
        assert any(hit[0] == 1 and hit[1] == len(one) for hit in index.find(b"'" + one + b"'"))
    assert not any(index.find(f"{pick.getrandbits(90):x}".encode()) for _ in range(20_000))
