"""Every rule is for its good examples and not for its bad ones; the documentation shows the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymize import kinds
from anonymize.discover.families import Family
from anonymize.discover.forms import FORMS, Form, form_of
from anonymize.discover.name_rules import RULES, said_by_name
from anonymize.discover.names import NameRule
from anonymize.discover.page import page
from anonymize.discover.words import words

PAGE = Path(__file__).resolve().parents[4] / "docs" / "anonymize-discover.md"

_LENGTHS = {rule.name: next(iter(rule.lengths)) for rule in RULES if rule.lengths}


def _for(rule: NameRule, example: str) -> bool:
    table, _, column = example.rpartition(".")
    return rule.matches(table or "things", column, _LENGTHS.get(rule.name))


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in RULES for name in rule.good], ids=str)
def test_a_rule_is_for_the_names_that_it_says(rule: NameRule, name: str) -> None:
    assert _for(rule, name)


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in RULES for name in rule.bad], ids=str)
def test_a_rule_is_not_for_the_names_that_it_says(rule: NameRule, name: str) -> None:
    assert not _for(rule, name)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_that_of_its_good_examples_and_not_of_its_bad_ones(form: Form) -> None:
    assert all(form_of(one) is form for one in form.good)
    assert all(form_of(one) is not form for one in form.bad)


def test_every_rule_proposes_a_kind_that_there_is_for_a_family_that_it_is_for() -> None:
    types = {Family.TEXT: "varchar", Family.BYTES: "blob", Family.INTEGER: "bigint", Family.DECIMAL: "decimal",
             Family.FLOAT: "double", Family.DATE: "date", Family.TIME: "datetime", Family.JSON: "json",
             Family.UUID: "uuid", Family.INET: "inet6"}  # fmt: skip
    for rule in RULES:
        for family, kind in rule.kinds.items():
            known = kinds.find(kind).types
            assert not known or types[family] in known or family is Family.BYTES, (rule.name, family, kind)
    for form in FORMS:
        assert set(form.options) <= set(kinds.find(form.kind).options)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ipV4Addresses", "ip v 4 address"),
        ("access_ip_v4", "access ip"),
        ("userIDs", "user id"),
        ("HTTPServerURL", "http server url"),
        ("email2", "email 2"),
        ("business_address", "business address"),
        ("passwd", "password"),
        ("statuses", "statuse"),  # a plural that no rule asks for
        ("", ""),
        ("größe", "größe"),
    ],
)
def test_a_name_is_taken_apart_into_its_words(name: str, said: str) -> None:
    assert " ".join(words(name)) == said


def test_a_word_inside_of_another_one_says_nothing() -> None:
    for name in ("description", "ship", "recipe", "email_count", "hospital", "macro", "urlaub", "passenger"):
        rule = said_by_name("things", name, Family.TEXT)
        assert rule is None or rule.name == "free text", name


def test_what_a_table_says_goes_before_what_a_name_says() -> None:
    def said(table: str, column: str, length: int | None = None) -> str:
        rule = said_by_name(table, column, Family.TEXT, length)
        return rule.name if rule is not None else ""

    assert said("customers", "address", 200) == "street"
    assert said("fixed_ips", "address", 200) == "ip by its table"
    assert said("virtual_interfaces", "address", 255) == "mac by its table"
    assert said("pools", "address", 39) == "ip by its length"
    assert said("pools", "address", 12) == ""
    assert (said("users", "name"), said("products", "name")) == ("name of a person", "")


def test_the_page_is_what_the_rules_say_of_themselves() -> None:
    assert PAGE.read_text() == page(), "run: python -m anonymize.discover > docs/anonymize-discover.md"
