"""Numerals: the digits of a value change together, the rest of it stays where it is."""

from __future__ import annotations

import functools
from collections.abc import Callable

from anonymize.errors import Unfit
from anonymize.ops import KEY_BYTES, TOKEN_BYTES, Numerals
from anonymize.pseudonym import token
from anonymize.twin.ff1 import Ff1

_BOUND = 1 << 60
"""A half of the numerals is a number below this, else they are too many for FF1."""
_STEP = 101
_UUID, _VERSION = 32, (12, 16)
"""The numerals of a uuid, and the places of those that say of which version and variant it is."""
_DIGITS = b"0123456789abcdefghijklmnopqrstuvwxyz"


def numerals(op: Numerals) -> Callable[[bytes], bytes]:
    """The operation. Raises ValueError where `op` could not be carried out: an alphabet of fewer than 2 characters, one
    twice, one in upper case or beyond ASCII."""
    return _Numerals(op)


class _Numerals:
    def __init__(self, op: Numerals) -> None:
        alphabet = op.alphabet
        if len(set(alphabet)) != len(alphabet) or len(alphabet) < 2 or alphabet != alphabet.lower():
            raise ValueError(f"the alphabet {alphabet!r} has too few characters, one twice or one in upper case")
        if not alphabet.isascii() or len(op.key) != KEY_BYTES or op.keep < 0:
            raise ValueError("the alphabet has to be ASCII, the key 32 bytes, and what is kept not negative")
        self._op = op
        self._radix = len(alphabet)
        self._places = {character: place for place, character in enumerate(alphabet)}
        self._others = bytes(set(range(256)) - set(alphabet) - set(alphabet.upper()))
        self._strange = None if op.others is None else bytes(set(self._others) - set(op.others))
        self._longest = 1
        while self._radix ** ((self._longest + 2) // 2) < _BOUND:
            self._longest += 1
        self._ff1 = functools.cache(lambda length: Ff1(op.key[:16], self._radix, length, op.tweak))

    def __call__(self, value: bytes) -> bytes:
        written = value.translate(None, self._others)
        changing = written[self._op.keep :].lower()
        if self._strange is not None and len(value.translate(None, self._strange)) < len(value):
            raise Unfit("it holds characters that do not belong there")
        if not changing:
            return value
        if len(changing) <= self._longest:
            changed = self._spelled(self._changed(self._number(changing), len(changing)), len(changing))
        else:
            changed = self._drawn(changing)
        if written.isupper():
            changed = changed.upper()
        changed = written[: self._op.keep] + changed
        if len(written) == len(value):
            return changed
        result = bytearray(value)
        following = iter(changed)
        for at, byte in enumerate(value):
            if byte not in self._others:
                result[at] = next(following)
        return bytes(result)

    def _changed(self, number: int, length: int) -> int:
        """What takes the place of a number among all that are as long and of its sort, which are a range of numbers."""
        first, last = 0, self._radix**length - 1
        if self._op.number:
            maximum = last if self._op.maximum is None else self._op.maximum
            if number == 0 or number > maximum:
                return number
            highest = self._radix ** (length - 1)
            first, last = (1, highest - 1) if number < highest else (highest, last)
            last = min(last, maximum)
        size = last - first + 1
        while length > 1 and self._radix ** (length - 1) >= size:
            length -= 1
        return first + self._permuted(number - first, length, size)

    def _permuted(self, number: int, length: int, size: int) -> int:
        if size == 1:
            return number
        if length == 1:
            return (number + 1 + self._op.key[0] % (size - 1)) % size
        ff1 = self._ff1(length)
        number = ff1.encrypt(number)
        while number >= size:
            number = ff1.encrypt(number)
        return number

    def _drawn(self, changing: bytes) -> bytes:
        alphabet, radix = self._op.alphabet, self._radix
        drawn = token(self._op.key, changing)
        numbers = [(drawn[at % TOKEN_BYTES] + _STEP * (at // TOKEN_BYTES)) % 256 for at in range(len(changing))]
        result = bytearray(alphabet[number * radix >> 8] for number in numbers)
        if self._op.number:  # the first one is 0 where it was, and only there
            first = 1 + (numbers[0] * (radix - 1) >> 8) if changing[0] != alphabet[0] else 0
            result[0] = alphabet[first]
        if self._op.versioned and len(changing) == _UUID:
            for place in _VERSION:
                result[place] = changing[place]
        return bytes(result)

    def _number(self, changing: bytes) -> int:
        if self._op.alphabet == _DIGITS[: self._radix]:
            return int(changing, self._radix)
        number = 0
        for character in changing:
            number = number * self._radix + self._places[character]
        return number

    def _spelled(self, number: int, length: int) -> bytes:
        if self._op.alphabet == _DIGITS[:10]:
            return b"%0*d" % (length, number)
        spelled = bytearray(length)
        for at in reversed(range(length)):
            number, place = divmod(number, self._radix)
            spelled[at] = self._op.alphabet[place]
        return bytes(spelled)
