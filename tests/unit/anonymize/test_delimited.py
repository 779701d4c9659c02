"""Lines of fields: what is marked is replaced in the manner of its file, and every other byte stays."""

from __future__ import annotations

import io

import pytest

from anonymize.dumps.delimited import CSV, TSV, Dialect, rewrite
from anonymize.dumps.source import Source
from anonymize.errors import Unfit, Unreadable
from anonymize.ops import Call, Constant, Op, Program, Shift, Slot
from tests.unit.anonymize.dumping import Pieces

HIDDEN = Constant(b"hidden")


def rewritten(text: bytes, dialect: Dialect, op: Op = HIDDEN, *, piece: int = 1 << 20, header: bool = False) -> bytes:
    """`text` of three columns, of which the second is marked."""
    out = io.BytesIO()
    program = Program((None, Slot(op), None))
    count = rewrite(Source("t.tsv", Pieces(text, piece)), out, program, ["id", "email", "note"], dialect, header=header)
    assert count.rows == rewritten_rows(text, dialect) - header
    return out.getvalue()


def rewritten_rows(text: bytes, dialect: Dialect) -> int:
    lengths: list[int] = []
    out = io.BytesIO()
    rewrite(Source("t", io.BytesIO(text)), out, Program((None,) * 3), ["a", "b", "c"], dialect, told=lengths.append)
    assert out.getvalue() == text
    assert sum(lengths) == len(text)
    return len(lengths)


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        (TSV, b"1\t@\tn\n2\t\\N\tm\n"),
        (TSV, b"1\t@\ta\\tb\\\\\n2\t@\tline\\\nline\n\\N\t@\t\\N\n"),
        (CSV, b'1,@,n\r\n2,"@","a, ""b""\n"\r\n'),
        (CSV, b"1,@,n\n2,@,no line's end"),
        (CSV, b"1,,n\n2,NULL,n\n3,\\N,n\n"),
        (Dialect(b"\t", escape=False, quoted=True), b'1\t@\t"tab\there"\n'),
        (Dialect(b",", escape=True, quoted=True), b'1,"@","a\\",\\"b"\n2,\\N,c\n'),
    ],
)
def test_only_the_marked_field_changes(dialect: Dialect, text: bytes, piece: int) -> None:
    dump = text.replace(b"@", b"ann at example")
    assert rewritten(dump, dialect, piece=piece) == text.replace(b"@", b"hidden")


def test_a_first_line_of_names_stays() -> None:
    assert rewritten(b"id,email,note\n1,ann,n\n", CSV, header=True) == b"id,email,note\n1,hidden,n\n"


@pytest.mark.parametrize(
    ("dialect", "value", "field"),
    [
        (TSV, b"a\tb\nc\\d\0e\rf\x08g\x1ah", rb"a\tb\nc\\d\0e\rf\bg\Zh"),
        (CSV, b'a,"b"\n', b'"a,""b""\n"'),
        (CSV, b"NULL", b'"NULL"'),
        (CSV, b"", b'""'),
    ],
)
def test_what_comes_out_is_written_so_that_it_reads_as_the_same(dialect: Dialect, value: bytes, field: bytes) -> None:
    separator = dialect.separator
    assert rewritten(separator.join((b"1", b"x", b"n\n")), dialect, Constant(value)) == separator.join(
        (b"1", field, b"n\n")
    )
    assert dialect.value(field) == value


def test_a_value_reaches_its_operation_without_quotes_and_escapes() -> None:
    seen: list[bytes] = []
    op = Call(lambda value: seen.append(value) or value)  # type: ignore[func-returns-value]
    rewritten(b"1\ta\\tb\\\\\\0c\tn\n", TSV, op)
    rewritten(b'1,"a ""b"", c",n\n', CSV, op)
    assert seen == [b"a\tb\\\0c", b'a "b", c']


def test_a_shift_takes_its_subject_from_its_row() -> None:
    out = io.BytesIO()
    program = Program((None, Slot(Shift(b"k" * 32, 99), subject=0), None))
    text = b"ann\t2020-01-01\tx\nann\t2020-01-11\tx\n"
    rewrite(Source("t", io.BytesIO(text)), out, program, ["who", "at", "note"], TSV)
    first, second = (line.split(b"\t")[1] for line in out.getvalue().splitlines())
    assert first != b"2020-01-01"
    assert int(second[-2:]) - int(first[-2:]) in (10, -18, -19, -20, -21)


@pytest.mark.parametrize(
    ("dialect", "text", "what"),
    [
        (TSV, b"1\tann\tn\n2\tbob\n", r"^t\.tsv:2: the row has not 3 fields"),
        (TSV, b"1\tann\tn\tm\n", "the row has not 3 fields"),
        (TSV, b"1\tann\tn\n2\tbo", "the file ends inside a row"),
        (TSV, b"1\tann\tn", "the file ends inside a row"),
        (CSV, b'1,ann,"n\n', "the file ends inside a row"),
        (CSV, b'1,"ann"x,n\n', "the file ends inside a row"),
        (CSV, b"1,ann\n", "the row has not 3 fields"),
    ],
)
@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_a_row_that_is_not_understood_is_named_by_its_line(
    dialect: Dialect, text: bytes, what: str, piece: int
) -> None:
    with pytest.raises(Unreadable, match=what):
        rewrite(
            Source("t.tsv", Pieces(text, piece)),
            io.BytesIO(),
            Program((None, Slot(HIDDEN), None)),
            ["a", "b", "c"],
            dialect,
        )


def test_a_value_that_its_kind_does_not_take_is_named_by_line_and_column_and_not_shown() -> None:
    def refuse(value: bytes) -> bytes:
        raise Unfit("it is no such thing")

    with pytest.raises(Unreadable, match=r"^t\.tsv:1: column email: it is no such thing") as raised:
        rewritten(b"1\tann\tn\n", TSV, Call(refuse))
    assert "ann" not in raised.value.message
