"""Text of the same shape."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.folding import fold
from anonymize.ops import TOKEN_BYTES, Text
from anonymize.pseudonym import token

_STEP = 101
_OTHER_FIRST, _OTHERS = 0xE0, 23
_ADDED = [bytes((byte + _STEP * block) % 256 for byte in range(256)) for block in range(256)]


def text(op: Text) -> Callable[[bytes], bytes]:
    """What draws the result from a value."""
    alphabets = {}
    for first, alphabet in ((b"a", op.lower), (b"A", op.upper), (b"0", op.digit)):
        for code in range(first[0], first[0] + (10 if first == b"0" else 26)):
            if alphabet:
                alphabets[code] = alphabet
    kinds = {alphabet: number for number, alphabet in enumerate(dict.fromkeys(alphabets.values()))}
    classes = [(_membership(alphabets, alphabet), _drawn(alphabet)) for alphabet in kinds]
    kept = bytes(0 if code in alphabets else 255 for code in range(256))

    def of_ascii(value: bytes, random: bytes) -> bytes:
        length = len(value)
        number = int.from_bytes(value) & int.from_bytes(value.translate(kept))
        for members, drawn in classes:
            number |= int.from_bytes(value.translate(members)) & int.from_bytes(random.translate(drawn))
        return number.to_bytes(length)

    def of_text(value: bytes, random: bytes) -> bytes:
        result = []
        for character, chance in zip(value.decode("utf-8", "surrogateescape"), random, strict=False):
            code = ord(character)
            if code in alphabets:
                alphabet = alphabets[code]
                result.append(chr(alphabet[chance * len(alphabet) >> 8]))
            elif code >= 0x80 and op.other:
                result.append(chr(_OTHER_FIRST + (chance * _OTHERS >> 8)))
            else:
                result.append(character)
        return "".join(result).encode("utf-8", "surrogateescape")

    def shaped(value: bytes) -> bytes:
        if not value:
            return value
        its = token(op.key, fold(value, op.fold))
        length = len(value)
        random = its[:length]
        if length > TOKEN_BYTES:
            blocks = -(-length // TOKEN_BYTES)
            random = b"".join([its.translate(_ADDED[block % 256]) for block in range(blocks)])[:length]
        result = (of_ascii if value.isascii() else of_text)(value, random)
        if op.keep_until and (found := value.find(op.keep_until)) >= 0:
            kept_bytes = found + len(op.keep_until)
            # Places are those of characters, so what comes behind the marker is drawn as if nothing were kept.
            before = len(value[:kept_bytes].decode("utf-8", "surrogateescape"))
            behind = result.decode("utf-8", "surrogateescape")[before:]
            result = value[:kept_bytes] + behind.encode("utf-8", "surrogateescape")
        return result

    return shaped


def _membership(alphabets: dict[int, bytes], alphabet: bytes) -> bytes:
    return bytes(255 if alphabets.get(code) == alphabet else 0 for code in range(256))


def _drawn(alphabet: bytes) -> bytes:
    return bytes(alphabet[chance * len(alphabet) >> 8] for chance in range(256))
