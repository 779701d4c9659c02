"""What can be done to a value: the few operations that every kind of markup is made of.

They are data. Two engines carry them out and give the same bytes: `anonymize.twin` in Python and `anonymize._kernel`
in C. A value comes as its plain bytes (no quotes, no escapes; text in UTF-8), and so does what takes its place; how it
is written in a dump is not known here. NULL stays NULL whatever the operation, but for `Default`; an empty value stays
empty, but for `Null`, `Constant` and `Default`.

What is drawn comes from the *token* of a value: BLAKE2s with 32 bytes of key (RFC 7693, section 2.9) over its folded
bytes, 32 bytes long. Numbers are drawn from a token's bytes in the order of the pieces that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

KEY_BYTES = 32
TOKEN_BYTES = 32


class Fold(IntEnum):
    """Which values count as the same, as the column's collation has it: they get the same token."""

    NONE = 0
    """Bytes are bytes."""
    TRIM = 1
    """Spaces at the end do not count."""
    CASE = 2
    """Nor do case and accents: see `anonymize.folding`."""


@dataclass(frozen=True, slots=True)
class Null:
    """Every value becomes NULL."""


@dataclass(frozen=True, slots=True)
class Default:
    """Every value, NULL too, becomes the word DEFAULT: the server computes it anew. For generated columns in SQL."""


@dataclass(frozen=True, slots=True)
class Constant:
    """Every value becomes the same."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Base32:
    """`count` of the characters a-z and 2-7, five bits each: takes ceil(5 * count / 8) bytes, high bits first."""

    count: int


@dataclass(frozen=True, slots=True)
class Hex:
    """`count` of the characters 0-9 and a-f: takes ceil(count / 2) bytes, high half first."""

    count: int


@dataclass(frozen=True, slots=True)
class Digits:
    """`count` (1 to 18) decimal digits: takes 8 bytes, a little-endian number modulo 10**count, zeros in front."""

    count: int


@dataclass(frozen=True, slots=True)
class Pool:
    """One of `entries`: takes 8 bytes, a little-endian number modulo how many there are."""

    entries: tuple[bytes, ...]


Piece = bytes | Base32 | Hex | Digits | Pool


@dataclass(frozen=True, slots=True)
class Template:
    """The pieces, one after the other. They take 32 bytes of the token at most, each its own."""

    key: bytes
    fold: Fold
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Letters become letters of the same case, digits digits, all else in ASCII stays; so does the count of characters.

    The character at place i (from 0) is drawn with r = (token[i % 32] + 101 * (i // 32)) % 256: of an alphabet with n
    characters, number r * n // 256. A character beyond ASCII, and a byte that is no UTF-8, becomes one of à to ö
    (U+00E0 to U+00F6). An empty alphabet leaves its characters as they are.
    Up to and including the first `keep_until`, if it is there, everything stays (places are counted from the value's
    beginning all the same).
    """

    key: bytes
    fold: Fold
    lower: bytes = b"abcdefghijklmnopqrstuvwxyz"
    upper: bytes = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    digit: bytes = b"0123456789"
    other: bool = True
    keep_until: bytes = b""


