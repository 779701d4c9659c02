"""What is expected of the columns of a dump: their numbers, the relations between them, and what may stay or return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from anonymize import engine
from anonymize.decisions import Decision, TablePlan, name_of
from anonymize.errors import Unfit
from anonymize.finding import Find
from anonymize.kinds.columns import fold_of
from anonymize.kinds.kind import Uniqueness
from anonymize.ops import Address, Call, Constant, Default, Json, Null, Numerals, Op, Pool, Shift, Template, Text
from anonymize.schema import ForeignKey, Table
from anonymize.verify.engine import LEAST_CHARACTERS, Becomes, Place, Relation, relation

MOST_BY_CHANCE = 20
"""So many different values of a column may stay as they are by chance; expected is about one for each shape."""
KEPT_BY_KIND, FIXED, DRAWN, CHANCE = (
    "nothing in them that the kind replaces",
    "fixed points of a permutation",
    "drawn from the pool by chance",
    "too short never to come out as they were",
)
_BY_CHANCE = (FIXED, DRAWN, CHANCE)
_TOLD_MOST = 1000


@dataclass(slots=True)
class Watched:
    """A replaced column, and what is known of its values."""

    number: int
    table: str
    decision: Decision
    ops: tuple[Op, ...]
    """What the markup makes of it, with keys that nobody has: what all of them leave as it is, the kind leaves."""
    reasons: dict[str, int] = field(default_factory=dict)
    unexplained: int = 0
    applied: list[engine.Apply] = field(default_factory=list)
    """The operations, once one has been needed."""
    link: str = ""
    """What it refers to in the end, or itself; "" if nothing is linked."""
    refers: bool = False
    """It has a foreign key."""

    @property
    def name(self) -> str:
        return f"{self.table}.{self.decision.column.name}"

    @property
    def op(self) -> Op:
        return self.ops[0]

    @property
    def becomes(self) -> Becomes:
        if isinstance(self.op, Null):
            return Becomes.NULLED
        if isinstance(self.op, Default):
            return Becomes.COMPUTED
        return Becomes.MAYBE_NULLED if isinstance(self.op, Call) else Becomes.REPLACED

    def explain(self, value: bytes) -> bool:
        """Say why a value may be unchanged. False if it may not."""
        reason = None if self.unexplained > _TOLD_MOST else self._reason(value)
        if reason is not None:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if reason is None or (reason in _BY_CHANCE and self.reasons[reason] > MOST_BY_CHANCE):
            self.unexplained += 1
            return False
        return True

    def _reason(self, value: bytes) -> str | None:
        self.applied = self.applied or [engine.apply(op) for op in self.ops]
        try:
            others = [apply(value, b"") for apply in self.applied]
        except Unfit:
            return None
        if all(other == value for other in others):
            return KEPT_BY_KIND
        if self.decision.made is not None and self.decision.made.uniqueness is Uniqueness.BIJECTIVE:
            return FIXED
        if any(value == entry for op in self.ops for entry in _pool_of(op)):
            return DRAWN
        places = {place for other in others if other is not None for place in _differing(value, other)}
        return CHANCE if len(places) < LEAST_CHARACTERS else None


class Columns:
    """All replaced columns of a dump, as its tables come by."""

    def __init__(self) -> None:
        self.watched: list[Watched] = []
        self.relations: dict[str, Relation] = {}
        """By what a group of columns refers to in the end: from original to result."""
        self._by_name: dict[str, Watched] = {}
        self._types: dict[str, str] = {}
        self._uniques: dict[tuple[str, tuple[str, ...]], Relation] = {}

    def watch(self, plan: TablePlan, other_plans: Sequence[TablePlan], find: Find) -> None:
        """Give the replaced columns of a table numbers, if they have none."""
        table = name_of(plan.table)
        self._types |= {f"{table}.{one.name}".lower(): one.type for one in plan.table.columns}
        for place, decision in enumerate(plan.decisions):
            if decision.op is None or f"{table}.{decision.column.name}".lower() in self._by_name:
                continue
            others = [op for one in other_plans if (op := one.decisions[place].op) is not None]
            made = Watched(len(self.watched), table, decision, (decision.op, *others))
            made.link = self._link(plan.table, decision, find)
            made.refers = bool(made.link) and _refers_to(plan.table, decision.column.name) is not None
            self.watched.append(made)
            self._by_name[made.name.lower()] = made

    def of(self, table: Table, column: str) -> Watched | None:
        return self._by_name.get(f"{name_of(table)}.{column}".lower())

    def type_of(self, table: str, column: str) -> str:
        """The type of a column; "" where it is not known."""
        return self._types.get(f"{table}.{column}".lower(), "")

    def members(self) -> dict[int, frozenset[bytes]]:
        """By the number of a column that is an enum or a set: what its values may be."""
        return {
            one.number: frozenset(member.encode() for member in one.decision.column.members)
            for one in self.watched
            if one.decision.column.members
        }

    def places(self, table: Table, columns: Sequence[str]) -> tuple[Place | None, ...]:
        """What is expected of the values of a row."""
        return tuple(self._place(self.of(table, column), table, column) for column in columns)

    def keys(self, table: Table, columns: Sequence[str]) -> tuple[tuple[tuple[int, ...], Relation], ...]:
        """The unique keys of which a column is replaced, and all are there."""
        places = {column.lower(): place for place, column in enumerate(columns)}
        found = []
        for key in table.unique:
            names = tuple(name.lower() for name in key)
            watched = [self.of(table, name) for name in names]
            if not any(watched) or not all(name in places for name in names):
                continue
            if any(one is not None and one.becomes in (Becomes.NULLED, Becomes.COMPUTED) for one in watched):
                continue
            asked = (name_of(table), names)
            self._uniques.setdefault(asked, relation())
            found.append((tuple(places[name] for name in names), self._uniques[asked]))
        return tuple(found)

    @property
    def unique_keys(self) -> list[tuple[str, tuple[str, ...], Relation]]:
        return [(table, names, its) for (table, names), its in self._uniques.items()]

    @property
    def links(self) -> list[tuple[str, list[str], Relation]]:
        """What several columns refer to, these columns, and how many different values there are."""
        groups: dict[str, list[str]] = {}
        for one in self.watched:
            if one.link in self.relations:
                groups.setdefault(one.link, []).append(one.name)
        return [(root, names, self.relations[root]) for root, names in groups.items() if len(names) > 1]

    def _place(self, watched: Watched | None, table: Table, column: str) -> Place | None:
        if watched is None:
            return self._folded(table, column)
        its = watched.decision.column
        parts = isinstance(watched.op, Json | Call)
        link = self.relations.setdefault(watched.link, relation()) if watched.link else None
        return (int(watched.becomes), watched.number, its.charset == "binary", parts, int(fold_of(its)), link)

    def _folded(self, table: Table, column: str) -> Place | None:
        """A column that stays; in a unique key, its collation counts."""
        its = next((one for one in table.columns if one.name.lower() == column.lower()), None)
        if its is None or not any(column.lower() == name.lower() for key in table.unique for name in key):
            return None
        return (int(Becomes.STAYS), 0, its.charset == "binary", False, int(fold_of(its)), None)

    def _link(self, table: Table, decision: Decision, find: Find) -> str:
        """What a column refers to in the end, or itself, if others may refer to it; "" if nothing is linked."""
        if isinstance(decision.op, Null | Default | Constant | Shift):
            return ""
        name, seen = decision.column.name, set[tuple[str, str]]()
        referring = False
        while (name_of(table), name.lower()) not in seen:
            seen.add((name_of(table), name.lower()))
            following = _refers_to(table, name)
            if following is None:
                break
            referring = True
            key, place = following
            its = key.references[place] if key.references else ""
            found = find(key.database or table.database, key.table)
            if found is None:
                return f"{key.table}.{its}".lower()
            primary = found.unique[0] if found.unique else ()
            table, name = found, its or (primary[place] if place < len(primary) else name)
        unique = any(name.lower() == one.lower() for key in table.unique for one in key)
        return f"{table.name}.{name}".lower() if referring or unique else ""


def excuses(op: Op) -> Iterator[bytes]:
    """What an operation may put anywhere, whatever the original: the entries of its pools, constants, literals."""
    if isinstance(op, Constant):
        yield op.value
    elif isinstance(op, Template):
        for piece in op.pieces:
            if isinstance(piece, Pool):
                yield from piece.entries
            elif isinstance(piece, bytes):
                yield piece
    elif isinstance(op, Json):
        for _, inner in op.rules:
            yield from excuses(inner) if inner is not None else ()
        if not isinstance(op.other, str | None):
            yield from excuses(op.other)


def may_return(original: Watched, found_in: Watched) -> str | None:
    """Why an original of one column may be what another value of a column became; None if it may not."""
    op, other = original.op, found_in.op
    if isinstance(other, Numerals | Address | Shift) and isinstance(op, type(other)):
        return "a permutation's results are values of the same sort"
    made = found_in.decision.made
    if (
        made is not None
        and isinstance(other, Call)
        and isinstance(op, Call)
        and made.uniqueness is Uniqueness.BIJECTIVE
    ):
        return "the members of a set change places"
    return None


def is_drawn(watched: Watched) -> bool:
    """Whether its results are drawn character by character, so that some may come out as an original by chance."""
    return isinstance(watched.op, Text | Template | Numerals)


def _refers_to(table: Table, column: str) -> tuple[ForeignKey, int] | None:
    for key in table.foreign_keys:
        for place, name in enumerate(key.columns):
            if name.lower() == column.lower():
                return key, place
    return None


def _pool_of(op: Op) -> tuple[bytes, ...]:
    if isinstance(op, Template) and len(op.pieces) == 1 and isinstance(op.pieces[0], Pool):
        return op.pieces[0].entries
    return ()


def _differing(value: bytes, other: bytes) -> set[int]:
    if len(value) != len(other):
        return set(range(max(len(value), len(other))))
    return {place for place, (one, its) in enumerate(zip(value, other, strict=True)) if one != its}
