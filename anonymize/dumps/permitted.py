"""Which statements may stand in a dump besides those that bring rows: none that could hide a value."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from anonymize.dumps.tokens import Sort, Token


class Purpose(Enum):
    """What a statement is, as far as it has to be told from others."""

    OTHER = "other"
    TABLE = "table"
    STAND_IN = "stand-in"
    ALTER = "alter"
    USE = "use"
    SET = "set"
    ROUTINE = "routine"


class NotPermitted(Exception):
    """A statement that is not known in a dump; says which, never a value of it."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DROPPED = _words("TABLE TABLES DATABASE SCHEMA VIEW TRIGGER PROCEDURE FUNCTION EVENT SEQUENCE INDEX PACKAGE")
_MADE = _words("VIEW SEQUENCE INDEX DATABASE SCHEMA TABLESPACE")
_ROUTINES = _words("TRIGGER PROCEDURE FUNCTION EVENT PACKAGE")
_NAMED = _words(
    "INSERT REPLACE UPDATE DELETE SELECT CALL LOAD WITH DO GRANT REVOKE CREATE ALTER DROP RENAME SET USE HANDLER TABLE "
    "INSTALL UNINSTALL PREPARE EXECUTE ANALYZE VALUES IMPORT BINLOG XA KILL SHUTDOWN EXPLAIN DESCRIBE SHOW RESET PURGE "
    "CHANGE START STOP LOCK FLUSH SOURCE SYSTEM DECLARE BEGIN END IF"
)


def purpose(tokens: list[Token], *, executed: bool) -> Purpose:
    """What the statement of these tokens is. `executed` says that all of it stands in a comment that servers execute.

    Raises NotPermitted.
    """
    words = [token.text.upper() if token.sort is Sort.WORD else "" for token in tokens]
    first = words[0] if words else ""
    rule = _RULES.get(first)
    found = rule(words, tokens) if rule is not None else None
    if found is None:
        raise NotPermitted(f"{first} is not known in a dump" if first in _NAMED else "this is no statement")
    if found is Purpose.TABLE and executed:
        return Purpose.STAND_IN  # mysqldump keeps a view's place so until it can make it
    return found


def _create(words: list[str], tokens: list[Token]) -> Purpose | None:
    at = 1
    while at < len(words):
        word = words[at]
        if word in ("TABLE", "TEMPORARY"):
            return Purpose.TABLE
        if word in _ROUTINES:
            return Purpose.ROUTINE
        if word in _MADE:
            return Purpose.OTHER
        if word == "DEFINER" and tokens[at + 1 : at + 2] and tokens[at + 1].is_sign("="):
            at = _past_account(tokens, at + 2)
        elif word in ("USER", "ROLE", "SERVER", ""):
            return None
        else:
            at += 1  # OR REPLACE, ALGORITHM = MERGE, SQL SECURITY INVOKER, UNIQUE, AGGREGATE …
            while at < len(words) and tokens[at].is_sign("="):
                at += 2
    return None


def _past_account(tokens: list[Token], at: int) -> int:
    """Behind `name @ host`, or `CURRENT_USER ( )`."""
    at += 1
    while at < len(tokens) and tokens[at].sort is Sort.SIGN:
        at += 1 if tokens[at].text in "()" else 2
    return at


def _drop(words: list[str], tokens: list[Token]) -> Purpose | None:
    rest = [word for word in words[1:3] if word not in ("TEMPORARY", "IF")]
    return Purpose.OTHER if rest and rest[0] in _DROPPED else None


def _alter(words: list[str], tokens: list[Token]) -> Purpose | None:
    if words[1:2] == ["IGNORE"]:
        words = words[1:]
    if words[1:2] == ["TABLE"]:
        return Purpose.ALTER
    return Purpose.OTHER if words[1:2] in (["DATABASE"], ["SCHEMA"]) else None


def _sequence(words: list[str], tokens: list[Token]) -> Purpose | None:
    return Purpose.OTHER if words[1:2] == ["SETVAL"] and not _strings(tokens) else None


def _select(words: list[str], tokens: list[Token]) -> Purpose | None:
    # Percona's mysqldump asks the server whether it has a variable of RocksDB …
    if words[1:2] == ["COUNT"] and "INTO" in words and _of_rocksdb(words):
        return Purpose.OTHER
    return _sequence(words, tokens)


def _prepare(words: list[str], tokens: list[Token]) -> Purpose | None:
    # … and prepares what it put together of that. Nothing else: a prepared statement is a statement that nobody sees.
    return Purpose.OTHER if _of_rocksdb(words) and not _strings(tokens) else None


def _of_rocksdb(words: list[str]) -> bool:
    return any(word.startswith("ROCKSDB_") for word in words)


def _without_strings(words: list[str], tokens: list[Token]) -> Purpose | None:
    return None if _strings(tokens) else Purpose.OTHER


def _strings(tokens: list[Token]) -> int:
    return sum(token.sort in (Sort.STRING, Sort.DOUBLE) for token in tokens)


def _followed_by(*expected: str) -> Callable[[list[str], list[Token]], Purpose | None]:
    def rule(words: list[str], tokens: list[Token]) -> Purpose | None:
        return Purpose.OTHER if (words[1] if len(words) > 1 else "") in expected else None

    return rule


_RULES: dict[str, Callable[[list[str], list[Token]], Purpose | None]] = {
    "ALTER": _alter,
    "ANALYZE": _without_strings,
    "BEGIN": lambda words, tokens: Purpose.OTHER if len(tokens) <= 2 else None,
    "CHANGE": _followed_by("MASTER", "REPLICATION"),
    "CHECK": _without_strings,
    "COMMIT": _without_strings,
    "CREATE": _create,
    "DEALLOCATE": _without_strings,
    "DO": _sequence,
    "DROP": _drop,
    "EXECUTE": _without_strings,
    "FLUSH": _without_strings,
    "LOCK": _followed_by("TABLES", "TABLE"),
    "OPTIMIZE": _without_strings,
    "PREPARE": _prepare,
    "ROLLBACK": _without_strings,
    "SELECT": _select,
    "SET": lambda words, tokens: Purpose.SET,
    "START": _followed_by("TRANSACTION", "SLAVE", "REPLICA", "ALL"),
    "STOP": _followed_by("SLAVE", "REPLICA", "ALL"),
    "TRUNCATE": _without_strings,
    "UNLOCK": _followed_by("TABLES", "TABLE"),
    "USE": lambda words, tokens: Purpose.USE if len(tokens) == 2 else None,
}