@dataclass(frozen=True, slots=True)
class Numerals:
    """The characters of `alphabet` are numerals and change together; all others stay where they are.

    `alphabet` holds the numerals, of ASCII and in lower case, each standing for its place (radix = its length: 10, 16,
    36 …; letters of either case count, and come out in lower case unless those among the value's numerals are all in
    upper case). The first `keep` numerals stay as they are written. Where `others` is given, a character that is
    neither a numeral nor one of them raises Unfit: what is no such number must not be let through. Of the n numerals
    behind `keep`, X:

    * n = 0: nothing changes.
    * radix ** ceil(n / 2) < 2**60: X, read as a number, is permuted among the `size` numbers of n numerals from `first`
      to `last` that are of its sort. All are of one sort, unless `number` says that these are numbers: then those with
      the numeral 0 in front (if n > 1) are of another; 0 itself stays, as -0 would be no other number, and so do those
      above `maximum`, as the lowest number of a signed type is without its sign. X - first is enciphered by
      FF1 of NIST SP 800-38G with AES-128 under key[:16] and `tweak`, as a string of the fewest numerals that size - 1
      can be written with, again and again until the result, Y, is below `size`; first + Y takes the place of X. For
      one numeral, where there is no FF1, Y is (X - first + 1 + key[0] % (size - 1)) % size; if size is 1, X stays.
    * more: each drawn from the token of the n numerals (in lower case, without anything else), as in `Text`; with
      `number`, the first is the numeral 0 if it was before, and else number 1 + r * (radix - 1) // 256. Collisions
      then are those of more than 100 bits. With `versioned`, and if n is 32, the 13th and the 17th stay: those that say
      of which version and variant a uuid is, as a server's own type for them refuses some.
    """

    key: bytes
    alphabet: bytes = b"0123456789"
    tweak: bytes = b""
    keep: int = 0
    number: bool = False
    maximum: int | None = None
    others: bytes | None = None
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 or IPv6 address, or a network in CIDR's notation, becomes another of the same family.

    Its bits are cut behind the first `network_v4` or `network_v6`, and, where a prefix length is written, behind those
    of the prefix too. Each part is permuted: FF1 with radix 2 and AES-128 under key[:16]; the tweak is b"4" or b"6" and
    then the original bits in front of the part, zeros behind them up to a whole byte. A part of one bit is turned over.
    So addresses of one network stay in one network. A part that is not the first stays 0 if it is 0, and else is walked
    in a cycle until it is not 0 (a network remains a network; one bit just stays). With the prefix length 0, no part is
    the first. What is behind the slash stays.

    IPv6 comes out as RFC 5952 has it (never with an IPv4 address at its end), or in full where it was written with 39
    characters; in upper case where all its letters were. Raises Unfit for anything else, such as zones, numbers of IPv4
    with a 0 in front, and netmasks behind the slash.
    """

    key: bytes
    network_v4: int = 0
    network_v6: int = 0


@dataclass(frozen=True, slots=True)
class Shift:
    """Dates move by whole days: at most `days` in either direction, never 0, the same for the same subject.

    A value begins with YYYY-MM-DD; a time may follow (a space or T, and then any of 0-9, space, `:.+-Z`), and stays.
    The shift is drawn from the token of the subject (of an empty subject, where the row names none): its first 8 bytes,
    a little-endian number modulo 2 * days, r, give r - days if that is below 0, and else r - days + 1. A date with a 0
    for its year, month or day stays as it is, and so does one outside of 0001-01-01 to 9999-12-30, as the last day of
    all stands for never; with `timestamp`, of 1970-01-02 to 2038-01-17, which a server's type of that name holds in
    every zone. Raises Unfit for what is no date, and for a result outside of these.
    """

    key: bytes
    days: int
    timestamp: bool = False


@dataclass(frozen=True, slots=True)
class Json:
    """The leaves of a JSON document, each by the rule of its path; every other byte stays.

    A path is a tuple of steps: a member's name, or `*` for any member or element. A rule for a path holds for all that
    is below it, unless a longer one does; of two with the same length the one with names before stars. `None` in
    `rules` leaves a leaf as it is. `other` is for leaves that no rule knows: an operation, None to leave them, or
    "refuse" to raise Unfit. Names count decoded. Strings go to their operation decoded, numbers as they are written;
    what comes back is written as a number where it was one and still looks like one, as null where it is None, else as
    a string in UTF-8 with as few escapes as can be; a leaf that comes back as it was keeps its spelling. true, false
    and null stay (or are refused). Raises Unfit for what is not JSON in UTF-8 (RFC 8259), for more than 512 arrays and
    objects in one another, and for a string to replace that holds half of a surrogate pair.
    """

    rules: tuple[tuple[tuple[str, ...], Op | None], ...]
    other: Op | str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What `function` makes of the value; None for NULL. It may raise Unfit."""

    function: Callable[[bytes], bytes | None]


Op = Null | Default | Constant | Template | Text | Numerals | Address | Shift | Json | Call


@dataclass(frozen=True, slots=True)
class Slot:
    """What happens to one column of a row."""

    op: Op
    subject: int | None = None
    """For `Shift`: the place in the row of the column whose value is the subject."""
    binary: bool = False
    """Its values are bytes and not text in the dump's character set."""


@dataclass(frozen=True, slots=True)
class Program:
    """What happens to the rows of one kind of statement: a slot, or None to keep, for each value of a row."""

    slots: tuple[Slot | None, ...]


Audit = Mapping[int, int]
"""How many values of each place in the row were replaced."""
