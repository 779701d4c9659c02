"""Keys and tokens: what a pseudonym is drawn from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from anonymize.errors import UsageError
from anonymize.ops import KEY_BYTES, TOKEN_BYTES

_LEAST_BYTES = 16
_PURPOSE = b"migci anonymize 1\0"


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that pseudonyms are drawn with: the same one gives the same pseudonyms, another one unlinkable ones."""

    secret: bytes = field(repr=False)

    def of(self, meaning: str) -> bytes:
        """The 32 bytes of the key for values of one meaning ("email"); nothing links those of two meanings."""
        master = hashlib.blake2s(self.secret, person=b"anonymiz").digest()
        return hashlib.blake2s(_PURPOSE + meaning.encode(), key=master, digest_size=KEY_BYTES).digest()


def token(key: bytes, message: bytes) -> bytes:
    """BLAKE2s of `message` with `key` (RFC 7693), 32 bytes: equal values have equal tokens, and nothing leads back."""
    return hashlib.blake2s(message, key=key, digest_size=TOKEN_BYTES).digest()


def tokens(key: bytes, messages: Iterable[bytes]) -> list[bytes]:
    """The tokens of many, in less time."""
    keyed = hashlib.blake2s(key=key, digest_size=TOKEN_BYTES)
    drawn = []
    for message in messages:
        state = keyed.copy()
        state.update(message)
        drawn.append(state.digest())
    return drawn


def read_key(file: Path) -> Key:
    """The key in `file`: its bytes without white space at the ends. Raises UsageError, which never quotes it."""
    try:
        secret = file.read_bytes()
    except OSError as error:
        raise UsageError(f"the key file {file} cannot be read: {error.strerror}", _hint(str(file))) from error
    return key_of_text(secret, str(file))


def key_of_text(text: bytes, where: str) -> Key:
    """The key that was found in `where`. Raises UsageError if it is too short."""
    secret = text.strip()
    if len(secret) < _LEAST_BYTES:
        raise UsageError(
            f"the key in {where} has {len(secret)} bytes; at least {_LEAST_BYTES} are needed", _hint("FILE")
        )
    return Key(secret)


def _hint(file: str) -> str:
    return f"make one with: head -c 32 /dev/urandom | base64 > {file}"
