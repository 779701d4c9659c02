"""The header of an alembic script (its revision and what that follows), read without running it."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from migci.core.finding import Silence, silences

NAMES = ("revision", "down_revision", "branch_labels", "depends_on")

_MOST_SHOWN = 80
_PYTHON = f"Python {sys.version_info.major}.{sys.version_info.minor}"
_BODY = re.compile(rb"^(?:def|class|async[ \t]+def|@)", re.MULTILINE)
_NOT_IN_AN_ID = frozenset("@-+:")
"""What alembic has a meaning of its own for where an id is asked for; a colon it allowed before 1.18."""
_AGAIN = re.compile(rb"\b(?:revision|down_revision|branch_labels|depends_on)\b[ \t]*[:=,)]|\bglobals\b|\bglobal\b")


@dataclass(frozen=True)
class Header:
    """What a script says of itself. `trouble` are sentences, each with its line, about what cannot be understood.

    `id` is `None` where the script does not say it, or not so that it can be read. `line` is where `down_revision` is
    said, else `revision`. `known` tells whether its place in a history is, whatever else is wrong, and whether that it
    does not say its id can be relied on. Where not `labels_known`, `labels` only tells how they are computed.
    """

    digest: str
    id: str | None = None
    parents: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    labels_known: bool = True
    depends_on: tuple[str, ...] = ()
    line: int | None = None
    silences: tuple[Silence, ...] = ()
    trouble: tuple[tuple[str, int | None], ...] = ()
    known: bool = False


class Headers:
    """Reads headers, and each content only once."""

    def __init__(self) -> None:
        self._read: dict[bytes, Header] = {}

    def of(self, content: bytes, *, thorough: bool = True) -> Header:
        """The header of a script. Never raises; with `thorough`, all of a script that is new here is parsed."""
        key = hashlib.sha256(content).digest()
        found = self._read.get(key)
        if found is None:
            found = replace(_header(content, thorough=thorough), digest=key.hex())
            self._read[key] = found
        return found


def syntax_error(content: bytes) -> tuple[str, int | None] | None:
    """What keeps Python from reading a script, and in which line; `None` if nothing does."""
    parsed = _parsed(content)
    return parsed if isinstance(parsed, tuple) else None


def _header(content: bytes, *, thorough: bool) -> Header:
    quiet = tuple(silences(content.decode(errors="replace"))) if b"migci:" in content else ()
    # The functions below a header are most of a script, and most of what reading it costs.
    body = _BODY.search(content)
    beginning: ast.Module | tuple[str, int | None] | None = None
    if body is not None and not _AGAIN.search(content, body.start()):
        beginning = _parsed(content[: body.start()])
    if isinstance(beginning, ast.Module) and not thorough:
        return replace(_said(beginning), silences=quiet)
    whole = _parsed(content)
    if isinstance(whole, ast.Module):
        return replace(_said(whole), silences=quiet)
    if isinstance(beginning, ast.Module):
        found = _said(beginning)
        return replace(found, silences=quiet, trouble=(*found.trouble, whole))
    return Header("", silences=quiet, trouble=(whole,))


def _parsed(content: bytes) -> ast.Module | tuple[str, int | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is written oddly is not for us to say
            return ast.parse(content)
    except SyntaxError as error:
        return f"{_PYTHON} cannot read it: {error.msg}", error.lineno
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{_PYTHON} cannot read it: {str(error) or type(error).__name__}", None


class _Unclear(Exception):
    """A value that cannot be known without running the script."""


def _said(module: ast.Module) -> Header:
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    unclear: dict[str, tuple[str, int | None]] = {}
    for statement in module.body:
        for name, value, line in _bindings(statement):
            lines[name] = line
            unclear.pop(name, None)
            try:
                if value is None:
                    raise _Unclear
                values[name] = _value(value, values)
            except _Unclear:
                values.pop(name, None)
                unclear[name] = (f"{name} is computed, so that it is not known without running it", line)
    trouble = [unclear[name] for name in ("revision", "down_revision", "depends_on") if name in unclear]
    said_in = lines.get("down_revision", lines.get("revision"))
    try:
        id = _text(values, "revision")
        parents = _texts(values, "down_revision")
        depends_on = _texts(values, "depends_on")
    except _Unclear as error:
        return Header("", line=said_in, trouble=(*trouble, (str(error), said_in)))
    if id is not None and (wrong := sorted(_NOT_IN_AN_ID.intersection(id))):
        told = f"revision is {id[:_MOST_SHOWN]!r}, and alembic allows no {' or '.join(wrong)} in an id"
        trouble.append((told, lines["revision"]))
    known = "revision" not in unclear and "down_revision" not in unclear
    if "revision" in values and id is None:
        trouble.append(("revision is None, which is no id", lines["revision"]))
    if "revision" in lines and "down_revision" not in lines:
        trouble.append(("it has no down_revision; that of the first migration is None", said_in))
        known = False
    plain = "branch_labels" not in unclear
    labels = _labels(values) if plain else _computed_labels(module)
    return Header("", id, parents, labels, plain, depends_on, said_in, trouble=tuple(trouble), known=known)


def _bindings(statement: ast.stmt) -> Iterator[tuple[str, ast.expr | None, int]]:
    """The names that a statement of the module binds, each with its value, or `None` where that is not plain."""
    line = statement.lineno
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        yield from _bound_within(statement.value)
        yield statement.targets[0].id, statement.value, line
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield from _bound_within(statement.annotation, statement.value)
        if statement.value is not None:
            yield statement.target.id, statement.value, line
    elif isinstance(statement, ast.ImportFrom | ast.Import):
        yield from ((name, None, line) for alias in statement.names for name in _imported(alias))
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name, None, line
        inside = (*statement.decorator_list, *statement.args.defaults, *statement.args.kw_defaults, *statement.body)
        yield from _bound_within(*inside, in_a_function=True)
    else:
        if isinstance(statement, ast.ClassDef):
            yield statement.name, None, line
        yield from _bound_within(statement)


_REACHES_ALL = frozenset({"globals", "vars", "locals", "exec", "eval", "setattr"})


def _bound_within(*nodes: ast.AST | None, in_a_function: bool = False) -> Iterator[tuple[str, None, int]]:
    """The names of a module that running these may bind, or change: of the header's, what cannot be told is among them.

    A function's own names are its own, unless it says that they are the module's.
    """
    for root in nodes:
        for node in ast.walk(root) if root is not None else ():
            for name in _bound_by(node, in_a_function=in_a_function):
                yield name, None, getattr(node, "lineno", 1)


def _bound_by(node: ast.AST, *, in_a_function: bool) -> Sequence[str]:
    match node:
        case ast.Global(names=names):
            return names
        case ast.Name(id="globals"):
            return NAMES
        case ast.NamedExpr(target=ast.Name(id=name)):
            return (name,)
        case _ if in_a_function:
            return ()
        case ast.Name(id=name) if name in _REACHES_ALL:
            return NAMES
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            return (name,)
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return (name,)
        case ast.MatchMapping(rest=str(name)):
            return (name,)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return (name,)
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [name for alias in aliases for name in _imported(alias)]
        case ast.Attribute(value=ast.Name(id=name)) | ast.Subscript(value=ast.Name(id=name)) if name in NAMES:
            return (name,)  # a list may be changed by its methods
    return ()


def _imported(alias: ast.alias) -> Sequence[str]:
    return NAMES if alias.name == "*" else (alias.asname or alias.name,)


def _value(node: ast.expr, known: dict[str, object]) -> object:
    """A constant, or several of them: what holds others of these in it is no header's, and may be without end."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        several = tuple(_value(one, known) for one in node.elts)
        if any(isinstance(one, tuple) for one in several):
            raise _Unclear
        return several
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in known:
        return known[node.id]
    raise _Unclear


