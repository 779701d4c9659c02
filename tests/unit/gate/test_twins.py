"""The compiled kernel and its twin in Python write the same bytes and find the same spans, whatever they are given."""

from __future__ import annotations

import contextlib
import itertools
import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migci.adapters.gate import _pure
from migci.adapters.gate.index import Builder, Index, IndexFailed, IndexTooLarge, Public, build
from tests.unit.gate.kernels import COMPILED, using

pytestmark = pytest.mark.skipif(COMPILED is None, reason="NO KERNEL: './dev setup' compiles it where there is a cc")

KEY = bytes(range(7, 23))
COLUMNS = tuple(f"t.c{number}" for number in range(300))

_BYTES = st.sampled_from([b"a", b"b", b"A", b"7", b"0", b"_", b" ", b"-", b"\xc3", b"\0", b"NULL", b"\\"])
_TEXT = st.one_of(st.binary(max_size=40), st.lists(_BYTES, max_size=24).map(b"".join))
_LONG = st.tuples(st.integers(0, 2**32), st.integers(1000, 5000)).map(
    lambda drawn: random.Random(drawn[0]).randbytes(drawn[1])
)
_COLUMN = st.sampled_from([0, 1, 2, 254, 255, 299])
_VALUES = st.lists(st.tuples(_COLUMN, st.one_of(_TEXT, _TEXT, _TEXT, _LONG)), max_size=30)
_REPEATED = st.lists(st.tuples(_COLUMN, _TEXT, st.integers(1, 120)), max_size=12).map(
    lambda drawn: [(column, value) for column, value, times in drawn for _ in range(times)]
)
_LIMITS = st.sampled_from([6_000, 8_000, 20_000, 1_000_000])


def written(kernel: ModuleType, values: list[tuple[int, bytes]], limit_bytes: int = 1_000_000) -> bytes | str:
    """The file, or why there is none."""
    with using(kernel), tempfile.TemporaryDirectory() as folder:
        try:
            build(Path(folder, "x"), KEY, COLUMNS, values, limit_bytes)
        except IndexTooLarge as error:
            return str(error)
        return Path(folder, "x").read_bytes()


def written_rows(kernel: ModuleType, fields: list[int], pieces: list[bytes]) -> bytes | None:
    with using(kernel), tempfile.TemporaryDirectory() as folder:
        builder = Builder(KEY, COLUMNS, 1_000_000)
        try:
            for piece in pieces:
                builder.add_rows(fields, piece)
            builder.write(Path(folder, "x"))
        except IndexFailed:
            return None
        return Path(folder, "x").read_bytes()


def spans(kernel: ModuleType, file: Path, texts: list[bytes], public: list[bytes] | None) -> list[object]:
    with using(kernel), Index.open(file, KEY) as index:
        known = None if public is None else Public(public)
        return [index.find(text, known) for text in texts]


def compiled() -> ModuleType:
    assert COMPILED is not None
    return COMPILED


@settings(deadline=None)
@given(st.one_of(_VALUES, _REPEATED), _LIMITS)
def test_both_write_the_same_file_or_refuse_alike(values: list[tuple[int, bytes]], limit_bytes: int) -> None:
    assert written(compiled(), values, limit_bytes) == written(_pure, values, limit_bytes)


def test_both_write_the_same_file_of_many_values_that_are_common_to_a_degree() -> None:
    """So many that the counters are emptied again and again, by number and by the length of what they hold."""
    draw = random.Random(5)
    values = []
    for _ in range(9_000):
        rank = int(draw.paretovariate(0.7))
        values.append((0, b"%04d" % rank + b"ab"))
        values.append((1, b"a longer value %d" % rank))
        values.append((2, b"%d" % (rank % 3000) * 60))
    limit_bytes = 1_500_000
    file = written(compiled(), values, limit_bytes)
    assert isinstance(file, bytes)
    assert file == written(_pure, values, limit_bytes)


