"""What is looked for in free text: patterns of things that say who somebody is, or that open doors."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

_CARD, _MANY = 13, 200
"""Digits of the shortest card number; and so many that one looks no closer."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where something stands in a text, and the kind that replaces it."""

    name: str
    regex: re.Pattern[str]
    kind: str
    is_one: Callable[[str], bool] | None = None
    """Looks closer at what the regex found."""
    needs: tuple[str, ...] = ("",)
    """There is none in a text that holds none of these, ..."""
    digits: int = 0
    """... nor in one with fewer ASCII digits: most texts are quickly told apart so."""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return True


def _is_card(text: str) -> bool:
    """Whether the checksum (ISO/IEC 7812-1, annex B) of some 13 to 19 digits in a row is right."""
    digits = [int(one) for one in text if one.isdigit()]
    if len(digits) > _MANY:
        return True
    lengths = range(_CARD, min(len(digits), 19) + 1)
    return any(_adds_up(digits[at : at + n]) for n in lengths for at in range(len(digits) - n + 1))


def _adds_up(digits: list[int]) -> bool:
    doubled = [sum(divmod(2 * one, 10)) for one in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_token(text: str) -> bool:
    """Whether letters and digits are mixed in it, as chance does and words do not: not a path of plain folders."""
    part = max(re.split(r"[/\-_.]", text), key=len)
    return len(part) >= 16 and any(map(str.isdigit, part)) and any(map(str.isalpha, part))


def _pattern(
    name: str,
    regex: str,
    kind: str,
    *needs: str,
    digits: int = 0,
    is_one: Callable[[str], bool] | None = None,
) -> Pattern:
    return Pattern(name, re.compile(regex), kind, is_one, needs or ("",), digits)


# Each begins only where a run of its characters begins, so that a long run is walked through once.
PATTERNS = (
    _pattern("pem", r"-----BEGIN [A-Z0-9 ]+-----(?s:.*?)(?:-----END [A-Z0-9 ]+-----|\Z)", "redact", "-----BEGIN "),
    _pattern("url", r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]*+://[^\s\"'<>\\]++", "url", "://"),
    _pattern(
        "email",
        r"(?<![\w.%+\-])[\w.%+\-]++(?:'[\w.%+\-]++){0,2}@[\w\-]++(?:\.[\w\-]++)*+"
        r"(?:[.%+][\w.%+\-]*+@[\w\-]++(?:\.[\w\-]++)*+)*+",  # addresses with no space between them are one find
        "email",
        "@",
    ),
    _pattern(
        "uuid",
        r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z])",
        "uuid",
        digits=1,
    ),
    _pattern(
        "mac",
        r"(?<![0-9A-Za-z:\-])[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}(?![0-9A-Za-z:])",
        "mac",
        ":",
        "-",
    ),
    _pattern(
        "ip",
        r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?!\w|\.[0-9])",
        "ip",
        ".",
        digits=4,
        is_one=_is_address,
    ),
    _pattern(
        "ip",
        r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}(?![0-9A-Fa-f]))"
        r"(?:/[0-9]{1,3})?",
        "ip",
        ":",
        is_one=_is_address,
    ),
    _pattern("card", r"(?<![0-9])[0-9](?:[ \-]?[0-9]){12,}+", "text", digits=_CARD, is_one=_is_card),
    _pattern(
        "phone",
        r"(?<![\w.])(?:(?:\+|\(?0)(?:[ ().\-/]{0,3}[0-9]){6,14}|\(?[0-9]{3}\)?[ .\-]{1,2}[0-9]{3}[ .\-][0-9]{4})(?!\w)",
        "phone",
        digits=6,
    ),
    _pattern("token", r"(?<![\w+/=\-.])[\w+/=\-.]{20,}+", "text", digits=1, is_one=_is_token),
)
"""In the order in which they win where two begin at the same place."""
NAMES = tuple(dict.fromkeys(pattern.name for pattern in PATTERNS))