def _text(values: dict[str, object], name: str) -> str | None:
    value = values.get(name)
    if value is None or _is_id(value):
        return value if isinstance(value, str) else None
    raise _Unclear(_no_id(name, value))


def _texts(values: dict[str, object], name: str) -> tuple[str, ...]:
    value = values.get(name)
    several = value if isinstance(value, tuple) else () if value is None else (value,)
    if all(_is_id(one) for one in several):
        return tuple(str(one) for one in several)
    raise _Unclear(_no_id(name, value))


def _is_id(value: object) -> bool:
    """Whether it can be one: half a character, which Python lets a text have, nobody can write anywhere."""
    return isinstance(value, str) and value != "" and not any("\ud800" <= char <= "\udfff" for char in value)


def _no_id(name: str, value: object) -> str:
    return f"{name} is {_shown(value)[:_MOST_SHOWN]}, which is no id"


def _shown(value: object) -> str:
    """As Python writes it, where that is short: a number can be too long to be written at all."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_shown, value[:_MOST_SHOWN]))})"
    if isinstance(value, str | bytes):
        return repr(value[:_MOST_SHOWN])
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return "a number"
    return repr(value)


def _labels(values: dict[str, object]) -> tuple[str, ...]:
    value = values.get("branch_labels")
    several = value if isinstance(value, tuple) else () if value is None else (value,)
    return tuple(one if isinstance(one, str) else _shown(one) for one in several)


def _computed_labels(module: ast.Module) -> tuple[str, ...]:
    """Labels are for people: where they are computed, how is told."""
    for statement in module.body:
        for name, value, _ in _bindings(statement):
            if name == "branch_labels" and value is not None and len(list(ast.walk(value))) <= _MOST_SHOWN:
                with suppress(RecursionError, ValueError, MemoryError):
                    return (ast.unparse(value)[:_MOST_SHOWN],)
    return ("computed",)
