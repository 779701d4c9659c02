"""Pools of values that look real: drawn from Faker once per process, and only if a column needs them.

A pool depends on the provider, the locale and Faker's version alone, so it is the same on every day and for every key:
the key decides which of its entries stands for a value.
"""

from __future__ import annotations

import decimal
import functools
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from anonymize.errors import UsageError
from anonymize.kinds.options import nearest

if TYPE_CHECKING:
    from faker import Faker

MOST = 4096
"""The most entries of a pool."""
_IN_VAIN = 1024
"""A provider that gives nothing new this many times in a row is taken to have given all that it has."""
_TIMELESS = ("timezone", "pytimezone", "century")


class _DependsOnToday(Exception):
    pass


@functools.cache
def pool(provider: str, locale: str) -> tuple[str, ...]:
    """At most MOST different values of a provider of Faker's, in an order that is always the same.

    Raises UsageError for a provider or a locale that Faker does not have, one whose values are no text and no numbers,
    and one whose values depend on the day.
    """
    draw = _provider(provider, locale)
    found: dict[str, None] = {}
    in_vain = 0
    while len(found) < MOST and in_vain < _IN_VAIN:
        text = _text(provider, _call(draw, provider))
        in_vain = in_vain + 1 if text in found or not text else 0
        if text:
            found[text] = None
    if not found:
        raise UsageError(f"Faker's provider {provider!r} gives nothing for the locale {locale!r}", "choose another one")
    return tuple(found)


def _provider(provider: str, locale: str) -> Callable[[], Any]:
    from faker import Faker  # it takes a third of a second, which only those who use it should pay

    try:
        faker = Faker(locale, use_weighting=False)
    except AttributeError as error:
        from faker.config import AVAILABLE_LOCALES

        raise UsageError(
            f"Faker has no locale {locale!r}", nearest(locale, sorted(AVAILABLE_LOCALES), "its locales are")
        ) from error
    faker.seed_instance(int.from_bytes(hashlib.blake2s(f"{provider} {locale}".encode(), digest_size=8).digest()))
    names, dated = _names(faker)
    if provider not in names:
        raise UsageError(
            f"Faker has no provider {provider!r} for the locale {locale!r}",
            nearest(provider, sorted(names), "its providers are") if len(names) < 20 else _hint(provider, names),
        )
    for name in dated:
        faker.factories[0].set_formatter(name, _refuse)
    found: Callable[[], Any] = getattr(faker.factories[0], provider)
    return found


def _hint(provider: str, names: set[str]) -> str:
    hint = nearest(provider, sorted(names), "")
    return hint if hint.startswith("did you mean") else "Faker's documentation lists its providers"


def _names(faker: Faker) -> tuple[set[str], set[str]]:
    """All providers, and those of them that depend on the day."""
    names: set[str] = set()
    dated: set[str] = set()
    for one in faker.factories[0].get_providers():
        public = {name for name in dir(one) if not name.startswith("_") and callable(getattr(one, name))}
        names |= public
        if getattr(one, "__provider__", "").endswith("date_time"):
            plain = set(dir(type(one).__mro__[-2]))  # what every provider has
            dated |= public - plain - set(_TIMELESS)
    return names, dated


def _refuse(*_: object, **__: object) -> NoReturn:
    raise _DependsOnToday


def _call(draw: Callable[[], Any], provider: str) -> Any:
    try:
        return draw()
    except _DependsOnToday as error:
        raise UsageError(
            f"Faker's provider {provider!r} gives other values on other days", 'for dates take the kind "date"'
        ) from error
    except Exception as error:  # providers are other people's, and may want arguments or packages
        raise UsageError(
            f"Faker's provider {provider!r} does not work without arguments: {type(error).__name__}",
            "choose another one, or write a function of your own: the kind python:MODULE:FUNCTION",
        ) from error


def _text(provider: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | decimal.Decimal) and not isinstance(value, bool):
        return str(value)
    raise UsageError(
        f"Faker's provider {provider!r} gives values of type {type(value).__name__}, not text",
        "choose another one, or write a function of your own: the kind python:MODULE:FUNCTION",
    )
