"""An alembic script made to follow another one: the literal's own characters are exchanged, and nothing else."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings

from migci.adapters.scripts.headers import Headers

_LITERAL = re.compile(r"""(?P<open>[A-Za-z]*(?P<quote>\"{3}|'{3}|"|'))(?P<text>.*)(?P=quote)""", re.DOTALL)
_PLAIN = re.compile(r"[^\\\"'\r\n{}]+")
_REVISES = re.compile(
    r"""(?:^|\A[A-Za-z]*["']+)([ \t]*Revises:)[ \t]*([^\s,"']*)[ \t]*(?:$|\"{3}|'{3})""", re.MULTILINE
)
_BOM = b"\xef\xbb\xbf"


class NotEdited(Exception):
    """Why a script is left as it is, in words that follow the file's name."""


def follow(content: bytes, parent: str) -> bytes:
    """`content` with `down_revision` saying `parent`, and so its docstring's line "Revises:", if that said the same.

    All other bytes stay, line ends and encoding included. Raises NotEdited where `down_revision` is said in another
    way than by a plain text, `None`, or one of these in a tuple or list; and where the file's encoding has no `parent`.
    """
    if not _PLAIN.fullmatch(parent):
        raise NotEdited(f"cannot say {parent!r} as a plain text")
    before = Headers().of(content)
    if before.trouble:
        raise NotEdited(f"cannot be understood: {before.trouble[0][0]}")
    source = _Source(content)
    node = _said(source.module, "down_revision")
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) == 1:
        node = node.elts[0]
    if node is None or not isinstance(node, ast.Constant):
        raise NotEdited("does not say down_revision as a plain text")
    edits = [source.literal(node, parent)]
    edits += [edit for edit in (source.revises(before.parents[0] if before.parents else "", parent),) if edit]
    edited = content
    for start, end, text in sorted(edits, reverse=True):
        edited = edited[:start] + text + edited[end:]
    after = Headers().of(edited)
    same = (after.id, after.labels, after.depends_on) == (before.id, before.labels, before.depends_on)
    if after.trouble or after.parents != (parent,) or not same:
        raise NotEdited("is written so that it would not say the same any more")
    return edited


def _said(module: ast.Module, name: str) -> ast.expr | None:
    """The value that the last binding of `name` gives it."""
    found: ast.expr | None = None
    for statement in module.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                found = value
            case ast.AnnAssign(target=ast.Name(id=bound), value=value) if bound == name and value is not None:
                found = value
    return found


class _Source:
    """A script's bytes, and where its parts stand in them."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.module = ast.parse(content)
            lines = io.BytesIO(re.sub(rb"\r\n?", b"\n", content))
            self._encoding, _ = tokenize.detect_encoding(lines.readline)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise NotEdited(f"cannot be understood: Python cannot read it: {error}") from error
        begins = len(_BOM) if content.startswith(_BOM) else 0
        self._encoding = "utf-8" if begins else self._encoding
        self._lines = [begins, *(end.end() for end in re.finditer(rb"\r\n|\r|\n", content))]

    def _offset(self, line: int, column: int) -> int:
        """Where the parser's line and column are; its columns count what UTF-8 would take."""
        start = self._lines[line - 1]
        end = self._lines[line] if line < len(self._lines) else len(self._content)
        try:
            before = self._content[start:end].decode(self._encoding).encode()[:column].decode()
            return start + len(before.encode(self._encoding))
        except (UnicodeError, LookupError) as error:
            raise NotEdited(f"cannot be read as {self._encoding}") from error

    def _span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)

    def literal(self, node: ast.Constant, text: str) -> tuple[int, int, bytes]:
        """What has to stand in the place of a literal, and where that is."""
        start, end = self._span(node)
        said = self._content[start:end].decode(self._encoding)
        if node.value is None:
            if said != "None":
                raise NotEdited("does not say down_revision as a plain text")
            own = _said(self.module, "revision")
            like = "" if own is None else self._content[slice(*self._span(own))].decode(self._encoding)
            quote = "'" if like.endswith("'") else '"'
            return start, end, self._encoded(f"{quote}{text}{quote}")
        match = _LITERAL.fullmatch(said)
        if match is None or match["text"] != node.value:
            raise NotEdited("does not say down_revision as one plain text")
        return start, end, self._encoded(f"{match['open']}{text}{match['quote']}")

    def _encoded(self, text: str) -> bytes:
        try:
            return text.encode(self._encoding)
        except UnicodeError as error:
            raise NotEdited(f"is written as {self._encoding}, which cannot say {text}") from error

    def revises(self, parent: str, text: str) -> tuple[int, int, bytes] | None:
        """The same for the docstring's first line "Revises:" that says `parent`, or nothing where that is ""."""
        match self.module.body[:1]:
            case [ast.Expr(value=ast.Constant(value=str()) as docstring)]:
                start, end = self._span(docstring)
            case _:
                return None
        said = self._content[start:end].decode(self._encoding)
        lines = _REVISES.finditer(said.replace("\r\n", " \n").replace("\r", "\n"))  # as long as it was
        found = next((line for line in lines if line[2] == parent), None)
        if found is None:
            return None
        place = len(said[: found.start(1)].encode(self._encoding)) + start
        label, was = found[1], found[2]
        old = said[found.start(1) :]
        gap = re.match(r"[ \t]*", old[len(label) :])
        assert gap is not None
        begins = place + len((label + gap[0]).encode(self._encoding))
        ends = begins + len(was.encode(self._encoding))
        return begins, ends, self._encoded(text if gap[0] else f" {text}")
