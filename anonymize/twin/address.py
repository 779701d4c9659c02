"""Address: IP addresses and networks become others of their family, and what shared a network still does."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from anonymize.errors import Unfit
from anonymize.ops import Address
from anonymize.twin.ff1 import Ff1

_BYTE = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_V4 = re.compile(rb"(?:%b\.){3}%b" % (_BYTE, _BYTE))
_PREFIX = re.compile(rb"0|[1-9][0-9]{0,2}")
_GROUP = re.compile(rb"[0-9A-Fa-f]{1,4}")
_IN_FULL = 39


@dataclass(frozen=True, slots=True)
class _Family:
    name: bytes
    bits: int


_FOUR = _Family(b"4", 32)
_SIX = _Family(b"6", 128)


def address(op: Address) -> Callable[[bytes], bytes]:
    """The operation. Raises ValueError for a network that is longer than an address."""
    if not (0 <= op.network_v4 <= _FOUR.bits and 0 <= op.network_v6 <= _SIX.bits):
        raise ValueError(f"no network has {op.network_v4} (v4) or {op.network_v6} (v6) bits")

    @functools.lru_cache(maxsize=1024)
    def ff1(bits: int, tweak: bytes) -> Ff1:
        return Ff1(op.key[:16], 2, bits, tweak)

    def part(number: int, bits: int, tweak: bytes, first: bool) -> int:
        if not first and not number:
            return 0
        if bits == 1:
            return number ^ first
        number = ff1(bits, tweak).encrypt(number)
        while not first and not number:
            number = ff1(bits, tweak).encrypt(number)
        return number

    def permuted(number: int, family: _Family, prefix: int) -> int:
        network = op.network_v4 if family is _FOUR else op.network_v6
        result = start = 0
        for end in sorted({network, prefix, family.bits} - {0}):
            before = number >> family.bits - start << family.bits - start
            tweak = family.name + before.to_bytes(family.bits // 8, "big")[: (start + 7) // 8]
            bits = end - start
            piece = number >> family.bits - end & (1 << bits) - 1
            # What begins at 0 begins an address; a network 0.0.0.0/0 has none of its own, and keeps its zeros.
            first = start == 0 and prefix > 0
            result = result << bits | part(piece, bits, tweak, first)
            start = end
        return result

    def replaced(value: bytes) -> bytes:
        if not value:
            return value
        written, slash, after = value.partition(b"/")
        family = _SIX if b":" in written else _FOUR
        number = _six(written) if family is _SIX else _four(written)
        prefix = int(after) if slash and _PREFIX.fullmatch(after) else -1 if slash else family.bits
        if number is None or not 0 <= prefix <= family.bits:
            raise Unfit("it is no IP address, and no network")
        result = permuted(number, family, prefix)
        return (_six_spelled(result, written) if family is _SIX else _four_spelled(result)) + slash + after

    return replaced


def _four(written: bytes) -> int | None:
    if not _V4.fullmatch(written):
        return None
    return int.from_bytes(bytes(map(int, written.split(b"."))), "big")


def _four_spelled(number: int) -> bytes:
    return b"%d.%d.%d.%d" % tuple(number.to_bytes(4, "big"))


def _six(written: bytes) -> int | None:
    head, colon, last = written.rpartition(b":")
    four = _four(last)
    if four is not None:
        written = b"%b%b%x:%x" % (head, colon, four >> 16, four & 0xFFFF)
    left, gap, right = written.partition(b"::")
    groups, behind = (part.split(b":") if part else [] for part in (left, right))
    missing = 8 - len(groups) - len(behind)
    if not all(map(_GROUP.fullmatch, [*groups, *behind])) or (missing < 1 if gap else missing):
        return None
    number = 0
    for group in [*groups, *[b"0"] * missing, *behind]:
        number = number << 16 | int(group, 16)
    return number


def _six_spelled(number: int, written: bytes) -> bytes:
    """In full where `written` is, else as RFC 5952 has it: no leading zeros, and the first of the longest runs of zeros
    left out. In capitals where all letters of `written` are."""
    groups = [number >> 16 * at & 0xFFFF for at in reversed(range(8))]
    if len(written) == _IN_FULL and b"." not in written:
        spelled = b":".join(b"%04x" % group for group in groups)
    else:
        start, length = _longest_zeros(groups)
        if length < 2:
            start, length = 8, 0
        parts = [b":".join(b"%x" % group for group in some) for some in (groups[:start], groups[start + length :])]
        spelled = b"::".join(parts) if length else parts[0]
    return spelled.upper() if written.isupper() else spelled


def _longest_zeros(groups: list[int]) -> tuple[int, int]:
    best = (0, 0)
    at = 0
    while at < len(groups):
        end = at
        while end < len(groups) and not groups[end]:
            end += 1
        if end - at > best[1]:
            best = (at, end - at)
        at = end + 1
    return best
