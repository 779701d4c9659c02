"""What a value is by its form: rules as data, each with values that it is for and values that it is not for."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from anonymize.discover.checksums import is_card, is_iban

_LONGEST = 1 << 14
"""Longer values are not looked at whole."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that whole values have, and the kind for a column of them."""

    name: str
    says: str
    """What such values are, in the plural: "mail addresses"."""
    kind: str
    is_one: Callable[[str], bool]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    weight: float = 0.95
    """How sure a column is that has nothing else, from 0 to 1."""
    options: Mapping[str, Any] = field(default_factory=dict)


def _regex(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


_is_ssh = _regex(
    r"(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp[0-9]{3}|sk-[a-z0-9@.\-]+) AAAA[A-Za-z0-9+/]+={0,2}(?: [^\n]*)?\n?"
)
_is_email = _regex(r"[^\s@<>,;:\"()\[\]]{1,64}@(?:[\w\-]+\.)+[A-Za-z][\w\-]+")
_is_mac = _regex(
    r"(?:[0-9A-Fa-f]{2}([:\-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}"
)
_is_bare_host = _regex(r"(?:[a-z0-9](?:[a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\.?")
_is_file = _regex(
    r".*\.(?:txt|jpe?g|png|gif|pdf|py|sql|json|html?|js|css|xml|csv|gz|zip|tar|log|conf|md|exe|docx?|xlsx?|sh|ya?ml|ini|php|svg)"
)
_is_path = _regex(
    r"(?:~|/(?:home|root|Users|var|opt|srv|mnt|etc|data|usr|tmp))(?:/[^/\0\n]+)+/?|[A-Za-z]:(?:\\[^\\/:*?\"<>|\n]+)+\\?"
)
_is_hex = _regex(r"(?:[0-9a-f]{2}){8,}|(?:[0-9A-F]{2}){8,}|(?:[0-9a-fA-F]{2}:){15,}[0-9a-fA-F]{2}")
_is_tokenish = _regex(r"[A-Za-z0-9_+/=.\-]{16,512}")
_is_date = _regex(r"[0-9]{1,4}([-./])[0-9]{1,2}\1[0-9]{1,4}(?:[ T].*)?")
_is_abroad = _regex(r"(?:\+|00)[1-9](?:[ ().\-/]{0,3}[0-9]){6,14}(?: ?(?:ext|x)\.? ?[0-9]{1,5})?")
_is_at_home = _regex(
    r"\(?0[0-9]{1,4}\)?(?:[ ./\-]{1,3}[0-9]{2,9}){1,4}|"
    r"\(?[2-9][0-9]{2}\)?[ .\-]{1,2}[0-9]{3}[ .\-][0-9]{4}(?: ?x[0-9]{1,5})?"
)


def _is_ip(text: str) -> bool:
    if not (3 <= len(text) <= 50 and (text.count(".") == 3 or ":" in text)):
        return False
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_jwt(text: str) -> bool:
    if text.count(".") not in (2, 4) or not text.startswith("ey"):
        return False
    head = text.partition(".")[0]
    try:
        return isinstance(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))), dict)
    except (ValueError, binascii.Error):
        return False


def _is_host(text: str) -> bool:
    return _is_bare_host(text) and not _is_file(text)


def _is_hex_number(text: str) -> bool:
    return _is_hex(text) and (not text.isdigit() or len(text) >= 32)


def _is_token(text: str) -> bool:
    """Letters and digits mixed as chance does it, in one piece."""
    if not _is_tokenish(text) or _is_file(text.lower()):
        return False
    piece = max(re.split(r"[/\-_.=]", text), key=len)
    mixed = any(map(str.isdigit, piece)) and any(map(str.isalpha, piece))
    return len(piece) >= 12 and mixed and entropy(text) >= 3.2


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


