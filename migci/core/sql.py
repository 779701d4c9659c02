"""Statements without their values: what a report may show, and by what statements are told apart."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      (?P<comment>/\*.*?(?:\*/|\Z)|--[ \t][^\n]*|--$|\#[^\n]*)
    | (?P<name>`(?:[^`]|``)*`|\[[^\]\s'"]*\])
    | (?P<double>"(?:[^"\\]|\\.|"")*(?:"|\\?\Z))
    | (?P<string>(?:[xXbBnN]|_[a-zA-Z0-9]+[ ]?)?'(?:[^'\\]|\\.|'')*(?:'|\\?\Z))
    | (?P<number>(?<![\w$])(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+))
    | (?P<parameter>%s|%\(\w+\)s|(?<![\w:]):\w+)
    | (?P<word>[\w$]+)
    | (?P<space>\s+)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
_ROWS = re.compile(r"(\(\?\))(?:\s*,\s*\(\?\))+")

LONGEST_DIGEST = 1024
"""Characters; a longer statement is cut, as MySQL and MariaDB cut theirs."""


def normalize(sql: str) -> str:
    """`sql` with every value as `?`, no comments, single spaces; lists of values of any length are alike.

    A string in double quotes counts as a value, because MySQL reads it as one. What is not closed is taken for a value
    up to the end, so a broken statement shows less rather than more.
    """
    parts: list[str] = []
    for match in _TOKEN.finditer(sql[: 16 * LONGEST_DIGEST]):
        kind = match.lastgroup
        if kind in ("comment", "space"):
            parts.append(" ")
        elif kind in ("double", "string", "number", "parameter"):
            parts.append("?")
        else:
            parts.append(match.group())
    text = " ".join("".join(parts).split())
    text = _ROWS.sub(r"\1", _LIST.sub("(?)", text))
    return text[:LONGEST_DIGEST]


_FILLER = frozenset(
    ("TABLE", "IF", "EXISTS", "NOT", "IGNORE", "ONLY", "INTO", "FROM", "LOW_PRIORITY", "DELAYED", "QUICK")
)
_BEFORE_TABLE = {
    "ALTER": "TABLE",
    "CREATE": "TABLE",
    "DROP": "TABLE",
    "RENAME": "TABLE",
    "TRUNCATE": "",
    "OPTIMIZE": "TABLE",
    "INSERT": "",
    "REPLACE": "",
    "UPDATE": "",
    "DELETE": "FROM",
    "SELECT": "FROM",
}


def table_of(digest: str) -> str | None:
    """The table that a statement is about, its first where there are several; `None` where it names none.

    It reads the shape of common statements and is a label for people: nothing is decided by it.
    """
    words = re.findall(r"`(?:[^`]|``)*`|\"[^\"]*\"|[\w$]+|\S", digest)
    upper = [word.upper() for word in words]
    if not upper or upper[0] not in _BEFORE_TABLE:
        return None
    start = 1
    if upper[0] in ("CREATE", "DROP") and "INDEX" in upper[:4]:
        if "ON" not in upper:
            return None
        start = upper.index("ON") + 1
    elif before := _BEFORE_TABLE[upper[0]]:
        if before not in upper:
            return None
        start = upper.index(before) + 1
    while start < len(words) and upper[start] in _FILLER:
        start += 1
    if start < len(words) - 2 and words[start + 1] == ".":
        start += 2
    if start < len(words) and re.match(r"[`\"\w]", words[start]):
        return str(words[start]).strip('`"')
    return None
