"""Numerals: what changes, what stays, and that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from anonymize.errors import Unfit
from anonymize.ops import Numerals, Op

Apply = Callable[[Op, bytes], bytes | None]
NIST = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C") + bytes(16)
KEY = bytes(range(32))
HEX = b"0123456789abcdef"
ALL = b"0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("alphabet", "tweak", "value", "result"),
    [
        (ALL[:10], "", b"0123456789", b"2433477484"),
        (ALL[:10], "39383736353433323130", b"0123456789", b"6124200773"),
        (ALL[:10], "39383736353433323130", b"(01) 234-567/89", b"(61) 242-007/73"),
        (ALL, "3737373770717273373737", b"0123456789abcdefghi", b"a9tv40mll9kdu509eum"),
        (ALL, "3737373770717273373737", b"0123456789ABCDEFGHI", b"A9TV40MLL9KDU509EUM"),
    ],
)
def test_the_samples_of_nist_come_out(apply: Apply, alphabet: bytes, tweak: str, value: bytes, result: bytes) -> None:
    assert apply(Numerals(NIST, alphabet, bytes.fromhex(tweak)), value) == result


@pytest.mark.parametrize("op", [Numerals(KEY), Numerals(KEY, b"9876543210", b"t" * 33)])
@pytest.mark.parametrize("digits", [1, 2, 3])
def test_all_values_of_one_length_change_places(apply: Apply, op: Numerals, digits: int) -> None:
    values = [b"%0*d" % (digits, number) for number in range(10**digits)]
    results = [apply(op, value) for value in values]
    assert sorted(map(str, results)) == sorted(map(str, values))
    assert results != values


def test_a_lone_numeral_never_stays_as_it_is(apply: Apply) -> None:
    for first in range(20):
        op = Numerals(bytes([first]) + bytes(31))
        assert all(apply(op, b"%d" % digit) != b"%d" % digit for digit in range(10))


def test_numbers_keep_their_count_of_digits_and_their_type_s_limit(apply: Apply) -> None:
    op = Numerals(KEY, number=True, maximum=127)
    small = [b"%d" % number for number in range(128)]
    assert sorted(str(apply(op, value)) for value in small) == sorted(map(str, small))
    large = [b"%d" % number for number in range(128, 1000)]
    assert sorted(str(apply(op, value)) for value in large) == sorted(map(str, large))
    with_zeros = [b"0%d" % number for number in range(10)]
    assert sorted(str(apply(op, value)) for value in with_zeros) == sorted(map(str, with_zeros))


def test_a_limit_holds_for_the_largest_integers(apply: Apply) -> None:
    op = Numerals(KEY, number=True, maximum=2**63 - 1)
    for number in range(2**63 - 20, 2**63):
        result = apply(op, b"-%d" % number)
        assert result is not None
        assert result.startswith(b"-")
        assert 10**18 <= int(result[1:]) < 2**63
    assert apply(op, b"%d" % 2**63) is not None


def test_a_limit_that_few_values_reach_is_kept_at_once(apply: Apply) -> None:
    op = Numerals(KEY, number=True, maximum=10**17 + 1)
    reached = [b"%d" % number for number in (10**17, 10**17 + 1)]
    assert [apply(op, value) for value in reached] == reached[::-1]
    assert apply(Numerals(KEY, number=True, maximum=10**17), b"%d" % 10**17) == b"%d" % 10**17
    assert apply(Numerals(KEY, number=True, maximum=10**18 - 2), b"9" * 18) == b"9" * 18


def test_a_number_that_is_0_stays_and_no_other_becomes_it(apply: Apply) -> None:
    op = Numerals(KEY, number=True)
    for digits in (1, 2, 3):
        values = [b"%0*d" % (digits, number) for number in range(10**digits)]
        results = [apply(op, b"-" + value) for value in values]
        assert sorted(map(str, results)) == sorted(str(b"-" + value) for value in values)
        assert results[0] == b"-" + values[0]


def test_a_number_above_its_type_s_limit_stays(apply: Apply) -> None:
    assert apply(Numerals(KEY, number=True, maximum=127), b"-128") == b"-128"


@pytest.mark.parametrize("value", ["12 High Street", "1,5", "1\u00e9", " 1", "x"])
def test_what_does_not_belong_among_numerals_is_refused_where_others_say_so(apply: Apply, value: str) -> None:
    assert apply(Numerals(KEY), value.encode()) is not None
    with pytest.raises(Unfit, match="do not belong"):
        apply(Numerals(KEY, others=b"+-."), value.encode())
    assert apply(Numerals(KEY, HEX, others=b"-:"), b"-A1:b2-") is not None


def test_a_limit_of_one_digit_holds(apply: Apply) -> None:
    op = Numerals(KEY, number=True, maximum=4)
    assert {apply(op, b"%d" % digit) for digit in range(5)} == {b"%d" % digit for digit in range(5)}


def test_the_first_numerals_stay_as_they_are_written(apply: Apply) -> None:
    result = apply(Numerals(KEY, HEX, keep=6), b"00:1A:2b:3c:4d:5e")
    assert result is not None
    assert result.startswith(b"00:1A:2b:")
    assert result != b"00:1A:2b:3c:4d:5e"
    assert apply(Numerals(KEY, HEX, keep=12), b"00:1A:2b:3c:4d:5e") == b"00:1A:2b:3c:4d:5e"


def test_a_uuid_stays_of_its_version_and_variant_in_every_spelling(apply: Apply) -> None:
    op = Numerals(KEY, HEX, versioned=True)
    result = apply(op, b"6fa459ea-ee8a-4ca4-b94e-db77e160355e")
    assert result is not None
    assert (result[14:15], result[19:20]) == (b"4", b"b")
    assert sum(map(int.__eq__, result, b"6fa459ea-ee8a-4ca4-b94e-db77e160355e")) < 15
    assert apply(op, b"6FA459EAEE8A4CA4B94EDB77E160355E") == result.replace(b"-", b"").upper()
    drawn = apply(Numerals(KEY, HEX), b"6fa459ea-ee8a-4ca4-b94e-db77e160355e")
    assert drawn is not None
    assert drawn[:14] + drawn[15:19] + drawn[20:] == result[:14] + result[15:19] + result[20:]
    assert apply(op, b"1" * 33) == apply(Numerals(KEY, HEX), b"1" * 33)


def test_letters_are_in_upper_case_where_all_were(apply: Apply) -> None:
    op = Numerals(KEY, HEX)
    lower, upper = apply(op, b"x:deadbeef"), apply(op, b"x:DEADBEEF")
    assert lower is not None
    assert upper == b"x:" + lower[2:].upper() != lower
    assert apply(op, b"x:DEADbeef") == lower


def test_a_number_that_is_too_long_for_ff1_changes_and_keeps_what_it_begins_with(apply: Apply) -> None:
    op = Numerals(KEY, number=True)
    results = {apply(op, b"%d.00" % (10**40 + number)) for number in range(300)}
    assert len(results) == 300
    assert all(len(result or b"") == 44 and not (result or b"").startswith(b"0") for result in results)
    assert (apply(op, b"0" * 40) or b"").startswith(b"0")


def test_what_stands_between_numerals_does_not_matter(apply: Apply) -> None:
    for digits in (b"4111111111111111", b"1" * 50):
        together, apart = apply(Numerals(KEY), digits), apply(Numerals(KEY), b" ".join([digits[:3], digits[3:]]))
        assert together is not None
        assert apart == together[:3] + b" " + together[3:]


@pytest.mark.parametrize("value", [b"", b"none", "é…".encode(), b"\xff\x00"])
def test_without_numerals_a_value_stays(apply: Apply, value: bytes) -> None:
    assert apply(Numerals(KEY), value) == value


def test_another_key_and_another_tweak_give_other_results(apply: Apply) -> None:
    ops = [Numerals(KEY), Numerals(KEY[::-1]), Numerals(KEY, tweak=b"t"), Numerals(KEY, tweak=b"t" * 16)]
    assert len({apply(op, b"1234567890123456") for op in ops}) == len(ops)


@pytest.mark.parametrize("alphabet", [b"", b"0", b"00", b"AB", b"\xe9a", bytes(range(129))])
def test_an_alphabet_that_cannot_be_is_refused(apply: Apply, alphabet: bytes) -> None:
    with pytest.raises(ValueError, match="alphabet"):
        apply(Numerals(KEY, alphabet), b"1")
