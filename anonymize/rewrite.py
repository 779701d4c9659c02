"""The use case: a dump in, a dump out, with everything replaced that the markup says, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from anonymize import folder, lines
from anonymize.audit import Audit, audit
from anonymize.dumps import live, publish, source, statements
from anonymize.dumps.publish import Sink
from anonymize.dumps.source import STANDARD, Source
from anonymize.dumps.statements import Options
from anonymize.dumps.tables import tables
from anonymize.errors import UsageError
from anonymize.lines import LinesOf
from anonymize.plan import Planner
from anonymize.planned import Planned
from anonymize.progress import Watch
from anonymize.schema import Schema, Table


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be rewritten, and how."""

    source: str
    """A path, - for the standard input, or the address of a live server."""
    output: str
    """A path, or - for the standard output."""
    known: tuple[Table, ...] = ()
    """Tables that the dump may not declare itself."""
    partial: bool = False
    """The dump may lack its last line."""
    force: bool = False
    """The output may be there already."""
    compress: str | None = None
    """One of `publish.COMPRESSIONS`; None: as the output's name says."""
    lines: LinesOf | None = None
    """The source is no SQL but lines of fields."""
    jobs: int = 1
    """How many statements, or files of a folder, are rewritten at the same time."""
    check: Callable[[Path], None] | None = None
    """Looks at the whole output before it is published; what it raises prevents that."""


def dump(request: Request, planner: Planner, watch: Watch) -> Audit:
    """Rewrite a dump. The output is there, and whole, only if this returns.

    Raises CheckFailed for what the plan says no to, Unreadable for what is not understood in the source, UsageError
    for a source or an output that cannot be used, and AnonymizeError for an output that cannot be written.
    """
    publish.check(request.source, request.output, force=request.force)
    if request.check is not None and (request.output == STANDARD or not can_be_read_twice(request.source)):
        raise UsageError(
            "what is verified has to be a file, and so has its source", "verify it by itself: anonymize verify"
        )
    if Path(request.source).is_dir():
        if request.compress is not None:
            raise UsageError("the files of a folder stay compressed as they are", "leave out --compress")
        return folder.dump(
            Path(request.source),
            Path(request.output),
            planner,
            watch,
            known=request.known,
            partial=request.partial,
            force=request.force,
            jobs=request.jobs,
        )
    if request.lines is not None:
        return lines.dump(request.source, request.lines, planner, request.known, watch, _published(request))
    options = Options(partial=request.partial, jobs=request.jobs)
    ahead = None
    if can_be_read_twice(request.source):
        ahead = lambda: read_tables(request.source, options)  # noqa: E731
    planned = Planned(planner, request.known, ahead)
    with opened(request.source) as stream:
        stream.watch = watch
        with _published(request) as sink:
            counts = statements.rewrite(stream, sink, planned, options)
            planned.finish()
    return audit(counts, planned.kinds)


def _published(request: Request) -> AbstractContextManager[Sink]:
    compress = publish.compression(request.output, request.compress)
    return publish.published(request.output, force=request.force, compress=compress, check=request.check)


def opened(where: str) -> AbstractContextManager[Source]:
    """The bytes of a file, the standard input, or a live server's dump."""
    return live.dumped(where) if where.startswith(live.SCHEMES) else source.opened(where)


def can_be_read_twice(where: str) -> bool:
    return where != STANDARD and not where.startswith(live.SCHEMES) and Path(where).is_file()


def read_tables(where: str, options: Options | None = None) -> Schema:
    """The tables that a dump declares."""
    if Path(where).is_dir():
        return folder.read_tables(Path(where))
    with opened(where) as stream:
        return tables(stream, options)


def schema_of(files: Iterable[str]) -> tuple[Table, ...]:
    """The tables in files of CREATE TABLE statements."""
    return tuple(table for file in files for table in read_tables(file, Options(partial=True)).tables.values())
