"""FF1 of NIST SP 800-38G: a keyed permutation of the numbers of so many digits, in any radix, built on AES."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_ROUNDS = 10
_BLOCK = 16


class Ff1:
    """The permutation of strings of `length` (2 or more) numerals of `radix` under `key` (16, 24 or 32 bytes) and
    `tweak`. A string X is given, and comes back, as the number that it is in that radix, the first numeral the highest.
    """

    def __init__(self, key: bytes, radix: int, length: int, tweak: bytes = b"") -> None:
        left = length // 2
        right = length - left
        # One block is enciphered at a time, each from the one before, as CBC does it: the mode is FF1's, not ECB.
        self._encipher: Callable[[bytes], bytes] = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305
        self._powers: tuple[int, int] = (radix**left, radix**right)
        self._number_bytes = ((radix**right - 1).bit_length() + 7) // 8
        self._drawn_bytes = 4 * ((self._number_bytes + 3) // 4) + 4
        head = bytes((1, 2, 1)) + radix.to_bytes(3, "big") + bytes((_ROUNDS, left % 256))
        head += length.to_bytes(4, "big") + len(tweak).to_bytes(4, "big")
        # What stands before a round's number and half is the same in every round: it is enciphered here.
        fixed = tweak + bytes(-(len(tweak) + self._number_bytes + 1) % _BLOCK)
        whole = len(fixed) // _BLOCK * _BLOCK
        self._state = self._chained(bytes(_BLOCK), head + fixed[:whole])
        self._tail = fixed[whole:]

    def encrypt(self, number: int) -> int:
        """The number that takes the place of `number`, which is from 0 to radix ** length - 1."""
        left, right = divmod(number, self._powers[1])
        for turn in range(_ROUNDS):
            drawn = self._drawn(turn, right)
            left, right = right, (left + drawn) % self._powers[turn % 2]
        return left * self._powers[1] + right

    def _drawn(self, turn: int, half: int) -> int:
        last = self._chained(self._state, self._tail + bytes((turn,)) + half.to_bytes(self._number_bytes, "big"))
        stream = last
        for count in range(1, (self._drawn_bytes + _BLOCK - 1) // _BLOCK):
            stream += self._encipher(_xor(last, count.to_bytes(_BLOCK, "big")))
        return int.from_bytes(stream[: self._drawn_bytes], "big")

    def _chained(self, state: bytes, blocks: bytes) -> bytes:
        for at in range(0, len(blocks), _BLOCK):
            state = self._encipher(_xor(state, blocks[at : at + _BLOCK]))
        return state


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(_BLOCK, "big")
