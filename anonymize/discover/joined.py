"""Columns of one name in several tables mean the same, so that they get the same pseudonyms and still join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anonymize.discover.families import Family, family_of
from anonymize.discover.fitting import fitting
from anonymize.discover.judging import Subject
from anonymize.discover.proposal import Judgement, Proposal, Verdict
from anonymize.discover.words import words

_OWN = frozenset({"email", "login", "user", "uuid", "fingerprint", "host", "node"})
"""Names of one word that mean the same in every table; "name", "value" and the like do not."""
_JOINABLE = frozenset({Verdict.REPLACE, Verdict.ASK, Verdict.KEEP})


def unified(proposals: Sequence[Proposal], subjects: Sequence[Subject]) -> list[Proposal]:
    """The same kind for text columns that have their name in common, where one fits all of them.

    `subjects` are those of the proposals, one each.
    """
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(proposals):
        name = one.column.name.lower()
        said = words(name)
        joins = len(said) > 1 or (said[:1] and said[0] in _OWN)
        if joins and family_of(one.column) is Family.TEXT and one.judgement.verdict in _JOINABLE:
            groups.setdefault(name, []).append(place)
    result = list(proposals)
    for places in groups.values():
        for place, judgement in _together(places, proposals, subjects):
            result[place] = replace(result[place], judgement=judgement)
    return result


def _together(
    places: Sequence[int], proposals: Sequence[Proposal], subjects: Sequence[Subject]
) -> list[tuple[int, Judgement]]:
    judged = [proposals[place].judgement for place in places]
    sure = [one for one in judged if one.verdict is Verdict.REPLACE and one.kind not in ("json", "scrub", "null")]
    if len(places) < 2 or not sure:
        return []
    for leader in sorted(sure, key=lambda one: one.confidence, reverse=True):
        rule = (leader.kind, leader.options)
        if all(_fits(rule, subjects[place]) for place in places):
            others = len(places) - 1
            note = f"joined by name with {others} other column{'s' if others > 1 else ''}"
            return [(place, _following(proposals[place].judgement, leader, note)) for place in places]
    return [
        (place, replace(one, why=f"{one.why}; columns of this name in other tables could not have the same kind"))
        for place, one in zip(places, judged, strict=True)
    ]


def _fits(rule: tuple[str, object], subject: Subject) -> bool:
    kind, options = rule
    assert isinstance(options, dict)
    found = fitting((kind, options), subject.column, subject.values, unique=subject.unique)
    return found is not None and found[0] == kind


def _following(one: Judgement, leader: Judgement, note: str) -> Judgement:
    if one.verdict is Verdict.REPLACE and (one.kind, one.options) == (leader.kind, leader.options):
        return replace(one, why=f"{one.why}; {note}")
    if one.verdict is Verdict.REPLACE:
        return replace(leader, why=f"{note}, where {leader.why}; by itself: {one.why}")
    return replace(leader, why=f"{note}, where {leader.why}")
