"""versions.json, read strictly: what a parser of JSON would pass over is told, with its line; and written."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migci.adapters.scripts.versions_json import Entry, dumps_ids, dumps_numbers, read

TWO = """{
  "133": ["folsom.py"],
  "134": ["add_counters.py", "add_counters_sqlite.sql"]
}
"""


def wrong(text: str) -> list[tuple[str, int | None]]:
    return [(one.message, one.line) for one in read(text.encode()).mistakes]


def test_numbers_are_read_with_their_files_and_lines() -> None:
    found = read(TWO.encode())
    assert found.numbered
    assert found.mistakes == ()
    assert found.entries == (
        Entry("133", ("folsom.py",), 2),
        Entry("134", ("add_counters.py", "add_counters_sqlite.sql"), 3),
    )


def test_ids_are_read_with_their_lines() -> None:
    found = read(b'[\n  "1f2e",\n  "ae10"\n]\n')
    assert found.numbered is False
    assert found.entries == (Entry("1f2e", (), 2), Entry("ae10", (), 3))


def test_the_layout_does_not_matter() -> None:
    squeezed = '{"133":["folsom.py"],"134":["add_counters.py","add_counters_sqlite.sql"]}'
    wide = TWO.replace("[", "[\n").replace("\n", "\r\n")
    for text in (squeezed, wide, "\ufeff" + TWO):
        assert [(one.id, one.files) for one in read(text.encode()).entries] == [
            (one.id, one.files) for one in read(TWO.encode()).entries
        ]
    assert read(rb'{"1": ["caf\u00e9.py"]}').entries == (Entry("1", ("café.py",), 1),)


def test_an_empty_file_of_either_form_is_fine() -> None:
    assert (read(b"{}").numbered, read(b"{}").mistakes) == (True, ())
    assert (read(b"[]").numbered, read(b"[]").mistakes) == (False, ())


def test_a_number_that_is_there_twice_is_told_though_a_parser_would_keep_the_last() -> None:
    text = '{\n"133": ["a.py"],\n"134": ["b.py"],\n"134": ["c.py"]\n}'
    assert json.loads(text)["134"] == ["c.py"]
    assert wrong(text) == [("has the number 134 twice: b.py; and c.py", 4)]
    found = read(text.encode())
    assert [one.files for one in found.entries] == [("a.py",), ("b.py",)]
    assert found.repeated == ("c.py",)
    assert found.mistakes[0].hint == "give the newer one the next number: migci versions rebase"


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ('{\n"134": ["b.py"],\n"133": ["a.py"]}', "lists 133 behind 134", 3),
        ('{"007": ["a.py"]}', "has the key '007', which is no number", 1),
        ('{"x": ["a.py"]}', "has the key 'x', which is no number", 1),
        ('{"-1": ["a.py"]}', "has the key '-1', which is no number", 1),
        ('{"\\u0661": ["a.py"]}', "has the key '\u0661', which is no number", 1),
        ('{"1": "a.py"}', "says of '1' what is no list of file names", 1),
        ('{"1": []}', "says of '1' what is no list of file names", 1),
        ('{"1": ["a.py", 2]}', "says of '1' what is no list of file names", 1),
        ('{"1": [["a.py"]]}', "says of '1' what is no list of file names", 1),
        ('{"1": {"a.py": ["b.py"]}}', "says of '1' what is no list of file names", 1),
        ('{"1": {}}', "says of '1' what is no list of file names", 1),
        ('{"1": null}', "says of '1' what is no list of file names", 1),
        ('{"0": ["a.py"]}', "has the key '0', which is no number", 1),
        ('{"1": ["README"]}', "lists 'README', which is no name of a script", 1),
        ('{"1": ["a.py", "b.py"]}', "lists for 1 what only one file can be: a.py, b.py", 1),
        ('{"1": ["a_x.sql", "b_x_upgrade.sql"]}', "lists for 1 what only one file can be: a_x.sql, b_x_upgrade.sql", 1),
        ('{"1": ["../a.py"]}', "lists '../a.py', which is no name of a file beside it", 1),
        ('{"1": ["/etc/passwd"]}', "lists '/etc/passwd', which is no name of a file beside it", 1),
        ('{"1": [".."]}', "lists '..', which is no name of a file beside it", 1),
        ('{"1": [""]}', "lists '', which is no name of a file beside it", 1),
        ('{"1": ["a.py"],\n"2": ["a.py"]}', "lists a.py twice: as 1 and as 2", 2),
        ('["a",\n"b",\n"a"]', "lists a twice", 3),
        ('["a", 2]', "lists 2, which is no id", None),
        ('["a", ["b"]]', 'lists ["b"], which is no id', None),
        ("3", "holds neither numbers with their files nor a list of ids", 1),
        ("null", "holds neither numbers with their files nor a list of ids", 1),
        ("", "is not JSON: Expecting value", 1),
        ('{\n"1": ["a.py"],\n}', "is not JSON: Expecting property name enclosed in double quotes", 3),
        ('{\n"1": ["a.py"]\n"2": ["b.py"]\n}', "is not JSON: Expecting ',' delimiter", 3),
        ('{\n<<<<<<< HEAD\n"1": ["a.py"]\n=======\n"1": ["b.py"]\n>>>>>>> x\n}', "holds a conflict of git's", 2),
    ],
)
def test_each_mistake_is_told_with_its_line(text: str, message: str, line: int | None) -> None:
    assert (message, line) in wrong(text)


def test_what_is_no_text_or_nested_without_end_is_told() -> None:
    assert [(one.message, one.line) for one in read(b'{\n"1": ["\xff.py"]}').mistakes] == [
        ("is not UTF-8: invalid start byte", 2)
    ]
    (deep,) = read(b"[" * 200_000).mistakes
    assert deep.message.startswith("is not JSON that can be read: ")
    assert deep.hint.startswith("take trunk's: git checkout TRUNK -- versions.json")
    assert read(b'{"1": ' + b"9" * 10_000 + b"}").mistakes


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda name: not name.startswith(".")
)


scripts = st.tuples(
    names.filter(lambda name: name.isprintable() and "\\" not in name),
    st.lists(st.sampled_from((".py", "_sqlite_upgrade.sql", "_mysql.sql")), min_size=1, unique=True),
).map(lambda one: [one[0] + ending for ending in one[1]])


@given(st.dictionaries(st.integers(1, 10**18 - 1), scripts, max_size=6))
def test_what_is_written_is_read_again(numbers: dict[int, list[str]]) -> None:
    taken: set[str] = set()
    entries = {}
    for number in sorted(numbers):
        files = [name for name in dict.fromkeys(numbers[number]) if name not in taken]
        if files:
            entries[str(number)] = files
            taken |= set(files)
    written = dumps_numbers(entries)
    found = read(written.encode())
    assert found.mistakes == ()
    assert {one.id: list(one.files) for one in found.entries} == entries == json.loads(written)
    assert [one.line for one in found.entries] == list(range(2, 2 + len(entries)))


@given(st.lists(names, unique=True, max_size=6))
def test_a_list_that_is_written_is_read_again(ids: list[str]) -> None:
    found = read(dumps_ids(ids).encode())
    assert found.mistakes == ()
    assert [one.id for one in found.entries] == ids == json.loads(dumps_ids(ids))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()) | st.text().map(str.encode))
@example(b'{"1": ["a", "b"], "1": ["c"], "x": [], "2": [1]}')
@example(b'{"1": [NaN], "2": Infinity}')
def test_whatever_the_file_holds_it_is_read(content: bytes) -> None:
    found = read(content)
    assert found.numbered is not None or found.mistakes
    assert len({one.id for one in found.entries}) == len(found.entries)
