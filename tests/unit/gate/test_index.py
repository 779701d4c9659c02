"""What is found of a dataset's values, and what an index refuses; with the compiled kernel and with its twin."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from migci.adapters.gate.index import Builder, Facts, Index, IndexFailed, IndexTooLarge, Public, build
from migci.ports import DiskFull
from tests.unit.gate.kernels import KERNELS, using

KEY = bytes(range(16))
COLUMNS = ("users.name", "users.email")
Span = tuple[int, int, int]


@pytest.fixture(params=KERNELS, autouse=True)
def kernel(request: pytest.FixtureRequest) -> Iterator[ModuleType]:
    with using(request.param):
        yield request.param


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "values.index"


def found(file: Path, text: bytes, public: Sequence[bytes] | None = None) -> list[Span]:
    with Index.open(file, KEY) as index:
        return index.find(text, None if public is None else Public(public))


def indexed(file: Path, *values: bytes, columns: Sequence[str] = COLUMNS) -> Facts:
    return build(file, KEY, columns, [(0, value) for value in values])


def from_rows(file: Path, text: bytes, columns: Sequence[int] = (0,)) -> None:
    builder = Builder(KEY, COLUMNS)
    builder.add_rows(columns, text)
    builder.write(file)


def test_a_hash_is_siphash_1_3_as_cpython_computes_it(kernel: ModuleType) -> None:
    if sys.hash_info.algorithm != "siphash13":
        pytest.skip(f"this Python hashes with {sys.hash_info.algorithm}")
    texts = [bytes(range(length)) for length in range(1, 40)]
    script = "print([hash(bytes(range(length))) % 2**64 for length in range(1, 40)])"
    told = subprocess.check_output([sys.executable, "-c", script], env={**os.environ, "PYTHONHASHSEED": "0"}, text=True)
    assert [kernel.siphash(bytes(16), text) for text in texts] == eval(told)
    assert kernel.siphash(KEY, texts[8]) != kernel.siphash(bytes(16), texts[8])


def test_a_value_is_found_whole_and_every_piece_of_eight_bytes_of_it(file: Path) -> None:
    facts = indexed(file, b"Anna Miller, Berlin")
    assert facts == Facts(COLUMNS, 12, file.stat().st_size, True)
    assert found(file, b"name=Anna Miller, Berlin;") == [(5, 24, 0)]
    for start in range(12):
        assert found(file, b"<" + b"Anna Miller, Berlin"[start : start + 8] + b">") == [(1, 9, 0)]
        assert found(file, b"<" + b"Anna Miller, Berlin"[start : start + 7] + b">") == []


def test_a_span_has_the_column_of_its_first_piece_and_the_index_the_names(file: Path) -> None:
    build(file, KEY, COLUMNS, [(0, b"Anna Miller"), (1, b"anna@example.org")])
    with Index.open(file, KEY) as index:
        assert index.find(b"anna@example.org Anna Miller") == [(0, 16, 1), (17, 28, 0)]
        assert index.find(b"anna@example.orgAnna Miller") == [(0, 27, 1)]
        assert index.columns == COLUMNS
        assert index.names(1) == ("users.email",)


def test_beyond_255_columns_a_number_stands_for_several(file: Path) -> None:
    columns = [f"t.c{number}" for number in range(600)]
    build(file, KEY, columns, [(0, b"of the first"), (510, b"of another one"), (599, b"of the last")])
    with Index.open(file, KEY) as index:
        assert index.find(b"of another one") == [(0, 14, 0)]
        assert index.names(0) == ("t.c0", "t.c255", "t.c510")
        assert index.find(b"of the last") == [(0, 11, 89)]
        assert index.names(89) == ("t.c89", "t.c344", "t.c599")


def test_a_value_of_four_to_seven_bytes_is_found_only_where_it_stands_alone(file: Path) -> None:
    indexed(file, b"Anna", b"O'Neil", b"J\xc3\xbcrgen", b"a@b.de")
    assert found(file, b"Anna") == [(0, 4, 0)]
    assert found(file, b"'Anna', (Anna) Anna.") == [(1, 5, 0), (9, 13, 0), (15, 19, 0)]
    assert found(file, b"xAnna Anna1 _Anna Anna_ \xc3\xa9Anna Anna\xc3\xa9 anna") == []
    assert found(file, b"Mr O'Neil, O'Neill") == [(3, 9, 0)]
    assert found(file, b"J\xc3\xbcrgen to a@b.de") == [(0, 7, 0), (11, 17, 0)]


def test_the_shortest_values_and_short_numbers_are_not_held(file: Path) -> None:
    facts = indexed(file, b"", b"Bob", b"1234", b"12345", b"123456", b"1234567", b"12.45")
    assert facts.entries == 3
    assert found(file, b"Bob 1234 12345 123456 1234567 12.45") == [(15, 21, 0), (22, 29, 0), (30, 35, 0)]


def test_rows_are_read_as_the_client_prints_them(file: Path) -> None:
    builder = Builder(KEY, COLUMNS)
    stream = b"Anna\\tMiller\tNULL\n\\\\server\\nname\ta\\0b longer\\x\nNULL\t\n\tNULL \n"
    for byte in range(len(stream)):
        builder.add_rows([0, 1], stream[byte : byte + 1])
    builder.write(file)
    assert found(file, b"Anna\tMiller") == [(0, 11, 0)]
    assert found(file, b"\\server\nname") == [(0, 12, 0)]
    assert found(file, b"a\0b longer\\x") == [(0, 12, 1)]
    assert found(file, b"NULL") == []
    assert found(file, b"NULL ") == [(0, 5, 1)]


def test_a_field_may_be_passed_over(file: Path) -> None:
    builder = Builder(KEY, COLUMNS)
    builder.add_rows([-1, 1], b"not secret\tbut this is\n")
    builder.add_rows([0], b"Anna Miller\n")
    builder.write(file)
    assert found(file, b"not secret, but this is of Anna Miller") == [(12, 23, 1), (27, 38, 0)]


@pytest.mark.parametrize("rows", [b"only one\n", b"a\tb\tc\n", b"\n"])
def test_rows_with_another_number_of_fields_are_refused(rows: bytes) -> None:
    with pytest.raises(IndexFailed, match="cannot be read: a row has"):
        Builder(KEY, COLUMNS).add_rows([0, 1], rows)


def test_rows_that_were_cut_off_are_refused(file: Path) -> None:
    builder = Builder(KEY, COLUMNS)
    builder.add_rows([0, 1], b"Anna Miller\tanna@exam")
    with pytest.raises(IndexFailed, match="the rows end inside a row"):
        builder.add_rows([0], b"ple.org\n")
    with pytest.raises(IndexFailed, match="the rows end inside a row"):
        builder.write(file)
    assert not file.exists()


def test_a_column_that_is_not_there_is_refused() -> None:
    for column in (-1, 2):
        with pytest.raises(IndexError):
            Builder(KEY, COLUMNS).add(column, b"Anna Miller")
    for column in (-2, 2):
        with pytest.raises(IndexError):
            Builder(KEY, COLUMNS).add_rows([column], b"Anna Miller\n")


def lines(**counts: int) -> bytes:
    return b"".join(value.replace("_", " ").encode() + b"\n" for value, times in counts.items() for _ in range(times))


def test_a_short_value_above_one_percent_of_its_columns_rows_is_a_category(file: Path) -> None:
    from_rows(file, lines(active=3, closed=2, NULL=195))
    assert found(file, b"active closed") == [(7, 13, 0)]


def test_a_long_value_above_five_percent_of_its_columns_filled_rows_is_a_category(file: Path) -> None:
    from_rows(file, lines(in_progress=11, waiting_for_us=10, NULL=500) + b"".join(b"%d\n" % n for n in range(179)))
    assert found(file, b"in progress, waiting for us") == [(13, 27, 0)]


def test_in_a_column_of_a_hundred_rows_nothing_is_a_category(file: Path) -> None:
    from_rows(file, lines(active=50, in_progress=50))
    assert found(file, b"active, in progress") == [(0, 6, 0), (8, 19, 0)]
    from_rows(file, lines(active=50, in_progress=51))
    assert found(file, b"active, in progress") == []


def test_a_category_of_one_column_stays_where_it_is_a_rare_value_of_another(file: Path) -> None:
    builder = Builder(KEY, COLUMNS)
    builder.add_rows([0], lines(Berlin=200, Frankfurt=200))
    builder.add_rows([1], lines(Berlin=1, Frankfurt_Main=1))
    builder.write(file)
    assert found(file, b"Berlin; Frankfurt") == [(0, 6, 1), (8, 17, 1)]


def test_of_many_values_those_below_the_limit_are_never_categories_and_common_ones_are(file: Path) -> None:
    """Far more values than are counted at once; one is at exactly a fiftieth, one at a tenth, of all rows."""
    builder = Builder(KEY, COLUMNS)
    for number in range(10_000):
        builder.add(0, b"%07x" % (number * 7919))
        builder.add(1, b"person number %d" % number)
        if number % 98 == 0:
            builder.add(0, b"common")
            builder.add(0, b"common")
        if number % 101 == 0:
            builder.add(0, b"rarer")
        if number % 9 == 0:
            builder.add(1, b"most common of all")
        if number % 20 == 0:
            builder.add(1, b"this one is not")
    builder.write(file)
    assert found(file, b"common rarer") == [(7, 12, 0)]
    assert found(file, b"most common of all") == []
    assert found(file, b"this one is not") == [(0, 15, 1)]
    assert found(file, b"person number 9999") == [(0, 18, 1)]


def test_public_text_is_no_hit_by_itself_but_does_not_break_a_span(file: Path) -> None:
    indexed(file, b"customer Anna Miller of Main Street 7", b"active")
    text = b"the customer Anna Miller of Main Street 7, active"
    assert found(file, text, []) == [(4, 41, 0), (43, 49, 0)]
    assert found(file, text, [b"# a customer Anna"]) == [(10, 41, 0), (43, 49, 0)]
    assert found(file, text, [b"Miller of Main Street"]) == [(4, 41, 0), (43, 49, 0)]
    assert found(file, text, [b"Main Street 7"]) == [(4, 35, 0), (43, 49, 0)]
    assert found(file, text, [text]) == []
    assert found(file, text, [text[4:30], text[23:41]]) == [(43, 49, 0)]


def test_a_short_word_is_public_only_where_it_stands_alone_in_the_public_text(file: Path) -> None:
    indexed(file, b"active")
    assert found(file, b"active", [b"if x == 'active':"]) == []
    assert found(file, b"active", [b"inactive actively _active"]) == [(0, 6, 0)]


def test_eight_zeros_are_a_gram_like_any_other(file: Path) -> None:
    indexed(file, bytes(8), bytes(5))
    assert found(file, b"x" + bytes(8) + b"x") == [(1, 9, 0)]
    assert found(file, bytes(9), [b"other"]) == [(0, 9, 0)]
    assert found(file, bytes(9), [bytes(8)]) == []
    indexed(file, b"no zeros at all")
    assert found(file, bytes(20)) == []


def test_an_empty_index_finds_nothing(file: Path) -> None:
    assert indexed(file, columns=[]).entries == 0
    assert found(file, b"anything that may be") == []
    assert found(file, b"") == []


def many(count: int) -> list[tuple[int, bytes]]:
    return [(0, b"%08x-%08x-%08x" % (n * 2654435761 % 2**32, n * 40503, n * 97)) for n in range(count)]


def test_what_does_not_fit_keeps_its_essential_pieces(file: Path) -> None:
    values = [*many(2000), (1, b"eight by")]
    whole = build(file, KEY, COLUMNS, values)
    facts = build(file, KEY, COLUMNS, values, limit_bytes=whole.bytes // 2)
    assert (whole.whole, facts.whole) == (True, False)
    assert facts.bytes <= whole.bytes // 2
    assert 0.15 < facts.entries / whole.entries < 0.35
    assert found(file, b"<eight by>") == [(1, 9, 1)]
    for _, value in values[:-1:97]:
        (span,) = found(file, b"<" + value + b">")
        assert span[0] <= 8
        assert span[1] >= len(value) + 1 - 7
        for start in range(len(value) - 14):
            assert found(file, b"<" + value[start : start + 15] + b">"), "a piece of fifteen bytes is always found"


def test_what_does_not_fit_at_all_is_refused_with_what_to_do(file: Path) -> None:
    with pytest.raises(IndexTooLarge) as raised:
        build(file, KEY, COLUMNS, many(2000), limit_bytes=20_000)
    assert str(raised.value) == (
        "the confidential values do not fit into an index of 20000 bytes; "
        "raise the limit of the index, or keep columns that hold nothing confidential"
    )
    with pytest.raises(IndexTooLarge):
        Builder(KEY, COLUMNS, limit_bytes=100)
    assert list(file.parent.iterdir()) == []


def test_every_size_is_within_its_limit_and_finds_all_that_was_added(file: Path) -> None:
    values = many(300)
    for count in (*range(1, 60), 100, 299):
        for limit in (2_000, 10_000, 1_000_000):
            try:
                facts = build(file, KEY, COLUMNS, values[:count], limit_bytes=limit)
            except IndexTooLarge:
                assert limit < 1_000_000
                continue
            assert file.stat().st_size == facts.bytes <= limit
            with Index.open(file, KEY) as index:
                for _, value in values[:count:7]:
                    assert index.find(value)


def test_another_key_is_refused(file: Path) -> None:
    indexed(file, b"Anna Miller")
    with pytest.raises(IndexFailed, match="was made with another key"):
        Index.open(file, bytes(16))
    with pytest.raises(ValueError, match="16 bytes"):
        Index.open(file, b"short")


def test_the_file_shows_no_value_and_is_another_with_another_key(file: Path, tmp_path: Path) -> None:
    indexed(file, b"Anna Miller", b"Anna")
    build(tmp_path / "other", bytes(16), COLUMNS, [(0, b"Anna Miller"), (0, b"Anna")])
    assert b"Anna" not in file.read_bytes()
    assert file.read_bytes()[128:] != (tmp_path / "other").read_bytes()[128:]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: b"", "is empty"),
        (lambda whole: whole[:50], "is no index"),
        (lambda whole: b"x" + whole[1:], "is no index"),
        (lambda whole: whole[:8] + struct.pack("<I", 2) + whole[12:], "is of version 2; this migci reads 1"),
        (lambda whole: whole[:20] + b"x" + whole[21:], "its header is not as it was written"),
        (lambda whole: whole[:90] + b"x" + whole[91:], "its header is not as it was written"),
        (lambda whole: whole[:-64], "is damaged: it has"),
        (lambda whole: whole[:-1], "is damaged: it has"),
        (lambda whole: whole + b"x", "is damaged: it has"),
        (lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]), "its table is not as it was written"),
    ],
)
def test_a_file_that_is_not_as_it_was_made_is_refused(file: Path, damage: object, says: str) -> None:
    indexed(file, *(value for _, value in many(50)))
    assert callable(damage)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(IndexFailed, match=says) as raised:
        Index.open(file, KEY)
    assert raised.value.hint


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(IndexFailed, match="No such file"):
        Index.open(file, KEY)


def test_a_disk_that_is_full_is_told_and_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(DiskFull):
            indexed(file, b"Anna Miller")
    file.write_bytes(b"")
    with pytest.raises(IndexFailed, match="Not a directory"):
        indexed(file / "below", b"Anna Miller")
    assert list(file.parent.iterdir()) == [file]


def test_what_is_searched_may_be_any_bytes_like_object(file: Path) -> None:
    indexed(file, b"Anna Miller")
    with Index.open(file, KEY) as index:
        assert index.find(bytearray(b"Anna Miller")) == index.find(memoryview(b"-Anna Miller")[1:]) == [(0, 11, 0)]


def test_a_closed_index_is_not_searched(file: Path) -> None:
    indexed(file, b"Anna Miller")
    index = Index.open(file, KEY)
    index.close()
    with pytest.raises(ValueError, match="closed"):
        index.find(b"Anna Miller")
