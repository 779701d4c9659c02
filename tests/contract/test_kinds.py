"""Every kind, on columns of the types that it is for: what it makes is taken by a server in its strict mode, and as
unique as it promises."""

from __future__ import annotations

import datetime
import hashlib
import ipaddress
import json
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from anonymize import kinds, markup_file, rewrite
from anonymize.foretold import toml_key
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.rewrite import Request
from migci.ports import Database
from tests.contract.flavors import Rows, emptied, owner_connection, rows, shared_server, under_test
from tests.contract.test_dumps import dumped

NUMBER = 120
"""Of rows."""


@dataclass(frozen=True)
class Marked:
    """A column, its markup, and its values; a value is a function of the row's number."""

    name: str
    type: str
    markup: str
    values: Callable[[int], Any]
    unique: bool = False
    stays: frozenset[Any] = frozenset()
    """Values that may stay as they are, besides NULL and "" """
    mariadb_only: bool = False


def drawn(what: str, number: int) -> bytes:
    return hashlib.sha256(f"{what} {number}".encode()).digest()


def of(*edges: Any, then: Callable[[int], Any]) -> Callable[[int], Any]:
    """The edges first, and then what the function says."""
    return lambda number: edges[number] if number < len(edges) else then(number)


def identity(number: int) -> uuid.UUID:
    return uuid.UUID(bytes=drawn("uuid", number)[:16], version=4)