def test_both_hold_a_value_that_is_hardly_above_the_limit() -> None:
    """Counts are from below: what had to be forgotten of others is forgotten of it as well."""
    rare = [b"person number %d" % number for number in range(3_796)]
    values = [(0, value) for value in rare]
    for _ in range(204):
        values.insert(len(values) // 2, (0, b"just a category"))
    clear = [*values, *((0, b"just a category") for _ in range(40))]
    for drawn in (values, clear):
        file = written(compiled(), drawn)
        assert file == written(_pure, drawn)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        for drawn, held in ((values, [[(0, 15, 0)]]), (clear, [[]])):
            with using(compiled()):
                build(path, KEY, COLUMNS, drawn, 1_000_000)
            assert spans(compiled(), path, [b"just a category"], None) == held


@pytest.mark.parametrize("buckets", [60, 64, 250, 256])
def test_both_write_the_same_file_when_the_table_is_as_full_as_it_may_be(buckets: int) -> None:
    """With as many buckets as bits can name, many entries overflow already while the table is made."""
    draw = random.Random(buckets)
    values = [(number % 300, draw.randbytes(20)) for number in range(buckets * 3)]
    files = []
    for kernel in (_pure, compiled()):
        pieces: list[bytes] = []
        builder = kernel.Builder(KEY, 300, (buckets - 1).bit_length(), buckets * 14)
        for column, value in values:
            builder.add(column, value)
        entries, whole, _ = builder.finish()
        assert whole is False
        written_buckets = builder.write(max(1, entries // 13), pieces.append)
        files.append((entries, written_buckets, b"".join(pieces)))
    assert files[0] == files[1]


def test_two_places_that_a_small_table_cannot_tell_apart_are_one_entry() -> None:
    seen: dict[int, bytes] = {}
    for number in range(100_000):
        value = b"%06x" % number
        other = seen.setdefault(compiled().siphash(KEY, value) >> 40, value)
        if other != value:
            break
    else:
        pytest.fail("no two of them are alike")
    for kernel in (_pure, compiled()):
        pieces: list[bytes] = []
        builder = kernel.Builder(KEY, 1, 14, 1000)
        builder.add(0, other)
        builder.add(0, value)
        assert builder.finish()[0] == 2
        assert builder.write(1, pieces.append) == 1
        table = memoryview(b"".join(pieces)).cast("I")
        assert [entry >> 8 for entry in table if entry] == [compiled().siphash(KEY, value) >> 40]


def test_both_find_words_and_pieces_wherever_they_stand(tmp_path: Path) -> None:
    with using(compiled()):
        build(tmp_path / "x", KEY, COLUMNS, [(0, b"Anna"), (1, b"Millers"), (2, b"Anna Mil")], 1_000_000)
    texts = [b"." * padding + text for padding in range(530) for text in (b"Anna Millers", b"xAnna.Millersx", b"Anna")]
    found = spans(compiled(), tmp_path / "x", texts, None)
    assert found == spans(_pure, tmp_path / "x", texts, None)
    assert found[:3] == [[(0, 12, 2)], [], [(0, 4, 0)]]
    assert found[3 * 63 :][:3] == [[(63, 75, 2)], [], [(63, 67, 0)]]
    texts = [b"x" * padding + text for padding in range(1, 530) for text in (b"Anna", b" Anna ")]
    assert spans(compiled(), tmp_path / "x", texts, None) == spans(_pure, tmp_path / "x", texts, None)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"a", b"Anna ", b"\t", b"\n", b"\\t", b"\\", b"\\\\", b"\\0", b"\\n", b"NULL", b"\xff", b"x" * 9]
        )
    ),
    st.sampled_from([[0], [0, 1], [3, -1, 255], [-1]]),
    st.lists(st.integers(0, 60), max_size=6),
)
def test_both_read_rows_alike_wherever_the_stream_is_cut(
    tokens: list[bytes], fields: list[int], cuts: list[int]
) -> None:
    stream = b"".join(tokens)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in itertools.pairwise(places)]
    whole = written_rows(_pure, fields, [stream])
    assert written_rows(compiled(), fields, [stream]) == whole
    assert written_rows(compiled(), fields, pieces) == whole
    assert written_rows(_pure, fields, pieces) == whole