FORMS: tuple[Form, ...] = (
    Form("private key", "private keys", "redact",
         lambda text: re.match(r"\s*-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", text) is not None,
         ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----",
          "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
         ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "BEGIN PRIVATE KEY")),
    Form("certificate", "certificates", "certificate",
         lambda text: re.match(r"\s*-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----", text) is not None,
         ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",),
         ("-----BEGIN CERTIFICATE REQUEST-----\nMIIB", "a certificate")),
    Form("pem", "keys in PEM", "redact", lambda text: re.match(r"\s*-----BEGIN [A-Z0-9 ]+-----", text) is not None,
         ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",), ("-----", "BEGIN")),
    Form("ssh key", "public keys of OpenSSH", "ssh_key", _is_ssh,
         ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB someone@somewhere", "ssh-rsa AAAAB3NzaC1yc2E="),
         ("ssh-rsa", "AAAAB3NzaC1yc2E")),
    Form("argon2", "hashes of argon2", "password_hash", _regex(r"\$argon2(?:id|i|d)\$v=[0-9]+\$.+"),
         ("$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",), ("argon2id", "$argon2$"),
         options={"form": "argon2id"}),
    Form("pbkdf2", "hashes of PBKDF2", "password_hash",
         _regex(r"(?:\$pbkdf2(?:-sha[0-9]+)?\$|pbkdf2_sha[0-9]+\$|pbkdf2:sha[0-9]+)[0-9:]+\$.+"),
         ("pbkdf2_sha256$600000$abcdefgh$QUJDREVG=", "$pbkdf2-sha256$29000$c2FsdA$aGFzaA"), ("pbkdf2",),
         options={"form": "pbkdf2-sha256"}),
    Form("bcrypt", "hashes of bcrypt", "password_hash", _regex(r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{53}"),
         ("$2b$12$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz01234",), ("$2b$12$short", "2b12")),
    Form("crypt", "hashes of crypt", "password_hash",
         _regex(r"\$(?:1|5|6|y|gy|apr1)\$(?:[^$\s]+\$){1,2}[./A-Za-z0-9]{20,}|\{S?SHA[0-9]*\}[A-Za-z0-9+/=]{20,}"),
         ("$6$saltsalt$" + 86 * "x", "$1$salt$0123456789012345678901", "{SSHA}0123456789012345678901234567890="),
         ("$6$", "$5 $10", "{SHA}"), options={"form": "sha512-crypt"}),
    Form("jwt", "JSON web tokens", "text", _is_jwt, ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",), ("eyes.are.open",
             "a.b.c")),
    Form("cloud key", "keys of a cloud or a service", "text",
         _regex(r"(?:AKIA|ASIA|AROA|AIDA)[A-Z2-7]{16}|AIza[\w\-]{35}|gh[pousr]_[A-Za-z0-9]{36,}|"
                r"xox[abpr]-[\w\-]{10,}|[sp]k_(?:live|test)_\w{16,}"),
         ("AKIAABCDEFGHIJKLMNOP", "ghp_" + 36 * "a", "sk_" + "test_0123456789abcdef"), ("AKIA", "ghp_short",
         "AKIAabcdefghijklmnop")),
    Form("email", "mail addresses", "email", _is_email, ("ann@example.com", "o'neil+x@mail.example.co.uk"),
         ("ann@localhost", "ann at example.com", "@example.com", "a b@example.com")),
    Form("url", "links", "url", _regex(r"[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s\"<>]+"),
         ("https://example.com/a?b=c", "mysql://user@host/db"), ("https://", "example.com", "see https://example.com")),
    Form("uuid", "uuids", "uuid",
         _regex(r"\{?[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}?"),
         ("123e4567-e89b-12d3-a456-426614174000", "{123E4567-E89B-12D3-A456-426614174000}"),
         ("123e4567-e89b-12d3-a456", "123e4567e89b12d3a456426614174000")),
    Form("mac", "hardware addresses", "mac", _is_mac, ("fa:16:3e:00:11:22", "FA-16-3E-00-11-22", "fa16.3e00.1122"),
         ("fa:16:3e:00:11", "fa:16-3e:00:11:22", "12:30:45")),
    Form("ip", "IP addresses", "ip", _is_ip, ("192.0.2.1", "2001:db8::1", "10.0.0.0/8"), ("1.2.3", "12:30",
             "1.2.3.400")),
    Form("iban", "numbers of bank accounts", "text", is_iban, ("DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"),
         ("DE89370400440532013001", "GB82")),
    Form("card", "numbers of cards", "text", is_card, ("4111 1111 1111 1111", "378282246310005"),
         ("4111111111111112", "0000000000000000", "1234567")),
    Form("phone", "telephone numbers", "phone", _is_abroad, ("+49 30 1234567", "+1 (212) 555-0100",
             "0044 20 7946 0000"),
         ("+1", "2024-01-05", "1234567"), 0.9),
    Form("phone at home", "what looks like telephone numbers", "phone",
         lambda text: _is_at_home(text) and not _is_date(text), ("030/1234567", "(212) 555-0100", "212-555-0100 x12"),
         ("2024-01-05", "01.02.2024", "123-456"), 0.65),
    Form("host", "names of machines", "hostname", _is_host, ("web-1.example.com", "db.internal"),
         ("photo.jpg", "1.2.3", "Example. Text", "localhost"), 0.7),
    Form("path", "paths of files", "path", _is_path, ("/home/ann/x.txt", "C:\\Users\\ann"), ("and/or", "/", "1/2"),
             0.65),
    Form("hex", "hex numbers", "hex", _is_hex_number, ("d41d8cd98f00b204e9800998ecf8427e", "a1" + 15 * ":b2"),
         ("1234567890123456", "deadbeef", "d41d8cd98f00b204e9800998ecf8427"), 0.65),
    Form("token", "what looks drawn at random", "text", _is_token,
         ("k3J9sLq0ZxP8vB2nM7tR", "v1.Zm9vYmFyMTIzNDU2Nzg5MA"), ("a-slug-of-2024-about-cats", "HelloWorldHelloWorld",
         "photo2024.jpeg"),
         0.7),
)  # fmt: skip
"""In the order in which they are tried: the first that a value has is its form."""


def form_of(text: str) -> Form | None:
    """The form of a whole value; None where it has none of them."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    return next((form for form in FORMS if form.is_one(text)), None)
