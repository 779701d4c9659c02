"""Addresses stay addresses of their family, and networks hold together."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest

from anonymize.errors import Unfit
from anonymize.ops import Address, Op

Apply = Callable[[Op, bytes], bytes | None]
KEY = bytes(range(32))


def test_addresses_become_others_of_their_family(apply: Apply) -> None:
    for start in ("10.0.0.0", "2001:db8::"):
        first = ipaddress.ip_address(start)
        results = {(apply(Address(KEY), str(first + number).encode()) or b"").decode() for number in range(200)}
        assert len(results) == 200
        assert {type(ipaddress.ip_address(result)) for result in results} == {type(first)}


@pytest.mark.parametrize(
    ("op", "inside"), [(Address(KEY, network_v4=24), "10.1.2.0/24"), (Address(KEY, 0, 112), "2001:db8::7:0/112")]
)
def test_a_network_stays_together_and_its_hosts_change_places(apply: Apply, op: Address, inside: str) -> None:
    network = ipaddress.ip_network(inside)
    hosts = [network.network_address + number for number in range(256)]
    results = [ipaddress.ip_address((apply(op, str(host).encode()) or b"").decode()) for host in hosts]
    outside = ipaddress.ip_network((apply(op, inside.encode()) or b"").decode())
    assert outside != network
    assert outside.prefixlen == network.prefixlen
    assert len(set(results)) == 256
    assert all(result in outside for result in results)
    assert results[0] == outside.network_address
    other = apply(op, str(network.broadcast_address + 1).encode()) or b""
    assert ipaddress.ip_address(other.decode()) not in outside


def test_the_last_eight_bits_are_a_permutation(apply: Apply) -> None:
    results = {apply(Address(KEY, 24), b"10.1.2.%d" % host) for host in range(256)}
    assert len({(result or b"").rpartition(b".")[0] for result in results}) == 1
    assert len(results) == 256


def test_a_network_comes_out_as_a_network_whatever_is_kept(apply: Apply) -> None:
    for op in (Address(KEY), Address(KEY, 8, 20), Address(KEY, 32, 128)):
        for value in (b"10.20.0.0/16", b"192.168.128.0/17", b"10.0.0.1/32", b"fd00:1:2::/48", b"::1/128", b"::/64"):
            result = (apply(op, value) or b"").decode()
            assert ipaddress.ip_network(result).with_prefixlen == result
            assert result.encode() != value


def test_a_host_with_a_prefix_length_does_not_become_a_network(apply: Apply) -> None:
    results = {apply(Address(KEY), b"10.0.0.%d/30" % host) for host in range(5, 8)}
    assert len(results) == 3
    for result in results:
        address = ipaddress.ip_interface((result or b"").decode())
        assert address.ip != address.network.network_address


@pytest.mark.parametrize("value", [b"", b"0.0.0.0/0", b"::/0"])
def test_what_names_no_network_stays(apply: Apply, value: bytes) -> None:
    assert apply(Address(KEY, 24, 64), value) == value


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_networks_of_few_bits_are_permuted_too(apply: Apply, bits: int) -> None:
    values = [b"%d.0.0.0" % (number << 8 - bits) for number in range(1 << bits)]
    assert {apply(Address(KEY, bits), value) for value in values} == set(values)
    assert apply(Address(KEY, 1), b"0.0.0.0") == b"128.0.0.0"


def test_all_spellings_of_an_address_become_the_same_one_in_their_own_way(apply: Apply) -> None:
    short = apply(Address(KEY), b"2001:db8::1") or b""
    assert apply(Address(KEY), b"2001:0db8::0:1") == short
    assert apply(Address(KEY), b"2001:DB8::1") == short.upper()
    assert apply(Address(KEY), b"2001:0db8:0000:0000:0000:0000:0000:0001") == (
        ipaddress.ip_address(short.decode()).exploded.encode()
    )
    assert apply(Address(KEY), b"::ffff:1.2.3.4") == apply(Address(KEY), b"::ffff:102:304")


def test_zeros_are_left_out_as_rfc_5952_has_it(apply: Apply) -> None:
    kept = Address(KEY, network_v6=16)
    result = apply(kept, b"fe80::/64") or b""
    assert result.endswith(b"::/64")
    assert result.count(b":") == 2


@pytest.mark.parametrize(
    "value",
    [
        b" 1.2.3.4",
        b"1.2.3",
        b"1.2.3.4.5",
        b"1.2.3.256",
        b"01.2.3.4",
        b"1.2.3.4/33",
        b"1.2.3.4/024",
        b"1.2.3.4/",
        b"1.2.3.4/255.255.255.0",
        b"1.2.3.4\n",
        b"fe80::1%eth0",
        b"1::2::3",
        b":::",
        b":",
        b"1:",
        b":1",
        b"1:2:3:4:5:6:7",
        b"1:2:3:4:5:6:7:8:9",
        b"1::2:3:4:5:6:7:8",
        b"12345::",
        b"1:2:3:4:5:6:7:1.2.3.4",
        b"::1.2.3.4:5",
        b"::g",
        b"::/129",
        b"localhost",
        b"\xff",
    ],
)
def test_what_is_no_address_is_refused(apply: Apply, value: bytes) -> None:
    with pytest.raises(Unfit, match="no IP address"):
        apply(Address(KEY), value)


def test_a_network_longer_than_an_address_is_refused(apply: Apply) -> None:
    for op in (Address(KEY, 33, 0), Address(KEY, 0, 129)):
        with pytest.raises(ValueError, match="no network has"):
            apply(op, b"1.2.3.4")
