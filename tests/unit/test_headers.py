"""Reading alembic's headers: what is said plainly is known, and whatever else a script holds is told, never run."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from migci.adapters.scripts.headers import Header, Headers, syntax_error
from migci.core.finding import Silence

COMPUTED = "revision is computed, so that it is not known without running it"

PLAIN = b'''"""Add counters

Revision ID: ae10
Revises: 1f2e
"""

from alembic import op

revision = "ae10"
down_revision = "1f2e"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("SELECT 1")
'''


def header(content: bytes) -> Header:
    """Read whole; and where that is no trouble, reading only its beginning says the same."""
    whole, beginning = Headers().of(content), Headers().of(content, thorough=False)
    if not whole.trouble:
        assert beginning == whole
    return whole


def trouble(content: bytes) -> list[tuple[str, int | None]]:
    return list(header(content).trouble)


def test_a_header_as_alembic_writes_it_is_read() -> None:
    found = header(PLAIN)
    assert (found.id, found.parents, found.labels, found.depends_on, found.line) == ("ae10", ("1f2e",), (), (), 10)
    assert found.known
    assert found.trouble == ()


@pytest.mark.parametrize(
    ("said", "id", "parents"),
    [
        (b'revision: str = "b"\ndown_revision: Union[str, None] = "a"\n', "b", ("a",)),
        (b'revision = "b"\ndown_revision = ("a", "c")\n', "b", ("a", "c")),
        (b"revision = 'b'\ndown_revision = ['a']\n", "b", ("a",)),
        (b'revision = "b"\ndown_revision = None\n', "b", ()),
        (b'revision = ("b"\n  "c")\ndown_revision = "a"  # the first\n', "bc", ("a",)),
        (b'FIRST = "a"\nrevision = "b"\ndown_revision = FIRST\n', "b", ("a",)),
        (b'revision = "a"\nrevision = "b"\ndown_revision = "a"\n', "b", ("a",)),
        (b'revision = make()\nrevision = "b"\ndown_revision = None\n', "b", ()),
        (b'\xef\xbb\xbfrevision = "b"\r\ndown_revision = "a"\r\n', "b", ("a",)),
        (b'# -*- coding: latin-1 -*-\nrevision = "caf\xe9"\ndown_revision = ()\n', "café", ()),
        (b'"""\ndef in a text\nclass too\n"""\nrevision = "b"\ndown_revision = None\n\ndef upgrade(): pass\n', "b", ()),
        (b'def upgrade():\n    pass\n\nrevision = "b"\ndown_revision = "a"\n', "b", ("a",)),
        (b'revision = "b"\n\n@decorated\ndef upgrade():\n    pass\n\ndown_revision = "a"\n', "b", ("a",)),
        (b'revision = "b"; down_revision = "a"\n', "b", ("a",)),
    ],
)
def test_all_that_is_said_plainly_is_understood(said: bytes, id: str, parents: tuple[str, ...]) -> None:
    found = header(said)
    assert (found.id, found.parents, found.trouble, found.known) == (id, parents, (), True)


@pytest.mark.parametrize(
    ("said", "sentence", "line"),
    [
        (b'revision = f"{1}"\n', COMPUTED, 1),
        (b'import x\nrevision = "a" + x.y\n', COMPUTED, 2),
        (b"revision = make()\n", COMPUTED, 1),
        (b"from base import revision\n", COMPUTED, 1),
        (
            b'revision, down_revision = "b", "a"\n',
            COMPUTED,
            1,
        ),
        (
            b'revision = "b"\nif True:\n    down_revision = "a"\n',
            f"down_{COMPUTED}",
            3,
        ),
        (
            b'revision = "b"\ndown_revision = "a"\nfor down_revision in "cd":\n    pass\n',
            f"down_{COMPUTED}",
            3,
        ),
        *(
            (
                b'revision = "b"\ndown_revision = "a"\n' + statement,
                f"down_{COMPUTED}",
                4 if b":\n    " in statement else 3,
            )
            for statement in (
                b'(down_revision := "c")\n',
                b'x = (down_revision := "c")\n',
                b'globals()["down_revision"] = "c"\n',
                b'vars()["down_revision"] = "c"\n',
                b"from x import *\n",
                b"def down_revision(): ...\n",
                b"class down_revision: ...\n",
                b"class x:\n    global down_revision; down_revision = 'c'\n",
                b"def f():\n    global down_revision\n    down_revision = 'c'\n",
                b"match 1:\n    case down_revision: ...\n",
                b"with x as down_revision: ...\n",
                b"down_revision.append(1)\n",
            )
        ),
        (b"revision = 12\n", "revision is 12, which is no id", 1),
        (b'revision = ""\n', "revision is '', which is no id", 1),
        (b'revision = "\\ud800"\n', "revision is '\\ud800', which is no id", 1),
        (b'revision = "b"\ndown_revision = 3\n', "down_revision is 3, which is no id", 2),
        (b'revision = "b"\ndown_revision = ("a", None)\n', "down_revision is ('a', None), which is no id", 2),
    ],
)
def test_what_is_known_only_by_running_it_is_told_with_its_line(said: bytes, sentence: str, line: int) -> None:
    assert (sentence, line) in trouble(said)
    assert not header(said).known


@pytest.mark.parametrize("sign", ["@", "-", "+", ":"])
def test_a_sign_that_alembic_allows_in_no_id_is_told_where_the_id_is(sign: str) -> None:
    found = header(f'down_revision = "a"\nrevision = "b{sign}c"\n'.encode())
    assert found.trouble == ((f"revision is 'b{sign}c', and alembic allows no {sign} in an id", 2),)
    assert (found.id, found.parents, found.known) == (f"b{sign}c", ("a",), True)


def test_a_script_that_says_nothing_of_what_it_follows_is_told_and_one_that_follows_nothing_is_not() -> None:
    found = header(b'"""Words"""\nrevision = "b"\n')
    assert found.trouble == (("it has no down_revision; that of the first migration is None", 2),)
    assert not found.known
    assert header(b'revision = "b"\ndown_revision = None\n').trouble == ()


def test_an_id_of_none_is_none() -> None:
    assert trouble(b"revision = None\ndown_revision = None\n") == [("revision is None, which is no id", 1)]


def test_a_label_that_is_computed_is_told_as_it_stands_there() -> None:
    found = header(b'revision = "b"\ndown_revision = None\nbranch_labels = (cli.EXPAND_BRANCH,)\n')
    assert (found.labels, found.labels_known, found.trouble) == (("(cli.EXPAND_BRANCH,)",), False, ())
    assert header(b'revision = "b"\nbranch_labels = ("expand",)\ndepends_on = "a"\n').labels == ("expand",)


def test_a_mistake_below_the_header_is_told_and_the_header_is_known_all_the_same() -> None:
    broken = PLAIN + b"\ndef downgrade(:\n    pass\n"
    found = header(broken)
    assert (found.id, found.parents, found.known) == ("ae10", ("1f2e",), True)
    ((sentence, line),) = found.trouble
    assert re.match(r"Python 3\.\d+ cannot read it: ", sentence)
    assert line == 18
    assert Headers().of(broken, thorough=False).trouble == ()


def test_a_conflict_of_gits_in_the_header_is_told() -> None:
    ours = PLAIN.replace(b'down_revision = "1f2e"', b'<<<<<<< HEAD\ndown_revision = "1f2e"\n=======\n>>>>>>> theirs')
    ((sentence, line),) = trouble(ours)
    assert sentence.endswith(" cannot read it: invalid syntax")
    assert line == 10
    assert header(ours).id is None


def test_a_script_is_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    found = header(b'print("ran")\nrevision = "b"\nopen("/proc/self/mem", "w")\nraise SystemExit(1)\n')
    assert found.id == "b"
    assert capsys.readouterr().out == ""


def test_silences_are_read() -> None:
    assert header(PLAIN + b"# migci: ignore MC016 -- it is so\n").silences == (Silence("MC016", "it is so"),)


def test_each_content_is_read_once() -> None:
    headers = Headers()
    broken = PLAIN + b"\ndef downgrade(:\n"
    assert headers.of(broken, thorough=False).trouble == ()
    assert headers.of(broken).trouble == ()  # trunk has it, so it is not the patch's
    assert headers.of(PLAIN) is headers.of(PLAIN)
    assert headers.of(PLAIN).digest != headers.of(PLAIN + b"\n").digest


_WORDS = st.sampled_from(
    [b"revision", b"down_revision", b"branch_labels", b" = ", b'"a"', b"None", b"(", b")", b",", b"\n", b":", b"def ",
     b"class x:", b"'", b'"""', b"\\", b"f'{x}'", b"if 1:\n    ", b"\r\n", b"\0", b"\xff", b"# coding: utf-7\n", b"@"]
)  # fmt: skip


@settings(deadline=None)
@given(st.binary(max_size=200) | st.lists(_WORDS, max_size=30).map(b"".join))
@example(b"(" * 10_000)
@example(b"-" * 100_000 + b"1")
@example(b"revision = " + b"[" * 150 + b"]" * 150)
@example(b"# coding: nonsense\n")
@example(b"revision = '\\ud800'\n")
@example(b"revision = 1" + b"0" * 5000)
@example(b"branch_labels = 0x" + b"f" * 5000)
@example(b"down_revision = 0x" + b"f" * 5000)
@example(b"branch_labels = " + b"+".join([b"y"] * 2000))
@example(
    b'v0 = ("x", "x")\n' + b"".join(b"v%d = (v%d, v%d)\n" % (n + 1, n, n) for n in range(60)) + b"branch_labels = v60\n"
)
def test_whatever_bytes_there_are_a_header_is_made_of_them(content: bytes) -> None:
    found = Headers().of(content)
    assert sum(map(len, (*found.labels, *found.parents, *found.depends_on))) <= len(content) + 80
    assert found.trouble or syntax_error(content) is None
    assert replace(found, digest="") == replace(Headers().of(content), digest="")
    Headers().of(content, thorough=False)
