"""What is secret whoever it belongs to: passwords, tokens, keys, and the values that statements and messages quote.

All of it is found line by line. What counts of a line is its shape: lower case, each digit a zero. Lines of a log have
few shapes, and a shape is looked at once.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from migci.adapters.gate import literals, sieve
from migci.adapters.gate.found import INSTEAD, REMOVED, Found, masked, merged
from migci.adapters.gate.literals import Statement


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


_NOWHERE = State()

Cut = tuple[int, int, bytes]
"""As `Found`, but for its columns: there are very many."""

_SHAPE = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(chr(byte).lower()) if byte < 128 else byte
               for byte in range(256))  # fmt: skip
_MOST_LINES = 16
_MOST_ROUNDS = 5
_LINES_BITS = 15
_MOST_WORDS = 10_000
_MOST_STATES = 10_000
_LONGEST_LINE = 1000


class Scanner:
    """Finds secrets and, with `statements`, the literals of statements; remembers the shapes of lines it has seen.

    For any number of threads. `start` is the state at the beginning of a text.
    """

    start = State()

    def __init__(self, *, statements: bool) -> None:
        self._statements = statements
        self._lock = threading.Lock()
        self._lines = sieve.Lines(os.urandom(16), _LINES_BITS)
        self._words: dict[bytes, frozenset[bytes]] = {}
        self._states, self._answers = _Numbers(self.start), _Numbers[tuple[Cut, ...]](())

    def scan(self, text: bytes, state: State) -> tuple[list[Cut], State]:
        """What is to be removed of `text`, a line after the other, and the state at its end."""
        with self._lock:
            found, after = self._scan(text, state)
        inside_line = text[-1:] not in (b"", b"\n")
        return found, after if after == self.start else after._replace(inside_line=inside_line)

    def _scan(self, text: bytes, state: State) -> tuple[list[Cut], State]:
        found: list[Cut] = []
        at, number = 0, self._states.of(state)
        while True:
            at, number, told = self._lines.scan(text, at, number)
            answers = self._answers
            for begins, answer in told:
                for start, end, instead in answers[answer]:
                    found.append((begins + start, begins + end, instead))
            if at >= len(text):
                if found and found[0][0] < 0:  # the end of the line before was in what has been released
                    found[0] = (0, *found[0][1:])
                return found, self._states[number]
            ends = text.find(b"\n", at)
            line = text[at : ends if ends >= 0 else len(text)]
            settled, after = self._settled(line.translate(_SHAPE), self._states[number])
            cuts = tuple(one[:3] for one in settled)
            found += [(at + start, at + end, instead) for start, end, instead in cuts]
            number = self._learn(line, number, after, cuts)
            at += len(line) + 1

    def _learn(self, line: bytes, number: int, after: State, cuts: tuple[Cut, ...]) -> int:
        """Remember what was found; returns the number of the state that comes `after`."""
        answer = self._answers.of(cuts) if len(line) <= _LONGEST_LINE else 0
        full = len(line) <= _LONGEST_LINE and self._lines.learn(line, number, self._states.of(after), answer)
        if full or len(self._states) > _MOST_STATES:
            self._lines.clear()
            self._states, self._answers = _Numbers(self.start), _Numbers[tuple[Cut, ...]](())
        return self._states.of(after)

    def _settled(self, shape: bytes, state: State) -> tuple[list[Found], State]:
        """What is found in a line, and what is found in it once that is removed, and so on."""
        found, after = self._found(shape, state)
        for _ in range(_MOST_ROUNDS):
            if not found or found[0].start < 0 or after.open:  # it is one line with that before or after it
                break
            more, after = self._found(_without(shape, found), state)
            all_found = merged([*found, *_in_original(shape, found, more)])
            if all_found == found:
                break
            found = all_found
        return found, after

    def _found(self, shape: bytes, state: State) -> tuple[list[Found], State]:
        found, after = _line(shape, state, self._signs(shape), statements=self._statements)
        return merged(found), after

    def _signs(self, shape: bytes) -> frozenset[bytes]:
        """What there is in the words of a line that makes it worth a closer look."""
        signs = _NO_SIGNS
        for word in set(shape.split()):
            found = self._words.get(word)
            if found is None:
                found = frozenset(_SIGN.findall(word)) or _NO_SIGNS
                if len(self._words) >= _MOST_WORDS:
                    self._words.clear()
                if len(word) <= _LONGEST_LINE:
                    self._words[word] = found
            if found:
                signs |= found
        return signs


_Thing = TypeVar("_Thing", bound=Hashable)


class _Numbers(Generic[_Thing]):
    """Gives numbers to things; that of the first is zero."""

    def __init__(self, first: _Thing) -> None:
        self._things = [first]
        self._numbers = {first: 0}

    def __len__(self) -> int:
        return len(self._things)

    def __getitem__(self, number: int) -> _Thing:
        return self._things[number]

    def of(self, thing: _Thing) -> int:
        number = self._numbers.setdefault(thing, len(self._things))
        if number == len(self._things):
            self._things.append(thing)
        return number


_NO_SIGNS: frozenset[bytes] = frozenset()


def _without(shape: bytes, found: list[Found]) -> bytes:
    """The line as it is when what was found has been removed; what stands for a secret is no word."""
    parts, done = [], 0
    for one in found:
        parts += [shape[done : one.start], one.instead if one.instead == INSTEAD else b"\1" * len(one.instead)]
        done = one.end
    return b"".join([*parts, shape[done:]])


def _in_original(shape: bytes, found: list[Found], more: list[Found]) -> list[Found]:
    """Where in the line that is which was found when `found` had been removed."""
    starts, ends, done = [], [], 0
    for one in found:
        starts += [*range(done, one.start), *[one.start] * len(one.instead)]
        ends += [*range(done + 1, one.start + 1), *[one.end] * len(one.instead)]
        done = one.end
    starts += range(done, len(shape))
    ends += range(done + 1, len(shape) + 1)
    return [one._replace(start=starts[one.start], end=ends[one.end - 1]) for one in more]


def _line(shape: bytes, state: State, signs: frozenset[bytes], *, statements: bool) -> tuple[list[Found], State]:
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
        return cuts, _NOWHERE
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
        return cuts, _NOWHERE
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


_PLACEHOLDER = rb"(?!%s\b|%\(|\?|:[a-z]|none\b|null\b|true\b|false\b|\*\*|\{|\$\{)"
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
_SIGN = re.compile(rb"(?=(" + b"|".join(sorted(map(re.escape, _SIGNS))) + rb"))")


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
