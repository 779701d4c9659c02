"""Edits in a project's migci.toml that leave all else in it as it is, comments included."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from migci.errors import UsageError

_Tables = MutableMapping[str, Any]


def set_dataset(path: Path, name: str, entry: Mapping[str, str]) -> None:
    """Set keys of `[datasets.NAME]`, which is made if it is not there. Raises UsageError when it cannot be written."""

    def edit(document: _Tables) -> None:
        if "datasets" not in document:
            document["datasets"] = tomlkit.table(is_super_table=True)
        datasets = document["datasets"]
        if name not in datasets:
            datasets[name] = tomlkit.inline_table() if isinstance(datasets, InlineTable) else tomlkit.table()
        for key, value in entry.items():
            datasets[name][key] = value

    def expect(content: dict[str, Any]) -> None:
        content.setdefault("datasets", {}).setdefault(name, {}).update(entry)

    lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in entry.items()]
    _edit(path, edit, expect, f"put it there yourself: {', '.join(lines)}, in [datasets.{name}]")


def remove_dataset(path: Path, name: str) -> None:
    """Take `[datasets.NAME]` out, with all that belongs to it. Raises UsageError when it cannot be written."""

    def edit(document: _Tables) -> None:
        del document["datasets"][name]

    def expect(content: dict[str, Any]) -> None:
        del content["datasets"][name]

    _edit(path, edit, expect, f"take [datasets.{name}] out yourself")


def _edit(path: Path, edit: Callable[[_Tables], None], expect: Callable[[dict[str, Any]], None], hint: str) -> None:
    """Change the file by `edit`, but only if it says then what `expect` makes of what it said."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    expected = tomllib.loads(text)
    expect(expected)
    try:
        document = tomlkit.parse(text)
        edit(document)
        edited = tomlkit.dumps(document)
        good = tomllib.loads(edited) == expected
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{path} is laid out so that it cannot be edited: {error}", hint) from error
    if not good:
        raise UsageError(f"{path} is laid out so that it cannot be edited", hint)
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        edited = edited.replace("\r\n", "\n").replace("\n", "\r\n")
    _write(path.resolve(), edited)


def _write(path: Path, text: str) -> None:
    """Whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(text.encode())
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
