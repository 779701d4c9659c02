"""Values that are planted in a database to see whether one comes out again."""

from __future__ import annotations

import string
from collections.abc import Iterable
from random import Random

from migci.adapters.gate.gate import Gate
from migci.adapters.gate.index import Index
from migci.adapters.gate.runs import Known

TOKEN_CHARACTERS = 20
_ALPHABET = string.ascii_lowercase
_BLOCK_BYTES = 1 << 20
_OVERLAP_BYTES = 1 << 10


def planted(count: int, random: Random) -> tuple[str, ...]:
    """So many distinct tokens to put into columns: letters, with nothing about them that stands out."""
    tokens: dict[str, None] = {}
    while len(tokens) < count:
        tokens["".join(random.choices(_ALPHABET, k=TOKEN_CHARACTERS))] = None
    return tuple(tokens)


def found(data: bytes, tokens: Iterable[str]) -> bool:
    """Whether `data` has a piece of eight characters of a token, as it is or in one of the encodings `views` names."""
    index = Index.of_nothing(["canary"])
    for token in tokens:
        index.learn(0, token.encode())
    gate, known = Gate(index), Known()
    return any(
        gate.confidential(data[begins : begins + _BLOCK_BYTES + _OVERLAP_BYTES], known)
        for begins in range(0, len(data), _BLOCK_BYTES)
    )
