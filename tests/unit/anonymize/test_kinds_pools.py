"""Pools are the same in every process, and hold what a column can hold; functions of one's own are called as said."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from typing import Any

import pytest

from anonymize.errors import Unfit, UsageError
from anonymize.kinds.columns import can_write
from anonymize.kinds.pools import MOST, pool
from anonymize.ops import Pool, Template
from anonymize.schema import Column
from tests.unit.anonymize.making import KEY, OTHER_KEY, changing, column, in_bytes, made


def entries(kind: str, where: Column | None = None, **options: Any) -> tuple[bytes, ...]:
    op = made(kind, where, **options).op
    assert isinstance(op, Template)
    (piece,) = op.pieces
    assert isinstance(piece, Pool)
    return piece.entries


def test_a_pool_is_the_same_whatever_the_seed_of_hashes() -> None:
    program = (
        "import hashlib; from anonymize.kinds.pools import pool\n"
        "print(hashlib.sha256(repr([pool(p, 'en_US') for p in ('first_name', 'city')]).encode()).hexdigest())"
    )
    here = hashlib.sha256(repr([pool(one, "en_US") for one in ("first_name", "city")]).encode()).hexdigest()
    run = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONHASHSEED": "1"}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == here


def test_a_pool_holds_many_different_entries_and_no_more_than_it_may() -> None:
    names = pool("name", "en_US")
    assert len(names) == len(set(names)) == MOST
    assert 100 < len(pool("first_name", "de_DE")) < MOST


def test_the_pool_is_the_same_for_every_key_and_the_key_says_which_entry() -> None:
    one, other = changing("name"), changing("name", key=OTHER_KEY)
    people = [f"person {n}" for n in range(20)]
    assert [one(name) for name in people] != [other(name) for name in people]
    assert made("name").op != made("name", key=OTHER_KEY).op
    assert {other(name).encode() for name in people} <= set(entries("name"))


def test_a_narrow_column_draws_from_the_entries_that_fit() -> None:
    fitting = entries("name", column("varchar", 12))
    assert 0 < len(fitting) < MOST
    assert made("name", column("varchar", 12)).longest == max(map(len, fitting)) <= 12
    with pytest.raises(UsageError, match="none of the 4096 entries fits"):
        made("name", column("varchar", 2))


def test_a_column_draws_from_the_entries_that_its_character_set_can_write() -> None:
    for entry in entries("name", column("varchar", 99, charset="latin1"), locale="de_DE"):
        entry.decode().encode("cp1252")
    with pytest.raises(UsageError, match="fits into the column"):
        made("name", column("varchar", 99, charset="latin1"), locale="ja_JP")


def test_old_utf8_has_no_characters_of_four_bytes() -> None:
    assert [can_write(column("varchar", charset=one), "\U0001f600") for one in ("utf8mb3", "utf8mb4")] == [False, True]


def test_a_tinytext_is_counted_in_bytes() -> None:
    assert all(len(entry) <= 20 for entry in entries("city", column("varbinary", 20), locale="ja_JP"))


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ("jobb", "Faker has no provider 'jobb'"),
        ("_job", "Faker has no provider '_job'"),
        ("seed_instance", "Faker has no provider 'seed_instance'"),
        ("date_of_birth", "gives other values on other days"),
        ("profile", "gives other values on other days"),
        ("pydict", "gives"),
        ("pybool", "gives values of type bool"),
        ("enum", "does not work without arguments"),
    ],
)
def test_a_provider_that_cannot_be_is_refused(provider: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(f"faker:{provider}")
    assert says in caught.value.message
    assert caught.value.hint


def test_an_unknown_locale_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(UsageError) as caught:
        made("name", locale="de_DD")
    assert (caught.value.message, caught.value.hint[:12]) == ("Faker has no locale 'de_DD'", "did you mean")


def test_any_provider_without_arguments_is_a_kind() -> None:
    assert changing("faker:job")("x").encode() in entries("faker:job")


def shout(value: str) -> str:
    return value.upper()


def backwards(value: bytes) -> bytes:
    return value[::-1]


def nothing(value: str) -> None:
    return None


def number(value: str) -> int:
    return 3


def broken(value: str) -> str:
    raise RuntimeError(value)


def own(name: str, where: Column | None = None) -> bytes | None:
    return in_bytes(f"python:{__name__}:{name}", where)(b"secret")


def test_a_function_of_ones_own_gets_text_or_for_a_column_of_bytes_bytes() -> None:
    assert own("shout") == b"SECRET"
    assert own("backwards", column("blob")) == b"terces"
    assert own("nothing") is None


@pytest.mark.parametrize(("name", "says"), [("number", "of type int"), ("broken", "raised RuntimeError")])
def test_a_function_that_fails_refuses_the_value_and_does_not_quote_it(name: str, says: str) -> None:
    with pytest.raises(Unfit) as caught:
        own(name)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_function_is_not_called_with_what_is_no_text() -> None:
    with pytest.raises(Unfit, match="no UTF-8"):
        in_bytes(f"python:{__name__}:shout")(b"\xff")


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("no.such.module:f", "cannot be imported"),
        (f"{__name__}:shoot", "has no function 'shoot'"),
        ("x", "no function"),
    ],
)
def test_a_function_that_is_not_there_is_refused(reference: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        made(f"python:{reference}")
    assert says in caught.value.message


def test_whether_a_function_keeps_values_apart_is_said_by_who_wrote_it() -> None:
    assert made(f"python:{__name__}:shout").uniqueness.value == "lossy"
    assert made(f"python:{__name__}:shout", unique=True).uniqueness.value == "collision-free"
    assert made(f"python:{__name__}:shout", key=KEY).grows
