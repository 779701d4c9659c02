"""What an alembic script follows is exchanged in its bytes, and no other byte of it is."""

from __future__ import annotations

import ast
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migci.adapters.scripts.edits import NotEdited, follow

SAID = {
    'down_revision = "old"': 'down_revision = "newer"',
    "down_revision = 'old'": "down_revision = 'newer'",
    'down_revision: str = "old"  # by hand': 'down_revision: str = "newer"  # by hand',
    'down_revision: Union[str, None]   =   "old"': 'down_revision: Union[str, None]   =   "newer"',
    'down_revision = ("old")': 'down_revision = ("newer")',
    'down_revision = ("old",)': 'down_revision = ("newer",)',
    'down_revision = [\n    "old",  # why\n]': 'down_revision = [\n    "newer",  # why\n]',
    'down_revision = (\n    "old"\n)': 'down_revision = (\n    "newer"\n)',
    'down_revision = """old"""': 'down_revision = """newer"""',
    'down_revision = r"old"': 'down_revision = r"newer"',
    "down_revision = None": 'down_revision = "newer"',
    'x = 1; down_revision = "old"; y = "old"': 'x = 1; down_revision = "newer"; y = "old"',
    'x = "ü"; down_revision = "old"': 'x = "ü"; down_revision = "newer"',
    'down_revision = "first"\ndown_revision = "old"': 'down_revision = "first"\ndown_revision = "newer"',
}

SCRIPT = '''"""Ümläut: what it does

Revision ID: mine
Revises: {old}
"""
from typing import Union
revision = "mine"
{said}
depends_on = None

def upgrade():
    pass  # "old" is old, Revises: old
'''


@pytest.mark.parametrize(("said", "then"), SAID.items(), ids=list(SAID))
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_nothing_but_the_parent_is_exchanged(said: str, then: str, ends: str, encoding: str) -> None:
    first = "# coding: latin-1\n" if encoding == "latin-1" else ""

    def text(old: str, said: str) -> bytes:
        return (first + SCRIPT.format(old=old, said=said)).replace("\n", ends).encode(encoding)

    old = "" if said.endswith("None") else "old"
    assert follow(text(old, said), "newer") == text("newer", then)


def test_quotes_are_those_of_the_revision_where_nothing_was_followed() -> None:
    assert follow(b"revision = 'a'\ndown_revision = None\n", "b") == b"revision = 'a'\ndown_revision = 'b'\n"


DOCSTRINGS = {
    "Revises: old": "Revises: newer",
    "  Revises: old": "  Revises: newer",
    "Revises:": "Revises:",
    "Revises: another": "Revises: another",
    "Revises: prices": "Revises: prices",
    "Revises: prices\nRevises: old\nRevises: old": "Revises: prices\nRevises: newer\nRevises: old",
    "Revises:\told   ": "Revises:\tnewer   ",
    "Revises: one, two": "Revises: one, two",
    "Revises: the way that we sell": "Revises: the way that we sell",
    "It Revises: old": "It Revises: old",
}


@pytest.mark.parametrize(("said", "then"), DOCSTRINGS.items(), ids=list(DOCSTRINGS))
@pytest.mark.parametrize("form", ['"""x\n{}\n"""', '"""{}"""', "'''\n{}'''", '"""x\n{}\n\nRevises: it\n"""'])
def test_the_docstring_says_it_too_where_it_named_what_was_followed(said: str, then: str, form: str) -> None:
    text = form + '\nrevision = "a"\ndown_revision = "old"\n'
    expected = text.format(then).replace('"old"', '"newer"')
    assert follow(text.format(said).encode(), "newer") == expected.encode()


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize(
    ("said", "then"), [("Revises:", "Revises: b"), ("Revises: ", "Revises: b"), ("Revises: c",) * 2]
)
def test_the_docstring_says_it_too_where_it_named_nothing_and_nothing_was_followed(
    said: str, then: str, ends: str
) -> None:
    text = '"""x\n{}\n"""\nrevision = "a"\ndown_revision = {}\n'.replace("\n", ends)
    assert follow(text.format(said, None).encode(), "b") == text.format(then, '"b"').encode()


@pytest.mark.parametrize("said", ['"old"', "None", '["old"]'])
@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_an_id_that_the_files_encoding_lacks_is_for_a_person(said: str, encoding: str) -> None:
    text = f'# coding: {encoding}\nrevision = "a"\ndown_revision = {said}\n'
    with pytest.raises(NotEdited, match="cannot say"):
        follow(text.encode(encoding), "каф")


def test_a_script_without_a_docstring_has_none_afterwards() -> None:
    text = b'# Revises: old\nrevision = "a"\ndown_revision = "old"\n'
    assert follow(text, "b") == text.replace(b'"old"', b'"b"')


@pytest.mark.parametrize(
    "text",
    [
        'revision = "a"\ndown_revision = f"{x}"\n',
        'revision = "a"\nbefore = "old"\ndown_revision = before\n',
        'revision = "a"\ndown_revision = "o" "ld"\n',
        'revision = "a"\ndown_revision = "o\\x6cd"\n',
        'revision = "a"\ndown_revision = ("one", "two")\n',
        'revision = "a"\ndown_revision = {"old"}\n',
        'revision = "a"\nif True:\n    down_revision = "old"\n',
        'revision = down_revision = "old"\n',
        'revision = "a"\n',
        'revision = "a"\ndown_revision = "old"\ndef broken(:\n',
        'before = down_revision = "old"\nrevision = "a"\n',
        'down_revision = "old"\nrevision = down_revision\n',
        "\0",
        "",
        "(" * 5000,
    ],
)
def test_what_is_said_in_another_way_is_left_alone(text: str) -> None:
    with pytest.raises(NotEdited):
        follow(text.encode(), "b")


@pytest.mark.parametrize("parent", ['"', "'", "a\\", "a\nb", "", "{x}"])
def test_no_id_becomes_code(parent: str) -> None:
    with pytest.raises(NotEdited):
        follow(b'revision = "a"\ndown_revision = "old"\n', parent)


pieces = st.lists(
    st.sampled_from(
        ['"old"', "'", '"', "\\", "\n", "\r\n", " ", "#", "down_revision", "=", ":", "revision", "None", "(", ")", ",",
         "ü", "Revises: old", '"""', "\f", ";", "\t", "def x(): pass", 'revision = "a"', 'down_revision = "old"']
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(pieces, pieces)
def test_whatever_stands_around_it_the_script_says_what_it_said_but_for_its_parent(before: str, behind: str) -> None:
    text = f'{before}\nrevision = "a"\ndown_revision = "old"\n{behind}'.encode()
    try:
        edited = follow(text, "newer")
    except NotEdited:
        return
    told, now = (
        {name: value for name, value in _values(content).items() if name != "down_revision"}
        for content in (text, edited)
    )
    assert told == now
    assert _values(edited)["down_revision"] in ("newer", "('newer',)", "['newer']")


def _values(content: bytes) -> dict[str, str]:
    """What the plain assignments of a module say, told in another way than by its positions."""
    found = {}
    assigned = [one for one in ast.parse(content).body if isinstance(one, ast.Assign)]
    for statement, target in [(one, target) for one in assigned for target in one.targets]:
        if isinstance(target, ast.Name):
            with contextlib.suppress(ValueError):
                found[target.id] = str(ast.literal_eval(statement.value))
    return found
