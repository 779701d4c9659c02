"""Markup as `anonymize` reads it, from TOML and from what a project's models said: the one place that knows of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from anonymize import markup_file, models
from anonymize.errors import UsageError as Refused
from anonymize.markup import Markup as Read
from anonymize.merging import merged
from migci.core.markup import ANY, Column, Markup, Modelled, Named
from migci.errors import UsageError
from migci.ports import Marked

MODELS_AGENT = models.AGENT
"""What tells, in the project's interpreter, what its models say."""

_LONGEST_BYTES = 1 << 18
_LONGEST_PLACE = 200
_MOST_TOLD = 1 << 22
"""Of the characters that models may take to tell of their tables; those of Nova take 40 000."""


def read(text: str, file: str, *, alone: bool = True) -> Markup:
    """The markup in a TOML file; with `alone` nothing else says what is confidential.

    Raises UsageError for what is not understood, with the file and the line.
    """
    found = _file(text, file)
    if alone:
        _check(found, file)
    return replace(_plain(found, file), text=text)


class Markups:
    """A `MarkupReader`."""

    def read(self, file: tuple[str, str] | None, told: tuple[str, Mapping[str, Any]] | None) -> Marked:
        sources: list[Read] = []
        modelled: tuple[Modelled, ...] = ()
        if told is not None:
            found = _models(*told)
            sources.append(found.markup)
            if found.markup.tables:
                modelled = tuple(_modelled(found))
        name = ""
        if file is not None:
            name, text = file
            if len(text) > _LONGEST_BYTES:
                raise UsageError(f"the markup {name} is longer than {_LONGEST_BYTES >> 10} KB")
            sources.append(_file(text, name))
        whole, notes = merged(sources)
        _check(whole, name)
        return Marked(_plain(whole, name), modelled, notes)


def _file(text: str, file: str) -> Read:
    try:
        return markup_file.parse(text, file, _kind)
    except Refused as error:
        raise UsageError(f"the markup {error.message}", hint=error.hint) from error
    except RecursionError as error:
        raise UsageError(f"the markup {file} has tables within tables beyond all measure") from error


def _models(reference: str, told: Mapping[str, Any]) -> models.Models:
    tables = told.get("tables")
    try:
        if isinstance(tables, list) and sum(len(str(one)) for one in tables) > _MOST_TOLD:
            raise UsageError(f"the models {reference} tell of more tables than can be read")
        return models.understood(told, reference, _kind)
    except Refused as error:
        raise UsageError(error.message, hint=error.hint) from error
    except RecursionError as error:
        raise UsageError(f"the models {reference} tell something that makes no sense") from error


def _modelled(found: models.Models) -> Iterator[Modelled]:
    for name, table in found.schema.tables.items():
        for one in table.columns:
            refers = tuple(
                (key.table, other)
                for key in table.foreign_keys
                for own, other in zip(key.columns, key.references, strict=False)
                if own == one.name
            )
            column = Column(table.name, one.name, text=False, refers=refers, generated=one.generated is not None)
            yield Modelled(column, found.modules[name])


def _kind(name: str) -> Any:
    """A kind by its name. Nothing of a project's is imported for it: that is done where values are replaced."""
    from anonymize.kinds import find  # a fifth of a second, for those alone who have markup

    return find(name)


def _check(markup: Read, file: str) -> None:
    """Raises UsageError for a table that is like one of which nothing is said."""
    known = {name.lower() for name in markup.tables}
    for table, said in markup.tables.items():
        if said.like is not None and said.like.lower() not in known:
            raise UsageError(f"the markup {said.place}: table {table!r} is like {said.like!r}, which is not in {file}")


def _plain(markup: Read, file: str) -> Markup:
    columns: list[tuple[str, str, str]] = []
    for table, said in markup.tables.items():
        columns.extend((table, column, rule.kind) for column, rule in said.columns.items())
        if said.rest is not None:
            columns.append((table, ANY, said.rest.kind))
    like = tuple((table, said.like) for table, said in markup.tables.items() if said.like is not None)
    return Markup(tuple(columns), like, tuple(_named(markup, file)), file)


def _named(markup: Read, file: str) -> Iterator[Named]:
    for table, said in markup.tables.items():
        yield _at(table, None, said.place, file)
        for column, rule in said.columns.items():
            yield _at(table, column, rule.place, file)


def _at(table: str, column: str | None, place: str, file: str) -> Named:
    """With the line, where `place` is one of `file`."""
    if file and place == file:
        return Named(table, column, place, file)
    found = re.fullmatch(rf"{re.escape(file)}:(\d+)", place) if file else None
    place = " ".join(place.split())[:_LONGEST_PLACE]
    return Named(table, column, place, file if found else None, int(found[1]) if found else None)
