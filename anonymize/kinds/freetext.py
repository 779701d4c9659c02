"""The kind scrub: what looks confidential in free text is replaced, each find by its kind; the words around it stay."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anonymize.errors import Unfit
from anonymize.kinds.applied import Applied
from anonymize.kinds.columns import BLOBS, BYTES, TEXTS
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option, nearest
from anonymize.kinds.patterns import NAMES, PATTERNS, Pattern
from anonymize.kinds.rules import Find, inner
from anonymize.ops import Call, Fold, Text

_DIGITS = b"0123456789"


@dataclass(frozen=True, slots=True)
class Search:
    """One pattern, and what takes the place of its finds; None leaves them."""

    pattern: Pattern
    changed: Applied | None

    def worth_it(self, text: str, digits: int) -> bool:
        """Whether there can be a find in a text with so many digits."""
        return digits >= self.pattern.digits and any(one in text for one in self.pattern.needs)

    def first(self, text: str, start: int) -> re.Match[str] | None:
        """The first find that begins at `start` or later."""
        while match := self.pattern.regex.search(text, start):
            if match[0] and (self.pattern.is_one is None or self.pattern.is_one(match[0])):
                return match
            start = match.start() + 1
        return None


@dataclass(frozen=True, slots=True)
class Scrub:
    """From left to right, the find that begins first; of several there, that of the earlier search."""

    searches: tuple[Search, ...]
    otherwise: Applied
    """For a find that its kind does not take."""

    def __call__(self, value: bytes) -> bytes:
        text = value.decode("utf-8", "surrogateescape")
        digits = len(value) - len(value.translate(None, _DIGITS))
        promising = [search for search in self.searches if search.worth_it(text, digits)]
        finds = [(search, match) for search in promising if (match := search.first(text, 0))]
        if not finds:
            return value
        parts: list[bytes] = []
        at = 0
        while finds:
            search, match = min(finds, key=lambda find: find[1].start())
            parts += (_bytes(text[at : match.start()]), self._changed(search, _bytes(match[0])))
            at = match.end()
            finds = [
                (one, found)
                for one, known in finds
                if (found := known if known.start() >= at else one.first(text, at)) is not None
            ]
        return b"".join((*parts, _bytes(text[at:])))

    def _changed(self, search: Search, found: bytes) -> bytes:
        if search.changed is None:
            return found
        try:
            return search.changed(found) or b""
        except Unfit:
            return self.otherwise(found) or b""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def scrub_kind(find: Find) -> Definition:
    """The kind, given how others are found."""

    def make(wish: Wish) -> Made:
        unknown = [name for name in wish.options["without"] if name not in NAMES]
        if unknown:
            raise wish.refuse(f"there is no pattern {unknown[0]!r}", nearest(str(unknown[0]), NAMES, "they are"))
        searches = []
        for regex, rule in wish.options["patterns"].items():
            op = inner(find, wish, f"pattern {regex!r}", rule)
            own = Pattern(regex, _compiled(wish, regex), "")
            searches.append(Search(own, None if op is None else Applied(op)))
        for pattern in PATTERNS:
            if pattern.name not in wish.options["without"]:
                op = inner(find, wish, f"pattern {pattern.name!r}", pattern.kind)
                assert op is not None
                searches.append(Search(pattern, Applied(op)))
        otherwise = Applied(Text(wish.secret, Fold.NONE))
        return Made(Call(Scrub(tuple(searches), otherwise)), Uniqueness.LOSSY, grows=True)

    return Definition(
        name="scrub",
        summary="Free text, in which what looks confidential is replaced: links, mail addresses, IP and hardware "
        "addresses, uuids, numbers of cards and telephones, tokens, PEM. It finds forms and not meanings: a person's "
        "name stays. Where that may not be, choose text or redact.",
        guarantees=Guarantees(
            Uniqueness.LOSSY, length="kept but for what is found", characters="kept but for what is found"
        ),
        making=make,
        example="notes = { kind = \"scrub\", patterns = { 'EMP-[0-9]{6}' = \"text\" }, without = [\"phone\"] }",
        known={
            "patterns": Option("a rule for each regular expression (Python's) of your own; they win over the others",
                               dict, {}),
            "without": Option(f"what is not looked for, of {', '.join(NAMES)} ([])", list, []),
            "meaning": MEANING,
        },
        types=TEXTS | BLOBS | BYTES,
    )  # fmt: skip


def _compiled(wish: Wish, regex: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(regex)
    except re.error as error:
        raise wish.refuse(
            f"the pattern {regex!r} is no regular expression: {error}", "write it as for Python's re"
        ) from error
    if compiled.match(""):
        raise wish.refuse(f"the pattern {regex!r} is found in an empty text", "let it need one character at least")
    return compiled
