"""Edits in a project's migci.toml that leave all else in it as it is, comments included."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import tomlkit
from tomlkit.items import Table

from migci.errors import UsageError


def set_dataset(path: Path, name: str, entry: Mapping[str, str]) -> None:
    """Set keys of `[datasets.NAME]`, which is made if it is not there. Raises UsageError when it cannot be written."""
    document = _read(path)
    if "datasets" not in document:
        document["datasets"] = tomlkit.table(is_super_table=True)
    datasets = document["datasets"]
    assert isinstance(datasets, Table)
    if name not in datasets:
        datasets[name] = tomlkit.table()
    table = datasets[name]
    assert isinstance(table, Table)
    for key, value in entry.items():
        table[key] = value
    _write(path, document)


def remove_dataset(path: Path, name: str) -> None:
    """Take `[datasets.NAME]` out, with all that belongs to it. Raises UsageError when it cannot be written."""
    document = _read(path)
    datasets = document["datasets"]
    assert isinstance(datasets, Table)
    del datasets[name]
    _write(path, document)


def _read(path: Path) -> tomlkit.TOMLDocument:
    return tomlkit.parse(path.read_text(encoding="utf-8"))


def _write(path: Path, document: tomlkit.TOMLDocument) -> None:
    """Whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_text(tomlkit.dumps(document), encoding="utf-8")
        fresh.chmod(path.stat().st_mode & 0o777)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
