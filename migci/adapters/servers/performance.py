"""What a server's performance schema tells of the work that one account did."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from pymysql.constants import ER

from migci.adapters.servers.product import Counters, Product
from migci.adapters.servers.tables import Tables, quoted
from migci.core.sql import normalize, table_of
from migci.core.step import Algorithm, Statement, Work

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin

MEASURING = (
    "--performance-schema=ON",
    "--performance-schema-consumer-events-statements-current=ON",
    "--performance-schema-consumer-events-statements-history-long=ON",
    "--performance-schema-consumer-events-stages-current=ON",
    "--performance-schema-consumer-events-stages-history-long=ON",
    "--performance-schema-events-statements-history-long-size=10000",
    "--performance-schema-events-stages-history-long-size=10000",
    "--performance-schema-instrument=stage/sql/copy to tmp table=ON",
    "--performance-schema-instrument=stage/sql/preparing for alter table=ON",
    "--performance-schema-instrument=stage/innodb/alter table%=ON",
    "--performance-schema-instrument=wait/lock/metadata/sql/mdl=ON",
)
"""The options that a server is started with for all that is read here."""

_Event = tuple[int, int]
"""A statement that ran or runs: its thread, and its number there."""

_PICOSECONDS = 1e12

_READS = (
    "Handler_read_first",
    "Handler_read_key",
    "Handler_read_last",
    "Handler_read_next",
    "Handler_read_prev",
    "Handler_read_rnd",
    "Handler_read_rnd_next",
)
_WRITES = ("Handler_write", "Handler_update", "Handler_delete")
_ALTERING = (
    "statement/sql/alter_table",
    "statement/sql/create_index",
    "statement/sql/drop_index",
    "statement/sql/optimize",
)
_REBUILDING = "stage/innodb/alter table (log apply table)"
_NOT_REBUILDING = "stage/innodb/alter table (log apply index)"
_GIVING_IDS = frozenset(("ALTER", "CREATE", "DROP", "EXECUTE", "OPTIMIZE", "RENAME", "TRUNCATE"))
"""The first words of statements after which a table may have another id."""

_QUIET_SECONDS = 1.0


class Observation:
    """Counts the work of `user` in `database`.

    Sources: the product's counters for rows and bytes, `events_statements_summary_by_digest` for statements, and
    `events_stages_history_long` with the ids of tables for how an ALTER was carried out. Migrations cannot write to
    any of them.
    """

    def __init__(self, admin: Admin, product: Product, user: str, database: str) -> None:
        self._query = admin.rows
        self._admin = admin
        self._product = product
        self._user = user
        self._database = database
        self._known = Tables(admin, product, database)
        self._before = Counters()
        self._ids: dict[str, int] = {}
        self._tables: frozenset[str] | None = None
        self._sampled = 0.0
        self._blocked: dict[_Event, float] = {}
        self._ran: dict[_Event, float] = {}
        self._blocked_seconds = 0.0

    def begin(self) -> None:
        """Forget all that was seen, and count from here.

        The server answers before it has noted what it did, so that is awaited; not for long, in case of another
        statement that still runs.
        """
        self.settle(_QUIET_SECONDS)
        self._before = self._counters()
        self._ids = self._known.ids()
        self._clear()

    def _clear(self) -> None:
        for table in (
            "events_statements_summary_by_digest",
            "events_statements_history_long",
            "events_stages_history_long",
        ):
            self._query(f"TRUNCATE performance_schema.{table}", ())
        self._tables = None
        self._blocked = {}
        self._blocked_seconds = 0.0
        self._ran = {}
        self._sampled = time.monotonic()

    def _counters(self) -> Counters:
        return self._product.counters(self._admin, self._user)

    def sample(self) -> None:
        """Note which statements keep others from writing right now, to tables that were there before the step.

        They are taken to have done so since the last look, but an ALTER no longer than it runs; nor does anything at
        the first look, which may come long after the step before it ended.
        """
        now = time.monotonic()
        passed, self._sampled = now - self._sampled, now
        first = self._tables is None
        if self._tables is None:
            self._tables = self._settled_tables()
        held: dict[str, set[_Event]] = {}
        for_seconds: dict[_Event, float] = {}
        ran: dict[_Event, float] = {}
        for thread, event, name, picoseconds, table in self._query(
            "SELECT t.thread_id, s.event_id, s.event_name, s.timer_wait, l.object_name "
            "FROM performance_schema.metadata_locks l "
            "JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id "
            "LEFT JOIN performance_schema.events_statements_current s ON s.thread_id = t.thread_id "
            "WHERE t.processlist_user = %s AND l.object_type = 'TABLE' AND l.object_schema = %s "
            "AND l.lock_status = 'GRANTED'",
            (self._user, self._database),
        ):
            if table in self._tables:
                held.setdefault(str(table), set()).add((thread, event))
                runs = ran[thread, event] = int(picoseconds or 0) / _PICOSECONDS
                # By the server's clock alone: a look takes time itself, and not each as long as the other.
                since = runs - self._ran.get((thread, event), 0.0)
                for_seconds[thread, event] = min(passed, since) if first or name in _ALTERING else passed
        self._ran = ran
        blocking = {event for table, events in held.items() if not self._writable(table) for event in events}
        for event in blocking:
            self._blocked[event] = self._blocked.get(event, 0.0) + for_seconds[event]
        self._blocked_seconds += max((for_seconds[event] for event in blocking), default=0.0)

    def _writable(self, table: str) -> bool:
        """Whether somebody else could write to `table` at this moment: found out by asking for it, without waiting.

        The server's own list of metadata locks does not tell: it keeps showing the lock that a statement began with.
        """
        probe = self._product.probe.format(table=f"{quoted(self._database)}.{quoted(table)}")
        refused = self._product.probe_refused
        return self._admin.refusal(probe, refused, ER.NO_SUCH_TABLE, ER.VIEW_INVALID) != refused

    def _settled_tables(self) -> frozenset[str]:
        """The tables that are there, less those that the step has made: nobody else writes to these yet."""
        there = frozenset(self._known.names())
        made = self._query(
            "SELECT digest_text FROM performance_schema.events_statements_history_long "
            "WHERE event_name = 'statement/sql/create_table'",
            (),
        )
        return there - {_named(table_of(str(text)), lambda: there) for (text,) in made}

    def settle(self, patience_seconds: float) -> float | None:
        """Wait until nothing of the account's is running; how long it took, or `None` if it takes too long."""
        began = time.monotonic()
        while self._query(
            "SELECT 1 FROM performance_schema.threads WHERE processlist_user = %s "
            "AND processlist_command <> 'Sleep' LIMIT 1",
            (self._user,),
        ):
            if time.monotonic() - began > patience_seconds:
                return None
            time.sleep(0.002)
            self.sample()
        return time.monotonic() - began

    def met(self, errors: tuple[int, ...]) -> bool:
        """Whether a statement ended with one of these server errors since `begin`."""
        return bool(
            self._query(
                "SELECT 1 FROM performance_schema.events_statements_history_long WHERE mysql_errno IN %s LIMIT 1",
                (errors,),
            )
        )

    def end(self) -> Work:
        """What was counted since `begin`, or since the last call; counting goes on."""
        self.settle(_QUIET_SECONDS)
        before, self._before = self._before, self._counters()
        grown = self._before.since(before)
        work = Work(
            rows_read=grown.rows_read,
            rows_changed=grown.rows_changed,
            bytes_logged=grown.bytes_logged,
            blocked_write_seconds=self._blocked_seconds,
            statements=self._statements(),
        )
        self._clear()
        return work

    def _statements(self) -> tuple[Statement, ...]:
        """One for each digest, in the order in which the server first saw them: it keeps them so."""
        told = self._query(
            "SELECT digest, digest_text, count_star, sum_timer_wait, sum_rows_affected, sum_rows_examined "
            "FROM performance_schema.events_statements_summary_by_digest WHERE digest IS NOT NULL",
            (),
        )
        algorithms = self._algorithms()
        blocked = self._blocked_by_digest()
        there = functools.cache(self._known.names)
        ids = self._ids
        if any(_words(str(row[1]))[0].partition(" ")[0] in _GIVING_IDS for row in told):
            self._ids = self._known.ids()
        found = []
        for digest, text, count, picoseconds, changed, read in told:
            words, label = _words(str(text))
            table = _named(label, there)
            algorithm, rebuilt = algorithms.get(str(digest), (None, None))
            if algorithm is Algorithm.INSTANT and not (table is not None and self._known.has_rows(table)):
                algorithm, rebuilt = None, None  # with no rows to read, every way of altering a table looks the same
            if algorithm is Algorithm.INPLACE and rebuilt is None and table in ids and table in self._ids:
                rebuilt = ids[table] != self._ids[table]
            found.append(
                Statement(
                    digest=words,
                    table=table,
                    count=int(count),
                    seconds=int(picoseconds) / _PICOSECONDS,
                    rows_read=int(read),
                    rows_changed=int(changed),
                    algorithm=algorithm,
                    rebuilt=rebuilt,
                    blocked_write_seconds=blocked.get(str(digest), 0.0),
                )
            )
        return tuple(found)

    def _blocked_by_digest(self) -> dict[str, float]:
        """A statement's digest is known only when it has ended, so it is looked up now."""
        seconds: dict[str, float] = {}
        if self._blocked:
            for thread, event, digest in self._query(
                "SELECT thread_id, event_id, digest FROM performance_schema.events_statements_history_long "
                "WHERE event_id IN %s",
                (tuple({event for _, event in self._blocked}),),
            ):
                seconds[str(digest)] = seconds.get(str(digest), 0.0) + self._blocked.get((thread, event), 0.0)
        return seconds

    def _algorithms(self) -> dict[str, tuple[Algorithm, bool | None]]:
        """How each statement that altered a table was carried out, by its digest: told by its stages.

        The two tables are joined here, because the server is slow at joining them.
        """
        stages: dict[tuple[int, int], set[str]] = {}
        for thread, statement, stage in self._query(
            "SELECT thread_id, nesting_event_id, event_name FROM performance_schema.events_stages_history_long", ()
        ):
            stages.setdefault((thread, statement), set()).add(str(stage))
        if not stages:
            return {}
        gone_through: dict[str, set[str]] = {}
        for thread, statement, digest in self._query(
            "SELECT thread_id, event_id, digest FROM performance_schema.events_statements_history_long "
            "WHERE event_name IN %s",
            (_ALTERING,),
        ):
            gone_through.setdefault(str(digest), set()).update(stages.get((thread, statement), ()))
        return {digest: _algorithm(names) for digest, names in gone_through.items() if names}


