"""What MariaDB's performance schema tells of the work that one account did."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING

from migci.adapters.servers.product import Product
from migci.core.sql import normalize, table_of
from migci.core.step import Algorithm, Statement, Work

if TYPE_CHECKING:
    from migci.adapters.servers.database import Admin

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


class Observation:
    """Counts the work of `user` in `database`.

    Sources: `status_by_user` for rows (the storage engine's own calls, exact), `events_statements_summary_by_digest`
    for statements, `events_stages_history_long` for how an ALTER was carried out, and the log
    sequence number for bytes. Migrations cannot write to any of them.
    """

    def __init__(self, admin: Admin, product: Product, user: str, database: str) -> None:
        self._query = admin.rows
        self._granted = admin.granted
        self._product = product
        self._user = user
        self._database = database
        self._before: dict[str, int] = {}
        self._tables: frozenset[str] | None = None
        self._sampled = 0.0
        self._blocked: dict[_Event, float] = {}
        self._blocked_seconds = 0.0

    def begin(self) -> None:
        """Forget all that was seen, and count from here."""
        self._before = self._counters()
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
        self._sampled = time.monotonic()

    def _counters(self) -> dict[str, int]:
        told = self._query(
            "SELECT variable_name, variable_value FROM performance_schema.status_by_user "
            "WHERE user = %s AND variable_name IN %s",
            (self._user, (*_READS, *_WRITES)),
        )
        told += self._query("SHOW GLOBAL STATUS LIKE %s", (self._product.log_position,))
        return {str(name): int(value) for name, value in told}

    def sample(self) -> None:
        """Note which statements keep others from writing right now, to tables that were there before the step."""
        now = time.monotonic()
        passed, self._sampled = now - self._sampled, now
        if self._tables is None:
            self._tables = self._settled_tables()
        held: dict[str, set[_Event]] = {}
        for thread, event, table in self._query(
            "SELECT t.thread_id, s.event_id, l.object_name FROM performance_schema.metadata_locks l "
            "JOIN performance_schema.threads t ON t.thread_id = l.owner_thread_id "
            "LEFT JOIN performance_schema.events_statements_current s ON s.thread_id = t.thread_id "
            "WHERE t.processlist_user = %s AND l.object_type = 'TABLE' AND l.object_schema = %s "
            "AND l.lock_status = 'GRANTED'",
            (self._user, self._database),
        ):
            if table in self._tables:
                held.setdefault(str(table), set()).add((thread, event))
        blocking = {event for table, events in held.items() if not self._writable(table) for event in events}
        for event in blocking:
            self._blocked[event] = self._blocked.get(event, 0.0) + passed
        if blocking:
            self._blocked_seconds += passed

    def _writable(self, table: str) -> bool:
        """Whether somebody else could write to `table` at this moment: found out by asking for it, without waiting.

        The server's own list of metadata locks does not tell: it keeps showing the lock that a statement began with.
        """
        return self._granted(f"SELECT 1 FROM {quoted(self._database)}.{quoted(table)} WHERE FALSE FOR UPDATE NOWAIT")

    def _settled_tables(self) -> frozenset[str]:
        """The tables that are there, less those that the step has made: nobody else writes to these yet."""
        there = self._query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (self._database,)
        )
        made = self._query(
            "SELECT digest_text FROM performance_schema.events_statements_history_long "
            "WHERE event_name = 'statement/sql/create_table'",
            (),
        )
        return frozenset(str(name) for (name,) in there) - {table_of(str(text)) for (text,) in made}

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
        before, self._before = self._before, self._counters()
        grown = {name: value - before.get(name, 0) for name, value in self._before.items()}
        work = Work(
            rows_read=sum(grown.get(name, 0) for name in _READS),
            rows_changed=sum(grown.get(name, 0) for name in _WRITES),
            bytes_logged=grown.get(self._product.log_position),
            blocked_write_seconds=self._blocked_seconds,
            statements=self._statements(),
        )
        self._clear()
        return work

    def _statements(self) -> tuple[Statement, ...]:
        """One for each digest, in the order in which the server first saw them: it keeps them so."""
        algorithms = self._algorithms()
        blocked = self._blocked_by_digest()
        found = []
        for digest, text, count, picoseconds, changed, read in self._query(
            "SELECT digest, digest_text, count_star, sum_timer_wait, sum_rows_affected, sum_rows_examined "
            "FROM performance_schema.events_statements_summary_by_digest WHERE digest IS NOT NULL",
            (),
        ):
            words, table = _words(str(text))
            algorithm, rebuilt = algorithms.get(str(digest), (None, None))
            if algorithm is Algorithm.INSTANT and not self._has_rows(table):
                algorithm, rebuilt = None, None  # with no rows to read, every way of altering a table looks the same
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

    def _has_rows(self, table: str | None) -> bool:
        there = self._query(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s "
            "AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            (self._database, table),
        )
        name = f"{quoted(self._database)}.{quoted(str(table))}"
        return bool(there and self._query(f"SELECT 1 FROM {name} LIMIT 1", ()))

    def _algorithms(self) -> dict[str, tuple[Algorithm, bool]]:
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


def _algorithm(stages: set[str]) -> tuple[Algorithm, bool]:
    """An in-place ALTER that writes the table anew applies the log of the whole table at its end."""
    if "stage/sql/copy to tmp table" in stages:
        return Algorithm.COPY, True
    if any(stage.startswith("stage/innodb/alter table") for stage in stages):
        return Algorithm.INPLACE, "stage/innodb/alter table (log apply table)" in stages
    return Algorithm.INSTANT, False


def quoted(name: str) -> str:
    """A name as it stands in a statement."""
    return "`" + name.replace("`", "``") + "`"
