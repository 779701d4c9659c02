"""The use case: an original, what was made of it, and the markup; what comes of it is a report."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from anonymize import kinds, rewrite
from anonymize.dumps import source
from anonymize.dumps.statements import Options
from anonymize.errors import UsageError
from anonymize.markup import Markup
from anonymize.plan import Planner
from anonymize.planned import Planned
from anonymize.progress import Watch
from anonymize.pseudonym import Key
from anonymize.schema import Schema, Table
from anonymize.verify import checks, engine
from anonymize.verify.columns import Columns, excuses
from anonymize.verify.report import File, Report
from anonymize.verify.searching import STATEMENTS, Searched, search
from anonymize.verify.sides import opened
from anonymize.verify.walking import Tables, Walked, walk

_PLANS = 3
"""A value that stays as it is under so many keys is one that its kind keeps."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be verified."""

    original: str
    result: str
    markup: Markup
    markup_files: tuple[str, ...] = ()
    """Where the markup stands; what is no file is named without a hash."""
    known: tuple[Table, ...] = ()
    """Tables that the dumps may not declare themselves."""
    partial: bool = False
    """The dumps may lack their last line."""
    explain: Mapping[str, str] = field(default_factory=dict)
    """By table.column, or "statements": why originals may stand there."""


def verify(request: Request, watch: Watch) -> Report:
    """Compare both dumps, and search the result for originals.

    Raises CheckFailed for markup that does not fit the dump, Unreadable for what is not understood, and UsageError for
    files that cannot be used and for an explanation of no column.
    """
    index, columns = engine.originals(), Columns()
    planners = [Planner(request.markup, kinds.find, Key(secrets.token_bytes(32))) for _ in range(_PLANS)]
    options = Options(partial=request.partial)
    with opened(request.original) as (original, its_hash), opened(request.result) as (result, result_hash):
        original.watch = watch
        tables = _tables(request, planners, columns)
        walked = walk(original, result, tables, columns, index, options)
        files = its_hash.file(request.original), result_hash.file(request.result)
    if walked.broken is None:
        tables.finish()
        _check_explanations(request, tables)
    searched: Searched | None = None
    if walked.broken is None:
        with source.opened(request.result) as result:
            result.watch = watch
            again = _tables(request, planners[:1], columns)
            searched = search(result, again, index, dict(_excused(columns, index)), columns.members(), options)
    return _report(request, files, walked, searched, columns, index)


def _tables(request: Request, planners: Sequence[Planner], columns: Columns) -> Tables:
    def ahead() -> Schema:
        return rewrite.read_tables(request.original, Options(partial=request.partial))

    return Tables([Planned(planner, request.known, ahead) for planner in planners], columns)


def _excused(columns: Columns, index: engine.Originals) -> Iterator[tuple[str, tuple[int, ...]]]:
    for one in columns.watched:
        found = {hit[4] for entry in excuses(one.op) for hit in index.find(entry)}
        if found:
            yield one.name.lower(), tuple(sorted(found))


def _check_explanations(request: Request, tables: Tables) -> None:
    known = tables.names()
    for name in request.explain:
        if name.lower() not in known | {STATEMENTS}:
            raise UsageError(
                f"--explain names {name}, which is no column of the dump", "name it as TABLE.COLUMN=REASON"
            )


def _report(
    request: Request,
    files: tuple[File, File],
    walked: Walked,
    searched: Searched | None,
    columns: Columns,
    index: engine.Originals,
) -> Report:
    leaks, explained = checks.leaks(searched, columns, walked, request.explain, index.count)
    made = (
        checks.form(walked),
        checks.kept(walked),
        checks.nulls(walked),
        checks.replaced(walked, columns),
        checks.joins(walked, columns),
        checks.unique(walked, columns),
        leaks,
    )
    return Report(
        all(check.passed for check in made),
        f"anonymize {version('migci')}",
        *files,
        tuple(_file(one) for one in request.markup_files),
        made,
        checks.columns_of(walked, columns),
        walked.rows,
        explained,
        tuple(checks.not_checked(walked, columns)),
    )


def _file(name: str) -> File:
    try:
        data = Path(name).read_bytes()
    except OSError:
        return File(name, 0, "")
    return File(name, len(data), hashlib.sha256(data).hexdigest())
