"""The use case for a dump that is a folder: its files are rewritten at the same time, each by itself."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from anonymize.audit import Audit, audit
from anonymize.dumps import delimited, folders, publish, shell, source, statements
from anonymize.dumps.files import File, Part
from anonymize.dumps.statements import Options
from anonymize.dumps.tables import tables
from anonymize.dumps.targets import Count, Counts
from anonymize.dumps.workfolder import WorkFolder, working
from anonymize.errors import AnonymizeError, CheckFailed, UsageError
from anonymize.ops import Program
from anonymize.plan import Planner
from anonymize.planned import Planned
from anonymize.progress import Watch
from anonymize.schema import Schema, Table

_COPIED_BYTES = 1 << 20


class Stopped(Exception):
    """Another file failed, or somebody wants an end."""


def dump(
    where: Path,
    output: Path,
    planner: Planner,
    watch: Watch,
    *,
    known: Sequence[Table] = (),
    partial: bool = False,
    force: bool = False,
    jobs: int = 1,
) -> Audit:
    """Rewrite a folder; each file is compressed as it was. The output is there, and whole, only if this returns.

    What an interrupted run has finished is not done again by one with the same plan, key and files. Raises what
    `anonymize.rewrite.dump` does.
    """
    if str(output) == source.STANDARD:
        raise UsageError("a folder cannot be written to the standard output", "name a folder for it")
    found = folders.files(where, partial=partial)
    declared = _declared(found, partial=partial)
    planned = Planned(planner, [*known, *declared.tables.values()], None)
    programs = planned.decided()
    with working(output, _fingerprint(where, found, programs), force=force) as folder:
        counts = _Work(folder, planned, _Progress(found, watch)).run(found, jobs)
    return audit(counts, planned.kinds)


def read_tables(where: Path) -> Schema:
    """The tables that the dump in a folder declares."""
    return _declared(folders.files(where, partial=True), partial=True)


def _declared(found: Sequence[File], *, partial: bool) -> Schema:
    schema: dict[str, Table] = {}
    for file in found:
        if file.part is Part.TABLES:
            with source.opened(file.path) as stream:
                schema |= tables(stream, Options(partial, file.database, bodies=True)).tables
    return Schema(schema)


def _fingerprint(where: Path, found: Sequence[File], programs: Sequence[tuple[str, Program]]) -> str:
    """What tells one work from another. The programs hold keys, so it stands for these, too, and does not tell them."""
    stats = [(file.path.name, (stat := file.path.stat()).st_size, stat.st_mtime_ns) for file in found]
    return hashlib.blake2s(repr((str(where.resolve()), stats, programs)).encode()).hexdigest()


class _Progress:
    """The bytes of all files together, told by several threads."""

    def __init__(self, found: Sequence[File], watch: Watch) -> None:
        self._total = sum(file.path.stat().st_size for file in found)
        self._done = 0
        self._watch = watch
        self._lock = threading.Lock()

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            self._watch(self._done, self._total)


class _Locked:
    """A `Tables` for several threads; it has been told all tables before."""

    def __init__(self, planned: Planned) -> None:
        self._planned = planned
        self._lock = threading.Lock()

    def declare(self, table: Table) -> None:
        known = self.find(table.database, table.name)
        if known is not None and [one.name for one in known.columns] != [one.name for one in table.columns]:
            raise CheckFailed(
                f"table {table.name} is declared again, and otherwise, beside its rows",
                "in a folder only the schema files declare tables",
            )

    def find(self, database: str | None, name: str) -> Table | None:
        with self._lock:
            return self._planned.find(database, name)

    def program(self, database: str | None, name: str, columns: Sequence[str] | None) -> Program | None:
        with self._lock:
            return self._planned.program(database, name, columns)


class _Work:
    def __init__(self, folder: WorkFolder, planned: Planned, progress: _Progress) -> None:
        self._folder = folder
        self._tables = _Locked(planned)
        self._progress = progress
        self._stop = threading.Event()

    def run(self, found: Sequence[File], jobs: int) -> Counts:
        """Rewrite all of them; what the first that fails raises goes through."""
        with ThreadPoolExecutor(jobs) as pool:
            futures = [pool.submit(self._one, file) for file in found if file.part is not Part.DONE]
            try:
                wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
        errors = [future.exception() for future in futures if future.done() and not future.cancelled()]
        for error in sorted(filter(None, errors), key=lambda error: isinstance(error, Stopped)):
            raise error
        counts: Counts = {}
        sizes: dict[File, int] = {}
        for file in found:
            if file.part is not Part.DONE:
                its, size = _read(self._folder.note(file.path.name))
                for table, count in its.items():
                    counts.setdefault(table, Count()).add(count)
                if file.lines is not None:
                    sizes[file] = size
        for file in found:
            if file.part is Part.DONE:
                self._put(file.path.name, shell.done(file.path, sizes))
        return counts

    def _put(self, name: str, text: bytes) -> None:
        with publish.published(str(self._folder.path / name), force=True) as sink:
            sink.write(text)

    def _one(self, file: File) -> None:
        name = file.path.name
        if self._stop.is_set():
            raise Stopped
        if self._folder.has(name):
            self._progress.add(file.path.stat().st_size)
            return
        try:
            counts, size = self._write(file)
        except AnonymizeError:
            self._stop.set()
            raise
        _write(self._folder.note(name), counts, size)

    def _write(self, file: File) -> tuple[Counts, int]:
        """What was counted, and how many bytes of rows there are, if they are no SQL."""
        compress = publish.compression(file.path.name)
        with source.opened(file.path) as stream:
            stream.watch = self._watch()
            with publish.published(str(self._folder.path / file.path.name), force=True, compress=compress) as sink:
                if file.part is Part.COPY:
                    while data := stream.read(_COPIED_BYTES):
                        sink.write(data)
                    return {}, 0
                if file.lines is None:
                    return statements.rewrite(stream, sink, self._tables, Options(True, file.database, bodies=True)), 0
                lines, index = file.lines, shell.Index()
                program = self._tables.program(lines.database, lines.table, lines.columns)
                program = shell.encoded(program or Program((None,) * len(lines.columns)), lines)
                count = delimited.rewrite(stream, sink, program, lines.columns, lines.dialect, told=index.row)
        if (beside := file.path.with_name(f"{file.path.name}.idx")).exists():
            self._put(beside.name, index.written)
        return {(lines.database, lines.table): count} if count.replaced else {}, index.size

    def _watch(self) -> Watch:
        before = 0

        def told(done: int, total: int | None) -> None:
            nonlocal before
            if self._stop.is_set():
                raise Stopped
            self._progress.add(done - before)
            before = done

        return told


def _write(note: Path, counts: Counts, size: int) -> None:
    told = [[database, name, count.rows, dict(count.replaced)] for (database, name), count in counts.items()]
    note.write_text(json.dumps({"counts": told, "bytes": size}))


def _read(note: Path) -> tuple[Counts, int]:
    told = json.loads(note.read_text())
    counts = {(base, name): Count(rows, Counter(replaced)) for base, name, rows, replaced in told["counts"]}
    return counts, told["bytes"]
