"""The use case: a dump, and the markup that there is already, to a proposal for every column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from anonymize import kinds
from anonymize.decisions import Origin, Plan, name_of
from anonymize.discover.documents import ALL_TEXT, documents, judge_documents
from anonymize.discover.joined import unified
from anonymize.discover.judging import Subject, fitted, judge
from anonymize.discover.people import People
from anonymize.discover.proposal import Judgement, Proposal, Verdict, ask, left
from anonymize.discover.sampling import Sampled
from anonymize.finding import Find, finder
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.merging import merged
from anonymize.plan import Planner
from anonymize.pseudonym import Key
from anonymize.schema import Column, Schema, Table

Second = Callable[[Subject, Judgement], Judgement]
"""A second opinion: what somebody else, who sees the first judgement, thinks of a column."""
_KEY = Key(b"what is planned does not hang on the key")
_IN_POOLS = ("name", "first_name", "last_name", "company", "street", "city")


def proposals(
    sampled: Sampled, markup: Markup, people: People, *, locale: str | None = None, second: Second | None = None
) -> list[Proposal]:
    """What should be done with each column of the dump's tables, in their order.

    With the markup of `markup_of(...)` over `markup`, a plan has no errors but for the columns that are asked for, and
    for those of `markup` itself. `locale` is for names of people and places.
    """
    find = finder(sampled.tables)
    planned = Planner(markup, kinds.find, _KEY).schema(_schema(sampled.tables))
    found: list[Proposal] = []
    subjects: list[Subject] = []
    for table in sampled.tables:
        for column in table.columns:
            subject = _subject(sampled, table, column)
            judgement = _left_out(planned, table, column, find)
            if judgement is None:
                judgement = _judged(subject, column in _computed(sampled, table), people)
                if second is not None:
                    judgement = second(subject, judgement)
            found.append(Proposal(table, column, judgement))
            subjects.append(subject)
    located = [_located(one, locale) for one in unified(found, subjects)]
    return _planned(located, markup, sampled.tables)


def markup_of(found: Iterable[Proposal]) -> Markup:
    """The proposals as markup: what is kept, and what is replaced."""
    tables: dict[str, dict[str, Rule]] = {}
    for one in found:
        if one.judgement.verdict in (Verdict.KEEP, Verdict.REPLACE):
            rule = Rule(one.judgement.kind, one.judgement.options)
            tables.setdefault(name_of(one.table), {})[one.column.name] = rule
    return Markup({name: TableMarkup(columns) for name, columns in tables.items()})


def _subject(sampled: Sampled, table: Table, column: Column) -> Subject:
    sample = sampled.of(table)
    reservoir = sample.columns.get(column.name.lower())
    unique = any(column.name.lower() == name.lower() for key in table.unique for name in key)
    return Subject(table.name, column, reservoir.values if reservoir else (), sample.rows, unique)


def _computed(sampled: Sampled, table: Table) -> list[Column]:
    return [column for column in table.columns if column.name.lower() in sampled.of(table).computed]


def _judged(subject: Subject, computed: bool, people: People) -> Judgement:
    if computed:
        return ask("some of its values are no plain ones but computed, and cannot be looked at")
    parsed = documents(subject.values)
    if parsed:
        return judge_documents(subject, parsed, people)
    if subject.column.type == "json":
        why = "JSON, but few objects and lists" if subject.values else "JSON, and there are no values to look at"
        return fitted(subject, Judgement(Verdict.REPLACE, why, "json", ALL_TEXT, 0.5))
    return judge(subject, people)


def _left_out(planned: Plan, table: Table, column: Column, find: Find) -> Judgement | None:
    """Why nothing is proposed for a column; None if something should be."""
    decision = next(one for one in planned.tables[name_of(table)].decisions if one.column.name == column.name)
    if column.generated is not None:
        return left("it is computed from other columns, which decide")
    if decision.origin is Origin.FOREIGN_KEY:
        return left(f"it inherits from {decision.source}, which it refers to")
    if decision.origin is not Origin.NONE:
        return left("the markup says it already")
    for key in table.foreign_keys:
        if column.name.lower() in [name.lower() for name in key.columns]:
            place = [name.lower() for name in key.columns].index(column.name.lower())
            other = find(key.database or table.database, key.table)
            if other is None or (other.name.lower() == table.name.lower() and not key.references):
                continue
            names = key.references or (other.unique[0] if other.unique else ())
            if place < len(names) and names[place].lower() in [one.name.lower() for one in other.columns]:
                return left(f"it inherits from {other.name}.{names[place]}, which it refers to")
    return None


def _located(one: Proposal, locale: str | None) -> Proposal:
    if locale is None or one.judgement.kind not in _IN_POOLS:
        return one
    options = {**one.judgement.options, "locale": locale}
    return replace(one, judgement=replace(one.judgement, options=options))


def _planned(found: Sequence[Proposal], markup: Markup, tables: Sequence[Table]) -> list[Proposal]:
    """The proposals without those that a plan refuses: a person has to decide on these."""
    result = list(found)
    while True:
        both, _ = merged([markup, markup_of(result)])
        plan = Planner(both, kinds.find, _KEY).schema(_schema(tables))
        refused: dict[tuple[str, str], str] = {}
        for one in plan.errors:
            if one.id not in ("unmarked", "unknown-table"):
                for place in _sources(plan, one.table, one.column or ""):
                    refused.setdefault(place, one.message)
        again = [_asked(one, refused) for one in result]
        if again == result:
            return result
        result = again


def _sources(plan: Plan, table: str, column: str) -> Iterator[tuple[str, str]]:
    """A column, and those that it inherits from, one from the other; the columns in lower case."""
    find = finder(its.table for its in plan.tables.values())
    seen: set[tuple[str, str]] = set()
    while (table, column.lower()) not in seen:
        seen.add((table, column.lower()))
        yield table, column.lower()
        its = plan.tables.get(table)
        decisions = its.decisions if its is not None else ()
        decision = next((one for one in decisions if one.column.name.lower() == column.lower()), None)
        if its is None or decision is None or decision.origin is not Origin.FOREIGN_KEY:
            return
        called, _, column = decision.source.rpartition(".")
        other = find(its.table.database, called)
        table = name_of(other) if other is not None else called


def _asked(one: Proposal, refused: dict[tuple[str, str], str]) -> Proposal:
    reason = refused.get((name_of(one.table), one.column.name.lower()))
    if reason is None or one.judgement.verdict is not Verdict.REPLACE:
        return one
    return replace(
        one, judgement=ask(f"{one.judgement.why}; but as {one.judgement.kind!r} a plan refuses it: {reason}")
    )


def _schema(tables: Iterable[Table]) -> Schema:
    return Schema({name_of(table): table for table in tables})
