"""Templates: pieces drawn from a value's token."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

from anonymize.ops import Base32, Digits, Hex, Piece, Pool, Template
from anonymize.pseudonym import token

_NUMBER = struct.Struct("<Q")


def template(op: Template) -> Callable[[bytes], bytes]:
    """What draws the result from the folded bytes of a value."""
    draws: list[Callable[[bytes], bytes]] = []
    at = 0
    for piece in op.pieces:
        draws.append(_draw(piece, at))
        at += takes(piece)
    if at > 32:
        raise ValueError("the pieces of a template take more than 32 bytes")
    key = op.key
    if len(draws) == 1:
        only = draws[0]
        return lambda folded: only(token(key, folded))

    def drawn(folded: bytes) -> bytes:
        its = token(key, folded)
        return b"".join([draw(its) for draw in draws])

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


def _draw(piece: Piece, at: int) -> Callable[[bytes], bytes]:
    end = at + takes(piece)
    match piece:
        case Base32(count):
            # Whole groups of five bytes give eight characters each; what is behind the count is cut off.
            padding = bytes(-(end - at) % 5)
            return lambda its: base64.b32encode(its[at:end] + padding)[:count].lower()
        case Hex(count):
            return lambda its: its[at:end].hex().encode()[:count]
        case Digits(count):
            return lambda its: b"%0*d" % (count, _NUMBER.unpack_from(its, at)[0] % 10**count)
        case Pool(entries):
            return lambda its: entries[_NUMBER.unpack_from(its, at)[0] % len(entries)]
    literal: bytes = piece
    return lambda its: literal
