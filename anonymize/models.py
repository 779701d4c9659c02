"""Markup and tables from SQLAlchemy models, which are imported in their own interpreter."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anonymize.dumps.create import create
from anonymize.errors import Unreadable, UsageError
from anonymize.fuzzy_happiness import kind_of
from anonymize.markup import Markup, Rule, TableMarkup
from anonymize.rules import Kinds, rule
from anonymize.schema import Schema, Table

REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
"""How models are named: MODULE:NAME."""

LIMIT_SECONDS = 300
AGENT = Path(__file__).with_name("models_agent.py")
"""The program that tells what models say; nothing else of this package is needed to run it."""


@dataclass(frozen=True, slots=True)
class Models:
    """What models say."""

    markup: Markup
    schema: Schema
    """Their tables. A type that MySQL does not have is "", and defaults and checks are not told."""
    modules: Mapping[str, str]
    """The module that each table is declared in, as far as it is known."""


def read(
    reference: str, kinds: Kinds, *, python: str, inside: Sequence[str] = (), folder: Path | None = None
) -> Models:
    """What the models `MODULE:NAME` say, as the interpreter `python` imports them in `folder`.

    NAME is a declarative base, a registry or a MetaData; `folder` and its `src` are where modules are looked for first.
    Importing runs the models' code: `inside` is the beginning of a command that runs the interpreter in a sandbox. That
    needs to let through no more than what the models import; the program comes over the standard input.

    Raises UsageError where they cannot be imported, and for rules that are not understood.
    """
    answer = _asked(reference, [*inside, python, "-", reference], folder)
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise _senseless(reference) from error
    return understood(told, reference, kinds)


def _asked(reference: str, command: Sequence[str], folder: Path | None) -> str:
    try:
        done = subprocess.run(
            command,
            input=AGENT.read_bytes(),
            capture_output=True,
            cwd=folder,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise UsageError(
            f"the models {reference} need an interpreter, and {command[0]} cannot be run: {error.strerror}",
            "name the one that the models run on with --python, like .venv/bin/python",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"importing the models {reference} took more than {LIMIT_SECONDS} s", "make sure that the import ends"
        ) from error
    if done.returncode != 0 or not done.stdout:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1][:500]
        raise UsageError(
            f"the interpreter that imports the models {reference} ended with status {done.returncode}: {said}",
            "name the one that the models run on with --python, like .venv/bin/python",
        )
    return done.stdout.decode(errors="replace")


def understood(told: Any, reference: str, kinds: Kinds) -> Models:
    """What the program's answer means. The models' code could have written it: nothing of it is taken for granted.

    Raises UsageError for an answer that makes no sense, one that tells of an error, and rules that are not understood.
    """
    try:
        if "error" in told:
            raise UsageError(
                f"the models {reference} cannot be imported: {told['error']}"
                + (f" (at {told['place']})" if told["place"] else ""),
                "name the interpreter that they run on with --python; where they cannot be imported at all, "
                "read them with --static",
            )
        found = [_table(one, reference, kinds) for one in told["tables"]]
        declared = [str(one.get("module", "")) for one in told["tables"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _senseless(reference) from error
    except Unreadable as error:
        raise UsageError(f"a table of the models {reference} is not understood: {error.message}", error.hint) from error
    schema: dict[str, Table] = {}
    markup: dict[str, TableMarkup] = {}
    modules: dict[str, str] = {}
    for (table, said), module in zip(found, declared, strict=True):
        name = f"{table.database}.{table.name}" if table.database else table.name
        schema[name], modules[name] = table, module
        if said.columns:
            markup[name] = said
    return Models(Markup(markup), Schema(schema), modules)


def _senseless(reference: str) -> UsageError:
    return UsageError(
        f"the interpreter that imports the models {reference} answered something that is not understood",
        "make sure that nothing which they import writes to file descriptors that it did not open",
    )


def _table(told: dict[str, Any], reference: str, kinds: Kinds) -> tuple[Table, TableMarkup]:
    table = create(str(told["create"]))
    columns = tuple(replace(column, type="" if column.type == "unknown" else column.type) for column in table.columns)
    rules = dict(_rule(one, table.name, kinds) for one in told["rules"])
    return replace(table, columns=columns, place=reference), TableMarkup(rules, place=reference)


def _rule(told: dict[str, Any], table: str, kinds: Kinds) -> tuple[str, Rule]:
    column, place = str(told["column"]), str(told["place"])
    what = f"{table}.{column}"
    said = kind_of(told["fuzzy"], place, what, kinds) if "fuzzy" in told else told["said"]
    return column, rule(said, place, what, kinds)
