"""Checksums: whatever is changed in a number that is right makes it wrong."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anonymize.discover.checksums import is_card, is_iban, luhn, mod_97

_DIGITS = st.text("0123456789", min_size=1, max_size=18)
_ACCOUNTS = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=30)


def _with_check(digits: str) -> str:
    return next(f"{digits}{last}" for last in range(10) if luhn(f"{digits}{last}"))


def _account(country: str, rest: str) -> str:
    number = int("".join(str(int(one, 36)) for one in f"{rest}{country}00"))
    return f"{country}{98 - number % 97:02}{rest}"


@given(_DIGITS)
def test_exactly_one_digit_checks_a_number(digits: str) -> None:
    assert sum(luhn(f"{digits}{last}") for last in range(10)) == 1


@given(_DIGITS, st.data())
def test_one_wrong_digit_is_seen(digits: str, data: st.DataObject) -> None:
    right = _with_check(digits)
    place = data.draw(st.integers(0, len(right) - 1))
    wrong = data.draw(st.sampled_from([one for one in "0123456789" if one != right[place]]))
    assert not luhn(right[:place] + wrong + right[place + 1 :])


@given(st.sampled_from(["DE", "GB", "FR", "NO"]), _ACCOUNTS)
def test_an_account_with_its_check_digits_is_one_in_groups_too(country: str, rest: str) -> None:
    account = _account(country, rest)
    assert mod_97(account)
    assert is_iban(account)
    assert is_iban(" ".join(account[at : at + 4] for at in range(0, len(account), 4))) or len(account) % 4 == 1


@given(st.sampled_from(["DE", "GB"]), _ACCOUNTS, st.data())
def test_one_wrong_character_of_an_account_is_seen(country: str, rest: str, data: st.DataObject) -> None:
    account = _account(country, rest)
    place = data.draw(st.integers(4, len(account) - 1))
    alphabet = "0123456789" if account[place].isdigit() else "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    others = [one for one in alphabet if one != account[place]]
    assert not mod_97(account[:place] + data.draw(st.sampled_from(others)) + account[place + 1 :])


@given(st.text(max_size=40))
def test_no_text_is_too_odd_to_be_asked_about(text: str) -> None:
    assert is_card(text) in (True, False)
    assert is_iban(text) in (True, False)
