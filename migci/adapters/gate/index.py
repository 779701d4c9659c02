"""The index of a dataset's confidential values: made once with its snapshot, and searched in all that leaves a replay.

It holds a keyed hash of every eight-byte piece of every value, so that the file alone cannot be read back. A value of
four to seven bytes is held whole, and found only where it stands alone: between bytes that are no letter, digit, `_`
or part of a letter beyond ASCII. Shorter values are not held, nor numbers of fewer than six digits.

A value that many rows share is a category and no secret: one of four to seven bytes that makes up more than 1 % of its
column's rows, and a longer one that makes up more than 5 % of its column's rows that are not null, if the column has
more than 100. It is left out, unless it is in another column too, where it is rare. How common a value is, is known
from below: a rare one is never left out, and a common one may be held if it is longer than 1024 bytes, or hardly above
the limit, or came to be common late in its column.
"""

from __future__ import annotations

import errno
import json
import mmap
import struct
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from migci.errors import MigciError
from migci.ports import DiskFull, StoreFailed

try:
    from migci.adapters.gate import _kernel as kernel

    COMPILED = True
    """Whether the compiled kernel is at work, rather than its slow twin."""
except ImportError:
    from migci.adapters.gate import _pure as kernel  # type: ignore[no-redef]

    COMPILED = False

KEY_BYTES = 16
LIMIT_BYTES = 256_000_000

_VERSION = 1
_HEADER = struct.Struct("<8s4I3Q4I8s")
_MAGIC = b"migcigrm"
_KNOWN = b"a text that is known"
_NUMBERS = 255
_BUCKET_BYTES = 64
_SLOTS = 16
_LOAD_PERCENT = 85
_SPARE_BUCKETS = 8
"""Room for what overflows at a table's end; with this load, more is not met in the age of the universe."""

_MOST_FILTER_BYTES = 1 << 17
_LEAST_FILTER_BYTES = _BUCKET_BYTES
_FILTER_BITS_EACH = 16

_AGAIN = "prepare the dataset again"


class IndexFailed(StoreFailed):
    """An index of confidential values cannot be made, or is not as it was made."""


