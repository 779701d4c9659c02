"""Looks into a SQLite file: `python look.py FILE`, a question a line, an answer a line. Standard library alone.

It runs where a file that means harm can do none: SQLite follows links, waits on pipes, deletes what a journal names.
"""

import json
import sqlite3
import sys
from contextlib import closing


def answer(file: str, sql: str, parameters: list[str], most: int) -> dict[str, object]:
    try:
        with closing(sqlite3.connect(file, timeout=5.0)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            return {"rows": connection.execute(sql, parameters).fetchmany(most)}
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        return {"error": str(error) or type(error).__name__, "code": getattr(error, "sqlite_errorcode", None)}


if __name__ == "__main__":
    for line in sys.stdin:
        told = json.dumps(answer(sys.argv[1], *json.loads(line)), default=lambda value: bytes(value).hex())
        sys.stdout.write(told + "\n")
        sys.stdout.flush()
