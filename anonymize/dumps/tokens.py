"""The words of a statement that describes a table: names, strings, numbers and signs, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from anonymize.errors import Unreadable


class Sort(Enum):
    """What a token is."""

    WORD = "word"
    """A keyword, a name without quotes, or a number."""
    NAME = "name"
    """A name in backticks."""
    STRING = "string"
    """A text in single quotes."""
    DOUBLE = "double"
    """A text in double quotes: a name or a string, as its place has it."""
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` is without quotes and escapes."""

    sort: Sort
    text: str
    line: int
    start: int
    end: int
    """Its place in the statement: text[start:end] is how it is written."""

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case."""
        return self.sort is Sort.WORD and self.text.upper() in words

    def is_sign(self, sign: str) -> bool:
        return self.sort is Sort.SIGN and self.text == sign


_WORD = re.compile(r"[0-9A-Za-z_$\x80-\U0010ffff]+")
_CONDITION = re.compile(r"/\*(?:M)?!\d*")
_DASHES = re.compile(r"--(?=[\s\x00-\x1f]|\Z)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


def tokens(text: str, file: str = "", line: int = 1, *, backslash: bool = True) -> list[Token]:
    """The tokens of `text`, which begins in `line` of `file`.

    Comments are left out, but what stands in an executable one (`/*!80023 INVISIBLE */`) counts: a dump is of a server
    that took it. Without `backslash` a backslash in a string is a character like any other. Raises Unreadable for a
    quote or a comment without its end.
    """
    found: list[Token] = []
    at, counted, conditional = 0, 0, False

    def cut(what: str) -> Unreadable:
        return Unreadable(
            f"{place(file, line)}: {what} without its end in the description of a table",
            "the file may be cut off; make the dump again",
        )

    while at < len(text):
        line += text.count("\n", counted, at)
        counted = at
        character = text[at]
        if character.isspace():
            at += 1
        elif character in "'\"`":
            end, value = _quoted(text, at, backslash and character != "`")
            if end is None:
                raise cut(f"a {character}")
            sort = {"'": Sort.STRING, '"': Sort.DOUBLE, "`": Sort.NAME}[character]
            found.append(Token(sort, value, line, at, end))
            at = end
        elif conditional and text.startswith("*/", at):
            conditional = False
            at += 2
        elif character == "#" or _DASHES.match(text, at):
            at = text.find("\n", at) % (len(text) + 1)
        elif (condition := _CONDITION.match(text, at)) and not conditional:
            conditional = True
            at = condition.end()
        elif text.startswith("/*", at):
            at = text.find("*/", at + 2) + 2
            if at == 1:
                raise cut("a comment")
        elif word := _WORD.match(text, at):
            found.append(Token(Sort.WORD, word.group(), line, at, word.end()))
            at = word.end()
        else:
            found.append(Token(Sort.SIGN, character, line, at, at + 1))
            at += 1
    if conditional:
        raise cut("a comment")
    return found


def place(file: str, line: int) -> str:
    """How the place is told: `dump.sql:12`, or `line 12` where the file has no name."""
    return f"{file}:{line}" if file else f"line {line}"


def _quoted(text: str, start: int, backslash: bool) -> tuple[int | None, str]:
    """The end of what is quoted from `start` on, behind its quote, and what it says; None where it has no end."""
    quote, at = text[start], start + 1
    parts: list[str] = []
    while at < len(text):
        character = text[at]
        if character == quote:
            if text[at + 1 : at + 2] != quote:
                return at + 1, "".join(parts)
            at += 1
        elif character == "\\" and backslash:
            at += 1
            character = text[at : at + 1]
            character = _ESCAPES.get(character, character)
        parts.append(character)
        at += 1
    return None, ""
