"""What a dump's SET statements say of the text that follows: its character set, and how its strings are written."""

from __future__ import annotations

from collections.abc import Iterator

from anonymize.dumps.tokens import Sort, Token
from anonymize.sql import Grammar

_CHARSETS = frozenset({"utf8", "utf8mb3", "utf8mb4", "ascii", "binary", "latin1"})
_SCOPES = ("GLOBAL", "SESSION", "LOCAL", "PERSIST", "PERSIST_ONLY")
_OF_OTHERS = ("GLOBAL", "PERSIST", "PERSIST_ONLY")
_CHARSET, _MODE = "character_set_client", "sql_mode"
_DEFAULTS = {_CHARSET: "utf8mb4", _MODE: ""}


class NotSet(Exception):
    """A SET statement that cannot be followed; says why, without its values."""


class Session:
    """The session that a dump is loaded in, as far as it decides how the dump is to be read."""

    def __init__(self, charset: str | None = None) -> None:
        self._variables = dict(_DEFAULTS) | ({} if charset is None else {_CHARSET: charset})
        self._own: dict[str, str | None] = {}

    @property
    def charset(self) -> str:
        return self._variables[_CHARSET]

    @property
    def backslash(self) -> bool:
        return "NO_BACKSLASH_ESCAPES" not in self._variables[_MODE].upper().split(",")

    @property
    def grammar(self) -> Grammar:
        return Grammar(backslash=self.backslash, latin1=self.charset == "latin1")

    def set(self, tokens: list[Token]) -> None:
        """Follow a SET statement; `tokens` are those behind the word SET. Raises NotSet."""
        for assignment in _assignments(tokens):
            self._assign(assignment)

    def _assign(self, tokens: list[Token]) -> None:
        words = [token.text.upper() if token.sort is Sort.WORD else token.text for token in tokens]
        if words[:1] == ["NAMES"]:
            self._set(_CHARSET, self._value(tokens[1:2]))
        elif words[:2] == ["CHARACTER", "SET"] or words[:1] == ["CHARSET"]:
            self._set(_CHARSET, self._value(tokens[2:3] if words[0] == "CHARACTER" else tokens[1:2]))
        elif words[:1] in (["PASSWORD"], ["ROLE"], ["STATEMENT"]) or words[:2] == ["DEFAULT", "ROLE"]:
            raise NotSet(f"SET {words[0]} is not known in a dump")
        else:
            place = next((place for place, token in enumerate(tokens) if token.is_sign("=")), None)
            if place is None:
                return  # SET TRANSACTION …
            left = [word for word in words[:place] if word not in (":", ".")]
            right = tokens[place + 1 :]
            if [token.text for token in right[:-1]] == ["@"] and right[-1].text.lower() not in self._own:
                return  # never set, as in a part of a dump: no server takes it either
            value = self._value(right)
            if left[:1] == ["@"] and left[1:2] != ["@"]:
                self._own[left[-1].lower()] = value
            elif left and not set(left[:-1]) & set(_OF_OTHERS):
                self._set(left[-1].lower(), value)

    def _set(self, name: str, value: str | None) -> None:
        if name not in _DEFAULTS:
            return
        if value is not None and value.upper() == "DEFAULT":
            value = _DEFAULTS[name]
        if value is None:
            raise NotSet(f"{name} is set to something that is not a plain value")
        if name == _CHARSET:
            value = value.lower()
            if value not in _CHARSETS:
                # The bytes of a character may hold a quote or a backslash in some of them (gbk, sjis, big5).
                known = ", ".join(sorted(_CHARSETS))
                raise NotSet(f"its text is in another character set than {known}")
        elif value.isdigit() and int(value):
            raise NotSet("sql_mode is set to a number")
        self._variables[name] = value

    def _value(self, tokens: list[Token]) -> str | None:
        """What a plain value or one variable says; None for everything else."""
        words = [token.text for token in tokens]
        if len(tokens) == 1 and tokens[0].sort is not Sort.SIGN:
            return words[0]
        if words[:2] == ["@", "@"]:
            name = words[-1].lower()
            scopes = {word.upper() for word in words[2:-1]} - {"."}
            return self._variables.get(name) if scopes <= set(_SCOPES) else None
        if words[:1] == ["@"] and len(words) == 2:
            return self._own.get(words[1].lower())
        return None


def _assignments(tokens: list[Token]) -> Iterator[list[Token]]:
    depth, found = 0, list[Token]()
    for token in tokens:
        depth += token.is_sign("(") - token.is_sign(")")
        if token.is_sign(",") and not depth:
            yield found
            found = []
        elif not token.is_sign(";"):
            found.append(token)
    yield found
