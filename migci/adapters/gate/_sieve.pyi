"""What need not be looked at, told fast. `_sieve` is compiled from kernel/sieve.c; `_sieve_pure` offers the same.

Neither is for two threads at once.
"""

from typing import final

@final
class Lines:
    """What is known of lines by their shape, and by the state in which they are met.

    A shape is in lower case, with zeros for digits; whether lines differ that have other hexadecimal digits with
    letters among them, of the same length, is left open.

    A state is a number, and so is what is to be done with a line: its answer, zero for nothing.
    """

    def __init__(self, key: bytes, bits: int, /) -> None:
        """With room for half of 2**`bits` lines; `key` is 16 bytes that nobody can guess."""

    def scan(self, text: bytes, at: int, state: int, /) -> tuple[int, int, list[tuple[int, int]]]:
        """Go on from the beginning of a line for as long as lines are known.

        Returns where the first line begins that is not, or the length of the text; the state there; and where the
        lines begin that have an answer, with it.
        """

    def learn(self, line: bytes, state: int, after: int, answer: int, /) -> bool:
        """What comes after a line, without its end, in `state`. Returns whether there is room for no more.

        A line of more than 1000 bytes is not learnt.
        """

    def clear(self) -> None: ...

@final
class Runs:
    """Long runs of characters of base64, of either alphabet, that have been looked at."""

    def __init__(self, key: bytes, bits: int, /) -> None:
        """With room for 2**`bits` at most; some are forgotten sooner."""

    def unknown(self, text: bytes, /) -> tuple[list[tuple[int, int]], int]:
        """Where the runs of eleven characters or more are that are not known, and what else there is, as a sum.

        1: control characters but for those of lines; 2: bytes beyond ASCII; 4: a run of sixteen characters or more
        that ends a line; 8: eight pairs of hexadecimal digits with one or two separators between.
        """

    def add(self, text: bytes, spans: list[tuple[int, int]], /) -> None:
        """Know the runs at `spans`, but those of more than 64 characters."""

def said(text: bytes, spans: list[tuple[int, int]], /) -> tuple[bytes, bytes, list[tuple[int, int]]]:
    """What the runs at `spans` say as base64, from each of their first four characters on, and as hexadecimal digits.

    Returns the parts of that one after the other, a byte for the length of each, and the spans of those runs that are
    left out: they may say something in yet another encoding, or have more than 64 characters.
    """

def replaced(text: bytes, cuts: list[tuple[int, int, bytes]], /) -> bytes | None:
    """`text` with something else in the place of each cut: start, end, and what. `None` if two touch each other."""
