"""Text of the same shape."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.ops import TOKEN_BYTES, Text

_OTHER_FIRST, _OTHERS = 0xE0, 23
_CLASS = 0x80
"""From here on are the codes of characters to be drawn; below, those that stay stand for themselves."""
_PERIOD = 256 * TOKEN_BYTES
_DOUBLED = [bytes((byte + 101 * blocks) % 256 for byte in range(256)) for blocks in (1, 2, 4, 8, 16, 32, 64, 128)]
_AT_ONCE = 1 << 14
_TOPS = int.from_bytes(b"\x80" * _AT_ONCE)


class Shapes:
    """What draws results from values and their tokens."""

    def __init__(self, op: Text) -> None:
        self._op = op
        self._alphabets = {
            code: alphabet
            for first, count, alphabet in ((b"a", 26, op.lower), (b"A", 26, op.upper), (b"0", 10, op.digit))
            for code in range(first[0], first[0] + count)
            if alphabet
        }
        self._drawn = _drawn_at_once(self._alphabets)

    def one(self, value: bytes, token: bytes) -> bytes:
        """The result for a value."""
        numbers = _numbers(token, len(value))
        if self._drawn is not None and value.isascii():
            result = self._drawn(value, numbers)
        else:
            result = self._of_characters(value, numbers)
        if (mark := self._op.keep_until) and (found := value.find(mark)) >= 0:
            kept = value[: found + len(mark)]
            # Places are those of characters, so what comes behind the mark is drawn as if nothing were kept.
            before = len(kept.decode("utf-8", "surrogateescape"))
            behind = result.decode("utf-8", "surrogateescape")[before:]
            result = kept + behind.encode("utf-8", "surrogateescape")
        return result

    @property
    def quick(self) -> bool:
        """Whether many results can be drawn at once."""
        return self._drawn is not None and not self._op.keep_until

    def lines(self, lines: bytes, values: list[bytes], tokens: list[bytes]) -> bytes:
        """The results for `values` of ASCII, if `quick`; in `lines` each stands in quotes and on a line of its own."""
        assert self._drawn is not None
        numbers = [_numbers(token, len(value)) for token, value in zip(tokens, values, strict=True)]
        return self._drawn(lines, b"\0" + b"\0\0\0".join(numbers) + b"\0")

    def _of_characters(self, value: bytes, numbers: bytes) -> bytes:
        result = []
        for character, number in zip(value.decode("utf-8", "surrogateescape"), numbers, strict=False):
            code = ord(character)
            if code in self._alphabets:
                alphabet = self._alphabets[code]
                result.append(chr(alphabet[number * len(alphabet) >> 8]))
            elif code >= 0x80 and self._op.other:
                result.append(chr(_OTHER_FIRST + (number * _OTHERS >> 8)))
            else:
                result.append(character)
        return "".join(result).encode("utf-8", "surrogateescape")


def _numbers(token: bytes, length: int) -> bytes:
    """The number of each place."""
    for table in _DOUBLED:
        if len(token) >= length:
            return token[:length]
        token += token.translate(table)
    return (token * (length // _PERIOD + 1))[:length]


def _drawn_at_once(alphabets: dict[int, bytes]) -> Callable[[bytes, bytes], bytes] | None:
    """What draws ASCII from as many numbers, by arithmetic on all characters at once.

    Numbers that draw the same of every alphabet are one choice. A character's code is that of its alphabet's first
    choice, so adding the choice gives a code that stands for the result. None: there are too many such codes.
    """
    kinds = list(dict.fromkeys(alphabets.values()))
    drawn_by = [bytes(kind[number * len(kind) >> 8] for kind in kinds) for number in range(256)]
    choices = list(dict.fromkeys(drawn_by))
    if len(kinds) * len(choices) > 256 - _CLASS:
        return None
    first = {kind: _CLASS + at * len(choices) for at, kind in enumerate(kinds)}
    codes = bytes(first[alphabets[code]] if code in alphabets else code for code in range(256))
    results = b"".join(bytes(choice[at] for choice in choices) for at in range(len(kinds)))
    meanings = (bytes(range(_CLASS)) + results).ljust(256)
    choice_of = bytes(choices.index(drawn) for drawn in drawn_by)

    def piece(text: bytes, numbers: bytes) -> bytes:
        coded = int.from_bytes(text.translate(codes))
        chosen = int.from_bytes(numbers.translate(choice_of))
        tops = coded & _TOPS
        changing = tops - (tops >> 7)  # 0x7F in each byte that changes, so that nothing is added to the others
        return (coded + (chosen & changing)).to_bytes(len(text)).translate(meanings)

    def drawn(text: bytes, numbers: bytes) -> bytes:
        pieces = [slice(at, at + _AT_ONCE) for at in range(0, len(text), _AT_ONCE)]
        return b"".join([piece(text[one], numbers[one]) for one in pieces])

    return drawn
