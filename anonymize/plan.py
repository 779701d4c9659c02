"""The plan: from tables and markup to a decision for every column, and to everything that would go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from anonymize import foretold
from anonymize.decisions import Decision, Origin, Plan, Problem, TablePlan, computed_anew, name_of
from anonymize.dumps.columns import mentions
from anonymize.errors import UsageError
from anonymize.finding import Find, finder, key_of, split
from anonymize.kinds.kind import Made, Uniqueness
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.pseudonym import Key
from anonymize.rules import Kinds
from anonymize.schema import Column, ForeignKey, Schema, Table
from anonymize.unmatched import unmatched

_KEPT = Made(None, Uniqueness.BIJECTIVE)


@dataclass(frozen=True, slots=True)
class _Found:
    """The rule for a column, and where it comes from."""

    rule: Rule
    origin: Origin
    source: str
    home: Column


class Planner:
    """Makes plans from one markup. The same table always gets the same plan, as far as what it refers to is known."""

    def __init__(self, markup: Markup, kinds: Kinds, key: Key) -> None:
        self._markup = markup
        self._kinds = kinds
        self._key = key
        self._made: dict[tuple[str, str, Column], Made | UsageError] = {}

    def schema(self, schema: Schema) -> Plan:
        """The plan for all tables, with all problems, those of markup that matches nothing included."""
        find = finder(schema.tables.values())
        plans = {name_of(table): self.table(table, find) for table in schema.tables.values()}
        problems = [problem for plan in plans.values() for problem in plan.problems]
        return Plan(plans, (*problems, *unmatched(self._markup, schema.tables.values())))

    def table(self, table: Table, find: Find | None = None) -> TablePlan:
        """The plan for one table.

        `find` gives the tables that it refers to. One that is not known may still have markup; `finish` tells when
        that was not enough.
        """
        find = find or (lambda database, name: None)
        found = {column.name: self._found(table, column, find, frozenset()) for column in table.columns}
        decisions, problems = [], []
        for column in table.columns:
            if column.generated is None:
                decision, refused = self._decision(table, column, found[column.name])
                decisions.append(decision)
                problems += refused
        anew = _computed_anew(table, decisions)
        for column in table.columns:
            if column.generated is not None:
                decision, refused = self._generated(table, column, found[column.name], anew)
                decisions.append(decision)
                problems += refused
        order = {column.name: place for place, column in enumerate(table.columns)}
        decisions.sort(key=lambda one: order[one.column.name])
        problems += foretold.named_twice(table, self._markup.tables)
        problems += foretold.unmarked(table, decisions, known=self._markup_of(table) is not None)
        problems += foretold.within(table, decisions)
        problems += self._foreign_keys(table, decisions, find)
        return TablePlan(table, tuple(decisions), tuple(problems))

    def finish(self, plans: Iterable[TablePlan]) -> tuple[Problem, ...]:
        """What is wrong with plans that were made one at a time, now that all tables are known.

        These are new: markup that matched nothing, foreign keys whose other side was planned later and in another way.
        """
        plans = list(plans)
        find = finder(plan.table for plan in plans)
        problems: list[Problem] = []
        for early in plans:
            late = self.table(early.table, find)
            problems += [problem for problem in late.problems if problem not in early.problems]
            for before, after in zip(early.decisions, late.decisions, strict=True):
                if not foretold.same(before, after):
                    problems.append(foretold.too_late(early.table, before, after))
        return (*problems, *unmatched(self._markup, [plan.table for plan in plans]))

    def _markup_of(self, table: Table) -> tuple[str, TableMarkup] | None:
        return self._named(table.database, table.name)

    def _named(self, database: str | None, name: str) -> tuple[str, TableMarkup] | None:
        """The markup for a table, and what it calls the table; the letters' case counts only between two of them."""
        called = key_of(self._markup.tables, database, name)
        return None if called is None else (called, self._markup.tables[called])

    def _chain(self, database: str | None, name: str) -> Iterator[tuple[str, TableMarkup]]:
        """The markup for a table, and then of those that it is like."""
        seen: set[str] = set()
        found = self._named(database, name)
        while found is not None and found[0] not in seen:
            yield found
            seen.add(found[0])
            found = self._named(database, found[1].like) if found[1].like is not None else None

    def _found(self, table: Table, column: Column, find: Find, seen: frozenset[tuple[str, str]]) -> _Found | None:
        """The rule for a column: its own, that of a table like its own, of what it refers to, of the rest."""
        here = (name_of(table), column.name.lower())
        if here in seen:
            return None
        chain = list(self._chain(table.database, table.name))
        named = self._by_name(chain, column)
        if named is not None:
            return named
        referred = self._referred(table, column, find, seen | {here})
        if referred is not None:
            return referred
        for called, _ in chain[1:]:
            other = find(*split(called, table.database))
            its = _column(other, column.name) if other is not None else None
            if other is not None and its is not None:
                referred = self._referred(other, its, find, seen | {here})
                if referred is not None:
                    return replace(referred, origin=Origin.LIKE, source=called)
        for called, markup in chain:
            if markup.rest is not None:
                return _Found(markup.rest, Origin.REST, "" if called == chain[0][0] else called, column)
        return None

    def _by_name(self, chain: Iterable[tuple[str, TableMarkup]], column: Column) -> _Found | None:
        for place, (called, markup) in enumerate(chain):
            for name, rule in markup.columns.items():
                if name.lower() == column.name.lower():
                    origin, source = (Origin.LIKE, called) if place else (Origin.OWN, "")
                    return _Found(rule, origin, source, column)
        return None

    def _referred(self, table: Table, column: Column, find: Find, seen: frozenset[tuple[str, str]]) -> _Found | None:
        for key, name in _references(table, column):
            other = find(key.database or table.database, key.table)
            if other is None:
                found = self._by_name(
                    self._chain(key.database or table.database, key.table), replace(column, name=name)
                )
            else:
                its = _column(other, name or _primary(other, table, column, key))
                found = self._found(other, its, find, seen) if its is not None else None
                name = its.name if its is not None else name
            if found is not None:
                home = column if other is None else found.home
                return _Found(found.rule, Origin.FOREIGN_KEY, f"{key.table}.{name}", home)
        return None

    def _decision(self, table: Table, column: Column, found: _Found | None) -> tuple[Decision, list[Problem]]:
        if found is None:
            return Decision(column, Origin.NONE), []
        made = self._make(found)
        if isinstance(made, UsageError):
            problem = foretold.not_made(table, column, found.rule, made)
            return Decision(column, found.origin, found.source, found.rule, None, found.home), [problem]
        return Decision(column, found.origin, found.source, found.rule, made, found.home), []

    def _make(self, found: _Found) -> Made | UsageError:
        """The kind, made for the column at the end of the foreign keys, so that all who refer to it have the same."""
        asked = (found.rule.kind, repr(found.rule.options), found.home)
        if asked not in self._made:
            try:
                kind = self._kinds(found.rule.kind)
                if kind.types and found.home.type and found.home.type not in kind.types:
                    raise foretold.wrong_type(found.rule, found.home, kind.types)
                self._made[asked] = kind.make(found.rule.options, found.home, self._key)
            except UsageError as error:
                self._made[asked] = error
        return self._made[asked]

    def _generated(
        self, table: Table, column: Column, found: _Found | None, anew: Mapping[str, tuple[str, Uniqueness]]
    ) -> tuple[Decision, list[Problem]]:
        """A generated column has no value of its own: it is computed anew if anything that it mentions is replaced."""
        problems = []
        if found is not None and found.origin is not Origin.REST and found.rule.kind != "keep":
            problems.append(foretold.generated(table, column, found.rule))
        if column.name in anew:
            source, uniqueness = anew[column.name]
            return Decision(column, Origin.GENERATED, source, None, computed_anew(uniqueness), column), problems
        if found is not None and found.rule.kind == "keep":
            return Decision(column, found.origin, found.source, found.rule, _KEPT, column), problems
        return Decision(column, Origin.GENERATED, "", None, _KEPT, column), problems

    def _foreign_keys(self, table: Table, decisions: Iterable[Decision], find: Find) -> Iterator[Problem]:
        for decision in decisions:
            for key, name in _references(table, decision.column):
                other = find(key.database or table.database, key.table)
                its = (
                    _column(other, name or _primary(other, table, decision.column, key)) if other is not None else None
                )
                if other is None or its is None:
                    continue
                theirs, _ = self._decision(other, its, self._found(other, its, find, frozenset()))
                if decision.decided and theirs.decided and not foretold.same(decision, theirs):
                    yield foretold.foreign_key(table, decision, other, theirs)


