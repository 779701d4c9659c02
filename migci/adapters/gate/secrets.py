"""What is secret whoever it belongs to: passwords, tokens, keys, and the values that statements and messages quote.

All of it is found in the shape of one line (lower case, each digit a zero) and in what it is in the middle of.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from migci.adapters.gate import literals
from migci.adapters.gate.found import INSTEAD, REMOVED, Found, masked
from migci.adapters.gate.literals import Statement

_MOST_LINES = 16


class State(NamedTuple):
    """What a line is in the middle of."""

    key: bool = False
    quoted: bytes = b""
    """What ends the value that a message quotes."""
    lines: int = 0
    """How many lines it has gone on for."""
    statement: Statement | None = None
    inside_line: bool = False

    @property
    def open(self) -> bool:
        """Whether what is removed goes on in the next line."""
        return self.key or self.quoted != b"" or (self.statement is not None and self.statement.string != b"")


def line(shape: bytes, state: State, signs: frozenset[bytes], *, statements: bool) -> tuple[list[Found], State]:
    """What is found in a line that has `signs`, the literals of `statements` too if asked for; the state after it."""
    begins = 0
    cuts: list[Found] = []
    if state.key:
        end = _KEY_ENDS.search(shape)
        if end:
            begins = end.end()
            cuts.append(Found(-1, begins, REMOVED))
        elif _KEY_GOES_ON.fullmatch(shape):
            return [Found(-1, len(shape), REMOVED)], state._replace(inside_line=False)
    elif state.quoted and state.lines < _MOST_LINES:
        at = shape.find(state.quoted)
        if at < 0:
            return [Found(-1, len(shape), INSTEAD)], state._replace(lines=state.lines + 1, inside_line=False)
        begins = at
        cuts.append(Found(-1, at, INSTEAD))
    if state.statement is None and not signs:
        return cuts, State()
    cuts += _simple(shape, begins, signs)
    if b"-----begin" in signs and (key := _KEY_BEGINS.search(shape, begins)):
        return [*cuts, Found(key.start(), len(shape), REMOVED)], State(key=True)
    quoted = b"" if signs.isdisjoint(_QUOTING) else _quoted(shape, begins, cuts)
    statement = None
    if statements and (state.statement is not None or not signs.isdisjoint(literals.SIGNS)):
        rest = masked(shape, cuts)
        more, statement = literals.line(rest, begins, state.statement, inside_line=state.inside_line)
        cuts += more
    if not quoted and statement is None:
        return cuts, State()
    return cuts, State(quoted=quoted, statement=statement)


_KEY_BEGINS_TEXT = rb"-----begin [a-z0 ]*private key(?: block)?-----"
_KEY_ENDS_TEXT = rb"-----end [a-z0 ]*private key(?: block)?-----"
_KEY_BEGINS = re.compile(_KEY_BEGINS_TEXT + rb"(?!.*" + _KEY_ENDS_TEXT + rb")")
_KEY_ENDS = re.compile(_KEY_ENDS_TEXT)
_KEY_GOES_ON = re.compile(rb"[\s>|'\"]*(?:[a-z0+/=]*|[a-z-]+: .*)[\s'\"\\,]*")
"""A line of base64, or a header such as that of an encrypted key."""

_QUOTED = re.compile(
    rb"duplicate entry (?P<a>\\?')"
    rb"|incorrect [^':\n]*value: (?P<b>\\?')"
    rb"|near (?P<c>\\?')"
    rb"|character string: (?P<d>\\?')"
    rb"|(?:cannot|can't) convert string (?P<e>\\?')"
)
_AFTER_QUOTED = {"a": b"' for key", "b": b"' for ", "c": b"' at line", "d": b"'", "e": b"' from "}


def _quoted(shape: bytes, begins: int, cuts: list[Found]) -> bytes:
    """Adds the values that the servers' messages quote; returns what ends one that goes on in the next line."""
    while match := _QUOTED.search(shape, begins):
        name = str(match.lastgroup)
        start, after = match.end(), _AFTER_QUOTED[name]
        end = shape.find(after, start)
        if end < 0 and name == "b":
            end = shape.rfind(b"'", start)
        if end < 0:
            if name != "a":
                return b""
            cuts.append(Found(start, len(shape), INSTEAD))
            return after
        if shape[end - 1 : end] == b"\\":
            end -= 1
        if end > start:
            cuts.append(Found(start, end, INSTEAD))
        begins = end + 1
    return b""


