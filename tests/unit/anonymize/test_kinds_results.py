"""What kinds make of values: the same for the same key, valid in their form, and as unique as they promise."""

from __future__ import annotations

import base64
import ipaddress
import json
import math
import re
import shutil
import subprocess
import uuid
from datetime import date
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anonymize.errors import Unfit, UsageError
from anonymize.kinds import KINDS
from anonymize.kinds.secrets import CERTIFICATES, KEYS, certificates, ssh_keys
from anonymize.schema import Column
from tests.unit.anonymize.making import KEY, OTHER_KEY, changing, column, in_bytes, made

SAMPLES = {
    "text": "Some Text 12",
    "email": "bob@corp.example",
    "username": "bob",
    "name": "Bob Smith",
    "first_name": "Bob",
    "last_name": "Smith",
    "company": "Smith Ltd",
    "street": "1 High Street",
    "city": "Oslo",
    "phone": "+49 30 1234567",
    "url": "https://corp.example/bob",
    "hostname": "db1",
    "ip": "10.1.2.3",
    "mac": "00:1a:2b:3c:4d:5e",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "hex": "deadbeef0123",
    "base64": "aGVsbG8gd29ybGQ=",
    "integer": "123456",
    "decimal": "1234.56",
    "float": "3.14159",
    "date": "2024-02-29",
    "datetime": "2024-02-29 12:00:00",
    "path": "/home/bob/notes",
    "ssh_key": "ssh-rsa AAAA",
    "certificate": "-----BEGIN",
    "scrub": "bob@corp.example",
}
NOT_KEYED = {"keep", "null", "constant", "redact", "password_hash", "json", "enum"}


def test_every_keyed_kind_has_a_sample() -> None:
    assert SAMPLES.keys() == KINDS.keys() - NOT_KEYED


@pytest.mark.parametrize("kind", SAMPLES)
def test_one_key_gives_one_pseudonym_and_another_key_another(kind: str) -> None:
    value = SAMPLES[kind]
    assert changing(kind)(value) == changing(kind)(value) != value
    others = [changing(kind, key=OTHER_KEY, meaning=f"m{n}")(value) for n in range(3)]
    assert any(other != changing(kind)(value) for other in others)


@given(st.sets(st.integers(0, 10**6).map("u{}@corp.example".format), min_size=2, max_size=50))
def test_mail_addresses_stay_different_and_are_mail_addresses(values: set[str]) -> None:
    changed = changing("email", column("varchar", 25))
    results = {changed(value) for value in values}
    assert len(results) == len(values)
    assert all(re.fullmatch(r"[a-z2-7]{13}@example\.(com|net|org)", result) for result in results)


def test_values_that_a_collation_takes_for_the_same_have_one_pseudonym() -> None:
    ignoring, exact = column("varchar", 99, collation="utf8mb4_general_ci"), column("varchar", 99, collation="x_bin")
    assert changing("email", ignoring)("Bob@X.com ") == changing("email", ignoring)("bob@x.com")
    assert changing("email", exact)("Bob@X.com") != changing("email", exact)("bob@x.com")
    assert changing("email", exact)("bob@x.com ") == changing("email", exact)("bob@x.com")


@settings(max_examples=20)
@given(st.sets(st.integers(-128, 127)))
def test_integers_are_permuted_within_their_type(values: set[int]) -> None:
    changed = changing("integer", column("tinyint"))
    results = {int(changed(str(value))) for value in values}
    assert len(results) == len(values)
    assert all(-128 <= result <= 127 for result in results)


def test_no_integer_but_0_and_the_lowest_of_its_type_has_to_stay() -> None:
    changed = changing("integer", column("tinyint"))
    assert {value for value in range(-128, 128) if changed(str(value)) == str(value)} & {0, -128} == {0, -128}
    assert sorted(int(changed(str(value))) for value in range(-128, 128)) == list(range(-128, 128))


