"""The kind path: folders become other folders, the same one always the same, and files keep their extensions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from anonymize.kinds.applied import Applied
from anonymize.kinds.columns import BLOBS, BYTES, TEXTS
from anonymize.kinds.definition import Definition, Wish
from anonymize.kinds.kind import Guarantees, Made, Uniqueness
from anonymize.kinds.options import MEANING, Option
from anonymize.ops import Call, Text

_SEPARATOR = re.compile(rb"([/\\]+)")
_EXTENSION = re.compile(rb"(?<=[^.])(?:\.[A-Za-z][A-Za-z0-9]{0,4}){1,2}\Z")
_STAY = (b".", b"..", b"~")


@dataclass(frozen=True, slots=True)
class Paths:
    """Each part of a path, changed by itself; the first `keep` parts stay, and the last one's extension."""

    changed: Applied
    keep: int

    def __call__(self, value: bytes) -> bytes:
        pieces = _SEPARATOR.split(value)
        last = len(pieces) - 1
        seen = 0
        for at in range(0, len(pieces), 2):  # separators stand between them
            if pieces[at]:
                seen += 1
                if seen > self.keep and pieces[at] not in _STAY:
                    pieces[at] = self._part(pieces[at], at == last)
        return b"".join(pieces)

    def _part(self, part: bytes, is_last: bool) -> bytes:
        match = _EXTENSION.search(part) if is_last else None
        end = match.start() if match else len(part)
        return (self.changed(part[:end]) or b"") + part[end:]


def _path(wish: Wish) -> Made:
    changed = Applied(Text(wish.secret, wish.fold))
    return Made(Call(Paths(changed, wish.options["keep"])), Uniqueness.LOSSY)


PATH = Definition(
    name="path",
    summary="Each part of a path changes by itself, letters to letters and digits to digits; the same part always "
    "becomes the same, so that folders stay folders. A file's extension stays.",
    guarantees=Guarantees(
        Uniqueness.LOSSY,
        length="kept, in characters",
        characters="as for text; / and \\ stay, and the parts . .. ~",
    ),
    making=_path,
    example='image = { kind = "path", keep = 2 }',
    known={"keep": Option("how many of the first parts stay (0)", int, 0, between=(0, 100)), "meaning": MEANING},
    types=TEXTS | BYTES | BLOBS,
)
