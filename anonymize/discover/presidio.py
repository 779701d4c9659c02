"""A second opinion from Presidio's analyzer, where it is installed."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from anonymize.discover.families import Family, family_of
from anonymize.discover.insides import plain
from anonymize.discover.judging import Subject
from anonymize.discover.proposal import Judgement, Verdict, ask
from anonymize.errors import UsageError

MOST_VALUES = 50
"""How many values of a column it is asked about: it takes milliseconds for each."""
_LONGEST = 2000
_SURE, _WHOLE = 0.6, 0.8
_SHARE, _SOME = 0.5, 0.1
_KINDS = {
    "PERSON": "name", "EMAIL_ADDRESS": "email", "PHONE_NUMBER": "phone", "IP_ADDRESS": "ip", "LOCATION": "city",
    "URL": "url", "ORGANIZATION": "company",
}  # fmt: skip
_NOT_PERSONAL = frozenset({"DATE_TIME", "URL"})


class Result(Protocol):
    """What the analyzer finds in a text."""

    @property
    def entity_type(self) -> str: ...

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def score(self) -> float: ...


Analyze = Callable[[str], Sequence[Result]]


def analyzer(language: str = "en") -> Analyze:
    """Presidio's. Raises UsageError if it is not installed, or finds no model of the language."""
    try:
        engine: Any = importlib.import_module("presidio_analyzer").AnalyzerEngine()
    except ImportError as error:
        raise UsageError(
            "Presidio is not installed",
            "pip install presidio-analyzer && python -m spacy download en_core_web_lg, or leave out --presidio",
        ) from error
    except (OSError, SystemExit, ValueError) as error:  # spaCy's ways to say that a model is not there
        raise UsageError(
            "Presidio has no model of the language", "python -m spacy download en_core_web_lg, or leave out --presidio"
        ) from error
    return lambda text: list(engine.analyze(text=text, language=language))


@dataclass(frozen=True, slots=True)
class Opinion:
    """Asks the analyzer about text of which nobody knows what it is, or that would be kept or scrubbed."""

    analyze: Analyze

    def __call__(self, subject: Subject, first: Judgement) -> Judgement:
        asked = first.verdict in (Verdict.KEEP, Verdict.ASK) or first.kind == "scrub"
        if not asked or family_of(subject.column) is not Family.TEXT:
            return first
        texts = [text[:_LONGEST] for value in subject.values[:MOST_VALUES] if (text := plain(value))]
        if not texts:
            return first
        whole: Counter[str] = Counter()
        inside: Counter[str] = Counter()
        for text in texts:
            results = [one for one in self.analyze(text) if one.score >= _SURE]
            whole.update({one.entity_type for one in results if one.end - one.start >= _WHOLE * len(text)})
            inside.update({one.entity_type for one in results})
        return _judged(subject, first, len(texts), whole, inside)


def _judged(subject: Subject, first: Judgement, count: int, whole: Counter[str], inside: Counter[str]) -> Judgement:
    for entity, found in whole.most_common():
        if found >= _SHARE * count and entity in _KINDS:
            why = f"Presidio takes {found} of {count} values for {entity}"
            if subject.unique:
                return ask(f"{why}; the column is in a unique key")
            refusing = entity in ("PHONE_NUMBER", "IP_ADDRESS") and found < count
            return Judgement(Verdict.REPLACE, why, "text" if refusing else _KINDS[entity], {}, 0.7)
    personal = {entity: found for entity, found in inside.items() if entity not in _NOT_PERSONAL}
    if personal and max(personal.values()) >= _SOME * count and not subject.unique:
        why = f"Presidio finds {', '.join(sorted(personal))} in values, {max(personal.values())} of {count}"
        return Judgement(Verdict.REPLACE, why, "text", {}, 0.6)
    return first