@given(st.decimals(-9999, 9999, places=2))
def test_a_decimal_keeps_its_shape(value: object) -> None:
    changed = changing("decimal", column("decimal", 6, scale=2))
    result = changed(str(value))
    assert re.sub(r"\d", "0", result) == re.sub(r"\d", "0", str(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stays_a_finite_number_as_long_as_it_was(value: float) -> None:
    result = changing("float")(repr(value))
    assert math.isfinite(float(result))
    assert len(result) == len(repr(value))
    assert (float(result) == 0) == (float(repr(value)) == 0)


@given(st.uuids())
def test_a_uuid_is_the_same_one_in_every_spelling(value: uuid.UUID) -> None:
    changed, packed = changing("uuid"), in_bytes("uuid", column("binary", 16))
    result = uuid.UUID(changed(str(value)))
    spellings = (value.hex, "{" + str(value).upper() + "}", str(value).upper())
    assert {uuid.UUID(changed(one)) for one in spellings} == {result}
    assert packed(value.bytes) == result.bytes
    assert result != value


@given(st.binary(min_size=1, max_size=40))
def test_hex_and_the_bytes_that_it_stands_for_stay_the_same_value(value: bytes) -> None:
    packed = in_bytes("hex", column("varbinary", 40))(value)
    assert packed is not None
    assert changing("hex")(value.hex()) == packed.hex()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", "12 High Street"),
        ("decimal", "1,5"),
        ("float", "one"),
        ("float", "."),
        ("uuid", "bob@corp.example"),
        ("hex", "0x1f"),
        ("mac", "Bob's"),
        ("phone", "call Bob"),
        ("ip", "db1.corp.example"),
        ("date", "yesterday"),
    ],
)
def test_a_value_that_is_not_of_the_kind_is_refused_and_not_let_through(kind: str, value: str) -> None:
    with pytest.raises(Unfit) as caught:
        changing(kind)(value)
    assert value not in str(caught.value)


def test_a_vendor_stays_if_it_is_to() -> None:
    assert changing("mac", vendor="keep")("00:1a:2b:3c:4d:5e").startswith("00:1a:2b:")
    packed = in_bytes("mac", column("binary", 6), vendor="keep")(bytes.fromhex("001a2b3c4d5e"))
    assert packed is not None
    assert packed.hex(":") == changing("mac", vendor="keep")("00:1a:2b:3c:4d:5e")


def test_a_country_code_stays_if_it_is_to() -> None:
    result = changing("phone", keep=2)("+49 (30) 123-4567")
    assert re.fullmatch(r"\+49 \(\d\d\) \d{3}-\d{4}", result)


@settings(max_examples=20)
@given(st.sets(st.ip_addresses(v=4).map(str), max_size=10))
def test_addresses_stay_different_whatever_they_are_stored_as(values: set[str]) -> None:
    text = changing("ip")
    packed = in_bytes("ip", column("varbinary", 16))
    number = changing("ip", column("int", unsigned=True))
    assert len({text(value) for value in values}) == len(values)
    for value in values:
        result = ipaddress.ip_address(text(value))
        assert packed(ipaddress.ip_address(value).packed) == result.packed
        assert int(number(str(int(ipaddress.ip_address(value))))) == int(result)


@settings(max_examples=20)
@example(ipaddress.IPv6Address(b"................"))
@given(st.ip_addresses(v=6))
def test_an_address_of_16_bytes_is_the_one_that_is_written(value: ipaddress.IPv6Address) -> None:
    result = ipaddress.ip_address(changing("ip")(str(value)))
    assert in_bytes("ip", column("binary", 16))(value.packed) == result.packed


def test_subnets_stay_subnets_if_they_are_to() -> None:
    changed = changing("ip", network=24)
    networks = {changed(f"10.1.2.{n}").rpartition(".")[0] for n in range(8)}
    assert len(networks) == 1
    assert changed("10.1.3.1").rpartition(".")[0] not in networks


def test_an_address_as_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(Unfit):
        changing("ip", column("bigint"))("5000000000")


def test_dates_of_one_subject_move_by_as_many_days() -> None:
    first, second = (changing("date", subject="s1")(day) for day in ("2024-02-28", "2024-03-01"))
    assert (date.fromisoformat(second) - date.fromisoformat(first)).days == 2
    assert changing("datetime", subject="s1")("2024-02-28 10:11:12.5") == f"{first} 10:11:12.5"
    assert len({changing("date", subject=f"s{n}")("2024-02-28") for n in range(20)}) > 10


