"""FF1 gives what NIST published: the samples for SP 800-38G."""

from __future__ import annotations

import pytest

from anonymize.twin.ff1 import Ff1

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
DIGITS, LETTERS = "0123456789", "0123456789abcdefghi"
TWEAK = {10: bytes.fromhex("39383736353433323130"), 36: bytes.fromhex("3737373770717273373737")}


@pytest.mark.parametrize(
    ("key_bytes", "radix", "tweak", "plain", "enciphered"),
    [
        (16, 10, b"", DIGITS, "2433477484"),
        (16, 10, TWEAK[10], DIGITS, "6124200773"),
        (16, 36, TWEAK[36], LETTERS, "a9tv40mll9kdu509eum"),
        (24, 10, b"", DIGITS, "2830668132"),
        (24, 10, TWEAK[10], DIGITS, "2496655549"),
        (24, 36, TWEAK[36], LETTERS, "xbj3kv35jrawxv32ysr"),
        (32, 10, b"", DIGITS, "6657667009"),
        (32, 10, TWEAK[10], DIGITS, "1001623463"),
        (32, 36, TWEAK[36], LETTERS, "xs8a0azh2avyalyzuwd"),
    ],
)
def test_the_published_samples_come_out(key_bytes: int, radix: int, tweak: bytes, plain: str, enciphered: str) -> None:
    ff1 = Ff1(KEY[:key_bytes], radix, len(plain), tweak)
    assert ff1.encrypt(int(plain, radix)) == int(enciphered, radix)


@pytest.mark.parametrize(("radix", "length", "tweak"), [(2, 7, b""), (10, 3, b"t" * 15), (36, 2, b"t" * 40)])
def test_it_is_a_permutation(radix: int, length: int, tweak: bytes) -> None:
    ff1 = Ff1(KEY[:16], radix, length, tweak)
    numbers = range(radix**length)
    assert sorted(map(ff1.encrypt, numbers)) == list(numbers)


def test_halves_may_be_longer_than_a_block() -> None:
    ff1 = Ff1(KEY[:16], 10, 100)
    results = {ff1.encrypt(number) for number in range(100)}
    assert len(results) == 100
    assert min(results) > 10**90
    assert max(results) < 10**100
