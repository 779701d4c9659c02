"""What is written is whole under its name, or not there at all."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from anonymize.dumps import publish
from anonymize.dumps.publish import compression, published
from anonymize.errors import AnonymizeError, UsageError

UNPACKERS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gz": gzip.decompress,
    "zst": lambda data: zstandard.ZstdDecompressor().decompressobj().decompress(data),
    "xz": lzma.decompress,
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def broken(path: Path, error: type[BaseException], *, compress: str = "none", force: bool = False) -> None:
    with published(str(path), compress=compress, force=force) as sink:
        sink.write(b"a" * 1000)
        raise error


@pytest.mark.parametrize("how", UNPACKERS)
def test_what_is_written_can_be_read_back(how: str, tmp_path: Path) -> None:
    with published(str(tmp_path / "out"), compress=how) as sink:
        sink.write(b"a" * 1000)
        sink.write(memoryview(b"bc")[1:])
    assert names(tmp_path) == ["out"]
    assert UNPACKERS[how]((tmp_path / "out").read_bytes()) == b"a" * 1000 + b"c"


@pytest.mark.parametrize("how", UNPACKERS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_when_something_breaks(how: str, error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error):
        broken(tmp_path / "out", error, compress=how)
    assert names(tmp_path) == []


def test_the_name_is_not_there_before_the_end(tmp_path: Path) -> None:
    with published(str(tmp_path / "out")) as sink:
        sink.write(b"a")
        assert "out" not in names(tmp_path)


def test_what_breaks_leaves_the_file_that_was_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(RuntimeError):
        broken(tmp_path / "out", RuntimeError, force=True)
    assert (tmp_path / "out").read_bytes() == b"old"


def test_a_file_that_somebody_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already"), published(str(tmp_path / "out")):
        (tmp_path / "out").write_bytes(b"theirs")
    assert (tmp_path / "out").read_bytes() == b"theirs"
    assert names(tmp_path) == ["out"]


def test_with_force_a_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    with published(str(tmp_path / "out"), force=True) as sink:
        sink.write(b"new")
    assert (tmp_path / "out").read_bytes() == b"new"


def test_a_disk_that_is_full_is_an_error_and_not_a_traceback() -> None:
    with pytest.raises(AnonymizeError, match="cannot be written"), published("/proc/none"):
        pass


@pytest.mark.parametrize(
    ("name", "asked", "how"),
    [
        ("a.sql", None, "none"),
        ("a.sql.gz", None, "gz"),
        ("a.ZST", None, "zst"),
        ("a.xz", None, "xz"),
        ("a.gz", "none", "none"),
        ("-", "zst", "zst"),
    ],
)
def test_the_output_is_compressed_by_its_name_or_as_asked(name: str, asked: str | None, how: str) -> None:
    assert compression(name, asked) == how


def test_the_output_is_not_the_input_nor_what_is_there_already(tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql"
    dump.write_bytes(b"")
    (tmp_path / "link").symlink_to(dump)
    (tmp_path / "other").write_bytes(b"")
    for output in (dump, tmp_path / "link", tmp_path, dump / "in"):
        with pytest.raises(UsageError):
            publish.check(str(dump), str(output), force=True)
    with pytest.raises(UsageError, match="is there already"):
        publish.check(str(dump), str(tmp_path / "other"), force=False)
    with pytest.raises(UsageError, match="is no folder"):
        publish.check(str(dump), str(tmp_path / "none" / "out"), force=False)
    publish.check(str(dump), str(tmp_path / "other"), force=True)
    publish.check(str(dump), str(tmp_path / "new"), force=False)
    publish.check("-", "-", force=False)