def test_dates_move_by_no_more_days_than_said() -> None:
    days = {(date.fromisoformat(changing("date", subject=str(n), days=3)("2024-02-28")) - date(2024, 2, 28)).days
            for n in range(100)}  # fmt: skip
    assert days == {-3, -2, -1, 1, 2, 3}


@pytest.mark.parametrize("of", ["enum", "set"])
def test_members_change_places_and_none_stays(of: str) -> None:
    members = ("new", "paid", "void", "lost")
    changed = changing("enum", column(of, members=members))
    results = [changed(member) for member in members]
    assert sorted(results) == sorted(members)
    assert all(result != member for result, member in zip(results, members, strict=True))
    with pytest.raises(Unfit):
        changed("other")


def test_the_members_of_a_set_change_each_by_itself() -> None:
    changed = changing("enum", column("set", members=("a", "b", "c")))
    assert changed("a,c") == f"{changed('a')},{changed('c')}"


def test_members_are_told_apart_as_the_collation_does() -> None:
    changed = changing("enum", column("varchar", 9, collation="utf8mb4_general_ci"), members=["new", "paid"])
    assert changed("NEW ") == "paid"


@pytest.mark.parametrize("members", [[], ["one"], ["one", "ONE"], ["one", 2]])
def test_members_that_cannot_change_places_are_refused(members: list[object]) -> None:
    with pytest.raises(UsageError):
        made("enum", column("varchar", 9), members=members)


def test_the_members_that_markup_names_have_to_be_the_columns() -> None:
    with pytest.raises(UsageError, match="gone is no member"):
        made("enum", column("enum", members=("new", "paid")), members=["new", "gone"])


def test_folders_stay_folders_and_extensions_stay() -> None:
    changed = changing("path")
    folder = changed("/home/bob")
    assert changed("/home/bob/report.tar.gz").startswith(f"{folder}/")
    assert changed("/home/bob/report.tar.gz").endswith(".tar.gz")
    assert changed("../bob/./x")[:3] == "../"
    assert changing("path", keep=1)("/home/bob").startswith("/home/")
    assert "bob" not in changed("C:\\Users\\bob").lower()


@given(st.text(min_size=1, max_size=60))
def test_a_path_keeps_its_length_and_its_separators(value: str) -> None:
    result = changing("path")(value)
    assert len(result) == len(value)
    assert [c for c in result if c in "/\\"] == [c for c in value if c in "/\\"]


@given(st.text(min_size=1, max_size=60))
def test_text_keeps_its_length(value: str) -> None:
    assert len(changing("text")(value)) == len(value)


@given(st.binary(min_size=1, max_size=60))
def test_base64_stays_base64_of_as_many_bytes(value: bytes) -> None:
    result = changing("base64")(base64.b64encode(value).decode())
    assert len(base64.b64decode(result, validate=True)) == len(value)


def test_what_stands_in_front_of_base64_can_stay() -> None:
    assert changing("base64", keep_until="base64,")("data:image/png;base64,aGVsbG8=").startswith(
        "data:image/png;base64,"
    )


@pytest.mark.parametrize(
    ("form", "regex"),
    [
        ("bcrypt", r"\$2b\$12\$[./A-Za-z0-9]{53}"),
        ("sha512-crypt", r"\$6\$[./A-Za-z0-9]{16}\$[./A-Za-z0-9]{86}"),
        ("pbkdf2-sha256", r"pbkdf2_sha256\$600000\$[A-Za-z0-9]{22}\$[A-Za-z0-9+/]{43}="),
        ("argon2id", r"\$argon2id\$v=19\$m=65536,t=3,p=4\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"),
    ],
)
def test_a_password_hash_is_of_its_form(form: str, regex: str) -> None:
    assert re.fullmatch(regex, changing("password_hash", form=form)("anything"))


def test_ssh_keys_are_valid(tmp_path: Path) -> None:
    program = shutil.which("ssh-keygen")
    if program is None:
        pytest.skip("there is no ssh-keygen")
    file = tmp_path / "keys"
    file.write_text("".join(changing("ssh_key")(f"key {n}") + "\n" for n in range(5)))
    shown = subprocess.run([program, "-l", "-f", file], capture_output=True, text=True, check=True)
    assert [line.split()[-2:] for line in shown.stdout.splitlines()] == [["anonymized", "(ED25519)"]] * 5


