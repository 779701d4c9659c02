"""Plain strings of a column, replaced all at once: in quotes, of ASCII, without escapes and not empty."""

from __future__ import annotations

from collections.abc import Callable

from anonymize.ops import Fold, Op, Piece, Pool, Template, Text
from anonymize.pseudonym import tokens
from anonymize.twin.template import template
from anonymize.twin.text import Shapes

Replaced = Callable[[list[bytes]], list[bytes] | None]
"""What takes the places of plain strings; None if there are others among them."""

_ESCAPED = frozenset(b"\0\n\r\x1a\t'\"\\")


def is_plain(lexeme: bytes) -> bool:
    """Whether what SQL writes there is such a string, in which no line ends either."""
    return (
        len(lexeme) > 2
        and lexeme[:1] == lexeme[-1:] == b"'"
        and lexeme.count(b"'") == 2
        and b"\\" not in lexeme
        and b"\n" not in lexeme
        and lexeme.isascii()
    )


def at_once(op: Op) -> Replaced | None:
    """What replaces them; None where results may have to be escaped, or are not drawn from tokens."""
    drawn: Callable[[bytes, list[bytes]], list[bytes]]
    if isinstance(op, Template) and all(map(_needs_no_escapes, op.pieces)):
        key, fold = op.key, op.fold
        quoted = template(Template(key, fold, (b"'", *op.pieces, b"'")))

        def drawn(lines: bytes, bodies: list[bytes]) -> list[bytes]:
            return quoted(tokens(key, _without_spaces(bodies, fold)))

    elif isinstance(op, Text) and _needs_no_escapes(op.lower + op.upper + op.digit) and (shapes := Shapes(op)).quick:
        key, fold = op.key, op.fold

        def drawn(lines: bytes, bodies: list[bytes]) -> list[bytes]:
            return shapes.lines(lines, bodies, tokens(key, _without_spaces(bodies, fold))).split(b"\n")

    else:
        return None

    def replaced(lexemes: list[bytes]) -> list[bytes] | None:
        lines = b"\n".join(lexemes)
        if b"\\" in lines or not lines.isascii():
            return None
        parts = (lines.lower() if fold is Fold.CASE else lines).split(b"'")
        # If there are as many quotes as there should be, every other part is what is inside of them.
        if len(parts) != 2 * len(lexemes) + 1 or parts[0] or parts[-1]:
            return None
        bodies, between = parts[1::2], parts[2:-1:2]
        if between.count(b"\n") != len(between) or not all(bodies):
            return None
        results = drawn(lines, bodies)
        return results if len(results) == len(lexemes) else None  # a line ended inside of a string

    return replaced


def _without_spaces(bodies: list[bytes], fold: Fold) -> list[bytes]:
    return bodies if fold is Fold.NONE else [body.rstrip(b" ") for body in bodies]


def _needs_no_escapes(piece: Piece) -> bool:
    match piece:
        case bytes():
            return piece.isascii() and _ESCAPED.isdisjoint(piece)
        case Pool(entries):
            return all(map(_needs_no_escapes, entries))
    return True
