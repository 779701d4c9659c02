"""A place among the tokens of a statement, which moves on as they are understood."""

from __future__ import annotations

from anonymize.dumps.tokens import Sort, Token, place, tokens
from anonymize.errors import Unreadable

_NAMES = (Sort.WORD, Sort.NAME, Sort.DOUBLE)
_STRINGS = (Sort.STRING, Sort.DOUBLE)


class Cursor:
    """Reads tokens one after the other; what it does not find where it must be raises Unreadable with the line."""

    def __init__(self, text: str, file: str = "", line: int = 1, *, backslash: bool = True) -> None:
        self._text = text
        self._file = file
        self._tokens = tokens(text, file, line, backslash=backslash)
        self._last_line = line + text.count("\n")
        self._at = 0

    @property
    def place(self) -> str:
        """Where the next token stands."""
        token = self.peek()
        return place(self._file, token.line if token else self._last_line)

    def peek(self, ahead: int = 0) -> Token | None:
        return self._tokens[self._at + ahead] if self._at + ahead < len(self._tokens) else None

    def at_end(self) -> bool:
        return self.peek() is None

    def at_word(self, *words: str) -> bool:
        token = self.peek()
        return token is not None and token.is_word(*words)

    def at_words(self, *words: str) -> bool:
        """Whether these keywords come next, one after the other."""
        following = [self.peek(ahead) for ahead in range(len(words))]
        return all(token is not None and token.is_word(word) for token, word in zip(following, words, strict=True))

    def at_sign(self, sign: str) -> bool:
        token = self.peek()
        return token is not None and token.is_sign(sign)

    def next(self) -> Token:
        token = self.peek()
        if token is None:
            raise self.unreadable("it ends too early")
        self._at += 1
        return token

    def take(self, *words: str) -> bool:
        """Goes past these keywords if all of them come next."""
        if not self.at_words(*words):
            return False
        self._at += len(words)
        return True

    def take_sign(self, sign: str) -> bool:
        if not self.at_sign(sign):
            return False
        self._at += 1
        return True

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unreadable(f"{' '.join(words)} should come next")

    def need_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            raise self.unreadable(f"a {sign!r} should come next")

    def name(self) -> str:
        """A name, quoted in either way or not at all."""
        token = self.peek()
        if token is None or token.sort not in _NAMES:
            raise self.unreadable("a name should come next")
        return self.next().text

    def dotted_name(self) -> tuple[str | None, str]:
        """A database, if it is named, and a name."""
        name = self.name()
        return (name, self.name()) if self.take_sign(".") else (None, name)

    def string(self) -> str:
        token = self.peek()
        if token is None or token.sort not in _STRINGS:
            raise self.unreadable("a string should come next")
        text = self.next().text
        while (token := self.peek()) is not None and token.sort in _STRINGS:  # 'two' 'parts' are one string
            text += self.next().text
        return text

    def name_or_string(self) -> str:
        """What may be quoted in any way: the name of a character set, say."""
        token = self.peek()
        return self.string() if token is not None and token.sort is Sort.STRING else self.name()

    def skip(self) -> None:
        """Goes past one token, or all that parentheses hold."""
        depth = 0
        while True:
            token = self.next()
            depth += token.is_sign("(") - token.is_sign(")")
            if depth <= 0:
                return

    def parenthesized(self) -> str:
        """Goes past what parentheses hold, and returns it as it is written."""
        opening = self.peek()
        if opening is None or not opening.is_sign("("):
            raise self.unreadable("a '(' should come next")
        self.skip()
        return self._text[opening.end : self._tokens[self._at - 1].start].strip()

    def unreadable(self, what: str) -> Unreadable:
        """An error about the next token."""
        token = self.peek()
        found = "the end" if token is None else f"{token.text[:64]!r}"
        return Unreadable(
            f"{self.place}: cannot read the description of a table at {found}: {what}",
            "make the dump with mysqldump or mariadb-dump, or describe its tables in a file of CREATE TABLE statements "
            "and name it with --schema",
        )
