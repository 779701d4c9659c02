"""Text that a migration may have written, made harmless for a reader's screen and bounded in length."""

from __future__ import annotations

import re

from migci.core.finding import Finding

REPLACEMENT = "\ufffd"
"""Stands for each character that a screen would obey rather than show."""


_AHEAD = 8
"""Times the limit: how far a text is read at all, so that a huge one costs no more than a long one."""


def line(text: str, limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters, so that none of it passes for the report's own."""
    read = _AHEAD * limit
    return _cut(_shown(" ".join(text[:read].split())), limit, len(text[read:]))


def block(text: str, limit: int) -> str:
    """`text` with its line breaks and tabs, in at most `limit` characters."""
    read = _AHEAD * limit
    parts = re.split("([\n\t])", text[:read].replace("\r\n", "\n"))
    return _cut("".join(part if part in "\n\t" else _shown(part) for part in parts), limit, len(text[read:]))


def unobeyed(line: str) -> str:
    """`line` without what runners of jobs obey wherever it stands: GitHub's and Azure's "##[…]" and "##vso[…]".

    They obey "::" only where a line starts.
    """
    return line.replace("##", "# #")


def place(finding: Finding) -> str:
    """Where the finding points, as editors and terminals read it: `file:line`, `file` or nothing."""
    if finding.file is None:
        return ""
    file = line(finding.file, 200)
    return file if finding.line is None else f"{file}:{finding.line}"


def arrow(step: str) -> str:
    """A step's name for display, its revisions bounded each, so that a long one does not hide the other."""
    origin, separator, revision = step.rpartition("->")
    return f"{line(origin, 40)}{separator}{line(revision, 40)}"


def _shown(text: str) -> str:
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(char: str) -> str:
    # Not printable: terminal escapes, NUL, half surrogates, changes of direction, what XML 1.0 forbids.
    if char.isprintable():
        return char
    return " " if char.isspace() else REPLACEMENT


def _cut(text: str, limit: int, unread: int) -> str:
    if len(text) <= limit and not unread:
        return text
    if limit < 100:
        return text[: limit - 1] + "…"
    # The remark takes room itself, so it stands for more than what is beyond the limit.
    room = limit - len(_remark(len(text) + unread))
    return text[:room] + _remark(len(text[room:]) + unread)


def _remark(left_out: int) -> str:
    return f"… ({left_out} more characters)"
