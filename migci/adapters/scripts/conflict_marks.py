"""The marks that git leaves in a file whose two sides it could not merge."""

from __future__ import annotations

import re

_MARKS = re.compile(rb"^<{7}(?: .*)?$.*?^={7}\r?$.*?^>{7}(?: .*)?$", re.MULTILINE | re.DOTALL)

WHAT = "holds the marks of a conflict that git left"
HINT = "resolve it in the file, then git add it"


def line_of_conflict(content: bytes) -> int | None:
    """The line, from 1 on, in which the first conflict begins; `None` where there is none."""
    found = _MARKS.search(content) if b"<<<<<<<" in content else None
    return content.count(b"\n", 0, found.start()) + 1 if found else None
