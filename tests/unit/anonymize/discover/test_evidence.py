"""What values look like is counted, and nothing in a dump is too odd to be looked at."""

from __future__ import annotations

import base64
import json
import pickle
import tomllib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymize.discover.checksums import is_card, luhn
from anonymize.discover.discovery import proposals
from anonymize.discover.documents import documents
from anonymize.discover.evidence import evidence
from anonymize.discover.insides import Wrapped, mentions, unwrapped
from anonymize.discover.judging import Subject, judge
from anonymize.discover.proposal import Proposal, Verdict
from anonymize.discover.sample import TableSample
from anonymize.discover.sampling import Sampled
from anonymize.discover.writing import toml
from anonymize.markup import Markup
from anonymize.schema import Column, ForeignKey, Table
from tests.unit.anonymize.discover.made_dump import PEOPLE

_ODD = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.binary(max_size=60).map(lambda data: b"\x80\x04" + data),
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ).map(lambda value: json.dumps(value).encode()),
    st.from_regex(r'(a:[0-9]{1,9}:\{|[0-9]{4}-|[+0-9 ()/.\-]+|/home|C:\\|eyJ)[ -~]{0,40}', fullmatch=True).map(
        str.encode
    ),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.lists(_ODD, max_size=8), st.sampled_from(["varchar", "blob", "json", "bigint", "enum", "point"]))
def test_no_value_is_too_odd_to_be_judged(values: list[bytes], type_: str) -> None:
    found = discovered([("c", type_)], [(value,) for value in values])
    assert isinstance(found["c"].judgement.why, str)


def discovered(
    columns: list[tuple[str, str]], rows: list[tuple[bytes | None, ...]], **more: Any
) -> dict[str, Proposal]:
    """What is proposed for one table, by the names of its columns; a column is given by its name and type."""
    made = [Column(name, type_.partition("(")[0], _length(type_)) for name, type_ in columns]
    table = Table("t", tuple(made), **more)
    sample = TableSample(len(rows))
    for row in rows:
        for column, value in zip(made, row, strict=True):
            if value:
                sample.of(column.name).add(value)
    found = proposals(Sampled((table,), {(None, "t"): sample}), Markup(), PEOPLE)
    return {one.column.name: one for one in found}


def _length(type_: str) -> int | None:
    inner = type_.partition("(")[2].rstrip(")")
    return int(inner) if inner else None


def kind(values: Sequence[str | bytes], type_: str = "varchar(200)", name: str = "c") -> str:
    rows: list[tuple[bytes | None, ...]] = [(one.encode() if isinstance(one, str) else one,) for one in values]
    one = discovered([(name, type_)], rows)[name].judgement
    return one.kind if one.verdict is not Verdict.ASK else "?"


def test_a_value_counts_as_often_as_it_is_there() -> None:
    seen = evidence([b"a@example.com"] * 3 + [b"plain"], PEOPLE)
    assert (seen.looked, seen.distinct, dict(seen.forms)) == (4, 2, {"email": 3})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to a@example.com or call +49 30 1234567", {"email", "phone"}),
        ("from 10.0.0.1 at fa:16:3e:00:11:22", {"ip", "mac"}),
        ("nothing is in here", set()),
        ("paid with 4111 1111 1111 1111 today", {"card"}),
    ],
)
def test_what_stands_in_free_text_is_mentioned(text: str, found: set[str]) -> None:
    assert mentions(text) == found


def test_what_is_wrapped_is_looked_into_and_never_executed() -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (exec, ("raise SystemExit('it was executed')",))

    pickled = pickle.dumps({"email": "a@example.com"})
    assert unwrapped(pickled) is not None
    assert unwrapped(pickle.dumps(Evil())) is not None
    assert kind([pickled] * 6, "blob") == "redact"
    assert kind([base64.b64encode(pickled)] * 6, "text") == "redact"
    assert unwrapped(b'a:1:{s:4:"name";s:5:"a";b;";}') == Wrapped("serialized PHP", ("name", 'a";b;'))
    assert kind([base64.b64encode(b"nothing confidential in here %d" % i) for i in range(9)], "text") == "?"