def _column(table: Table, name: str | None) -> Column | None:
    return next((one for one in table.columns if name is not None and one.name.lower() == name.lower()), None)


def _references(table: Table, column: Column) -> Iterator[tuple[ForeignKey, str]]:
    """The foreign keys that a column is in, and what it refers to; "" where the key does not name it."""
    for key in table.foreign_keys:
        for place, name in enumerate(key.columns):
            if name.lower() == column.name.lower():
                yield key, key.references[place] if key.references else ""


def _primary(other: Table, table: Table, column: Column, key: ForeignKey) -> str | None:
    """The column of the other's primary key at the same place as `column` in the foreign key."""
    primary = other.unique[0] if other.unique else ()
    place = [name.lower() for name in key.columns].index(column.name.lower())
    return primary[place] if place < len(primary) else None


def _computed_anew(table: Table, decisions: Iterable[Decision]) -> dict[str, tuple[str, Uniqueness]]:
    """The generated columns that mention replaced ones, or such generated ones: with those, and whether they differ."""
    replaced = {one.column.name: one.made.uniqueness for one in decisions if one.replaced and one.made is not None}
    found: dict[str, tuple[str, Uniqueness]] = {}
    waiting = [column for column in table.columns if column.generated is not None]
    while True:
        known = replaced | {name: uniqueness for name, (_, uniqueness) in found.items()}
        new = {
            column.name: mentioned
            for column in waiting
            if column.name not in found and (mentioned := mentions(column.generated or "", known))
        }
        if not new:
            return found
        for name, mentioned in new.items():
            lossy = any(known[one] is Uniqueness.LOSSY for one in mentioned)
            found[name] = (
                ", ".join(sorted(mentioned)),
                Uniqueness.LOSSY if lossy else Uniqueness.COLLISION_FREE,
            )
