"""Times every SQL statement that SQLAlchemy sends, and lets no engine reach any database but the clone."""

import os
import time

_seen = None


class WrongDatabase(Exception):
    """The project's code was about to connect to something that is not the clone."""


def listen(database):
    """Watch every engine of this process. Does nothing where there is no SQLAlchemy.

    `database` tells the clone: `{"flavor": …, "socket": …}`, or is `None` when there is none yet.
    """
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
    except ImportError:
        return

    @event.listens_for(Engine, "do_connect")
    def guard(dialect, record, arguments, parameters):
        if not _is_clone(database, dialect.name, arguments, parameters):
            where = parameters.get("unix_socket") or parameters.get("host") or (arguments and arguments[0])
            raise WrongDatabase(
                "the project's code connects to another database (%s, %s) than the one it was given; "
                "nothing was sent to it" % (dialect.name, where)
            )

    @event.listens_for(Engine, "before_cursor_execute")
    def before(connection, cursor, statement, parameters, context, executemany):
        connection.info["migci_began"] = time.perf_counter()

    @event.listens_for(Engine, "after_cursor_execute")
    def after(connection, cursor, statement, parameters, context, executemany):
        _record(connection, statement, cursor.rowcount)

    @event.listens_for(Engine, "handle_error")
    def failed(context):
        if context.connection is not None and context.statement is not None:
            _record(context.connection, context.statement, 0)


def _is_clone(database, dialect, arguments, parameters):
    if database is None:
        return False
    if dialect == "sqlite":
        name = str(arguments[0] if arguments else parameters.get("database", ""))
        if name in ("", ":memory:"):
            return True
        return database["flavor"] == "sqlite" and os.path.realpath(name) == database["socket"]
    return database["flavor"] != "sqlite" and parameters.get("unix_socket") == database["socket"]


def _record(connection, statement, rows):
    began = connection.info.pop("migci_began", None)
    if _seen is None or began is None:
        return
    seconds = time.perf_counter() - began
    entry = _seen.get(statement)
    if entry is None:
        if len(_seen) >= 2000:
            statement = "(other statements)"
        entry = _seen.setdefault(statement, [0, 0.0, 0])
    entry[0] += 1
    entry[1] += seconds
    entry[2] += max(rows, 0)


def start():
    """Forget what was recorded, and record from here on."""
    global _seen
    _seen = {}


def stop():
    """What was recorded since `start`: `[statement, count, seconds, rows]`, in the order of first sight."""
    global _seen
    recorded, _seen = _seen or {}, None
    return [[sql, count, seconds, rows] for sql, (count, seconds, rows) in recorded.items()]
