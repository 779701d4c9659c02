"""The plan for a dump while it is read: a table is decided on when its CREATE TABLE comes by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from anonymize.decisions import Problem, TablePlan, name_of
from anonymize.errors import CheckFailed, Unreadable
from anonymize.finding import finder
from anonymize.foretold import same
from anonymize.ops import Program
from anonymize.plan import Planner
from anonymize.schema import Schema, Table


class Planned:
    """The `Tables` of a dump, by a planner; for one thread at a time."""

    def __init__(
        self, planner: Planner, known: Iterable[Table] = (), ahead: Callable[[], Schema] | None = None
    ) -> None:
        """`known` are tables that the dump may not declare. `ahead` reads all that it declares, where that can be done
        before its rows are: it is called once, if a table refers to one that has not come by yet."""
        self._planner = planner
        self._ahead = ahead
        self._later: dict[str, Table] | None = None
        self._tables: dict[str, Table] = {}
        self._plans: dict[str, TablePlan] = {}
        self._used: set[str] = set()
        self._known = list(known)
        for table in self._known:
            self._tables[name_of(table)] = table

    def declare(self, table: Table) -> None:
        """Decide on a table. Raises CheckFailed if the plan for it has errors."""
        called = name_of(table)
        self._tables[called] = table
        plan = self._planner.table(table, self.find_any)
        if plan.errors and (later := self._read_ahead().get(called)) is not None:
            plan = self._planner.table(later, self.find_any)  # its keys may be added at the dump's end
        before = self._plans.get(called)
        if before is not None and called in self._used and not _same(before, plan):
            raise CheckFailed(
                f"table {called} is changed after its rows, so that they should have been treated otherwise",
                "mark its columns by name, or give its final CREATE TABLE with --schema",
            )
        raise_for(plan.errors)
        self._plans[called] = plan

    def decided(self) -> list[tuple[str, Program]]:
        """What happens to the rows of each table that is known. Raises CheckFailed if the plan has errors."""
        self._plans = {name_of(table): self._planner.table(table, self.find_any) for table in self._known}
        raise_for([problem for plan in self._plans.values() for problem in plan.errors])
        self.finish()
        return [(called, plan.program(None)) for called, plan in sorted(self._plans.items())]

    def find(self, database: str | None, name: str) -> Table | None:
        """The table of exactly that name, or a known one of no database."""
        return self._tables.get(f"{database}.{name}" if database else name) or self._tables.get(name)

    def find_any(self, database: str | None, name: str) -> Table | None:
        """The table that a foreign key means: one that has come by, or is known, or comes later."""
        return finder(self._tables.values())(database, name) or finder(self._read_ahead().values())(database, name)

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        """See `Tables`."""
        table = self.find(database, name)
        if table is None:
            raise Unreadable(
                f"rows of table {name}, of which no CREATE TABLE has been seen",
                "give a file with it: --schema FILE",
            )
        called = name_of(table)
        if called not in self._plans:
            self._plans[called] = self._planner.table(table, self.find_any)
        self._used.add(called)
        program = self._plans[called].program(columns)
        return program if any(program.slots) else None

    def finish(self) -> None:
        """Raises CheckFailed for what could only be seen at the end: markup that matched nothing, keys that differ."""
        for table in self._known:
            self._plans.setdefault(name_of(table), self._planner.table(table, self.find_any))
        raise_for([one for one in self._planner.finish(self._plans.values()) if one.severity == "error"])

    def plan_of(self, table: Table) -> TablePlan:
        """The plan for a table that has been declared, or whose rows have come by."""
        return self._plans[name_of(table)]

    def kinds(self, database: str | None, name: str) -> dict[str, str]:
        """By the columns of a table, in lower case: what kind of replacement each one has."""
        table = self.find(database, name)
        plan = self._plans.get(name_of(table)) if table is not None else None
        return {one.column.name.lower(): one.kind for one in plan.decisions} if plan is not None else {}

    def _read_ahead(self) -> dict[str, Table]:
        if self._later is None:
            self._later = {} if self._ahead is None else dict(self._ahead().tables)
        return self._later


def raise_for(problems: Sequence[Problem]) -> None:
    """Raises CheckFailed with the first of these problems, and how many more there are."""
    if not problems:
        return
    first = problems[0]
    more = f" ({len(problems) - 1} more: see 'anonymize plan')" if len(problems) > 1 else ""
    raise CheckFailed((f"{first.place}: " if first.place else "") + first.message + more, first.hint)


def _same(before: TablePlan, after: TablePlan) -> bool:
    old, new = ({one.column.name: one for one in plan.decisions} for plan in (before, after))
    return old.keys() == new.keys() and all(same(old[name], new[name]) for name in old)
