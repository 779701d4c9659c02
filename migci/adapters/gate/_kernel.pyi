"""The index's inner part. `_kernel` is compiled from kernel.c; `_pure` offers the same."""

from collections.abc import Callable, Sequence
from typing import final

from typing_extensions import Buffer

def siphash(key: bytes, message: bytes, /) -> int:
    """SipHash-1-3 of `message` under the 16 bytes of `key`."""

@final
class Builder:
    """Takes values, and writes the table of their grams. Not for two threads at once."""

    def __init__(self, key: bytes, columns: int, bits: int, capacity: int) -> None:
        """For `columns` columns and at most `capacity` entries; a table of it has at most 2**`bits` buckets.

        Takes 2**`bits` buckets of 64 bytes of memory, of which only those that are used are there.
        """

    def add(self, column: int, value: bytes, /) -> None:
        """Raises OverflowError when not even the essential grams fit, IndexError when there is no such column."""

    def add_rows(self, columns: Sequence[int], chunk: Buffer, /) -> None:
        """Any piece of a stream of rows; a field whose column is -1 is passed over.

        Raises as `add` does, and ValueError for a row with another number of fields than `columns`, or when other
        columns are named inside a row.
        """

    def finish(self) -> tuple[int, bool, int]:
        """How many entries there are, whether they are of all grams, and about how many are of short values.

        Nothing may be added afterwards.

        Raises OverflowError, and ValueError if the rows ended inside a row.
        """

    def filter(self, length: int, /) -> bytes:
        """A bit for each short value, in `length` bytes, a power of two up to 131072."""

    def write(self, buckets: int, sink: Callable[[bytes], object], /) -> int:
        """Hand the table to `sink`, piece by piece; returns how many buckets it has, those of the overflow included."""

@final
class Public:
    """A set of grams, and of words of four to seven bytes."""

    def add(self, text: Buffer, /) -> None: ...
    def __len__(self) -> int: ...

@final
class Table:
    """A written table, to be searched by any number of threads."""

    def __init__(
        self, key: bytes, table: Buffer, offset: int, filter_bytes: int, buckets: int, all_buckets: int, bits: int
    ) -> None:
        """The filter begins at `offset`, and the table behind it.

        `table` is held; its memory is used during `find` alone.
        """

    def learn(self, column_number: int, value: Buffer, /) -> None:
        """Find the grams of another value, too. Nobody may be searching.

        Raises OverflowError when there is no room for more (there is for 2000 grams), and for eight NULs.
        """

    def find(self, data: Buffer, public: Public | None = None, /) -> list[tuple[int, int, int]]:
        """The spans of `data` that are in the table and not public: start, end, column number."""

    def holds(self, parts: Buffer, lengths: Buffer, /) -> bool:
        """Whether one of the parts has anything of the table in it, public or not.

        They lie one after the other, and are as long as the bytes of `lengths` say.
        """
