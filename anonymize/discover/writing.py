"""Proposals as TOML to review, and as data for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from anonymize.decisions import name_of
from anonymize.discover.proposal import Proposal, Verdict
from anonymize.foretold import toml_key

SCHEMA = "anonymize.discover/1"
_HEAD = """\
# Proposed by anonymize discover: read every line before you use it.
# A line that begins with "# ?" is for you to decide: until its column is marked, anonymize plan refuses.
"""


def toml(proposals: Sequence[Proposal]) -> str:
    """The file of markup: a line for every column, with why."""
    return _HEAD + "\n".join(_lines(proposals)) + "\n"


def _lines(proposals: Sequence[Proposal]) -> Iterator[str]:
    # With its database only where there are several: markup with both names would be refused.
    alone = len({one.table.database for one in proposals}) == 1
    for table, its in groupby(proposals, key=lambda one: one.table.name if alone else name_of(one.table)):
        columns = list(its)
        left = all(one.judgement.verdict is Verdict.LEFT for one in columns)
        yield ""
        yield ("# " if left else "") + f"[tables.{_key(table)}]"
        yield from map(_line, columns)


def _line(one: Proposal) -> str:
    name, judgement = _key(one.column.name), one.judgement
    why = _harmless(judgement.why)
    if judgement.verdict is Verdict.LEFT:
        return f"# {name}: {why}"
    if judgement.verdict is Verdict.ASK:
        return f"# ? {name}: {why}"
    if judgement.options or one.column.name == "like":
        value = _value({"kind": judgement.kind, **judgement.options})
    else:
        value = _value(judgement.kind)
    sure = f" ({judgement.confidence:.2f})" if judgement.verdict is Verdict.REPLACE else ""
    return f"{name} = {value}  # {why}{sure}"


def data(proposals: Sequence[Proposal]) -> dict[str, Any]:
    """The proposals as what JSON is made of."""
    return {
        "schema": SCHEMA,
        "columns": [
            {
                "table": name_of(one.table),
                "column": one.column.name,
                "type": one.column.type,
                "verdict": one.judgement.verdict.value,
                "kind": one.judgement.kind or None,
                "options": dict(one.judgement.options),
                "confidence": round(one.judgement.confidence, 2),
                "why": one.judgement.why,
            }
            for one in proposals
        ],
        "counts": counts(proposals),
    }


def counts(proposals: Iterable[Proposal]) -> dict[str, int]:
    """How many columns have each verdict."""
    found = Counter(one.judgement.verdict for one in proposals)
    return {verdict.value: found[verdict] for verdict in Verdict}


def summary(proposals: Sequence[Proposal]) -> str:
    """In one line."""
    found = counts(proposals)
    return (
        f"{len(proposals)} columns: {found['replace']} to replace, {found['keep']} to keep, "
        f"{found['?']} for you to decide, {found['left out']} decided by others"
    )


def _key(name: str) -> str:
    """A name as a key of TOML, in which it is the same name, and on a terminal nothing but a name."""
    return "".join(one if one.isprintable() else _escaped(one) for one in toml_key(name))


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:  # a byte that was no text, for which TOML has no way to write it
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _harmless(text: str) -> str:
    """Without characters that no line of TOML may hold, or that a terminal would obey."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
