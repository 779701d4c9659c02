"""One marked column: the usual values of many rows are replaced at once, all others one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import ne

from anonymize.ops import Constant, Default, Null, Slot
from anonymize.sql import Grammar
from anonymize.twin.applying import apply
from anonymize.twin.literals import read, value_of, written
from anonymize.twin.plain import at_once, is_plain

_MEMO_LIMIT = 50_000
NULL = b"NULL"
_DEFAULT = b"DEFAULT"


class Column:
    """Replaces what stands in one place of rows."""

    def __init__(self, slot: Slot, grammar: Grammar) -> None:
        self.one = _one(slot, grammar)
        """What takes the place of a value as it is written, given its subject as it is written; None: it stays. Raises
        Unfit."""
        self._at_once = at_once(slot.op)

    def all(self, lexemes: list[bytes], subjects: Sequence[bytes] | None) -> tuple[list[bytes], int]:
        """What takes the places of all, and how many were replaced by something that is not NULL. Raises Unfit."""
        left: Iterable[int] = range(len(lexemes))
        results, replaced = lexemes.copy(), 0
        if self._at_once is not None:
            if (drawn := self._at_once(lexemes)) is not None:
                return drawn, sum(map(ne, lexemes, drawn))
            plain = [place for place in left if is_plain(lexemes[place])]
            drawn = self._at_once([lexemes[place] for place in plain]) if plain else []
            assert drawn is not None  # it was asked for nothing but plain ones
            for place, result in zip(plain, drawn, strict=True):
                replaced += result != lexemes[place]
                results[place] = result
            left = sorted(set(left).difference(plain))
        for place in left:
            changed = self.one(lexemes[place], subjects[place] if subjects else b"")
            if changed is not None:
                replaced += changed != NULL
                results[place] = changed
        return results, replaced


def _one(slot: Slot, grammar: Grammar) -> Callable[[bytes, bytes], bytes | None]:
    """See `Column.one`. What was asked lately is remembered."""
    if isinstance(slot.op, Default):
        return lambda lexeme, subject: None if lexeme.upper() == _DEFAULT else _DEFAULT
    made = apply(slot.op)
    known: dict[tuple[bytes, bytes] | bytes, bytes | None] = {}
    forced = None
    if isinstance(slot.op, Null | Constant):
        forced = written(made(b"", b""), read(b"''", grammar, slot.binary), grammar)

    def result_for(lexeme: bytes, subject: bytes) -> bytes | None:
        if lexeme.upper() == NULL:
            return None
        if forced is not None:
            return forced
        literal = read(lexeme, grammar, slot.binary)
        value = value_of(literal, grammar)
        its_subject = value_of(read(subject, grammar, False), grammar) if subject and subject.upper() != NULL else b""
        result = made(value, its_subject)
        return None if result == value else written(result, literal, grammar)

    def remembered(lexeme: bytes, subject: bytes) -> bytes | None:
        asked = (lexeme, subject) if subject else lexeme
        if asked in known:
            return known[asked]
        if len(known) >= _MEMO_LIMIT:
            known.clear()
        result = known[asked] = result_for(lexeme, subject)
        return result

    return remembered
