"""A plan for people to read, and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from anonymize.decisions import Decision, Origin, Plan, Problem

SCHEMA = "anonymize.plan/1"
_WIDEST = 40


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
    for name, table in plan.tables.items():
        yield name
        lines = [(one.column.name, _treatment(one), _reason(one)) for one in table.decisions]
        names = _width(column for column, _, _ in lines)
        treatments = _width(treatment for _, treatment, reason in lines if reason)
        for column, treatment, reason in lines:
            yield f"  {column:{names}}  {treatment:{treatments}}  {reason}".rstrip()
        yield ""


def _width(texts: Iterable[str]) -> int:
    return min(max(map(len, texts), default=0), _WIDEST)


def _treatment(one: Decision) -> str:
    words = {
        "kept": "keep",
        "replaced": one.kind,
        "computed": "computed anew",
        "refused": f"{one.kind}, which it cannot be",
        "unmarked": "UNMARKED",
    }[verdict(one)]
    options = ", ".join(f"{name} = {value!r}" for name, value in one.rule.options.items()) if one.rule else ""
    return words + (f" ({options})" if options else "")


def _reason(one: Decision) -> str:
    kept = "computed from columns that are kept"
    return {
        Origin.FOREIGN_KEY: f"from {one.source}, which it refers to",
        Origin.LIKE: f"like {one.source}",
        Origin.REST: f'"*" of {one.source}' if one.source else '"*"',
        Origin.GENERATED: f"because of {one.source}" if one.source else kept,
    }.get(one.origin, "")


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    for one in sorted(problems, key=lambda one: one.severity == "warning"):
        yield f"{one.severity} {one.id}: {one.message}" + (f" (at {one.place})" if one.place else "")
        yield "  hint: " + one.hint.replace("\n", "\n    ")


def _sum(plan: Plan) -> str:
    decisions = [one for table in plan.tables.values() for one in table.decisions]
    counts = Counter(map(verdict, decisions))
    columns = ", ".join(f"{number} {word}" for word, number in sorted(counts.items()))
    problems = [
        _counted(len(plan.errors), "error"),
        *([_counted(warnings, "warning")] if (warnings := len(plan.problems) - len(plan.errors)) else []),
    ]
    of = f"{_counted(len(plan.tables), 'table')}, {_counted(len(decisions), 'column')}"
    return f"{of}{': ' + columns if columns else ''}; {', '.join(problems)}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
