"""Kinds are found by name, take the options that they know, and say of a column what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from anonymize.errors import UsageError
from anonymize.kinds import FAMILIES, KINDS, find
from anonymize.kinds.kind import Uniqueness
from anonymize.kinds.page import page
from anonymize.ops import Base32, Constant, Fold, Null, Numerals, Shift, Template, Text
from anonymize.schema import Column
from tests.unit.anonymize.making import KEY, OTHER_KEY, column, made

ROOT = Path(__file__).resolve().parents[3]
ALL = (*KINDS, "faker:job", "python:builtins:str")


def refused(kind: str, where: Column | None = None, **options: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        made(kind, where, **options)
    return caught.value


def test_the_page_about_kinds_is_what_they_say_of_themselves() -> None:
    assert (ROOT / "docs" / "kinds.md").read_text() == page(), "run: python -m anonymize.kinds > docs/kinds.md"


def test_every_kind_has_the_name_that_it_is_found_by() -> None:
    assert all(find(name).name == name for name in ALL)


@pytest.mark.parametrize("name", [*KINDS, *FAMILIES])
def test_the_example_of_a_kind_is_markup_for_it(name: str) -> None:
    kind = FAMILIES[name]("job") if name in FAMILIES else KINDS[name]
    ((_, rule),) = tomllib.loads(kind.example).items()  # type: ignore[attr-defined]
    options = {"kind": rule} if isinstance(rule, str) else dict(rule)
    written = options.pop("kind")
    assert written.partition(":")[0] == kind.name.partition(":")[0]
    if name != "python":  # its example is a module that is not there
        members = ("new", "paid", "void") if name == "enum" else ()
        find(written).make(options, column(members=members), KEY)


def test_an_unknown_kind_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        find("emial")
    assert (caught.value.message, caught.value.hint) == ("there is no kind 'emial'", "did you mean 'email'?")


def test_a_family_needs_a_name_behind_its_colon() -> None:
    with pytest.raises(UsageError, match="there is no kind 'faker:'"):
        find("faker:")


def test_an_unknown_option_is_refused_with_the_nearest_one() -> None:
    error = refused("email", domian="x")
    assert (error.message, error.hint) == ("the kind 'email' has no option 'domian'", "did you mean 'domain'?")


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        ("email", {"domain": 3}, "it has to be text"),
        ("phone", {"keep": True}, "it has to be a whole number"),
        ("phone", {"keep": -1}, "is -1"),
        ("ip", {"network": 33}, "is 33"),
        ("mac", {"vendor": "kepe"}, "is 'kepe'"),
        ("email", {"meaning": ""}, "is empty"),
        ("constant", {}, "needs its option 'value'"),
        ("enum", {"members": "new"}, "it has to be a list"),
        ("email", {"domain": "no domain"}, "is no name of a domain"),
        ("date", {"subject": "c"}, "is its own subject"),
        ("password_hash", {"form": "md5"}, "is 'md5'"),
    ],
)
def test_an_option_that_cannot_be_is_refused(kind: str, options: dict[str, Any], says: str) -> None:
    assert says in refused(kind, **options).message


def test_a_column_of_a_type_that_a_kind_is_not_for_is_refused() -> None:
    error = refused("email", column("int"))
    assert error.message == "column 'c', kind 'email': the column is of type 'int'"
    assert "varchar" in error.hint


@pytest.mark.parametrize(
    ("where", "fold"),
    [
        (column("varchar", collation="utf8mb4_general_ci"), Fold.CASE),
        (column("varchar", collation="utf8mb4_bin"), Fold.TRIM),
        (column("varchar", collation="utf8mb4_0900_as_cs"), Fold.TRIM),
        (column("varchar"), Fold.CASE),
        (column("varchar", charset="binary"), Fold.NONE),
        (column("varbinary", 100), Fold.NONE),
    ],
)
def test_values_count_as_the_same_as_the_columns_collation_has_it(where: Column, fold: Fold) -> None:
    op = made("email", where).op
    assert isinstance(op, Template)
    assert op.fold is fold


def test_pseudonyms_are_shared_by_meaning_and_by_nothing_else() -> None:
    def key_of(kind: str, **options: Any) -> bytes:
        op = made(kind, **options).op
        assert isinstance(op, Template | Text | Numerals | Shift)
        return op.key

    assert key_of("email") == key_of("email", domain="example.org")
    assert key_of("email") != key_of("username")
    assert key_of("email", meaning="m") != key_of("email")
    assert key_of("integer", meaning="m") != key_of("integer")
    assert key_of("date") == key_of("datetime")
    other = made("email", key=OTHER_KEY).op
    assert isinstance(other, Template)
    assert other.key != key_of("email")


def test_a_short_column_draws_fewer_characters_of_a_mail_address_but_never_under_65_bits() -> None:
    def drawn(length: int) -> int:
        op = made("email", column("varchar", length)).op
        assert isinstance(op, Template)
        return next(piece.count for piece in op.pieces if isinstance(piece, Base32))

    assert (drawn(100), drawn(28), drawn(27), drawn(25)) == (16, 16, 15, 13)
    assert made("email", column("varchar", 25)).longest == 25
    error = refused("email", column("varchar", 24))
    assert error.message == "column 'c', kind 'email': its results need 25 characters, and the column holds 24"


def test_a_domain_of_ones_own_counts_in_the_length() -> None:
    assert made("hostname", domain="corp.example").longest == 17 + len(".corp.example")
    assert "need 27 characters" in refused("hostname", column("varchar", 26), domain="corp.example").message


def test_an_integer_stays_within_its_type() -> None:
    for of, unsigned, most in (("tinyint", False, 127), ("tinyint", True, 255), ("bigint", True, 2**64 - 1)):
        op = made("integer", column(of, unsigned=unsigned)).op
        assert isinstance(op, Numerals)
        assert (op.number, op.maximum) == (True, most)


@pytest.mark.parametrize(
    ("kind", "where", "uniqueness"),
    [
        ("integer", column("bigint"), Uniqueness.BIJECTIVE),
        ("decimal", column("decimal", 10, scale=2), Uniqueness.BIJECTIVE),
        ("decimal", column("decimal", 65, scale=2), Uniqueness.COLLISION_FREE),
        ("hex", column("varchar", 28), Uniqueness.BIJECTIVE),
        ("hex", column("varchar", 64), Uniqueness.COLLISION_FREE),
        ("hex", column("text"), Uniqueness.COLLISION_FREE),
        ("hex", column("binary", 14), Uniqueness.BIJECTIVE),
        ("hex", column("binary", 16), Uniqueness.COLLISION_FREE),
        ("date", column("date"), Uniqueness.BIJECTIVE),
        ("name", column("varchar", 100), Uniqueness.LOSSY),
        ("text", column("varchar", 100), Uniqueness.LOSSY),
    ],
)
def test_uniqueness_is_that_of_the_column(kind: str, where: Column, uniqueness: Uniqueness) -> None:
    assert made(kind, where).uniqueness is uniqueness


def test_dates_with_subjects_are_not_unique_and_name_the_subjects_column() -> None:
    result = made("datetime", subject="user_id")
    assert (result.subject, result.uniqueness) == ("user_id", Uniqueness.LOSSY)


def test_keep_does_nothing_and_null_needs_a_column_that_takes_it() -> None:
    assert made("keep").op is None
    assert made("null").op == Null()
    assert refused("null", column("int", nullable=False)).message == "column 'c', kind 'null': the column is NOT NULL"


def test_what_is_redacted_is_cut_to_the_column() -> None:
    assert made("redact", column("varchar", 4)).op == Constant(b"reda")
    gone: dict[str, Any] = {"with": "gone"}
    assert made("redact", **gone).op == Constant(b"gone")
    russian: dict[str, Any] = {"with": "убрано"}
    assert "cannot hold" in refused("redact", column("varchar", 9, charset="latin1"), **russian).message


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (column("tinyint"), 128),
        (column("tinyint", unsigned=True), -1),
        (column("int"), "none"),
        (column("decimal", 5), "five"),
        (column("decimal", 5, scale=2), "1000"),
        (column("date"), "yesterday"),
        (column("enum", members=("a", "b")), "c"),
        (column("json"), "{"),
        (column("varchar", 3), "four"),
        (column("varchar", 9, charset="latin1"), "при"),
    ],
)
def test_a_constant_that_the_column_cannot_hold_is_refused(where: Column, value: Any) -> None:
    assert repr(str(value)) in refused("constant", where, value=value).message


@pytest.mark.parametrize(
    ("where", "value", "written"),
    [
        (column("tinyint"), -128, b"-128"),
        (column("tinyint"), True, b"1"),
        (column("json"), "{}", b"{}"),
        (column("decimal", 5, scale=2), "-999.50", b"-999.50"),
        (column("datetime"), "2000-01-01 00:00:00", b"2000-01-01 00:00:00"),
        (column("double"), 1.5, b"1.5"),
    ],
)
def test_a_constant_is_written_as_its_column_has_it(where: Column, value: Any, written: bytes) -> None:
    result = made("constant", where, value=value)
    assert (result.op, result.longest) == (Constant(written), None)


def test_a_constant_of_text_is_as_long_as_it_is() -> None:
    assert made("constant", column("varchar", 9), value="four").longest == 4


def test_a_character_set_that_text_cannot_be_written_in_is_refused() -> None:
    assert "latin2" in refused("text", column("varchar", 9, charset="latin2")).message
    made("text", column("varchar", 9, charset="latin1"))
    made("text", column("varchar", 9, charset="ascii"))


def test_an_address_needs_the_room_that_its_family_may_take() -> None:
    assert made("ip", column("varchar", 15)).longest == 15
    assert made("ip", column("varchar", 40)).longest == 39
    assert made("ip", column("text")).longest == 43
    assert "need 15 characters" in refused("ip", column("varchar", 14)).message


def test_an_address_as_a_number_needs_a_column_that_holds_the_last_one() -> None:
    assert "numbers up to 2147483647" in refused("ip", column("int")).message
    assert made("ip", column("int", unsigned=True)).op != made("ip").op


def test_no_error_of_any_kind_ends_without_what_to_do_about_it() -> None:
    for name in ALL:
        error = refused(name, nonsense=1)
        assert error.hint
        assert re.match(r"the kind '.*' has no option 'nonsense'", error.message)
