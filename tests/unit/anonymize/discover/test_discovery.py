"""What is found in a made dump, column by column, and what a plan says to it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from anonymize import kinds, markup_file
from anonymize.discover import writing
from anonymize.discover.discovery import proposals
from anonymize.discover.proposal import Judgement, Proposal, Verdict
from anonymize.discover.sampling import sampled
from anonymize.markup import Markup
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.schema import Schema
from tests.unit.anonymize.discover.made_dump import COLUMNS, PEOPLE, dump

EXPECTED = {
    "id": "keep",
    "email_c": "email",
    "ip4_c": "ip",
    "ip6_c": "ip",
    "mac_c": "mac",
    "uuid_c": "uuid",
    "url_c": "url",
    "host_c": "hostname",
    "phone_c": "phone",
    "phone_home_c": "phone",
    "card_c": "text",
    "card_number_c": "integer",
    "iban_c": "text",
    "pem_c": "redact",
    "ssh_c": "ssh_key",
    "x_c": "certificate",
    "jwt_c": "text",
    "bcrypt_c": "password_hash",
    "argon_c": "password_hash",
    "crypt_c": "password_hash",
    "pbkdf_c": "password_hash",
    "md_c": "hex",
    "drawn_c": "username",
    "cloud_c": "text",
    "home_c": "path",
    "person_c": "name",
    "town_c": "city",
    "talk_c": "scrub",
    "gossip_c": "text",
    "prose_c": "?",
    "json_c": "json",
    "plain_json_c": "keep",
    "php_c": "redact",
    "packed_c": "base64",
    "mixed_c": "text",
    "choice_c": "keep",
    "enum_c": "keep",
    "flag_c": "keep",
    "count_c": "keep",
    "at_c": "keep",
    "ratio_c": "keep",
    "code_c": "?",
    "digits_c": "?",
    "never_c": "?",
    "birth_date": "date",
    "surname": "last_name",
    "password": "password_hash",
    "gender": "?",
    "salary": "decimal",
    "loud": "",
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "dump.sql"
    path.write_text(dump())
    return path


def discovered(file: Path, markup: Markup | None = None, locale: str | None = None) -> list[Proposal]:
    read = sampled(str(file), (), 1000, lambda done, total: None)
    return proposals(read, markup or Markup(), PEOPLE, locale=locale)


@pytest.fixture(scope="module")
def found(file: Path) -> dict[tuple[str, str], Judgement]:
    return {(one.table.name, one.column.name): one.judgement for one in discovered(file)}


def test_every_column_of_the_made_dump_is_expected_to_be_something() -> None:
    assert set(EXPECTED) == set(COLUMNS)
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize("name", EXPECTED)
def test_a_column_is_found_to_be_what_it_is(found: dict[tuple[str, str], Judgement], name: str) -> None:
    one = found["things", name]
    kind = {Verdict.ASK: "?", Verdict.LEFT: ""}.get(one.verdict, one.kind)
    assert kind == EXPECTED[name], one.why


def test_a_plan_takes_the_proposal_but_for_what_is_asked_for(file: Path) -> None:
    columns = discovered(file)
    markup = markup_file.parse(writing.toml(columns), "proposed.toml", kinds.find)
    tables = {one.table.name: one.table for one in columns}
    errors = Planner(markup, kinds.find, Key(b"any")).schema(Schema(tables)).errors
    asked = {(one.table.name, one.column.name) for one in columns if one.judgement.verdict is Verdict.ASK}
    assert {(one.table, one.column) for one in errors} == asked
    assert {one.id for one in errors} == {"unmarked"}


def test_the_paths_of_documents_have_their_own_rules(found: dict[tuple[str, str], Judgement]) -> None:
    assert found["things", "json_c"].options == {
        "paths": {"$.owner.email": "email", "$.owner.age": "keep", "$.tags[*]": "keep", "$.ips[*]": "ip"},
        "other": "text",
    }


def test_a_hash_is_replaced_by_one_of_its_form(found: dict[tuple[str, str], Judgement]) -> None:
    forms = {name: found["things", name].options.get("form") for name in ("bcrypt_c", "argon_c", "crypt_c", "pbkdf_c")}
    assert forms == {"bcrypt_c": None, "argon_c": "argon2id", "crypt_c": "sha512-crypt", "pbkdf_c": "pbkdf2-sha256"}


def test_what_refers_to_another_table_inherits(found: dict[tuple[str, str], Judgement]) -> None:
    one = found["children", "thing"]
    assert (one.verdict, one.why) == (Verdict.LEFT, "it inherits from things.id, which it refers to")


def test_columns_of_one_name_have_one_kind_where_one_of_them_tells(found: dict[tuple[str, str], Judgement]) -> None:
    assert [found[table, "owner_ref"].kind for table in ("children", "empty")] == ["hex", "hex"]
    assert "joined by name with 1 other column" in found["empty", "owner_ref"].why
    assert found["empty", "what"].verdict is Verdict.ASK


def test_nothing_that_is_written_holds_a_value(file: Path) -> None:
    columns = discovered(file)
    texts = (writing.toml(columns), str(writing.data(columns)), writing.summary(columns))
    read = sampled(str(file), (), 1000, lambda done, total: None)
    values = {
        value.decode()
        for sample in read.samples.values()
        for reservoir in sample.columns.values()
        for value in reservoir.values
        if len(value) > 6 and not value.isdigit()
    }
    assert len(values) > 2000
    assert not [value for value in values if any(value in text for text in texts)]


def test_the_same_dump_has_the_same_proposal(file: Path) -> None:
    assert writing.toml(discovered(file)) == writing.toml(discovered(file))


def test_only_what_markup_does_not_say_yet_is_proposed(file: Path) -> None:
    said = markup_file.parse('[tables.things]\nemail_c = "redact"\n[tables.empty]\n"*" = "keep"\n', "m", kinds.find)
    columns = {(one.table.name, one.column.name): one.judgement for one in discovered(file, said)}
    assert columns["things", "email_c"].verdict is Verdict.LEFT
    assert {columns["empty", name].verdict for name in ("id", "owner_ref", "what")} == {Verdict.LEFT}
    assert columns["things", "mac_c"].verdict is Verdict.REPLACE
    tables = tomllib.loads(writing.toml(discovered(file, said)))["tables"]
    assert "email_c" not in tables["things"]
    assert "empty" not in tables


def test_a_locale_is_proposed_for_people_and_places_alone(file: Path) -> None:
    columns = {one.column.name: one.judgement for one in discovered(file, locale="de_DE")}
    assert columns["person_c"].options == {"locale": "de_DE"}
    assert columns["mac_c"].options == {}
