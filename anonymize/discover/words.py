"""The words of a column's name: snake_case and camelCase are taken apart, and so are compounds in common use."""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]{2,}(?![a-z])|[^\W\d_][^\W\dA-Z_]*|[0-9]+")
_ACRONYMS = re.compile(r"(?<=[A-Z]{2})s(?![a-z])")
_VERSION = re.compile(r"(?<![A-Za-z])(I[Pp]|ip)?[vV]([46])(?![A-Za-z0-9])")
_COMPOUNDS = {
    "addr": "address", "apikey": "api key", "authtoken": "auth token", "birthdate": "birth date",
    "birthday": "birth date", "bday": "birth date", "cellphone": "cell phone", "certificate": "cert", "displayname":
    "display name", "dob": "birth date", "emailaddress": "email address", "fingerprint": "fingerprint",
    "firstname": "first name", "forename": "first name", "fullname": "full name", "givenname": "first name",
    "homepage": "url", "hostip": "host ip", "hostname": "host name", "ipaddr": "ip address", "ipaddress": "ip address",
    "ipv4": "ip", "ipv6": "ip", "lastname": "last name", "macaddr": "mac address", "macaddress": "mac address",
    "middlename": "middle name", "mobilephone": "mobile phone", "nickname": "nick name", "passhash": "password hash",
    "passphrase": "password", "passwd": "password", "passwordhash": "password hash", "phonenumber": "phone number",
    "postalcode": "postal code", "postcode": "postal code", "privatekey": "private key", "projectid": "project id",
    "publickey": "public key", "pw": "password", "pwd": "password", "realname": "real name",
    "screenname": "screen name",
    "sshkey": "ssh key", "streetaddress": "street address", "surname": "last name", "telephone": "phone",
    "tel": "phone", "tenantid": "tenant id", "userdata": "user data", "userid": "user id", "username": "user name",
    "useragent": "user agent", "uri": "url", "guid": "uuid", "zipcode": "postal code", "zip": "postal code",
    "vorname": "first name", "nachname": "last name", "strasse": "street", "ort": "city", "telefon": "phone",
    "prenom": "first name", "ville": "city", "nombre": "name", "apellido": "last name", "apellidos": "last name",
    "correo": "email", "telefono": "phone", "calle": "street", "ciudad": "city",
}  # fmt: skip
"""What is written as one word, and what it says."""
_PLURALS = re.compile(r"(?:(?<=address)|(?<=alias))es$|(?<=[a-z]{2}[^su])s$")
_NO_PLURALS = frozenset({"address", "alias", "dns", "ips", "status", "access", "class", "https", "news", "series"})


@functools.lru_cache(maxsize=100_000)
def words(name: str) -> tuple[str, ...]:
    """The words in lower case and in the singular; a number is a word of its own: ipV4Addresses is ip address."""
    found: list[str] = []
    for word in _WORD.findall(_VERSION.sub(r"\1_", _ACRONYMS.sub("", name))):
        low = word.lower()
        single = "ip" if low == "ips" else low if low in _NO_PLURALS else _PLURALS.sub("", low)
        found += _COMPOUNDS.get(single, single).split(" ")
    return tuple(found)
