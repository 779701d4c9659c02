"""The literals of SQL statements in a text that is mostly something else, such as a log.

A statement begins at a verb with what belongs to it (`UPDATE … SET`, `INSERT INTO`), and ends at a semicolon, at the
quote that was opened right before it, or with the last line that looks like more of it. In it, a string is replaced
always, in single or double quotes; so a comment or a default of a column is. A number is replaced once the statement
has come to WHERE, HAVING, VALUES, SET, LIMIT or CALL, and stays elsewhere; if it is about a definition (CREATE, ALTER),
only after WHERE or HAVING. So `VARCHAR(255)` and `DEFAULT 0` can be read. A string that is not closed counts up to the
end of its line, and for 16 lines more, until the quote comes.

All works on shapes of lines: lower case, with zeros for digits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from migci.adapters.gate.found import INSTEAD, Found

_MOST_LINES = 16


class Statement(NamedTuple):
    """What is known of a statement whose end has not come."""

    closing: bytes = b""
    """What ends it, because the like of it stands before its verb."""
    definition: bool = False
    numbers: bool = False
    depth: int = 0
    string: bytes = b""
    """The quote of the string that is open."""
    lines: int = 0
    """How many lines that has been open for."""


_VERB = re.compile(
    rb"""(?<![\w`$@.-])(?:
      (?P<definition>
        create\s+(?:or\s+replace\s+)?(?:(?:temporary|unique|fulltext|spatial|definer\s*=\s*\S+)\s+)*
        (?:table|index|database|schema|user|view|trigger|procedure|function|event|role|server)\b
      | alter\s+(?:(?:online|offline|ignore|algorithm\s*=\s*\w+)\s+)*(?:table|database|schema|user|view|event|server)\b
      )
    | select\b(?=\s+\S|\s*[*('"]|\s*$)
    | insert\s+(?:(?:ignore|low_priority|delayed|high_priority|overwrite|or\s+\w+)\s+)*(?:into\b|`)
    | replace\s+(?:(?:low_priority|delayed)\s+)?(?:into\b|`)
    | update\s+(?:(?:ignore|low_priority|only)\s+)*\S+(?:\s+\S+){0,4}?\s+set\b
    | update\s+(?:(?:ignore|low_priority|only)\s+)*\S+(?:\s+(?:as\s+)?\w+)?\s*$
    | delete\s+(?:(?:ignore|low_priority|quick|[\w`.]+)\s+)*from\b
    | call\s+[\w`.]+\s*\(
    | set\s+(?:(?:global|session|local|persist)\s+|@@?)?[\w`.@]+\s*:?=
    | set\s+password\b
    | load\s+(?:data|xml)\b
    | grant\s+.*\bto\b
    | with\s+(?:recursive\s+)?[\w`]+\s*(?:\([^)]*\)\s*)?as\s*\(
    | values\s*\(
    | where\s+[\w`."(]+\s*(?:=|<|>|!=|\bin\b|\blike\b|\bbetween\b|\bis\b)
    | (?:execute|prepare)\s+\w+\s+(?:using|from)\b
    )""",
    re.VERBOSE,
)
SIGNS = tuple(
    b"create alter select insert replace update delete call set load grant with values where execute prepare".split()
)
"""The words that a statement begins with."""

_NUMBER_TEXT = rb"(?<![\w$.:@%\\\]])(?:0x[0a-f]+|0+(?:\.0*)?(?:e[+-]?0+)?|\.0+)(?![\w$\[])"
_NUMBER = re.compile(_NUMBER_TEXT)
_VERB_WORD = re.compile(rb"\b(?:" + b"|".join(SIGNS) + rb")\b")
_TOKEN = re.compile(
    rb"""
      (?P<comment>/\*.*?(?:\*/|$)|--(?:\s.*)?$)
    | (?P<name>`[^`]*`)
    | (?P<escaped>\\['"])
    | (?P<string>(?:(?<![\w$])(?:[xbn]|_[a-z][a-z0]*\s?))?['"])
    | (?P<number>"""
    + _NUMBER_TEXT
    + rb""")
    | (?P<word>[\w$]+)
    | (?P<end>;)
    | (?P<bracket>[()])
    | (?P<close>\])
    """,
    re.VERBOSE,
)
_NUMBERS_AFTER = frozenset((b"where", b"having"))
_NUMBERS_AFTER_VERB = _NUMBERS_AFTER | {b"values", b"value", b"set", b"limit", b"call", b"using"}
_NUMBERS_COME = re.compile(rb"\b(?:" + b"|".join(sorted(_NUMBERS_AFTER_VERB)) + rb")\b")
_NUMBERS_COME_DEFINED = re.compile(rb"\b(?:" + b"|".join(sorted(_NUMBERS_AFTER)) + rb")\b")
_NOT_PLAIN = (b"'", b'"', b"`", b"\\", b";", b"]", b"--", b"/*")
_BEFORE_STRING = frozenset(
    b"""like by as then else select return returning and or not in when values value regexp rlike div between comment
    default is xor if using from to with""".split()
)
_RECORD = re.compile(
    rb"\s*(?:file \"|traceback |during handling|the above exception|0000-00-00"
    rb"|\[?(?:info|debug|warning|error|critical)\b"
    rb"|\[(?:sql|parameters|generated|cached|raw|no key|insertmany|dialect)\b|\(background on)"
)
_MORE = re.compile(
    rb"""\s+\S|[()`,"'?%:*=<>+-]|(?:from|where|set|values?|and|or|join|left|right|inner|outer|cross|natural|order|group
    |having|limit|offset|on|union|select|into|as|using|when|then|else|end|case|add|drop|change|modify|alter|primary
    |unique|key|index|constraint|foreign|references|engine|comment|partition|default|charset|collate|returning|for
    |with|ignore|fields|columns|lines|terminated|enclosed|escaped|in|not|is|like|between|exists|distinct|all|if
    |window|except|intersect|starting|optionally|do)\b""",
    re.VERBOSE,
)


def line(
    shape: bytes, begins: int, statement: Statement | None, *, inside_line: bool
) -> tuple[list[Found], Statement | None]:
    """The literals of the line `shape` from `begins` on, and the statement that goes on after it.

    `statement` is the one that goes on from the line before, or from earlier in this one if that is `inside_line`.
    """
    found: list[Found] = []
    at = begins
    if statement is not None and not inside_line and not _goes_on(shape, statement):
        statement = None
    if statement is not None:
        at, statement = _rest(shape, at, statement, found, -1 if not inside_line else 0)
    while statement is None and (verb := _verb(shape, at)):
        opened = Statement(_closing(shape, verb.start()), definition=verb.lastgroup == "definition")
        start = verb.start()
        at, statement = _rest(shape, start, opened, found, start)
    return found, statement


def _verb(shape: bytes, begins: int) -> re.Match[bytes] | None:
    """The first verb from `begins` on that a statement begins with."""
    for word in _VERB_WORD.finditer(shape, begins):
        if verb := _VERB.match(shape, word.start()):
            return verb
    return None


def _goes_on(shape: bytes, statement: Statement) -> bool:
    if statement.string and statement.lines < _MOST_LINES:
        return not _RECORD.match(shape)
    if _RECORD.match(shape) or not shape.strip():
        return False
    return statement.depth > 0 or _MORE.match(shape) is not None


def _closing(shape: bytes, verb: int) -> bytes:
    before = shape[max(verb - 6, 0) : verb].rstrip()
    for quote in (b'"""', b"'''", b'\\"', b"\\'", b'"', b"'"):
        if before.endswith(quote):
            return quote
    return b"]" if before.endswith(b"[sql:") else b""


def _rest(shape: bytes, at: int, statement: Statement, found: list[Found], begins: int) -> tuple[int, Statement | None]:
    """Reads on from `at`; returns where the statement ended, or the end of the line and what it is then."""
    closing, definition, numbers, depth, string, lines = statement
    if string:
        end = _string_end(shape, at, string, closing)
        if end is None:
            if lines >= _MOST_LINES:
                string = b""
            else:
                found.append(Found(begins, len(shape), INSTEAD))
                return len(shape), statement._replace(lines=lines + 1)
        else:
            found.append(Found(begins, end, INSTEAD))
            at = end
    if not any(sign in shape for sign in _NOT_PLAIN):
        numbers = _plain(shape, at, definition, numbers, found)
        depth = max(depth + shape.count(b"(", at) - shape.count(b")", at), 0)
        return len(shape), Statement(closing, definition, numbers, depth)
    while match := _TOKEN.search(shape, at):
        start, at = match.span()
        kind, text = match.lastgroup, match.group()
        if closing and _closes(shape, start, closing):
            return start + len(closing), None
        if kind == "word":
            if text in (_NUMBERS_AFTER if definition else _NUMBERS_AFTER_VERB):
                numbers = True
        elif kind == "number" and numbers:
            found.append(Found(start, at, INSTEAD))
        elif kind in ("string", "escaped"):
            word_before = _word_before(shape, start)
            if kind == "string" and len(text) == 1 and word_before and word_before not in _BEFORE_STRING:
                continue  # an apostrophe
            quote = text if kind == "escaped" else text[-1:]
            end = _string_end(shape, at, quote, closing)
            if end is None:
                found.append(Found(start, len(shape), INSTEAD))
                return len(shape), Statement(closing, definition, numbers, depth, quote)
            found.append(Found(start, end, INSTEAD))
            at = end
        elif kind == "bracket":
            depth = max(depth + (1 if text == b"(" else -1), 0)
        elif kind == "end":
            return at, None
    return len(shape), Statement(closing, definition, numbers, depth)


def _plain(shape: bytes, at: int, definition: bool, numbers: bool, found: list[Found]) -> bool:
    """Reads on from `at` where there are but words, numbers and brackets; returns whether numbers are replaced."""
    if not numbers:
        after = (_NUMBERS_COME_DEFINED if definition else _NUMBERS_COME).search(shape, at)
        if after is None:
            return False
        at = after.end()
    if b"0" in shape:
        found += [Found(*number.span(), INSTEAD) for number in _NUMBER.finditer(shape, at)]
    return True


def _closes(shape: bytes, at: int, closing: bytes) -> bool:
    if closing == b"]":
        return shape[at : at + 1] == b"]" and not shape[at + 1 :].strip(b" \r)'\"")
    return shape.startswith(closing, at)


def _word_before(shape: bytes, at: int) -> bytes:
    match = _WORD_BEFORE.search(shape[max(at - 20, 0) : at])
    return match.group() if match else b""


_WORD_BEFORE = re.compile(rb"[\w$\x80-\xff]+$")


def _string_end(shape: bytes, at: int, quote: bytes, closing: bytes) -> int | None:
    """Where the string that `quote` opened before `at` ends: after its closing quote, or where the statement does."""
    stops = quote[-1:] + closing[:1] + b"\\"
    while True:
        found = min((place for stop in set(stops) if (place := shape.find(bytes([stop]), at)) >= 0), default=-1)
        if found < 0:
            return None
        if len(quote) == 1 and shape.startswith(quote, found):
            if not shape.startswith(quote * 2, found):
                return found + 1
            at = found + 2
        elif shape.startswith(quote, found):
            return found + len(quote)
        elif closing and closing != b"]" and shape.startswith(closing, found):
            return found
        else:
            at = found + (2 if shape[found : found + 1] == b"\\" else 1)
