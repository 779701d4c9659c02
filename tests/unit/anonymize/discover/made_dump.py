"""A dump for tests: many sorts of columns, whose names say something or nothing, with values made by rule."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import uuid
from collections.abc import Callable

from anonymize.discover.checksums import luhn
from anonymize.discover.people import People

ROWS = 120
FIRST = ("Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karla", "Leo")
LAST = ("Abel", "Brandt", "Costa", "Duval", "Engel", "Fabre", "Gallo", "Huber", "Ivanov", "Jansen", "Keller", "Lopez")
CITIES = (
    "Aachen",
    "Bergen",
    "Cardiff",
    "Dresden",
    "Exeter",
    "Fulda",
    "Ghent",
    "Hull",
    "Izmir",
    "Jena",
    "Kassel",
    "Lille",
)
PEOPLE = People(*(frozenset(one.lower() for one in names) for names in (FIRST, LAST, CITIES)))

_random = random.Random(7)
_ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def _hex(i: int, bytes_: int = 16) -> str:
    return hashlib.sha512(str(i).encode()).hexdigest()[: 2 * bytes_]


def _drawn(count: int) -> str:
    return "".join(_random.choice(_ALPHABET) for _ in range(count - 2)) + "7x"


def _person(i: int) -> str:
    return f"{FIRST[i % 12]} {LAST[i * 7 % 12]}"


def _card(i: int) -> str:
    body = f"4{i * 7919:014}"
    return next(f"{body}{last}" for last in range(10) if luhn(f"{body}{last}"))


def _iban(i: int) -> str:
    rest = f"{i * 104729:018}"
    return f"DE{98 - int(f'{rest}131400') % 97:02}{rest}"


def _email(i: int) -> str:
    return f"person{i}@mail{i % 9}.example.com"


def _jwt(i: int) -> str:
    parts = (b'{"alg":"HS256"}', b'{"sub":"%d"}' % i, _hex(i).encode())
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _json(i: int) -> str:
    return json.dumps({"owner": {"email": _email(i), "age": i % 90}, "tags": [f"t{i % 3}"], "ips": [f"10.0.{i}.1"]})


COLUMNS: dict[str, tuple[str, Callable[[int], str | None]]] = {
    "id": ("int NOT NULL", str),
    "email_c": ("varchar(200)", _email),
    "ip4_c": ("varchar(45)", lambda i: f"192.0.2.{i}"),
    "ip6_c": ("varchar(45)", lambda i: f"2001:db8::{i:x}"),
    "mac_c": ("varchar(20)", lambda i: f"fa:16:3e:00:{i // 256:02x}:{i % 256:02x}"),
    "uuid_c": ("varchar(40)", lambda i: str(uuid.UUID(_hex(i)))),
    "url_c": ("varchar(200)", lambda i: f"https://www{i}.example.com/a"),
    "host_c": ("varchar(100)", lambda i: f"node{i}.rack{i % 4}.example.com"),
    "phone_c": ("varchar(40)", lambda i: f"+49 30 {1000000 + i * 37}"),
    "phone_home_c": ("varchar(40)", lambda i: f"(212) 555-{1000 + i}"),
    "card_c": ("varchar(30)", _card),
    "card_number_c": ("bigint", _card),
    "iban_c": ("varchar(40)", _iban),
    "pem_c": ("text", lambda i: f"-----BEGIN RSA PRIVATE KEY-----\n{_hex(i)}\n-----END RSA PRIVATE KEY-----"),
    "ssh_c": ("text", lambda i: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{_hex(i)} me"),
    "x_c": ("text", lambda i: f"-----BEGIN CERTIFICATE-----\n{_hex(i)}\n-----END CERTIFICATE-----"),
    "jwt_c": ("text", _jwt),
    "bcrypt_c": ("varchar(80)", lambda i: "$2b$12$" + _hex(i, 32)[:53]),
    "argon_c": ("varchar(200)", lambda i: f"$argon2id$v=19$m=65536,t=3,p=4${_hex(i)}${_hex(i + 1)}"),
    "crypt_c": ("varchar(200)", lambda i: f"$6$salt{i}${_hex(i, 43)}"),
    "pbkdf_c": ("varchar(200)", lambda i: f"pbkdf2_sha256$600000$salt{i}${_hex(i)}"),
    "md_c": ("char(32)", _hex),
    "drawn_c": ("varchar(60)", lambda i: _drawn(32)),
    "cloud_c": ("varchar(60)", lambda i: "AKIA" + "".join(_random.choice("ABCDEFGHIJ234567") for _ in range(16))),
    "home_c": ("varchar(100)", lambda i: f"/home/{FIRST[i % 12].lower()}/file{i}"),
    "person_c": ("varchar(100)", _person),
    "town_c": ("varchar(100)", lambda i: CITIES[i % 12]),
    "talk_c": (
        "text",
        lambda i: f"please write to {_email(i)} about the offer" if i % 3 else "nothing more to say here",
    ),
    "gossip_c": ("text", lambda i: f"spoke with {_person(i)} about the offer today"),
    "prose_c": ("text", lambda i: f"the order of day {i} was late once again"),
    "json_c": ("json", _json),
    "plain_json_c": ("text", lambda i: json.dumps({"width": i, "on": True})),
    "php_c": ("text", lambda i: f'a:1:{{s:5:"email";s:{len(_email(i))}:"{_email(i)}";}}'),
    "packed_c": ("text", lambda i: base64.b64encode(f"mail to {_email(i)} please".encode()).decode()),
    "mixed_c": ("varchar(200)", lambda i: _email(i) if i % 3 else f"word{i}"),
    "choice_c": ("varchar(20)", lambda i: ("red", "green", "blue")[i % 3]),
    "enum_c": ("enum('a','b')", lambda i: "ab"[i % 2]),
    "flag_c": ("tinyint(1)", lambda i: str(i % 2)),
    "count_c": ("int", lambda i: str(i * 3)),
    "at_c": ("datetime", lambda i: f"2024-01-{1 + i % 28:02} 10:00:00"),
    "ratio_c": ("double", lambda i: f"{i / 7:.3f}"),
    "code_c": ("varchar(20)", lambda i: f"X{i}-{i * 17 % 83}q"),
    "digits_c": ("varchar(20)", lambda i: str(100000 + i)),
    "never_c": ("varchar(20)", lambda i: None),
    "birth_date": ("date", lambda i: f"19{50 + i % 50}-05-01"),
    "surname": ("varchar(50)", lambda i: f"Xy{i}zel"),
    "password": ("varchar(100)", lambda i: f"plain{i}"),
    "gender": ("char(1)", lambda i: "mf"[i % 2]),
    "salary": ("decimal(10,2)", lambda i: f"{1000 + i}.50"),
    "loud": ("varchar(99) GENERATED ALWAYS AS (upper(`email_c`)) VIRTUAL", lambda i: _email(i).upper()),
}


def _literal(value: str | None) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def dump(rows: int = ROWS) -> str:
    """The dump, with one table that has every column, and two that refer to it."""
    plain = [name for name in COLUMNS if name != "loud"]
    lines = ["CREATE TABLE `things` ("]
    lines += [f"  `{name}` {type_}," for name, (type_, _) in COLUMNS.items()]
    lines += ["  PRIMARY KEY (`id`), UNIQUE KEY `t` (`drawn_c`)", ");"]
    listed = ", ".join(f"`{name}`" for name in plain)
    for start in range(0, rows, 50):
        numbers = range(start, min(rows, start + 50))
        its = ["(" + ",".join(_literal(COLUMNS[name][1](i)) for name in plain) + ")" for i in numbers]
        lines.append(f"INSERT INTO `things` ({listed}) VALUES {','.join(its)};")
    lines += [
        "CREATE TABLE `children` (`id` int PRIMARY KEY, `thing` int, `owner_ref` varchar(40), `email_c` varchar(200),",
        "  CONSTRAINT `f` FOREIGN KEY (`thing`) REFERENCES `things` (`id`));",
        "INSERT INTO `children` VALUES " + ",".join(f"({i},{i},'{_hex(i)}',NULL)" for i in range(rows)) + ";",
        "CREATE TABLE `empty` (`id` int PRIMARY KEY, `owner_ref` varchar(40), `what` varchar(9));",
    ]
    return "\n".join(lines) + "\n"