def test_a_kind_that_would_refuse_some_values_gives_way_to_one_that_does_not() -> None:
    assert kind([f"10.0.0.{i}" for i in range(40)]) == "ip"
    assert kind([*(f"10.0.0.{i}" for i in range(40)), "localhost"]) == "text"
    assert kind([*(f"10.0.0.{i}" for i in range(40)), "localhost"], name="client_ip") == "text"


def test_a_kind_that_does_not_fit_into_the_column_gives_way() -> None:
    assert kind([], "varchar(60)", "password") == "password_hash"
    assert kind([], "varchar(20)", "password") == "text"
    assert kind([], "varchar(9)", "email") == "text"
    assert kind([b"\0\1"] * 5, "varbinary(9)", "token") == "redact"


def test_a_unique_column_gets_a_kind_that_keeps_values_different() -> None:
    found = discovered([("token", "varchar(99)"), ("id", "int")], [], unique=(("id",), ("token",)))
    assert found["token"].judgement.kind == "username"
    narrow = discovered([("token", "varchar(9)"), ("id", "int")], [], unique=(("id",), ("token",)))
    assert narrow["token"].judgement.verdict is Verdict.ASK


def test_few_values_that_come_again_and_again_are_a_choice_but_not_in_a_short_table() -> None:
    assert kind(["red", "green"] * 30) == "keep"
    assert kind(["red"] * 10 + ["green"] * 5) == "?"


def test_a_choice_that_says_something_of_a_person_is_asked_for() -> None:
    assert kind(["m", "f"] * 30, name="gender") == "?"
    enum = Table("t", (Column("gender", "enum", members=("m", "f")),))
    (one,) = proposals(Sampled((enum,)), Markup(), PEOPLE)
    assert one.judgement.kind == "enum"


def test_names_are_told_though_not_all_of_them_are_known() -> None:
    people = [f"Anna Xy{'abcdefghijklmnopqrstuvwxyz'[i % 26]}zel" for i in range(20)]
    known = [f"{first} Huber" for first in ("Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta")]
    assert kind([*people, *known]) == "name"
    assert kind(people) == "?"


def test_what_is_few_and_has_peoples_names_is_no_list_of_people() -> None:
    assert kind(["Anna", "Hugo"] * 40) == "keep"


def test_json_with_names_of_members_that_are_data_is_asked_for() -> None:
    assert kind([json.dumps({f"person{i}@example.com": 1}) for i in range(9)], "json") == "?"
    assert kind([json.dumps({f"member{i}": i}) for i in range(99)], "json") == "?"


def test_json_of_scalars_or_without_values_is_changed_whole() -> None:
    for values in (['"one"', '"two"'], []):
        found = discovered([("c", "json")], [(one.encode(),) for one in values])["c"].judgement
        assert (found.kind, found.options) == ("json", {"paths": {"$": "text"}})


def test_json_that_the_engine_would_refuse_is_not_proposed_as_json() -> None:
    values = [json.dumps({"mail": f"a{i}@example.com"}) for i in range(30)]
    assert kind(values, "text") == "json"
    assert kind([*values, '{"mail": NaN}'], "text") == "text"
    assert documents([b'{"a": 1}', b"no"]) == []


def test_a_column_that_is_kept_by_itself_follows_those_of_its_name_that_are_not() -> None:
    tables = tuple(Table(name, (Column("owner_ref", "varchar", 99),)) for name in ("a", "b"))
    samples: dict[tuple[str | None, str], TableSample] = {(None, name): TableSample(60) for name in ("a", "b")}
    for i in range(60):
        samples[None, "a"].of("owner_ref").add(b"%032x" % (i % 2 + 2**127))
        samples[None, "b"].of("owner_ref").add(b"%032x" % (i * 2**100 + 2**127 + 11))
    found = proposals(Sampled(tables, samples), Markup(), PEOPLE)
    assert [one.judgement.kind for one in found] == ["hex", "hex"]


