"""A dump's bytes, whatever they are compressed by; what is damaged is an error, never a shorter dump."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from anonymize.dumps import source
from anonymize.dumps.source import Source
from anonymize.errors import Unreadable, UsageError

TEXT = b"".join(b"INSERT INTO t VALUES (%d);\n" % number for number in range(9000))

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
}
packed = pytest.mark.parametrize("how", [how for how in PACKERS if how != "none"])


def everything(stream: Source, size: int = 1000) -> bytes:
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("how", PACKERS)
def test_compression_is_told_by_the_first_bytes_and_not_by_the_name(how: str, tmp_path: Path) -> None:
    file = tmp_path / "dump.gz"
    file.write_bytes(PACKERS[how](TEXT))
    with source.opened(file) as stream:
        assert everything(stream) == TEXT
        assert stream.done == stream.size == file.stat().st_size


@packed
def test_what_was_compressed_in_parts_is_read_to_its_end(how: str) -> None:
    assert everything(Source("x", io.BytesIO(PACKERS[how](TEXT) + PACKERS[how](b"") + PACKERS[how](TEXT)))) == TEXT * 2


@packed
@pytest.mark.parametrize("lost", [1, 5, 40])
def test_a_compressed_file_that_is_cut_off_is_an_error_that_names_it(how: str, lost: int) -> None:
    with pytest.raises(Unreadable, match=r"users\.sql cannot be decompressed"):
        everything(Source("users.sql", io.BytesIO(PACKERS[how](TEXT)[:-lost])))


@packed
def test_a_second_part_that_is_cut_off_is_an_error(how: str) -> None:
    with pytest.raises(Unreadable, match="cannot be decompressed"):
        everything(Source("x", io.BytesIO((PACKERS[how](TEXT) * 2)[:-3])))


@packed
def test_a_damaged_byte_is_an_error_by_the_checksum(how: str) -> None:
    data = bytearray(PACKERS[how](TEXT))
    data[len(data) // 2] ^= 0x10
    with pytest.raises(Unreadable, match="cannot be decompressed"):
        everything(Source("x", io.BytesIO(bytes(data))))


def test_a_wrong_checksum_of_gzip_is_an_error() -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-8:-4] = zlib.crc32(b"else").to_bytes(4, "little")
    with pytest.raises(Unreadable, match="cannot be decompressed"):
        everything(Source("x", io.BytesIO(bytes(data))))


@packed
def test_no_read_gives_more_than_it_was_asked_for(how: str) -> None:
    stream = Source("x", io.BytesIO(PACKERS[how](TEXT)))
    assert all(len(piece) <= 777 for piece in iter(lambda: stream.read(777), b""))


@pytest.mark.parametrize(
    ("data", "name"), [(b"BZh91AY", "bzip2"), (b"PK\x03\x04..", "zip"), (b"\x04\x22\x4d\x18.", "lz4")]
)
def test_a_compression_that_is_not_read_is_named(data: bytes, name: str) -> None:
    with pytest.raises(Unreadable, match=f"compressed by {name}"):
        Source("x", io.BytesIO(data))


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"), source.opened(tmp_path / "none.sql"):
        pass


def test_an_empty_file_is_empty() -> None:
    assert everything(Source("x", io.BytesIO(b""))) == b""
