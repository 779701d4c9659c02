"""Templates: pieces drawn from the tokens of values, a whole column of them at once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from itertools import repeat

from anonymize.ops import TOKEN_BYTES, Base32, Digits, Hex, Piece, Pool, Template

_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567"

_Draw = Callable[[bytes], Iterable[bytes]]
"""From tokens that stand behind each other, one piece for each."""


def template(op: Template) -> Callable[[list[bytes]], list[bytes]]:
    """What makes the results of tokens. Raises ValueError if the pieces take more than a token has."""
    draws: list[_Draw] = []
    at = 0
    for piece in op.pieces or (b"",):
        draws.append(_draw(piece, at))
        at += takes(piece)
    if at > TOKEN_BYTES:
        raise ValueError(f"the pieces of a template take {at} bytes, and a token has {TOKEN_BYTES}")

    def drawn(tokens: list[bytes]) -> list[bytes]:
        joined = b"".join(tokens)
        return list(map(b"".join, zip(*[draw(joined) for draw in draws], strict=True)))

    return drawn


def takes(piece: Piece) -> int:
    """How many bytes of the token it takes."""
    match piece:
        case Base32(count):
            return (5 * count + 7) // 8
        case Hex(count):
            return (count + 1) // 2
        case Digits() | Pool():
            return 8
    return 0


def _draw(piece: Piece, at: int) -> _Draw:
    match piece:
        case Base32(count):
            return lambda tokens: _cut(_base32(tokens, at, count), 0, count, count)
        case Hex(count):
            return lambda tokens: _cut(tokens.hex().encode(), 2 * at, count, 2 * TOKEN_BYTES)
        case Digits(count):
            return lambda tokens: [b"%0*d" % (count, number % 10**count) for number in _numbers(tokens, at)]
        case Pool(entries):
            among = len(entries)
            return lambda tokens: [entries[number % among] for number in _numbers(tokens, at)]
    literal: bytes = piece
    return lambda tokens: repeat(literal, len(tokens) // TOKEN_BYTES)


def _cut(text: bytes, first: int, count: int, every: int) -> list[bytes]:
    return [text[at : at + count] for at in range(first, len(text), every)]


def _numbers(tokens: bytes, at: int) -> Iterable[int]:
    """Of each token the 8 bytes from `at`."""
    return [number for (number,) in struct.iter_unpack(f"<{at}xQ{TOKEN_BYTES - 8 - at}x", tokens)]


def _base32(tokens: bytes, at: int, count: int) -> bytes:
    """The first characters of all, then the second ones, and so on, each put into its places."""
    texts = bytearray(len(tokens) // TOKEN_BYTES * count)
    for number in range(count):
        byte, bit = divmod(5 * number, 8)
        high = tokens[at + byte :: TOKEN_BYTES].translate(_FIVE_BITS[bit])
        if bit > 3:  # the rest of the five bits begins the next byte
            low = tokens[at + byte + 1 :: TOKEN_BYTES].translate(_FIVE_BITS[bit - 8])
            high = (int.from_bytes(high) | int.from_bytes(low)).to_bytes(len(high))
        texts[number::count] = high
    return bytes(texts.translate(_BASE32.ljust(256)))


_FIVE_BITS = {bit: bytes((byte << 8 >> (11 - bit)) & 31 for byte in range(256)) for bit in range(-4, 8)}
"""What a byte has of the five bits from a place in it; the place is negative where they begin in the byte before."""
