"""From a column's name, type and sample to what should be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from anonymize.discover.evidence import Evidence, evidence
from anonymize.discover.families import Family, family_of
from anonymize.discover.fitting import fitting
from anonymize.discover.name_rules import HARMLESS, SENSITIVE, said_by_name
from anonymize.discover.names import NameRule, ends_with
from anonymize.discover.people import People
from anonymize.discover.proposal import Judgement, Verdict, ask, keep
from anonymize.schema import Column

ALMOST_ALL, SOME = 0.9, 0.1
_PERSONS, _NAMES, _CITIES = 0.25, 0.4, 0.5
"""The pools do not know all names; where so many are known, all are taken for names."""
_DIFFERENT = 10
_FEW, _OFTEN = 20, 5
"""A choice has at most so many different values, each there so many times on average."""
_SURE = 0.5
_LEAST_VALUES, _LEAST_FOR_A_CHOICE = 5, 20
_GENERAL = frozenset({"text", "username", "redact", "hex"})
"""Kinds for what has no form of its own: values that all have one tell better."""
_PLACES = frozenset(
    {
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
    }
)
_TEXTS = (Family.TEXT, Family.BYTES)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: a column, or a place in documents that is taken for one."""

    table: str
    column: Column
    values: Sequence[bytes]
    rows: int
    """How many rows were looked at."""
    unique: bool = False
    """It is part of a unique key."""


def judge(subject: Subject, people: People) -> Judgement:
    """What should be done with it, documents left aside: see `anonymize.discover.documents`."""
    family = family_of(subject.column)
    rule = said_by_name(subject.table, subject.column.name, family, subject.column.length)
    if family not in _TEXTS:
        return _of_no_text(subject, family, rule)
    seen = evidence(subject.values, people)
    found = _best(_by_content(seen), _by_name(rule, family, seen))
    if found is None:
        return _nothing_found(subject, family, seen)
    if found.verdict is not Verdict.REPLACE:
        return found
    return fitted(subject, found)


def fitted(subject: Subject, found: Judgement) -> Judgement:
    """A replacement as it can be had: with another kind if the column, or its values, do not take the wished one."""
    fits = fitting((found.kind, found.options), subject.column, subject.values, unique=subject.unique)
    if fits is None:
        return ask(
            f"{found.why}; no kind fits that keeps them different" if subject.unique else f"{found.why}; no kind fits"
        )
    kind, options, why = fits
    return replace(found, kind=kind, options=options, why=f"{found.why} ({why})" if why else found.why)


def _of_no_text(subject: Subject, family: Family, rule: NameRule | None) -> Judgement:
    name = subject.column.name
    if ends_with(name, SENSITIVE):
        if family is Family.CHOICE and len(subject.column.members) > 1:
            return fitted(subject, Judgement(Verdict.REPLACE, "its name says something of a person", "enum", {}, 0.6))
        return ask("its name says something of a person")
    if rule is not None:
        why = f"its name says that it is {rule.says}"
        return fitted(subject, Judgement(Verdict.REPLACE, why, rule.kinds[family], rule.options, rule.weight))
    if family is Family.INTEGER and (cards := _cards(subject)):
        return fitted(subject, Judgement(Verdict.REPLACE, cards, "integer", {}, 0.8))
    if family is Family.UUID:
        return fitted(subject, Judgement(Verdict.REPLACE, "its type is uuid", "uuid", {}, 0.6))
    if subject.column.type in _PLACES:
        return ask("a place on a map")
    if family is Family.INET:
        return fitted(subject, Judgement(Verdict.REPLACE, "its type is an IP address", "ip", {}, 0.9))
    return keep(_why_kept(subject, family))


def _cards(subject: Subject) -> str:
    seen = evidence(subject.values, People(frozenset(), frozenset(), frozenset()))
    count = seen.forms.get("card", 0)
    sure = seen.looked >= _LEAST_VALUES and seen.share(count) >= ALMOST_ALL
    return f"{_percent(seen.share(count))} of {seen.looked} values are numbers of cards" if sure else ""


def _why_kept(subject: Subject, family: Family) -> str:
    different = len(set(subject.values))
    if family is Family.CHOICE:
        return f"a choice of {len(subject.column.members)}"
    if family is Family.INTEGER:
        if ends_with(subject.column.name, ("id",)):
            return "an id: a number"
        if subject.values and set(subject.values) <= {b"0", b"1"}:
            return "a flag"
        return f"a number, {different} different ones in {len(subject.values)}" if subject.values else "a number"
    if family in (Family.DATE, Family.TIME):
        return "a time"
    return {Family.DECIMAL: "a number", Family.FLOAT: "a number"}.get(family, f"of type {subject.column.type}")


