"""Checksums that tell the numbers of cards and bank accounts from others."""

from __future__ import annotations

import re

_CARD = re.compile(r"[0-9](?:[ \-]?[0-9]){12,18}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}")
_MAKERS = re.compile(r"4|5[1-5]|2[2-7]|3[0-9]|6")


def luhn(digits: str) -> bool:
    """Whether the last of some decimal digits is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    numbers = [int(one) for one in reversed(digits)]
    return (sum(numbers[::2]) + sum(sum(divmod(2 * one, 10)) for one in numbers[1::2])) % 10 == 0


def mod_97(account: str) -> bool:
    """Whether the third and fourth characters of an account's number check the others (ISO 13616)."""
    turned = account[4:] + account[:4]
    return int("".join(str(int(one, 36)) for one in turned)) % 97 == 1


def is_card(text: str) -> bool:
    """Whether it is a card's number: its makers, its length and its check digit."""
    return (
        _CARD.fullmatch(text) is not None
        and _MAKERS.match(text) is not None
        and luhn(re.sub(r"[ \-]", "", text))
        and len(set(text)) > 2
    )


def is_iban(text: str) -> bool:
    """Whether it is the number of an account, in one piece or in groups."""
    return _IBAN.fullmatch(text) is not None and mod_97(text.replace(" ", ""))
