"""Free text loses what looks confidential, and keeps the words around it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymize.errors import UsageError
from anonymize.kinds.freetext import Search
from anonymize.kinds.patterns import PATTERNS, Pattern
from tests.unit.anonymize.making import changing, column, in_bytes, made

CONFIDENTIAL = {
    "email": ["bob@corp.example", "o'brien@corp.example", "bob+tag@mail.corp.example", "root@localhost"],
    "url": ["https://bob:secret@corp.example/a?b=c", "mysql+pymysql://u:p@db1/x"],
    "ip": ["10.1.2.3", "10.0.0.0/8", "fe80::1", "2001:db8::ff00:42:8329", "::ffff:10.1.2.3"],
    "mac": ["00:1a:2b:3c:4d:5e", "de-ad-be-ef-ca-fe"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000"],
    "card": ["4111 1111 1111 1111", "5500-0000-0000-0004", "12 4111 1111 1111 1111"],
    "phone": ["+49 30 1234567", "(030) 123 45 67", "555-123-4567"],
    "token": [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "xoxb-1234567890123-abcdefghijklmnop1",
    ],
    "pem": ["-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIBVQ"],
}
HARMLESS = (
    "The disk was full at 12:30 on 2024-01-02, release 1.2.3, the well-known-release-candidate-of-year-2; "
    "see /var/lib/nova/instances and call std::move()."
)


def test_every_pattern_is_tried_here() -> None:
    assert CONFIDENTIAL.keys() == {pattern.name for pattern in PATTERNS}


@pytest.mark.parametrize(("name", "found"), [(name, one) for name, many in CONFIDENTIAL.items() for one in many])
@pytest.mark.parametrize("around", ["{}", "Ask <{}> now", "at '{}', she said", "({})\nor"])
def test_what_is_confidential_goes_and_the_words_stay(name: str, found: str, around: str) -> None:
    result = changing("scrub")(around.format(found))
    before, _, after = around.partition("{}")
    assert result.startswith(before)
    assert found not in result
    if found != CONFIDENTIAL["pem"][1] and name != "url":  # the one goes on to the end, the other to the next space
        assert result.endswith(after)


def test_plain_words_stay_as_they_are() -> None:
    assert changing("scrub")(HARMLESS) == HARMLESS


def test_what_is_found_has_the_pseudonym_that_it_has_in_a_column() -> None:
    result = changing("scrub")("from Bob@corp.example at 10.1.2.3.")
    assert result == f"from {changing('email')('bob@corp.example')} at {changing('ip')('10.1.2.3')}."


def test_a_card_has_one_check_digit() -> None:
    (is_card,) = (pattern.is_one for pattern in PATTERNS if pattern.name == "card")
    assert is_card is not None
    assert [digit for digit in "0123456789" if is_card(f"422222222222{digit}")] == ["2"]


def test_a_search_goes_on_within_what_looked_like_a_find_and_was_none() -> None:
    search = Search(Pattern("", re.compile("[0-9]{2}"), "", is_one=lambda found: found == "23"), None)
    found = search.first("123", 0)
    assert found is not None
    assert found.start() == 1


def test_patterns_of_ones_own_win() -> None:
    changed = changing("scrub", patterns={"EMP-[0-9]+": {"kind": "constant", "value": "EMP-0"}, "@[a-z]+": "keep"})
    assert changed("EMP-123 of @bob") == "EMP-0 of @bob"


def test_a_pattern_can_be_left_out() -> None:
    assert changing("scrub", without=["phone"])("+49 30 1234567") == "+49 30 1234567"
    with pytest.raises(UsageError, match="there is no pattern 'fone'"):
        made("scrub", without=["fone"])


@pytest.mark.parametrize("regex", ["(", "a*"])
def test_a_pattern_that_cannot_be_is_refused(regex: str) -> None:
    with pytest.raises(UsageError):
        made("scrub", patterns={regex: "text"})


def test_what_a_kind_does_not_take_is_replaced_all_the_same() -> None:
    changed = changing("scrub", patterns={"host [a-z]+": "ip"})
    assert re.fullmatch(r"[a-z]{4} [a-z]{7} is down", changed("host dbmain1 is down").replace("1", "a"))
    assert "host" not in changed("host dbmain is down")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_text_are_kept(value: bytes) -> None:
    result = in_bytes("scrub", column("blob"), without=["token", "phone", "card"])(value)
    assert result is not None
    if not re.search(rb"[@:\d]", value):
        assert result == value


@given(st.text(st.sampled_from("ab1@:/.-' +=\n"), max_size=80))
def test_nothing_that_has_the_form_of_a_mail_address_is_left(value: str) -> None:
    result = changing("scrub", without=["pem"])(value)
    for left in re.findall(r"[\w.]+@[\w]+", result):
        assert re.search(r"example\.(com|net|org)|@example", left) or left not in value


@pytest.mark.parametrize("part", ["a.", "a'", "1 ", "a@", "1:", "a-", "+1", "-----BEGIN A-----"])
def test_no_text_is_walked_through_more_often_than_once_for_each_pattern(part: str) -> None:
    # With work that grows with the square of the length this takes many minutes, and so the test's time limit.
    changing("scrub")((part * 100_000)[:100_000])