@functools.lru_cache(4096)
def _words(text: str) -> tuple[str, str | None]:
    """A statement as reports show it, and its table; the same few come at every step."""
    digest = normalize(text)
    return digest, table_of(digest)


def _named(label: str | None, tables: Callable[[], Collection[str]]) -> str | None:
    """A table as it is called: digests write names that are also words of SQL in capitals."""
    if label is None or not label.isupper() or label in tables():
        return label
    return next((name for name in tables() if name.upper() == label), label)


def _algorithm(stages: set[str]) -> tuple[Algorithm, bool | None]:
    """How an ALTER went, and whether it wrote the table anew; `None` if its stages do not tell.

    While others may write, an in-place ALTER logs what they do, and applies the log of the table that it wrote anew
    or of the index that it made. Where it lets nobody write, as for a FULLTEXT index, there is no such stage.
    """
    if "stage/sql/copy to tmp table" in stages:
        return Algorithm.COPY, True
    if any(stage.startswith("stage/innodb/alter table") for stage in stages):
        return Algorithm.INPLACE, True if _REBUILDING in stages else False if _NOT_REBUILDING in stages else None
    return Algorithm.INSTANT, False


def handler_calls(admin: Admin, user: str) -> tuple[int, int]:
    """How many rows the storage engines were asked for, and to change, on behalf of an account."""
    told = admin.rows(
        "SELECT variable_name, variable_value FROM performance_schema.status_by_user "
        "WHERE user = %s AND variable_name IN %s",
        (user, (*_READS, *_WRITES)),
    )
    calls = {str(name): int(value) for name, value in told}
    return sum(calls.get(name, 0) for name in _READS), sum(calls.get(name, 0) for name in _WRITES)