_PLACEHOLDER = (
    rb"(?!(?:%s|%\(\w+\)s|\?|:[a-z]\w*|none|null|true|false|\*+|\$?\{[\w.!:]*\}|<[\w ]+>)(?:[\s,;)\]}'\"]|$))"
)
_VALUE = (
    rb"(?:\\\"(?P<a>[^\"\\]+)|\\'(?P<b>[^'\\]+)|\"(?P<d>(?:[^\"\\]|\\.)*)|'(?P<s>(?:[^'\\]|\\.)*)"
    rb"|(?P<w>[^\s'\"\\,;&()<>\]}]+))"
)
_NAMES = rb"passw(?:or)?d|passwd|passphrase|pwd|secret|api_?key|access_?key|private_?key|auth_?token|access_?token"
_NAMED = (b"passw", b"passphrase", b"pwd", b"secret", b"key", b"token")
_RULES = tuple(
    (signs, re.compile(rule), instead)
    for signs, rule, instead in (
        # NAME=value, "NAME": "value", NAME: value, --NAME value
        (_NAMED, rb"(?:" + _NAMES + rb")[\w-]*\\?['\"]?\]?\s?[=:]>?\s{0,4}[bu]?" + _PLACEHOLDER + _VALUE, REMOVED),
        (_NAMED, rb"--?[\w-]*(?:" + _NAMES + rb")[\w-]*\s+" + _PLACEHOLDER + _VALUE, REMOVED),
        (
            (b"token", b"credential"),
            rb"(?:token|credentials?)[\w-]*(?:\\?['\"]\s?:|=)\s{0,4}[bu]?" + _PLACEHOLDER + _VALUE,
            REMOVED,
        ),
        (
            (b"identified",),
            rb"identified\s+(?:with\s+[\w'\"`]+\s+)?(?:by|as)(?:\s+password)?\s+" + _VALUE,
            REMOVED,
        ),
        ((b"password",), rb"\bpassword\s*\(\s*" + _VALUE, REMOVED),
        (
            (b"authorization", b"token", b"x-api-key", b"cookie"),
            (
                rb"(?:authorization|x-[\w-]*token|x-api-key|cookie)\\?['\"]?\s?[:=]\s?\\?['\"]?"
                rb"(?P<w>[^\s'\"\\<>][^'\"\\<>]*)"
            ),
            REMOVED,
        ),
        ((b"bearer",), rb"\bbearer\s+(?P<w>[a-z0-9._~+/-]{8,}=*)", REMOVED),
        # credentials in a URL
        ((b"://",), rb"[a-z][a-z0+.-]*://(?P<w>[^\s/@:'\"<>?#]*:(?!0{1,5}/)[^\s'\"<>]*)@(?=[\w\[(.%{-])", REMOVED),
        # tokens that can be told by their looks
        (
            (b"akia", b"asia", b"aroa", b"aida"),
            rb"(?<![a-z0-9])(?P<w>a(?:kia|sia|roa|ida)[a-z0]{16})(?![a-z0])",
            REMOVED,
        ),
        ((b"gh", b"github_pat_"), rb"(?P<w>gh[pousr]_[a-z0]{20,}|github_pat_\w{20,})", REMOVED),
        ((b"gl",), rb"(?P<w>gl(?:pat|dt|rt|ptt|soat|cbt)-[\w.-]{16,})", REMOVED),
        (
            (b"xox", b"_live_", b"_test_", b"aiza"),
            rb"(?P<w>xox[abceoprs]-[\w-]{10,}|[sr]k_(?:live|test)_\w{16,}|aiza[\w-]{35})",
            REMOVED,
        ),
        ((b"eyj",), rb"(?<![\w-])(?P<w>eyj[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?)", REMOVED),
        ((b"-----end",), rb"(?P<w>" + _KEY_BEGINS_TEXT + rb".*" + _KEY_ENDS_TEXT + rb")", REMOVED),
        # the values of statements, as SQLAlchemy tells them
        ((b"[parameters:",), rb"\[parameters: (?P<w>[^\s?].*?)(?=\]\s*$|\]\\n|$)", INSTEAD),
        (
            (b"[generated", b"[cached", b"[no", b"[caching", b"[dialect", b"[insertmany", b"[raw"),
            (
                rb"\[(?:generated in|cached since|no key|caching disabled|dialect|insertmanyvalues|raw sql)[^\]]*\]"
                rb" ?(?P<w>[({\[].*)$"
            ),
            INSTEAD,
        ),
        (
            (b"sqlalchemy.engine",),
            rb"sqlalchemy\.engine\.[\w.]+\]? (?P<w>(?:\(.+\)|\{.+\}|\[[({].*\]))\s*$",
            INSTEAD,
        ),
    )
)
_QUOTING = frozenset((b"duplicate", b"value:", b"near", b"string"))
_SIGNS = {sign for signs, _, _ in _RULES for sign in signs} | _QUOTING | {b"-----begin", *literals.SIGNS}
SIGN = re.compile(rb"(?=(" + b"|".join(sorted(map(re.escape, _SIGNS))) + rb"))")
"""What a line has in one of its words if there is anything to be found in it."""


def _simple(shape: bytes, begins: int, present: frozenset[bytes]) -> list[Found]:
    """What one line shows to be a secret by itself."""
    cuts = []
    for rule, instead in [(rule, instead) for signs, rule, instead in _RULES if not present.isdisjoint(signs)]:
        for match in rule.finditer(shape, begins):
            start, end = match.span(str(match.lastgroup))
            if end > start and shape[start:end] not in _NO_VALUES:
                cuts.append(Found(start, end, instead))
    return cuts


_NO_VALUES = (b"", b"?", b"%s", b"()", b"{}", b"[]")
