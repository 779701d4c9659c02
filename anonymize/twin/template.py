"""Templates: pieces drawn from the tokens of values, a whole column of them at once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from itertools import repeat

from anonymize.ops import TOKEN_BYTES, Base32, Digits, Hex, Piece, Pool, Template

_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256)
_HALVES = (
    (0x00000000000FFFFF, 0x000000FFFFF00000, 12),
    (0x000003FF000003FF, 0x000FFC00000FFC00, 6),
    (0x001F001F001F001F, 0x03E003E003E003E0, 3),
)
"""40 bits become 2 times 20, 4 times 10, 8 times 5: in 64 bits, which stay, and which move by how much."""

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
            return lambda tokens: _base32(tokens, at, count)
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


def _base32(tokens: bytes, at: int, count: int) -> list[bytes]:
    """Of each token `count` characters, drawn from the bytes from `at`: each five bytes are spread over eight."""
    width = 8 * -(-count // 8)
    spread = bytearray(len(tokens) // TOKEN_BYTES * width)
    for number in range(takes(Base32(count))):
        lane, byte = divmod(number, 5)
        spread[8 * lane + 3 + byte :: width] = tokens[at + number :: TOKEN_BYTES]
    bits = int.from_bytes(spread)
    for low, high, by in _HALVES:
        bits = bits & _repeated(low, len(spread)) | (bits & _repeated(high, len(spread))) << by
    return _cut(bits.to_bytes(len(spread)).translate(_BASE32), 0, count, width)


def _repeated(mask: int, length: int) -> int:
    return int.from_bytes(mask.to_bytes(8) * (length // 8))
