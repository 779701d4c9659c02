"""Kinds that draw something new of their own form: mail addresses, names of users and machines, links."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.kinds.columns import BLOBS, BYTES, TEXTS, room
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Base32, Digits, Hex, Piece, Pool, Template

MOST, LEAST = 16, 13
"""Characters of base32 that are drawn: 80 bits, and 65 where the column is short."""
_PLACES = Pool((b"example.com", b"example.net", b"example.org"))
_DOMAIN = Option("what follows the drawn part; without it, one of example.com, example.net and example.org", str)


def longest(pieces: tuple[Piece, ...]) -> int:
    """The most characters that the pieces make together."""
    return sum(_longest(piece) for piece in pieces)


def _longest(piece: Piece) -> int:
    if isinstance(piece, bytes):
        return len(piece.decode())
    if isinstance(piece, Base32 | Hex | Digits):
        return piece.count
    return max(len(entry.decode()) for entry in piece.entries)


def draw(wish: Wish, before: bytes, *after: Piece) -> Made:
    """`before`, as many drawn characters as there is room for, `after`. Raises UsageError where LEAST do not fit."""
    around = longest((before, *after))
    wish.need_room(LEAST + around)
    limit = room(wish.column)
    count = MOST if limit is None else min(MOST, limit - around)
    pieces = tuple(piece for piece in (before, Base32(count), *after) if piece != b"")
    return Made(Template(wish.secret, wish.fold, pieces), Uniqueness.COLLISION_FREE, count + around)


def _email(wish: Wish) -> Made:
    domain = _domain(wish)
    return draw(wish, b"", b"@", _PLACES if domain is None else domain)


def _username(wish: Wish) -> Made:
    return draw(wish, b"u")


def _hostname(wish: Wish) -> Made:
    domain = _domain(wish)
    return draw(wish, b"h", *((b"." + domain,) if domain else ()))


def _url(wish: Wish) -> Made:
    domain = _domain(wish)
    return draw(wish, b"https://", b".", _PLACES if domain is None else domain, b"/")


def _domain(wish: Wish) -> bytes | None:
    domain: str | None = wish.options["domain"]
    if domain is None:
        return None
    letters = domain.replace(".", "").replace("-", "")
    if not letters.isalnum() or not letters.isascii() or domain.strip(".-") != domain or ".." in domain:
        raise wish.refuse(f"{domain!r} is no name of a domain", 'write one like domain = "example.org"')
    return domain.encode()


def _kind(
    name: str, summary: str, form: str, making: Callable[[Wish], Made], domain: Option | None = None
) -> Definition:
    return Definition(
        name=name,
        summary=summary,
        guarantees=Guarantees(
            Uniqueness.COLLISION_FREE,
            length=f"its own: {form}; 13 drawn characters at least, 65 bits, where the column is short",
            characters="a-z, 2-7 and what stands around them",
        ),
        making=making,
        example=f'{name} = "{name}"',
        known={"meaning": MEANING} | ({"domain": domain} if domain else {}),
        types=TEXTS | BYTES | BLOBS,
    )


EMAIL = _kind(
    "email",
    "A mail address that reaches nobody.",
    "28 characters, 16 drawn ones and @example.com or the like",
    _email,
    _DOMAIN,
)
USERNAME = _kind("username", "A name to log in with.", "17 characters: u and 16 drawn ones", _username)
HOSTNAME = _kind(
    "hostname", "The name of a machine.", "17 characters: h and 16 drawn ones", _hostname,
    Option("the domain behind the name, after a dot (none)", str),
)  # fmt: skip
URL = _kind(
    "url", "A link that leads nowhere.", "37 characters: https, 16 drawn ones, example.com and the like", _url, _DOMAIN
)
