"""What a plan decides for each column of a table, what is wrong with it, and the operations that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from anonymize.errors import CheckFailed, Unreadable
from anonymize.kinds.kind import Made, Uniqueness
from anonymize.markup import Rule
from anonymize.ops import Default, Op, Program, Slot
from anonymize.schema import Column, Table


class Origin(Enum):
    """Why a column is treated as it is."""

    OWN = "markup"
    """The markup of its table names it."""
    LIKE = "like"
    """That of the table which its own is like."""
    FOREIGN_KEY = "foreign key"
    """That of the column that it refers to."""
    REST = "*"
    """The markup of its table says so of all columns that it does not name."""
    GENERATED = "generated"
    """It is computed from other columns, which decide."""
    NONE = "unmarked"


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one column."""

    column: Column
    origin: Origin
    source: str = ""
    """Where it is inherited from: "users.email", or, for `like`, "users"; the columns that a generated one mentions."""
    rule: Rule | None = None
    made: Made | None = None
    """None where nothing is decided, and where the kind could not be made: a problem says why."""
    home: Column | None = None
    """The column that the kind was made for: at the end of its foreign keys, or itself."""

    @property
    def op(self) -> Op | None:
        """None: the values stay as they are, or nothing is decided."""
        return self.made.op if self.made is not None else None

    @property
    def replaced(self) -> bool:
        return self.op is not None

    @property
    def decided(self) -> bool:
        return self.made is not None

    @property
    def kind(self) -> str:
        """The kind's name; "default" for a generated column that is computed anew; "" where nothing is decided."""
        if isinstance(self.op, Default):
            return "default"
        return self.rule.kind if self.rule is not None else "keep" if self.decided else ""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a plan, or worth knowing."""

    id: str
    """Stable, for programs: "unmarked", "unknown-table", "foreign-key" …: see docs/anonymize.md."""
    message: str
    hint: str
    table: str
    column: str | None = None
    place: str = ""
    """A file and a line."""
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A decision for each column of a table, in the table's order."""

    table: Table
    decisions: tuple[Decision, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def program(self, columns: Sequence[str] | None) -> Program:
        """What happens to the rows of an INSERT with this list of columns; None: it has none.

        Without a list a row has all columns but the invisible ones, generated ones included. Raises CheckFailed if the
        plan has errors, and Unreadable for a name that is not the table's, or there twice, and for a list that leaves
        out a column whose value another one needs.
        """
        if self.errors:
            raise CheckFailed(self.errors[0].message, self.errors[0].hint)
        if columns is None:
            columns = [one.column.name for one in self.decisions if not one.column.invisible]
        known = {one.column.name.lower(): one for one in self.decisions}
        places: dict[str, int] = {}
        for name in columns:
            if name.lower() not in known:
                raise self._refused(f"a row of {self.table.name} has a column {name}, which the table has not")
            if name.lower() in places:
                raise self._refused(f"the rows of {self.table.name} have column {name} twice")
            places[name.lower()] = len(places)
        return Program(tuple(self._slot(known[name], places) for name in places))

    def _slot(self, decision: Decision, places: Mapping[str, int]) -> Slot | None:
        if decision.made is None or decision.made.op is None:
            return None
        subject = decision.made.subject
        if subject is not None and subject.lower() not in places:
            raise self._refused(
                f"the rows of {self.table.name} have no column {subject}, which {decision.column.name} is shifted by"
            )
        return Slot(
            decision.made.op,
            places[subject.lower()] if subject is not None else None,
            decision.column.charset == "binary",
        )

    def _refused(self, message: str) -> Unreadable:
        return Unreadable(message, f"compare the INSERT with the CREATE TABLE at {self.table.place or 'its beginning'}")


@dataclass(frozen=True, slots=True)
class Plan:
    """The plans of all tables, by what `name_of` calls them, and all that is wrong."""

    tables: Mapping[str, TablePlan] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")


def name_of(table: Table) -> str:
    """How a table is called: its name, with its database in front if that is known."""
    return f"{table.database}.{table.name}" if table.database else table.name


def computed_anew(uniqueness: Uniqueness) -> Made:
    """What is made of a generated column whose value must not be kept."""
    return Made(Default(), uniqueness)
