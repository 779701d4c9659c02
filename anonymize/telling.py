"""A plan for people to read, and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from anonymize.decisions import Decision, Origin, Plan, Problem

SCHEMA = "anonymize.plan/1"


def data(plan: Plan, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The plan as what JSON is made of."""
    return {
        "schema": SCHEMA,
        "tables": [
            {"name": name, "place": one.table.place, "columns": [_column(decision) for decision in one.decisions]}
            for name, one in plan.tables.items()
        ],
        "problems": [asdict(problem) for problem in plan.problems],
        "notes": list(notes),
    }


def text(plan: Plan, notes: Sequence[str] = ()) -> str:
    """The plan as lines: every column of every table, then what is wrong, then how many there are of each."""
    return "\n".join((*_tables(plan), *(f"note: {note}" for note in notes), *_problems(plan.problems), _sum(plan)))


def verdict(decision: Decision) -> str:
    """In one word: kept, replaced, computed (anew, by the server), refused (its kind cannot be had) or unmarked."""
    if decision.origin is Origin.NONE:
        return "unmarked"
    if not decision.decided:
        return "refused"
    if decision.kind == "default":
        return "computed"
    return "replaced" if decision.replaced else "kept"


def _column(decision: Decision) -> dict[str, Any]:
    rule = decision.rule
    return {
        "name": decision.column.name,
        "type": decision.column.type,
        "decision": verdict(decision),
        "kind": decision.kind or None,
        "options": dict(rule.options) if rule is not None else {},
        "origin": decision.origin.value,
        "source": decision.source or None,
        "place": rule.place if rule is not None else None,
        "uniqueness": decision.made.uniqueness.value if decision.made is not None and decision.replaced else None,
    }


def _tables(plan: Plan) -> Iterator[str]:
    width = max((len(one.column.name) for table in plan.tables.values() for one in table.decisions), default=0)
    for name, table in plan.tables.items():
        yield name
        for one in table.decisions:
            yield f"  {one.column.name:{min(width, 30)}}  {_told(one)}".rstrip()
        yield ""


def _told(one: Decision) -> str:
    found = verdict(one)
    words = {
        "kept": "keep",
        "replaced": one.kind,
        "computed": f"computed anew from {one.source}",
        "refused": f"{one.kind}, which it cannot be",
        "unmarked": "UNMARKED",
    }[found]
    why = {
        Origin.FOREIGN_KEY: f"from {one.source}, which it refers to",
        Origin.LIKE: f"like {one.source}",
        Origin.REST: f"as {one.source + ' says of ' if one.source else ''}all the rest",
        Origin.GENERATED: "" if found == "computed" else "it is computed from columns that are kept",
    }.get(one.origin, "")
    options = (
        ", ".join(f"{name} = {value!r}" for name, value in one.rule.options.items()) if one.rule is not None else ""
    )
    told = words + (f" ({options})" if options else "")
    return f"{told:24}  {why}" if why else told


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    for one in sorted(problems, key=lambda one: one.severity == "warning"):
        yield f"{one.severity} {one.id}: {one.message}" + (f" (at {one.place})" if one.place else "")
        yield "  hint: " + one.hint.replace("\n", "\n    ")


def _sum(plan: Plan) -> str:
    decisions = [one for table in plan.tables.values() for one in table.decisions]
    counts = Counter(map(verdict, decisions))
    errors, warnings = len(plan.errors), len(plan.problems) - len(plan.errors)
    columns = ", ".join(f"{number} {word}" for word, number in sorted(counts.items()))
    return (
        f"{len(plan.tables)} tables, {len(decisions)} columns{': ' + columns if columns else ''}; "
        f"{errors} errors, {warnings} warnings"
    )
