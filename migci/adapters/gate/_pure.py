"""What the compiled kernel does, in plain Python: far slower, and the same to the last byte of a file.

Both offer `Builder`, `Table`, `Public` and `siphash`; `_kernel.pyi` says what they promise. Here is how it is done.

A gram is eight consecutive bytes of a value. Of its keyed hash, the highest `bits + 24` bits are its *place*. While a
table is made, the lowest 24 of these, never all zero, are kept in the bucket that the rest names. When it is written,
places are scaled to as many buckets as it takes: the bucket is the whole part, and 24 bits of the fraction, never all
zero, are the *fingerprint* that is kept. Values of four to seven bytes have one place, that of the value's hash.

A bucket holds what is its own, by fingerprint, and then what found no room before it. What finds no room goes on to
the next with room. A full bucket whose first two entries are in order had more of its own than it could hold, and holds
the smallest; all others hold all that is theirs. So a search nearly always ends where it begins.

Before the table is a filter: of each short value's hash, the lowest bits name a bit that is set.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain

GRAM = 8
SHORTEST = 4
"""Values of fewer bytes are not indexed."""
SHORTEST_NUMBER = 6
"""Values of digits alone and of fewer bytes are not indexed either."""
WINDOW = 8
"""Of so many consecutive grams, at least one is essential."""
SLOTS = 16
"""Entries of four bytes in a bucket: it is a cache line."""
NUMBERS = 255
"""Column numbers that an entry can hold."""
FINGERPRINT_BITS = 24
FILTER_BITS = 20

_FINGERPRINT = (1 << FINGERPRINT_BITS) - 1
_MASK = (1 << 64) - 1
_BUCKET = struct.Struct(f"<{SLOTS}I")
_ESCAPE = re.compile(rb"\\([tn0\\])")
_UNESCAPED = {b"t": b"\t", b"n": b"\n", b"0": b"\0", b"\\": b"\\"}
_WORD = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz") | frozenset(range(0x80, 0x100))
_MOST_LEARNT = 2048
_REMEMBERED = 1 << 18
"""Grams known to be absent that a table remembers."""


def siphash(key: bytes, message: bytes) -> int:
    """SipHash-1-3, as J.-P. Aumasson and D. J. Bernstein describe it (2012), with one and three rounds."""
    k0, k1 = struct.unpack("<2Q", key)
    v0, v1, v2, v3 = (
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    )
    whole = len(message) // 8
    last = int.from_bytes(message[whole * 8 :], "little") | (len(message) & 0xFF) << 56
    words = (*struct.unpack_from(f"<{whole}Q", message), last)
    for word in words:
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= 0xFF
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    hash: int = v0 ^ v1 ^ v2 ^ v3
    return hash


def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = ((v1 << 13 | v1 >> 51) & _MASK) ^ v0
    v0 = (v0 << 32 | v0 >> 32) & _MASK
    v2 = (v2 + v3) & _MASK
    v3 = ((v3 << 16 | v3 >> 48) & _MASK) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = ((v3 << 21 | v3 >> 43) & _MASK) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = ((v1 << 17 | v1 >> 47) & _MASK) ^ v2
    return v0, v1, (v2 << 32 | v2 >> 32) & _MASK, v3


def _place(hash: int, bits: int) -> int:
    place = hash >> (64 - FINGERPRINT_BITS - bits)
    return place if place & _FINGERPRINT else place | 1


def _home(place: int, bits: int, buckets: int) -> tuple[int, int]:
    """The bucket that a place is in, and where in it: its fingerprint."""
    bucket, rest = divmod(place * buckets, 1 << (bits + FINGERPRINT_BITS))
    return bucket, rest >> bits or 1


def _essential(hashes: Sequence[int]) -> Iterator[bool]:
    """Which grams of a value are kept at any rate: those with the smallest hash of some window, or all of a short one.

    Winnowing (S. Schleimer, D. Wilkerson, A. Aiken 2003). Equals are told by 31 bits: those that tie are all kept.
    """
    if len(hashes) < WINDOW:
        yield from (True for _ in hashes)
        return
    high = [hash >> 33 for hash in hashes]
    least = [min(high[at : at + WINDOW]) for at in range(len(high) - WINDOW + 1)]
    for at, value in enumerate(high):
        yield value in least[max(0, at - WINDOW + 1) : at + 1]


class _Common:
    """Counts the values of a column that are common, and holds back the rest only for a while (Misra and Gries 1982).

    A count is never too high, and too low by at most the `room / 2`-th part of all that were counted.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._counts: dict[bytes, int] = {}
        self._bytes = 0

    ROOM_BYTES = 1 << 17

    def count(self, value: bytes) -> list[bytes]:
        """The values that are not common, now that this one has come."""
        if value in self._counts:
            self._counts[value] += 1
            return []
        rare: list[bytes] = []
        while len(self._counts) == self._room or self._bytes + len(value) > self.ROOM_BYTES:
            rare += self._purged()
        self._counts[value] = 1
        self._bytes += len(value)
        return rare

    def _purged(self) -> list[bytes]:
        least = sorted(self._counts.values())[len(self._counts) // 2]
        rare = [value for value, count in self._counts.items() if count <= least]
        self._counts = {value: count - least for value, count in self._counts.items() if count > least}
        self._bytes -= sum(map(len, rare))
        return rare

    def rest(self, part: int, rows: int) -> list[bytes]:
        """Those of the values still held that do not make up more than the `part`-th part of `rows`."""
        return [value for value, count in self._counts.items() if count * part <= rows]


class _Column:
    """What was seen of one column."""

    def __init__(self) -> None:
        self.rows = self.filled = 0
        self.short, self.long = _Common(Builder.SHORT_ROOM), _Common(Builder.LONG_ROOM)


class Builder:
    """See `_kernel.pyi`."""

    SHORT_ROOM, LONG_ROOM = 2048, 512
    LONGEST_COMMON = 1024
    LEAST_ROWS = 100
    SHORT_PART, LONG_PART = 100, 20

    def __init__(self, key: bytes, columns: int, bits: int, capacity: int) -> None:
        self._key, self._bits, self._capacity = key, bits, capacity
        self._columns = [_Column() for _ in range(columns)]
        self._entries: dict[int, tuple[int, bool]] = {}
        self._shorts: set[int] = set()
        self._whole = True
        self._row = b""
        self._row_columns: tuple[int, ...] = ()

    def add(self, column: int, value: bytes) -> None:
        if not 0 <= column < len(self._columns):
            raise IndexError("there is no such column")
        seen = self._columns[column]
        seen.rows += 1
        seen.filled += 1
        if len(value) < SHORTEST or (len(value) < SHORTEST_NUMBER and _is_number(value)):
            return
        if len(value) > self.LONGEST_COMMON:
            self._insert(column, value)
            return
        for rare in (seen.short if len(value) < GRAM else seen.long).count(bytes(value)):
            self._insert(column, rare)

    def add_rows(self, columns: Sequence[int], chunk: bytes) -> None:
        if tuple(columns) != self._row_columns:
            self._no_row_is_open()
            self._row_columns = tuple(columns)
        if any(not -1 <= column < len(self._columns) for column in self._row_columns):
            raise IndexError("there is no such column")
        *rows, self._row = (self._row + bytes(chunk)).split(b"\n")
        for row in rows:
            fields = row.split(b"\t")
            if len(fields) != len(columns):
                raise ValueError(f"a row has {len(fields)} fields; {len(columns)} columns are named for them")
            for column, field in zip(self._row_columns, fields, strict=True):
                if column < 0:
                    continue
                if field == b"NULL":
                    self._columns[column].rows += 1
                else:
                    self.add(column, _ESCAPE.sub(lambda found: _UNESCAPED[found[1]], field))

    def finish(self) -> tuple[int, bool, int]:
        self._no_row_is_open()
        for number, seen in enumerate(self._columns):
            short_part = self.SHORT_PART if seen.rows > self.LEAST_ROWS else 1
            long_part = self.LONG_PART if seen.filled > self.LEAST_ROWS else 1
            for value in chain(seen.short.rest(short_part, seen.rows), seen.long.rest(long_part, seen.filled)):
                self._insert(number, value)
        self._columns = []
        return len(self._entries), self._whole, len(self._shorts)

    def filter(self, length: int) -> bytes:
        bits = 0
        for low in self._shorts:
            bits |= 1 << (low & length * 8 - 1)
        return bits.to_bytes(length, "little")

    def write(self, buckets: int, sink: Callable[[bytes], object]) -> int:
        own: list[int] = []
        waiting: list[int] = []
        written = 0

        def write_bucket() -> None:
            nonlocal own, written
            entries, overflow = own[:SLOTS], own[SLOTS:]
            own = []
            written += 1
            if overflow:
                waiting.extend(overflow)
            else:
                room = SLOTS - len(entries)
                entries += waiting[:room]
                del waiting[:room]
                if len(entries) == SLOTS and entries[0] >> 8 < entries[1] >> 8:
                    entries[:2] = entries[1::-1]
            sink(_BUCKET.pack(*entries, *(0,) * (SLOTS - len(entries))))

        for place in sorted(self._entries):
            bucket, fingerprint = _home(place, self._bits, buckets)
            while written < bucket:
                write_bucket()
            if not own or own[-1] >> 8 != fingerprint:
                own.append(fingerprint << 8 | self._entries[place][0])
        while written < buckets or waiting:
            write_bucket()
        return written

    def _no_row_is_open(self) -> None:
        if self._row:
            raise ValueError("the rows end inside a row")

    def _insert(self, column: int, value: bytes) -> None:
        if len(value) < GRAM:
            hash = siphash(self._key, value)
            self._shorts.add(hash & (1 << FILTER_BITS) - 1)
            self._enter(hash, column, True)
            return
        hashes = [siphash(self._key, value[at : at + GRAM]) for at in range(len(value) - GRAM + 1)]
        for hash, essential in zip(hashes, _essential(hashes), strict=True):
            self._enter(hash, column, essential)

    def _enter(self, hash: int, column: int, essential: bool) -> None:
        if not (essential or self._whole):
            return
        place = _place(hash, self._bits)
        number, before = self._entries.get(place, (column % NUMBERS, False))
        self._entries[place] = number, before or essential
        if len(self._entries) > self._capacity and self._whole:
            self._whole = False
            self._entries = {place: entry for place, entry in self._entries.items() if entry[1]}
        if len(self._entries) > self._capacity:
            raise OverflowError("not even the essential grams fit")


def _is_number(value: bytes) -> bool:
    return all(0x30 <= byte <= 0x39 for byte in value)


class Public:
    """See `_kernel.pyi`."""

    def __init__(self) -> None:
        self._pieces: set[bytes] = set()

    def add(self, text: bytes) -> None:
        text = bytes(text)
        self._pieces.update(text[at : at + GRAM] for at in range(len(text) - GRAM + 1))
        self._pieces.update(text[start:end] for start in range(len(text)) for end in _word_ends(text, start))

    def __len__(self) -> int:
        return len(self._pieces)

    def __contains__(self, piece: bytes) -> bool:
        return piece in self._pieces


def _word_ends(text: bytes, start: int) -> Iterator[int]:
    """Where values of four to seven bytes may end that stand alone and begin at `start`."""
    if start == 0 or text[start - 1] not in _WORD:
        for end in range(start + SHORTEST, min(start + GRAM, len(text) + 1)):
            if end == len(text) or text[end] not in _WORD:
                yield end


class Table:
    """See `_kernel.pyi`."""

    def __init__(
        self, key: bytes, table: object, offset: int, filter_bytes: int, buckets: int, all_buckets: int, bits: int
    ) -> None:
        # The filter is there to be quick: what it lets pass is what the table is asked for.
        self._key, self._table, self._offset = key, table, offset + filter_bytes
        self._buckets, self._all_buckets, self._bits = buckets, all_buckets, bits
        self._absent: set[bytes] = set()
        self._learnt: dict[bytes, int] = {}

    def learn(self, column_number: int, value: bytes) -> None:
        self._absent.clear()
        for at in range(len(value) - GRAM + 1):
            if len(self._learnt) == _MOST_LEARNT or not any(value[at : at + GRAM]):
                raise OverflowError("this is no value to learn, or there is no room for more")
            self._learnt[value[at : at + GRAM]] = column_number

    def find(self, data: bytes | bytearray | memoryview, public: Public | None = None) -> list[tuple[int, int, int]]:
        text = bytes(data)
        spans: list[tuple[int, int, int]] = []
        reached = first = -1
        last = column = 0
        for start, end, number in self._hits(text):
            if start > reached and first >= 0:
                spans.append((first, last, column))
                first = -1
            reached = max(reached, end)
            if public is None or text[start:end] not in public:
                if first < 0:
                    first, last, column = start, end, number
                last = max(last, end)
        if first >= 0:
            spans.append((first, last, column))
        return spans

    def holds(self, parts: bytes, lengths: bytes) -> bool:
        if sum(lengths) != len(parts):
            raise ValueError("the parts are not as long as it is said")
        ends = list(accumulate(lengths))
        return any(True for end, size in zip(ends, lengths, strict=True) for _ in self._hits(parts[end - size : end]))

    def _hits(self, text: bytes) -> Iterator[tuple[int, int, int]]:
        with memoryview(self._table) as table:  # type: ignore[arg-type]
            for start in range(len(text)):
                whole = [start + GRAM] if start + GRAM <= len(text) else []
                for end in chain(whole, _word_ends(text, start)):
                    number = self._number(table, text[start:end])
                    if number is not None:
                        yield start, end, number

    def _number(self, table: memoryview, piece: bytes) -> int | None:
        """The column number of a gram or a short value; `None` if it is not there."""
        if piece in self._absent:
            return None
        home, fingerprint = _home(_place(siphash(self._key, piece), self._bits), self._bits, self._buckets)
        for bucket in range(home, self._all_buckets):
            entries: tuple[int, ...] = _BUCKET.unpack_from(table, self._offset + bucket * _BUCKET.size)
            for entry in entries:
                if entry >> 8 == fingerprint:
                    return entry & 0xFF
            overflowed = entries[0] >> 8 < entries[1] >> 8 and entries[-1] >> 8 < fingerprint
            if not entries[-1] or (bucket == home and not overflowed):
                break
        if piece in self._learnt:
            return self._learnt[piece]
        if len(self._absent) == _REMEMBERED:
            self._absent.clear()
        self._absent.add(piece)
        return None
