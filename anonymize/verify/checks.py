"""From what was found to what is stated: each check with what was compared, and whether it passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from anonymize.kinds.columns import DATES, DECIMALS, FLOATS, INTEGERS, TIMES
from anonymize.ops import Numerals, Shift
from anonymize.verify.columns import Columns, Watched, is_drawn, may_return
from anonymize.verify.engine import EXAMPLES, LEAST_CHARACTERS, LONGEST_BYTES, Event
from anonymize.verify.report import Check, ColumnReport, Explained, Finding
from anonymize.verify.searching import STATEMENTS, Hit, Searched
from anonymize.verify.walking import Walked

_NUMBERS = INTEGERS.keys() | DECIMALS | FLOATS | DATES | TIMES | {"year", "time", "bit"}
_BY_CHANCE = 1000
"""One in so many drawn results may be an original by chance."""


def form(walked: Walked) -> Check:
    """All that is no value of a table with replaced columns."""
    broken = () if walked.broken is None else (walked.broken,)
    compared = {"statements": walked.statements, "tables with replaced columns": len(walked.rows)}
    return Check(
        "form",
        "both dumps have the same statements, the same tables and as many rows, and whatever is not of a replaced "
        "column is the same byte for byte",
        not broken,
        compared,
        broken,
        len(broken),
    )


def kept(walked: Walked) -> Check:
    """The kept columns of tables that have replaced ones."""
    statement = "in tables with replaced columns, kept values are the same byte for byte; generated ones come anew"
    rows = sum(walked.rows.values())
    return _check(walked, "kept columns", statement, (Event.DIFFERS, Event.NOT_READ), {"rows": rows})


def nulls(walked: Walked) -> Check:
    found = sum(totals[1] for totals in walked.totals.values())
    statement = "NULL stands where NULL stood, and nowhere else unless the kind says so"
    return _check(walked, "NULL", statement, (Event.NULL_DIFFERS,), {"NULL": found})


def replaced(walked: Walked, columns: Columns) -> Check:
    """No value is as it was, but for those that have a reason."""
    compared = {
        "values": sum(totals[0] for totals in walked.totals.values()),
        "columns": len(columns.watched),
        "unchanged": sum(totals[3] for totals in walked.totals.values()),
    }
    statement = "no value of a replaced column is as it was, but for those that are explained"
    return _check(walked, "replaced", statement, (Event.UNCHANGED,), compared)


def joins(walked: Walked, columns: Columns) -> Check:
    groups = columns.links
    compared = {
        "groups of columns": len(groups),
        "columns": sum(len(names) for _, names, _ in groups),
        "different originals": sum(relation.count for *_, relation in groups),
    }
    statement = "in columns that foreign keys link, the same original became the same everywhere"
    return _check(walked, "joins", statement, (Event.JOINS_DIFFER,), compared)


def unique(walked: Walked, columns: Columns) -> Check:
    keys = columns.unique_keys
    compared = {"unique keys": len(keys), "entries": sum(relation.count for *_, relation in keys)}
    statement = "different entries of a unique key with replaced columns stayed different"
    return _check(walked, "unique keys", statement, (Event.NOT_UNIQUE,), compared)


def leaks(
    searched: Searched | None, columns: Columns, walked: Walked, explain: Mapping[str, str], count: int
) -> tuple[Check, tuple[Explained, ...]]:
    """What the search found, and what of it is explained."""
    statement = (
        f"no original of a replaced column, of {LEAST_CHARACTERS} characters or more, stands anywhere in the result, "
        "as it is or encoded, but for those that are explained"
    )
    if searched is None:
        return Check(
            "leaks", statement, False, {}, (Finding("it was not searched: the dumps are not of one form"),), 1
        ), ()
    said = {name.lower(): reason for name, reason in explain.items()}
    explained: list[Explained] = []
    findings: list[Finding] = []
    failed = 0
    for hit, values in sorted(searched.counts.items(), key=lambda one: -one[1]):
        original = columns.watched[hit.source]
        reason = _reason(hit, values, original, columns, walked, said)
        if reason is not None:
            explained.append(Explained(original.name, _where(hit), values, reason))
            continue
        failed += values
        for one in searched.examples.get(hit, []):
            text = f"an original of {original.name}, {one.text}"
            findings.append(Finding(text, one.table, one.column, one.row, None, one.result_line))
        if values > EXAMPLES:
            findings.append(Finding(f"{values:,} times an original of {original.name}", hit.table, hit.column))
    compared = {"different originals": count, "rows": searched.rows, "bytes of statements": searched.statement_bytes}
    return Check("leaks", statement, not failed, compared, tuple(findings), failed), tuple(explained)


def _where(hit: Hit) -> str:
    return STATEMENTS if hit.table is None else hit.table if hit.column is None else f"{hit.table}.{hit.column}"


def _reason(
    hit: Hit, values: int, original: Watched, columns: Columns, walked: Walked, said: Mapping[str, str]
) -> str | None:
    """Why originals may be there; None if they may not."""
    if hit.reason is not None or hit.table is None or hit.column is None:
        return hit.reason or said.get(STATEMENTS)
    name = f"{hit.table}.{hit.column}".lower()
    found_in = next((one for one in columns.watched if one.name.lower() == name), None)
    if name in said:
        return said[name]
    if found_in is None:
        its = columns.type_of(hit.table, hit.column)
        if its in _NUMBERS and isinstance(original.op, Numerals | Shift):
            return "a number or a date, among others of its sort"
        return None
    reason = may_return(original, found_in)
    if reason is None and is_drawn(found_in) and values <= 3 + walked.totals.get(name, [0])[0] // _BY_CHANCE:
        reason = "results are drawn, and so few come out as an original by chance"
    return reason


def columns_of(walked: Walked, columns: Columns) -> tuple[ColumnReport, ...]:
    """The replaced columns that have rows."""
    return tuple(
        ColumnReport(one.table, one.decision.column.name, one.decision.kind, *_totals(walked, one), one.reasons)
        for one in columns.watched
        if one.name.lower() in walked.totals
    )


def _totals(walked: Walked, column: Watched) -> tuple[int, int, int, int]:
    values, nulls, empty, unchanged = walked.totals[column.name.lower()]
    return values, nulls, empty, unchanged


def not_checked(walked: Walked, columns: Columns) -> Iterator[str]:
    """What a reader of the report must not take for proven."""
    yield f"originals of fewer than {LEAST_CHARACTERS} characters; of those beyond {LONGEST_BYTES:,} bytes, the rest"
    yield "originals without letters where a letter or a digit stands beside them"
    yield "originals in another case or character set, hashed, compressed, encrypted, or spread over several values"
    yield "originals that their kind leaves as they are, or that chance left so, elsewhere in the result"
    yield "of values that are replaced in part (json, scrub, your own), all but the words that changed"
    yield "whether the columns are marked as they should be: the markup is taken as it is"
    if walked.broken is not None:
        yield "everything behind the place where the dumps differ in form"
    linked = {name for _, names, _ in columns.links for name in names}
    for one in columns.watched:
        if one.refers and one.name not in linked:
            yield f"joins of {one.name}: what it refers to was not seen in the dump, or is not replaced"


def _check(walked: Walked, name: str, statement: str, events: tuple[Event, ...], compared: Mapping[str, int]) -> Check:
    findings = [finding for event in events for finding in walked.findings[event]]
    count = sum(walked.counts[event] for event in events)
    return Check(name, statement, not count, compared, tuple(findings), count)
