"""Dumps on disk, read in pieces, whatever the size of these."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import random
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migci.adapters.dumps import sources
from migci.adapters.dumps.places import place
from migci.errors import UsageError
from migci.ports import RestoreFailed


def read(source: Path) -> bytes:
    return b"".join(sources.read(source, lambda done, total: None))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.binary(max_size=2000), min_size=1, max_size=4), st.integers(1, 3000))
def test_frames_of_any_size_are_read_in_pieces_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, frames: list[bytes], piece: int
) -> None:
    source = tmp_path_factory.mktemp("frames") / "dump"
    frames[0] = b"SELECT " + frames[0]  # so that it is not the head of a dump
    source.write_bytes(b"".join(zstandard.ZstdCompressor().compress(frame) for frame in frames))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "_CHUNK", piece)
        assert read(source) == b"".join(frames)


def test_a_large_file_comes_in_pieces_and_never_as_a_whole(tmp_path: Path) -> None:
    source = tmp_path / "dump.sql.zst"
    text = random.Random(1).randbytes(2_500_000).hex().encode()
    source.write_bytes(zstandard.ZstdCompressor().compress(text))
    pieces = [len(piece) for piece in sources.read(source, lambda done, total: None)]
    assert sum(pieces) == len(text)
    assert max(pieces) < 1_000_000


@pytest.mark.parametrize("position", ["first", "middle", "last"])
def test_a_file_with_a_changed_byte_is_refused(tmp_path: Path, position: str) -> None:
    source = tmp_path / "dump.sql.gz"
    whole = bytearray(gzip.compress(b"INSERT INTO t VALUES (1);\n" * 5000, mtime=0))
    at = {"first": 12, "middle": len(whole) // 2, "last": len(whole) - 6}[position]
    whole[at] ^= 0xFF
    source.write_bytes(whole)
    with pytest.raises(RestoreFailed, match=r"^the dump dump\.sql\.gz is damaged or cut off: "):
        read(source)


def test_what_a_compressed_dump_says_of_its_end_is_checked(tmp_path: Path) -> None:
    source = tmp_path / "dump.sql.gz"
    source.write_bytes(gzip.compress(b"-- MySQL dump 10.13\nCREATE TABLE t (id INT);\n"))
    with pytest.raises(RestoreFailed, match=r"^the dump dump\.sql\.gz is cut off: "):
        read(source)


@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_the_end_of_a_dump_is_found_over_the_seams_of_its_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(sources, "_CHUNK", piece)
    source = tmp_path / "dump.sql"
    text = b"-- MySQL dump 10.13\nCREATE TABLE t (id INT);\n-- Dump completed on 2026-01-01  1:02:03\n"
    source.write_bytes(text)
    assert read(source) == text


def test_the_head_of_a_dump_is_found_over_the_seam_of_two_frames(tmp_path: Path) -> None:
    source = tmp_path / "dump.sql.zst"
    compress = zstandard.ZstdCompressor().compress
    source.write_bytes(compress(b"-- MyS") + compress(b"QL dump 10.13\nCREATE TABLE t (id INT);\n"))
    with pytest.raises(RestoreFailed, match=r"^the dump dump\.sql\.zst is cut off: "):
        read(source)


def test_a_dump_that_says_that_it_is_complete_in_its_middle_is_not(tmp_path: Path) -> None:
    source = tmp_path / "dump.sql"
    source.write_bytes(b"-- MySQL dump 10.13\n-- Dump completed\n" + b"INSERT INTO t VALUES (1);\n" * 100)
    with pytest.raises(RestoreFailed):
        read(source)


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "dump.sql").touch()
    assert read(tmp_path / "dump.sql") == b""


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RestoreFailed, match="cannot read the dump"):
        read(tmp_path)


@pytest.mark.parametrize("suffix", ["zst", "gz", "xz", "bz2"])
def test_a_small_file_that_holds_much_comes_in_small_pieces(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"dump.sql.{suffix}"
    text = bytes(64 << 20)
    compress = {
        "zst": zstandard.ZstdCompressor().compress,
        "gz": gzip.compress,
        "xz": lzma.compress,
        "bz2": bz2.compress,
    }
    source.write_bytes(compress[suffix](text))
    pieces = [len(piece) for piece in sources.read(source, lambda done, total: None)]
    assert sum(pieces) == len(text)
    assert max(pieces) <= 1 << 20


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 10_000))
def test_a_zstd_file_that_is_cut_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, cut: int
) -> None:
    source = tmp_path_factory.mktemp("cut") / "dump"
    whole = zstandard.ZstdCompressor(write_checksum=False, write_content_size=False).compress(text)
    source.write_bytes(whole[: 4 + cut % (len(whole) - 4)])
    with pytest.raises(RestoreFailed, match="is damaged or cut off"):
        read(source)


def test_a_url_is_read_like_a_file() -> None:
    where = place("memory://dumps/shop.sql.gz")
    assert where.system is not None
    where.system.pipe_file(where.path, gzip.compress(b"SELECT 1;\n"))
    assert b"".join(sources.read(where, lambda done, total: None)) == b"SELECT 1;\n"
    assert where.name == "shop.sql.gz"


def test_a_file_url_is_the_file(tmp_path: Path) -> None:
    (tmp_path / "a b.sql").write_text("SELECT 1;")
    where = place((tmp_path / "a b.sql").as_uri())
    assert b"".join(sources.read(where, lambda done, total: None)) == b"SELECT 1;"
    assert where.digest() == hashlib.sha256(b"SELECT 1;").hexdigest()


def test_a_url_whose_package_is_missing_says_which_to_install() -> None:
    with pytest.raises(UsageError, match=r"'s3' URLs: Install s3fs.*pip install"):
        place("s3://bucket/dump.sql")


def test_a_url_of_no_known_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="'nosuch'"):
        place("nosuch://bucket/dump.sql")


def test_a_folders_digest_changes_with_any_name_and_any_byte(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    digests = {place(str(tmp_path)).digest()}
    (tmp_path / "b").write_bytes(b"3")
    digests.add(place(str(tmp_path)).digest())
    (tmp_path / "b").rename(tmp_path / "c")
    digests.add(place(str(tmp_path)).digest())
    assert len(digests) == 3