@settings(deadline=None)
@given(st.lists(st.lists(_TEXT, min_size=2, max_size=2), max_size=10), st.integers(1, 30))
def test_rows_in_any_pieces_are_the_values_that_were_printed(rows: list[list[bytes]], piece: int) -> None:
    def printed(value: bytes) -> bytes:
        return value.replace(b"\\", b"\\\\").replace(b"\t", b"\\t").replace(b"\n", b"\\n").replace(b"\0", b"\\0")

    stream = b"".join(b"\t".join(map(printed, row)) + b"\n" for row in rows)
    pieces = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    values = [(column, value) for row in rows for column, value in enumerate(row) if value != b"NULL"]
    if len(rows) <= 10:  # so few that none is a category, and a NULL does not matter
        assert written_rows(compiled(), [0, 1], pieces) == written(_pure, values)


@settings(deadline=None)
@given(
    _VALUES,
    st.lists(st.one_of(st.integers(0, 29), _TEXT), max_size=12),
    st.one_of(st.none(), st.lists(st.one_of(st.integers(0, 29), _TEXT), max_size=4)),
    st.integers(0, 600),
    _LIMITS,
)
def test_both_find_the_same(
    values: list[tuple[int, bytes]],
    parts: list[int | bytes],
    public: list[int | bytes] | None,
    padding: int,
    limit_bytes: int,
) -> None:
    def chosen(part: int | bytes) -> bytes:
        if isinstance(part, bytes):
            return part
        return values[part % len(values)][1][:300] if values else b""

    text = b"." * padding + b"".join(map(chosen, parts))
    texts = [text, text[1:], text[: len(text) // 2], text + text]
    known = None if public is None else list(map(chosen, public))
    file = written(compiled(), values, limit_bytes)
    if isinstance(file, bytes):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "x")
            path.write_bytes(file)
            assert spans(compiled(), path, texts, known) == spans(_pure, path, texts, known)


@settings(deadline=None)
@given(st.lists(_TEXT, max_size=8))
def test_every_value_is_found_as_what_it_is(values: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder, using(compiled()):
        path = Path(folder, "x")
        build(path, KEY, COLUMNS, [(0, value) for value in values], 1_000_000)
        with Index.open(path, KEY) as index:
            for value in values:
                if len(value) >= 8:
                    (span,) = index.find(b"ab" + value + b"ab")
                    assert span[0] <= 2
                    assert span[1] >= 2 + len(value)
                elif len(value) >= 6 or (len(value) >= 4 and not value.isdigit()):
                    assert any(
                        start <= 2 and end >= 2 + len(value) for start, end, _ in index.find(b"x " + value + b" x")
                    )


def test_many_threads_find_the_same_at_once(tmp_path: Path) -> None:
    values = [(0, b"person number %d" % number) for number in range(5_000)]
    build(tmp_path / "x", KEY, COLUMNS, values)
    text = b"; ".join(value if number % 3 else b"nobody at %d" % number for number, (_, value) in enumerate(values))
    with Index.open(tmp_path / "x", KEY) as index:
        wanted = index.find(text)
        assert len(wanted) == 5_000 - 1_667
        answers: list[object] = []
        threads = [
            threading.Thread(target=lambda: answers.extend(index.find(text) for _ in range(10))) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [wanted] * 40


def test_a_builder_is_not_for_two_threads_at_once() -> None:
    builder = Builder(KEY, COLUMNS)
    rows = b"".join(b"person number %d\n" % number for number in range(300_000))
    refused = []

    def add() -> None:
        for _ in range(5):
            try:
                builder.add_rows([0], rows)
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refused) <= {"this builder is in use, or was never made"}


def test_what_a_caller_hands_over_wrongly_is_refused_and_does_no_harm() -> None:
    kernel = compiled()
    values: list[Callable[[], object]] = [
        lambda: kernel.Builder(b"short", 1, 4, 10),
        lambda: kernel.Builder(KEY, 1, 0, 10),
        lambda: kernel.Builder(KEY, 1, 31, 10),
        lambda: kernel.Table(KEY, bytes(128), 0, 64, 0, 0, 4),
        lambda: kernel.Table(KEY, bytes(128), 0, 64, 1, 2, 4).find(b"whatever it is"),
        lambda: kernel.Table(KEY, bytes(128), 128, 64, 1, 1, 4).find(b"whatever it is"),
        lambda: kernel.Table(KEY, bytes(128), 0, 63, 1, 1, 4),
        lambda: kernel.Builder(KEY, 1, 4, 10).filter(0),
        lambda: kernel.Builder(KEY, 1, 4, 10).filter(1 << 18),
        lambda: kernel.siphash(b"short", b""),
    ]
    for wrong in values:
        with pytest.raises(ValueError, match=r"."):
            wrong()
    types: list[Callable[[], object]] = [
        lambda: kernel.Table(KEY, bytes(128), 0, 64, 1, 1, 4).find(b"whatever it is", {b"a set"}),
        lambda: kernel.Table(KEY, bytes(128), 0, 64, 1, 1, 4).find("text"),
        lambda: kernel.Public().add("text"),
        lambda: kernel.Builder(KEY, 1, 4, 10).add_rows(0, b""),
        lambda: kernel.Builder(KEY, 1, 4, 10).add_rows(["a"], b""),
    ]
    for wrong_type in types:
        with pytest.raises(TypeError):
            wrong_type()


def test_what_the_sink_raises_comes_out_of_writing() -> None:
    for kernel in (compiled(), _pure):
        builder = kernel.Builder(KEY, 1, 12, 10_000)
        for number in range(2_000):
            builder.add(0, b"person %d" % number)
        builder.finish()
        with contextlib.suppress(ZeroDivisionError):
            builder.write(2_000, lambda piece: 1 // 0)
            pytest.fail("nothing was raised")


@settings(deadline=None, max_examples=200)
@given(_VALUES, st.lists(st.binary(min_size=1, max_size=30), max_size=4), st.lists(_TEXT, max_size=12), st.data())
def test_both_find_what_they_learn_and_tell_alike_which_parts_hold_anything(
    values: list[tuple[int, bytes]], learnt: list[bytes], parts: list[bytes], data: st.DataObject
) -> None:
    parts += [b"." + value for value in data.draw(st.lists(st.sampled_from([*learnt, b"", *(v for _, v in values)])))]
    parts = [part[:255] for part in parts]
    told = []
    with tempfile.TemporaryDirectory() as folder:
        with using(compiled()):
            build(Path(folder, "x"), KEY, COLUMNS, values, 1_000_000)
        for kernel in (_pure, compiled()):
            with using(kernel), Index.open(Path(folder, "x"), KEY) as index:
                for column, value in enumerate(learnt):
                    if b"\0" * 8 not in value:
                        index.learn(column, value)
                found = [bool(index.find(part)) for part in parts]
                told.append([index.find(b"-".join(parts)), found])
                assert index.holds(b"".join(parts), bytes(map(len, parts))) == any(found)
    assert told[0] == told[1]


@pytest.mark.parametrize("kernel", [_pure, COMPILED], ids=["pure", "compiled"])
def test_an_index_of_nothing_finds_what_it_learns_and_there_is_an_end_to_that(kernel: ModuleType) -> None:
    with using(kernel):
        index = Index.of_nothing(["users.name", "users.email"])
        assert index.find(b"ada@example.org") == []  # which is remembered
        index.learn(1, b"ada@example.org")
        assert index.find(b"to ada@example.org, and org") == [(3, 18, 1)]
        assert index.names(1) == ("users.email",)
        with pytest.raises(OverflowError):
            index.learn(0, random.Random(1).randbytes(3000))
        with pytest.raises(ValueError, match="not as long"):
            index.holds(b"abc", b"\x02")