def v4(number: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(drawn("v4", number)[:4])


def v6(number: int) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(drawn("v6", number)[:16])


def mac(number: int) -> bytes:
    return drawn("mac", number)[:6]


def day(number: int) -> datetime.date:
    return datetime.date(1980, 1, 1) + datetime.timedelta(days=number * 97)


def moment(number: int) -> datetime.datetime:
    return datetime.datetime(1990, 1, 1, 2, 30, 1) + datetime.timedelta(hours=number * 1999)


def document(number: int) -> str:
    owner = {"email": f"bob{number}@corp.example", "name": f"Bób {number}", "ips": [str(v4(number)), str(v6(number))]}
    return json.dumps({"owner": owner, "size": number, "note": 'a "quoted" \\ line\n'}, ensure_ascii=number % 2 == 0)


PROSE = 'Ask Zoë Müller at bob@corp.example or +49 30 1234567 about {}, card 4111 1111 1111 1111; it\'s "done"\n\\o/ 🦆'
ZERO = frozenset({0.0})
BOUNDS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def integers() -> Iterator[Marked]:
    for name, bits in BOUNDS.items():
        for unsigned in (False, True):
            least, most = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
            step = (most - least) // NUMBER or 1
            yield Marked(
                f"{name}_{'unsigned' if unsigned else 'signed'}",
                f"{name} {'unsigned' if unsigned else ''}",
                '"integer"',
                of(most, least, then=lambda n, least=least, step=step: least + n * step),  # type: ignore[misc]
                unique=True,
                # So few numbers have as many digits that one may be its own pseudonym.
                stays=frozenset(range(-1000, 1000)) | {least},
            )


COLUMNS = (
    Marked("kept", "varchar(200) CHARACTER SET utf8mb4", '"keep"', PROSE.format),
    Marked("nothing", "varchar(20)", '"null"', lambda n: f"secret {n}"),
    Marked("always", "int NOT NULL", '{ kind = "constant", value = 7 }', lambda n: n + 100),
    Marked("redacted", "varchar(4)", '"redact"', lambda n: f"{n:04}"),
    Marked("redacted_bytes", "varbinary(20)", '"redact"', lambda n: drawn("r", n)[:9]),
    Marked("words", "varchar(200) CHARACTER SET utf8mb4", '"text"', PROSE.format),
    Marked("words_bin", "varchar(200) COLLATE utf8mb4_bin", '"text"', PROSE.format),
    Marked("words_latin", "varchar(99) CHARACTER SET latin1", '"text"', lambda n: f"Jürgen Straße {n} €"),
    Marked("words_old", "varchar(99) CHARACTER SET utf8mb3", '"text"', lambda n: f"Łódź, 東京 {n}"),
    Marked("prose", "text CHARACTER SET utf8mb4", '"scrub"', PROSE.format),
    Marked(
        "doc",
        "json",
        '{ kind = "json", paths = { "$.owner.email" = "email", "$.owner.ips" = "ip", "$.owner.name" = "name", '
        '"$.size" = "integer" }, other = "text" }',
        document,
    ),
    Marked("mail", "varchar(255)", '"email"', lambda n: f"bob{n}@corp.example", unique=True),
    Marked("mail_short", "varchar(25)", '"email"', lambda n: f"b{n}@corp.example", unique=True),
    Marked("mail_bin", "varchar(40) COLLATE utf8mb4_bin", '"email"', lambda n: f"{'bB'[n % 2]}{n}@x.ex", unique=True),
    Marked("login", "varchar(17) CHARACTER SET ascii", '"username"', lambda n: f"bob.{n}", unique=True),
    Marked("whole_name", "varchar(60)", '"name"', lambda n: f"Bob {n} Smith"),
    Marked("first", "varchar(12)", '"first_name"', lambda n: f"Bob{n}"),
    Marked("last", "char(12) CHARACTER SET ascii", '{ kind = "last_name", locale = "de_DE" }', lambda n: f"Smith{n}"),
    Marked("firm", "varchar(60) CHARACTER SET latin1", '{ kind = "company", locale = "fr_FR" }', lambda n: f"Corp {n}"),
    Marked("road", "varchar(60)", '{ kind = "street", locale = "cs_CZ" }', lambda n: f"{n} High Street"),
    Marked("town", "varchar(40) CHARACTER SET utf8mb3", '{ kind = "city", locale = "ja_JP" }', lambda n: f"Town {n}"),
    Marked("call_me", "varchar(30)", '{ kind = "phone", keep = 2 }', lambda n: f"+49 (30) {1000000 + n}", unique=True),
    Marked("link", "varchar(64)", '"url"', lambda n: f"https://corp.example/u/{n}", unique=True),
    Marked("machine", "varchar(64)", '{ kind = "hostname", domain = "dc.example" }', lambda n: f"db{n}", unique=True),
    Marked("ip4", "varchar(15)", '"ip"', lambda n: str(v4(n)), unique=True),
    Marked("ip6", "varchar(39)", '"ip"', lambda n: str(v6(n)), unique=True),
    Marked("net", "varchar(43)", '"ip"', lambda n: f"10.{n}.0.0/16", unique=True),
    Marked("ip4_packed", "varbinary(16)", '"ip"', lambda n: v4(n).packed, unique=True),
    Marked("ip6_packed", "binary(16)", '"ip"', lambda n: v6(n).packed, unique=True),
    Marked("ip4_number", "int unsigned", '"ip"', lambda n: int(v4(n)), unique=True),
    Marked("ip4_typed", "inet4", '"ip"', lambda n: str(v4(n)), unique=True, mariadb_only=True),
    Marked("ip6_typed", "inet6", '"ip"', lambda n: str(v6(n)), unique=True, mariadb_only=True),
    Marked("mac_text", "char(17)", '"mac"', lambda n: mac(n).hex(":"), unique=True),
    Marked("mac_bytes", "binary(6)", '"mac"', mac, unique=True),
    Marked("uuid_text", "char(36)", '"uuid"', lambda n: str(identity(n)), unique=True),
    Marked("uuid_hex", "char(32) CHARACTER SET ascii", '"uuid"', lambda n: identity(n).hex, unique=True),
    Marked("uuid_bytes", "binary(16)", '"uuid"', lambda n: identity(n).bytes, unique=True),
    Marked("uuid_typed", "uuid", '"uuid"', lambda n: str(identity(n)), unique=True, mariadb_only=True),
    Marked("sum", "varchar(64)", '"hex"', lambda n: drawn("hex", n).hex(), unique=True),
    Marked("sum_bytes", "varbinary(32)", '"hex"', lambda n: drawn("hex", n), unique=True),
    Marked("sum_short", "char(8)", '{ kind = "hex", meaning = "short" }', lambda n: f"{n:08x}", unique=True),
    Marked("encoded", "text", '"base64"', lambda n: "QUJD" * 7 + f"{n:03}="),
    *integers(),
    Marked("digits", "varchar(20)", '"integer"', lambda n: f"{n + 10**9}", unique=True),
    Marked(
        "money",
        "decimal(12,2)",
        '"decimal"',
        of("9999999999.99", "-9999999999.99", "0.00", "0.01", then=lambda n: f"{n * 12345}.{n:02}"[:12]),
        unique=True,
        stays=frozenset(f"0.0{n}" for n in range(10)),
    ),
    Marked("long_money", "decimal(65,30)", '"decimal"', lambda n: f"{10**34 + n}.{10**29 + n}", unique=True),
    Marked("single", "float", '"float"', of(3.4e38, -3.4e38, 0.0, 1.5e-38, then=lambda n: n * 1.3717), stays=ZERO),
    Marked("doubled", "double", '"float"', of(1.79e308, -1e-300, 0.0, then=lambda n: (n + 0.37) * 1e16), stays=ZERO),
    Marked("born", "date", '{ kind = "date", meaning = "all" }', day, unique=True),
    Marked("seen", "datetime(3)", '{ kind = "datetime", subject = "id" }', moment),
    Marked("stamped", "timestamp NULL", '{ kind = "datetime", subject = "id" }', moment),
    Marked("state", "enum('new','it''s paid','vöid')", '"enum"', lambda n: ("new", "it's paid", "vöid")[n % 3]),
    Marked("flags", "set('a','b','c')", '"enum"', lambda n: ("a", "a,b", "c")[n % 3], stays=frozenset({"a,b"})),
    Marked("level", "varchar(9)", '{ kind = "enum", members = ["low", "high"] }', lambda n: ("low", "high")[n % 2]),
    Marked("folder", "varchar(120)", '"path"', lambda n: f"/home/bob/år {n}/notes.tar.gz"),
    Marked("password", "char(60) CHARACTER SET ascii", '"password_hash"', lambda n: f"$2b${drawn('', n).hex()[:56]}"),
    Marked("key_line", "text", '"ssh_key"', lambda n: f"ssh-rsa AAAA{drawn('k', n).hex()} bob@desk"),
    Marked("pem", "text", '"certificate"', lambda n: f"-----BEGIN CERTIFICATE-----\n{drawn('c', n).hex()}\n"),
    Marked("job", "varchar(20)", '"faker:job"', lambda n: f"Boss {n}"),
    Marked("badge", "varchar(20)", f'"python:{__name__}:turned"', lambda n: f"ABC {n}"),
)  # fmt: skip


def turned(value: str) -> str:
    """A function such as a user would write."""
    return value.translate(str.maketrans("0123456789", "9876543210")) + "x"


@dataclass(frozen=True)
class Loaded:
    """The table before and after, with its columns, and what the server said while it took the result."""

    columns: list[Marked]
    before: Rows
    after: Rows
    said: str
    server: Database

    def pairs(self, name: str) -> list[tuple[Any, Any]]:
        place = next(place for place, one in enumerate(self.columns) if one.name == name) + 1
        return [(old[place], new[place]) for old, new in zip(self.before, self.after, strict=True)]


@pytest.fixture(scope="module", params=under_test(("mariadb", "mysql")))
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("kinds")
    with shared_server(request.param, tmp_path_factory.getbasetemp().parent) as server, emptied(server):
        columns = [one for one in COLUMNS if request.param == "mariadb" or not one.mariadb_only]
        fill(server, columns)
        (folder / "in.sql").write_bytes(dumped(server, ""))
        lines = "".join(f"{toml_key(one.name)} = {one.markup}\n" for one in columns)
        planner = Planner(
            markup_file.parse(f'[tables.everything]\nid = "keep"\n{lines}', "kinds.toml", kinds.find),
            kinds.find,
            Key(b"a key of many bytes"),
        )
        rewrite.dump(Request(str(folder / "in.sql"), str(folder / "out.sql")), planner, lambda done, total: None)
        said = loaded_strictly(server, (folder / "out.sql").read_bytes())
        yield Loaded(columns, content(server, "origin"), content(server, "strict"), said, server)


def fill(server: Database, columns: list[Marked]) -> None:
    definitions = [f"`{one.name}` {one.type}" for one in columns]
    keys = [f"UNIQUE KEY `{one.name}` (`{one.name}`)" for one in columns if one.unique]
    places = ", ".join(["%s"] * (len(columns) + 1))
    with owner_connection(server, None) as owner, owner.cursor() as cursor:
        rows(owner, "CREATE DATABASE origin DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        rows(owner, "USE origin")
        rows(owner, f"CREATE TABLE everything (id int PRIMARY KEY, {', '.join((*definitions, *keys))})")
        for number in range(NUMBER):
            values = (one.values(number) for one in columns)
            cursor.execute(f"INSERT INTO everything VALUES ({places})", (number, *values))
        nothing = (5 if "NOT NULL" in one.type else None for one in columns)
        cursor.execute(f"INSERT INTO everything VALUES ({places})", (NUMBER, *nothing))


def loaded_strictly(server: Database, dump: bytes) -> str:
    """Loads the dump with all checks that it would switch off; returns what the server said."""
    for switch, strict in (
        (b"SQL_MODE='NO_AUTO_VALUE_ON_ZERO'", b"SQL_MODE='TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'"),
        (b"UNIQUE_CHECKS=0", b"UNIQUE_CHECKS=1"),
    ):
        assert switch in dump
        dump = dump.replace(switch, strict)
    with owner_connection(server, None) as owner:
        rows(owner, "CREATE DATABASE strict DEFAULT CHARACTER SET utf8mb4")
    words = [*server.shell()[:-1], "--binary-mode", "--show-warnings", "strict"]
    done = subprocess.run(words, input=dump, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode()


def content(server: Database, name: str) -> Rows:
    with owner_connection(server, name) as owner:
        return rows(owner, "SELECT * FROM everything ORDER BY id")


def test_every_kind_is_here() -> None:
    said = markup_file.parse(
        "[tables.t]\n" + "\n".join(f"{one.name} = {one.markup}" for one in COLUMNS), "", kinds.find
    )
    used = {rule.kind.partition(":")[0] for rule in said.tables["t"].columns.values()}
    assert used == kinds.KINDS.keys() | kinds.FAMILIES.keys()


def test_a_strict_server_takes_what_they_make_without_a_warning(loaded: Loaded) -> None:
    told = [line for line in loaded.said.splitlines() if "Warning" in line or "Note" in line]
    warnings = [line for line in told if "deprecated" not in line and "is an alias for" not in line]  # utf8mb3 and ...
    assert warnings == []
    assert len(loaded.after) == len(loaded.before) == NUMBER + 1


def test_what_is_unique_stays_unique_and_null_stays_null(loaded: Loaded) -> None:
    for column in loaded.columns:
        pairs = loaded.pairs(column.name)
        if column.markup != '"null"':
            assert [old is None for old, _ in pairs] == [new is None for _, new in pairs], column.name
        if column.unique:
            assert len({new for _, new in pairs}) == len(pairs), column.name


def test_no_value_stays_but_for_those_that_are_kept(loaded: Loaded) -> None:
    for column in loaded.columns:
        stayed = {str(old) for old, new in loaded.pairs(column.name) if old == new and old is not None}
        if column.markup == '"keep"':
            assert len(stayed) == NUMBER
        else:
            assert stayed <= {str(one) for one in column.stays}, column.name


MARIADB_ONLY = ("uuid_typed = uuid_text", "ip4_typed = ip4", "ip6_typed = ip6")


def test_a_value_has_one_pseudonym_however_it_is_stored(loaded: Loaded) -> None:
    with owner_connection(loaded.server, "strict") as owner:
        for same in (
            "HEX(uuid_bytes) = REPLACE(uuid_text, '-', '') AND uuid_hex = HEX(uuid_bytes)",
            "HEX(sum_bytes) = sum",
            "INET6_NTOA(ip4_packed) = ip4 AND INET_NTOA(ip4_number) = ip4",
            "ip6_packed = INET6_ATON(ip6)",
            "HEX(mac_bytes) = REPLACE(mac_text, ':', '')",
            "DATEDIFF(seen, stamped) = 0",
            *(MARIADB_ONLY if len(loaded.columns) == len(COLUMNS) else ()),
        ):
            assert rows(owner, f"SELECT COUNT(*) FROM everything WHERE {same}") == [(NUMBER,)], same


def test_documents_stay_documents(loaded: Loaded) -> None:
    for old, new in loaded.pairs("doc"):
        if old is not None:
            before, after = json.loads(old), json.loads(new)
            assert before.keys() == after.keys()
            assert after["owner"]["email"].partition("@")[2].startswith("example.")
            assert ipaddress.ip_address(after["owner"]["ips"][1]).version == 6


def test_dates_of_one_subject_keep_their_distance_and_stay_in_order_without_one(loaded: Loaded) -> None:
    moved = {new - old for old, new in loaded.pairs("born") if old}
    assert len(moved) == 1
    assert len({new - old for old, new in loaded.pairs("seen") if old}) > 50
