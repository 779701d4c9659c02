"""A view knows where in the text its bytes come from."""

from __future__ import annotations

import base64

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from migci.adapters.gate.finder import ExactFinder
from migci.adapters.gate.mapping import Span
from migci.adapters.gate.runs import Known
from migci.adapters.gate.views import views
from tests.unit.gate.leaks import ENCODINGS

NOT_ALWAYS_TOLD = {"plain", "UTF-16, little end first", "UTF-16, big end first"}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=8, max_size=60)
AROUND = st.text(st.sampled_from("abc XYZ019 .:,;=/-_(){}[]<>|!#"), max_size=40)


def told(text: bytes, value: bytes) -> set[Span]:
    """Where pieces of `value` are, as they are or in a view."""
    finder = ExactFinder({"a": [value]})
    found = {(start, end) for start, end, _ in finder.find(text)}
    for view in views(text):
        for start, end, _ in finder.find(view.data):
            found.update(view.sources(start, end))
    return found


@settings(max_examples=150, deadline=None)
@given(WORDS, AROUND, AROUND, st.sampled_from(sorted(ENCODINGS.keys() - NOT_ALWAYS_TOLD)))
def test_an_encoded_value_is_told_to_be_where_it_is(value: str, before: str, after: str, encoding: str) -> None:
    head = before.encode() + b" "
    assume(len(value.encode()) >= 8 and not told(head + b" " + after.encode(), value.encode()))
    encoded = ENCODINGS[encoding](value).encode()
    text = head + encoded + b" " + after.encode()
    spans = told(text, value.encode())
    assert spans
    covered = {at for start, end in spans for at in range(start, end)}
    rest = bytes(byte for at, byte in enumerate(text) if at not in covered)
    assert not told(rest, value.encode())
    for start, end in spans:
        assert len(head) - 7 <= start < end <= len(head) + len(encoded) + 7  # what is beside it may go on as it does


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_there_is_can_be_looked_through(text: bytes) -> None:
    for view in views(text):
        for start in range(len(view.data)):
            for first, last in view.sources(start, min(start + 8, len(view.data))):
                assert 0 <= first < last <= len(text)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [b"%41", b"\\x41", b"\\u0041", b"&#65;", b"''", b"QUJDREVGR0hJSktM", b"616263" * 4, b"+", b" x"]
        )
    )
)
def test_views_of_views_lead_back_to_the_text(parts: list[bytes]) -> None:
    text = b"".join(parts)
    for view in views(text):
        for first, last in view.sources(0, len(view.data)):
            assert 0 <= first < last <= len(text)


def test_all_places_of_a_run_are_told() -> None:
    run = base64.b64encode(b"Margarethe Vollbrecht")
    text = run + b" and " + run
    assert told(text, b"Vollbrecht") == {(14, 28), (14 + 33, 28 + 33)}


def test_a_run_in_which_nothing_was_found_is_not_looked_at_again() -> None:
    known = Known()
    text = b"information_schema of " + base64.b64encode(b"Margarethe Vollbrecht")
    finder = ExactFinder({"a": [b"Vollbrecht"]})

    def found(data: bytes) -> bool:
        return bool(finder.find(data))

    assert any(found(view.data) for view in views(text, known.look(text, finder.holds)))
    assert any(found(view.data) for view in views(text, known.look(text, finder.holds)))
    known.look(b"information_schema", finder.holds)
    known.nothing_found()
    assert known.look(b"information_schema", finder.holds) == (set(), 0)
    assert any(found(view.data) for view in views(text, known.look(text, finder.holds)))


def test_a_run_that_says_nothing_is_not_looked_at_and_one_that_says_something_is() -> None:
    run = base64.b64encode(b"Ada Lovelace")
    assert Known().look(run, lambda parts, lengths: False) == (set(), 0)
    assert Known().look(run, lambda parts, lengths: b"Lovelace" in parts) == ({run}, 0)


def test_text_without_encodings_has_no_views() -> None:
    assert not list(views(b"2026-11-21 16:06:36,123 INFO Running upgrade 0007 -> 0008 (5 of 10 s)\n"))