@pytest.mark.parametrize("largest", ["1.7976931348623157e308", "-3.402823e38"])
def test_the_largest_floats_become_no_larger_ones(largest: str) -> None:
    for key in range(30):
        assert abs(float(changing("float", meaning=f"m{key}")(largest))) <= abs(float(largest))


def test_ssh_keys_are_those_of_the_key() -> None:
    assert len(set(ssh_keys(bytes(32)))) == KEYS
    assert changing("ssh_key")("k") == changing("ssh_key")("k") != changing("ssh_key", key=OTHER_KEY)("k")


def test_certificates_are_valid_and_sign_themselves() -> None:
    certificate = x509.load_pem_x509_certificate(changing("certificate")("anything").encode())
    certificate.verify_directly_issued_by(certificate)
    pages = [*certificates(bytes(32)), *certificates(bytes([1] * 32))]
    keys = [x509.load_pem_x509_certificate(page.encode()).public_key() for page in pages]
    raw = {key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for key in keys}
    assert len(raw) == 2 * CERTIFICATES


def test_what_does_not_fit_is_refused_before_it_is_drawn() -> None:
    for kind in ("ssh_key", "certificate"):
        with pytest.raises(UsageError, match="fits into the column"):
            made(kind, column("varchar", 60))


@pytest.mark.parametrize("kind", [kind for kind in SAMPLES if KINDS[kind].types >= {"varchar"}])
def test_no_result_is_longer_than_foretold(kind: str) -> None:
    for where in (column("varchar", 500), column("text"), column()):
        result = made(kind, where)
        longest = len(SAMPLES[kind]) if result.longest is None else result.longest
        assert result.grows or len(changing(kind, where)(SAMPLES[kind])) <= longest


def test_json_has_the_pseudonyms_of_columns() -> None:
    paths = {"$.owner.email": "email", "$.owner": {"kind": "text"}, '$."a b"[*]': "ip", "$.id": "keep"}
    document = '{"owner": {"email": "Bob@x.com", "name": "Bob"}, "a b": ["10.0.0.1"], "id": 7}'
    result = json.loads(changing("json", paths=paths)(document))
    assert result["owner"]["email"] == changing("email", Column("c", "varchar", 99))("bob@x.com")
    assert result["a b"] == [changing("ip")("10.0.0.1")]
    assert result["owner"]["name"] != "Bob"
    assert result["id"] == 7


def test_json_refuses_a_path_without_a_rule_unless_it_is_told_otherwise() -> None:
    with pytest.raises(Unfit):
        changing("json", paths={"$.a": "text"})('{"b": "x"}')
    assert changing("json", other="keep")('{"b": "x"}') == '{"b": "x"}'
    assert changing("json", other={"kind": "constant", "value": "y"})('{"b": "x"}') == '{"b": "y"}'


def test_json_within_json_is_a_rule_too() -> None:
    rule = {"kind": "json", "paths": {"$.b": {"kind": "constant", "value": "y"}}}
    assert json.loads(changing("json", paths={"$.a": rule})('{"a": "{\\"b\\": \\"x\\"}"}')) == {"a": '{"b": "y"}'}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("owner", "does not begin with $"),
        ("$.tags[3]", "names one element, [3]"),
        ("$..a", "cannot be read from '..a' on"),
        ("$.", "cannot be read from '.' on"),
        ('$."a', "has a quote that does not end"),
        ('$."*"', "which stands for any"),
        ("$['a']", "cannot be read"),
    ],
)
def test_a_path_that_cannot_be_is_refused(path: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        made("json", paths={path: "text"})
    assert says in caught.value.message
    assert caught.value.hint


def test_rules_that_cannot_be_are_refused() -> None:
    for rule in (3, {"domain": "x"}, "emial", {"kind": "date", "subject": "id"}):
        with pytest.raises(UsageError):
            made("json", paths={"$.a": rule})
    with pytest.raises(UsageError, match="has two rules"):
        made("json", paths={"$.a": "text", '$."a"': "text"})


def test_the_same_key_is_the_same_in_another_object() -> None:
    assert made("email", key=type(KEY)(KEY.secret)).op == made("email").op