def _by_content(seen: Evidence) -> Judgement | None:
    """What the values say; None where they say nothing."""
    if not seen.looked:
        return None
    few = 1.0 if seen.looked >= _LEAST_VALUES else 0.8
    form = seen.form
    if form is not None and seen.share(seen.forms[form.name]) >= ALMOST_ALL:
        why = f"{_percent(seen.share(seen.forms[form.name]))} of {seen.looked} values are {form.says}"
        return Judgement(Verdict.REPLACE, why, form.kind, form.options, form.weight * few)
    wrapped = sum(seen.wrapped.values())
    if seen.share(wrapped) >= ALMOST_ALL or (wrapped and seen.wrapped_confidential):
        return _of_wrapped(seen)
    people = _of_people(seen)
    if people is not None:
        return people
    formed = sum(seen.forms.values())
    if seen.share(seen.spoken) >= SOME and seen.spoken >= formed:
        return _of_free_text(seen)
    if form is not None and (seen.share(formed) >= SOME or form.weight >= ALMOST_ALL):
        says = f"{_percent(seen.share(seen.forms[form.name]))} of {seen.looked} values are {form.says}, others are not"
        return Judgement(Verdict.REPLACE, says, "text", {}, 0.6)
    if seen.spoken and (seen.mentions or seen.mentioned_people):
        return _of_free_text(seen)
    return None


def _of_people(seen: Evidence) -> Judgement | None:
    if seen.distinct < _DIFFERENT:
        return None
    for count, enough, kind, says, weight in (
        (seen.persons, _PERSONS, "name", "names of people", 0.9),
        (max(seen.first_names - seen.cities, 0), _NAMES, "first_name", "first names", 0.7),
        (seen.cities, _CITIES, "city", "cities", 0.7),
        (seen.last_names, _NAMES, "last_name", "last names", 0.7),
    ):
        if seen.share(count) >= enough:
            why = f"at least {_percent(seen.share(count))} of {seen.looked} values are {says}"
            return Judgement(Verdict.REPLACE, why, kind, {}, weight)
    return None


def _of_free_text(seen: Evidence) -> Judgement:
    what = f"free text in {_percent(seen.share(seen.spoken))} of {seen.looked} values"
    if seen.mentioned_people:
        return Judgement(Verdict.REPLACE, f"{what}, which names people; scrub would leave them", "text", {}, 0.8)
    if seen.mentions:
        found = ", ".join(sorted(seen.mentions))
        return Judgement(Verdict.REPLACE, f"{what}, with things inside: {found}; names would stay", "scrub", {}, 0.8)
    return ask(f"{what}; nothing was found in it by its form, but a name may stand there")


def _of_wrapped(seen: Evidence) -> Judgement:
    form, count = max(seen.wrapped.items(), key=lambda item: item[1])
    what = f"{_percent(seen.share(count))} of {seen.looked} values are {form}"
    if not seen.wrapped_confidential:
        return ask(f"{what}; nothing was found inside")
    kind = "base64" if form == "base64" and seen.share(count) == 1 else "redact"
    return Judgement(Verdict.REPLACE, f"{what}, with confidential things inside", kind, {}, 0.85)


def _by_name(rule: NameRule | None, family: Family, seen: Evidence) -> Judgement | None:
    if rule is None:
        return None
    if seen.looked and rule.name in ("free text", "path", "document"):
        return None  # their values tell
    kind, options = rule.kinds[family], rule.options
    if kind == "json":
        options = {"paths": {"$": "text"}}  # nothing is known of what is in it
    return Judgement(Verdict.REPLACE, f"its name says that it is {rule.says}", kind, options, rule.weight)


def _best(content: Judgement | None, name: Judgement | None) -> Judgement | None:
    """One judgement of two: they confirm each other, or the surer one wins."""
    if content is None or name is None:
        return content or name
    if content.verdict is Verdict.ASK:
        return replace(name, why=f"{name.why}; {content.why}")
    if content.kind == name.kind:
        sure = 1 - (1 - content.confidence) * (1 - name.confidence)
        options = content.options or name.options
        return replace(content, options=options, confidence=sure, why=f"{content.why}, and {name.why}")
    if name.kind in _GENERAL and content.kind not in ("text", "scrub", "redact"):
        return replace(
            content, why=f"{content.why}, and {name.why}", confidence=max(content.confidence, name.confidence)
        )
    if content.kind == "text" and name.confidence >= _SURE:
        return replace(name, why=f"{name.why}; {content.why}")
    first, second = (content, name) if content.confidence >= name.confidence else (name, content)
    return replace(first, why=f"{first.why}, though {second.why}")


def _nothing_found(subject: Subject, family: Family, seen: Evidence) -> Judgement:
    name = subject.column.name
    if ends_with(name, SENSITIVE):
        return ask("its name says something of a person, with few different values")
    if not seen.looked:
        if ends_with(name, HARMLESS):
            return keep("by its name; there are no values to look at")
        return ask(
            "there are no values to look at, and its name says nothing" if subject.rows else "the table is empty here"
        )
    what = f"{seen.distinct} different ones in {seen.looked} values"
    if seen.share(seen.not_text) >= SOME:
        return ask("bytes that nothing here can read")
    if seen.looked >= _LEAST_FOR_A_CHOICE and seen.distinct <= min(_FEW, seen.looked // _OFTEN):
        return keep(f"a choice: {what}")
    if ends_with(name, HARMLESS):
        return keep(f"by its name: {what}")
    if seen.share(seen.numbers) >= ALMOST_ALL:
        return ask(f"numbers written as text: {what}; they may say who somebody is")
    return ask(f"{what}, in which nothing was recognized")


def _percent(share: float) -> str:
    return f"{max(1, int(100 * share))} %"
