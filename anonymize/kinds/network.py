"""The kind ip: addresses and networks of IPv4 and IPv6 become others, and can stay together in networks."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from anonymize.errors import Unfit
from anonymize.kinds.applied import Applied
from anonymize.kinds.columns import BYTES, INTEGERS, TEXTS, largest, room
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Address, Call

_ROOMS = (43, 39, 18, 15)
"""What an IPv6 network, an IPv6 address, an IPv4 network and an IPv4 address take at most."""


_LAST = ipaddress.IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Packed:
    """An address as 4 or 16 bytes, or as text in a column of bytes. Raises Unfit for anything else."""

    changed: Applied

    def __call__(self, value: bytes) -> bytes | None:
        if len(value) != 4 and (len(value) != 16 or _is_spelled(value)):
            return self.changed(value)
        result = self.changed(str(ipaddress.ip_address(value)).encode())
        return None if result is None else ipaddress.ip_address(result.decode()).packed


def _is_spelled(value: bytes) -> bool:
    try:
        ipaddress.ip_interface(value.decode("ascii"))
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Number:
    """An IPv4 address as a number, as INET_ATON gives it. Raises Unfit for anything else."""

    changed: Applied

    def __call__(self, value: bytes) -> bytes | None:
        try:
            address = ipaddress.IPv4Address(int(value))
        except ValueError as error:
            raise Unfit("it is no IPv4 address as a number") from error
        result = self.changed(str(address).encode())
        return None if result is None else b"%d" % int(ipaddress.IPv4Address(result.decode()))


def _ip(wish: Wish) -> Made:
    op = Address(wish.secret, wish.options["network"], wish.options["network_v6"])
    column = wish.column
    if column.type in INTEGERS:
        most = largest(column)
        if most is not None and most < int(_LAST):
            raise wish.refuse(f"the column holds numbers up to {most}", "addresses need an int unsigned or a bigint")
        return Made(Call(Number(Applied(op))), Uniqueness.BIJECTIVE)  # any of them fits: see above
    if column.type in BYTES:
        return Made(Call(Packed(Applied(op))), Uniqueness.BIJECTIVE)
    wish.need_room(min(_ROOMS))
    limit = room(column)
    longest = next(one for one in _ROOMS if limit is None or one <= limit)
    return Made(op, Uniqueness.BIJECTIVE, longest)


IP = Definition(
    name="ip",
    summary="An address becomes another one of its family, a network (10.1.0.0/16) another one of its size; as text, "
    "as 4 or 16 bytes (INET6_ATON), or as a number (INET_ATON, in an integer's column).",
    guarantees=Guarantees(
        Uniqueness.BIJECTIVE,
        length="its own: 15 characters at most for IPv4, 39 for IPv6, and a network's prefix behind them; in a column "
        "shorter than 39 all addresses have to be IPv4",
        characters="those of addresses; what is no address is refused",
        order="not kept; of addresses that share a network, that they do",
    ),
    making=_ip,
    example='address = { kind = "ip", network = 24, network_v6 = 64 }',
    known={
        "network": Option("addresses of IPv4 that share so many bits share as many afterwards (0)", int, 0,
                          between=(0, 32)),
        "network_v6": Option("the same for IPv6 (0)", int, 0, between=(0, 128)),
        "meaning": MEANING,
    },
    types=TEXTS | BYTES | INTEGERS.keys() | {"inet4", "inet6"},
)  # fmt: skip
