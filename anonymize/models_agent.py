"""Tells, as JSON, what SQLAlchemy models say of their columns: a program for the models' own interpreter.

It runs on Python 3.7 and later, with SQLAlchemy 1.4 and later, and needs nothing but the standard library and what the
models import. `anonymize.models` runs it and says what the answer means.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback


def main(reference):
    """Writes one line to what was the standard output; what the models print goes to the standard error."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[:0] = [os.getcwd(), os.path.join(os.getcwd(), "src")]
    try:
        told = tell(reference)
    except BaseException as error:  # models may raise anything, SystemExit too
        told = {"error": _line("%s: %s" % (type(error).__name__, error)), "place": _place(error)}
    json.dump(told, answer)
    answer.close()
    sys.stderr.flush()
    os._exit(0)  # whatever the models have started


def tell(reference):
    """The tables of `MODULE:NAME`; NAME is a declarative base, a registry or a MetaData."""
    module_name, _, name = reference.partition(":")
    module = importlib.import_module(module_name)
    target = module
    for part in name.split("."):
        target = getattr(target, part)
    metadata = target if hasattr(target, "sorted_tables") else getattr(target, "metadata", None)
    if not hasattr(metadata, "tables"):
        raise TypeError("%s is neither a declarative base nor a registry nor a MetaData" % reference)
    dialect = importlib.import_module("sqlalchemy.dialects.mysql").dialect()
    tables = list(metadata.tables.values())
    classes = _classes(module, target, tables)
    return {
        "tables": [
            _table(table, module_name, [c for c in classes if c.__table__ is table], dialect) for table in tables
        ]
    }


def _classes(module, target, tables):
    """The classes that are mapped to these tables."""
    found = [one for one in vars(module).values() if isinstance(one, type)]
    waiting = [target] if isinstance(target, type) else []
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(one.__subclasses__())
    for registry in (target, getattr(target, "registry", None)):
        found.extend(mapper.class_ for mapper in getattr(registry, "mappers", ()))
    known = {id(table) for table in tables}
    mapped = {
        id(one): one for one in found if id(getattr(one, "__table__", None)) in known and hasattr(one, "__mapper__")
    }
    return sorted(mapped.values(), key=lambda one: (one.__module__, one.__qualname__))


def _table(table, module_name, classes, dialect):
    attributes = {}
    for one in classes:
        for key, column in one.__mapper__.columns.items():
            attributes.setdefault(id(column), "%s:%s.%s" % (one.__module__, one.__qualname__, key))
    rules = {}
    for one in classes:
        for base in reversed(one.__mro__):
            if getattr(base, "__table__", table) is not table:
                continue  # what it says is said of its own table
            for name, said in dict(vars(base).get("__confidential__", {})).items():
                column = _column_of(one, table, name)
                place = "%s:%s.__confidential__" % (base.__module__, base.__qualname__)
                rules[column] = {"column": column, "fuzzy": said, "place": place}
    for column in table.columns:
        if "anonymize" in column.info:
            place = attributes.get(id(column), "%s:%s.%s" % (module_name, table.name, column.name))
            rules[column.name] = {"column": column.name, "said": column.info["anonymize"], "place": place}
    for rule in rules.values():
        try:
            json.dumps(rule)
        except (TypeError, ValueError) as error:
            raise TypeError("what %s says of %s is no text, number, list or table: %s"
                            % (rule["place"], rule["column"], error)) from error  # fmt: skip
    module = classes[0].__module__ if classes else module_name
    return {"create": _create(table, dialect), "rules": list(rules.values()), "module": module}


def _column_of(mapped, table, name):
    """The name of the column that a class has under `name`."""
    if name in table.columns:
        return table.columns[name].name
    column = mapped.__mapper__.columns.get(name)
    return column.name if column is not None and column.table is table else name


def _create(table, dialect):
    """A CREATE TABLE statement for the reader of these; it has no defaults, checks and plain keys."""
    parts = [_column(column, dialect) for column in table.columns]
    if len(table.primary_key.columns):
        parts.append("PRIMARY KEY " + _names(column.name for column in table.primary_key.columns))
    unique = [one for one in table.constraints if type(one).__name__ == "UniqueConstraint"]
    unique += [one for one in table.indexes if one.unique]
    parts += sorted("UNIQUE KEY " + _names(column.name for column in one.columns) for one in unique if len(one.columns))
    parts += sorted(_foreign_key(one) for one in table.foreign_key_constraints)
    name = _name(table.name) if table.schema is None else _name(table.schema) + "." + _name(table.name)
    return "CREATE TABLE %s (\n%s\n)%s" % (name, ",\n".join(parts), _options(table.kwargs))


def _column(column, dialect):
    text = "%s %s" % (_name(column.name), _type(column.type, dialect))
    if getattr(column, "computed", None) is not None:
        text += " GENERATED ALWAYS AS (%s)" % column.computed.sqltext
    return text if column.nullable else text + " NOT NULL"


def _type(type_, dialect):
    members = getattr(type_, "enums", None)
    if members and getattr(type_, "native_enum", True):
        return "enum(%s)" % ",".join(_string(str(one)) for one in members)
    try:
        return type_.compile(dialect=dialect)
    except Exception:  # a type of another database, or text without the length that MySQL asks for
        kind = getattr(type_, "impl", type_)
        return "varchar" if getattr(kind, "__visit_name__", "") in ("string", "unicode", "VARCHAR") else "unknown"


def _foreign_key(constraint):
    targets = [element.target_fullname.rsplit(".", 1) for element in constraint.elements]
    return "FOREIGN KEY %s REFERENCES %s %s" % (
        _names(column.name for column in constraint.columns),
        ".".join(_name(part) for part in targets[0][0].rsplit(".", 1)),
        _names(column for _, column in targets),
    )


def _options(said):
    text = ""
    for word, names in (("CHARSET", ("charset", "default_charset", "character_set")), ("COLLATE", ("collate",))):
        for name in names:
            for flavor in ("mysql", "mariadb"):
                value = said.get("%s_%s" % (flavor, name))
                if value and word not in text:
                    text += " %s=%s" % (word, value)
    return text


def _names(names):
    return "(%s)" % ", ".join(_name(name) for name in names)


def _name(name):
    return "`%s`" % name.replace("`", "``")


def _string(text):
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "''")


def _line(text):
    return " ".join(text.split())[:500]


def _place(error):
    """The last line of the models' own that was run."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    return "%s:%s" % (frames[-1].filename, frames[-1].lineno) if frames else ""


if __name__ == "__main__":
    main(sys.argv[1])