def test_a_foreign_key_to_a_table_that_is_not_there_does_not_hide_a_column() -> None:
    key = ForeignKey(("email",), "gone", ("email",))
    found = discovered([("email", "varchar(99)")], [], foreign_keys=(key,))
    assert found["email"].judgement.kind == "email"


def test_a_judgement_needs_no_values() -> None:
    one = judge(Subject("t", Column("created_at", "datetime"), (), 0), PEOPLE)
    assert (one.verdict, one.why) == (Verdict.KEEP, "a time")


def test_the_form_of_values_tells_more_than_a_name_that_says_token() -> None:
    assert kind([f"{i * 2**100 + 2**127 + 11:032x}" for i in range(20)], name="session_id") == "hex"


def test_free_text_under_a_name_that_says_something_is_what_the_name_says() -> None:
    rows: list[tuple[bytes | None, ...]] = [(b"one of many words %d" % i,) for i in range(20)]
    one = discovered([("surname", "varchar(99)")], rows)["surname"].judgement
    assert one.kind == "last_name"
    assert one.why.startswith("its name says that it is a last name; free text in 100 % of 20 values")


def test_columns_of_one_name_whose_values_no_kind_fits_are_told_apart() -> None:
    tables = tuple(Table(name, (Column("owner_ref", "varchar", 99),)) for name in ("a", "b"))
    samples: dict[tuple[str | None, str], TableSample] = {(None, name): TableSample(60) for name in ("a", "b")}
    for i in range(60):
        samples[None, "a"].of("owner_ref").add(b"%032x" % (i * 2**100 + 2**127 + 11))
        samples[None, "b"].of("owner_ref").add(b"word %d" % i)
    first, second = (one.judgement for one in proposals(Sampled(tables, samples), Markup(), PEOPLE))
    assert (first.kind, second.verdict) == ("hex", Verdict.ASK)
    assert "columns of this name in other tables could not have the same kind" in first.why


def test_a_place_in_json_that_is_kept_hides_nothing_below_it() -> None:
    documents = [{"to": "red" if i % 2 else {"mail": f"a{i}@example.com"}, "n": i} for i in range(80)]
    found = discovered([("c", "json")], [(json.dumps(one).encode(),) for one in documents])["c"].judgement
    assert found.options == {"paths": {"$.to.mail": "email", "$.n": "keep"}, "other": "text"}


def test_what_a_plan_refuses_is_asked_for_at_the_other_end_of_a_foreign_key_too() -> None:
    parent = Table("users", (Column("email", "varchar", 99),), (("email",),))
    key = ForeignKey(("to_whom",), "users", ("email",))
    child = Table("mails", (Column("to_whom", "varchar", 10),), (), (key,))
    first, second = (one.judgement for one in proposals(Sampled((parent, child)), Markup(), PEOPLE))
    assert (first.verdict, second.verdict) == (Verdict.ASK, Verdict.LEFT)
    assert "as 'email' a plan refuses it: mails.to_whom" in first.why


def test_names_are_written_so_that_they_are_the_same_names_and_no_more() -> None:
    odd = ("a\nb", "e\x1b[2J", "d\x7f", "c\x9b", 'q"q', "x.y", "like", "é")
    columns = tuple(Column(name, "int") for name in odd)
    child = Table("child", (Column("x", "int"),), (), (ForeignKey(("x",), "t\n[tables.no]", ("a\nb",)),))
    found = proposals(Sampled((Table("t\n[tables.no]", columns), child)), Markup(), PEOPLE)
    text = toml(found)
    assert all(one.isprintable() for one in text.replace("\n", ""))
    assert set(tomllib.loads(text)["tables"]) == {"t\n[tables.no]"}
    assert set(tomllib.loads(text)["tables"]["t\n[tables.no]"]) == set(odd)


def test_a_number_that_no_maker_of_cards_begins_with_is_no_card() -> None:
    number = next(f"100000000000001{last}" for last in range(10) if luhn(f"100000000000001{last}"))
    assert not is_card(number)
    assert is_card(next(f"400000000000001{last}" for last in range(10) if luhn(f"400000000000001{last}")))
