"""Dumps that are folders, one file or more a table: mydumper's, and MySQL Shell's as `shell` reads them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from functools import partial

from migci.adapters.dumps import shell, sources
from migci.adapters.dumps.crew import Crew, Listed, Task
from migci.adapters.dumps.places import Place
from migci.adapters.dumps.plans import Plan, Rows, Script, quoted
from migci.adapters.dumps.refusals import refused
from migci.adapters.dumps.session import Connect, Session, Tally, opened
from migci.adapters.dumps.statements import NotSql, Splitter
from migci.errors import MigciError
from migci.ports import RestoreFailed

_FINISHED = re.compile(rb"^(?:# )?Finished dump at", re.MULTILINE)
_COMPRESSED = r"(?:\.gz|\.zst)?"
_KINDS = (
    ("create", re.compile(rf"(?P<base>.+)-schema-create\.sql{_COMPRESSED}")),
    ("post", re.compile(rf"(?P<base>.+)-schema-(?:post|triggers)\.sql{_COMPRESSED}")),
    ("view", re.compile(rf"(?P<base>.+)-schema-view\.sql{_COMPRESSED}")),
    ("table", re.compile(rf"(?P<base>.+)-schema(?:-sequence)?\.sql{_COMPRESSED}")),
    ("rows", re.compile(rf"(?P<base>.+?)(?P<number>(?:\.\d{{5,}})*)\.sql{_COMPRESSED}")),
    ("nothing", re.compile(r"metadata(?:\.header)?|.+-metadata|.+-checksum")),
)
_TABLE = re.compile(rb"CREATE TABLE (?:IF NOT EXISTS )?(`(?:[^`]|``)+`|\"[^\"]+\")")
_CREATED = re.compile(rb"CREATE DATABASE (?!/\*!32312 IF|IF )")
_SETTING = re.compile(rb"(?:/\*!\d*\s*)?SET\s", re.IGNORECASE)


def load(where: Place, connect: Connect, progress: Callable[[int, int], None], workers: int, tally: Tally) -> None:
    """As `loading.load`. Raises RestoreFailed for a folder of no known kind, an unfinished dump, and unknown files."""
    files = where.files()
    if "@.json" in files:
        plan = shell.plan(where, files)
    elif "metadata" in files:
        plan = _mydumper(where, files)
    else:
        unfinished = "metadata.partial" in files
        raise RestoreFailed(
            f"the dump {where.name} is not finished: mydumper renames its metadata.partial when it is"
            if unfinished
            else f"the folder {where.name} is no dump: it has neither mydumper's 'metadata' nor an '@.json'",
            hint="dump it again" if unfinished else "see 'source' in migci.toml",
        )
    _Folder(where, files, plan, connect, progress, workers, tally).load()


def _mydumper(where: Place, files: dict[str, int]) -> Plan:
    metadata = where.within("metadata").read()
    if not _FINISHED.search(metadata):
        raise RestoreFailed(f"the dump {where.name} is not finished, says its metadata", hint="dump it again")
    kinds: dict[str, list[tuple[str, str, str]]] = {kind: [] for kind, _ in _KINDS}
    for name in sorted(files):
        for kind, pattern in _KINDS:
            if found := pattern.fullmatch(name):
                groups = found.groupdict()
                kinds[kind].append((groups.get("base") or "", groups.get("number") or "", name))
                break
        else:
            raise RestoreFailed(
                f"{where.name}/{name} is no file of a mydumper dump that can be loaded", hint="dump it as SQL"
            )
    bases = [base for base, _, _ in kinds["create"]]
    if not bases:
        bases = sorted({base.partition(".")[0] for base, _, _ in kinds["table"]})

    def database(base: str) -> str:
        found = [each for each in bases if base == each or base.startswith(f"{each}.")]
        if not found:
            raise RestoreFailed(f"{where.name}: nothing says which database {base} belongs to", hint="dump it again")
        return max(found, key=len)

    tables: dict[str, tuple[str, list[str]]] = {}
    for base, _, name in kinds["table"]:
        text = b"".join(sources.read(where.within(name), lambda done, total: None))
        if created := _TABLE.search(text):
            tables[base] = (created[1].decode("utf-8", "surrogateescape"), [])
    for base, _, name in sorted(kinds["rows"]):
        if base not in tables:
            raise RestoreFailed(
                f"{where.name}/{name}: there is no {base}-schema.sql", hint="dump it again, with schemas"
            )
        tables[base][1].append(name)
    scripts = {
        kind: tuple(Script(name, database(base), b";\n") for base, _, name in kinds[kind])
        for kind in ("create", "table", "post", "view")
    }
    triggers = tuple(each for each in scripts["post"] if "-schema-triggers" in each.name)
    routines = tuple(each for each in scripts["post"] if each not in triggers)
    return Plan(
        "",
        tuple(bases),
        scripts["create"],
        scripts["table"],
        tuple(Rows(database(base), table, tuple(names)) for base, (table, names) in tables.items() if names),
        (*routines, *scripts["view"], *triggers),
    )


class _Folder:
    def __init__(
        self,
        where: Place,
        files: dict[str, int],
        plan: Plan,
        connect: Connect,
        progress: Callable[[int, int], None],
        workers: int,
        tally: Tally,
    ) -> None:
        self._where = where
        self._files = files
        self._plan = plan
        self._progress = progress
        self._main = opened(connect, tally)
        self._crew = Crew(connect, tally, workers, self._refused)
        self._lock = threading.Lock()
        self._read: dict[str, int] = {}
        self._total = sum(files.values())
        self._told = 0

    def load(self) -> None:
        try:
            for script in self._plan.databases:
                self._script(script, "")
            for name in self._plan.schemas:
                self._ask(f"CREATE DATABASE IF NOT EXISTS {quoted(name)}", name)
            for script in self._plan.before:
                self._script(script, "NO_AUTO_VALUE_ON_ZERO")
            for rows in sorted(self._plan.rows, key=lambda rows: -sum(self._files[name] for name in rows.files)):
                size = sum(self._files[name] for name in rows.files)
                self._crew.add(f"{rows.database}.{rows.table}", rows.table, Listed(self._tasks(rows), size, self._crew))
            self._crew.wait(self._tell)
            for script in self._plan.after:
                self._script(script, "DEFAULT")
        finally:
            self._crew.close()
            self._main.close()
        self._progress(self._total, self._total)

    def _script(self, script: Script, mode: str) -> None:
        """Run a file on the first connection, in the script's own database."""
        where = script.name
        self._ask("SET NAMES utf8mb4", where)
        if mode:
            self._ask(f"USE {quoted(script.database)}", where)
            self._ask(f"SET sql_mode = {'DEFAULT' if mode == 'DEFAULT' else repr(mode)}", where)
        splitter = Splitter(self._text(script.name), delimiter=script.delimiter)
        try:
            for statement in splitter:
                text = _CREATED.sub(b"CREATE DATABASE IF NOT EXISTS ", statement.text) if not mode else statement.text
                self._do(self._main, text, f"{where}, line {statement.line}")
                splitter.backslashes = self._main.backslashes
        except NotSql as error:
            raise self._not_sql(where, error) from error
        self._tell()

    def _ask(self, sql: str, where: str) -> None:
        self._do(self._main, sql.encode(), where)

    def _do(self, session: Session, text: bytes, where: str) -> None:
        try:
            session.run(text)
        except Exception as error:
            raise self._refused(error, where, len(text)) from error

    def _tasks(self, rows: Rows) -> Iterator[Task]:
        """What fills one table; runs in the thread of the connection that does it."""
        table = rows.table.strip('`"')
        for text in (
            f"USE {quoted(rows.database)}",
            "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
            *self._plan.session,
        ):
            yield Task(partial(_run, text.encode(), None, 0), rows.files[0], rows=False)
        for name in rows.files:
            if rows.statement is not None:
                statement = rows.statement(name)
                yield Task(partial(_send, statement, self._text(name), table), name)
                continue
            splitter = Splitter(self._text(name))
            try:
                for found in splitter:
                    if found.table is None and not _SETTING.match(found.text):
                        raise RestoreFailed(
                            f"the dump {self._where.name}, {name}, line {found.line}: is neither rows nor a setting",
                            hint="dump it again with mydumper",
                        )
                    where = f"{name}, line {found.line}"
                    run = partial(_run, found.text, table, 1)
                    yield Task(run, where, len(found.text), rows=found.table is not None)
            except NotSql as error:
                raise self._not_sql(name, error) from error

    def _text(self, name: str) -> Iterator[bytes]:
        def count(done: int, total: int) -> None:
            with self._lock:
                self._read[name] = done

        size = 0
        for piece in sources.read(self._where.within(name), count):
            size += len(piece)
            yield piece
        if (told := self._plan.sizes.get(name)) is not None and told != size:
            raise RestoreFailed(
                f"the dump {self._where.name} is damaged: {name} holds {size} bytes and not {told}",
                hint="make or copy it again",
            )

    def _tell(self) -> None:
        with self._lock:
            done = min(sum(self._read.values()), self._total)
        if done > self._told:
            self._told = done
            self._progress(done, self._total)

    def _not_sql(self, name: str, error: NotSql) -> RestoreFailed:
        return RestoreFailed(
            f"the dump {self._where.name}, {name}, line {error.line}: {error.what}", hint="dump it again"
        )

    def _refused(self, error: Exception, where: str, size: int) -> MigciError:
        if isinstance(error, MigciError):
            return error
        return refused(
            error,
            dump=f"the dump {self._where.name}",
            where=where,
            server=self._main.server,
            origin=self._plan.origin,
            size=size,
            largest=self._main.largest,
        )


def _run(text: bytes, table: str | None, statements: int, session: Session) -> None:
    session.run(text, table, statements)


def _send(statement: str, text: Iterator[bytes], table: str, session: Session) -> None:
    session.send(statement, text, table)
