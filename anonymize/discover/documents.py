"""JSON documents of a sample: a rule for each path whose values look confidential."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from anonymize.discover.evidence import is_document
from anonymize.discover.forms import form_of
from anonymize.discover.insides import plain
from anonymize.discover.judging import ALMOST_ALL, Subject, fitted, judge
from anonymize.discover.people import People
from anonymize.discover.proposal import Judgement, Verdict, ask, keep
from anonymize.schema import Column

_MOST_PATHS = 40
_MOST_NAMES, _OFTEN = 32, 20
"""More names of members at one place, or one in fewer than a 20th of its objects, are taken for data."""
_MOST_VALUES = 300
_DEEPEST = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,39}")
_STAR = "*"
ALL_TEXT: Mapping[str, Any] = {"paths": {"$": "text"}}
"""Options of the kind json that change every leaf."""
_Path = tuple[str, ...]


@dataclass(slots=True)
class _Place:
    """A place in the documents: what stands there."""

    objects: int = 0
    members: dict[str, _Place] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """In how many of the objects a member is."""
    elements: _Place | None = None
    strings: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)

    @property
    def holds_others(self) -> bool:
        return bool(self.members) or self.elements is not None


def documents(values: Sequence[bytes]) -> list[Any]:
    """What is parsed of the values, if almost all of them are JSON objects and arrays; else []."""
    texts = [text for value in values if (text := plain(value)) is not None and is_document(text)]
    return [json.loads(text) for text in texts] if values and len(texts) >= ALMOST_ALL * len(values) else []


def judge_documents(subject: Subject, parsed: Sequence[Any], people: People) -> Judgement:
    """Rules for the paths that look confidential; each other path that was seen is kept or, in doubt, changed too."""
    root = _Place()
    for document in parsed:
        _walk(root, document, 0)
    what = f"JSON in {len(parsed)} of {len(subject.values)} values"
    if _has_names_of_data(root):
        return ask(f"{what}; some names of members look like data, and the kind json leaves those as they are")
    judged = dict(_judged(subject, root, (), subject.column.name, subject.table, people))
    replaced = {path: one for path, one in judged.items() if one.verdict is Verdict.REPLACE}
    paths = f"{len(judged)} path{'s' if len(judged) > 1 else ''}"
    doubtful = sum(one.verdict is Verdict.ASK for one in judged.values())
    if not replaced:
        return (
            ask(f"{what} with {paths}, in {doubtful} of which nothing was recognized")
            if doubtful
            else keep(f"{what} with {paths}, and nothing confidential found in them")
        )
    why = f"{what}; {len(replaced)} of {paths} {'look' if len(replaced) > 1 else 'looks'} confidential"
    confidence = max(one.confidence for one in replaced.values())
    if len(judged) > _MOST_PATHS:
        return fitted(subject, Judgement(Verdict.REPLACE, f"{why}: too many to list", "json", ALL_TEXT, confidence))
    rules = {written(path): _rule(one) for path, one in judged.items() if one.verdict is not Verdict.ASK}
    options = {"paths": rules, "other": "text"}
    if doubtful:
        why += f", {doubtful} may be and will be changed, too"
    return fitted(subject, Judgement(Verdict.REPLACE, why, "json", options, confidence))


def written(path: _Path) -> str:
    """A path as markup has it."""
    return "$" + "".join("[*]" if step == _STAR else f".{step}" for step in path)


def _rule(one: Judgement) -> str | Mapping[str, Any]:
    return {"kind": one.kind, **one.options} if one.options else one.kind


def _walk(place: _Place, value: Any, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        place.objects += 1
        for name, member in value.items():
            place.counts[name] += 1
            _walk(place.members.setdefault(name, _Place()), member, depth + 1)
    elif isinstance(value, list):
        place.elements = place.elements or _Place()
        for element in value:
            _walk(place.elements, element, depth + 1)
    elif isinstance(value, str):
        if value and len(place.strings) < _MOST_VALUES:
            place.strings.append(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and len(place.numbers) < _MOST_VALUES:
        place.numbers.append(str(value))


def _has_names_of_data(place: _Place) -> bool:
    names = place.counts
    if len(names) > _MOST_NAMES or any(not _NAME.fullmatch(name) or form_of(name) is not None for name in names):
        return True
    if any(count * _OFTEN < place.objects for count in names.values()) and len(names) > _MOST_NAMES // 2:
        return True
    return any(map(_has_names_of_data, _below(place)))


def _below(place: _Place) -> Iterable[_Place]:
    return (*place.members.values(), *([place.elements] if place.elements is not None else []))


def _judged(
    subject: Subject, place: _Place, path: _Path, name: str, above: str, people: People
) -> Iterator[tuple[_Path, Judgement]]:
    """What is thought of each place with strings or numbers; `above` takes the part of the table's name."""
    if place.strings or place.numbers:
        yield path, _judge_leaf(subject, place, name, above, people)
    if place.elements is not None:
        yield from _judged(subject, place.elements, (*path, _STAR), name, above, people)
    for member, its in place.members.items():
        yield from _judged(subject, its, (*path, member), member, name, people)


def _judge_leaf(subject: Subject, place: _Place, name: str, above: str, people: People) -> Judgement:
    type = "" if place.strings else "bigint" if all(map(_is_whole, place.numbers)) else "double"
    values = [one.encode("utf-8", "surrogatepass") for one in (*place.strings, *place.numbers)]
    leaf = Subject(above, Column(name, type), values, subject.rows)
    one = judge(leaf, people)
    if one.verdict is Verdict.KEEP and place.holds_others:
        return ask("it holds others, too")  # a rule to keep would hold for what is below it
    if one.verdict is Verdict.REPLACE and (one.kind == "null" or place.holds_others):
        return Judgement(Verdict.REPLACE, one.why, "text", {}, one.confidence)
    return one


def _is_whole(number: str) -> bool:
    return number.lstrip("-").isdigit()