class IndexTooLarge(MigciError):
    """Not even the essential pieces of the confidential values fit into the index."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the confidential values do not fit into an index of {limit_bytes} bytes",
            hint="raise the limit of the index, or keep columns that hold nothing confidential",
        )


@dataclass(frozen=True)
class Facts:
    """What an index holds.

    If it is `whole`, every piece of eight bytes of a value is found; if not, every value of eight bytes or more is,
    and every piece of fifteen: the hits in a longer piece are at most eight bytes apart, so they make one span, and
    what is left of the value before and after it is at most seven bytes each.
    """

    columns: tuple[str, ...]
    entries: int
    bytes: int
    whole: bool


class Builder:
    """Takes values, and writes their index.

    `key` is 16 random bytes, to be kept elsewhere. Whatever is added raises IndexTooLarge when it is too much for
    `limit_bytes`, and nothing more can be done with it then. Takes up to twice `limit_bytes` of memory.
    """

    def __init__(self, key: bytes, columns: Sequence[str], limit_bytes: int = LIMIT_BYTES) -> None:
        self._key, self._columns, self._limit_bytes = _checked(key), tuple(columns), limit_bytes
        self._names = json.dumps(self._columns).encode()
        self._begins = -(-(_HEADER.size + len(self._names)) // _BUCKET_BYTES) * _BUCKET_BYTES
        self._most_filter_bytes = max(_LEAST_FILTER_BYTES, min(_MOST_FILTER_BYTES, _power_of_two(limit_bytes // 128)))
        buckets = (limit_bytes - self._begins - self._most_filter_bytes) // _BUCKET_BYTES - _SPARE_BUCKETS
        if buckets < 1:
            raise IndexTooLarge(limit_bytes)
        self._bits = max(1, (buckets - 1).bit_length())
        self._builder = kernel.Builder(
            self._key, len(self._columns), self._bits, buckets * _SLOTS * _LOAD_PERCENT // 100
        )

    def add(self, column: int, value: bytes) -> None:
        """One value; `column` is a place in the list of columns. Raises IndexTooLarge."""
        try:
            self._builder.add(column, value)
        except OverflowError as error:
            raise IndexTooLarge(self._limit_bytes) from error

    def add_rows(self, columns_of_the_fields: Sequence[int], chunk: bytes | bytearray | memoryview) -> None:
        """Any piece of what `mariadb --batch --skip-column-names` prints.

        Fields end with a tab and rows with a newline; `\\t`, `\\n`, `\\0` and `\\\\` stand for bytes, `NULL` for none.
        A field whose column is -1 is passed over. Raises IndexTooLarge, and IndexFailed when the rows have another
        number of fields, or end inside a row where those of other columns begin.
        """
        try:
            self._builder.add_rows(columns_of_the_fields, chunk)
        except OverflowError as error:
            raise IndexTooLarge(self._limit_bytes) from error
        except ValueError as error:
            raise _unreadable(error) from error

    def write(self, file: Path) -> Facts:
        """Write the index; nothing may be added afterwards, and `file` is there only when it is whole.

        Raises IndexTooLarge, DiskFull, and IndexFailed, also when the rows ended inside a row: they were cut off.
        """
        try:
            entries, whole, shorts = self._builder.finish()
        except OverflowError as error:
            raise IndexTooLarge(self._limit_bytes) from error
        except ValueError as error:
            raise _unreadable(error) from error
        making = file.with_name(file.name + ".making")
        try:
            try:
                self._write(making, entries, whole, shorts)
                size = making.stat().st_size
                making.replace(file)
            finally:
                making.unlink(missing_ok=True)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"the disk of {file.parent} is full", hint="free some space, or point MIGCI_STORE at a larger disk"
                ) from error
            raise IndexFailed(f"cannot write {file}: {error.strerror}", hint="look at the store's rights") from error
        return Facts(self._columns, entries, size, whole)

    def _write(self, file: Path, entries: int, whole: bool, shorts: int) -> None:
        buckets = max(1, -(-entries * 100 // (_SLOTS * _LOAD_PERCENT)))
        filter_bytes = _power_of_two(shorts * _FILTER_BITS_EACH // 8)
        filter_bytes = max(_LEAST_FILTER_BYTES, min(filter_bytes, self._most_filter_bytes))
        checksum = 0
        with file.open("wb") as stream:
            stream.seek(self._begins)

            def sink(piece: bytes) -> None:
                nonlocal checksum
                checksum = zlib.crc32(piece, checksum)
                stream.write(piece)

            sink(self._builder.filter(filter_bytes))
            all_buckets = self._builder.write(buckets, sink)
            if stream.tell() > self._limit_bytes:
                raise IndexTooLarge(self._limit_bytes)
            check = kernel.siphash(self._key, _KNOWN).to_bytes(8, "little")
            fixed = [
                _MAGIC,
                _VERSION,
                self._begins,
                self._bits,
                int(whole),
                buckets,
                all_buckets,
                entries,
                filter_bytes,
            ]
            own = zlib.crc32(_HEADER.pack(*fixed, len(self._names), checksum, 0, check) + self._names)
            stream.seek(0)
            stream.write(_HEADER.pack(*fixed, len(self._names), checksum, own, check) + self._names)


class Index:
    """An index that is open for searching, by any number of threads; a context manager."""

    def __init__(self, facts: Facts, table: kernel.Table, mapped: mmap.mmap | None = None) -> None:
        self.facts = facts
        self.columns = facts.columns
        self._table, self._mapped = table, mapped

    @classmethod
    def open(cls, file: Path, key: bytes) -> Index:
        """Map the file, after a look at every byte of it.

        Raises IndexFailed when it is not there, not as it was made, of another version, or was made with another key.
        """
        try:
            with file.open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise IndexFailed(f"{file} is empty, so it is no index of confidential values", hint=_AGAIN) from error
        except OSError as error:
            raise IndexFailed(f"cannot read {file}: {error.strerror}", hint=_AGAIN) from error
        try:
            return cls._checked(file, _checked(key), mapped)
        except BaseException:
            mapped.close()
            raise

    @classmethod
    def _checked(cls, file: Path, key: bytes, mapped: mmap.mmap) -> Index:
        if len(mapped) < _HEADER.size or mapped[: len(_MAGIC)] != _MAGIC:
            raise IndexFailed(f"{file} is no index of confidential values", hint=_AGAIN)
        *fixed, names_bytes, checksum, own, check = _HEADER.unpack_from(mapped)
        _, version, begins, bits, whole, buckets, all_buckets, entries, filter_bytes = fixed
        if version != _VERSION:
            raise IndexFailed(f"{file} is of version {version}; this migci reads {_VERSION}", hint=_AGAIN)
        names = mapped[_HEADER.size : _HEADER.size + names_bytes]
        if zlib.crc32(_HEADER.pack(*fixed, names_bytes, checksum, 0, check) + names) != own:
            raise IndexFailed(f"{file} is damaged: its header is not as it was written", hint=_AGAIN)
        size = begins + filter_bytes + all_buckets * _BUCKET_BYTES
        if len(mapped) != size:
            raise IndexFailed(f"{file} is damaged: it has {len(mapped)} bytes and was {size}", hint=_AGAIN)
        with memoryview(mapped) as all_bytes, all_bytes[begins:] as table:
            if zlib.crc32(table) != checksum:
                raise IndexFailed(f"{file} is damaged: its table is not as it was written", hint=_AGAIN)
        if kernel.siphash(key, _KNOWN).to_bytes(8, "little") != check:
            raise IndexFailed(
                f"{file} was made with another key", hint=f"give the key that is kept for it, or {_AGAIN}"
            )
        with suppress(OSError):  # not every kernel has them for files
            mapped.madvise(mmap.MADV_HUGEPAGE)
        facts = Facts(tuple(json.loads(names)), entries, size, bool(whole))
        return cls(facts, kernel.Table(key, mapped, begins, filter_bytes, buckets, all_buckets, bits), mapped)

    @classmethod
    def of_nothing(cls, columns: Sequence[str]) -> Index:
        """An index without a file, that finds what it learns and makes no mistakes."""
        nothing = bytes(_LEAST_FILTER_BYTES + _BUCKET_BYTES)
        table = kernel.Table(bytes(KEY_BYTES), nothing, 0, _LEAST_FILTER_BYTES, 1, 1, 1)
        return cls(Facts(tuple(columns), 0, 0, True), table)

    def learn(self, column: int, value: bytes) -> None:
        """Find all pieces of `value`, too, as long as this is open; `column` is a place in the list of columns.

        Nobody may be searching. There is room for some hundred values; raises OverflowError.
        """
        self._table.learn(column % _NUMBERS, value)

    def find(self, data: bytes | bytearray | memoryview, public: Public | None = None) -> list[tuple[int, int, int]]:
        """Where `data` holds confidential values: start, end, column number; in order, and apart from each other.

        A span begins and ends with a piece that is not public. Pieces that overlap or adjoin are one span, whose
        column is that of its first piece; public ones do not break it. The beginning and the end of `data` count as
        such of a word. About one position in a million of a text without values is in a span by mistake.
        """
        return self._table.find(data, None if public is None else public.words)

    def holds(self, parts: bytes, lengths: bytes) -> bool:
        """Whether one of the parts has any of that in it, public or not; each is a text of its own.

        They lie one after the other, and are as long as the bytes of `lengths` say.
        """
        return self._table.holds(parts, lengths)

    def names(self, column_number: int) -> tuple[str, ...]:
        """The columns that a number stands for; more than one where there are more than 255."""
        return self.columns[column_number::_NUMBERS]

    def close(self) -> None:
        if self._mapped is not None:
            self._mapped.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Public:
    """What is public anyway, such as trunk's own source: its pieces of eight bytes, and its words of four to seven."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.words = kernel.Public()
        for text in texts:
            self.words.add(text)


def build(
    file: Path, key: bytes, columns: Sequence[str], values: Iterable[tuple[int, bytes]], limit_bytes: int = LIMIT_BYTES
) -> Facts:
    """Write the index of `values`, each with the place of its column in `columns`. Raises as `Builder` does."""
    builder = Builder(key, columns, limit_bytes)
    for column, value in values:
        builder.add(column, value)
    return builder.write(file)


def _power_of_two(number: int) -> int:
    """The largest that is not above `number`; 0 has none, and gets 0."""
    return 1 << number.bit_length() >> 1


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, and this one {len(key)}")
    return bytes(key)


def _unreadable(error: ValueError) -> IndexFailed:
    return IndexFailed(
        f"the rows of confidential values cannot be read: {error}",
        hint="this is a server that went away, or a client that prints rows in another way; try again",
    )
