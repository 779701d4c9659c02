"""Markup from SQLAlchemy models that cannot be imported: their file is read, and nothing of it is run.

Read are the classes with a `__tablename__`, and in them what is assigned from Column(…) or mapped_column(…), also where
it comes from a class or an Annotated type of the same file, and tables assigned from Table(…).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anonymize.errors import UsageError
from anonymize.fuzzy_happiness import kind_of
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.rules import Kinds, rule

_COLUMNS = ("Column", "mapped_column")


@dataclass(frozen=True, slots=True)
class Read:
    """What a file of models says."""

    markup: Markup
    notes: tuple[str, ...]
    """What was not read, because it is in other files: the classes that its classes are made of."""


def read(reference: str, kinds: Kinds, folder: Path) -> Read:
    """What the file of the module in `MODULE:NAME` says; it is looked for in `folder` and in its `src`.

    Raises UsageError, with the line, for what it says of a column in another way than by a literal.
    """
    module = reference.partition(":")[0].replace(".", "/")
    names = [root / f"{module}{end}" for root in (folder, folder / "src") for end in (".py", "/__init__.py")]
    file = next((name for name in names if name.is_file()), None)
    if file is None:
        raise UsageError(
            f"there is no file of the models {reference} in {folder.absolute()}",
            f"it should be one of {', '.join(map(str, names))}",
        )
    try:
        return _File(str(file), ast.parse(file.read_bytes()), kinds).read()
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{file} is not Python that can be read: {error}", "mend it") from error
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}", "make it readable") from error


class _File:
    """One file, while it is read."""

    def __init__(self, name: str, tree: ast.Module, kinds: Kinds) -> None:
        self._name = name
        self._kinds = kinds
        self._tree = tree
        self._classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        self._types = {
            target.id: value
            for node in tree.body
            for target, value in _assigned(node)
            if any(
                isinstance(part, ast.Name | ast.Attribute) and _last(part) == "Annotated" for part in ast.walk(value)
            )
        }

    def read(self) -> Read:
        tables: dict[str, TableMarkup] = {}
        unread: set[str] = set()
        for node in self._classes.values():
            name = self._table_name(node)
            if name is None:
                continue
            rules: dict[str, Rule] = {}
            for base in reversed(list(self._bases(node, unread))):
                rules |= self._class_rules(name, base)
            self._add(tables, name, rules, node)
        for statement in self._tree.body:
            for _, value in _assigned(statement):
                if isinstance(value, ast.Call) and _last(value.func) == "Table":
                    self._table(tables, value)
        notes = [
            f"{self._name}: {name} is not in this file, so what it says of columns was not read" for name in unread
        ]
        return Read(Markup(tables), tuple(sorted(notes)))

    def _add(self, tables: dict[str, TableMarkup], name: str, rules: dict[str, Rule], node: ast.AST) -> None:
        if rules:
            before = tables.get(name, TableMarkup())
            tables[name] = TableMarkup({**before.columns, **rules}, place=before.place or self._place(node))

    def _table_name(self, node: ast.ClassDef) -> str | None:
        for target, value in _assigned_in(node):
            if target.id == "__tablename__":
                name = self._literal(value, "the table's name")
                if isinstance(name, str):
                    return name
        return None

    def _bases(self, node: ast.ClassDef, unread: set[str]) -> Iterator[ast.ClassDef]:
        """A class and, after it, what it is made of, nearest first."""
        yield node
        for base in node.bases:
            name = _last(base)
            if name in self._classes and self._table_name(self._classes[name]) is None:
                yield from self._bases(self._classes[name], unread)
            elif name not in self._classes and name not in ("object", "DeclarativeBase", "MappedAsDataclass"):
                unread.add(ast.unparse(base))

    def _class_rules(self, table: str, node: ast.ClassDef) -> dict[str, Rule]:
        confidential: dict[str, Rule] = {}
        rules: dict[str, Rule] = {}
        columns: dict[str, str] = {}
        for target, value in _assigned_in(node):
            if target.id == "__confidential__":
                said = self._literal(value, "__confidential__")
                if not isinstance(said, dict):
                    raise self._unread(value, "__confidential__ is no dict")
                for name, type in said.items():
                    what, place = f"{table}.{name}", self._place(value)
                    confidential[str(name)] = rule(kind_of(type, place, what, self._kinds), place, what, self._kinds)
        for statement in node.body:
            for attribute, calls in self._columns(statement):
                name, infos = self._column(attribute, calls)
                columns[attribute] = name
                rules |= self._rules(infos, name, f"{table}.{name}")
        return {columns.get(name, name): one for name, one in confidential.items()} | rules

    def _columns(self, statement: ast.stmt) -> Iterator[tuple[str, list[ast.Call]]]:
        """The attributes that are columns, with what is called for them: first what counts most."""
        calls: list[ast.Call] = []
        names: list[str] = []
        if isinstance(statement, ast.FunctionDef):  # @declared_attr
            names = [statement.name]
            calls = _calls(statement)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            names = [statement.target.id]
            calls = _calls(statement.value) + _calls(statement.annotation)
            for part in ast.walk(statement.annotation):
                calls += _calls(self._types.get(part.id)) if isinstance(part, ast.Name) else []
        elif isinstance(statement, ast.Assign):
            names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
            calls = _calls(statement.value)
        if calls:
            yield from ((name, calls) for name in names)

    def _column(self, attribute: str | None, calls: list[ast.Call]) -> tuple[str, list[ast.expr]]:
        """A column's name, and all its infos."""
        name: str | None = None
        infos: list[ast.expr] = []
        for call in calls:
            if name is None and call.args and isinstance(call.args[0], ast.Constant):
                name = str(call.args[0].value)
            for keyword in call.keywords:
                if keyword.arg is None:
                    raise self._unread(call, "what ** stands for is not known")
                if keyword.arg == "name" and name is None:
                    name = str(self._literal(keyword.value, "the column's name"))
                if keyword.arg == "info":
                    infos.append(keyword.value)
        return name or attribute or "", infos

    def _rules(self, infos: list[ast.expr], column: str, what: str) -> dict[str, Rule]:
        """The column's rule, if it has one. SQLAlchemy goes by an Annotated type even against the column's own."""
        found: dict[str, Rule] = {}
        for info in infos:
            value = self._literal(info, f"the info of {what}")
            if not isinstance(value, dict) or "anonymize" not in value:
                continue
            said = rule(value["anonymize"], self._place(info), what, self._kinds)
            before = found.setdefault(column, said)
            if (before.kind, before.options) != (said.kind, said.options):
                raise UsageError(
                    f"{before.place}: two things are said of {what}, {before.kind} and {said.kind} ({said.place})",
                    "say it once, beside the column or in its Annotated type",
                )
        return found

    def _table(self, tables: dict[str, TableMarkup], call: ast.Call) -> None:
        name = self._literal(call.args[0], "the table's name") if call.args else ""
        rules: dict[str, Rule] = {}
        for argument in call.args[1:]:
            for column in _calls(argument):
                called, said = self._column(None, [column])
                rules |= self._rules(said, called, f"{name}.{called}")
        self._add(tables, str(name), rules, call)

    def _literal(self, node: ast.expr, what: str) -> Any:
        try:
            return ast.literal_eval(node)
        except ValueError as error:
            raise self._unread(node, f"{what} is not a literal") from error

    def _unread(self, node: ast.AST, why: str) -> UsageError:
        return UsageError(
            f"{self._place(node)}: {why}, so it cannot be read without running it",
            "import the models, with --python and without --static, or write a literal",
        )

    def _place(self, node: ast.AST) -> str:
        return f"{self._name}:{getattr(node, 'lineno', 1)}"


def _assigned(node: ast.AST) -> Iterator[tuple[ast.Name, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((target, node.value) for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        yield node.target, node.value


def _assigned_in(node: ast.ClassDef) -> Iterator[tuple[ast.Name, ast.expr]]:
    for statement in node.body:
        yield from _assigned(statement)


def _calls(node: ast.AST | None) -> list[ast.Call]:
    """The Column(…) and mapped_column(…) anywhere in it; they may stand in deferred(…)."""
    return (
        []
        if node is None
        else [part for part in ast.walk(node) if isinstance(part, ast.Call) and _last(part.func) in _COLUMNS]
    )


def _last(node: ast.expr) -> str:
    """`Column` of both Column and sa.Column."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
