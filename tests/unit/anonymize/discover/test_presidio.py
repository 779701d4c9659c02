"""Presidio is asked where it is there, about what nobody knows, and is not needed."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from anonymize.discover.judging import Subject
from anonymize.discover.presidio import MOST_VALUES, Opinion, analyzer
from anonymize.discover.proposal import Judgement, Verdict, ask, keep
from anonymize.errors import UsageError
from anonymize.schema import Column


@dataclass(frozen=True)
class Result:
    entity_type: str
    start: int
    end: int
    score: float


class StandIn:
    """Finds what it is told to: a word's kind of thing, wherever it stands."""

    def __init__(self, **words: str) -> None:
        self.words = words
        self.asked = 0

    def __call__(self, text: str) -> Sequence[Result]:
        self.asked += 1
        return [
            Result(entity, text.index(word), text.index(word) + len(word), 0.9)
            for word, entity in self.words.items()
            if word in text
        ]


def subject(*values: str, unique: bool = False) -> Subject:
    return Subject("t", Column("c", "varchar", 200), [one.encode() for one in values], len(values), unique)


def test_a_column_whose_values_it_takes_for_people_is_replaced_by_names() -> None:
    found = Opinion(StandIn(Zoltan="PERSON"))(subject("Zoltan", "Zoltan", "blue"), ask("nobody knows"))
    assert (found.verdict, found.kind) == (Verdict.REPLACE, "name")
    assert found.why == "Presidio takes 2 of 3 values for PERSON"


def test_people_inside_of_texts_make_text_of_what_would_be_scrubbed() -> None:
    first = Judgement(Verdict.REPLACE, "free text", "scrub", {}, 0.8)
    found = Opinion(StandIn(Zoltan="PERSON"))(subject("spoke with Zoltan about it", "nobody"), first)
    assert found.kind == "text"


def test_what_is_found_already_is_not_asked_about() -> None:
    stand_in, first = StandIn(Zoltan="PERSON"), Judgement(Verdict.REPLACE, "known", "email", {}, 0.9)
    assert Opinion(stand_in)(subject("Zoltan"), first) is first
    assert stand_in.asked == 0


def test_a_column_in_which_it_finds_nothing_stays_as_it_was() -> None:
    first = keep("a choice")
    assert Opinion(StandIn(Monday="DATE_TIME"))(subject("Monday", "blue"), first) is first
    assert Opinion(StandIn())(subject(), first) is first


def test_names_in_a_unique_key_are_left_to_a_person() -> None:
    assert Opinion(StandIn(Zoltan="PERSON"))(subject("Zoltan", unique=True), ask("?")).verdict is Verdict.ASK


def test_it_is_asked_about_a_few_values_alone() -> None:
    stand_in = StandIn()
    Opinion(stand_in)(subject(*map(str, range(500))), ask("?"))
    assert stand_in.asked == MOST_VALUES


def test_without_presidio_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(UsageError, match="Presidio is not installed") as caught:
        analyzer()
    assert "pip install presidio-analyzer" in caught.value.hint


def test_without_a_model_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def engine() -> None:
        raise OSError("no model")

    monkeypatch.setitem(sys.modules, "presidio_analyzer", types.SimpleNamespace(AnalyzerEngine=engine))
    with pytest.raises(UsageError, match="no model"):
        analyzer()


def test_the_analyzer_is_given_the_text_and_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine:
        def analyze(self, *, text: str, language: str) -> list[Result]:
            return [Result(f"{text} {language}", 0, 1, 1.0)]

    monkeypatch.setitem(sys.modules, "presidio_analyzer", types.SimpleNamespace(AnalyzerEngine=Engine))
    assert [one.entity_type for one in analyzer()("hello")] == ["hello en"]
